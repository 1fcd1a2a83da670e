//! `devctl list`.

use crate::failure::Failure;
use crate::output::table::{Cell, Column, render};
use crate::output::text::{Cut, plain};
use crate::output::{BAD, DIM, GOOD, LINK, Printer, STRONG, WARN};
use crate::session::Session;
use anstyle::Style;
use devctl_core::operations::Operations;
use devctl_model::{Container, ContainerEnd, ContainerState, Nothing};

const HEADS: [Column; 5] = [
    Column::full("NAME"),
    Column::full("STATE"),
    Column::giving("WORKSPACE", Cut::Start),
    Column::giving("IMAGE", Cut::End),
    Column::full("SSH"),
];

pub(crate) async fn run(printer: &Printer) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let list = session.core.list_containers(&session.caller, Nothing {}).await?;
    for host in &list.unreachable {
        printer.note(&format!(
            "{} host {} does not answer{}",
            printer.stderr.palette.paint(WARN, "note:"),
            plain(&host.name),
            host.detail
                .as_ref()
                .map(|detail| format!(": {}", plain(detail)))
                .unwrap_or_default()
        ))?;
    }
    if printer.json {
        printer.document(&list.containers)?;
    } else if list.containers.is_empty() {
        printer.note("There are no containers yet. `devctl up FOLDER` makes one.")?;
    } else {
        let rows: Vec<Vec<Cell>> = list.containers.iter().map(row).collect();
        printer.say(&render(&HEADS, &rows, printer.columns(), printer.stdout.palette))?;
        let ended = list.containers.iter().filter_map(|container| {
            let end = container.ended.as_ref()?;
            let failed = container.state == ContainerState::Failed;
            failed.then_some((container, end))
        });
        for (container, end) in ended {
            let last = end.last_lines.last().map(|line| format!(": {}", plain(line)));
            printer.note(&format!(
                "{} {}: {}{}",
                printer.stderr.palette.paint(WARN, "note:"),
                plain(&container.name),
                plain(&end.reason),
                last.unwrap_or_default()
            ))?;
        }
        for gone in list
            .containers
            .iter()
            .filter(|one| one.state == ContainerState::Gone)
        {
            let name = plain(&gone.name);
            printer.note(&format!(
                "{} {name} was removed, and not by devctl: `devctl recreate {name}` makes it again, `devctl forget {name}` \
                 takes it off the list",
                printer.stderr.palette.paint(WARN, "note:"),
            ))?;
        }
    }
    Ok(0)
}

fn row(container: &Container) -> Vec<Cell> {
    let workspace = match &container.workspace {
        Some(folder) if !container.workspace_exists => {
            Cell::painted(format!("{} (gone)", plain(folder)), WARN)
        }
        Some(folder) => plain(folder).into(),
        None => Cell::painted("–", DIM),
    };
    vec![
        Cell::painted(plain(&container.name), STRONG),
        Cell::painted(state_text(container), state_style(container.state)),
        workspace,
        plain(&container.image).into(),
        Cell::painted(plain(&container.ssh_host), LINK),
    ]
}

/// The state, and of one that failed why in a word.
fn state_text(container: &Container) -> String {
    let word = state_word(container.state);
    let ended = container.ended.as_ref();
    match ended.filter(|_| container.state == ContainerState::Failed) {
        Some(end) if end.out_of_memory => format!("{word} (out of memory)"),
        Some(ContainerEnd {
            signal: Some(signal), ..
        }) => format!("{word} ({signal})"),
        Some(end) => format!("{word} ({})", end.exit_code),
        None => word.to_owned(),
    }
}

/// The state in a word.
pub(crate) fn state_word(state: ContainerState) -> &'static str {
    match state {
        ContainerState::Created => "created",
        ContainerState::Running => "running",
        ContainerState::Paused => "paused",
        ContainerState::Restarting => "restarting",
        ContainerState::Stopped => "stopped",
        ContainerState::Failed => "failed",
        ContainerState::Removing => "removing",
        ContainerState::Gone => "gone",
        ContainerState::Unknown => "unknown",
    }
}

/// The state in a colour.
pub(crate) fn state_style(state: ContainerState) -> Style {
    match state {
        ContainerState::Running => GOOD,
        ContainerState::Failed | ContainerState::Gone => BAD,
        ContainerState::Paused | ContainerState::Restarting | ContainerState::Unknown => WARN,
        ContainerState::Created | ContainerState::Stopped | ContainerState::Removing => DIM,
    }
}
