//! `devctl logs`.

use crate::args::LogsArgs;
use crate::failure::Failure;
use crate::output::Printer;
use crate::session::Session;
use devctl_core::operations::Streams;
use devctl_model::{FollowLogs, LogChunk, LogLine, LogStream};
use time::OffsetDateTime;

pub(crate) async fn run(printer: &Printer, args: LogsArgs) -> Result<u8, Failure> {
    let since = match args.since {
        Some(since) => Some(
            since
                .rfc3339(OffsetDateTime::now_utc())
                .ok_or_else(|| Failure::usage("--since lies too far back"))?,
        ),
        None => None,
    };
    let session = Session::open(printer).await?;
    let request = FollowLogs {
        container: args.target.container,
        follow: args.follow,
        tail: args.tail,
        since,
    };
    let mut chunks = session.core.follow_logs(&session.caller, request).await?;
    let mut document = LogChunk { lines: Vec::new() };
    while let Some(chunk) = chunks.recv().await {
        match (printer.json, args.follow) {
            (true, true) => {
                for line in &chunk.lines {
                    printer.json_line(line)?;
                }
            }
            (true, false) => document.lines.extend(chunk.lines),
            (false, _) => {
                for line in &chunk.lines {
                    tell(printer, line, args.timestamps)?;
                }
            }
        }
    }
    if printer.json && !args.follow {
        printer.document(&document)?;
    }
    Ok(0)
}

/// A line, on the stream that it came from. It is shown as it is: who asks for the log of a program wants its colours.
fn tell(printer: &Printer, line: &LogLine, timestamps: bool) -> Result<(), Failure> {
    let text = match &line.at {
        Some(at) if timestamps => &format!("{at} {}", line.text),
        _ => &line.text,
    };
    match line.stream {
        LogStream::Stdout => printer.say(text)?,
        LogStream::Stderr | LogStream::Note => printer.note(text)?,
    }
    Ok(())
}
