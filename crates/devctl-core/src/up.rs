//! `up`: a folder or an image becomes a container that `ssh` reaches, whatever was there before.

mod clone;
mod first_start;
mod make;
mod own_command;
mod resume;

pub(crate) use make::quoted;

use self::clone::CloneOf;
use crate::access::Access;
use crate::caller::Caller;
use crate::config::CoreConfig;
use crate::containers::{Found, of_source};
use crate::core::Core;
use crate::error::OrProblem;
use crate::jobs::JobHandle;
use crate::labels;
use crate::source::{self, Definition, Source};
use devctl_engine::{Endpoint, RemoveOptions};
use devctl_model::{JobId, Problem, UpContainer, UpKind, UpOutcome};
use devctl_spec::plan::ContainerPlan;
use devctl_ssh::Alias;
use std::sync::Arc;

/// What is asked for, found and read.
struct Wanted {
    request: UpContainer,
    definition: Definition,
    endpoint: Endpoint,
    /// Pulls and builds without caches.
    fresh: bool,
    /// The image to take, by id, in the place of the one that the configuration names or builds.
    image: Option<String>,
    /// What is otherwise in a second container of the same configuration.
    clone: Option<CloneOf>,
}

impl Core {
    /// Starts `up` as a job.
    pub(crate) fn start_up(
        self: &Arc<Self>,
        caller: &Caller,
        request: UpContainer,
    ) -> Result<JobId, Problem> {
        crate::trust::require_hash(request.trust.as_deref())?;
        let found = Source::find(&self.config, &request.source, request.kind)?;
        let subject = request.name.clone().unwrap_or_else(|| found.suggested_name());
        let (core, caller) = (self.clone(), caller.clone());
        Ok(self.jobs.start("up", &subject, move |job| async move {
            core.up_job(&caller, found, request, &job).await
        }))
    }

    async fn up_job(
        self: &Arc<Self>,
        caller: &Caller,
        found: Source,
        request: UpContainer,
        job: &JobHandle,
    ) -> Result<UpOutcome, Problem> {
        job.step("Read configuration");
        let definition = self.read_source(found, request.config.clone()).await?;
        let endpoint = self.engines.endpoint(request.host.as_deref())?.clone();
        // One at a time for one source: the second goes on from what the first has made.
        let lock_name = format!("up-{}", source::short_hash(&format!("{:?}", definition.identity)));
        let lock = job.unless_cancelled(self.lock(&lock_name)).await?;
        let existing = job
            .unless_cancelled(self.existing(&definition, &endpoint))
            .await?;
        if let Some(existing) = &existing {
            refuse_another_name(&request, existing)?;
        } else {
            self.refuse_name_of_container(&request, &definition, &endpoint)
                .await?;
        }
        let wanted = Wanted {
            request,
            definition,
            endpoint,
            fresh: false,
            image: None,
            clone: None,
        };
        let outcome = match existing {
            Some(existing) => self.resume(caller, &wanted, existing, job).await,
            None => self.make(caller, &wanted, None, job).await,
        };
        drop(lock);
        self.with_notices(&wanted, outcome?).await
    }

    /// The outcome, with what is to be told of secrets that the configuration asks for.
    async fn with_notices(
        self: &Arc<Self>,
        wanted: &Wanted,
        outcome: UpOutcome,
    ) -> Result<UpOutcome, Problem> {
        let mut outcome = outcome;
        outcome
            .notices
            .extend(self.secret_notices(&wanted.definition).await);
        Ok(outcome)
    }

    /// A word that is no folder, and names a container that was made from something else, is hardly meant as an image:
    /// what lies under that name in a registry may be anybody's.
    async fn refuse_name_of_container(
        self: &Arc<Self>,
        request: &UpContainer,
        definition: &Definition,
        endpoint: &Endpoint,
    ) -> Result<(), Problem> {
        let (None, Source::Image(word)) = (request.kind, &definition.source) else {
            return Ok(());
        };
        let all = self.ours_on(endpoint).await?;
        if !all.iter().any(|found| found.alias() == word) {
            return Ok(());
        }
        Err(Problem::new(
            devctl_model::ErrorCode::RequestInvalid,
            format!("{word} is the name of a container, and up takes a folder or an image"),
        )
        .fix_command("Start the container", format!("devctl start {word}"))
        .fix_command("Take the image of that name", format!("devctl up --image {word}")))
    }

