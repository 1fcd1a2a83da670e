//! Finding containers: what the engines say, in the product's words.

use crate::adopted;
use crate::core::Core;
use crate::engines::{host, is_asked_for, state_of};
use crate::error::OrProblem;
use crate::labels;
use crate::life::ended;
use crate::source::Source;
use devctl_engine::{ContainerFilter, ContainerStatus, ContainerSummary, Endpoint, Engine, EngineError};
use devctl_model::{
    Container, ContainerDetail, ContainerId, ContainerList, ContainerState, ErrorCode, MountInfo, PortInfo,
    Problem,
};
use devctl_ssh::Suffix;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// So many of the last lines of a container that ended are shown with it.
const LAST_LINES: usize = 10;

/// A container of ours and the engine it lives on.
#[derive(Clone)]
pub(crate) struct Found {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) endpoint: Endpoint,
    pub(crate) summary: ContainerSummary,
}

impl Found {
    pub(crate) fn id(&self) -> &str {
        &self.summary.id
    }

    /// The name that a person knows it by: see [`crate::naming`].
    pub(crate) fn alias(&self) -> &str {
        crate::naming::alias(&self.summary.name, &self.summary.labels)
    }

    /// What its own network is called after: the name that it was made with, whatever it is called now.
    pub(crate) fn network_alias(&self) -> &str {
        self.label(labels::NETWORK)
            .or_else(|| self.label(labels::NAME))
            .unwrap_or_else(|| self.alias())
    }

    pub(crate) fn label(&self, key: &str) -> Option<&str> {
        labels::get(&self.summary.labels, key)
    }

    pub(crate) fn folder(&self) -> Option<&str> {
        self.label(labels::REFERENCE_FOLDER).or_else(|| {
            let is_of_folder = self.is_clone() && self.label(labels::SOURCE_KIND) == Some("folder");
            self.label(labels::SOURCE).filter(|_| is_of_folder)
        })
    }

    /// Whether it is a second container of what another one was made from.
    pub(crate) fn is_clone(&self) -> bool {
        self.label(labels::CLONE).is_some()
    }

    /// What it was made from, and the configuration file of a folder.
    pub(crate) fn source(&self) -> (Source, Option<String>) {
        match self.label(labels::SOURCE_KIND) {
            Some("image") => {
                let image = self.label(labels::SOURCE).unwrap_or_default();
                (Source::Image(image.to_owned()), None)
            }
            _ => (
                Source::Folder(self.folder().unwrap_or_default().into()),
                self.config_file().map(str::to_owned),
            ),
        }
    }

    /// The configuration file that it was made from.
    pub(crate) fn config_file(&self) -> Option<&str> {
        self.label(labels::REFERENCE_CONFIG)
            .or_else(|| self.label(labels::CONFIG_FILE))
    }

    /// Whether it has processes, which may be paused.
    pub(crate) fn is_up(&self) -> bool {
        matches!(
            self.summary.status,
            ContainerStatus::Running | ContainerStatus::Paused
        )
    }

    pub(crate) fn is_running(&self) -> bool {
        self.summary.status == ContainerStatus::Running
    }

    /// Whether somebody else made it.
    pub(crate) fn is_adopted(&self) -> bool {
        self.label(labels::ADOPTED).is_some()
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.summary.status == ContainerStatus::Paused
    }
}

impl Core {
    /// All containers of ours on one engine.
    pub(crate) async fn ours_on(&self, endpoint: &Endpoint) -> Result<Vec<Found>, Problem> {
        let engine = self.engines.engine(endpoint).await?;
        let adopted = adopted::on(&self.config, &endpoint.url);
        // Those that were adopted bear no label of ours.
        let label = adopted.is_empty().then(|| labels::MANAGED.to_owned());
        let filter = ContainerFilter {
            all: true,
            labels: label.into_iter().collect(),
            ..ContainerFilter::default()
        };
        let listed = match engine.container_list(&filter).await {
            // Another engine answers at the old address, with another API.
            Err(EngineError::Answer { .. } | EngineError::TooOld { .. }) => {
                self.engines.forget(endpoint).await;
                self.engines.engine(endpoint).await?.container_list(&filter).await
            }
            listed => listed,
        };
        let listed = listed.map_err(|error| crate::engines::unreachable(endpoint, error))?;
        Ok(listed
            .into_iter()
            .map(|summary| adopted::over(&adopted, summary))
            .filter(|summary| labels::get(&summary.labels, labels::MANAGED).is_some())
            .filter(|summary| !labels::is_helper(&summary.labels))
            .map(|summary| Found {
                engine: engine.clone(),
                endpoint: endpoint.clone(),
                summary,
            })
            .collect())
    }

