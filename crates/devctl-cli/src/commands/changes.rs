//! `devctl changes`.

use crate::args::ContainerArg;
use crate::failure::Failure;
use crate::output::table::{Cell, Column, render};
use crate::output::text::plain;
use crate::output::{BAD, GOOD, Printer, WARN};
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{ContainerRef, FileChange, FileChangeKind};

const HEADS: [Column; 2] = [Column::full("CHANGE"), Column::full("PATH")];

pub(crate) async fn run(printer: &Printer, target: ContainerArg) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let request = ContainerRef {
        container: target.container,
    };
    let list = session.core.list_file_changes(&session.caller, request).await?;
    if printer.json {
        printer.document(&list.changes)?;
    } else if list.changes.is_empty() {
        printer.note("Nothing differs from the image.")?;
    } else {
        let rows: Vec<Vec<Cell>> = list.changes.iter().map(row).collect();
        printer.say(&render(&HEADS, &rows, printer.columns(), printer.stdout.palette))?;
    }
    Ok(0)
}

fn row(change: &FileChange) -> Vec<Cell> {
    let kind = match change.kind {
        FileChangeKind::Added => Cell::painted("added", GOOD),
        FileChangeKind::Modified => Cell::painted("modified", WARN),
        FileChangeKind::Deleted => Cell::painted("deleted", BAD),
    };
    vec![kind, plain(&change.path).into()]
}
