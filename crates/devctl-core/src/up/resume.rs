//! Bringing a container up that is there already: only what has to run runs.

use super::clone::CloneOf;
use super::{Wanted, alias_of, outcome, own_command};
use crate::access::Access;
use crate::caller::Caller;
use crate::containers::Found;
use crate::core::Core;
use crate::error::OrProblem;
use crate::jobs::JobHandle;
use crate::labels;
use crate::life::adopt;
use crate::life::gone::MadeFrom;
use crate::lifecycle::{self, Masks};
use crate::record::Target;
use crate::source::{self, Definition, Source};
use crate::{identity, user};
use devctl_engine::{ContainerStatus, Engine, EngineError, MountKind};
use devctl_model::{
    JobId, Problem, RebuildContainer, RecreateContainer, StopContainer, StoppedContainer, UpContainer,
    UpKind, UpOutcome,
};
use devctl_spec::hooks::HookKind;
use devctl_spec::plan::ContainerPlan;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

impl Core {
    pub(super) async fn resume(
        self: &Arc<Self>,
        caller: &Caller,
        wanted: &Wanted,
        found: Found,
        job: &JobHandle,
    ) -> Result<UpOutcome, Problem> {
        let definition = &wanted.definition;
        if found.is_adopted() {
            return self.resume_adopted(caller, &found, "up", job).await;
        }
        if found.is_paused() {
            return Err(crate::life::paused(&found));
        }
        let changed = crate::life::drift::fields(&found, definition)
            .into_iter()
            .map(|field| field.cost)
            .max();
        job.subject(found.alias());
        let label = found.label(labels::REFERENCE_METADATA);
        let entries = source::entries(definition, &found.summary.image, label)?;
        let plan = source::plan_existing(definition, &entries)?;
        let access = self.access_of(&found, &plan).await?;
        let kind = if found.is_running() {
            UpKind::Running
        } else {
            UpKind::Started
        };
        let attaches = plan
            .hooks
            .iter()
            .any(|hook| hook.kind == HookKind::PostAttachCommand);
        // A start behind our back is seen only where something has to run at each start.
        let complete = access.set_up && access.unowned_home.is_none();
        if kind == UpKind::Running && complete && !attaches && !access.runs_on_start {
            // Nothing is changed, so nothing is recorded. Certificates may still be due.
            self.ensure_identity().await?;
            self.ensure_host_identity(&access.container, &access.alias)
                .await?;
            identity::write_client_config(&self.config)?;
            return Ok(outcome(&self.config, &access, kind, changed, &plan));
        }
        let target = Target::container(found.id(), found.alias());
        let act = self.resume_recorded(wanted, &found, &plan, access, kind, job);
        let access = self.recorded(caller, "up", target, act).await?;
        Ok(outcome(&self.config, &access, kind, changed, &plan))
    }

    async fn resume_recorded(
        self: &Arc<Self>,
        wanted: &Wanted,
        found: &Found,
        plan: &ContainerPlan,
        mut access: Access,
        kind: UpKind,
        job: &JobHandle,
    ) -> Result<Access, Problem> {
        let secrets = Masks::of(self.config.env.iter().chain(&plan.env));
        job.cancel_effect("Leaves the container as it is; the next up goes on from there");
        if kind != UpKind::Running {
            if let (Some(hook), Source::Folder(folder)) = (&plan.initialize, &wanted.definition.source) {
                let wants = source::plan(&wanted.definition, &[])?.wants;
                let on_host: Vec<_> = wants
                    .into_iter()
                    .filter(|item| item.kind == devctl_spec::trust::TrustKind::HostCommand)
                    .collect();
                self.require_start_consent(wanted, found, &on_host).await?;
                lifecycle::on_host(&self.config, hook, folder, job, &secrets).await?;
            }
            job.step("Start container");
            futures_util::future::try_join(
                self.require_mounts_in_place(&wanted.definition, found),
                self.network_again(found),
            )
            .await?;
            if !plan.override_command {
                own_command::require_stays(&found.engine, found.id(), found.alias()).await?;
            }
            access.environment = None;
            access.started_at = None;
            access.set_up = !runs_on_start(plan) && access.set_up;
            // What a login needs is written while the engine starts the container, which takes longer.
            let starting = async {
                let start = self.start_in_network(&found.engine, found.id(), found.network_alias());
                start.await.at("Start container")
            };
            let (started, let_in) =
                futures_util::future::join(job.unless_cancelled(starting), self.let_in_again(&access)).await;
            started.and(let_in)?;
        } else {
            self.let_in_again(&access).await?;
        }
        self.own_home(&found.engine, &mut access, job).await?;
        if !plan.hooks.is_empty() {
            self.run_hooks(&found.engine, &mut access, plan, &secrets, job)
                .await?;
        }
        job.step("Ready");
        Ok(access)
    }

