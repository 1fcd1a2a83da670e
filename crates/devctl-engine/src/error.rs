//! What can go wrong with an engine, with a stable code and a way out for each.

use std::fmt;
use std::io;
use std::time::Duration;

/// A kind of object that an engine keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    Container,
    Image,
    Network,
    Volume,
    /// A process started in a running container.
    Exec,
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Container => "container",
            Self::Image => "image",
            Self::Network => "network",
            Self::Volume => "volume",
            Self::Exec => "exec",
        })
    }
}

/// A build that failed in one of its own steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildFailure {
    /// The instruction that failed, as the builder names it ("[2/3] RUN make"); empty when it failed before the first.
    pub step: String,
    /// The engine's own message.
    pub message: String,
    /// The last lines of output of that step, at most [`BuildFailure::KEPT_LINES`].
    pub last_lines: Vec<String>,
    /// The exit code of the step's command, where a command failed.
    pub code: Option<i64>,
    /// What would make it work, where the message is one of the known ones.
    pub fix: Option<String>,
}

impl BuildFailure {
    /// How many lines of output are kept.
    pub const KEPT_LINES: usize = 20;
}

/// Everything that can go wrong with an engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    #[error("the engine at {endpoint} does not answer")]
    Unreachable {
        endpoint: String,
        #[source]
        source: io::Error,
    },
    #[error("no right to use the engine at {endpoint}")]
    NoRights { endpoint: String },
    #[error("the engine at {endpoint} speaks API {version}, {needed} or newer is needed")]
    TooOld {
        endpoint: String,
        version: String,
        needed: String,
    },
    #[error("no such {kind}: {name}")]
    NotFound { kind: ObjectKind, name: String },
    #[error("{operation} is not possible in the present state: {message}")]
    Conflict { operation: String, message: String },
    #[error("cannot pull {image}: {message}")]
    ImagePull { image: String, message: String },
    #[error("cannot push {image}: {message}")]
    ImagePush { image: String, message: String },
    #[error("the engine does not get through to the registry {registry}: {message}")]
    RegistryTransport { registry: String, message: String },
    #[error("the registry {registry} refused the credentials for {image}: {message}")]
    RegistryAuth {
        registry: String,
        image: String,
        message: String,
    },
    #[error("cannot get the credentials for {registry} from {helper}: {message}")]
    CredentialHelper {
        registry: String,
        helper: String,
        message: String,
    },
    #[error("the build failed at {step}: {message}", step = step_name(&.0.step), message = .0.message)]
    Build(Box<BuildFailure>),
    #[error("the build context {path} cannot be read")]
    BuildContext {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("{what} is not supported: {reason}")]
    Unsupported {
        what: String,
        reason: String,
        fix: String,
    },
    #[error("{operation} was not done within {}", seconds(.after))]
    Timeout { operation: String, after: Duration },
    #[error("the engine at {endpoint} takes connections and does not answer ({operation}: {} passed)", seconds(.after))]
    Silent {
        endpoint: String,
        operation: String,
        after: Duration,
    },
    #[error("no space left on the engine's disk: {message}")]
    NoSpace { message: String },
    #[error("a published port is taken: {message}")]
    PortTaken { message: String },
    #[error("no free subnet of {range} is left")]
    NoSubnet { range: String },
    #[error("the subnet {subnet} is in use by another network: {message}")]
    SubnetTaken { subnet: String, message: String },
    #[error("container {container} did not start: {message}")]
    StartFailed { container: String, message: String },
    #[error("the engine may not set the resource limit that container {container} asks for: {message}")]
    LimitRefused { container: String, message: String },
    #[error("{what} is not valid: {reason}")]
    Invalid { what: String, reason: String },
    #[error("{operation}: the engine answered {status}: {message}")]
    Answer {
        operation: String,
        status: u16,
        message: String,
    },
    #[error("{operation}: the connection to the engine broke")]
    Broken {
        operation: String,
        #[source]
        source: io::Error,
    },
    #[error("{operation}: the engine's answer cannot be read: {reason}")]
    Unreadable { operation: String, reason: String },
    #[error("{path} cannot be read")]
    Configuration {
        path: String,
        #[source]
        source: io::Error,
    },
}

