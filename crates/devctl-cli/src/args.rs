//! The command line: every command, its options and their help. The reference in `docs/cli.md` and the man pages are
//! generated from here.

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::engine::ArgValueCompleter;
use std::ffi::OsString;
use std::path::PathBuf;

pub(crate) mod authority;
pub(crate) mod idle;
pub(crate) mod key;
pub(crate) mod life;
pub(crate) mod look;
pub(crate) mod port;
pub(crate) mod secret;
mod since;
pub(crate) mod storage;

pub(crate) use since::Since;

/// Turns a folder or an image into a dev container that ssh reaches.
#[derive(Debug, Parser)]
#[command(
    name = "devctl",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    max_term_width = 110,
    after_help = "Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 refused or consent missing, 5 engine unreachable, \
                  130 interrupted.\n`exec` and `ssh` pass on the code of the command; failures of devctl are 125 and 255 there."
)]
pub(crate) struct Cli {
    /// What all commands have in common.
    #[command(flatten)]
    pub output: OutputOptions,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output options")]
pub(crate) struct OutputOptions {
    /// Print exactly one JSON document on standard output (JSON lines where the command follows)
    #[arg(long, global = true)]
    pub json: bool,
    /// When to use colours
    #[arg(
        long,
        global = true,
        value_name = "auto|always|never",
        hide_possible_values = true,
        default_value = "auto"
    )]
    pub color: ColorChoice,
    /// Show no progress
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show the log of every step; twice also what devctl does, three times everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a container from a folder or an image, or bring the one that was made before up again
    Up(UpArgs),
    /// List the containers
    List,
    /// Show everything about a container
    Show(ContainerArg),
    /// Start a container and run what has to run on each start
    Start(StartArgs),
    /// Stop a container
    Stop(StopArgs),
    /// Stop a container and start it again
    Restart(RestartArgs),
    /// Freeze the processes of a container
    Pause(ContainerArg),
    /// Let the frozen processes of a container go on
    Unpause(ContainerArg),
    /// Send a signal to the main process of a container
    Kill(life::KillArgs),
    /// Give a container another name; its SSH name is another one at once
    Rename(life::RenameArgs),
    /// Make a second container of the same configuration
    Clone(life::CloneArgs),
    /// Remove what is left over, after saying what that is
    Prune(life::PruneArgs),
    /// Make a container that somebody else made ours to enter; it goes on as it is
    Adopt(life::AdoptArgs),
    /// Take a container off the list that was adopted, or that is gone
    Forget(ContainerArg),
    /// Make a container anew from its configuration; its volumes and its workspace folder stay
    Rebuild(RebuildArgs),
    /// Make a container anew from the image that it has; nothing is built or pulled
    Recreate(life::RecreateArgs),
    /// Show what differs between a container and its configuration now, and what applying it costs
    Drift(ContainerArg),
    /// Remove a container; its workspace folder always stays
    Remove(RemoveArgs),
    /// Run a command in a container
    Exec(ExecArgs),
    /// Log in to a container with ssh, or see to the ssh configuration
    Ssh(SshArgs),
    /// Show the log of a container's main process, or of several containers
    Logs(look::LogsArgs),
    /// Show what containers use: processors, memory, network, disks
    Stats(look::StatsArgs),
    /// List the processes of a container
    Top(ContainerArg),
    /// Copy files into a container or out of it
    Copy(look::CopyArgs),
    /// List the files that differ from the image of a container
    Changes(ContainerArg),
    /// Reach ports of containers: list, forward, open, stop
    #[command(subcommand, arg_required_else_help = true)]
    Ports(port::PortsCommand),
    /// See to images
    #[command(subcommand, arg_required_else_help = true)]
    Image(storage::ImageCommand),
    /// See to volumes, and to the files in them
    #[command(subcommand, arg_required_else_help = true)]
    Volume(storage::VolumeCommand),
    /// See to networks, and put containers together
    #[command(subcommand, arg_required_else_help = true)]
    Network(storage::NetworkCommand),
    /// Show what takes place on the disk, and who uses it
    Disk(storage::HostArg),
    /// Give disk space back: what devctl made and nobody uses, and what is named
    Clean(storage::CleanArgs),
    /// See which containers are idle, and stop those that nobody uses
    #[command(subcommand, arg_required_else_help = true)]
    Idle(idle::IdleCommand),
    /// Keep a container from being stopped for idleness, for a time
    KeepAwake(idle::KeepAwakeArgs),
    /// See to the background service: it stops idle containers and renews certificates
    #[command(subcommand, arg_required_else_help = true)]
    Service(idle::ServiceCommand),
    /// Read a devcontainer.json
    #[command(subcommand, arg_required_else_help = true)]
    Config(ConfigCommand),
    /// Show what happened: who did what to what, when, and how it ended
    Events(EventsArgs),
    /// Read and change settings
    #[command(subcommand, arg_required_else_help = true)]
    Settings(SettingsCommand),
    /// Check everything that devctl needs, and say how to mend what fails
    Doctor(DoctorArgs),
    /// See to keys: the container access key, and your own
    #[command(subcommand, arg_required_else_help = true)]
    Key(key::KeyCommand),
    /// See to the certificate authorities
    #[command(subcommand, arg_required_else_help = true)]
    Ca(authority::CaCommand),
    /// See to certificates: issue, list, explain, revoke
    #[command(subcommand, arg_required_else_help = true)]
    Cert(authority::CertCommand),
    /// Keep secrets, and give them to containers
    #[command(subcommand, arg_required_else_help = true)]
    Secret(secret::SecretCommand),
    /// Carry an ssh connection into a container (called by ssh itself)
    #[command(hide = true)]
    SshProxy(SshProxyArgs),
    /// Renew the certificate of the access key when that is due (called by ssh itself)
    #[command(hide = true)]
    SshRenew,
    /// Print the completion script of a shell
    Completion(CompletionArgs),
    /// Write the man pages, or the reference in Markdown
    #[command(hide = true)]
    Man(ManArgs),
}

