//! `devctl rebuild`.

use super::lifecycle::ended;
use super::remove::{declined, unasked};
use crate::args::RebuildArgs;
use crate::ask;
use crate::failure::Failure;
use crate::job::{Consenting, run_with_consent};
use crate::output::shell::command_line;
use crate::output::text::{counted, plain};
use crate::output::{DIM, Palette, Printer, STRONG, WARN};
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{ContainerRef, RebuildContainer, RebuildPreview};

pub(crate) async fn run(printer: &Printer, args: RebuildArgs) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let container = args.target.container;
    if !args.yes {
        let request = ContainerRef {
            container: container.clone(),
        };
        let preview = session.core.preview_rebuild(&session.caller, request).await?;
        printer.note(&render(&preview, printer.stderr.palette))?;
        if !printer.can_ask() {
            let mut words = vec!["devctl", "rebuild"];
            if args.no_cache {
                words.push("--no-cache");
            }
            if let Some(hash) = &args.trust {
                words.extend(["--trust", hash]);
            }
            words.extend(["--yes", &container]);
            return Err(unasked(&preview.name, "made anew", command_line(words)).into());
        }
        if !ask::confirm(printer, "Rebuild?").await? {
            return Err(declined(&preview.name, "made anew").into());
        }
    }
    let request = RebuildContainer {
        container,
        no_cache: args.no_cache,
        trust: None,
    };
    let job = run_with_consent(
        &session,
        Consenting {
            subject: &request.container,
            trust: args.trust,
            command: &|hash| {
                let mut words = vec!["devctl", "rebuild", "--yes"];
                if request.no_cache {
                    words.push("--no-cache");
                }
                words.extend(["--trust", hash, &request.container]);
                command_line(words)
            },
            begin: &|trust| {
                let request = RebuildContainer {
                    trust,
                    ..request.clone()
                };
                let session = &session;
                Box::pin(async move { session.core.rebuild_container(&session.caller, request).await })
            },
        },
    )
    .await?;
    ended(printer, &job, "is made anew")
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
