//! Starts a command that has no terminal and cannot get one.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, set_parent_process_death_signal, setsid};

use crate::tools::ToolError;

/// Starts the command with no input, as the leader of a session and so of a process group of its own: in the session of
/// a terminal it would be stopped as soon as it touched the terminal. It is killed if this process dies by `SIGKILL`.
pub(crate) fn in_own_session(command: &mut Command) -> Result<(Child, Pid), ToolError> {
    command.stdin(Stdio::null());
    #[expect(unsafe_code, reason = "a session of its own has no safe interface")]
    // SAFETY: between fork and exec only what is safe after the fork of a process with threads may run. The closure
    // makes two plain system calls; it allocates nothing, takes no lock and does not unwind.
    unsafe {
        command.pre_exec(|| {
            setsid()?;
            set_parent_process_death_signal(Some(Signal::KILL))?;
            Ok(())
        });
    }
    let child = start(command)?;
    let leader = Pid::from_child(&child);
    Ok((child, leader))
}

/// Starts the command, and tells what cannot be found from what cannot be run.
pub(crate) fn start(command: &mut Command) -> Result<Child, ToolError> {
    command.spawn().map_err(|source| refused(command, source))
}

/// Why a command could not be started.
pub(crate) fn refused(command: &Command, source: io::Error) -> ToolError {
    let path = Path::new(command.get_program());
    let program = path.display().to_string();
    // The same error also means that the interpreter of a script is missing.
    let missing = source.kind() == io::ErrorKind::NotFound && !(program.contains('/') && path.exists());
    if missing {
        ToolError::NotFound { program }
    } else {
        ToolError::NotExecutable { program, source }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_missing_differs_from_what_cannot_run() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("script");
        fs::write(&script, "#!/no/such/interpreter\n").unwrap();
        let error = start(&mut Command::new(&script)).unwrap_err();
        assert!(matches!(error, ToolError::NotExecutable { .. }), "{error}");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let error = start(&mut Command::new(&script)).unwrap_err();
        assert!(matches!(error, ToolError::NotExecutable { .. }), "{error}");
        for name in ["/no/such/command", "no-such-command-anywhere"] {
            let error = start(&mut Command::new(name)).unwrap_err();
            assert!(matches!(error, ToolError::NotFound { .. }), "{error}");
        }
    }

    #[test]
    fn a_command_that_wants_the_terminal_gets_none() {
        let mut command = Command::new("sh");
        command.args(["-c", "if (: </dev/tty) 2>/dev/null; then exit 1; else exit 7; fi"]);
        let (mut child, leader) = in_own_session(&mut command).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(7));
        assert_eq!(leader.as_raw_nonzero().get().cast_unsigned(), child.id());
    }
}