/// Options of `up`.
#[derive(Debug, Args)]
pub(crate) struct UpArgs {
    /// A folder or an image; an existing folder wins
    #[arg(default_value = ".", value_name = "SOURCE", value_hint = ValueHint::DirPath)]
    pub source: String,
    /// SOURCE is a folder
    #[arg(long, conflicts_with = "image")]
    pub path: bool,
    /// SOURCE is an image
    #[arg(long)]
    pub image: bool,
    /// The devcontainer.json to use, where the folder has several
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "image")]
    pub config: Option<String>,
    /// The name of the container; made from the folder or the image when none is given
    #[arg(long)]
    pub name: Option<String>,
    /// The host to make it on; the current one when none is given
    #[arg(long)]
    pub host: Option<String>,
    /// Allow the rights on the sheet with this hash
    #[arg(long, value_name = "HASH", value_parser = trust_hash)]
    pub trust: Option<String>,
    /// Where the configuration has changed, take the cheapest step that applies it; asks before anything is lost
    #[arg(long)]
    pub apply: bool,
    /// Do not ask before files of the container are lost
    #[arg(short, long, requires = "apply")]
    pub yes: bool,
}

/// Names a container.
#[derive(Debug, Args)]
pub(crate) struct ContainerArg {
    /// Name, id, beginning of an id, or folder
    #[arg(value_name = "CONTAINER", add = ArgValueCompleter::new(crate::completion::containers))]
    pub container: String,
}

/// Options of `start`.
#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    #[command(flatten)]
    pub target: ContainerArg,
    /// Allow the rights on the sheet with this hash
    #[arg(long, value_name = "HASH", value_parser = trust_hash)]
    pub trust: Option<String>,
}

/// Options of `restart`.
#[derive(Debug, Args)]
pub(crate) struct RestartArgs {
    #[command(flatten)]
    pub target: ContainerArg,
    /// Seconds until the container is killed; the engine's own default when none is given
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u32>,
    /// Allow the rights on the sheet with this hash
    #[arg(long, value_name = "HASH", value_parser = trust_hash)]
    pub trust: Option<String>,
}

/// Options of `stop`.
#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    #[command(flatten)]
    pub target: ContainerArg,
    /// Seconds until the container is killed; the engine's own default when none is given
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u32>,
}

/// Options of `rebuild`.
#[derive(Debug, Args)]
pub(crate) struct RebuildArgs {
    #[command(flatten)]
    pub target: ContainerArg,
    /// Build and pull without any cache
    #[arg(long)]
    pub no_cache: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Allow the rights on the sheet with this hash
    #[arg(long, value_name = "HASH", value_parser = trust_hash)]
    pub trust: Option<String>,
}

/// Options of `remove`.
#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    #[command(flatten)]
    pub target: ContainerArg,
    /// Also remove the volumes that were made for it
    #[arg(long)]
    pub volumes: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Options of `exec`.
