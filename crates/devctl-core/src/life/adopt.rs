//! Making somebody else's container ours to enter, without making it anew.

use crate::access::Access;
use crate::adopted::{self, Adopted};
use crate::caller::Caller;
use crate::containers::Found;
use crate::core::Core;
use crate::error::OrProblem;
use crate::jobs::JobHandle;
use crate::record::Target;
use crate::{labels, life};
use devctl_engine::{ContainerDetails, ContainerFilter, ContainerStatus, MountKind};
use devctl_model::{AdoptContainer, AdoptedContainer, ErrorCode, Problem, UpKind, UpOutcome};
use devctl_ssh::{Alias, slug};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a container that was adopted cannot be asked for: nobody here knows how it was made.
pub(crate) fn not_ours(found: &Found, what: &str) -> Problem {
    let alias = found.alias();
    Problem::new(
        ErrorCode::ContainerNotOurs,
        format!("{alias} was not made by devctl, so it cannot be {what}"),
    )
    .fix("Use the tool that made it")
    .fix_command(
        "Take it off the list, and let it be",
        format!("devctl forget {alias}"),
    )
    .safe("the container is untouched")
}

impl Core {
    /// Makes a container that somebody else made ours: the agent is brought in, and `ssh` reaches it.
    pub(crate) async fn adopt(
        self: &Arc<Self>,
        caller: &Caller,
        request: &AdoptContainer,
    ) -> Result<AdoptedContainer, Problem> {
        let wished = request.name.as_deref().map(Alias::new).transpose().or_problem()?;
        let names = self.lock("names").await?;
        let found = self
            .find_foreign(&request.container, request.host.as_deref())
            .await?;
        if found.label(labels::MANAGED).is_some() {
            return Ok(self.adopted(&found, false));
        }
        let details = found.engine.container_inspect(found.id()).await.or_problem()?;
        if !matches!(details.platform.as_str(), "" | "linux") {
            return Err(Problem::new(
                ErrorCode::EngineUnsupported,
                format!("{} is a container for {}", found.summary.name, details.platform),
            )
            .fix("Only containers for Linux can be entered"));
        }
        let (all, _) = self.ours().await;
        let alias = match wished {
            Some(alias) if self.is_taken(&alias, &all, &found.endpoint) => {
                return Err(Problem::new(
                    ErrorCode::EngineConflict,
                    format!("there is a container {alias} already"),
                )
                .fix("Choose another name (--name)")
                .safe("nothing was changed"));
            }
            Some(alias) => alias,
            None => {
                let base = slug(&found.summary.name);
                let numbered = (2..).map(|number| base.numbered(number));
                std::iter::once(base.clone())
                    .chain(numbered)
                    .find(|alias| !self.is_taken(alias, &all, &found.endpoint))
                    .unwrap_or(base)
            }
        };
        let record = record(&found, &details, &alias);
        let mut ours = found.clone();
        ours.summary.labels.extend(record.labels.clone());
        let target = Target::container(found.id(), alias.as_str());
        let act = async {
            adopted::write(&self.config, found.id(), &record)?;
            let entered = async {
                self.ensure_identity().await?;
                let access = self.adopt_record(&ours).await?;
                self.let_in(&access).await
            };
            if let Err(problem) = entered.await {
                adopted::remove(&self.config, found.id());
                Access::remove(&self.config, alias.as_str());
                return Err(problem.safe("the container goes on as it was"));
            }
            Ok(())
        };
        self.recorded(caller, "adopt_container", target, act).await?;
        drop(names);
        // Nobody listening is no failure.
        let _ = self.changes.send(devctl_model::Change::Container {
            id: found.id().into(),
        });
        Ok(self.adopted(&ours, true))
    }

    fn adopted(&self, found: &Found, changed: bool) -> AdoptedContainer {
        AdoptedContainer {
            name: found.alias().to_owned(),
            id: found.id().into(),
            ssh_host: self.config.ssh_host(found.alias()),
            remote_user: found.label(labels::REMOTE_USER).unwrap_or("root").to_owned(),
            remote_workspace_folder: found.label(labels::WORKSPACE_FOLDER).unwrap_or("/").to_owned(),
            changed,
        }
    }