    /// What a login needs, renewed where it is due.
    async fn let_in_again(self: &Arc<Self>, access: &Access) -> Result<(), Problem> {
        self.ensure_identity().await?;
        self.let_in(access).await
    }

    /// Somebody may have pruned the network of a stopped container.
    async fn network_again(self: &Arc<Self>, found: &Found) -> Result<(), Problem> {
        let name = crate::network::name_of(found.network_alias());
        if found.label(labels::FOR).is_some() || !found.summary.networks.contains(&name) {
            return Ok(());
        }
        match found.engine.network_inspect(&name).await {
            Err(EngineError::NotFound { .. }) => {
                self.ensure_network(&found.engine, found.network_alias()).await
            }
            there => there.map(drop).or_problem(),
        }
    }

    /// The engine follows links at each start, and what runs in a container can put a link where a folder of the
    /// workspace was: a mount that was inside the workspace must not lead out of it by now.
    async fn require_mounts_in_place(
        self: &Arc<Self>,
        definition: &Definition,
        found: &Found,
    ) -> Result<(), Problem> {
        let git_root = definition.read.workspace.git_root.clone();
        let written: Vec<PathBuf> = std::iter::once(definition.read.folder.clone())
            .chain(git_root)
            .collect();
        let mounts = found
            .engine
            .container_inspect(found.id())
            .await
            .at("Start container")?
            .mounts;
        let inside = mounts
            .into_iter()
            .filter(|mount| mount.kind == MountKind::Bind)
            .filter(|mount| {
                written
                    .iter()
                    .any(|folder| Path::new(&mount.source).starts_with(folder))
            });
        for mount in inside {
            let (source, folders) = (PathBuf::from(&mount.source), written.clone());
            let leads_out = tokio::task::spawn_blocking(move || leads_out_of(&source, &folders)).await;
            let Some(real) = leads_out.ok().flatten() else {
                continue;
            };
            // Where it led out from the beginning, it was a line of the sheet.
            let shown = format!(
                "{} (leads to {}) on {}",
                mount.source,
                real.display(),
                mount.target
            );
            if self.was_allowed(definition, found, &shown).await {
                continue;
            }
            return Err(Problem::new(
                devctl_model::ErrorCode::ConsentRequired,
                format!(
                    "{} leads to {} now, outside of the workspace, and {} would get it at {}",
                    mount.source,
                    real.display(),
                    found.alias(),
                    mount.target
                ),
            )
            .fix("Put the folder back in the place of the link")
            .fix_command(
                "Or make the container anew, which asks",
                format!("devctl rebuild {}", found.alias()),
            )
            .safe("the container was not started"));
        }
        Ok(())
    }

    /// Whether this mount was on the sheet that the container was made with.
    async fn was_allowed(self: &Arc<Self>, definition: &Definition, found: &Found, shown: &str) -> bool {
        let Some(trust) = found.label(labels::TRUST).map(str::to_owned) else {
            return false;
        };
        let source = definition.source.text();
        let kept = self
            .with_store(move |store| store.consent(&source, &trust))
            .await
            .ok()
            .flatten();
        kept.is_some_and(|consent| {
            let items = consent.items.as_array().into_iter().flatten();
            items
                .filter_map(|item| item.get("value")?.as_str())
                .any(|value| value == shown || value.strip_suffix(" (read-only)") == Some(shown))
        })
    }

