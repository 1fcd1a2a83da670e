//! `devctl ports`.

mod background;
mod browser;

use crate::args::port::{ForwardArgs, PortsCommand};
use crate::failure::Failure;
use crate::interrupt::Interrupts;
use crate::output::table::{Cell, Column, render};
use crate::output::text::{Cut, plain};
use crate::output::{DIM, GOOD, LINK, Printer, STRONG, WARN};
use crate::session::Session;
use devctl_core::operations::{Operations, Streams};
use devctl_model::{
    ContainerPorts, ContainerRef, ErrorCode, ForwardDirection, ForwardPorts, ListPorts, PortForward,
    PortUpdate, Problem, StopForwards,
};

const HEADS: [Column; 6] = [
    Column::full("CONTAINER"),
    Column::full("PORT"),
    Column::full("LOCAL"),
    Column::giving("LABEL", Cut::End),
    Column::giving("PROCESS", Cut::End),
    Column::giving("NOTE", Cut::End),
];

pub(crate) async fn run(printer: &Printer, command: PortsCommand) -> Result<u8, Failure> {
    match command {
        PortsCommand::List { container } => list(printer, container).await,
        PortsCommand::Forward(args) if args.detach => background::run(printer, args).await,
        PortsCommand::Forward(args) => forward(printer, args).await,
        PortsCommand::Open { target, port } => open(printer, target.container, port).await,
        PortsCommand::Stop { target, port } => stop(printer, target.container, port).await,
    }
}

async fn list(printer: &Printer, container: Option<String>) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let list = session
        .core
        .list_ports(&session.caller, ListPorts { container })
        .await?;
    if printer.json {
        printer.document(&list)?;
        return Ok(0);
    }
    let rows: Vec<Vec<Cell>> = list.containers.iter().flat_map(rows).collect();
    if rows.is_empty() {
        printer.note(
            "Nothing listens and nothing is forwarded. `devctl ports forward NAME` forwards what begins to.",
        )?;
    } else {
        printer.say(&render(&HEADS, &rows, printer.columns(), printer.stdout.palette))?;
    }
    Ok(0)
}

/// A row for each forward, each listener that none leads to, and each port of the configuration that is neither.
fn rows(ports: &ContainerPorts) -> Vec<Vec<Cell>> {
    let row = |port: &str, local: Cell, label: Option<&String>, process: String, note: String| {
        vec![
            Cell::painted(plain(&ports.container), STRONG),
            plain(port).into(),
            local,
            plain(label.map_or("", |label| label)).into(),
            plain(&process).into(),
            plain(&note).into(),
        ]
    };
    let nowhere = || Cell::painted("–", DIM);
    let mut rows = Vec::new();
    for forward in &ports.forwards {
        let listener = ports
            .listeners
            .iter()
            .find(|listener| listener.port.to_string() == forward.target);
        let process = listener
            .and_then(|listener| listener.process.clone())
            .unwrap_or_default();
        let note = forward.note.clone().unwrap_or_default();
        rows.push(match forward.direction {
            ForwardDirection::IntoContainer => row(
                &forward.target,
                Cell::painted(plain(&forward.listen), LINK),
                forward.label.as_ref(),
                process,
                note,
            ),
            ForwardDirection::OutOfContainer => row(
                &forward.listen,
                Cell::painted(format!("→ {}", plain(&forward.target)), LINK),
                forward.label.as_ref(),
                process,
                "a service of this computer".to_owned(),
            ),
        });
    }
    let leads_to = |target: &str| ports.forwards.iter().any(|forward| forward.target == target);
    for listener in &ports.listeners {
        let port = listener.port.to_string();
        if leads_to(&port)
            || ports
                .forwards
                .iter()
                .any(|forward| forward.target.ends_with(&format!(":{port}")))
        {
            continue;
        }
        let published = ports
            .published
            .iter()
            .find(|published| published.container_port == listener.port)
            .and_then(|published| published.host_port);
        let note = published.map_or_else(String::new, |port| format!("published as {port}"));
        let process = listener.process.clone().unwrap_or_default();
        rows.push(row(&port, nowhere(), listener.label.as_ref(), process, note));
    }
    for planned in &ports.planned {
        let listens = ports
            .listeners
            .iter()
            .any(|listener| listener.port.to_string() == planned.target);
        if !leads_to(&planned.target) && !listens {
            rows.push(row(
                &planned.target,
                nowhere(),
                planned.label.as_ref(),
                String::new(),
                "configured".to_owned(),
            ));
        }
    }
    rows
}

fn request(args: &ForwardArgs) -> ForwardPorts {
    ForwardPorts {
        container: args.target.container.clone(),
        ports: args.ports.clone(),
        reverse: args.reverse.clone(),
        automatic: args.auto || args.ports.is_empty() && args.reverse.is_empty(),
    }
}

