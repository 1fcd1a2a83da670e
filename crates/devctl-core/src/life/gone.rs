//! Containers that somebody removed behind our back: what they were made from is still known.

use crate::access::Access;
use crate::caller::Caller;
use crate::containers::Found;
use crate::core::Core;
use crate::error::OrProblem;
use crate::record::Target;
use crate::{adopted, identity};
use devctl_engine::Endpoint;
use devctl_model::{
    Container, ContainerDetail, ContainerRef, ContainerState, ErrorCode, ForgottenContainer, JobId, Problem,
    SourceKind, UpContainer,
};
use devctl_ssh::Alias;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What a container was made from, so that it can be made again when it is gone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MadeFrom {
    /// None for a container that was adopted, and in a record of an older version.
    pub(crate) kind: Option<SourceKind>,
    /// The folder or the image.
    pub(crate) source: String,
    /// The configuration file of a folder.
    pub(crate) config: Option<String>,
    /// What a person called it.
    pub(crate) title: String,
    /// The image that it ran.
    pub(crate) image: String,
    /// What its network is called after.
    pub(crate) network: Option<String>,
}

impl MadeFrom {
    pub(crate) fn of(found: &Found) -> Self {
        let (source, config) = found.source();
        let text = source.text();
        Self {
            kind: Some(source.kind()).filter(|_| !found.is_adopted() && !text.is_empty()),
            source: text,
            config,
            title: found.label(crate::labels::TITLE).unwrap_or_default().to_owned(),
            image: found.summary.image.clone(),
            network: Some(found.network_alias().to_owned()).filter(|_| !found.is_adopted()),
        }
    }
}

impl Core {
    /// The records of containers that are not there any more, though their engine answers.
    pub(crate) fn gone(&self, found: &[Found], silent: &[(Endpoint, Problem)]) -> Vec<Access> {
        let answers = |url: &str| {
            let known = self
                .engines
                .endpoints()
                .iter()
                .any(|endpoint| endpoint.url == url);
            known && !silent.iter().any(|(endpoint, _)| endpoint.url == url)
        };
        let mut gone = Vec::new();
        for alias in identity::known_aliases(&self.config) {
            if found.iter().any(|one| one.alias() == alias.as_str()) {
                continue;
            }
            let Some(access) = Access::read(&self.config, &alias) else {
                continue;
            };
            if found.iter().any(|one| one.id() == access.container) {
                // It has another name by now, and the record of the old one would let people in by that.
                Access::remove(&self.config, alias.as_str());
            } else if answers(&access.url) {
                gone.push(access);
            }
        }
        gone
    }

    /// The record of a container that is gone, by what a person calls it.
    pub(crate) async fn find_gone(&self, name: &str) -> Option<Access> {
        let (found, silent) = self.ours().await;
        let typed = name.to_ascii_lowercase();
        let alias = self.config.alias_in(&typed);
        let folder = self.config.absolute(name);
        let by_id = name.len() >= 4 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.gone(&found, &silent).into_iter().find(|access| {
            access.alias == alias
                || (by_id && access.container.starts_with(name))
                || (access.made_from.kind == Some(SourceKind::Folder)
                    && Path::new(&access.made_from.source) == folder)
        })
    }

    /// As the list shows it.
    pub(crate) fn shown_gone(&self, access: &Access) -> Container {
        let made = &access.made_from;
        let folder = Some(&made.source).filter(|_| made.kind == Some(SourceKind::Folder));
        Container {
            id: access.container.as_str().into(),
            name: access.alias.clone(),
            title: Some(made.title.clone())
                .filter(|title| !title.is_empty())
                .unwrap_or_else(|| access.alias.clone()),
            state: ContainerState::Gone,
            workspace: folder.cloned(),
            workspace_exists: folder.is_none_or(|folder| Path::new(folder).is_dir()),
            image: made.image.clone(),
            ssh_host: self.config.ssh_host(&access.alias),
            host: access.host.clone(),
            created_at: None,
            started_at: None,
            finished_at: None,
            exit_code: None,
            ended: None,
            adopted: false,
            ports: Vec::new(),
            status: "removed by somebody else".to_owned(),
        }
    }