impl EngineError {
    /// The stable code of the error, for scripts and front ends.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "engine.unreachable",
            Self::NoRights { .. } => "engine.no_rights",
            Self::TooOld { .. } => "engine.too_old",
            Self::NotFound { kind, .. } => match kind {
                ObjectKind::Container => "engine.not_found.container",
                ObjectKind::Image => "engine.not_found.image",
                ObjectKind::Network => "engine.not_found.network",
                ObjectKind::Volume => "engine.not_found.volume",
                ObjectKind::Exec => "engine.not_found.exec",
            },
            Self::Conflict { .. } => "engine.conflict",
            Self::ImagePull { .. } => "engine.image_pull",
            Self::ImagePush { .. } => "engine.image_push",
            Self::RegistryTransport { .. } => "engine.registry_transport",
            Self::RegistryAuth { .. } | Self::CredentialHelper { .. } => "engine.registry_auth",
            Self::Build(_) => "engine.build_failed",
            Self::BuildContext { .. } => "engine.build_context",
            Self::Unsupported { .. } => "engine.unsupported",
            Self::Timeout { .. } | Self::Silent { .. } => "engine.timeout",
            Self::NoSpace { .. } => "engine.no_space",
            Self::PortTaken { .. } => "engine.port_taken",
            Self::NoSubnet { .. } | Self::SubnetTaken { .. } => "engine.no_subnet",
            Self::StartFailed { .. } => "engine.start_failed",
            Self::LimitRefused { .. } => "engine.limit_refused",
            Self::Invalid { .. } => "engine.invalid",
            Self::Answer { .. } | Self::Unreadable { .. } => "engine.answer",
            Self::Broken { .. } => "engine.connection_lost",
            Self::Configuration { .. } => "engine.configuration",
        }
    }

    /// What a person can do about it: one sentence or one command.
    #[must_use]
    pub fn fix(&self) -> String {
        match self {
            Self::Unreachable { .. } => {
                "start the engine (sudo systemctl start docker), then: devctl doctor".into()
            }
            Self::NoRights { .. } => "sudo usermod -aG docker \"$USER\", then log in again".into(),
            Self::TooOld { .. } => "update the engine".into(),
            Self::NotFound {
                kind: ObjectKind::Image,
                name,
            } => format!("docker pull {name}"),
            Self::NotFound { .. } => "devctl list".into(),
            Self::Conflict { .. } => "wait for the other operation to end and try again".into(),
            Self::ImagePull { image, .. } => format!("check the name and the network: docker pull {image}"),
            Self::ImagePush { image, .. } => {
                format!("check the name and the rights in the registry of {image}, and the network")
            }
            Self::RegistryTransport { registry, .. } => format!(
                "plain HTTP and own authorities are set in the engine, not here: name {registry} among the \
                 insecure-registries of /etc/docker/daemon.json, or put the authority's certificate into \
                 /etc/docker/certs.d/{registry}/ca.crt on the engine's machine"
            ),
            Self::RegistryAuth { registry, .. } | Self::CredentialHelper { registry, .. } => {
                format!("docker login {registry}")
            }
            Self::Build(failure) => failure
                .fix
                .clone()
                .unwrap_or_else(|| "correct the failing instruction of the Dockerfile".into()),
            Self::BuildContext { path, .. } => format!("check that {path} exists and can be read"),
            Self::Unsupported { fix, .. } => fix.clone(),
            Self::Timeout { .. } => "check the load of the engine's machine, then try again".into(),
            Self::Silent { .. } => {
                "look at the load of the engine's machine, or restart the engine (sudo systemctl restart docker), \
                 then: devctl doctor"
                    .into()
            }
            Self::NoSpace { .. } => "docker system df, then: docker system prune".into(),
            Self::PortTaken { .. } => "choose another port in the configuration, or stop what uses it".into(),
            Self::NoSubnet { .. } | Self::SubnetTaken { .. } => {
                "remove networks that are not used (docker network prune), or set another range".into()
            }
            Self::StartFailed { container, .. } => format!("docker logs {container}"),
            Self::LimitRefused { .. } => {
                "ask for a lower limit, or raise the engine's own (LimitNOFILE)".into()
            }
            Self::Invalid { what, .. } => format!("correct {what}"),
            Self::Answer { .. } | Self::Unreadable { .. } | Self::Broken { .. } => "devctl doctor".into(),
            Self::Configuration { path, .. } => format!("check the file {path}"),
        }
    }

    /// Whether the same request may succeed a moment later without anything else being changed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Timeout { .. }
                | Self::Silent { .. }
                | Self::Broken { .. }
                | Self::SubnetTaken { .. }
        )
    }

    /// Whether the error says that the thing is not there.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}

fn step_name(step: &str) -> &str {
    if step.is_empty() { "the start" } else { step }
}

fn seconds(duration: &Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
