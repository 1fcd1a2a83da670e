//! `devctl rebuild` and `recreate`.

use super::lifecycle::ended;
use super::remove::{declined, unasked};
use crate::args::RebuildArgs;
use crate::args::life::RecreateArgs;
use crate::ask;
use crate::failure::Failure;
use crate::job::{Consenting, run_with_consent};
use crate::output::shell::command_line;
use crate::output::text::{counted, plain};
use crate::output::{DIM, Palette, Printer, STRONG, WARN};
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{ContainerRef, Job, RebuildContainer, RebuildPreview, RecreateContainer};

pub(crate) async fn run(printer: &Printer, args: RebuildArgs) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let mut words = vec!["devctl", "rebuild"];
    if args.no_cache {
        words.push("--no-cache");
    }
    let job = anew(&session, &words, args.target.container, args.yes, args.trust).await?;
    ended(printer, &job, "is made anew")
}

pub(crate) async fn recreate(printer: &Printer, args: RecreateArgs) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let words = ["devctl", "recreate"];
    let job = anew(&session, &words, args.target.container, args.yes, args.trust).await?;
    ended(printer, &job, "is made anew")
}

/// Makes a container anew, after saying what is lost. `words` is the command so far, which says how.
pub(super) async fn anew(
    session: &Session,
    words: &[&str],
    container: String,
    yes: bool,
    trust: Option<String>,
) -> Result<Job, Failure> {
    let printer = &session.printer;
    if !yes {
        let request = ContainerRef {
            container: container.clone(),
        };
        let preview = session.core.preview_rebuild(&session.caller, request).await?;
        printer.note(&render(&preview, printer.stderr.palette))?;
        if !printer.can_ask() {
            let trust = trust.iter().flat_map(|hash| ["--trust", hash.as_str()]);
            let words = words.iter().copied().chain(trust);
            let command = command_line(words.chain(["--yes", container.as_str()]));
            return Err(unasked(&preview.name, "made anew", command).into());
        }
        let question = if words.contains(&"recreate") {
            "Recreate?"
        } else {
            "Rebuild?"
        };
        if !ask::confirm(printer, question).await? {
            return Err(declined(&preview.name, "made anew").into());
        }
    }
    let consenting = Consenting {
        subject: &container,
        trust,
        command: &|hash| {
            let words = words.iter().copied();
            command_line(words.chain(["--yes", "--trust", hash, container.as_str()]))
        },
        begin: &|trust| {
            let container = container.clone();
            let (recreate, no_cache) = (words.contains(&"recreate"), words.contains(&"--no-cache"));
            Box::pin(async move {
                if recreate {
                    let request = RecreateContainer { container, trust };
                    return session.core.recreate_container(&session.caller, request).await;
                }
                let request = RebuildContainer {
                    container,
                    no_cache,
                    trust,
                };
                session.core.rebuild_container(&session.caller, request).await
            })
        },
    };
    run_with_consent(session, consenting).await
}

fn render(preview: &RebuildPreview, palette: Palette) -> String {
    let name = palette.paint(STRONG, &plain(&preview.name));
    let mut lines = Vec::new();
    if preview.lost_count == 0 {
        lines.push(format!(
            "{name} has no changed files of its own, so nothing is lost."
        ));
    } else {
        let lost = format!("{} in {name} will be lost:", counted(preview.lost_count, "file"));
        lines.push(palette.paint(WARN, &lost));
        lines.extend(preview.lost.iter().map(|file| format!("  {}", plain(file))));
        let more = preview.lost_count.saturating_sub(preview.lost.len() as u64);
        if more > 0 {
            lines.push(palette.paint(DIM, &format!("  and {more} more")));
        }
    }
    if !preview.kept.is_empty() {
        lines.push("What stays:".to_owned());
        lines.extend(preview.kept.iter().map(|kept| format!("  {}", plain(kept))));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_counted_in_full() {
        let preview = RebuildPreview {
            name: "hello".into(),
            lost: vec!["/root/.bash_history".into(), "/etc/a\nb".into()],
            lost_count: 12,
            kept: vec!["/home/dev/hello".into()],
        };
        assert_eq!(
            render(&preview, Palette::new(false)),
            "12 files in hello will be lost:\n  /root/.bash_history\n  /etc/a\\nb\n  and 10 more\n\
             What stays:\n  /home/dev/hello"
        );
    }
}