    /// A command on this computer may have been changed since the container was made: it needs its own consent then.
    async fn require_start_consent(
        self: &Arc<Self>,
        wanted: &Wanted,
        found: &Found,
        on_host: &[devctl_spec::trust::TrustItem],
    ) -> Result<(), Problem> {
        let source = wanted.definition.source.text();
        let full = source::plan(&wanted.definition, &[])?.wants;
        if found.label(labels::TRUST) == Some(devctl_spec::trust::trust_hash(&full).as_str()) {
            return Ok(());
        }
        if found.label(labels::CONFIG_HASH) == Some(&wanted.definition.hash)
            && self
                .is_allowed(&source, found.label(labels::TRUST).unwrap_or_default())
                .await
        {
            return Ok(());
        }
        let command = super::make::command(wanted, None);
        self.require_consent(&source, &command, on_host, wanted.request.trust.as_deref())
            .await
            .map(drop)
    }

    /// Gives the home to the ids that its user has got, where that was not done yet: an `up` may have been cut off
    /// between the start of the container and this.
    pub(super) async fn own_home(
        &self,
        engine: &Arc<dyn Engine>,
        access: &mut Access,
        job: &JobHandle,
    ) -> Result<(), Problem> {
        if let Some(alignment) = &access.unowned_home {
            user::own_home(engine, &access.container, access.agent.path(), alignment, job).await?;
            access.unowned_home = None;
            access.write(&self.config)?;
        }
        Ok(())
    }

    /// The access record of a container: the one that was kept, if it is of this container, else made from what the
    /// container itself says.
    pub(crate) async fn access_of(
        self: &Arc<Self>,
        found: &Found,
        plan: &ContainerPlan,
    ) -> Result<Access, Problem> {
        let alias = alias_of(found)?;
        let remote_env = plan.remote_env.clone();
        let probe = lifecycle::mode_name(plan.user_env_probe).to_owned();
        let remote_user = found.label(labels::REMOTE_USER).map(str::to_owned);
        let remote_user = plan
            .remote_user
            .clone()
            .or(remote_user)
            .unwrap_or_else(|| user::remote_user(plan, ""));
        let folder = found
            .label(labels::WORKSPACE_FOLDER)
            .unwrap_or(&plan.workspace_folder)
            .to_owned();
        let kept = Access::read(&self.config, &alias).filter(|kept| kept.container == found.id());
        let agent = self
            .agent_of(found, kept.as_ref().map(|kept| &kept.agent))
            .await?;
        let fresh = Access {
            alias: alias.as_str().to_owned(),
            container: found.id().to_owned(),
            url: found.endpoint.url.clone(),
            host: found.endpoint.name.clone(),
            facts: found.engine.facts(),
            remote_user,
            workspace_folder: folder,
            probe,
            remote_env,
            environment: None,
            started_at: None,
            unowned_home: None,
            agent,
            secrets_of: crate::secrets::subject_of(found),
            // Another record may have known: what there may be is taken away where nothing is given any more.
            has_secrets: true,
            set_up: plan.hooks.is_empty(),
            starts_on_host: plan.initialize.is_some(),
            runs_on_start: runs_on_start(plan),
            made_from: MadeFrom::of(found),
        };
        let Some(kept) = kept else {
            fresh.write(&self.config)?;
            return Ok(fresh);
        };
        // Another start, another environment; another probe or user, too.
        let same = kept.probe == fresh.probe && kept.remote_user == fresh.remote_user;
        let is_of_another_version = kept.agent != fresh.agent
            || kept.secrets_of != fresh.secrets_of
            || kept.made_from != fresh.made_from;
        let access = Access {
            environment: kept.environment.filter(|_| same),
            started_at: kept.started_at,
            unowned_home: kept.unowned_home,
            has_secrets: kept.has_secrets,
            set_up: kept.set_up,
            ..fresh
        };
        if is_of_another_version {
            access.write(&self.config)?;
        }
        Ok(access)
    }

