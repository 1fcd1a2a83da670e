//! What the agent's small tools are called and what they answer.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `hold [-- COMMAND ARGUMENTS…]`: the main process of a container whose command is overridden.
///
/// It reaps every orphan and ends with 0 as soon as it gets `SIGTERM`, `SIGINT`, `SIGHUP`, `SIGQUIT` or signal 37
/// (`SIGRTMIN+3`). The command, if there is one, is started once as a child; the container lives on when it ends.
pub const HOLD_ARGUMENT: &str = "hold";

/// `guard -- COMMAND ARGUMENTS…`: runs a command that ends with the connection.
///
/// Standard input is a lifeline and must stay open: at its end the command's process group is ended, `SIGTERM` first
/// and `SIGKILL` two seconds later. Exit status: the command's, or 128 + the signal that ended it, or one of the
/// `EXIT_…` values.
pub const GUARD_ARGUMENT: &str = "guard";

/// `probe MODE`: answers with one [`ProbeReport`] on standard output; MODE is a [`ProbeMode`].
pub const PROBE_ARGUMENT: &str = "probe";

/// `own FROM_UID:FROM_GID TO_UID:TO_GID PATH…`: gives files to another user and group id, as root.
///
/// Answers with one [`OwnReport`]. Follows no link and enters no mount.
pub const OWN_ARGUMENT: &str = "own";

/// The tool could not do what it was asked for; the reason is one line on standard error.
pub const EXIT_FAILED: u8 = 1;

/// The command line is not one that the agent knows.
pub const EXIT_USAGE: u8 = 2;

/// `guard` itself failed, and the command did not run or was ended.
pub const EXIT_GUARD_FAILED: u8 = 125;

/// The command of `guard` cannot be executed.
pub const EXIT_NOT_EXECUTABLE: u8 = 126;

/// The command of `guard` was not found.
pub const EXIT_NOT_FOUND: u8 = 127;

/// `guard` ended the command because its lifeline or it itself was ended.
pub const EXIT_CANCELLED: u8 = 129;

/// How the user's shell is started to find the environment (`userEnvProbe`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProbeMode {
    /// Not at all: the environment is what the engine gives.
    None,
    /// `SHELL -lc`.
    LoginShell,
    /// `SHELL -ic`.
    InteractiveShell,
    /// `SHELL -lic`.
    LoginInteractiveShell,
}

impl ProbeMode {
    /// Every mode.
    pub const ALL: [Self; 4] = [
        Self::None,
        Self::LoginShell,
        Self::InteractiveShell,
        Self::LoginInteractiveShell,
    ];

    /// The name in `devcontainer.json` and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::LoginShell => "loginShell",
            Self::InteractiveShell => "interactiveShell",
            Self::LoginInteractiveShell => "loginInteractiveShell",
        }
    }
}

impl fmt::Display for ProbeMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no [`ProbeMode`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{mode:?} is not none, loginShell, interactiveShell or loginInteractiveShell")]
pub struct ParseProbeModeError {
    /// The text.
    pub mode: String,
}

impl FromStr for ProbeMode {
    type Err = ParseProbeModeError;

    fn from_str(mode: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|known| known.as_str() == mode)
            .ok_or_else(|| ParseProbeModeError {
                mode: mode.to_owned(),
            })
    }
}

/// The user and the environment that the user's shell makes.
///
/// The values may be secrets, so `Debug` shows names only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProbeReport {
    /// What a session gets, without what belongs to one process only (`PWD`, `OLDPWD`, `SHLVL`, `_`, `TERM`, `HOSTNAME`,
    /// `DEVCTL_*`) and without what is not UTF-8.
    pub environment: BTreeMap<String, String>,
    /// The home in the container's `/etc/passwd`; `/` without an entry.
    pub home: String,
    /// The login shell in the container's `/etc/passwd`; `/bin/sh` where none is named. It may not exist.
    pub shell: String,
    /// The user id that the probe ran as.
    pub uid: u32,
    /// The group id that the probe ran as.
    pub gid: u32,
    /// The name of the user id in `/etc/passwd`; the number without an entry.
    pub user: String,
    /// Whether the shell was given up. `environment` is then what the engine gives.
    pub timed_out: bool,
    /// What went wrong without stopping the probe, for people.
    pub warnings: Vec<String>,
}

impl fmt::Debug for ProbeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProbeReport")
            .field("environment", &self.environment.keys())
            .field("home", &self.home)
            .field("shell", &self.shell)
            .field("uid", &self.uid)
            .field("gid", &self.gid)
            .field("user", &self.user)
            .field("timed_out", &self.timed_out)
            .field("warnings", &self.warnings)
            .finish()
    }
}

/// What `own` did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnReport {
    /// How many files, folders and links have another owner or group now.
    pub changed: u64,
    /// The mounts below the paths, which were left alone.
    pub skipped_mounts: Vec<String>,
    /// How many could not be changed or read. The first is named on standard error.
    pub failed: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_have_the_names_of_the_configuration() {
        for mode in ProbeMode::ALL {
            assert_eq!(mode.as_str().parse(), Ok(mode));
            assert_eq!(serde_json::to_string(&mode).unwrap(), format!("\"{mode}\""));
        }
        assert!("LoginShell".parse::<ProbeMode>().is_err());
    }

    #[test]
    fn a_value_is_not_shown_by_debug() {
        let report = ProbeReport {
            environment: BTreeMap::from([("TOKEN".to_owned(), "hunter2".to_owned())]),
            home: "/".into(),
            shell: "/bin/sh".into(),
            uid: 0,
            gid: 0,
            user: "root".into(),
            timed_out: false,
            warnings: Vec::new(),
        };
        let shown = format!("{report:?}");
        assert!(shown.contains("TOKEN") && !shown.contains("hunter2"), "{shown}");
    }
}
