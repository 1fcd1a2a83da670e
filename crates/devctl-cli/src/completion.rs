//! Completion: scripts for four shells that ask `devctl` itself, and the names of containers.

use crate::args::{Cli, Shell};
use crate::core;
use crate::failure::Failure;
use crate::output::Printer;
use clap::CommandFactory;
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::{Bash, CompleteEnv, EnvCompleter, Fish, Powershell, Zsh};
use devctl_core::operations::Operations;
use devctl_model::{ContainerList, Nothing};
use serde::Serialize;
use std::ffi::OsStr;
use std::process::ExitCode;
use std::time::Duration;

/// The variable by which a script says that it wants candidates.
const VARIABLE: &str = "DEVCTL_COMPLETE";
/// A shell must not hang at a Tab because an engine does.
const PATIENCE: Duration = Duration::from_millis(800);

/// What `completion --json` prints.
#[derive(Debug, Serialize)]
pub(crate) struct Script {
    /// The shell it is for.
    pub shell: &'static str,
    /// The text to be loaded by it.
    pub script: String,
}

/// Prints the script of a shell.
pub(crate) fn run(printer: &Printer, shell: Shell) -> Result<u8, Failure> {
    let script = script(shell)?;
    if printer.json {
        printer.document(&script)?;
    } else {
        printer.say(script.script.trim_end())?;
    }
    Ok(0)
}

/// Answers a script's question for candidates. None when nobody asks.
pub(crate) fn serve() -> Option<ExitCode> {
    std::env::var_os(VARIABLE)?;
    let here = std::env::current_dir().ok();
    let answered = CompleteEnv::with_factory(Cli::command)
        .var(VARIABLE)
        .try_complete(std::env::args_os(), here.as_deref());
    match answered {
        Ok(true) => Some(ExitCode::SUCCESS),
        Ok(false) => None,
        Err(error) => {
            tracing::debug!(%error, "completion failed");
            Some(ExitCode::FAILURE)
        }
    }
}

/// The containers whose name begins with what was typed. None when no engine answers soon.
pub(crate) fn containers(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Some(typed) = typed.to_str() else {
        return Vec::new();
    };
    let list = list().unwrap_or_default();
    list.into_iter()
        .filter(|(name, _)| name.starts_with(typed))
        .map(|(name, about)| CompletionCandidate::new(name).help(Some(about.into())))
        .collect()
}

/// The keys whose name begins with what was typed.
pub(crate) fn keys(typed: &OsStr) -> Vec<CompletionCandidate> {
    let Some(typed) = typed.to_str() else {
        return Vec::new();
    };
    let listed = soon(async {
        let (core, caller) = core::open().await.ok()?;
        core.list_keys(&caller, Nothing {}).await.ok()
    });
    let keys = listed.map(|list| list.keys).unwrap_or_default();
    keys.into_iter()
        .filter(|key| key.name.starts_with(typed))
        .map(|key| CompletionCandidate::new(key.name).help(Some(key.key_type.into())))
        .collect()
}

/// An answer, where it comes before a person loses patience.
fn soon<T>(answer: impl Future<Output = Option<T>>) -> Option<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .ok()?;
    let answered = runtime.block_on(async { tokio::time::timeout(PATIENCE, answer).await });
    runtime.shutdown_background();
    answered.ok()?
}

/// Name and state of each container.
fn list() -> Option<Vec<(String, String)>> {
    let ContainerList { containers, .. } = soon(async {
        let (core, caller) = core::open().await.ok()?;
        core.list_containers(&caller, Nothing {}).await.ok()
    })?;
    Some(
        containers
            .into_iter()
            .map(|container| {
                (
                    container.name,
                    crate::commands::list::state_word(container.state).to_owned(),
                )
            })
            .collect(),
    )
}

fn script(shell: Shell) -> Result<Script, Failure> {
    let (name, writer): (_, &dyn EnvCompleter) = match shell {
        Shell::Bash => ("bash", &Bash),
        Shell::Zsh => ("zsh", &Zsh),
        Shell::Fish => ("fish", &Fish),
        Shell::Powershell => ("powershell", &Powershell),
    };
    let mut text = Vec::new();
    writer.write_registration(VARIABLE, "devctl", "devctl", "devctl", &mut text)?;
    Ok(Script {
        shell: name,
        script: String::from_utf8_lossy(&text).into_owned(),
    })
}
