//! Starts a shell or a command as the leader of a Unix session of its own.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{Access, access};
use rustix::pipe::fcntl_setpipe_size;
use rustix::process::{
    Resource, Rlimit, Signal, ioctl_tiocsctty, set_parent_process_death_signal, setrlimit, setsid,
};
use tokio::process::Child;

use crate::account::{Account, is_executable};

/// What the pipes to a command may hold, where the kernel grants it.
const PIPE_BYTES: usize = 1 << 20;

/// Why nothing was started. The text is shown to the client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(
        "the shell {shell} of the user {user} is not in this image: only a command that is an absolute path with plain \
         arguments can be run, and file transfer and forwarding work"
    )]
    NoShell { shell: String, user: String },
    #[error("{program} could not be started: {source}")]
    Spawn { program: String, source: io::Error },
}

/// What is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Program {
    /// The login shell, as one.
    LoginShell,
    /// A command line for the shell.
    Command(Vec<u8>),
}

/// Builds the command line: `-bash`, or `bash -c COMMAND`, or the command itself where there is no shell.
pub(crate) fn command_for(account: &Account, program: &Program) -> Result<Command, StartError> {
    let no_shell = || StartError::NoShell {
        shell: account.shell.display().to_string(),
        user: account.name.clone(),
    };
    let base_name = account.shell.file_name().unwrap_or(account.shell.as_os_str());
    match program {
        Program::LoginShell if account.has_shell() => {
            let mut command = Command::new(&account.shell);
            // login(1)'s way to say that the shell is to read its profile.
            let mut name = OsString::from("-");
            name.push(base_name);
            command.arg0(name);
            Ok(command)
        }
        Program::LoginShell => Err(no_shell()),
        Program::Command(line) if account.has_shell() => {
            let mut command = Command::new(&account.shell);
            command
                .arg0(base_name)
                .arg("-c")
                .arg(OsString::from_vec(line.clone()));
            Ok(command)
        }
        Program::Command(line) => {
            let words = plain_words(line).ok_or_else(no_shell)?;
            let (path, arguments) = words.split_first().ok_or_else(no_shell)?;
            if !is_executable(Path::new(path)) {
                return Err(no_shell());
            }
            let mut command = Command::new(path);
            command.args(arguments);
            Ok(command)
        }
    }
}

/// The words of a line that means the same with and without a shell, if it is one and begins with an absolute path.
fn plain_words(line: &[u8]) -> Option<Vec<&OsStr>> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b" _./:=@%+,-".contains(byte);
    if line.first() != Some(&b'/') || !line.iter().all(plain) {
        return None;
    }
    Some(
        line.split(|byte| *byte == b' ')
            .filter(|word| !word.is_empty())
            .map(OsStr::from_bytes)
            .collect(),
    )
}

/// The first of the wanted folder, the home and `/` that can be entered.
pub(crate) fn working_directory(wanted: Option<&Path>, home: &Path) -> PathBuf {
    wanted
        .into_iter()
        .chain([home])
        .find(|folder| {
            folder.is_absolute()
                && fs::metadata(folder).is_ok_and(|metadata| metadata.is_dir())
                && access(*folder, Access::EXEC_OK).is_ok()
        })
        .unwrap_or(Path::new("/"))
        .to_owned()
}

/// Starts the command; with a terminal it becomes its standard streams and its controlling terminal.
pub(crate) fn spawn(
    mut command: Command,
    folder: &Path,
    environment: &BTreeMap<String, String>,
    terminal: Option<OwnedFd>,
    core_limit: Rlimit,
) -> Result<Child, StartError> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |source| StartError::Spawn {
        program: program.clone(),
        source,
    };
    command.env_clear().envs(environment).current_dir(folder);
    let has_terminal = terminal.is_some();
    match terminal {
        Some(slave) => {
            command
                .stdin(Stdio::from(slave.try_clone().map_err(failed)?))
                .stdout(Stdio::from(slave.try_clone().map_err(failed)?))
                .stderr(Stdio::from(slave));
        }
        None => {
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
        }
    }
    #[expect(
        unsafe_code,
        reason = "a session of its own and a controlling terminal have no safe interface"
    )]
    // SAFETY: between fork and exec only what is safe after the fork of a process with threads may run. The closure
    // makes plain system calls on values that it owns: it allocates nothing, takes no lock and does not unwind.
    unsafe {
        command.pre_exec(move || {
            setsid()?;
            if has_terminal {
                ioctl_tiocsctty(rustix::stdio::stdin())?;
            }
            setrlimit(Resource::Core, core_limit)?;
            // For the day that the agent is killed so hard that it cannot tell its children.
            set_parent_process_death_signal(Some(Signal::HUP))?;
            Ok(())
        });
    }
    let child = tokio::process::Command::from(command).spawn().map_err(failed)?;
    // Not granted: it works with what there is.
    if let Some(stdin) = &child.stdin {
        let _ = fcntl_setpipe_size(stdin, PIPE_BYTES);
    }
    if let Some(stdout) = &child.stdout {
        let _ = fcntl_setpipe_size(stdout, PIPE_BYTES);
    }
    Ok(child)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(shell: &str) -> Account {
        Account {
            name: "dev".into(),
            home: "/".into(),
            shell: shell.into(),
        }
    }

    #[test]
    fn without_a_shell_only_plain_absolute_commands_are_run() {
        assert_eq!(plain_words(b"/bin/x -a  b=c").unwrap(), ["/bin/x", "-a", "b=c"]);
        for line in [
            "x",
            "/bin/x 'a'",
            "/bin/x; y",
            "/bin/x $HOME",
            "/bin/x *",
            "/bin/x ~",
            "/bin/x\ny",
            "",
        ] {
            assert!(plain_words(line.as_bytes()).is_none(), "{line}");
        }
        let account = account("/no/such/shell");
        assert!(matches!(
            command_for(&account, &Program::LoginShell),
            Err(StartError::NoShell { .. })
        ));
        assert!(command_for(&account, &Program::Command(b"/usr/bin/env".to_vec())).is_ok());
        assert!(command_for(&account, &Program::Command(b"/no/such/thing".to_vec())).is_err());
    }

    #[test]
    fn the_folder_falls_back_to_the_home_and_to_the_root() {
        assert_eq!(
            working_directory(Some(Path::new("/usr")), Path::new("/tmp")),
            Path::new("/usr")
        );
        assert_eq!(
            working_directory(Some(Path::new("/no/such")), Path::new("/tmp")),
            Path::new("/tmp")
        );
        assert_eq!(
            working_directory(Some(Path::new("tmp")), Path::new("/tmp")),
            Path::new("/tmp")
        );
        assert_eq!(working_directory(None, Path::new("/no/such")), Path::new("/"));
    }
}
