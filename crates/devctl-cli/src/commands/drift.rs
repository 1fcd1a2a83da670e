//! `devctl drift`.

use crate::args::ContainerArg;
use crate::failure::Failure;
use crate::output::table::{Cell, Column, render};
use crate::output::text::{Cut, plain};
use crate::output::{DIM, GOOD, LINK, Printer, STRONG, WARN};
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{ContainerRef, DriftCost, DriftField};

const HEADS: [Column; 4] = [
    Column::full("WHAT"),
    Column::giving("MADE WITH", Cut::End),
    Column::giving("NOW", Cut::End),
    Column::full("COSTS"),
];

pub(crate) async fn run(printer: &Printer, args: ContainerArg) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let request = ContainerRef {
        container: args.container,
    };
    let drift = session.core.show_drift(&session.caller, request).await?;
    if printer.json {
        printer.document(&drift)?;
        return Ok(0);
    }
    let palette = printer.stdout.palette;
    if drift.fields.is_empty() {
        printer.say(&format!("{} is as its configuration says", plain(&drift.name)))?;
        return Ok(0);
    }
    let rows: Vec<Vec<Cell>> = drift.fields.iter().map(row).collect();
    printer.say(&render(&HEADS, &rows, printer.columns(), palette))?;
    match &drift.command {
        Some(command) => printer.say(&format!(
            "\n{} applies all of it",
            palette.paint(LINK, &plain(command))
        ))?,
        None => printer.say("\nNothing has to be done: it is in force with the next up")?,
    }
    Ok(0)
}

fn row(field: &DriftField) -> Vec<Cell> {
    let value = |value: &Option<String>| match value {
        Some(value) => plain(value).into(),
        None => Cell::painted("–", DIM),
    };
    let now = match (&field.new, &field.note) {
        (new, None) => value(new),
        (None, Some(note)) => plain(note).into(),
        (Some(new), Some(note)) => plain(&format!("{new} ({note})")).into(),
    };
    let style = match field.cost {
        DriftCost::Nothing => GOOD,
        DriftCost::Restart => DIM,
        DriftCost::Recreate | DriftCost::Rebuild => WARN,
    };
    vec![
        Cell::painted(plain(&field.field), STRONG),
        value(&field.old),
        now,
        Cell::painted(cost_word(field.cost), style),
    ]
}

/// A price in a word.
pub(crate) fn cost_word(cost: DriftCost) -> &'static str {
    match cost {
        DriftCost::Nothing => "nothing",
        DriftCost::Restart => "restart",
        DriftCost::Recreate => "recreate",
        DriftCost::Rebuild => "rebuild",
    }
}
