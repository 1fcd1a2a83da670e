//! The engines of this machine, each opened once and only when it is needed.

use crate::config::CoreConfig;
use crate::error::{IntoProblem, OrProblem};
use devctl_engine::{
    Discovery, Endpoint, EndpointSource, Engine, EngineError, EngineFacts, EngineHealth, EngineKind,
};
use devctl_files::Mode;
use devctl_model::{ErrorCode, Host, HostState, Problem};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tokio::sync::Mutex;

/// The engines of this machine.
pub(crate) struct Engines {
    facts_file: std::path::PathBuf,
    discovery: Discovery,
    open: Mutex<HashMap<String, Arc<dyn Engine>>>,
}

impl Engines {
    pub(crate) fn discover(config: &CoreConfig) -> Self {
        Self {
            facts_file: config.state_dir.join("engines.json"),
            discovery: devctl_engine::discover(&config.engine_env),
            open: Mutex::default(),
        }
    }

    /// Every place where an engine may answer, the current one first.
    pub(crate) fn endpoints(&self) -> &[Endpoint] {
        &self.discovery.endpoints
    }

    /// The endpoint of that name; the current one when none is given.
    pub(crate) fn endpoint(&self, name: Option<&str>) -> Result<&Endpoint, Problem> {
        if name.is_none()
            && !self.endpoints().iter().any(|endpoint| endpoint.current)
            && let Some(problem) = self
                .discovery
                .problems
                .iter()
                .find(|problem| matches!(problem, EngineError::Invalid { .. }))
        {
            // A context that was asked for and is not there is not silently another one.
            return Err(Problem::new(ErrorCode::EngineUnreachable, problem.to_string())
                .fix_command("See which contexts there are", "docker context ls"));
        }
        let found = match name {
            None => self.endpoints().first(),
            Some(name) => self
                .endpoints()
                .iter()
                .find(|endpoint| endpoint.name == name || endpoint.url == name),
        };
        found.ok_or_else(|| {
            let names: Vec<&str> = self
                .endpoints()
                .iter()
                .map(|endpoint| endpoint.name.as_str())
                .collect();
            Problem::new(
                ErrorCode::RequestInvalid,
                format!("there is no host {:?}", name.unwrap_or_default()),
            )
            .fix(format!("Choose one of: {}", names.join(", ")))
        })
    }

    /// Opens an engine. Which API it speaks is remembered between processes, so that a login asks nothing first.
    pub(crate) async fn engine(&self, endpoint: &Endpoint) -> Result<Arc<dyn Engine>, Problem> {
        let mut open = self.open.lock().await;
        if let Some(engine) = open.get(&endpoint.url) {
            return Ok(engine.clone());
        }
        let known = self.known_facts();
        let engine = match known.get(&endpoint.url) {
            Some(facts) => devctl_engine::connect_known(endpoint, *facts).or_problem()?,
            None => {
                let engine = devctl_engine::connect(endpoint)
                    .await
                    .map_err(|error| unreachable(endpoint, error))?;
                self.remember(endpoint, engine.facts(), known);
                engine
            }
        };
        open.insert(endpoint.url.clone(), engine.clone());
        Ok(engine)
    }

    /// Forgets what was remembered of an engine, after it answered that it is another one now.
    pub(crate) async fn forget(&self, endpoint: &Endpoint) {
        self.open.lock().await.remove(&endpoint.url);
        let mut known = self.known_facts();
        if known.remove(&endpoint.url).is_some() {
            self.write(&known);
        }
    }

