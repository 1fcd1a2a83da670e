//! `devctl clone`.

use crate::args::life::CloneArgs;
use crate::failure::Failure;
use crate::job::{Consenting, run_with_consent};
use crate::output::shell::command_line;
use crate::output::text::plain;
use crate::output::{Printer, WARN};
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{CloneContainer, ErrorCode, Problem, UpOutcome};

pub(crate) async fn run(printer: &Printer, args: CloneArgs) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let request = CloneContainer {
        container: args.target.container,
        name: args.name,
        with_files: args.with_files,
        with_volumes: args.with_volumes,
        trust: None,
    };
    let consenting = Consenting {
        subject: &request.container,
        trust: args.trust,
        command: &|hash| {
            let mut words = vec!["devctl", "clone"];
            words.extend(request.with_files.then_some("--with-files"));
            words.extend(request.with_volumes.then_some("--with-volumes"));
            words.extend(["--trust", hash, &request.container]);
            words.extend(request.name.as_deref());
            command_line(words)
        },
        begin: &|trust| {
            let request = CloneContainer {
                trust,
                ..request.clone()
            };
            let session = &session;
            Box::pin(async move { session.core.clone_container(&session.caller, request).await })
        },
    };
    let job = run_with_consent(&session, consenting).await?;
    if printer.json {
        printer.document(&job.result)?;
        return Ok(0);
    }
    let outcome: UpOutcome = serde_json::from_value(job.result.unwrap_or_default()).map_err(|error| {
        Problem::new(ErrorCode::Internal, "the outcome cannot be read").why(error.to_string())
    })?;
    for notice in &outcome.notices {
        printer.note(&format!(
            "{} {}",
            printer.stderr.palette.paint(WARN, "note:"),
            plain(notice)
        ))?;
    }
    printer.say(&format!("{} is ready", plain(&outcome.name)))?;
    printer.say(&format!("  ssh {}", plain(&outcome.ssh_host)))?;
    Ok(0)
}
