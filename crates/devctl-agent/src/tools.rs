//! The small tools that `devctl` runs inside a container beside the SSH server. Each needs nothing of the image, not
//! even a shell, and starts no runtime: a tool is over before one would have started.

mod deliver;
mod guard;
mod hold;
mod own;
mod print_env;
mod probe;
mod run;
mod session;
mod signals;
mod spawn;

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use devctl_agent_protocol::{
    DELIVER_ARGUMENT, EXIT_FAILED, EXIT_GUARD_FAILED, EXIT_NOT_EXECUTABLE, EXIT_NOT_FOUND, EXIT_USAGE,
    GUARD_ARGUMENT, HOLD_ARGUMENT, OWN_ARGUMENT, PROBE_ARGUMENT, ParseProbeModeError, RUN_ARGUMENT,
    SECRETS_FOLDER,
};

use crate::account::AccountError;
use crate::protect::ProtectError;
use crate::tools::print_env::PRINT_ENV_ARGUMENT;

/// Why a tool did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ToolError {
    #[error("usage: devctl-agent {0}")]
    Usage(&'static str),
    #[error("the probe's mode is unknown")]
    Mode(#[from] ParseProbeModeError),
    #[error("{text:?} is not USER_ID:GROUP_ID")]
    Ids { text: String },
    #[error("{what} failed")]
    System { what: &'static str, source: io::Error },
    #[error("{program}: not found")]
    NotFound { program: String },
    #[error("{program}: cannot be executed")]
    NotExecutable { program: String, source: io::Error },
    #[error("the command cannot be guarded: {what}")]
    Guard { what: &'static str, source: io::Error },
    #[error("the user cannot be looked up")]
    Account(#[from] AccountError),
    #[error("the answer could not be written")]
    Answer(#[source] io::Error),
    #[error("the tool cannot hold a secret safely")]
    Protect(#[from] ProtectError),
    #[error("there is no user {user}")]
    NoUser { user: String },
    #[error("{SECRETS_FOLDER} is not in memory: the container was made without it")]
    NotInMemory,
    #[error("{name:?} is no name of a secret")]
    SecretName { name: String },
    #[error("the secrets cannot be read: {what}")]
    Secrets { what: &'static str },
    #[error("{failed} files were left as they are, the first: {first}")]
    Own {
        failed: u64,
        first: String,
        source: io::Error,
    },
}

impl ToolError {
    /// The error and its sources in one line.
    fn chain(&self) -> String {
        chain(self)
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Mode(_) | Self::Ids { .. } => EXIT_USAGE,
            Self::Guard { .. } => EXIT_GUARD_FAILED,
            Self::NotFound { .. } => EXIT_NOT_FOUND,
            Self::NotExecutable { .. } => EXIT_NOT_EXECUTABLE,
            Self::System { .. }
            | Self::Account(_)
            | Self::Answer(_)
            | Self::Protect(_)
            | Self::NoUser { .. }
            | Self::NotInMemory
            | Self::SecretName { .. }
            | Self::Secrets { .. }
            | Self::Own { .. } => EXIT_FAILED,
        }
    }
}

/// Runs the tool that the arguments name; none when they name no tool.
pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter();
    let name = arguments.next()?;
    let rest = || arguments.collect::<Vec<_>>();
    let result = match name.to_str()? {
        HOLD_ARGUMENT => hold::run(&rest()),
        GUARD_ARGUMENT => guard::run(&rest()),
        PROBE_ARGUMENT => probe::run(&rest()),
        OWN_ARGUMENT => own::run(&rest()),
        DELIVER_ARGUMENT => deliver::run(&rest()),
        RUN_ARGUMENT => run::run(&rest()),
        PRINT_ENV_ARGUMENT => print_env::run(&rest()),
        _ => return None,
    };
    Some(result.unwrap_or_else(|error| {
        complain(&error.chain());
        ExitCode::from(error.exit_code())
    }))
}

/// The error and its sources in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        line.push_str(&format!(": {error}"));
        source = error.source();
    }
    line
}

/// One line on standard error. There is nobody to tell when it cannot be written.
pub(crate) fn complain(message: &str) {
    let _ = io::stderr().write_all(format!("devctl-agent: {message}\n").as_bytes());
}

/// Writes one JSON document as one line on standard output.
fn answer(document: &impl serde::Serialize) -> Result<(), ToolError> {
    let mut line = serde_json::to_vec(document).map_err(|error| ToolError::Answer(error.into()))?;
    line.push(b'\n');
    let mut stdout = io::stdout();
    stdout
        .write_all(&line)
        .and_then(|()| stdout.flush())
        .map_err(ToolError::Answer)
}