    /// Any container of any engine, by the engine's name or by id.
    async fn find_foreign(&self, name: &str, host: Option<&str>) -> Result<Found, Problem> {
        let endpoints = match host {
            Some(host) => vec![self.engines.endpoint(Some(host))?.clone()],
            None => self.engines.endpoints().to_vec(),
        };
        let filter = ContainerFilter {
            all: true,
            ..ContainerFilter::default()
        };
        let by_id = name.len() >= 4 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut matching: Vec<Found> = Vec::new();
        let mut silent = None;
        for endpoint in &endpoints {
            let listed = match self.engines.engine(endpoint).await {
                Ok(engine) => {
                    let listed = engine.container_list(&filter).await;
                    let listed = listed.map_err(|error| crate::engines::unreachable(endpoint, error));
                    listed.map(|listed| (engine, listed))
                }
                Err(problem) => Err(problem),
            };
            let (engine, listed) = match listed {
                Ok(listed) => listed,
                Err(problem) if host.is_some() || crate::engines::is_asked_for(endpoint) => {
                    return Err(problem);
                }
                Err(problem) => {
                    if endpoint.current {
                        silent = Some(problem);
                    }
                    continue;
                }
            };
            let kept = adopted::on(&self.config, &endpoint.url);
            for summary in listed {
                let is_it = summary.name == name || (by_id && summary.id.starts_with(name));
                if is_it
                    && !labels::is_helper(&summary.labels)
                    && !matching.iter().any(|one| one.id() == summary.id)
                {
                    matching.push(Found {
                        engine: engine.clone(),
                        endpoint: endpoint.clone(),
                        summary: adopted::over(&kept, summary),
                    });
                }
            }
        }
        match matching.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(silent.unwrap_or_else(|| {
                Problem::new(
                    ErrorCode::ContainerNotFound,
                    format!("no engine has a container that is called {name:?}"),
                )
                .fix_command("See what there is", "docker ps --all")
            })),
            several => Err(Problem::new(
                ErrorCode::ContainerAmbiguous,
                format!("{name:?} fits {} containers", several.len()),
            )
            .fix("Name it by its whole id")),
        }
    }

    /// The access record of a container that was adopted.
    pub(crate) async fn access_of_adopted(self: &Arc<Self>, found: &Found) -> Result<Access, Problem> {
        let alias = Alias::new(found.alias()).or_problem()?;
        let kept = adopted::read(&self.config, found.id());
        let access = Access {
            alias: alias.as_str().to_owned(),
            container: found.id().to_owned(),
            url: found.endpoint.url.clone(),
            host: found.endpoint.name.clone(),
            facts: found.engine.facts(),
            remote_user: found.label(labels::REMOTE_USER).unwrap_or("root").to_owned(),
            workspace_folder: found.label(labels::WORKSPACE_FOLDER).unwrap_or("/").to_owned(),
            probe: "loginInteractiveShell".to_owned(),
            remote_env: kept.map(|kept| kept.remote_env).unwrap_or_default(),
            environment: None,
            started_at: None,
            unowned_home: None,
            agent: self.bring_agent(found).await?,
            secrets_of: crate::secrets::subject_of(found),
            has_secrets: false,
            set_up: true,
            starts_on_host: false,
            runs_on_start: false,
            made_from: life::gone::MadeFrom::of(found),
        };
        access.write(&self.config)?;
        Ok(access)
    }

    /// Starts a container that was adopted, and nothing more: what else belongs to its start is the tool's that made it.
    pub(crate) async fn resume_adopted(
        self: &Arc<Self>,
        caller: &Caller,
        found: &Found,
        operation: &'static str,
        job: &JobHandle,
    ) -> Result<UpOutcome, Problem> {
        if found.is_paused() {
            return Err(life::paused(found));
        }
        let access = self.adopt_record(found).await?;
        self.ensure_identity().await?;
        let outcome = if found.is_running() {
            self.let_in(&access).await?;
            UpKind::Running
        } else {
            job.step("Start container");
            let act = async {
                let started = found.engine.container_start(found.id());
                job.unless_cancelled(async { started.await.at("Start container") })
                    .await?;
                self.let_in(&access).await
            };
            let target = Target::container(found.id(), found.alias());
            self.recorded(caller, operation, target, act).await?;
            UpKind::Started
        };
        job.step("Ready");
        Ok(UpOutcome {
            container: access.container.as_str().into(),
            name: access.alias.clone(),
            ssh_host: self.config.ssh_host(&access.alias),
            remote_user: access.remote_user.clone(),
            remote_workspace_folder: access.workspace_folder.clone(),
            outcome,
            config_changed: false,
            drift: None,
            notices: vec![format!(
                "{} was not made by devctl: its lifecycle commands are left to the tool that made it",
                access.alias
            )],
        })
    }

    /// The name of an adopted container is ours alone: the engine's is another tool's to go by.
    pub(crate) fn rename_adopted(&self, found: &Found, new: &Alias) -> Result<(), Problem> {
        let Some(mut kept) = adopted::read(&self.config, found.id()) else {
            return Err(Problem::new(
                ErrorCode::ContainerNotFound,
                format!("{} was forgotten meanwhile", found.alias()),
            ));
        };
        kept.labels
            .insert(labels::NAME.to_owned(), new.as_str().to_owned());
        adopted::write(&self.config, found.id(), &kept)
    }
}

