//! Gets the image of a plan: finds it, pulls it, or builds it.

use crate::config::CoreConfig;
use crate::error::OrProblem;
use crate::jobs::JobHandle;
use devctl_engine::{
    BuildEvent, BuildRequest, BuildSecret, BuildSshAgent, Engine, EngineError, ImageDetails, OutputStream,
    PullEvent, PullRequest, RegistryCredentials, SecretSource,
};
use devctl_model::{ErrorCode, LogStream, Problem};
use devctl_spec::image_build::{BuildPlan, BuildSecretSource};
use devctl_spec::plan::{ContainerPlan, ImageSource};
use devctl_spec::run::PullPolicy;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// An image that is here.
pub(crate) struct Acquired {
    pub(crate) reference: String,
    pub(crate) details: ImageDetails,
}

/// Finds, pulls or builds the image of a plan.
pub(crate) async fn acquire(
    engine: &Arc<dyn Engine>,
    config: &CoreConfig,
    plan: &ContainerPlan,
    tag: &str,
    fresh: bool,
    job: &JobHandle,
) -> Result<Acquired, Problem> {
    match &plan.source {
        ImageSource::Image(reference) => pull(engine, config, plan, reference, fresh, job).await,
        ImageSource::Build(build) => self::build(engine, config, build, tag, fresh, job).await,
    }
}

/// The image of a container that is to be made anew. It is named as the configuration names it where that name still
/// means it, so that the list goes on to say it in words.
pub(crate) async fn kept(
    engine: &Arc<dyn Engine>,
    id: &str,
    plan: &ContainerPlan,
    tag: &str,
) -> Result<Acquired, Problem> {
    let details = match engine.image_inspect(id).await {
        Err(EngineError::NotFound { .. }) => {
            return Err(Problem::new(
                ErrorCode::ImageNotFound,
                "the image of the container is not here any more",
            )
            .fix("Rebuild the container: that gets or builds an image")
            .safe("the container is untouched"));
        }
        found => found.at("Find the image")?,
    };
    let name = match &plan.source {
        ImageSource::Image(reference) => reference.as_str(),
        ImageSource::Build(_) => tag,
    };
    let named = engine.image_inspect(name).await;
    let is_it = named.is_ok_and(|named| named.id == details.id);
    Ok(Acquired {
        reference: if is_it { name } else { id }.to_owned(),
        details,
    })
}

async fn pull(
    engine: &Arc<dyn Engine>,
    config: &CoreConfig,
    plan: &ContainerPlan,
    reference: &str,
    fresh: bool,
    job: &JobHandle,
) -> Result<Acquired, Problem> {
    let policy = plan.run.pull.unwrap_or(if fresh {
        PullPolicy::Always
    } else {
        PullPolicy::Missing
    });
    let here = match engine.image_inspect(reference).await {
        Ok(details) => Some(details),
        Err(EngineError::NotFound { .. }) => None,
        Err(error) => return Err(error).at("Find the image"),
    };
    match (here, policy) {
        (Some(details), PullPolicy::Missing | PullPolicy::Never) => {
            return Ok(Acquired {
                reference: reference.to_owned(),
                details,
            });
        }
        (None, PullPolicy::Never) => {
            return Err(Problem::new(
                ErrorCode::ImageNotFound,
                format!("the image {reference} is not here, and runArgs forbids to pull it"),
            )
            .fix_command("Pull it yourself", format!("docker pull {reference}")));
        }
        (here, PullPolicy::Missing | PullPolicy::Always) => {
            job.step(&format!("Pull {reference}"));
            let request = PullRequest {
                reference: reference.to_owned(),
                platform: plan.run.platform.clone(),
                credentials: Some(credentials(config)),
            };
            let layers = Mutex::new(Layers::default());
            let progress = |event: PullEvent| {
                let mut layers = layers.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((share, text)) = layers.take(event) {
                    job.progress(share, text);
                }
            };
            match job
                .unless_cancelled(async { engine.image_pull(request, &progress).await.at("Pull the image") })
                .await
            {
                Ok(()) => {}
                // A newer one was wanted because somebody asked for a rebuild without caches: the old one still is.
                Err(problem) if here.is_some() && problem.code != ErrorCode::Cancelled => {
                    job.note(&format!(
                        "The image could not be refreshed, the one that is here is used: {problem}"
                    ));
                }
                Err(problem) => return Err(problem.safe("no container was made")),
            }
        }
    }
    let details = engine.image_inspect(reference).await.at("Find the image")?;
    Ok(Acquired {
        reference: reference.to_owned(),
        details,
    })
}

/// The credentials of the docker client.
pub(crate) fn credentials(config: &CoreConfig) -> RegistryCredentials {
    let folder = config
        .env
        .get("DOCKER_CONFIG")
        .map_or_else(|| config.home.join(".docker"), std::path::PathBuf::from);
    RegistryCredentials::in_config_dir(&folder, config.env.get("PATH").map(String::as_str))
}

/// How far each layer is.
#[derive(Default)]
pub(crate) struct Layers {
    bytes: BTreeMap<String, (u64, u64)>,
    done: BTreeMap<String, bool>,
}