    /// All containers of ours on every engine that answers, and the engines that should and do not.
    ///
    /// A place that was only guessed and has no engine is passed over in silence.
    pub(crate) async fn ours(&self) -> (Vec<Found>, Vec<(Endpoint, Problem)>) {
        let asked = self
            .engines
            .endpoints()
            .iter()
            .map(|endpoint| async move { (endpoint.clone(), self.ours_on(endpoint).await) });
        let (mut found, mut failed) = (Vec::<Found>::new(), Vec::new());
        let mut ids = std::collections::HashSet::new();
        for (endpoint, result) in futures_util::future::join_all(asked).await {
            match result {
                // One engine may be found under two addresses.
                Ok(containers) => found.extend(
                    containers
                        .into_iter()
                        .filter(|one| ids.insert(one.id().to_owned())),
                ),
                Err(problem) => failed.push((endpoint, problem)),
            }
        }
        (found, failed)
    }

    /// The container that a person names: by alias, id, beginning of an id, or folder.
    pub(crate) async fn find(&self, name: &str) -> Result<Found, Problem> {
        let (found, mut failed) = self.ours().await;
        if let Some(asked_for) = failed.iter().position(|(endpoint, _)| is_asked_for(endpoint)) {
            return Err(failed.swap_remove(asked_for).1);
        }
        // Names of hosts have no case, and aliases have no capitals.
        let typed = name.to_ascii_lowercase();
        let lower = self.config.alias_in(&typed);
        let by_alias: Vec<&Found> = found
            .iter()
            .filter(|container| container.alias() == lower)
            .collect();
        let matching = if !by_alias.is_empty() {
            by_alias
        } else if name.len() >= 4 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            found
                .iter()
                .filter(|container| container.id().starts_with(name))
                .collect()
        } else {
            let folder = self.config.absolute(name);
            found
                .iter()
                .filter(|container| !container.is_clone())
                .filter(|container| container.folder().is_some_and(|it| Path::new(it) == folder))
                .collect()
        };
        match matching.as_slice() {
            [one] => Ok((*one).clone()),
            [] => {
                // Whether it is there cannot be said while its engine is silent: the one that is asked first, or the
                // one that it was on when it was last entered.
                let known = crate::identity::known(&self.config);
                let silent = failed.into_iter().find(|(endpoint, _)| {
                    let was_there =
                        |access: &crate::access::Access| access.alias == name && access.url == endpoint.url;
                    found.is_empty() || endpoint.current || known.iter().any(was_there)
                });
                Err(match silent {
                    Some((_, problem)) => problem,
                    None => {
                        let none = Problem::new(
                            ErrorCode::ContainerNotFound,
                            format!("there is no container {name:?}"),
                        );
                        if known.iter().any(|access| access.alias == lower) {
                            none.why("it was removed, and not by devctl")
                                .fix_command("Make it again", format!("devctl recreate {lower}"))
                                .fix_command("Take it off the list", format!("devctl forget {lower}"))
                        } else {
                            none.fix_command("See what there is", "devctl list")
                        }
                    }
                })
            }
            several => {
                let ids: Vec<&str> = several.iter().map(|container| &container.id()[..12]).collect();
                Err(Problem::new(
                    ErrorCode::ContainerAmbiguous,
                    format!("{name:?} fits {} containers: {}", several.len(), ids.join(", ")),
                )
                .fix("Name it by its alias or its id"))
            }
        }
    }

    /// What all engines list. An engine that DOCKER_HOST names has to answer; another current one at least where there
    /// is nothing else to show: an empty list would be a lie.
    pub(crate) async fn container_list(&self) -> Result<ContainerList, Problem> {
        let (found, mut failed) = self.ours().await;
        let is_missed = |endpoint: &Endpoint| is_asked_for(endpoint) || endpoint.current && found.is_empty();
        if let Some(missed) = failed.iter().position(|(endpoint, _)| is_missed(endpoint)) {
            return Err(failed.swap_remove(missed).1);
        }
        let suffix = self.config.suffix();
        let explained = found.iter().map(|found| async {
            let mut container = shown(found, &suffix);
            crate::life::ended::explain(found, &mut container).await;
            container
        });
        let mut containers: Vec<Container> = futures_util::future::join_all(explained).await;
        containers.extend(
            self.gone(&found, &failed)
                .iter()
                .map(|access| self.shown_gone(access)),
        );
        containers.sort_by(|a, b| {
            let running = |container: &Container| container.state != ContainerState::Running;
            running(a)
                .cmp(&running(b))
                .then_with(|| a.name.cmp(&b.name))
                .then_with(|| a.id.cmp(&b.id))
        });
        let unreachable = failed
            .into_iter()
            .map(|(endpoint, problem)| devctl_model::Host {
                state: state_of(&problem),
                detail: Some(problem.message),
                ..host(&endpoint)
            })
            .collect();
        Ok(ContainerList {
            containers,
            unreachable,
        })
    }

    pub(crate) async fn container_detail(self: &Arc<Self>, name: &str) -> Result<ContainerDetail, Problem> {
        let found = match self.find(name).await {
            Err(problem) if problem.code == ErrorCode::ContainerNotFound => {
                let gone = self.find_gone(name).await;
                return gone.map(|access| self.detail_of_gone(&access)).ok_or(problem);
            }
            found => found?,
        };
        let details = found.engine.container_inspect(found.id()).await.or_problem()?;
        let mut container = shown(&found, &self.config.suffix());
        container.ended = ended::of(&details);
        if let Some(end) = &mut container.ended {
            end.last_lines = ended::last_lines(&found, LAST_LINES).await;
        }
        if details.state.oom_killed && !details.state.is_running() {
            container.state = ContainerState::Failed;
        }
        container.started_at = details.state.started_at.map(crate::clock::offset_text);
        container.finished_at = (!details.state.is_running())
            .then(|| details.state.finished_at.map(crate::clock::offset_text))
            .flatten();
        container.exit_code = details
            .state
            .exit_code
            .filter(|_| !details.state.is_running())
            .and_then(|code| i32::try_from(code).ok());
        let environment = details
            .env
            .iter()
            .filter_map(|variable| variable.split_once('='))
            .map(|(name, value)| (name.to_owned(), masked(name, value)))
            .collect();
        let mounts = details
            .mounts
            .iter()
            .filter(|mount| !crate::create::is_mount_of_ours(&mount.target))
            .map(|mount| MountInfo {
                kind: format!("{:?}", mount.kind).to_lowercase(),
                source: mount.name.clone().unwrap_or_else(|| mount.source.clone()),
                target: mount.target.clone(),
                read_only: mount.read_only,
            })
            .collect();
        let config_changed = self.config_changed(&found).await;
        Ok(ContainerDetail {
            remote_user: found.label(labels::REMOTE_USER).unwrap_or("root").to_owned(),
            remote_workspace_folder: found.label(labels::WORKSPACE_FOLDER).unwrap_or("/").to_owned(),
            config_file: found.config_file().map(str::to_owned),
            config_changed,
            mounts,
            networks: details
                .networks
                .iter()
                .map(|network| network.network.clone())
                .collect(),
            environment,
            profile: found.label(labels::PROFILE).unwrap_or("standard").to_owned(),
            memory_limit: u64::try_from(details.memory).ok().filter(|limit| *limit > 0),
            cpu_limit: (details.nano_cpus > 0).then(|| details.nano_cpus as f64 / 1e9),
            out_of_memory: details.state.oom_killed,
            container,
        })
    }
}

