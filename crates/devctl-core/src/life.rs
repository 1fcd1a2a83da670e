//! What is done with a container between its making and its end.

pub(crate) mod adopt;
pub(crate) mod drift;
pub(crate) mod ended;
pub(crate) mod gone;
mod pause;
mod prune;
mod rename;

use crate::containers::Found;
use devctl_model::{ErrorCode, Problem};

/// The problem of a container that is frozen, where it would have to run.
pub(crate) fn paused(found: &Found) -> Problem {
    let alias = found.alias();
    Problem::new(ErrorCode::ContainerNotRunning, format!("{alias} is paused"))
        .fix_command("Let it go on", format!("devctl unpause {alias}"))
        .safe("its processes are frozen, and lose nothing")
}

/// The problem of a container that does not run.
fn not_running(found: &Found) -> Problem {
    let alias = found.alias();
    Problem::new(ErrorCode::ContainerNotRunning, format!("{alias} does not run"))
        .fix_command("Start it", format!("devctl start {alias}"))
}
