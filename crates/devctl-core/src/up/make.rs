//! Making a container that was not there.

use super::clone::CloneOf;
use super::first_start::{FirstStart, Start, create};
use super::{Wanted, outcome, own_command};
use crate::access::Access;
use crate::caller::Caller;
use crate::containers::Found;
use crate::core::Core;
use crate::create::{Surroundings, request};
use crate::error::{IntoProblem, OrProblem};
use crate::idle::activity::InUse;
use crate::image::{self, Acquired};
use crate::jobs::JobHandle;
use crate::lifecycle::{self, Inside, Masks, Moments};
use crate::record::Target;
use crate::source::{self, Source};
use crate::{agent, identity, naming, user};
use devctl_engine::{ContainerStatus, CreateRequest, Engine, EngineError, EngineInfo, RemoveOptions};
use devctl_model::{ErrorCode, Problem, UpKind, UpOutcome};
use devctl_spec::host::Gpu;
use devctl_spec::metadata::metadata_for_label;
use devctl_spec::plan::{ContainerPlan, ImageSource};
use devctl_ssh::{Alias, slug};
use std::sync::{Arc, Mutex, PoisonError};

/// What an `up` has become by now: a name, then a container.
#[derive(Default)]
struct Became(Mutex<Option<(String, Option<String>)>>);

impl Became {
    fn set(&self, name: &str, container: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((name.to_owned(), container));
    }

    /// The name that it got at last: another process may have taken the one that was planned.
    fn name(&self, alias: &Alias) {
        self.set(alias.as_str(), None);
    }

    fn container(&self, access: &Access) {
        self.set(&access.alias, Some(access.container.clone()));
    }

    fn target(&self, source: &str) -> Option<Target> {
        let became = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        became.map(|(name, container)| match container {
            Some(id) => Target::container(&id, &name),
            None => Target::source(source, &name),
        })
    }
}

/// What was made so far, to be taken back when the rest fails.
struct Made {
    engine: Arc<dyn Engine>,
    alias: Alias,
    /// What the network is called after that was made for it.
    network: Option<Alias>,
    /// Volumes that are copies.
    volumes: Vec<String>,
    container: Option<String>,
}

impl Core {
    /// Makes a container. With `replaced`, one that is there is removed as soon as the image of the new one is here.
    pub(super) async fn make(
        self: &Arc<Self>,
        caller: &Caller,
        wanted: &Wanted,
        replaced: Option<Found>,
        job: &JobHandle,
    ) -> Result<UpOutcome, Problem> {
        let source_text = wanted.definition.source.text();
        let operation = match (&replaced, &wanted.image) {
            (None, Some(_)) => "clone_container",
            (None, None) => "up",
            (Some(_), None) => "rebuild_container",
            (Some(_), Some(_)) => "recreate_container",
        };
        job.step("Check consent");
        let folder_wants = self.planned_for(source::plan(&wanted.definition, &[])?, &wanted.endpoint);
        let folder_wants = folder_wants.await?;
        let command = command(wanted, replaced.as_ref());
        // The list of an image that asks for nothing more is the folder's own; one that does is asked about again.
        self.require_folder_consent(&source_text, &command, &folder_wants.wants, wanted)
            .await?;
        // What fails before there is a container belongs to the name that it was to get.
        let name = match &replaced {
            Some(old) => old.alias().to_owned(),
            None => self.choose_alias(wanted).await?.as_str().to_owned(),
        };
        job.subject(&name);
        let target = Target::source(&source_text, &name);
        let became = Became::default();
        let act = self.make_recorded(wanted, replaced, &command, &folder_wants.plan, &became, job);
        self.recorded_as(caller, operation, target, act, || became.target(&source_text))
            .await
    }

    /// What is asked for of this engine, which is asked what it has only where that matters.
    pub(crate) async fn planned_for(
        &self,
        planned: source::Planned,
        endpoint: &devctl_engine::Endpoint,
    ) -> Result<source::Planned, Problem> {
        if !planned.depends_on_engine() {
            return Ok(planned);
        }
        let engine = self.engines.engine(endpoint).await?;
        Ok(planned.for_engine(&self.engine_info(&engine, endpoint).await?))
    }