/// A container as the list shows it.
pub(crate) fn shown(found: &Found, suffix: &Suffix) -> Container {
    let summary = &found.summary;
    let exit_code = exit_code(&summary.status_text);
    let folder = found
        .folder()
        .filter(|_| found.label(labels::SOURCE_KIND) != Some("image"));
    Container {
        id: ContainerId(summary.id.clone()),
        name: found.alias().to_owned(),
        title: found.label(labels::TITLE).unwrap_or(found.alias()).to_owned(),
        state: match summary.status {
            ContainerStatus::Created => ContainerState::Created,
            ContainerStatus::Running => ContainerState::Running,
            ContainerStatus::Paused => ContainerState::Paused,
            ContainerStatus::Restarting => ContainerState::Restarting,
            ContainerStatus::Removing => ContainerState::Removing,
            // Ended by request: 0, 137 (killed), 143 (asked to end).
            ContainerStatus::Exited => match exit_code {
                None | Some(0 | 137 | 143) => ContainerState::Stopped,
                Some(_) => ContainerState::Failed,
            },
            ContainerStatus::Dead => ContainerState::Failed,
        },
        workspace: folder.map(str::to_owned),
        workspace_exists: folder.is_none_or(|folder| Path::new(folder).is_dir()),
        image: summary.image.clone(),
        ssh_host: format!("{}.{suffix}", found.alias()),
        host: found.endpoint.name.clone(),
        created_at: summary.created.map(crate::clock::offset_text),
        started_at: None,
        finished_at: None,
        exit_code: exit_code.filter(|_| summary.status != ContainerStatus::Running),
        ended: exit_code
            .filter(|_| summary.status != ContainerStatus::Running)
            .and_then(ended::of_code),
        adopted: found.is_adopted(),
        ports: ports(summary),
        status: summary.status_text.clone(),
    }
}