    /// Starts a container that is there. A job.
    pub(crate) async fn start_again(
        self: &Arc<Self>,
        caller: &Caller,
        name: &str,
        trust: Option<String>,
        stop_first: Option<Option<u32>>,
    ) -> Result<JobId, Problem> {
        crate::trust::require_hash(trust.as_deref())?;
        let found = self.find(name).await?;
        let (core, caller) = (self.clone(), caller.clone());
        let operation = if stop_first.is_some() {
            "restart_container"
        } else {
            "start_container"
        };
        let alias = found.alias().to_owned();
        Ok(self.jobs.start(operation, &alias, move |job| async move {
            if let Some(timeout) = stop_first {
                job.step("Stop container");
                let request = StopContainer {
                    container: found.id().to_owned(),
                    timeout,
                };
                core.stop(&caller, &request).await?;
            }
            if found.is_adopted() {
                let found = core.find_again(&found).await?;
                return core.resume_adopted(&caller, &found, operation, &job).await;
            }
            job.step("Read configuration");
            let wanted = core.wanted_again(&found, trust).await?;
            let lock_name = format!(
                "up-{}",
                source::short_hash(&format!("{:?}", wanted.definition.identity))
            );
            let lock = job.unless_cancelled(core.lock(&lock_name)).await?;
            let found = core.find_again(&found).await?;
            let outcome = core.resume(&caller, &wanted, found, &job).await;
            drop(lock);
            core.with_notices(&wanted, outcome?).await
        }))
    }

    /// Makes a container anew. A job.
    pub(crate) async fn rebuild(
        self: &Arc<Self>,
        caller: &Caller,
        request: RebuildContainer,
    ) -> Result<JobId, Problem> {
        crate::trust::require_hash(request.trust.as_deref())?;
        let found = self.find(&request.container).await?;
        if found.is_adopted() {
            return Err(adopt::not_ours(&found, "made anew"));
        }
        let (core, caller) = (self.clone(), caller.clone());
        let alias = found.alias().to_owned();
        Ok(self
            .jobs
            .start("rebuild_container", &alias, move |job| async move {
                job.step("Read configuration");
                let mut wanted = core.wanted_again(&found, request.trust.clone()).await?;
                wanted.fresh = request.no_cache;
                let lock_name = format!(
                    "up-{}",
                    source::short_hash(&format!("{:?}", wanted.definition.identity))
                );
                let lock = job.unless_cancelled(core.lock(&lock_name)).await?;
                let found = core.find_again(&found).await?;
                let outcome = core.make(&caller, &wanted, Some(found), &job).await;
                drop(lock);
                core.with_notices(&wanted, outcome?).await
            }))
    }

    /// Makes a container anew from the image that it has. A job.
    pub(crate) async fn recreate(
        self: &Arc<Self>,
        caller: &Caller,
        request: RecreateContainer,
    ) -> Result<JobId, Problem> {
        crate::trust::require_hash(request.trust.as_deref())?;
        let found = match self.find(&request.container).await {
            Err(problem) if problem.code == devctl_model::ErrorCode::ContainerNotFound => {
                return match self.find_gone(&request.container).await {
                    Some(gone) => self.make_again(caller, &gone, request.trust),
                    None => Err(problem),
                };
            }
            found => found?,
        };
        if found.is_adopted() {
            return Err(adopt::not_ours(&found, "made anew"));
        }
        let (core, caller) = (self.clone(), caller.clone());
        let alias = found.alias().to_owned();
        Ok(self
            .jobs
            .start("recreate_container", &alias, move |job| async move {
                job.step("Read configuration");
                let mut wanted = core.wanted_again(&found, request.trust.clone()).await?;
                let lock_name = format!(
                    "up-{}",
                    source::short_hash(&format!("{:?}", wanted.definition.identity))
                );
                let lock = job.unless_cancelled(core.lock(&lock_name)).await?;
                let found = core.find_again(&found).await?;
                wanted.image = Some(found.summary.image_id.clone());
                let outcome = core.make(&caller, &wanted, Some(found), &job).await;
                drop(lock);
                core.with_notices(&wanted, outcome?).await
            }))
    }

