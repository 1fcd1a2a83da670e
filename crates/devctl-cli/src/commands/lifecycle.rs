//! `devctl start`, `stop` and `restart`.

use crate::args::{RestartArgs, StartArgs, StopArgs};
use crate::failure::Failure;
use crate::job::{Consenting, run_with_consent};
use crate::output::Printer;
use crate::output::shell::command_line;
use crate::output::text::plain;
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{Job, RestartContainer, StartContainer, StopContainer};

pub(crate) async fn start(printer: &Printer, args: StartArgs) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let container = args.target.container;
    let consenting = Consenting {
        subject: &container,
        trust: args.trust,
        command: &|hash| command_line(["devctl", "start", "--trust", hash, &container]),
        begin: &|trust| {
            let request = StartContainer {
                container: container.clone(),
                trust,
            };
            let session = &session;
            Box::pin(async move { session.core.start_container(&session.caller, request).await })
        },
    };
    let job = run_with_consent(&session, consenting).await?;
    ended(printer, &job, "is running")
}

pub(crate) async fn stop(printer: &Printer, args: StopArgs) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let request = StopContainer {
        container: args.target.container,
        timeout: args.timeout,
    };
    let done = session.core.stop_container(&session.caller, request).await?;
    if printer.json {
        printer.document(&done)?;
    } else {
        let word = if done.changed {
            "is stopped"
        } else {
            "was not running"
        };
        printer.say(&format!("{} {word}", plain(&done.name)))?;
    }
    Ok(0)
}

pub(crate) async fn restart(printer: &Printer, args: RestartArgs) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let job = restarted(&session, args.target.container, args.timeout, args.trust).await?;
    ended(printer, &job, "is running again")
}

/// Stops a container and starts it again.
pub(super) async fn restarted(
    session: &Session,
    container: String,
    timeout: Option<u32>,
    trust: Option<String>,
) -> Result<Job, Failure> {
    let consenting = Consenting {
        subject: &container,
        trust,
        command: &|hash| {
            let timeout = timeout.map(|seconds| seconds.to_string());
            let timeout = timeout.iter().flat_map(|seconds| ["--timeout", seconds]);
            let words = ["devctl", "restart"].into_iter().chain(timeout);
            command_line(words.chain(["--trust", hash, &container]))
        },
        begin: &|trust| {
            let request = RestartContainer {
                container: container.clone(),
                timeout,
                trust,
            };
            Box::pin(async move { session.core.restart_container(&session.caller, request).await })
        },
    };
    run_with_consent(session, consenting).await
}

/// Says what a job brought about.
pub(super) fn ended(printer: &Printer, job: &Job, what: &str) -> Result<u8, Failure> {
    if printer.json {
        printer.document(&job.result)?;
    } else {
        printer.say(&format!("{} {what}", plain(&job.subject)))?;
    }
    Ok(0)
}
