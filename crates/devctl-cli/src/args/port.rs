//! The words of `devctl ports`.

use super::ContainerArg;
use clap::{Args, Subcommand};
use clap_complete::engine::ArgValueCompleter;

/// What is done with ports.
#[derive(Debug, Subcommand)]
pub(crate) enum PortsCommand {
    /// List what listens in containers and what is forwarded, by this or any other process of yours
    List {
        /// Name, id, beginning of an id, or folder; every container with a forward where absent
        #[arg(value_name = "CONTAINER", add = ArgValueCompleter::new(crate::completion::containers))]
        container: Option<String>,
    },
    /// Forward ports until Ctrl-C; nothing is published, and only this computer can connect
    Forward(ForwardArgs),
    /// Open a forwarded port in the browser
    Open {
        #[command(flatten)]
        target: ContainerArg,
        /// The port in the container, or on this computer; the only forwarded one where absent
        #[arg(value_name = "PORT")]
        port: Option<String>,
    },
    /// End forwards, whichever process carries them
    Stop {
        #[command(flatten)]
        target: ContainerArg,
        /// The port in the container, or on this computer; all where absent
        #[arg(value_name = "PORT")]
        port: Option<String>,
    },
}

/// Options of `ports forward`.
#[derive(Debug, Args)]
#[command(
    after_help = "PORT is 3000, 8080:80 (port 8080 here), db:5432 (a host that the container reaches), 15432:db:5432, \
                  /run/x.sock, 8080:/run/x.sock or /tmp/here.sock:/run/x.sock.\nWithout PORT and --reverse, what \
                  forwardPorts names and whatever begins to listen is forwarded, as portsAttributes says."
)]
pub(crate) struct ForwardArgs {
    #[command(flatten)]
    pub target: ContainerArg,
    /// What to forward into the container
    #[arg(value_name = "PORT")]
    pub ports: Vec<String>,
    /// Let the container reach a service of this computer: 3000, 9000:3000 (port 9000 there), or sockets likewise
    #[arg(long, value_name = "[THERE:]HERE")]
    pub reverse: Vec<String>,
    /// Also what the configuration names and what begins to listen; the default where nothing is named
    #[arg(long)]
    pub auto: bool,
    /// Go on in the background; `devctl ports stop` ends it
    #[arg(long)]
    pub detach: bool,
    /// Open nothing in the browser, whatever the configuration says
    #[arg(long)]
    pub no_open: bool,
}
