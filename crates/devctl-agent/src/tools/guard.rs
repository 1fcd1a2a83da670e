//! Runs a command that must not outlive the connection through which it was started.
//!
//! The engine does not end an exec whose client went away; it only closes its standard input. So that is what is
//! watched.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd as _;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use devctl_agent_protocol::EXIT_CANCELLED;
use rustix::process::{
    Pid, Signal, getpid, kill_process_group, set_child_subreaper, test_kill_process_group,
};

use crate::tools::signals::{Signals, exit_status, reap};
use crate::tools::{ToolError, complain, spawn};

const USAGE: &str = "guard -- COMMAND ARGUMENTS…";

/// How long the command has between `SIGTERM` and `SIGKILL`.
const GRACE: Duration = Duration::from_secs(2);

/// Runs the command until it or the lifeline on standard input ends.
pub(crate) fn run(arguments: &[OsString]) -> Result<ExitCode, ToolError> {
    let (program, words) = match arguments.split_first() {
        Some((dashes, words)) if dashes == "--" => words.split_first().ok_or(ToolError::Usage(USAGE))?,
        _ => return Err(ToolError::Usage(USAGE)),
    };
    let failed = |what| move |source| ToolError::Guard { what, source };
    let signals = Signals::listen().map_err(failed("listening for signals"))?;
    // The end of a grandchild whose parent is gone is told to this process then, so nothing has to be asked twice.
    set_child_subreaper(Some(getpid()))
        .map_err(|errno| failed("becoming the parent of orphans")(errno.into()))?;
    let (_, leader) = spawn::in_own_session(Command::new(program).args(words))?;
    watch(&signals, leader).map_err(|source| {
        // Unwatched it must not go on. It may be gone by now.
        let _ = kill_process_group(leader, Signal::KILL);
        ToolError::Guard {
            what: "watching it",
            source,
        }
    })
}

fn watch(signals: &Signals, leader: Pid) -> io::Result<ExitCode> {
    let lifeline = rustix::stdio::stdin();
    loop {
        let woken = signals.wait(&[lifeline.as_fd()], None)?;
        while let Some((pid, status)) = reap()? {
            if pid == leader {
                // What it left running in the background lives on, as after a command in a shell.
                return Ok(ExitCode::from(exit_status(status)));
            }
        }
        if woken.ending || (woken.readable && at_end()) {
            complain("the connection is gone: the command is ended");
            end(signals, leader)?;
            return Ok(ExitCode::from(EXIT_CANCELLED));
        }
    }
}

/// Reads what nobody wants; whether that was the end.
fn at_end() -> bool {
    let mut unwanted = [0; 4096];
    match rustix::io::read(rustix::stdio::stdin(), &mut unwanted) {
        Ok(read) => read == 0,
        Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => false,
        Err(_) => true,
    }
}

/// `SIGTERM` to the group, and `SIGKILL` to what is left of it after the grace.
fn end(signals: &Signals, group: Pid) -> io::Result<()> {
    // Errors mean that it is gone, or of other users now.
    let _ = kill_process_group(group, Signal::TERM);
    // A stopped process hears nothing else.
    let _ = kill_process_group(group, Signal::CONT);
    let deadline = Instant::now() + GRACE;
    loop {
        while reap()?.is_some() {}
        if test_kill_process_group(group).is_err() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let _ = kill_process_group(group, Signal::KILL);
            return Ok(());
        }
        signals.wait(&[], Some(deadline))?;
    }
}