    /// The container as it is by now: another process may have made it anew while we waited for it.
    pub(super) async fn find_again(self: &Arc<Self>, found: &Found) -> Result<Found, Problem> {
        match self.find(found.id()).await {
            Err(problem) if problem.code == devctl_model::ErrorCode::ContainerNotFound => {
                self.find(found.alias()).await
            }
            answer => answer,
        }
    }

    /// The source of a container, read again.
    pub(super) async fn wanted_again(
        self: &Arc<Self>,
        found: &Found,
        trust: Option<String>,
    ) -> Result<Wanted, Problem> {
        let (text, config) = found.source();
        if let Source::Folder(folder) = &text
            && !folder.is_dir()
        {
            return Err(Problem::new(
                devctl_model::ErrorCode::FolderNotFound,
                format!(
                    "the folder {} of {} is not there",
                    folder.display(),
                    found.alias()
                ),
            )
            .fix("Bring the folder back to where it was")
            .fix_command(
                "Start the container as it is",
                format!("docker start {}", found.summary.name),
            )
            .safe("the container is untouched"));
        }
        let request = UpContainer {
            source: text.text(),
            config: config.clone(),
            trust,
            ..UpContainer::default()
        };
        let mut definition = self.read_source(text, config).await?;
        let clone = CloneOf::of(found);
        if let Some(clone) = &clone {
            definition.identity = clone.identity(&definition);
        }
        Ok(Wanted {
            request,
            definition,
            endpoint: found.endpoint.clone(),
            fresh: false,
            image: None,
            clone,
        })
    }

    /// Stops a container; one that does not run is left alone.
    pub(crate) async fn stop(
        self: &Arc<Self>,
        caller: &Caller,
        request: &StopContainer,
    ) -> Result<StoppedContainer, Problem> {
        let found = self.find(&request.container).await?;
        let stopped = |changed| StoppedContainer {
            name: found.alias().to_owned(),
            changed,
        };
        if !matches!(
            found.summary.status,
            ContainerStatus::Running | ContainerStatus::Restarting | ContainerStatus::Paused
        ) {
            return Ok(stopped(false));
        }
        let timeout = Duration::from_secs(u64::from(request.timeout.unwrap_or(10)));
        let act = async {
            found
                .engine
                .container_stop(found.id(), timeout)
                .await
                .at("Stop container")
        };
        self.recorded(
            caller,
            "stop_container",
            Target::container(found.id(), found.alias()),
            act,
        )
        .await?;
        Ok(stopped(true))
    }
}

/// Where a path really leads, if not into one of these folders. One that is not there is the engine's to refuse.
fn leads_out_of(path: &Path, folders: &[PathBuf]) -> Option<PathBuf> {
    let real = path.canonicalize().ok()?;
    let is_inside = folders
        .iter()
        .filter_map(|folder| folder.canonicalize().ok())
        .any(|folder| real.starts_with(folder));
    (!is_inside).then_some(real)
}

/// Whether something runs in the container at each start.
pub(super) fn runs_on_start(plan: &ContainerPlan) -> bool {
    plan.hooks
        .iter()
        .any(|hook| hook.kind == HookKind::PostStartCommand)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_a_folder_is_seen() {
        let home = tempfile::tempdir().unwrap();
        let (workspace, elsewhere) = (home.path().join("w"), home.path().join("other"));
        std::fs::create_dir_all(workspace.join("sub")).unwrap();
        std::fs::create_dir(&elsewhere).unwrap();
        let folders = [workspace.clone()];
        assert_eq!(leads_out_of(&workspace.join("sub"), &folders), None);
        assert_eq!(leads_out_of(&workspace.join("gone"), &folders), None);
        std::os::unix::fs::symlink(&elsewhere, workspace.join("link")).unwrap();
        assert_eq!(
            leads_out_of(&workspace.join("link"), &folders),
            Some(elsewhere.canonicalize().unwrap())
        );
    }
}
