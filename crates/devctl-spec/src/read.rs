//! From a folder to a configuration: found, parsed, variables filled in, typed.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::config::{DevContainer, normalise_legacy};
use crate::discover::choose;
use crate::error::{Place, SpecError};
use crate::files::Files;
use crate::identity::{devcontainer_id, id_labels};
use crate::local::LocalEnv;
use crate::origins::Origins;
use crate::parse::parse;
use crate::variables::{VariableContext, VariableError, substitute};
use crate::workspace::{Workspace, path_text, workspace_of};

/// A configuration that was read.
#[derive(Debug, Clone)]
pub struct ReadConfig {
    /// As written, legacy `settings`, `extensions` and `devPort` moved; variables not filled in.
    pub raw: Value,
    /// The same with variables filled in.
    pub value: Value,
    /// The same, typed.
    pub config: DevContainer,
    /// The workspace, variables filled in.
    pub workspace: Workspace,
    /// The folder that was opened.
    pub folder: PathBuf,
    /// The configuration file.
    pub config_path: PathBuf,
    /// Whether that file was chosen, not discovered; the reference writes its address differently then.
    pub is_chosen: bool,
    /// Which line each property comes from.
    pub origins: Origins,
    /// What variables stand for; used again for the image's metadata.
    pub variables: VariableContext,
}

/// Reads the configuration of `folder`, which must be absolute: the chosen file or the only one.
///
/// `${devcontainerId}` and `${containerEnv:…}` stay, as there is no container yet; [`ReadConfig::for_container`] fills in
/// the first.
///
/// # Errors
/// Any [`SpecError`] of finding, parsing, variables and types.
pub fn read(
    files: &dyn Files,
    folder: &Path,
    config: Option<&Path>,
    env: &LocalEnv,
) -> Result<ReadConfig, SpecError> {
    let config_path = choose(files, folder, config)?;
    let content = files
        .read(&config_path)
        .map_err(|source| SpecError::Unreadable {
            path: config_path.clone(),
            source,
        })?
        .ok_or_else(|| SpecError::NotFound {
            path: config_path.clone(),
        })?;
    let parsed = parse(&content, &config_path)?;
    let mut origins = parsed.origins;
    let Value::Object(mut fields) = parsed.value else {
        return Err(SpecError::Invalid {
            place: Place::file(&config_path),
            property: "the configuration".into(),
            what: "must be a JSON object".into(),
        });
    };
    normalise_legacy(&mut fields, &mut origins);
    let workspace = workspace_of(files, folder, &fields, env.platform)?;
    let variables = VariableContext {
        local: env.clone(),
        local_workspace_folder: Some(path_text(folder)?.to_owned()),
        container_workspace_folder: workspace.workspace_folder.clone(),
        devcontainer_id: None,
    };
    ReadConfig {
        raw: Value::Object(fields),
        value: Value::Null,
        config: DevContainer::default(),
        workspace,
        folder: folder.to_path_buf(),
        config_path,
        is_chosen: config.is_some(),
        origins,
        variables,
    }
    .filled_in()
}

/// A configuration for a bare image: a volume as its workspace, no file behind it.
///
/// `image` is both name and label; `workspace_volume` is mounted at `/workspaces/<volume>`.
///
/// # Errors
/// None of a file; only what typing refuses.
pub fn for_image(image: &str, workspace_volume: &str, env: &LocalEnv) -> Result<ReadConfig, SpecError> {
    let folder = format!("/workspaces/{workspace_volume}");
    let mount = format!("type=volume,source={workspace_volume},target={folder}");
    let path = PathBuf::from(image);
    ReadConfig {
        raw: serde_json::json!({"image": image, "workspaceFolder": folder, "workspaceMount": mount}),
        value: Value::Null,
        config: DevContainer::default(),
        workspace: Workspace {
            workspace_folder: Some(folder.clone()),
            workspace_mount: Some(mount.into()),
            default_mount: None,
            git_root: None,
        },
        folder: PathBuf::new(),
        origins: Origins::new(&path, None),
        config_path: path,
        is_chosen: true,
        variables: VariableContext {
            local: env.clone(),
            local_workspace_folder: None,
            container_workspace_folder: Some(folder),
            devcontainer_id: None,
        },
    }
    .filled_in()
}

impl ReadConfig {
    /// The labels of the reference by which the container is found.
    pub fn id_labels(&self) -> std::collections::BTreeMap<String, String> {
        id_labels(&self.folder, &self.config_path, self.variables.local.platform)
    }

    /// The same configuration with `${devcontainerId}` filled in from [`ReadConfig::id_labels`].
    ///
    /// # Errors
    /// None that reading it did not give already.
    pub fn for_container(mut self) -> Result<Self, SpecError> {
        self.variables.devcontainer_id = Some(devcontainer_id(&self.id_labels()));
        self.filled_in()
    }

    /// The place of a property for people, as `file:line`.
    pub fn origin_text(&self, pointer: &str) -> String {
        match self.origins.origin(pointer) {
            Some(origin) => origin.to_string(),
            None => self.origins.file().display().to_string(),
        }
    }

    pub(crate) fn place(&self, pointer: &str) -> Place {
        self.origins
            .origin(pointer)
            .map_or_else(|| Place::file(self.origins.file()), Place::from)
    }

    fn filled_in(mut self) -> Result<Self, SpecError> {
        let variable = |error: VariableError, origins: &Origins| SpecError::Variable {
            place: origins
                .origin(&error.pointer)
                .map_or_else(|| Place::file(origins.file()), Place::from),
            what: error.to_string(),
        };
        self.value =
            substitute(&self.raw, &self.variables).map_err(|error| variable(error, &self.origins))?;
        self.config = DevContainer::from_value(&self.value, &self.origins)?;
        if let Some(folder) = &self.config.workspace_folder {
            self.workspace.workspace_folder = Some(folder.clone());
        }
        if let Some(mount) = self.value.get("workspaceMount")
            && self.config.docker_compose_file.is_none()
        {
            self.workspace.workspace_mount = Some(mount.clone());
        }
        Ok(self)
    }
}
