//! Removing containers, and saying beforehand what goes and what stays.

use crate::access::Access;
use crate::caller::Caller;
use crate::containers::Found;
use crate::core::Core;
use crate::error::{IntoProblem, OrProblem};
use crate::identity;
use crate::jobs::JobHandle;
use crate::labels;
use crate::network;
use crate::record::Target;
use devctl_engine::{ContainerStatus, EngineError, MountKind, RemoveOptions};
use devctl_model::{ErrorCode, Problem, RebuildPreview, RemoveContainer, RemovedContainer};
use devctl_ssh::Alias;
use devctl_store::{EventFilter, Outcome};
use std::sync::Arc;
use std::time::Duration;

/// How long an engine may take to kill the processes of a container: Docker waits ten seconds for each of two signals.
const REMOVAL_PATIENCE: Duration = Duration::from_secs(60);

/// So many lost files are named.
const NAMED_AT_MOST: usize = 200;

impl Core {
    /// Removes a container, or says what that would do.
    pub(crate) async fn remove(
        self: &Arc<Self>,
        caller: &Caller,
        request: &RemoveContainer,
    ) -> Result<RemovedContainer, Problem> {
        let found = match self.find(&request.container).await {
            Err(problem) if problem.code == ErrorCode::ContainerNotFound => {
                let gone = self.find_gone(&request.container).await.ok_or(problem)?;
                return self.remove_gone(caller, &gone, request.dry_run).await;
            }
            found => found?,
        };
        if found.is_adopted() && request.volumes {
            return Err(Problem::new(
                ErrorCode::ContainerNotOurs,
                format!(
                    "{} was not made by devctl, so its volumes are not removed",
                    found.alias()
                ),
            )
            .fix_command(
                "Remove the container alone",
                format!("devctl remove {}", found.alias()),
            )
            .safe("nothing was changed"));
        }
        let mut removed = self.what_goes(&found, request.volumes).await?;
        if request.dry_run {
            return Ok(removed);
        }
        let act = async {
            self.remove_found(&found).await?;
            for volume in &removed.volumes {
                match found.engine.volume_remove(volume).await {
                    Ok(()) | Err(EngineError::NotFound { .. }) => {}
                    Err(error) => {
                        return Err(error
                            .into_problem()
                            .at(format!("Remove the volume {volume}"))
                            .safe("the container is removed, the volume is still there"));
                    }
                }
            }
            crate::idle::forget(&self.config, found.alias());
            if found.is_adopted() {
                return Ok(false);
            }
            self.remove_network(&found.engine, found.network_alias()).await
        };
        let target = Target::container(found.id(), found.alias());
        let network_removed = self.recorded(caller, "remove_container", target, act).await?;
        if !network_removed {
            removed.networks.clear();
        }
        Ok(removed)
    }

    async fn what_goes(&self, found: &Found, volumes: bool) -> Result<RemovedContainer, Problem> {
        let details = found.engine.container_inspect(found.id()).await.or_problem()?;
        let named = details
            .mounts
            .iter()
            .filter(|mount| mount.kind == MountKind::Volume && mount.target != crate::agent::MOUNT)
            .filter_map(|mount| mount.name.clone());
        let (mut going, mut kept) = (Vec::new(), Vec::new());
        for volume in named {
            // An anonymous volume is nobody else's; it goes only when volumes are asked for, too.
            if volumes {
                going.push(volume);
            } else {
                kept.push(volume);
            }
        }
        let network = network::name_of(found.network_alias());
        let has_network =
            !found.is_adopted() && details.networks.iter().any(|joined| joined.network == network);
        let folder = found
            .folder()
            .filter(|_| found.label(labels::SOURCE_KIND) != Some("image"));
        Ok(RemovedContainer {
            name: found.alias().to_owned(),
            id: found.id().to_owned(),
            networks: has_network.then_some(network).into_iter().collect(),
            volumes: going,
            kept_volumes: kept,
            kept_folder: folder.map(str::to_owned),
            adopted: found.is_adopted(),
        })
    }

    /// Of a container that somebody removed already, what is kept here goes.
    async fn remove_gone(
        self: &Arc<Self>,
        caller: &Caller,
        gone: &Access,
        dry_run: bool,
    ) -> Result<RemovedContainer, Problem> {
        if !dry_run {
            let target = Target::container(&gone.container, &gone.alias);
            let act = self.forget_record(gone);
            self.recorded(caller, "remove_container", target, act).await?;
        }
        let made = &gone.made_from;
        let is_folder = made.kind == Some(devctl_model::SourceKind::Folder);
        Ok(RemovedContainer {
            name: gone.alias.clone(),
            id: gone.container.clone(),
            networks: Vec::new(),
            volumes: Vec::new(),
            kept_volumes: Vec::new(),
            kept_folder: is_folder.then(|| made.source.clone()),
            adopted: false,
        })
    }

