//! The first start of a container that was just created.

use super::Wanted;
use crate::access::Access;
use crate::agent::Agent;
use crate::core::Core;
use crate::error::{IntoProblem, OrProblem};
use crate::image::Acquired;
use crate::jobs::JobHandle;
use crate::life::gone::MadeFrom;
use crate::secrets::Whose;
use crate::{labels, lifecycle, login_path, user};
use devctl_engine::{CreateRequest, Engine, EngineError};
use devctl_model::{ErrorCode, Problem};
use devctl_spec::plan::ContainerPlan;
use devctl_ssh::Alias;
use std::sync::Arc;

/// What the first start of a container needs to know.
#[derive(Clone, Copy)]
pub(super) struct FirstStart<'a> {
    pub(super) wanted: &'a Wanted,
    pub(super) engine: &'a Arc<dyn Engine>,
    pub(super) plan: &'a ContainerPlan,
    pub(super) image: &'a Acquired,
    pub(super) request: &'a CreateRequest,
    pub(super) alias: &'a Alias,
    pub(super) network: &'a Alias,
    pub(super) remote_user: &'a str,
    pub(super) job: &'a JobHandle,
}

/// What came of a first start.
pub(super) enum Start {
    Runs(Box<Access>),
    /// The engine may not set a limit, and knows it by now.
    LimitRefused(EngineError),
}

impl Core {
    /// Makes a container ready that was just created, starts it, and lets its person in.
    pub(super) async fn start_made(
        self: &Arc<Self>,
        first: &FirstStart<'_>,
        id: &str,
    ) -> Result<Start, Problem> {
        let FirstStart {
            wanted,
            engine,
            plan,
            image,
            request,
            alias,
            network,
            remote_user,
            job,
        } = *first;
        let aligned = user::align(
            engine,
            &wanted.endpoint,
            &self.config,
            id,
            remote_user,
            plan.update_remote_user_uid,
            job,
        )
        .await?;
        if !request.read_only_rootfs {
            login_path::keep(engine, id, search_path(plan, image), job).await;
        }
        job.step("Start container");
        // What a login needs is written while the engine starts the container, which takes longer.
        let access = Access {
            unowned_home: aligned,
            agent: Agent::own(&image.details.architecture)?,
            made_from: MadeFrom {
                kind: Some(wanted.definition.source.kind()),
                source: wanted.definition.source.text(),
                config: wanted.request.config.clone().or_else(|| {
                    let file = wanted.definition.identity.get(labels::REFERENCE_CONFIG);
                    file.cloned()
                }),
                title: wanted.definition.title.clone(),
                image: image.reference.clone(),
                network: Some(network.as_str().to_owned()),
            },
            ..access(wanted, engine, plan, id, alias.as_str(), remote_user)
        };
        let starting = async {
            match self.start_in_network(engine, id, network.as_str()).await {
                Ok(()) => Ok(None),
                Err(error @ EngineError::LimitRefused { .. }) => Ok(Some(error)),
                Err(error) => Err(error.into_problem().at("Start container")),
            }
        };
        let (started, let_in) =
            futures_util::future::join(job.unless_cancelled(starting), self.let_in(&access)).await;
        let refused = started?;
        let_in?;
        Ok(refused.map_or(Start::Runs(Box::new(access)), Start::LimitRefused))
    }
}

/// Creates a container; it does not run yet.
pub(super) async fn create(engine: &Arc<dyn Engine>, request: &CreateRequest) -> Result<String, Problem> {
    let created = match engine.container_create(request).await {
        Err(error @ EngineError::Conflict { .. }) => {
            let taken = match &request.name {
                Some(name) => name_taken(engine, name).await,
                None => None,
            };
            return Err(taken
                .unwrap_or_else(|| error.into_problem())
                .at("Create container"));
        }
        created => created.at("Create container")?,
    };
    for warning in created.warnings {
        tracing::warn!(%warning, "the engine warns");
    }
    Ok(created.id)
}

/// Who has the name that a new container was to get; none where nobody has it.
async fn name_taken(engine: &Arc<dyn Engine>, name: &str) -> Option<Problem> {
    let holder = engine.container_inspect(name).await.ok()?;
    let id = crate::ssh_proxy::short(&holder.id);
    let message = format!("the engine has a container that is called {name} already: {id}");
    let problem = Problem::new(ErrorCode::EngineConflict, message);
    let is_ours = holder.labels.contains_key(labels::MANAGED);
    Some(
        match is_ours.then(|| crate::naming::alias(&holder.name, &holder.labels)) {
            Some(alias) => problem
                .fix_command("See what it is", format!("devctl show {alias}"))
                .fix("Choose another name (--name)"),
            None => problem
                .fix_command("See what it is", format!("docker ps --all --filter id={id}"))
                .fix("Choose another name (--name)")
                .fix_command(
                    "Or give that container another one",
                    format!("docker rename {id} {name}-old"),
                ),
        },
    )
}

/// The access record of a container that is about to start for the first time.
fn access(
    wanted: &Wanted,
    engine: &Arc<dyn Engine>,
    plan: &ContainerPlan,
    container: &str,
    alias: &str,
    remote_user: &str,
) -> Access {
    Access {
        alias: alias.to_owned(),
        container: container.to_owned(),
        url: wanted.endpoint.url.clone(),
        host: wanted.endpoint.name.clone(),
        facts: engine.facts(),
        remote_user: remote_user.to_owned(),
        workspace_folder: plan.workspace_folder.clone(),
        probe: lifecycle::mode_name(plan.user_env_probe).to_owned(),
        remote_env: plan.remote_env.clone(),
        environment: None,
        started_at: None,
        unowned_home: None,
        agent: Agent::default(),
        secrets_of: Whose::of(&wanted.definition.source).subject,
        has_secrets: false,
        set_up: plan.hooks.is_empty(),
        starts_on_host: plan.initialize.is_some(),
        runs_on_start: super::resume::runs_on_start(plan),
        made_from: MadeFrom::default(),
    }
}

/// The search path of the container's processes, if anybody says it.
fn search_path<'a>(plan: &'a ContainerPlan, image: &'a Acquired) -> Option<&'a str> {
    let of_plan = plan.env.iter().find(|(name, _)| *name == "PATH");
    of_plan.map(|(_, path)| path.as_str()).or_else(|| {
        let mut of_image = image.details.env.iter();
        of_image.find_map(|variable| variable.strip_prefix("PATH="))
    })
}