    /// The first of at most two questions: what the folder wants, before anything is pulled, built or run. A consent to
    /// a longer list, which the image made longer, covers it.
    async fn require_folder_consent(
        self: &Arc<Self>,
        source: &str,
        command: &str,
        wants: &[devctl_spec::trust::TrustItem],
        wanted: &Wanted,
    ) -> Result<(), Problem> {
        let given = wanted.request.trust.as_deref();
        if let Err(problem) = self.require_consent(source, command, wants, given).await {
            let source = source.to_owned();
            let wider = self.with_store(move |store| store.consents_of(&source)).await?;
            let asked: Vec<serde_json::Value> = crate::trust::sheet(wants)
                .items
                .iter()
                .filter_map(|item| identity_of(item).ok())
                .collect();
            let covered = wider.iter().any(|consent| {
                let allowed: Vec<serde_json::Value> = consent
                    .items
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|item| serde_json::from_value::<devctl_model::TrustItem>(item.clone()).ok())
                    .filter_map(|item| identity_of(&item).ok())
                    .collect();
                asked.iter().all(|item| allowed.contains(item))
            });
            if !covered {
                return Err(problem);
            }
        }
        Ok(())
    }

    async fn make_recorded(
        self: &Arc<Self>,
        wanted: &Wanted,
        replaced: Option<Found>,
        command: &str,
        folder_plan: &ContainerPlan,
        became: &Became,
        job: &JobHandle,
    ) -> Result<UpOutcome, Problem> {
        let definition = &wanted.definition;
        job.cancel_effect("Removes what was made, keeps the image cache");
        plan_steps(job, folder_plan, wanted.image.is_none());
        let secrets = Masks::of(self.config.env.iter().chain(&folder_plan.env));
        if let (Some(hook), Source::Folder(folder)) = (&folder_plan.initialize, &definition.source) {
            lifecycle::on_host(&self.config, hook, folder, job, &secrets).await?;
        }
        let engine = self.engines.engine(&wanted.endpoint).await?;
        let tag = format!(
            "devctl-{}:{}",
            slug(&definition.source.suggested_name()),
            &definition.hash[..12]
        );
        let acquired = async {
            match &wanted.image {
                Some(id) => image::kept(&engine, id, folder_plan, &tag).await,
                None => image::acquire(&engine, &self.config, folder_plan, &tag, wanted.fresh, job).await,
            }
        };
        let (image, info) =
            futures_util::future::join(acquired, self.engine_info(&engine, &wanted.endpoint)).await;
        let (image, info) = (image?, info?);
        let label = image
            .details
            .labels
            .get(crate::labels::REFERENCE_METADATA)
            .map(String::as_str);
        let entries = source::entries(definition, &image.reference, label)?;
        let planned = source::plan(definition, &entries)?.for_engine(&info);
        let given = wanted.request.trust.as_deref();
        let trust = self
            .require_consent(&definition.source.text(), command, &planned.wants, given)
            .await
            .map_err(|problem| problem.at(format!("what the image {} asks for", image.reference)))?;
        let metadata = metadata_for_label(&entries, &definition.read);
        job.check()?;
        let kept_alias = match replaced {
            Some(old) => Some(self.clear_away(&old, job).await?),
            None => None,
        };
        let mut made = None;
        let result = self.build_up(
            wanted,
            &engine,
            &info,
            &image,
            &planned.plan,
            &trust,
            &metadata,
            kept_alias,
            &mut made,
            job,
        );
        match result.await {
            Ok(access) => {
                became.container(&access);
                if wanted.clone.as_ref().is_some_and(CloneOf::has_files) {
                    // What has run once has left its files, which are here.
                    lifecycle::note_made(&engine, &access.container).await?;
                }
                self.set_up(&engine, &planned.plan, access, &secrets, job).await
            }
            Err(problem) => {
                let Some(made) = made else { return Err(problem) };
                became.name(&made.alias);
                Err(self.take_back(made, problem).await)
            }
        }
    }

    /// From the image to a container that runs. What is made on the way is noted in `made`.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a different fact of the one container"
    )]
    async fn build_up(
        self: &Arc<Self>,
        wanted: &Wanted,
        engine: &Arc<dyn Engine>,
        info: &EngineInfo,
        image: &Acquired,
        plan: &ContainerPlan,
        trust: &str,
        metadata: &str,
        kept_alias: Option<Alias>,
        made: &mut Option<Made>,
        job: &JobHandle,
    ) -> Result<Access, Problem> {
        job.step("Create container");
        let remote_user = user::remote_user(plan, &image.details.user);
        // Names are chosen by one process at a time, until the container that bears the name is there.
        let names = self.lock("names").await?;
        let alias = match kept_alias {
            Some(alias) => alias,
            None => self.choose_alias(wanted).await?,
        };
        job.subject(alias.as_str());
        let all = self.ours_on(&wanted.endpoint).await?;
        let network = naming::free_network(&alias, &all, &wanted.endpoint);
        *made = Some(Made {
            engine: engine.clone(),
            alias: alias.clone(),
            network: None,
            volumes: Vec::new(),
            container: None,
        });
        require_host(plan, info, job)?;
        let own_network = plan.run.networks.is_empty();
        if own_network && let Some(made) = made.as_mut() {
            made.network = Some(network.clone());
        }
        let (memory, pids) = futures_util::future::join(
            self.chosen(crate::settings::MEMORY_LIMIT),
            self.chosen(crate::settings::PIDS_LIMIT),
        )
        .await;
        let about = Surroundings {
            definition: &wanted.definition,
            volumes: wanted.clone.as_ref().and_then(CloneOf::label),
            info,
            alias: alias.as_str(),
            image: &image.reference,
            remote_user: &remote_user,
            network: network.as_str(),
            trust,
            metadata,
            agent: agent::mount(&image.details.architecture)?,
            memory_mib: memory.as_u64().unwrap_or(0),
            pids: pids.as_i64().unwrap_or(4096),
        };
        let mut request = request(plan, &about)?;
        fill_image_command(&mut request, plan, image);
        if let Some(clone) = &wanted.clone {
            clone.give_copies(&mut request);
            if let Some(made) = made.as_mut() {
                made.volumes = clone.new_volumes();
            }
            clone.copy_volumes(engine, image, &alias, job).await?;
        }
        // A network takes as long as the rest together, and is needed only at the start.
        let with_network = async {
            if own_network {
                self.ensure_network(engine, network.as_str()).await
            } else {
                Ok(())
            }
        };
        let with_container = async {
            let agent = self.ensure_agent(
                engine,
                &wanted.endpoint,
                &image.reference,
                &image.details.architecture,
            );
            let identity = self.ensure_identity();
            futures_util::future::try_join(agent, identity).await?;
            if info.kind == devctl_engine::EngineKind::Docker {
                Ok(Some(create(engine, &request).await?))
            } else {
                Ok::<_, Problem>(None)
            }
        };
        let (network_made, container) = futures_util::future::join(with_network, with_container).await;
        if let (Ok(Some(id)), Some(made)) = (&container, made.as_mut()) {
            made.container = Some(id.clone());
        }
        network_made?;
        let id = match container? {
            Some(id) => id,
            // Podman wants the network to be there first.
            None => create(engine, &request).await?,
        };
        if let Some(made) = made.as_mut() {
            made.container = Some(id.clone());
        }
        drop(names);
        job.check()?;
        let first = FirstStart {
            wanted,
            engine,
            plan,
            image,
            request: &request,
            alias: &alias,
            network: &network,
            remote_user: &remote_user,
            job,
        };
        let mut access = match self.start_made(&first, &id).await? {
            Start::Runs(access) => *access,
            Start::LimitRefused(_) => {
                // The engine knows by now what it may set: the container is made anew with that, and again from nothing.
                let gone = RemoveOptions {
                    volumes: true,
                    force: true,
                };
                engine.container_remove(&id, gone).await.at("Start container")?;
                self.config.host_keys().remove(&id).or_problem()?;
                let id = create(engine, &request).await?;
                if let Some(made) = made.as_mut() {
                    made.container = Some(id.clone());
                }
                match self.start_made(&first, &id).await? {
                    Start::Runs(access) => *access,
                    Start::LimitRefused(error) => return Err(error.into_problem().at("Start container")),
                }
            }
        };
        self.own_home(engine, &mut access, job).await?;
        Ok(access)
    }

    /// From a container that runs to one that `ssh` reaches, and in which everything has run.
    async fn set_up(
        self: &Arc<Self>,
        engine: &Arc<dyn Engine>,
        plan: &ContainerPlan,
        mut access: Access,
        secrets: &Masks,
        job: &JobHandle,
    ) -> Result<UpOutcome, Problem> {
        job.cancel_effect("Keeps the container; the next up goes on with the commands that have not run");
        if !plan.override_command {
            own_command::require_stays(engine, &access.container, &access.alias).await?;
        }
        if !plan.hooks.is_empty() {
            self.run_hooks(engine, &mut access, plan, secrets, job).await?;
        }
        job.step("Ready");
        Ok(outcome(&self.config, &access, UpKind::Created, None, plan))
    }

    /// Runs the lifecycle commands that have not run, and notes that nothing is left to do.
    pub(super) async fn run_hooks(
        self: &Arc<Self>,
        engine: &Arc<dyn Engine>,
        access: &mut Access,
        plan: &ContainerPlan,
        secrets: &Masks,
        job: &JobHandle,
    ) -> Result<(), Problem> {
        let details = engine.container_inspect(&access.container).await.or_problem()?;
        let moments = Moments {
            created: details.created.map(crate::clock::offset_text).unwrap_or_default(),
            started: details
                .state
                .started_at
                .map(crate::clock::offset_text)
                .unwrap_or_default(),
        };
        // What sets a container up uses it, however long it takes.
        let _used = InUse::begin(&self.config, &access.container).await;
        let agent = access.agent.clone();
        let inside = Inside {
            engine,
            container: &access.container.clone(),
            agent: agent.path(),
            user: &access.remote_user.clone(),
            folder: &access.workspace_folder.clone(),
            with_secrets: false,
            job,
        };
        if access.environment.is_none() || access.started_at.as_deref() != Some(&moments.started) {
            let probed = job.unless_cancelled(inside.probe(plan.user_env_probe)).await?;
            access.environment = Some(probed);
            access.started_at = Some(moments.started.clone());
            access.write(&self.config)?;
        }
        let given = self.give(engine, access).await?;
        let secrets = &match &given {
            Some(given) => secrets.and(given.values()),
            None => secrets.clone(),
        };
        let inside = Inside {
            with_secrets: given.is_some(),
            ..inside
        };
        let probed = access.environment.clone().unwrap_or_default();
        let (environment, unset) = lifecycle::environment(&probed, &plan.remote_env);
        // An exec cannot take a variable out; an empty one is the nearest that engines offer.
        let environment: Vec<(String, String)> = environment
            .into_iter()
            .chain(unset.into_iter().map(|name| (name, String::new())))
            .collect();
        let ran = inside
            .run(&plan.hooks, plan.wait_for, &moments, &environment, secrets)
            .await;
        if let Err(problem) = ran {
            return Err(self.why_cut_off(engine, access, problem).await);
        }
        access.set_up = true;
        access.write(&self.config)
    }

    /// Why a command failed: somebody may have removed or stopped the container under it.
    async fn why_cut_off(&self, engine: &Arc<dyn Engine>, access: &Access, problem: Problem) -> Problem {
        if problem.code == ErrorCode::Cancelled {
            return problem;
        }
        let alias = &access.alias;
        let (code, what) = match engine.container_inspect(&access.container).await {
            Err(EngineError::NotFound { .. }) => (ErrorCode::ContainerNotFound, "removed"),
            Ok(details)
                if matches!(
                    details.state.status,
                    ContainerStatus::Removing | ContainerStatus::Dead
                ) =>
            {
                (ErrorCode::ContainerNotFound, "removed")
            }
            Ok(details) if !details.state.is_running() => (ErrorCode::ContainerNotRunning, "stopped"),
            Ok(_) | Err(_) => return problem,
        };
        let mut cut_off = Problem::new(code, format!("{alias} was {what} while it was being set up"));
        cut_off.at = problem.at;
        cut_off.lines = problem.lines;
        if code == ErrorCode::ContainerNotFound {
            // What was written for it since then names nothing any more.
            Access::remove(&self.config, alias);
            return cut_off.fix("Run devctl up again to make it anew");
        }
        cut_off
            .fix_command("Go on with this command", format!("devctl start {alias}"))
            .safe("the container is there, and commands that have run will not run again")
    }

    /// The alias of a new container: as asked for, else from the source's name, numbered where it is taken.
    async fn choose_alias(self: &Arc<Self>, wanted: &Wanted) -> Result<Alias, Problem> {
        let (all, _) = self.ours().await;
        let taken = |alias: &Alias| self.is_taken(alias, &all, &wanted.endpoint);
        if let Some(name) = &wanted.request.name {
            let alias = Alias::new(name).or_problem()?;
            if taken(&alias) {
                return Err(Problem::new(
                    ErrorCode::EngineConflict,
                    format!("there is a container {alias} already"),
                )
                .fix("Choose another name")
                .fix_command("See what it is", format!("devctl show {alias}")));
            }
            return Ok(alias);
        }
        let base = slug(&wanted.definition.source.suggested_name());
        let numbered = (2..).map(|number| base.numbered(number));
        std::iter::once(base.clone())
            .chain(numbered)
            .find(|alias| !taken(alias))
            .ok_or_else(|| Problem::new(ErrorCode::EngineConflict, format!("no name like {base} is free")))
    }

    /// Removes what was made, because the rest failed. What could not be removed is said.
    async fn take_back(self: &Arc<Self>, made: Made, mut problem: Problem) -> Problem {
        let gone = RemoveOptions {
            volumes: true,
            force: true,
        };
        if let Some(id) = &made.container {
            match made.engine.container_remove(id, gone).await {
                Ok(()) | Err(EngineError::NotFound { .. }) => {
                    if let Err(error) = self.config.host_keys().remove(id) {
                        tracing::warn!(%error, "a host key stays behind");
                    }
                    // What is gone can be asked nothing any more.
                    problem.fixes.retain(|fix| {
                        !fix.command
                            .as_deref()
                            .is_some_and(|command| command.contains(id.as_str()))
                    });
                    if problem.fixes.is_empty() {
                        problem = problem.fix("Correct what the message names, then run devctl up again");
                    }
                }
                Err(error) => {
                    return problem
                        .why(format!("the container could not be removed again: {error}"))
                        .fix_command("Go on from what is there", "devctl up");
                }
            }
        }
        for volume in &made.volumes {
            match made.engine.volume_remove(volume).await {
                Ok(()) | Err(EngineError::NotFound { .. }) => {}
                Err(error) => problem = problem.why(format!("the volume {volume} stays behind: {error}")),
            }
        }
        if let Some(network) = &made.network
            && let Err(error) = self.remove_network(&made.engine, network.as_str()).await
        {
            problem = problem.why(format!("its network could not be removed again: {error}"));
        }
        Access::remove(&self.config, made.alias.as_str());
        if let Err(left) = identity::write_client_config(&self.config) {
            tracing::warn!(problem = %left, "the client configuration still names what was removed");
        }
        problem.safe("what was made for it has been removed again; images stay in the cache")
    }

    /// What an engine says of itself, asked once for each process.
    pub(crate) async fn engine_info(
        &self,
        engine: &Arc<dyn Engine>,
        endpoint: &devctl_engine::Endpoint,
    ) -> Result<EngineInfo, Problem> {
        engine
            .info()
            .await
            .map_err(|error| crate::engines::unreachable(endpoint, error))
    }
}

