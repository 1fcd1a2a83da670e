//! The main process of a container: it keeps it running, reaps orphans and ends at once when it is asked to.

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::{Command, ExitCode};

use rustix::process::{Pid, Signal, getpid, kill_process, kill_process_group, set_child_subreaper};

use crate::tools::signals::{Signals, exit_status, reap};
use crate::tools::{ToolError, complain, spawn};

const USAGE: &str = "hold [-- COMMAND ARGUMENTS…]";

/// What the reference implementation prints when its container runs; tools wait for it.
const STARTED: &str = "Container started\n";

/// Holds the container until a signal ends it.
pub(crate) fn run(arguments: &[OsString]) -> Result<ExitCode, ToolError> {
    let command = match arguments.split_first() {
        None => None,
        Some((dashes, words)) if dashes == "--" => Some(words.split_first().ok_or(ToolError::Usage(USAGE))?),
        Some(_) => return Err(ToolError::Usage(USAGE)),
    };
    let failed = |what| move |source| ToolError::System { what, source };
    // Before anything is started: to a first process without a handler the kernel delivers no signal.
    let signals = Signals::listen().map_err(failed("listening for signals"))?;
    if !getpid().is_init() {
        set_child_subreaper(Some(getpid()))
            .map_err(|errno| failed("becoming the parent of orphans")(errno.into()))?;
    }
    // A container without a log runs as well.
    let _ = io::stdout().write_all(STARTED.as_bytes());
    let mut child = command.and_then(|(program, words)| {
        // As in a script of several lines, which goes on: a container whose entrypoint is broken can be entered and
        // repaired, a container that does not run cannot.
        spawn::start(Command::new(program).args(words))
            .map_err(|error| complain(&error.chain()))
            .ok()
    });
    loop {
        if signals
            .wait(&[], None)
            .map_err(failed("waiting for signals"))?
            .ending
        {
            say_goodbye(child.as_ref().map(Pid::from_child));
            return Ok(ExitCode::SUCCESS);
        }
        while let Some((pid, status)) = reap().map_err(failed("reaping children"))? {
            if child.take_if(|child| Pid::from_child(child) == pid).is_some() && exit_status(status) != 0 {
                complain(&format!("the command of hold ended with {}", exit_status(status)));
            }
        }
    }
}

/// Asks everything else in the container to end. Nobody waits for it: the kernel ends the rest with the first process.
fn say_goodbye(child: Option<Pid>) {
    // Without processes to hear it there is nothing to do.
    let _ = if getpid().is_init() {
        // Group 1 means "every process that I may signal" (kill(2)): those of this container, as only they are seen by
        // the first process of its own process namespace. Anybody else may see the host's.
        kill_process_group(Pid::INIT, Signal::TERM)
    } else {
        child.map_or(Ok(()), |child| kill_process(child, Signal::TERM))
    };
}
