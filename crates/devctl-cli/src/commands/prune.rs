//! `devctl prune`.

use super::remove::{declined, unasked};
use crate::args::life::PruneArgs;
use crate::ask;
use crate::failure::Failure;
use crate::output::shell::command_line;
use crate::output::text::plain;
use crate::output::{Printer, WARN};
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{PruneContainers, PrunedContainers};

pub(crate) async fn run(printer: &Printer, args: PruneArgs) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let request = PruneContainers {
        failed: args.failed,
        dry_run: false,
    };
    if !args.yes {
        let dry_run = PruneContainers {
            dry_run: true,
            ..request
        };
        let plan = session.core.prune_containers(&session.caller, dry_run).await?;
        if plan == PrunedContainers::default() {
            return said(printer, &plan);
        }
        let heading = printer.stderr.palette.paint(WARN, "What goes:");
        printer.note(&format!("{heading}\n{}", lines(&plan).join("\n")))?;
        if !printer.can_ask() {
            let failed = args.failed.then_some("--failed");
            let words = ["devctl", "prune"].into_iter().chain(failed).chain(["--yes"]);
            return Err(unasked("What is left over", "removed", command_line(words)).into());
        }
        if !ask::confirm(printer, "Remove?").await? {
            return Err(declined("What is left over", "removed").into());
        }
    }
    let pruned = session.core.prune_containers(&session.caller, request).await?;
    said(printer, &pruned)
}

fn said(printer: &Printer, pruned: &PrunedContainers) -> Result<u8, Failure> {
    if printer.json {
        printer.document(pruned)?;
    } else if *pruned == PrunedContainers::default() {
        printer.say("Nothing is left over")?;
    } else {
        printer.say(&format!("Removed:\n{}", lines(pruned).join("\n")))?;
    }
    Ok(0)
}

fn lines(pruned: &PrunedContainers) -> Vec<String> {
    let gone = pruned
        .gone
        .iter()
        .map(|name| format!("  {} from the list: it is gone", plain(name)));
    let failed = pruned
        .failed
        .iter()
        .map(|name| format!("  container {} and the files that are only in it", plain(name)));
    let networks = pruned
        .networks
        .iter()
        .map(|name| format!("  network {}", plain(name)));
    gone.chain(failed).chain(networks).collect()
}