impl Layers {
    pub(crate) fn take(&mut self, event: PullEvent) -> Option<(f64, String)> {
        match event {
            PullEvent::LayerFound { layer } => {
                self.done.entry(layer).or_insert(false);
            }
            PullEvent::Downloading { layer, done, total } => {
                self.done.entry(layer.clone()).or_insert(false);
                self.bytes.insert(layer, (done, total.max(done)));
            }
            PullEvent::Extracting { .. } => {}
            PullEvent::LayerDone { layer, .. } => {
                if let Some((done, total)) = self.bytes.get_mut(&layer) {
                    *done = *total;
                }
                self.done.insert(layer, true);
            }
            PullEvent::Status(_) | PullEvent::Digest(_) => return None,
        }
        let here = self.done.values().filter(|done| **done).count();
        let (done, total) = self
            .bytes
            .values()
            .fold((0, 0), |sum, (done, total)| (sum.0 + done, sum.1 + total));
        let share = if total == 0 {
            0.0
        } else {
            done as f64 / total as f64
        };
        Some((
            share,
            format!(
                "{} MB, {here} of {} layers here",
                total / 1_000_000,
                self.done.len()
            ),
        ))
    }
}

async fn build(
    engine: &Arc<dyn Engine>,
    config: &CoreConfig,
    build: &BuildPlan,
    tag: &str,
    fresh: bool,
    job: &JobHandle,
) -> Result<Acquired, Problem> {
    job.step("Build the image");
    let request = BuildRequest {
        context: build.context.clone(),
        dockerfile: build.dockerfile.clone(),
        tags: std::iter::once(tag.to_owned())
            .chain(build.tags.clone())
            .collect(),
        args: build
            .args
            .iter()
            .filter_map(|(name, value)| {
                let value = value.clone().or_else(|| config.env.get(name).cloned())?;
                Some((name.clone(), value))
            })
            .collect(),
        target: build.target.clone(),
        labels: build
            .labels
            .clone()
            .into_iter()
            .chain([(crate::labels::BUILT_BY.to_owned(), config.installation())])
            .collect(),
        cache_from: build.cache_from.clone(),
        platform: build.platform.clone(),
        no_cache: build.no_cache || fresh,
        pull: build.pull || fresh,
        extra_hosts: build.extra_hosts.clone(),
        network: build.network.clone(),
        shm_size: build.shm_size.and_then(|size| u64::try_from(size).ok()),
        secrets: build
            .secrets
            .iter()
            .map(|secret| self::secret(secret, config))
            .collect::<Result<_, _>>()?,
        ssh: build
            .ssh
            .iter()
            .map(|agent| ssh_agent(agent, config))
            .collect::<Result<_, _>>()?,
        credentials: Some(credentials(config)),
        idle_timeout: None,
    };
    run_build(engine, request, job).await?;
    let details = engine.image_inspect(tag).await.at("Build the image")?;
    Ok(Acquired {
        reference: tag.to_owned(),
        details,
    })
}

/// Builds, and tells the job how it goes.
pub(crate) async fn run_build(
    engine: &Arc<dyn Engine>,
    request: BuildRequest,
    job: &JobHandle,
) -> Result<(), Problem> {
    let progress = |event: BuildEvent| match event {
        BuildEvent::ContextSent { bytes } => {
            if bytes > 1_000_000 {
                job.detail(format!("{} MB of context sent", bytes / 1_000_000));
            }
        }
        BuildEvent::StepStarted {
            index, total, name, ..
        } => {
            job.progress(
                f64::from(u32::try_from(index).unwrap_or(0)) / total.max(1) as f64,
                name.clone(),
            );
            job.output(LogStream::Note, format!("[{index}/{total}] {name}\n").as_bytes());
        }
        BuildEvent::Log { stream, text, .. } => job.output(
            match stream {
                OutputStream::Stdout => LogStream::Stdout,
                OutputStream::Stderr => LogStream::Stderr,
            },
            text.as_bytes(),
        ),
        BuildEvent::Progress { .. } | BuildEvent::StepDone { .. } => {}
        BuildEvent::Warning(text) => job.note(&text),
    };
    let report = job
        .unless_cancelled(async { engine.image_build(request, &progress).await.at("Build the image") })
        .await
        .map_err(|problem| problem.safe("no container was made or changed"))?;
    job.detail(match report.cached {
        0 => format!("{} steps", report.steps),
        cached => format!("{} steps, {cached} from the cache", report.steps),
    });
    Ok(())
}

fn secret(
    secret: &devctl_spec::image_build::BuildSecret,
    config: &CoreConfig,
) -> Result<BuildSecret, Problem> {
    let source = match &secret.source {
        BuildSecretSource::File(path) => SecretSource::File(path.clone()),
        BuildSecretSource::Env(name) => {
            let value = config.env.get(name).ok_or_else(|| {
                Problem::new(
                    ErrorCode::BuildInvalid,
                    format!(
                        "the build secret {} comes from the variable {name}, which is not set",
                        secret.id
                    ),
                )
                .fix(format!("Set {name} and try again"))
            })?;
            SecretSource::Value(value.clone().into_bytes().into())
        }
    };
    Ok(BuildSecret {
        id: secret.id.clone(),
        source,
    })
}

fn ssh_agent(
    agent: &devctl_spec::image_build::BuildSsh,
    config: &CoreConfig,
) -> Result<BuildSshAgent, Problem> {
    let own = || config.env.get("SSH_AUTH_SOCK").map(std::path::PathBuf::from);
    let socket = agent.socket.clone().or_else(own).ok_or_else(|| {
        Problem::new(
            ErrorCode::BuildInvalid,
            "the build wants your ssh agent, and none is running",
        )
        .fix("Start one: eval \"$(ssh-agent)\" and ssh-add")
    })?;
    Ok(BuildSshAgent {
        id: agent.id.clone(),
        socket,
    })
}
