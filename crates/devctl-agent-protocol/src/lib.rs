//! What the proxy and the agent say to each other beside SSH.
//!
//! The proxy starts the agent through the engine's exec. Standard input carries one framed
//! [`AgentConfig`] and then the client's SSH bytes; standard output carries the agent's SSH bytes;
//! standard error carries one [`AgentReport`] per line.

mod config;
mod forward;
mod probe;
mod report;
mod secrets;
mod wire;

pub use config::{AgentConfig, Allow, HostPrivateKey, RevocationList};
pub use forward::{
    AgentSaid, FORWARD_ARGUMENT, FORWARD_GREETING, HostSaid, Listener, MAX_LISTENERS, ReverseAt,
    ReverseStream, Target,
};
pub use probe::{
    EXIT_CANCELLED, EXIT_FAILED, EXIT_GUARD_FAILED, EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND, EXIT_USAGE,
    GUARD_ARGUMENT, HOLD_ARGUMENT, OWN_ARGUMENT, OwnReport, PROBE_ARGUMENT, ParseProbeModeError, ProbeMode,
    ProbeReport,
};
pub use report::{AgentReport, FatalCode, ParseReportError, RefusalCode, SessionKind};
pub use secrets::{
    DELIVER_ARGUMENT, MAX_SECRETS_BYTES, RUN_ARGUMENT, SECRETS_FOLDER, SECRETS_VARIABLE, SecretValue,
    SecretsDocument,
};
pub use wire::{MAX_CONFIG_BYTES, WireError, encode_config, read_config, write_config};

/// The version of the framed document. The agent refuses any other: both are built together.
pub const PROTOCOL_VERSION: u32 = 1;

/// Where the agent's binary lies inside a container.
pub const AGENT_PATH: &str = "/.devctl/devctl-agent";

/// `serve [PROBE]`: makes the agent serve one connection on its standard input and output.
///
/// With a [`ProbeMode`], one [`ProbeReport`] comes on one line of standard output before anything else, or an empty line
/// where the environment could not be found; the document is read after it. That saves a second exec at the first login.
pub const SERVE_ARGUMENT: &str = "serve";
