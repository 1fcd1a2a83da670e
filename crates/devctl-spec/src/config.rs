//! The properties of `devcontainer.json`, typed.

#[cfg(test)]
mod tests;

use indexmap::IndexMap;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::error::{Place, SpecError};
use crate::hooks::{HookCommand, HookKind};
use crate::host::HostRequirements;
use crate::mounts::MountEntry;
use crate::origins::{Origins, pointer_step};
use crate::ports::{AppPort, ForwardPort};

/// How the user's environment is found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UserEnvProbe {
    /// Not at all.
    None,
    /// A login shell.
    LoginShell,
    /// An interactive shell.
    InteractiveShell,
    /// A shell that is both: the default.
    LoginInteractiveShell,
}

impl UserEnvProbe {
    /// As it is written in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::LoginShell => "loginShell",
            Self::InteractiveShell => "interactiveShell",
            Self::LoginInteractiveShell => "loginInteractiveShell",
        }
    }
}

/// What happens to the container when its tool is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ShutdownAction {
    /// Nothing.
    None,
    /// The container is stopped.
    StopContainer,
    /// All containers of the Compose project are stopped.
    StopCompose,
}

impl ShutdownAction {
    /// As it is written in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::StopContainer => "stopContainer",
            Self::StopCompose => "stopCompose",
        }
    }
}

/// A text or a list of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOrMany(pub Vec<String>);

/// The properties that a configuration shares with the image's metadata label.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Properties {
    /// An init process reaps.
    pub init: Option<bool>,
    /// All rights.
    pub privileged: Option<bool>,
    /// Added capabilities.
    pub cap_add: Option<Vec<String>>,
    /// Security options.
    pub security_opt: Option<Vec<String>>,
    /// A script that runs before the main process (features only).
    pub entrypoint: Option<String>,
    /// Mounts.
    pub mounts: Option<Vec<MountEntry>>,
    /// Once, when the container is new.
    pub on_create_command: Option<HookCommand>,
    /// Once, and at each refresh of a prebuild.
    pub update_content_command: Option<HookCommand>,
    /// Once, when the container has its user.
    pub post_create_command: Option<HookCommand>,
    /// At each start.
    pub post_start_command: Option<HookCommand>,
    /// At each attach.
    pub post_attach_command: Option<HookCommand>,
    /// Which command a tool waits for.
    pub wait_for: Option<HookKind>,
    /// User of the container.
    pub container_user: Option<String>,
    /// User of tools and commands.
    pub remote_user: Option<String>,
    /// How the user's environment is found out.
    pub user_env_probe: Option<UserEnvProbe>,
    /// The image's own command is replaced by one that waits.
    pub override_command: Option<bool>,
    /// What happens when the tool is closed.
    pub shutdown_action: Option<ShutdownAction>,
    /// The user's ids are aligned with those of the local user.
    #[serde(rename = "updateRemoteUserUID")]
    pub update_remote_user_uid: Option<bool>,
    /// Settings of tools, by tool.
    pub customizations: Option<IndexMap<String, Value>>,
    /// Environment of tools and commands; `None` unsets.
    #[serde(deserialize_with = "nullable_texts")]
    pub remote_env: Option<IndexMap<String, Option<String>>>,
    /// Environment of the container.
    #[serde(deserialize_with = "texts")]
    pub container_env: Option<IndexMap<String, String>>,
    /// Attributes by port, range or expression.
    pub ports_attributes: Option<IndexMap<String, Value>>,
    /// Attributes of all other ports.
    pub other_ports_attributes: Option<Value>,
    /// Ports that are always forwarded.
    pub forward_ports: Option<Vec<ForwardPort>>,
    /// What the host must have.
    pub host_requirements: Option<HostRequirements>,
}

impl Properties {
    /// The command of a kind; there is none of [`HookKind::InitializeCommand`], which is not stored in images.
    pub fn hook(&self, kind: HookKind) -> Option<&HookCommand> {
        match kind {
            HookKind::InitializeCommand => None,
            HookKind::OnCreateCommand => self.on_create_command.as_ref(),
            HookKind::UpdateContentCommand => self.update_content_command.as_ref(),
            HookKind::PostCreateCommand => self.post_create_command.as_ref(),
            HookKind::PostStartCommand => self.post_start_command.as_ref(),
            HookKind::PostAttachCommand => self.post_attach_command.as_ref(),
        }
    }
}