#[derive(Debug, Args)]
#[command(after_help = "The exit code is that of the command; 125 is a failure of devctl itself.")]
pub(crate) struct ExecArgs {
    /// Run as this user; the container's remote user when none is given
    #[arg(short, long)]
    pub user: Option<String>,
    /// Run in this folder; the workspace folder when none is given
    #[arg(short, long, value_name = "DIR")]
    pub workdir: Option<String>,
    /// Set a variable of the environment; may be given several times
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = variable)]
    pub env: Vec<(String, String)>,
    /// Give the command a terminal; the default when devctl has one itself
    #[arg(short, long)]
    pub tty: bool,
    /// Give the command no terminal
    #[arg(short = 'T', long, conflicts_with = "tty")]
    pub no_tty: bool,
    /// Pass standard input on to the command; the default with a terminal
    #[arg(short, long)]
    pub interactive: bool,
    #[command(flatten)]
    pub target: ContainerArg,
    /// The command and its arguments
    #[arg(
        value_name = "COMMAND",
        trailing_var_arg = true,
        allow_hyphen_values = true,
        required = true
    )]
    pub command: Vec<String>,
}

/// Options of `ssh`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true,
    after_help = "What follows CONTAINER goes to ssh as it stands: options first, then a command.\n\
                  A container that is called like one of the commands above is reached with `devctl ssh -- NAME`.\n\
                  The exit code is that of ssh; 255 is a failure of ssh or of devctl."
)]
pub(crate) struct SshArgs {
    #[command(subcommand)]
    pub command: Option<SshCommand>,
    /// Name, id, beginning of an id, or folder
    #[arg(value_name = "CONTAINER", required = true, add = ArgValueCompleter::new(crate::completion::containers))]
    pub container: Option<String>,
    /// Options of ssh and a command to run
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<OsString>,
}

/// What is done with the ssh configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum SshCommand {
    /// Add the one Include line to your ssh configuration, after showing the change
    Install {
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Take the Include line out of your ssh configuration again
    Uninstall,
    /// Say where the client configuration is, or print it
    Config {
        /// Print the complete client configuration, for `ssh -F`
        #[arg(long)]
        print: bool,
    },
    /// Say whether plain `ssh NAME.devctl` works, and what stands in its way
    Status {
        /// Say instead which lines of your configuration are in force for this host
        #[arg(value_name = "HOST")]
        host: Option<String>,
    },
}

/// What is done with a configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print a configuration as one JSON document, in the shape of the reference's `read-configuration`
    Read {
        /// The folder
        #[arg(default_value = ".", value_name = "PATH", value_hint = ValueHint::DirPath)]
        path: String,
        /// The devcontainer.json to read, where the folder has several
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        config: Option<String>,
        /// Also merge what the image's metadata says
        #[arg(long)]
        merged: bool,
    },
}

/// Options of `events`.
#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    /// Go on with what happens from now on
    #[arg(short, long)]
    pub follow: bool,
    /// At most so many of the newest events
    #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 100)]
    pub limit: u32,
    /// Only events about this container
    #[arg(long, value_name = "CONTAINER", add = ArgValueCompleter::new(crate::completion::containers))]
    pub container: Option<String>,
}

/// What is done with settings.
#[derive(Debug, Subcommand)]
pub(crate) enum SettingsCommand {
    /// Show one setting
    Get {
        /// Its name
        key: String,
    },
    /// Change a setting
    Set {
        /// Its name
        key: String,
        /// Its new value
        #[arg(required_unless_present = "default", allow_hyphen_values = true)]
        value: Option<String>,
        /// Bring its default back
        #[arg(long, conflicts_with = "value")]
        default: bool,
    },
    /// List all settings with their values
    List,
}

/// Options of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Mend what can be mended without harm, then check again
    #[arg(long)]
    pub fix: bool,
}

/// Arguments of `ssh-proxy`.
#[derive(Debug, Args)]
pub(crate) struct SshProxyArgs {
    /// The host name as it was given to ssh (%n)
    #[arg(allow_hyphen_values = true)]
    pub name: String,
    /// The user to log in as (%r)
    #[arg(allow_hyphen_values = true)]
    pub user: String,
}

/// Arguments of `completion`.
#[derive(Debug, Args)]
pub(crate) struct CompletionArgs {
    /// The shell
    pub shell: Shell,
}

/// A shell that completion is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
    /// PowerShell
    Powershell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The folder to write the man pages to
    #[arg(
        value_name = "DIR",
        required_unless_present = "markdown",
        conflicts_with = "markdown"
    )]
    pub directory: Option<PathBuf>,
    /// Print the reference in Markdown instead
    #[arg(long)]
    pub markdown: bool,
}

pub(crate) fn trust_hash(text: &str) -> Result<String, String> {
    devctl_model::trust_hash_in(text)
        .map(str::to_owned)
        .ok_or_else(|| "it is the 64 hexadecimal digits that are printed with a trust sheet".to_owned())
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("it has the form KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests;