fn ports(summary: &ContainerSummary) -> Vec<PortInfo> {
    let published = summary.ports.iter().filter(|port| port.host_port.is_some());
    published
        .map(|port| PortInfo {
            container_port: port.container_port,
            host_ip: port.host_ip.map(|ip| ip.to_string()),
            host_port: port.host_port,
            protocol: port.protocol.as_str().to_owned(),
        })
        .collect()
}

/// The exit code in the engine's own words: "Exited (137) 2 minutes ago".
fn exit_code(status: &str) -> Option<i32> {
    status
        .split_once('(')?
        .1
        .split_once(')')?
        .0
        .parse()
        .ok()
        .filter(|_| status.starts_with("Exited"))
}

/// Values of names that look like secrets are not shown.
pub(crate) fn masked(name: &str, value: &str) -> String {
    const SECRET: [&str; 9] = [
        "SECRET",
        "TOKEN",
        "PASSWORD",
        "PASSWD",
        "APIKEY",
        "API_KEY",
        "PRIVATE",
        "CREDENTIAL",
        "ACCESS_KEY",
    ];
    let upper = name.to_uppercase();
    if SECRET.iter().any(|word| upper.contains(word)) {
        "••••••••".to_owned()
    } else {
        value.to_owned()
    }
}

/// The containers of one workspace, by the labels that decide.
pub(crate) fn of_source<'a>(found: &'a [Found], labels_wanted: &BTreeMap<String, String>) -> Vec<&'a Found> {
    found
        .iter()
        .filter(|container| !container.is_clone())
        .filter(|container| {
            labels_wanted
                .iter()
                .all(|(key, value)| container.summary.labels.get(key) == Some(value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_words_are_read() {
        assert_eq!(exit_code("Exited (137) 2 minutes ago"), Some(137));
        assert_eq!(exit_code("Up 2 minutes (healthy)"), None);
        assert_eq!(exit_code("Created"), None);
    }

    #[test]
    fn what_looks_like_a_secret_is_masked() {
        assert_eq!(masked("GITHUB_TOKEN", "abc"), "••••••••");
        assert_eq!(masked("PATH", "/bin"), "/bin");
    }
}
