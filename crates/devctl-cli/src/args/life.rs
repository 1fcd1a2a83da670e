//! Options of what is done with a container between its making and its end.

use super::ContainerArg;
use clap::Args;

/// Options of `kill`.
#[derive(Debug, Args)]
pub(crate) struct KillArgs {
    #[command(flatten)]
    pub target: ContainerArg,
    /// The signal: a name with or without SIG, or a number
    #[arg(short, long, value_name = "SIGNAL", default_value = "KILL")]
    pub signal: String,
}

/// Options of `rename`.
#[derive(Debug, Args)]
pub(crate) struct RenameArgs {
    #[command(flatten)]
    pub target: ContainerArg,
    /// The new name: a to z, 0 to 9 and hyphens
    #[arg(value_name = "NAME")]
    pub name: String,
}

/// Options of `recreate`.
#[derive(Debug, Args)]
pub(crate) struct RecreateArgs {
    #[command(flatten)]
    pub target: ContainerArg,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Allow the rights on the sheet with this hash
    #[arg(long, value_name = "HASH", value_parser = super::trust_hash)]
    pub trust: Option<String>,
}

/// Options of `adopt`.
#[derive(Debug, Args)]
pub(crate) struct AdoptArgs {
    /// The engine's name of the container, its id, or the beginning of its id
    #[arg(value_name = "CONTAINER")]
    pub container: String,
    /// The name that it gets here; made from the engine's name when none is given
    #[arg(long)]
    pub name: Option<String>,
    /// The host that it lives on; all are looked through when none is given
    #[arg(long)]
    pub host: Option<String>,
}

/// Options of `clone`.
#[derive(Debug, Args)]
pub(crate) struct CloneArgs {
    #[command(flatten)]
    pub target: ContainerArg,
    /// The name of the second one; made from the folder or the image when none is given
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// Begin with the files of the first one; what runs once does not run again
    #[arg(long)]
    pub with_files: bool,
    /// Copy the volumes that have names, in the place of sharing them
    #[arg(long)]
    pub with_volumes: bool,
    /// Allow the rights on the sheet with this hash
    #[arg(long, value_name = "HASH", value_parser = super::trust_hash)]
    pub trust: Option<String>,
}

/// Options of `prune`.
#[derive(Debug, Args)]
pub(crate) struct PruneArgs {
    /// Also remove containers that failed, with the files that are only in them
    #[arg(long)]
    pub failed: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}
