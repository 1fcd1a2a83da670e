//! `devctl exec`.

use crate::args::ExecArgs;
use crate::failure::Failure;
use crate::interrupt::Interrupts;
use crate::output::Printer;
use crate::output::text::plain;
use crate::session::Session;
use crate::terminal::{self, RawTerminal, Resizes};
use devctl_core::{ExecCommand, ExecHandle, ExecOutput};
use devctl_model::{ErrorCode, Problem};
use serde::Serialize;
use std::io;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// Exit code of a command that ended with a code that no process can pass on.
const OUT_OF_RANGE: u8 = 125;

/// What `exec --json` and `ssh --json` print: the command's own output is part of the one document.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExecDocument {
    /// The exit code of the command.
    pub exit_code: i32,
    /// What it wrote to standard output; what is no UTF-8 is replaced.
    pub stdout: String,
    /// What it wrote to standard error; what is no UTF-8 is replaced.
    pub stderr: String,
}

pub(crate) async fn run(printer: &Printer, args: ExecArgs) -> Result<u8, Failure> {
    if printer.json && args.tty {
        return Err(Failure::usage(
            "a terminal's output is no JSON: use --json or --tty, not both",
        ));
    }
    let here = terminal::is_there();
    let tty = args.tty || (here && !args.no_tty && !printer.json);
    let stdin = args.interactive || (tty && here);
    let session = Session::open(printer).await?;
    let command = ExecCommand {
        container: args.target.container,
        command: args.command,
        user: args.user,
        workdir: args.workdir,
        env: args.env,
        terminal: tty.then(terminal::size),
        stdin,
    };
    let mut interrupts = Interrupts::listen()?;
    let handle = session.core.exec(&session.caller, command).await?;
    for notice in &handle.notices {
        printer.note(&format!("devctl: {}", plain(notice)))?;
    }
    if printer.json {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let code = tokio::select! {
            code = carry(handle, stdin, false, &mut stdout, &mut stderr) => code?,
            () = interrupts.next() => {
                return Err(Problem::new(ErrorCode::Cancelled, "the command was left").into());
            }
        };
        printer.document(&ExecDocument {
            exit_code: code,
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
        })?;
        return Ok(passed_on(code));
    }
    let raw = (tty && here).then(RawTerminal::enter).transpose()?;
    let (mut stdout, mut stderr) = (tokio::io::stdout(), tokio::io::stderr());
    let ended = tokio::select! {
        code = carry(handle, stdin, tty, &mut stdout, &mut stderr) => code.map(passed_on),
        () = interrupts.next() => Err(Failure::Interrupted),
    };
    drop(raw);
    ended
}

/// Carries bytes and sizes between this process and the command until the command ends; its exit code.
async fn carry(
    mut handle: ExecHandle,
    stdin: bool,
    tty: bool,
    stdout: &mut (impl AsyncWrite + Unpin),
    stderr: &mut (impl AsyncWrite + Unpin),
) -> Result<i32, Failure> {
    let mut resizes = Resizes::listen()?;
    let mut input = std::mem::replace(&mut handle.input, Box::pin(tokio::io::sink()));
    let feed = tokio::spawn(async move {
        if stdin {
            tokio::io::copy(&mut tokio::io::stdin(), &mut input).await?;
        }
        input.shutdown().await
    });
    loop {
        tokio::select! {
            output = handle.output.recv() => match output {
                Some(ExecOutput::Stdout(bytes)) => pass(&bytes, stdout).await?,
                Some(ExecOutput::Stderr(bytes)) => pass(&bytes, stderr).await?,
                None => break,
            },
            (columns, rows) = resizes.next(), if tty => handle.resize(columns, rows).await?,
        }
    }
    // Input that nobody reads any more must not hold us.
    feed.abort();
    Ok(handle.wait().await?)
}

async fn pass(bytes: &[u8], to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    to.write_all(bytes).await?;
    to.flush().await
}

fn passed_on(code: i32) -> u8 {
    u8::try_from(code).unwrap_or(OUT_OF_RANGE)
}
