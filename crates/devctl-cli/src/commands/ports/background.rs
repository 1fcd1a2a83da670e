//! `ports forward --detach`: the same command in a process of its own, which says its first line into a file.

use super::request;
use crate::args::port::ForwardArgs;
use crate::failure::Failure;
use crate::output::Printer;
use crate::session::Session;
use devctl_model::{ErrorCode, ForwardedPorts, Problem};
use serde::Deserialize;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What the other process says first.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum FirstLine {
    Refused { error: Box<Problem> },
    Forwarded(ForwardedPorts),
}

pub(super) async fn run(printer: &Printer, args: ForwardArgs) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let folder = session.core.config().state_dir.join("forwards");
    devctl_files::ensure_private_dir(&folder)
        .map_err(|error| failed("its first words have no place", &error))?;
    let said = folder.join(format!("{}.said", std::process::id()));
    let forwarded = begin(&args, &said).await;
    // The other process goes on with the file that it has open.
    let removed = std::fs::remove_file(&said);
    let forwarded = forwarded?;
    if let Err(error) = removed {
        tracing::debug!(%error, "what the forwarding process says stays in a file");
    }
    if printer.json {
        printer.document(&forwarded)?;
        return Ok(0);
    }
    for forward in &forwarded.forwards {
        printer.say(&super::line(printer, forward))?;
    }
    printer.note(&format!(
        "It goes on in the background; `devctl ports stop {}` ends it.",
        args.target.container
    ))?;
    Ok(0)
}

async fn begin(args: &ForwardArgs, said: &Path) -> Result<ForwardedPorts, Failure> {
    let output = File::create(said).map_err(|error| failed("its first words have no place", &error))?;
    let mut child = start(args, output)?;
    loop {
        let text = std::fs::read_to_string(said).unwrap_or_default();
        if let Some((line, _)) = text.split_once('\n') {
            return match serde_json::from_str(line) {
                Ok(FirstLine::Forwarded(forwarded)) => Ok(forwarded),
                Ok(FirstLine::Refused { error }) => Err(Failure::Problem(error)),
                Err(error) => Err(failed("it says what cannot be read", &error)),
            };
        }
        let ended = child
            .try_wait()
            .map_err(|error| failed("it cannot be waited for", &error))?;
        if let Some(status) = ended.filter(|_| !text.contains('\n')) {
            // It may have spoken between the two looks.
            if std::fs::read_to_string(said).is_ok_and(|text| text.contains('\n')) {
                continue;
            }
            return Err(failed("it ended at once", &status));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn start(args: &ForwardArgs, output: File) -> Result<Child, Failure> {
    let wish = request(args);
    let program = std::env::current_exe().map_err(|error| failed("devctl does not find itself", &error))?;
    let mut command = Command::new(program);
    command.args(["--json", "ports", "forward"]);
    if wish.automatic {
        command.arg("--auto");
    }
    if args.no_open {
        command.arg("--no-open");
    }
    for reverse in &wish.reverse {
        command.arg(format!("--reverse={reverse}"));
    }
    command.arg("--").arg(&wish.container).args(&wish.ports);
    command.stdin(Stdio::null()).stdout(output).stderr(Stdio::null());
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        // Ctrl-C at this terminal is not meant for it.
        command.process_group(0);
    }
    command
        .spawn()
        .map_err(|error| failed("it cannot be started", &error))
}

fn failed(what: &str, why: &dyn std::fmt::Display) -> Failure {
    Problem::new(
        ErrorCode::Internal,
        format!("the process that would forward: {what}"),
    )
    .why(why.to_string())
    .into()
}
