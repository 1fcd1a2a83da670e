//! Freezing a container, letting it go on, and sending it a signal.

use super::{not_running, paused};
use crate::caller::Caller;
use crate::core::Core;
use crate::error::OrProblem;
use crate::record::Target;
use devctl_engine::ContainerStatus;
use devctl_model::{ChangedContainer, ErrorCode, KillContainer, KilledContainer, Problem};
use std::sync::Arc;

/// Signals that can be sent by name, as Linux knows them.
const SIGNALS: [&str; 32] = [
    "SIGABRT",
    "SIGALRM",
    "SIGBUS",
    "SIGCHLD",
    "SIGCONT",
    "SIGFPE",
    "SIGHUP",
    "SIGILL",
    "SIGINT",
    "SIGIO",
    "SIGIOT",
    "SIGKILL",
    "SIGPIPE",
    "SIGPOLL",
    "SIGPROF",
    "SIGPWR",
    "SIGQUIT",
    "SIGSEGV",
    "SIGSTKFLT",
    "SIGSTOP",
    "SIGSYS",
    "SIGTERM",
    "SIGTRAP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGUSR1",
    "SIGUSR2",
    "SIGVTALRM",
    "SIGWINCH",
    "SIGXCPU",
];
/// The last real-time signal.
const LAST_SIGNAL: u8 = 64;

impl Core {
    /// Freezes a container; one that is frozen is left alone.
    pub(crate) async fn pause(
        self: &Arc<Self>,
        caller: &Caller,
        name: &str,
    ) -> Result<ChangedContainer, Problem> {
        let found = self.find(name).await?;
        let changed = match found.summary.status {
            ContainerStatus::Paused => false,
            ContainerStatus::Running => true,
            _ => return Err(not_running(&found)),
        };
        if changed {
            let act = async {
                found
                    .engine
                    .container_pause(found.id())
                    .await
                    .at("Pause container")
            };
            let target = Target::container(found.id(), found.alias());
            self.recorded(caller, "pause_container", target, act).await?;
        }
        Ok(ChangedContainer {
            name: found.alias().to_owned(),
            changed,
        })
    }

    /// Lets a frozen container go on; one that runs is left alone.
    pub(crate) async fn unpause(
        self: &Arc<Self>,
        caller: &Caller,
        name: &str,
    ) -> Result<ChangedContainer, Problem> {
        let found = self.find(name).await?;
        let changed = match found.summary.status {
            ContainerStatus::Paused => true,
            ContainerStatus::Running => false,
            _ => return Err(not_running(&found)),
        };
        if changed {
            let act = async {
                let engine = &found.engine;
                engine.container_unpause(found.id()).await.at("Unpause container")
            };
            let target = Target::container(found.id(), found.alias());
            self.recorded(caller, "unpause_container", target, act).await?;
        }
        Ok(ChangedContainer {
            name: found.alias().to_owned(),
            changed,
        })
    }

    /// Sends a signal to the main process of a container that runs.
    pub(crate) async fn kill(
        self: &Arc<Self>,
        caller: &Caller,
        request: &KillContainer,
    ) -> Result<KilledContainer, Problem> {
        let signal = signal(request.signal.as_deref().unwrap_or("SIGKILL"))?;
        let found = self.find(&request.container).await?;
        match found.summary.status {
            ContainerStatus::Running | ContainerStatus::Restarting => {}
            // Any other one would wait until it goes on.
            ContainerStatus::Paused if matches!(signal.as_str(), "SIGKILL" | "9") => {}
            ContainerStatus::Paused => return Err(paused(&found)),
            _ => return Err(not_running(&found)),
        }
        let act = async {
            let killed = found.engine.container_kill(found.id(), &signal);
            killed.await.at("Send the signal")
        };
        let target = Target::container(found.id(), found.alias());
        self.recorded(caller, "kill_container", target, act).await?;
        Ok(KilledContainer {
            name: found.alias().to_owned(),
            signal,
        })
    }
}

/// A signal as engines take it: `term`, `SIGTERM` and `15` are read.
fn signal(text: &str) -> Result<String, Problem> {
    let upper = text.trim().to_ascii_uppercase();
    if let Ok(number) = upper.parse::<u8>()
        && (1..=LAST_SIGNAL).contains(&number)
    {
        return Ok(number.to_string());
    }
    let named = if upper.starts_with("SIG") {
        upper
    } else {
        format!("SIG{upper}")
    };
    if SIGNALS.contains(&named.as_str()) {
        return Ok(named);
    }
    Err(
        Problem::new(ErrorCode::RequestInvalid, format!("there is no signal {text:?}"))
            .fix("Name one such as SIGTERM, HUP or 9")
            .safe("nothing was sent"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_read_as_people_write_them() {
        for (text, read) in [
            ("term", "SIGTERM"),
            ("SIGHUP", "SIGHUP"),
            ("9", "9"),
            (" usr1 ", "SIGUSR1"),
        ] {
            assert_eq!(signal(text).unwrap(), read);
        }
        for bad in ["", "0", "65", "-9", "SIG", "SIGNONE", "9; reboot"] {
            assert_eq!(signal(bad).unwrap_err().code, ErrorCode::RequestInvalid, "{bad}");
        }
    }
}