async fn forward(printer: &Printer, args: ForwardArgs) -> Result<u8, Failure> {
    devctl_platform::raise_descriptors();
    let mut interrupts = Interrupts::listen()?;
    let session = Session::open(printer).await?;
    let begun = async {
        let forwarded = session
            .core
            .forward_ports(&session.caller, request(&args))
            .await?;
        let container = args.target.container.clone();
        let updates = session
            .core
            .follow_ports(&session.caller, ContainerRef { container })
            .await?;
        Ok::<_, Problem>((forwarded, updates))
    };
    let (forwarded, mut updates) = tokio::select! {
        begun = begun => begun?,
        () = interrupts.next() => return Err(Failure::Interrupted),
    };
    if printer.json {
        printer.json_line(&forwarded)?;
    } else if forwarded.forwards.is_empty() {
        printer.note("Nothing listens yet. What begins to is forwarded; Ctrl-C ends it.")?;
    }
    loop {
        let update = tokio::select! {
            () = interrupts.next() => return Ok(0),
            update = updates.recv() => update,
        };
        let Some(update) = update else { return Ok(0) };
        let ended = matches!(update, PortUpdate::Ended { .. });
        if let PortUpdate::Forwarded {
            forward, open: true, ..
        } = &update
            && !args.no_open
            && let Some(url) = &forward.url
            && let Err(why) = browser::open(url)
        {
            printer.note(&format!(
                "{} {} is not opened: {why}",
                printer.stderr.palette.paint(WARN, "note:"),
                plain(url)
            ))?;
        }
        if printer.json {
            printer.json_line(&update)?;
        } else {
            tell(printer, &update)?;
        }
        if ended {
            return Ok(0);
        }
    }
}

fn tell(printer: &Printer, update: &PortUpdate) -> Result<(), Failure> {
    let (out, err) = (printer.stdout.palette, printer.stderr.palette);
    let note = |text: String| printer.note(&format!("{} {text}", err.paint(WARN, "note:")));
    match update {
        PortUpdate::Forwarded { forward, tell, .. } => {
            if *tell {
                printer.say(&line(printer, forward))?;
            }
            if let Some(text) = &forward.note {
                note(plain(text))?;
            }
        }
        PortUpdate::Stopped { forward } => {
            printer.say(&out.paint(
                DIM,
                &format!("{} is not forwarded any more", plain(&forward.target)),
            ))?;
        }
        PortUpdate::Connected => printer.say(&out.paint(GOOD, "the container can be reached again"))?,
        PortUpdate::Waiting { why } => note(format!("the container cannot be reached: {}", plain(why)))?,
        PortUpdate::NotForwarded { target, why } => {
            note(format!("{} is not forwarded: {}", plain(target), plain(why)))?;
        }
        PortUpdate::Refused { target, why } => {
            note(format!(
                "a connection to {} was refused: {}",
                plain(target),
                plain(why)
            ))?;
        }
        PortUpdate::Ended { why } => note(format!("forwarding has ended: {}", plain(why)))?,
    }
    Ok(())
}

/// `127.0.0.1:3000 → hello:3000 (web)`.
fn line(printer: &Printer, forward: &PortForward) -> String {
    let palette = printer.stdout.palette;
    let label = forward
        .label
        .as_ref()
        .map_or_else(String::new, |label| format!(" ({})", plain(label)));
    let there = |text: &str| palette.paint(STRONG, &format!("{} {}", plain(&forward.container), plain(text)));
    let here = |text: &str| palette.paint(LINK, &plain(text));
    match forward.direction {
        ForwardDirection::IntoContainer => {
            format!("{} → {}{label}", here(&forward.listen), there(&forward.target))
        }
        ForwardDirection::OutOfContainer => {
            format!("{} → {}{label}", there(&forward.listen), here(&forward.target))
        }
    }
}

async fn open(printer: &Printer, container: String, port: Option<String>) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let request = ListPorts {
        container: Some(container.clone()),
    };
    let list = session.core.list_ports(&session.caller, request).await?;
    let is_meant = |forward: &&PortForward| {
        forward.url.is_some()
            && port
                .as_ref()
                .is_none_or(|port| forward.target == *port || forward.listen.ends_with(&format!(":{port}")))
    };
    let forwards: Vec<PortForward> = list
        .containers
        .iter()
        .flat_map(|ports| ports.forwards.iter().filter(is_meant).cloned())
        .collect();
    let [forward] = forwards.as_slice() else {
        let (message, fix) = match (&port, forwards.is_empty()) {
            (Some(port), true) => (
                format!("port {port} of {container} is not forwarded"),
                format!("devctl ports forward --detach {container} {port}"),
            ),
            (None, true) => (
                format!("no port of {container} is forwarded"),
                format!("devctl ports forward --detach {container}"),
            ),
            _ => (
                format!("several ports of {container} are forwarded"),
                format!("devctl ports list {container}"),
            ),
        };
        return Err(Problem::new(ErrorCode::PortNotForwarded, message)
            .fix_command("See to that first", fix)
            .into());
    };
    let url = forward.url.clone().unwrap_or_default();
    if let Err(why) = browser::open(&url) {
        printer.note(&format!(
            "{} no browser could be opened: {why}",
            printer.stderr.palette.paint(WARN, "note:")
        ))?;
    }
    if printer.json {
        printer.document(forward)?;
    } else {
        printer.say(&printer.stdout.palette.paint(LINK, &plain(&url)))?;
    }
    Ok(0)
}

async fn stop(printer: &Printer, container: String, port: Option<String>) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let request = StopForwards { container, port };
    let stopped = session.core.stop_forwards(&session.caller, request).await?;
    if printer.json {
        printer.document(&stopped)?;
    } else {
        for forward in &stopped.stopped {
            tell(
                printer,
                &PortUpdate::Stopped {
                    forward: forward.clone(),
                },
            )?;
        }
    }
    Ok(0)
}
