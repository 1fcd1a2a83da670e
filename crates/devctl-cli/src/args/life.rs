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
