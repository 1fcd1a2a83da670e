//! `devctl start`, `stop` and `restart`.

use crate::args::{ContainerArg, StopArgs};
use crate::failure::Failure;
use crate::job;
use crate::output::Printer;
use crate::output::text::plain;
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{ContainerRef, Job, StopContainer};

pub(crate) async fn start(printer: &Printer, args: ContainerArg) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let request = ContainerRef {
        container: args.container,
    };
    let begun = session.core.start_container(&session.caller, request).await?;
    ended(printer, &job::follow(&session, &begun).await?, "is running")
}

pub(crate) async fn stop(printer: &Printer, args: StopArgs) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let container = args.target.container.clone();
    let done = session
        .core
        .stop_container(&session.caller, request(args))
        .await?;
    if printer.json {
        printer.document(&done)?;
    } else {
        let word = if done.changed {
            "is stopped"
        } else {
            "was not running"
        };
        printer.say(&format!("{} {word}", plain(&container)))?;
    }
    Ok(0)
}

pub(crate) async fn restart(printer: &Printer, args: StopArgs) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let begun = session
        .core
        .restart_container(&session.caller, request(args))
        .await?;
    ended(printer, &job::follow(&session, &begun).await?, "is running again")
}

fn request(args: StopArgs) -> StopContainer {
    StopContainer {
        container: args.target.container,
        timeout: args.timeout,
    }
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