/// With `overrideCommand: false` the image's own command runs, also behind an entrypoint of runArgs.
fn fill_image_command(request: &mut CreateRequest, plan: &ContainerPlan, image: &Acquired) {
    if !plan.override_command && !plan.entrypoints.is_empty() {
        let mut words: Vec<String> = request
            .entrypoint
            .take()
            .unwrap_or_else(|| image.details.entrypoint.clone());
        words.extend(image.details.cmd.clone());
        let script = format!("{}\nexec \"$@\"", plan.entrypoints.join("\n"));
        request.entrypoint = Some(vec!["/bin/sh".to_owned()]);
        request.cmd = Some(
            ["-c".to_owned(), script, "-".to_owned()]
                .into_iter()
                .chain(words)
                .collect(),
        );
    }
}

fn require_host(plan: &ContainerPlan, info: &EngineInfo, job: &JobHandle) -> Result<(), Problem> {
    let wants = &plan.host_requirements;
    let card_needed = !matches!(wants.gpu, Gpu::Unsaid | Gpu::No | Gpu::Optional);
    if card_needed && !info.gpus {
        // As in the reference: a missing card is said, and the container is made without.
        job.note("The configuration asks for a graphics card, and the engine has none to give");
    }
    let lacking = |what: String| {
        Err(Problem::new(ErrorCode::HostRequirements, what)
            .fix("Choose a host with more, or ask for less in hostRequirements"))
    };
    if wants.cpus > info.cpus {
        return lacking(format!(
            "{} processors are asked for, and the host has {}",
            wants.cpus, info.cpus
        ));
    }
    if wants.memory > info.memory {
        let mib = |bytes: u64| bytes / (1024 * 1024);
        return lacking(format!(
            "{} MiB of memory are asked for, and the host has {} MiB",
            mib(wants.memory),
            mib(info.memory)
        ));
    }
    Ok(())
}

