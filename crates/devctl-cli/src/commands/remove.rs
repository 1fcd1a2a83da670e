//! `devctl remove`.

use crate::args::RemoveArgs;
use crate::ask;
use crate::failure::Failure;
use crate::output::shell::command_line;
use crate::output::text::plain;
use crate::output::{Palette, Printer, STRONG, WARN};
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{ErrorCode, Problem, RemoveContainer, RemovedContainer};

pub(crate) async fn run(printer: &Printer, args: RemoveArgs) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let request = RemoveContainer {
        container: args.target.container,
        volumes: args.volumes,
        dry_run: false,
    };
    if !args.yes {
        let dry_run = RemoveContainer {
            dry_run: true,
            ..request.clone()
        };
        let plan = session.core.remove_container(&session.caller, dry_run).await?;
        printer.note(&describe(&plan, printer.stderr.palette))?;
        if !printer.can_ask() {
            let mut words = vec!["devctl", "remove", "--yes"];
            if request.volumes {
                words.push("--volumes");
            }
            words.push(&request.container);
            return Err(unasked(&plan.name, "removed", command_line(words)).into());
        }
        if !ask::confirm(printer, "Remove?").await? {
            return Err(declined(&plan.name, "removed").into());
        }
    }
    let removed = session.core.remove_container(&session.caller, request).await?;
    if printer.json {
        printer.document(&removed)?;
    } else {
        printer.say(&format!("{} is removed", plain(&removed.name)))?;
        // Those who were asked have just read what goes and what stays.
        if args.yes {
            for volume in &removed.volumes {
                printer.say(&format!("  volume {} is removed", plain(volume)))?;
            }
            for line in kept(&removed, " stays") {
                printer.say(&format!("  {line}"))?;
            }
        }
    }
    Ok(0)
}

/// The problem of a question that nobody is there to answer.
pub(super) fn unasked(name: &str, what: &str, command: String) -> Problem {
    Problem::new(
        ErrorCode::ConsentRequired,
        format!("{name} is not {what} without being asked, and no terminal is there to ask"),
    )
    .safe("Nothing was changed.")
    .fix_command("Does not ask.", command)
}

/// The problem of a question that was not answered with yes.
pub(super) fn declined(name: &str, what: &str) -> Problem {
    Problem::new(
        ErrorCode::ConsentRequired,
        format!("{name} is not {what}: the answer was not yes"),
    )
    .safe("Nothing was changed.")
}

fn describe(plan: &RemovedContainer, palette: Palette) -> String {
    let mut lines = vec![palette.paint(WARN, "What goes:")];
    lines.push(format!(
        "  container {} and the files that are only in it",
        palette.paint(STRONG, &plain(&plan.name))
    ));
    if plan.adopted {
        lines.push(
            "    It was not made by devctl: the tool that made it, and those who use it, lose it.".to_owned(),
        );
        lines.push("    `devctl forget` takes it off the list and lets it be.".to_owned());
    }
    lines.extend(
        plan.networks
            .iter()
            .map(|network| format!("  network {}", plain(network))),
    );
    lines.extend(
        plan.volumes
            .iter()
            .map(|volume| format!("  volume {} with all its data", plain(volume))),
    );
    let kept = kept(plan, "");
    if !kept.is_empty() {
        lines.push("What stays:".to_owned());
        lines.extend(kept.into_iter().map(|line| format!("  {line}")));
    }
    lines.join("\n")
}

/// What is not removed; `verb` goes on with each line.
fn kept(plan: &RemovedContainer, verb: &str) -> Vec<String> {
    let folder = plan
        .kept_folder
        .iter()
        .map(|folder| format!("the folder {}{verb}", plain(folder)));
    let volumes = plan.kept_volumes.iter().map(|volume| match plan.adopted {
        true => format!("volume {}{verb}", plain(volume)),
        false => format!("volume {}{verb} (--volumes removes it)", plain(volume)),
    });
    folder.chain(volumes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_and_what_stays_is_named() {
        let plan = RemovedContainer {
            name: "hello".into(),
            id: "ab".into(),
            networks: vec!["devctl-hello".into()],
            volumes: vec!["data".into()],
            kept_volumes: vec!["cache".into()],
            kept_folder: Some("/home/dev/hello".into()),
            adopted: false,
        };
        assert_eq!(
            describe(&plan, Palette::new(false)),
            "What goes:\n  container hello and the files that are only in it\n  network devctl-hello\n  \
             volume data with all its data\nWhat stays:\n  the folder /home/dev/hello\n  \
             volume cache (--volumes removes it)"
        );
    }
}