/// How an image is built.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Build {
    /// The Dockerfile, relative to the configuration.
    pub dockerfile: Option<String>,
    /// The context, relative to the configuration; its own folder where absent.
    pub context: Option<String>,
    /// Build arguments.
    #[serde(deserialize_with = "texts")]
    pub args: Option<IndexMap<String, String>>,
    /// The stage.
    pub target: Option<String>,
    /// Images whose layers are reused.
    pub cache_from: Option<OneOrMany>,
    /// Flags of `docker build`.
    pub options: Option<Vec<String>>,
}

/// A secret that the configuration would like to have.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SecretDeclaration {
    /// What it is for.
    pub description: Option<String>,
    /// Where it is explained.
    pub documentation_url: Option<String>,
}

/// A configuration, with legacy names read into their successors.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DevContainer {
    /// Name for people.
    pub name: Option<String>,
    /// The image.
    pub image: Option<String>,
    /// How the image is built; the legacy `dockerFile` and `context` are read into it.
    pub build: Option<Build>,
    /// Ports published on the host.
    #[serde(deserialize_with = "app_ports")]
    pub app_port: Vec<AppPort>,
    /// Flags of `docker run`.
    pub run_args: Option<Vec<String>>,
    /// Where the workspace lies in the container.
    pub workspace_folder: Option<String>,
    /// How it is mounted, in the notation of `--mount`; empty mounts nothing.
    pub workspace_mount: Option<String>,
    /// Compose files.
    pub docker_compose_file: Option<OneOrMany>,
    /// The service of Compose.
    pub service: Option<String>,
    /// Services that are started with it.
    pub run_services: Option<Vec<String>>,
    /// Features with their options.
    pub features: Option<IndexMap<String, Value>>,
    /// Their order.
    pub override_feature_install_order: Option<Vec<String>>,
    /// On the host, before each start.
    pub initialize_command: Option<HookCommand>,
    /// Secrets that it would like to have.
    pub secrets: Option<IndexMap<String, SecretDeclaration>>,
    #[serde(skip)]
    /// What it shares with the metadata label.
    pub properties: Properties,
}

impl DevContainer {
    /// Types a substituted configuration; a wrong value is refused with the place from `origins`.
    pub fn from_value(value: &Value, origins: &Origins) -> Result<Self, SpecError> {
        let mut config: Self = typed(value, origins)?;
        config.properties = typed(value, origins)?;
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        struct Legacy {
            docker_file: Option<String>,
            context: Option<String>,
        }
        let legacy: Legacy = typed(value, origins)?;
        if let Some(dockerfile) = legacy.docker_file {
            let build = config.build.get_or_insert_default();
            build.dockerfile = Some(dockerfile);
            build.context = legacy.context;
        }
        Ok(config)
    }

    /// Whether an image is built for it.
    pub fn is_build(&self) -> bool {
        self.build
            .as_ref()
            .is_some_and(|build| build.dockerfile.is_some())
    }
}