    /// Reads a source away from the threads that wait for others: a folder may lie on a slow disk.
    pub(crate) async fn read_source(
        self: &Arc<Self>,
        found: Source,
        chosen: Option<String>,
    ) -> Result<Definition, Problem> {
        let core = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            let definition = source::read(&core.config, &found, chosen.as_deref())?;
            // What cannot be made is said before anything is asked of an engine.
            source::plan(&definition, &[])?;
            Ok(definition)
        });
        task.await.map_err(|error| {
            Problem::new(
                devctl_model::ErrorCode::Internal,
                "the configuration could not be read",
            )
            .why(error.to_string())
        })?
    }

    /// The container that was made from this source before; one that the engine is removing is waited for. One that was never started is the remains of an `up` that
    /// was cut off: nothing of anybody is in it, so it is removed.
    async fn existing(
        self: &Arc<Self>,
        definition: &Definition,
        endpoint: &Endpoint,
    ) -> Result<Option<Found>, Problem> {
        let all = self.ours_on(endpoint).await?;
        let mut existing = None;
        for found in of_source(&all, &definition.identity) {
            if crate::life::adopt::is_remains(found) {
                tracing::info!(
                    container = found.id(),
                    "the remains of an interrupted up are removed"
                );
                let gone = RemoveOptions {
                    volumes: true,
                    force: true,
                };
                found
                    .engine
                    .container_remove(found.id(), gone)
                    .await
                    .or_problem()?;
            } else if self.is_going(found).await? {
                self.let_go(found).await?;
            } else if existing.is_none() || found.is_running() {
                existing = Some(found.clone());
            }
        }
        Ok(existing)
    }

    /// Whether the configuration says something else now than when the container was made; none when that cannot be
    /// said.
    pub(crate) async fn config_changed(self: &Arc<Self>, found: &Found) -> Option<bool> {
        let made_with = found.label(labels::CONFIG_HASH)?.to_owned();
        let folder = found.folder()?.to_owned();
        let config = found.config_file().map(str::to_owned);
        let core = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            source::read(&core.config, &Source::Folder(folder.into()), config.as_deref())
                .ok()
                .map(|definition| definition.hash != made_with)
        });
        task.await.ok().flatten()
    }
}

/// A container keeps the name that it was made with.
fn refuse_another_name(request: &UpContainer, existing: &Found) -> Result<(), Problem> {
    let Some(name) = request.name.as_deref().filter(|name| *name != existing.alias()) else {
        return Ok(());
    };
    Err(Problem::new(
        devctl_model::ErrorCode::RequestInvalid,
        format!(
            "the container of {} is there already and is called {}, not {name}",
            request.source,
            existing.alias()
        ),
    )
    .fix("Leave --name out")
    .fix_command(
        "Remove it first, to make it with another name",
        format!("devctl remove {}", existing.alias()),
    ))
}

/// What `up` answers.
fn outcome(
    config: &CoreConfig,
    access: &Access,
    kind: UpKind,
    drift: Option<devctl_model::DriftCost>,
    plan: &ContainerPlan,
) -> UpOutcome {
    // That the configuration has changed is a fact of its own: each door says it with what it offers.
    let notices = plan.notices.iter().map(|notice| notice.text.clone()).collect();
    UpOutcome {
        container: access.container.as_str().into(),
        name: access.alias.clone(),
        ssh_host: config.ssh_host(&access.alias),
        remote_user: access.remote_user.clone(),
        remote_workspace_folder: access.workspace_folder.clone(),
        outcome: kind,
        config_changed: drift.is_some(),
        drift,
        notices,
    }
}

/// The alias as a type; labels of ours hold nothing else, but somebody may have changed them.
fn alias_of(found: &Found) -> Result<Alias, Problem> {
    Alias::new(found.alias()).or_problem()
}