    pub(crate) fn detail_of_gone(&self, access: &Access) -> ContainerDetail {
        ContainerDetail {
            container: self.shown_gone(access),
            remote_user: access.remote_user.clone(),
            remote_workspace_folder: access.workspace_folder.clone(),
            config_file: access.made_from.config.clone(),
            config_changed: None,
            mounts: Vec::new(),
            networks: Vec::new(),
            environment: BTreeMap::new(),
            profile: "standard".to_owned(),
            memory_limit: None,
            cpu_limit: None,
            out_of_memory: false,
        }
    }

    /// Makes a container that is gone again, from what it was made from, with its name. A job.
    pub(crate) fn make_again(
        self: &Arc<Self>,
        caller: &Caller,
        access: &Access,
        trust: Option<String>,
    ) -> Result<JobId, Problem> {
        let made = &access.made_from;
        let Some(kind) = made.kind else {
            return Err(Problem::new(
                ErrorCode::ContainerNotOurs,
                format!("{} is gone, and what it was made from is not known", access.alias),
            )
            .fix_command("Take it off the list", format!("devctl forget {}", access.alias)));
        };
        let request = UpContainer {
            source: made.source.clone(),
            kind: Some(kind),
            config: made.config.clone(),
            name: Some(access.alias.clone()),
            host: Some(access.url.clone()),
            trust,
        };
        self.start_up(caller, request)
    }

    /// Takes a container off the list: one that is gone, or one that was adopted, which goes on as it is.
    pub(crate) async fn forget(
        self: &Arc<Self>,
        caller: &Caller,
        request: &ContainerRef,
    ) -> Result<ForgottenContainer, Problem> {
        let found = match self.find(&request.container).await {
            Ok(found) => found,
            Err(problem) if problem.code == ErrorCode::ContainerNotFound => {
                let Some(access) = self.find_gone(&request.container).await else {
                    return Err(problem);
                };
                let target = Target::container(&access.container, &access.alias);
                let act = self.forget_record(&access);
                self.recorded(caller, "forget_container", target, act).await?;
                return Ok(ForgottenContainer {
                    name: access.alias,
                    id: access.container.as_str().into(),
                    still_there: false,
                });
            }
            Err(problem) => return Err(problem),
        };
        if !found.is_adopted() {
            return Err(Problem::new(
                ErrorCode::RequestInvalid,
                format!(
                    "{} was made by devctl, which finds it by its labels",
                    found.alias()
                ),
            )
            .fix_command("Remove it", format!("devctl remove {}", found.alias()))
            .safe("nothing was changed"));
        }
        let alias = Alias::new(found.alias()).or_problem()?;
        let act = async {
            adopted::remove(&self.config, found.id());
            self.config.host_keys().remove(found.id()).or_problem()?;
            Access::remove(&self.config, alias.as_str());
            identity::write_client_config(&self.config).map(drop)
        };
        let target = Target::container(found.id(), found.alias());
        self.recorded(caller, "forget_container", target, act).await?;
        Ok(ForgottenContainer {
            name: found.alias().to_owned(),
            id: found.id().into(),
            still_there: true,
        })
    }

    /// Forgets all that was kept for a container that is gone, and removes its network.
    pub(crate) async fn forget_record(self: &Arc<Self>, access: &Access) -> Result<(), Problem> {
        if let Some(network) = &access.made_from.network
            && let Ok(endpoint) = self.engines.endpoint(Some(&access.url))
        {
            let engine = self.engines.engine(&endpoint.clone()).await?;
            self.remove_network(&engine, network).await?;
        }
        adopted::remove(&self.config, &access.container);
        self.config.host_keys().remove(&access.container).or_problem()?;
        Access::remove(&self.config, &access.alias);
        identity::write_client_config(&self.config).map(drop)
    }
}
