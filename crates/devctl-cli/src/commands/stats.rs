//! `devctl stats`.

use crate::args::look::StatsArgs;
use crate::failure::Failure;
use crate::output::table::{Cell, Column, render};
use crate::output::text::{bytes, plain};
use crate::output::{DIM, Printer, STRONG};
use crate::session::Session;
use devctl_core::operations::{Operations, Streams};
use devctl_model::{StatsOf, StatsSample, StatsUpdate};
use std::collections::BTreeMap;
use std::time::Duration;

const HEADS: [Column; 6] = [
    Column::full("NAME"),
    Column::full("CPU"),
    Column::full("MEMORY"),
    Column::full("NETWORK IN/OUT"),
    Column::full("DISK READ/WRITTEN"),
    Column::full("PROCESSES"),
];

/// How often the live table is drawn.
const TICK: Duration = Duration::from_secs(1);

pub(crate) async fn run(printer: &Printer, args: StatsArgs) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let request = StatsOf {
        containers: args.containers,
    };
    if args.follow {
        return follow(&session, printer, request).await;
    }
    let list = session.core.read_stats(&session.caller, request).await?;
    if printer.json {
        printer.document(&list.containers)?;
    } else if list.containers.is_empty() {
        printer.note("No container runs.")?;
    } else {
        let rows: Vec<Vec<Cell>> = list
            .containers
            .iter()
            .map(|container| row(&container.name, &container.sample))
            .collect();
        printer.say(&render(&HEADS, &rows, printer.columns(), printer.stdout.palette))?;
    }
    Ok(0)
}

/// As JSON each update on its line; at a terminal one table that changes; elsewhere a table after each second.
async fn follow(session: &Session, printer: &Printer, request: StatsOf) -> Result<u8, Failure> {
    let mut updates = session.core.follow_stats(&session.caller, request).await?;
    if printer.json {
        while let Some(update) = updates.recv().await {
            printer.json_line(&update)?;
        }
        return Ok(0);
    }
    let mut shown: BTreeMap<(String, String), StatsSample> = BTreeMap::new();
    let mut drawn = 0;
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            update = updates.recv() => match update {
                Some(StatsUpdate::Sample { container, name, sample }) => {
                    shown.insert((name, container.0), sample);
                }
                Some(StatsUpdate::Ended { container, name }) => {
                    shown.remove(&(name, container.0));
                }
                Some(StatsUpdate::Begun { .. }) => {}
                None => return Ok(0),
            },
            _ = tick.tick() => {
                let rows: Vec<Vec<Cell>> = shown.iter().map(|((name, _), sample)| row(name, sample)).collect();
                let table = render(&HEADS, &rows, printer.columns(), printer.stdout.palette);
                let back = if printer.stdout.terminal && drawn > 0 {
                    // To the first line of the last table, and everything below it away.
                    format!("\u{1b}[{drawn}F\u{1b}[J")
                } else {
                    String::new()
                };
                printer.say(&format!("{back}{table}"))?;
                drawn = table.lines().count();
            }
        }
    }
}

fn row(name: &str, sample: &StatsSample) -> Vec<Cell> {
    vec![
        Cell::painted(plain(name), STRONG),
        match sample.cpu_percent {
            Some(percent) => format!("{percent:.1} %").into(),
            None => Cell::painted("–", DIM),
        },
        format!("{} of {}", bytes(sample.memory), bytes(sample.memory_limit)).into(),
        format!("{} / {}", bytes(sample.received), bytes(sample.sent)).into(),
        format!("{} / {}", bytes(sample.disk_read), bytes(sample.disk_written)).into(),
        sample.processes.to_string().into(),
    ]
}