    /// How each endpoint is, all asked at once.
    pub(crate) async fn hosts(&self) -> Vec<Host> {
        let asked = self.endpoints().iter().map(|endpoint| async move {
            let (state, detail, facts) = match devctl_engine::probe(endpoint).await {
                EngineHealth::Ok(facts) => (HostState::Ready, None, Some(facts)),
                EngineHealth::NoSocket => (HostState::NoSocket, None, None),
                EngineHealth::NoRights => (HostState::NoRights, None, None),
                EngineHealth::NotAnswering(error) => {
                    (HostState::NotAnswering, Some(error.into_problem().message), None)
                }
                EngineHealth::TooOld { version } => {
                    (HostState::TooOld, Some(format!("it speaks API {version}")), None)
                }
            };
            let engine = match facts {
                Some(_) => match self.engine(endpoint).await {
                    Ok(engine) => engine
                        .info()
                        .await
                        .ok()
                        .map(|info| product(info.kind, &info.version)),
                    Err(_) => None,
                },
                None => None,
            };
            Host {
                engine,
                api_version: facts.map(|facts| facts.api_version.to_string()),
                state,
                detail,
                ..host(endpoint)
            }
        });
        futures_util::future::join_all(asked).await
    }

    fn known_facts(&self) -> BTreeMap<String, EngineFacts> {
        // A file that is gone or damaged only costs one question.
        std::fs::read(&self.facts_file)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default()
    }

    fn remember(&self, endpoint: &Endpoint, facts: EngineFacts, mut known: BTreeMap<String, EngineFacts>) {
        known.insert(endpoint.url.clone(), facts);
        self.write(&known);
    }

    fn write(&self, known: &BTreeMap<String, EngineFacts>) {
        // A first command that changes nothing finds no folder of ours yet.
        if let Some(Err(error)) = self.facts_file.parent().map(devctl_files::ensure_private_dir) {
            tracing::debug!(%error, "what is known of the engines cannot be kept");
            return;
        }
        let Ok(text) = serde_json::to_vec_pretty(known) else {
            return;
        };
        if let Err(error) = devctl_files::write_atomic(&self.facts_file, &text, Mode::PRIVATE) {
            tracing::debug!(%error, "what is known of the engines could not be kept");
        }
    }
}

/// What is known of a host without asking it.
pub(crate) fn host(endpoint: &Endpoint) -> Host {
    let source = match &endpoint.source {
        EndpointSource::DockerHost => "DOCKER_HOST".to_owned(),
        EndpointSource::Context(name) => format!("docker context {name}"),
        EndpointSource::WellKnown(product) => (*product).to_owned(),
        EndpointSource::Explicit => "given by name".to_owned(),
    };
    Host {
        name: endpoint.name.clone(),
        source,
        url: endpoint.url.clone(),
        current: endpoint.current,
        state: HostState::NotAnswering,
        engine: None,
        api_version: None,
        detail: None,
    }
}

/// The problem of an engine that cannot be reached, as the state of a host.
pub(crate) fn state_of(problem: &Problem) -> HostState {
    match problem.code {
        ErrorCode::EngineNoRights => HostState::NoRights,
        ErrorCode::EngineTooOld => HostState::TooOld,
        _ => HostState::NotAnswering,
    }
}

/// Whether a person has named this engine for everything: another one is never taken in its place.
pub(crate) fn is_asked_for(endpoint: &Endpoint) -> bool {
    endpoint.source == EndpointSource::DockerHost
}

/// The failure of an engine, with the place where it should answer.
pub(crate) fn unreachable(endpoint: &Endpoint, error: EngineError) -> Problem {
    let mut problem = error.into_problem();
    match problem.code {
        ErrorCode::EngineUnreachable if is_asked_for(endpoint) => {
            problem.message = format!(
                "the engine that DOCKER_HOST names ({}) does not answer",
                endpoint.url
            );
            problem.fixes.clear();
            problem
                .fix("Start that engine")
                .fix_command("Or take the engines of this computer", "unset DOCKER_HOST")
                .fix_command("See which engines were found", "devctl doctor")
        }
        ErrorCode::EngineUnreachable | ErrorCode::EngineNoRights => problem.at(endpoint.url.clone()),
        _ => problem,
    }
}

pub(crate) fn product(kind: EngineKind, version: &str) -> String {
    match kind {
        EngineKind::Docker => format!("Docker Engine {version}"),
        EngineKind::Podman => format!("Podman {version}"),
    }
}
