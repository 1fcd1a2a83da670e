//! Options of the commands that look into containers.

use super::Since;
use clap::{Args, ValueHint};
use clap_complete::engine::ArgValueCompleter;
use std::path::PathBuf;

/// Options of `stats`.
#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    /// Name, id, beginning of an id, or folder; all that run when none is given
    #[arg(value_name = "CONTAINER", add = ArgValueCompleter::new(crate::completion::containers))]
    pub containers: Vec<String>,
    /// Go on, once a second
    #[arg(short, long)]
    pub follow: bool,
}

/// Options of `logs`.
#[derive(Debug, Args)]
#[command(
    after_help = "Lines go to the stream that they came from. Several logs that are not followed come in the order of time."
)]
pub(crate) struct LogsArgs {
    /// Name, id, beginning of an id, or folder
    #[arg(
        value_name = "CONTAINER",
        required_unless_present = "all",
        conflicts_with = "all",
        add = ArgValueCompleter::new(crate::completion::containers)
    )]
    pub containers: Vec<String>,
    /// Of all containers
    #[arg(short, long)]
    pub all: bool,
    /// Go on while the container runs, over restarts of the engine
    #[arg(short, long)]
    pub follow: bool,
    /// Only so many of the last lines of each container
    #[arg(short = 'n', long, value_name = "LINES")]
    pub tail: Option<u32>,
    /// Only lines since this time (2026-01-31T12:00:00Z), or of the last 90s, 10m, 2h or 3d
    #[arg(long, value_name = "TIME")]
    pub since: Option<Since>,
    /// Only lines up to this time, or up to so long ago
    #[arg(long, value_name = "TIME")]
    pub until: Option<Since>,
    /// Put the time before each line
    #[arg(short, long)]
    pub timestamps: bool,
    /// Of these only lines that this regular expression finds something in
    #[arg(short, long, value_name = "REGEX", allow_hyphen_values = true)]
    pub grep: Option<String>,
    /// Write the lines to this file instead
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub save: Option<PathBuf>,
}

/// Options of `copy`.
#[derive(Debug, Args)]
#[command(
    after_help = "One of the two is NAME:PATH, a path in a container, which need not run. `-` is an archive (tar) on standard \
                  input or output.\nA folder that is there takes the copy under its own name; a name that is not there becomes \
                  the copy's. FOLDER/. means what is in FOLDER.\nWhat goes into a container keeps its owner's number; what \
                  comes out is yours."
)]
pub(crate) struct CopyArgs {
    /// What to copy
    #[arg(value_name = "FROM", value_hint = ValueHint::AnyPath)]
    pub from: String,
    /// Where to
    #[arg(value_name = "TO", value_hint = ValueHint::AnyPath)]
    pub to: String,
    /// Out of a container: keep owners, and the bits that let a program run as its owner
    #[arg(short = 'A', long)]
    pub archive: bool,
}
