//! Keeps the user whom the agent serves from looking into it: the host key is in its memory.

use std::fs;
use std::io;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, dumpable_behavior, getrlimit, set_dumpable_behavior, setrlimit,
};

/// Why the process is not safe to hold a key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProtectError {
    #[error("the process could not be made undumpable")]
    Dumpable(#[source] rustix::io::Errno),
    #[error("the process stayed dumpable")]
    StillDumpable,
    #[error("core dumps could not be switched off")]
    CoreLimit(#[source] rustix::io::Errno),
    #[error("/proc/self/status could not be read")]
    Status(#[source] io::Error),
    #[error("/proc/self/status does not say who traces the process")]
    NoTracerLine,
    #[error("process {tracer} traces the agent")]
    Traced { tracer: u32 },
}

/// What was changed for this process and has to be undone for its children.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Protection {
    core_limit: Rlimit,
}

impl Protection {
    /// The limit on core dumps that the process was started with.
    pub(crate) fn original_core_limit(&self) -> Rlimit {
        self.core_limit
    }

    /// The same, with nothing written until a command asks for more: its environment holds secrets.
    pub(crate) fn silent_core_limit(&self) -> Rlimit {
        Rlimit {
            current: Some(0),
            maximum: self.core_limit.maximum,
        }
    }
}

/// Makes the process undumpable (no ptrace, no `/proc/PID/mem` and the like for its own user) and then makes sure that
/// nobody was faster.
pub(crate) fn harden() -> Result<Protection, ProtectError> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(ProtectError::Dumpable)?;
    if dumpable_behavior().map_err(ProtectError::Dumpable)? != DumpableBehavior::NotDumpable {
        return Err(ProtectError::StillDumpable);
    }
    let core_limit = getrlimit(Resource::Core);
    // The soft limit only: a hard one could not be given back to the children.
    setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: core_limit.maximum,
        },
    )
    .map_err(ProtectError::CoreLimit)?;
    let status = fs::read_to_string("/proc/self/status").map_err(ProtectError::Status)?;
    match tracer(&status).ok_or(ProtectError::NoTracerLine)? {
        0 => Ok(Protection { core_limit }),
        tracer => Err(ProtectError::Traced { tracer }),
    }
}

fn tracer(status: &str) -> Option<u32> {
    status
        .lines()
        .find_map(|line| line.strip_prefix("TracerPid:"))?
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tracer_is_read_from_the_status() {
        assert_eq!(tracer("Name:\tx\nTracerPid:\t42\nUid:\t0\n"), Some(42));
        assert_eq!(tracer("Name:\tTracerPid: 7\n"), None);
    }
}
