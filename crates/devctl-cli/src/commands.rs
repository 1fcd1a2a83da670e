//! What each command does: a request to the core, and its answer as text or as JSON.

use crate::args::Command;
use crate::failure::Failure;
use crate::output::Printer;
use crate::{completion, core};
use Threads::{One, Several};
use tokio::runtime::Builder;

mod authorities;
mod certificates;
mod changes;
mod clone;
mod config;
mod copy;
mod disk;
mod doctor;
mod drift;
mod events;
mod exec;
mod idle;
mod images;
mod keys;
mod life;
mod lifecycle;
pub(crate) mod list;
mod logs;
mod man;
mod networks;
mod ports;
mod prune;
mod rebuild;
mod remove;
mod secrets;
mod service;
mod settings;
mod show;
mod ssh;
mod stats;
mod top;
mod up;
mod volumes;

pub(crate) use exec::ExecDocument;

/// How many threads a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Threads {
    /// One, this one: a thread that is started costs more than a question to the engine.
    One,
    /// A few: streams and hashes at the same time.
    Several,
}

/// Carries out a command and says with which exit code to leave.
pub(crate) fn run(printer: &Printer, command: Command) -> Result<u8, Failure> {
    match command {
        Command::Up(args) => block_on(Several, up::run(printer, args)),
        Command::List => block_on(One, list::run(printer)),
        Command::Show(args) => block_on(One, show::run(printer, args)),
        Command::Start(args) => block_on(One, lifecycle::start(printer, args)),
        Command::Stop(args) => block_on(One, lifecycle::stop(printer, args)),
        Command::Restart(args) => block_on(One, lifecycle::restart(printer, args)),
        Command::Pause(args) => block_on(One, life::pause(printer, args)),
        Command::Unpause(args) => block_on(One, life::unpause(printer, args)),
        Command::Kill(args) => block_on(One, life::kill(printer, args)),
        Command::Rename(args) => block_on(One, life::rename(printer, args)),
        Command::Clone(args) => block_on(Several, clone::run(printer, args)),
        Command::Prune(args) => block_on(One, prune::run(printer, args)),
        Command::Adopt(args) => block_on(Several, life::adopt(printer, args)),
        Command::Forget(args) => block_on(One, life::forget(printer, args)),
        Command::Rebuild(args) => block_on(Several, rebuild::run(printer, args)),
        Command::Recreate(args) => block_on(Several, rebuild::recreate(printer, args)),
        Command::Drift(args) => block_on(One, drift::run(printer, args)),
        Command::Remove(args) => block_on(One, remove::run(printer, args)),
        Command::Exec(args) => block_on(Several, exec::run(printer, args)),
        Command::Ssh(args) => block_on(One, ssh::run(printer, args)),
        Command::Logs(args) => block_on(One, logs::run(printer, args)),
        Command::Stats(args) => block_on(One, stats::run(printer, args)),
        Command::Top(target) => block_on(One, top::run(printer, target)),
        Command::Copy(args) => block_on(Several, copy::run(printer, args)),
        Command::Changes(target) => block_on(One, changes::run(printer, target)),
        Command::Ports(command) => block_on(Several, ports::run(printer, command)),
        Command::Image(command) => block_on(Several, images::run(printer, command)),
        Command::Volume(command) => block_on(Several, volumes::run(printer, command)),
        Command::Network(command) => block_on(One, networks::run(printer, command)),
        Command::Disk(place) => block_on(One, disk::show(printer, place)),
        Command::Clean(args) => block_on(One, disk::clean(printer, args)),
        Command::Idle(command) => block_on(One, idle::run(printer, command)),
        Command::KeepAwake(args) => block_on(One, idle::keep_awake(printer, args)),
        Command::Service(command) => block_on(One, service::run(printer, command)),
        Command::Config(command) => block_on(One, config::run(printer, command)),
        Command::Events(args) => block_on(One, events::run(printer, args)),
        Command::Settings(command) => block_on(One, settings::run(printer, command)),
        Command::Doctor(args) => block_on(One, doctor::run(printer, args.fix)),
        Command::Key(command) => block_on(One, keys::run(printer, command)),
        Command::Ca(command) => block_on(One, authorities::run(printer, command)),
        Command::Cert(command) => block_on(One, certificates::run(printer, command)),
        Command::Secret(command) => block_on(One, secrets::run(printer, command)),
        Command::SshProxy(args) => {
            no_json(printer, "ssh-proxy")?;
            block_on(One, async {
                core::ssh_proxy(&args.name, &args.user).await?;
                Ok(0)
            })
        }
        Command::SshRenew => {
            no_json(printer, "ssh-renew")?;
            block_on(One, async {
                core::ssh_renew().await?;
                Ok(0)
            })
        }
        Command::Completion(args) => completion::run(printer, args.shell),
        Command::Man(args) => man::run(printer, &args),
    }
}

fn block_on(threads: Threads, work: impl Future<Output = Result<u8, Failure>>) -> Result<u8, Failure> {
    let mut builder = match threads {
        One => Builder::new_current_thread(),
        Several => {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(2);
            builder
        }
    };
    let runtime = builder.enable_all().build()?;
    let ended = runtime.block_on(work);
    // A thread that waits for input that never comes must not hold the process.
    runtime.shutdown_background();
    ended
}

/// Refuses `--json` where standard output is not ours.
fn no_json(printer: &Printer, command: &str) -> Result<(), Failure> {
    if printer.json {
        return Err(Failure::usage(format!(
            "{command} speaks with ssh, so it has no --json"
        )));
    }
    Ok(())
}