fn plan_steps(job: &JobHandle, plan: &ContainerPlan, gets_image: bool) {
    let mut steps = Vec::new();
    let pull;
    if plan.initialize.is_some() {
        steps.push("Run initializeCommand");
    }
    match &plan.source {
        _ if !gets_image => {}
        ImageSource::Image(reference) => {
            pull = format!("Pull {reference}");
            steps.push(&pull);
        }
        ImageSource::Build(_) => steps.push("Build the image"),
    }
    steps.extend(["Create container", "Start container"]);
    let runs: Vec<String> = plan
        .hooks
        .iter()
        .map(|hook| format!("Run {}", hook.kind.property()))
        .collect();
    steps.extend(runs.iter().map(String::as_str));
    steps.push("Ready");
    job.plan(&steps);
}

/// What a person is told to type again.
pub(super) fn command(wanted: &Wanted, replaced: Option<&Found>) -> String {
    match replaced {
        Some(old) if wanted.image.is_some() => format!("devctl recreate {}", old.alias()),
        Some(old) => format!("devctl rebuild {}", old.alias()),
        None if let Some(clone) = &wanted.clone => clone.command(),
        None => {
            let source = quoted(&wanted.request.source);
            let config = wanted
                .request
                .config
                .as_deref()
                .map(|config| format!(" --config {}", quoted(config)));
            format!("devctl up {source}{}", config.unwrap_or_default())
        }
    }
}

/// A word for a shell.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@=+,~".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// What of an item consent is bound to.
fn identity_of(item: &devctl_model::TrustItem) -> Result<serde_json::Value, serde_json::Error> {
    Ok(serde_json::json!([
        serde_json::to_value(item.kind)?,
        item.key,
        item.value
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_typed_again_survives_a_shell() {
        assert_eq!(quoted("a/b-c"), "a/b-c");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's $x"), "'it'\\''s $x'");
        assert_eq!(quoted(""), "''");
    }
}
