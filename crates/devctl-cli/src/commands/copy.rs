//! `devctl copy`.

use crate::args::look::CopyArgs;
use crate::failure::Failure;
use crate::output::Printer;
use crate::output::text::{bytes, counted, plain};
use crate::session::Session;
use devctl_core::CopyProgress;
use devctl_model::{Copied, CopyIn, CopyOut};
use std::sync::Arc;
use std::time::Duration;

/// How often progress is told.
const TICK: Duration = Duration::from_millis(200);

/// One end of a copy.
#[derive(Debug, PartialEq, Eq)]
enum End<'a> {
    /// `-`: an archive on standard input or output.
    Archive,
    /// `NAME:PATH`.
    Container { name: &'a str, path: &'a str },
    /// A path of this computer.
    Local(&'a str),
}

impl<'a> End<'a> {
    /// What begins like a path, or has no colon, is a path of this computer, as with `docker cp`.
    fn of(text: &'a str) -> Self {
        if text == "-" {
            return Self::Archive;
        }
        let is_drive = cfg!(windows)
            && text.as_bytes().get(1) == Some(&b':')
            && text.as_bytes()[0].is_ascii_alphabetic();
        match text.split_once(':') {
            Some((name, path)) if !text.starts_with(['/', '.']) && !is_drive && !name.is_empty() => {
                Self::Container { name, path }
            }
            _ => Self::Local(text),
        }
    }
}

pub(crate) async fn run(printer: &Printer, args: CopyArgs) -> Result<u8, Failure> {
    let (from, to) = (End::of(&args.from), End::of(&args.to));
    if args.archive && !matches!((&from, &to), (End::Container { .. }, End::Local(_))) {
        return Err(Failure::usage(
            "--archive is for files that come out of a container; those that go in keep their owners",
        ));
    }
    match (from, to) {
        (End::Local(from), End::Container { name, path }) => {
            let session = Session::open(printer).await?;
            let request = CopyIn {
                container: name.to_owned(),
                from: from.to_owned(),
                to: path.to_owned(),
            };
            let progress = Arc::<CopyProgress>::default();
            let work = session.core.copy_in(&session.caller, request, progress.clone());
            let copied = told(printer, &progress, work).await??;
            say(printer, &copied)
        }
        (End::Container { name, path }, End::Local(to)) => {
            let session = Session::open(printer).await?;
            let request = CopyOut {
                container: name.to_owned(),
                from: path.to_owned(),
                to: to.to_owned(),
                archive: args.archive,
            };
            let progress = Arc::<CopyProgress>::default();
            let work = session.core.copy_out(&session.caller, request, progress.clone());
            let copied = told(printer, &progress, work).await??;
            say(printer, &copied)
        }
        (End::Container { name, path }, End::Archive) => {
            if printer.json {
                return Err(Failure::usage("an archive on standard output is no JSON"));
            }
            if printer.stdout.terminal {
                return Err(Failure::usage(
                    "an archive is not for a terminal: send it to a file or a program",
                ));
            }
            let session = Session::open(printer).await?;
            session
                .core
                .copy_out_archive(&session.caller, name, path, &mut tokio::io::stdout())
                .await?;
            Ok(0)
        }
        (End::Archive, End::Container { name, path }) => {
            let session = Session::open(printer).await?;
            session
                .core
                .copy_in_archive(&session.caller, name, path, tokio::io::stdin())
                .await?;
            if printer.json {
                printer.document(&Copied::default())?;
            }
            Ok(0)
        }
        (End::Container { name, path }, End::Container { .. }) => Err(Failure::usage(format!(
            "one end is on this computer: devctl copy {name}:{path} - | devctl copy - {}",
            args.to
        ))),
        (End::Local(_) | End::Archive, End::Local(_) | End::Archive) => Err(Failure::usage(
            "one end is in a container, and is written as NAME:PATH",
        )),
    }
}

/// Waits for the work, and tells at a terminal how far it has come.
async fn told<T>(
    printer: &Printer,
    progress: &CopyProgress,
    work: impl Future<Output = T>,
) -> Result<T, Failure> {
    let mut work = std::pin::pin!(work);
    let live = printer.stderr.terminal && !printer.quiet;
    let mut tick = tokio::time::interval(TICK);
    let mut drawn = false;
    loop {
        tokio::select! {
            done = &mut work => {
                if drawn {
                    printer.prompt("\r\u{1b}[K")?;
                }
                return Ok(done);
            }
            _ = tick.tick(), if live => {
                let far = format!("{}, {}", bytes(progress.bytes()), counted(progress.files(), "file"));
                printer.prompt(&format!("\r\u{1b}[K{far}"))?;
                drawn = true;
            }
        }
    }
}

fn say(printer: &Printer, copied: &Copied) -> Result<u8, Failure> {
    for path in &copied.skipped {
        printer.note(&format!("devctl: {} is no file and was left out", plain(path)))?;
    }
    if printer.json {
        printer.document(copied)?;
    } else if !printer.quiet {
        printer.note(&format!(
            "{} in {} copied",
            bytes(copied.bytes),
            counted(copied.files, "file")
        ))?;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_apart_as_docker_does() {
        let container = |name, path| End::Container { name, path };
        assert_eq!(End::of("-"), End::Archive);
        assert_eq!(End::of("web:/a:b"), container("web", "/a:b"));
        assert_eq!(End::of("web:"), container("web", ""));
        assert_eq!(End::of("./a:b"), End::Local("./a:b"));
        assert_eq!(End::of("/a:b"), End::Local("/a:b"));
        assert_eq!(End::of("plain"), End::Local("plain"));
    }
}
