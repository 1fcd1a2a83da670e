//! The static SSH server inside containers.
//!
//! One process serves one connection on its standard input and output, as the Unix user that it was started as, and
//! ends with it. It listens on nothing, reads no file of its own and writes none: all that it knows comes as one
//! document on standard input (`devctl-agent-protocol`) before the first byte of SSH.
//!
//! # What ends with the connection
//!
//! Every command and shell is the leader of a Unix session of its own. When the connection ends while a leader still
//! runs, every process of that session gets `SIGHUP` and, a second later, `SIGKILL`. Two kinds are left alone, as
//! `sshd` leaves them: processes that ignore `SIGHUP` (`nohup`), and processes in another session (`setsid`, `tmux`,
//! daemons). So are those that a command left behind when it ended by itself.
//!
//! # What bounds memory
//!
//! See [`inflow`].

mod account;
mod agent_socket;
mod async_fd;
mod connection;
mod environment;
mod forward;
mod inflow;
mod login;
mod outflow;
mod ports;
mod process;
mod protect;
mod pty;
mod report;
mod russh_log;
mod serve;
mod session;
mod setup;
mod sftp;
mod terminate;
mod tools;
mod transport;

use std::io::Write as _;
use std::process::ExitCode;

use devctl_agent_protocol::{AgentReport, FORWARD_ARGUMENT, FatalCode, SERVE_ARGUMENT};

use crate::report::Reporter;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if let Some(code) = tools::run(std::env::args_os().skip(1)) {
        return code;
    }
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        [argument] if *argument == SERVE_ARGUMENT => serve::run(None),
        [argument, probe] if *argument == SERVE_ARGUMENT => serve::run(Some(probe)),
        [argument] if *argument == FORWARD_ARGUMENT => ports::run(),
        ["--version"] => match writeln!(std::io::stdout(), "devctl-agent {}", env!("CARGO_PKG_VERSION")) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        _ => {
            Reporter::new().send(&AgentReport::Fatal {
                code: FatalCode::Usage,
                message: format!(
                    "usage: devctl-agent {SERVE_ARGUMENT} [PROBE] | {FORWARD_ARGUMENT} | hold | guard | probe | own | deliver | run | --version"
                ),
            });
            ExitCode::from(2)
        }
    }
}
