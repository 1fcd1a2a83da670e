//! `devctl top`.

use crate::args::ContainerArg;
use crate::failure::Failure;
use crate::output::table::{Cell, Column, render};
use crate::output::text::{Cut, bytes, plain};
use crate::output::{DIM, Printer};
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{ContainerRef, Process};

const HEADS: [Column; 7] = [
    Column::full("PID"),
    Column::full("PARENT"),
    Column::full("USER"),
    Column::full("CPU"),
    Column::full("MEMORY"),
    Column::full("RUNS FOR"),
    Column::giving("COMMAND", Cut::End),
];

pub(crate) async fn run(printer: &Printer, target: ContainerArg) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let request = ContainerRef {
        container: target.container,
    };
    let list = session.core.list_processes(&session.caller, request).await?;
    if printer.json {
        printer.document(&list.processes)?;
    } else {
        let rows: Vec<Vec<Cell>> = list.processes.iter().map(row).collect();
        printer.say(&render(&HEADS, &rows, printer.columns(), printer.stdout.palette))?;
    }
    Ok(0)
}

fn row(process: &Process) -> Vec<Cell> {
    let told = |text: Option<String>| match text {
        Some(text) => plain(&text).into(),
        None => Cell::painted("–", DIM),
    };
    vec![
        told(process.pid.map(|pid| pid.to_string())),
        told(process.parent.map(|pid| pid.to_string())),
        told(process.user.clone()),
        told(process.cpu_percent.map(|percent| format!("{percent:.1} %"))),
        told(process.memory.map(bytes)),
        told(process.elapsed.clone()),
        plain(&process.command).into(),
    ]
}