/// What its labels would say if we had made it.
fn record(found: &Found, details: &ContainerDetails, alias: &Alias) -> Adopted {
    let metadata = metadata(found.label(labels::REFERENCE_METADATA));
    let said = |key: &str| {
        let values = metadata.iter().filter_map(|entry| entry.get(key)?.as_str());
        values.map(str::to_owned).next_back()
    };
    let of_container = details.user.split(':').next().filter(|user| !user.is_empty());
    let user = said("remoteUser")
        .or_else(|| said("containerUser"))
        .or_else(|| of_container.map(str::to_owned))
        .unwrap_or_else(|| "root".to_owned());
    let opened = found.label(labels::REFERENCE_FOLDER);
    let mounted = details
        .mounts
        .iter()
        .find(|mount| mount.kind == MountKind::Bind && Some(mount.source.as_str()) == opened)
        .map(|mount| mount.target.clone());
    let folder = mounted
        .or_else(|| Some(details.workdir.clone()).filter(|folder| !folder.is_empty()))
        .unwrap_or_else(|| "/".to_owned());
    let mut remote_env = indexmap::IndexMap::new();
    for (name, value) in metadata
        .iter()
        .filter_map(|entry| entry.get("remoteEnv")?.as_object())
        .flatten()
    {
        remote_env.insert(name.clone(), value.as_str().map(str::to_owned));
    }
    let title = opened
        .and_then(|folder| folder.rsplit('/').next())
        .filter(|title| !title.is_empty())
        .unwrap_or(&found.summary.name);
    let kind = if opened.is_some() { "folder" } else { "adopted" };
    let ours = [
        (labels::MANAGED, labels::SCHEME),
        (labels::ADOPTED, "1"),
        (labels::NAME, alias.as_str()),
        (labels::TITLE, title),
        (labels::SOURCE_KIND, kind),
        (labels::REMOTE_USER, &user),
        (labels::WORKSPACE_FOLDER, &folder),
        (labels::PROFILE, "adopted"),
    ];
    Adopted {
        url: found.endpoint.url.clone(),
        labels: ours
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect::<BTreeMap<_, _>>(),
        remote_env,
    }
}

/// The entries of a metadata label of another tool's; one alone may stand without a list. What cannot be read says
/// nothing.
fn metadata(label: Option<&str>) -> Vec<Value> {
    match label.map(serde_json::from_str) {
        Some(Ok(Value::Array(entries))) => entries,
        Some(Ok(entry @ Value::Object(_))) => vec![entry],
        _ => Vec::new(),
    }
}

/// Whether an engine's container is the leftover of an `up` that was cut off: only one of ours can be.
pub(crate) fn is_remains(found: &Found) -> bool {
    found.summary.status == ContainerStatus::Created && !found.is_adopted()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_of_other_tools_is_read_as_far_as_it_can_be() {
        assert_eq!(metadata(Some(r#"[{"remoteUser":"a"},{"id":"x"}]"#)).len(), 2);
        assert_eq!(metadata(Some(r#"{"remoteUser":"a"}"#)).len(), 1);
        assert!(
            metadata(Some("{")).is_empty() && metadata(Some("7")).is_empty() && metadata(None).is_empty()
        );
    }
}