    async fn remove_found(self: &Arc<Self>, found: &Found) -> Result<(), Problem> {
        // Anonymous volumes are removed by name, and only when asked for: nothing goes unnamed.
        let gone = RemoveOptions {
            volumes: false,
            force: true,
        };
        let begun = tokio::time::Instant::now();
        loop {
            match found.engine.container_remove(found.id(), gone).await {
                Ok(()) | Err(EngineError::NotFound { .. }) => break,
                // Somebody has asked for it before, and the engine still kills its processes.
                Err(EngineError::Conflict { .. }) if begun.elapsed() < REMOVAL_PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                Err(error) => return Err(error).at("Remove the container"),
            }
        }
        self.config.host_keys().remove(found.id()).or_problem()?;
        crate::idle::forget_use(&self.config, found.id());
        Access::remove(&self.config, found.alias());
        crate::adopted::remove(&self.config, found.id());
        identity::write_client_config(&self.config).map(drop)
    }

    /// Whether the engine is removing a container. It lists one as running while it still kills its processes, so that one
    /// whose last operation was cut off is asked about; any other is believed.
    pub(crate) async fn is_going(self: &Arc<Self>, found: &Found) -> Result<bool, Problem> {
        if matches!(
            found.summary.status,
            ContainerStatus::Removing | ContainerStatus::Dead
        ) {
            return Ok(true);
        }
        let last = EventFilter {
            subject: Some(found.alias().to_owned()),
            limit: Some(1),
            latest: true,
            ..EventFilter::default()
        };
        let last = self.with_store(move |store| store.events(&last)).await?;
        let cut_off = last
            .iter()
            .any(|event| matches!(event.outcome, Some(Outcome::Interrupted)));
        if !cut_off {
            return Ok(false);
        }
        found.engine.container_is_going(found.id()).await.or_problem()
    }

    /// Waits until a container is gone that the engine is removing, and forgets it.
    pub(crate) async fn let_go(self: &Arc<Self>, going: &Found) -> Result<(), Problem> {
        tracing::info!(container = going.id(), "the engine is removing the container");
        self.remove_found(going).await
    }

    /// Removes a container whose successor is about to be made. Its name and volumes stay, and its network where that is
    /// called after its name.
    pub(crate) async fn clear_away(self: &Arc<Self>, old: &Found, job: &JobHandle) -> Result<Alias, Problem> {
        job.step("Remove the old container");
        let alias = Alias::new(old.alias()).or_problem()?;
        self.remove_found(old).await?;
        if old.network_alias() != alias.as_str() {
            self.remove_network(&old.engine, old.network_alias()).await?;
        }
        Ok(alias)
    }

    /// Says what a rebuild would lose: what was written to the container itself.
    pub(crate) async fn preview_rebuild(self: &Arc<Self>, name: &str) -> Result<RebuildPreview, Problem> {
        let found = match self.find(name).await {
            Err(problem) if problem.code == ErrorCode::ContainerNotFound => {
                // One that is gone has nothing left to lose.
                let gone = self.find_gone(name).await.ok_or(problem)?;
                return Ok(RebuildPreview {
                    name: gone.alias,
                    lost: Vec::new(),
                    lost_count: 0,
                    kept: Vec::new(),
                });
            }
            found => found?,
        };
        if found.is_adopted() {
            return Err(crate::life::adopt::not_ours(&found, "made anew"));
        }
        let details = found.engine.container_inspect(found.id()).await.or_problem()?;
        let lost = lost_files(&found).await?;
        let kept = details
            .mounts
            .iter()
            .filter(|mount| !crate::create::is_mount_of_ours(&mount.target))
            .map(|mount| match (&mount.name, mount.kind) {
                (Some(name), MountKind::Volume) => format!("volume {name} at {}", mount.target),
                _ => format!("{} at {}", mount.source, mount.target),
            })
            .collect();
        Ok(RebuildPreview {
            name: found.alias().to_owned(),
            lost_count: lost.len() as u64,
            lost: lost.into_iter().take(NAMED_AT_MOST).collect(),
            kept,
        })
    }
}

/// Files that the container has beyond its image, without those that engines, logins and we ourselves write.
async fn lost_files(found: &Found) -> Result<Vec<String>, Problem> {
    let ours = [
        "/.devctl",
        "/var/lib/devctl",
        "/workspaces",
        "/etc/hostname",
        "/etc/hosts",
        "/etc/resolv.conf",
        "/etc/mtab",
    ];
    let below = |path: &str, folder: &str| path == folder || path.starts_with(&format!("{folder}/"));
    let changed = found.engine.container_changes(found.id()).await.or_problem()?;
    let mut paths: Vec<String> = changed
        .into_iter()
        .filter(|change| change.kind != devctl_engine::ChangeKind::Deleted)
        .map(|change| change.path)
        .collect();
    paths.sort();
    // A folder is named by what is in it.
    let mut named: Vec<String> = Vec::new();
    for path in paths.into_iter().rev() {
        if !named
            .last()
            .is_some_and(|inner| inner.starts_with(&format!("{path}/")))
        {
            named.push(path);
        }
    }
    named.reverse();
    named.retain(|path| !ours.iter().any(|folder| below(path, folder)));
    Ok(named)
}