/// Moves the legacy `extensions`, `settings` and `devPort` to `customizations.vscode`, as the reference does.
pub(crate) fn normalise_legacy(fields: &mut Map<String, Value>, origins: &mut Origins) {
    if !["extensions", "settings", "devPort"]
        .iter()
        .any(|key| fields.get(*key).is_some_and(|value| !value.is_null()))
    {
        return;
    }
    let customizations = fields
        .entry("customizations")
        .or_insert_with(|| Value::Object(Map::new()));
    // Where these are no objects, typing refuses them by name; nothing may be lost before.
    let Value::Object(tools) = customizations else {
        return;
    };
    let mut vscode = match tools.get("vscode") {
        None => Map::new(),
        Some(Value::Object(present)) => present.clone(),
        Some(_) => return,
    };
    if let Some(Value::Array(legacy)) = fields.get("extensions") {
        let mut all = match vscode.get("extensions") {
            Some(Value::Array(present)) => present.clone(),
            _ => Vec::new(),
        };
        all.extend(legacy.iter().cloned());
        vscode.insert("extensions".into(), Value::Array(all));
        fields.remove("extensions");
        origins.moved("/extensions", "/customizations/vscode/extensions");
    }
    if let Some(Value::Object(legacy)) = fields.get("settings") {
        let mut settings = legacy.clone();
        if let Some(Value::Object(present)) = vscode.get("settings") {
            settings.extend(present.clone());
        }
        vscode.insert("settings".into(), Value::Object(settings));
        fields.remove("settings");
        origins.moved("/settings", "/customizations/vscode/settings");
    }
    if !vscode.contains_key("devPort")
        && let Some(port) = fields.remove("devPort")
    {
        origins.moved("/devPort", "/customizations/vscode/devPort");
        vscode.insert("devPort".into(), port);
    }
    if let Some(Value::Object(tools)) = fields.get_mut("customizations") {
        tools.insert("vscode".into(), Value::Object(vscode));
    }
}

/// Types a value; a mistake becomes [`SpecError::Invalid`] with the property and its place.
pub(crate) fn typed<T: DeserializeOwned>(value: &Value, origins: &Origins) -> Result<T, SpecError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let pointer = error
            .path()
            .iter()
            .fold(String::new(), |pointer, segment| match segment {
                serde_path_to_error::Segment::Map { key } => pointer_step(&pointer, key),
                serde_path_to_error::Segment::Seq { index } => format!("{pointer}/{index}"),
                _ => pointer,
            });
        SpecError::Invalid {
            place: origins
                .origin(&pointer)
                .map_or_else(|| Place::file(origins.file()), Place::from),
            property: error.path().to_string(),
            what: error.into_inner().to_string(),
        }
    })
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let wrong = || D::Error::custom("expected a string or a list of strings");
        match Value::deserialize(source)? {
            Value::String(one) => Ok(Self(vec![one])),
            Value::Array(many) => many
                .into_iter()
                .map(|item| match item {
                    Value::String(text) => Ok(text),
                    _ => Err(wrong()),
                })
                .collect::<Result<_, _>>()
                .map(Self),
            _ => Err(wrong()),
        }
    }
}

/// Numbers and truth values stand in many environments; they mean their own text.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn texts<'de, D: Deserializer<'de>>(source: D) -> Result<Option<IndexMap<String, String>>, D::Error> {
    let Some(map) = Option::<IndexMap<String, Value>>::deserialize(source)? else {
        return Ok(None);
    };
    map.into_iter()
        .map(|(name, value)| match text_of(&value) {
            Some(text) => Ok((name, text)),
            None => Err(D::Error::custom(format!("{name} must be a string"))),
        })
        .collect::<Result<_, _>>()
        .map(Some)
}

type NullableTexts = IndexMap<String, Option<String>>;

fn nullable_texts<'de, D: Deserializer<'de>>(source: D) -> Result<Option<NullableTexts>, D::Error> {
    let Some(map) = Option::<IndexMap<String, Value>>::deserialize(source)? else {
        return Ok(None);
    };
    map.into_iter()
        .map(|(name, value)| match (text_of(&value), value) {
            (Some(text), _) => Ok((name, Some(text))),
            (None, Value::Null) => Ok((name, None)),
            (None, _) => Err(D::Error::custom(format!(
                "{name} must be a string, or null to unset it"
            ))),
        })
        .collect::<Result<_, _>>()
        .map(Some)
}

fn app_ports<'de, D: Deserializer<'de>>(source: D) -> Result<Vec<AppPort>, D::Error> {
    let read = |value: Value| AppPort::deserialize(value).map_err(D::Error::custom);
    match Value::deserialize(source)? {
        Value::Null => Ok(Vec::new()),
        Value::Array(all) => all.into_iter().map(read).collect(),
        one => read(one).map(|port| vec![port]),
    }
}
