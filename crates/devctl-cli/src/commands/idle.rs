//! `devctl idle` and `devctl keep-awake`.

use crate::args::idle::{IdleCommand, IdleSetArgs, KeepAwakeArgs};
use crate::failure::Failure;
use crate::output::table::{Cell, Column, render};
use crate::output::text::{Cut, moment, plain};
use crate::output::{DIM, GOOD, Printer, STRONG, WARN};
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{IdleInfo, IdleState, KeepAwake, Nothing, SetIdle};

const HEADS: [Column; 4] = [
    Column::full("NAME"),
    Column::full("STATE"),
    Column::full("STOPS"),
    Column::giving("RULE", Cut::End),
];

pub(crate) async fn run(printer: &Printer, command: IdleCommand) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    match command {
        IdleCommand::List => list(&session).await,
        IdleCommand::Set(args) => set(&session, args).await,
    }
}

async fn list(session: &Session) -> Result<u8, Failure> {
    let printer = &session.printer;
    let list = session.core.list_idle(&session.caller, Nothing {}).await?;
    if printer.json {
        printer.document(&list)?;
        return Ok(0);
    }
    let rows: Vec<Vec<Cell>> = list.containers.iter().map(row).collect();
    printer.say(&render(&HEADS, &rows, printer.columns(), printer.stdout.palette))?;
    let has_rules = list.containers.iter().any(|one| one.stop_after_minutes.is_some());
    if has_rules && !list.watched {
        printer.note("Nothing is there that stops them: no window is open, and the service does not run (devctl service install)")?;
    }
    Ok(0)
}

async fn set(session: &Session, args: IdleSetArgs) -> Result<u8, Failure> {
    let stop_after_minutes = match (args.after, args.never) {
        (Some(after), _) => Some(after.0),
        (None, true) => Some(0),
        (None, false) => None,
    };
    let request = SetIdle {
        container: args.container,
        stop_after_minutes,
    };
    let info = session.core.set_idle(&session.caller, request).await?;
    answer(session, &info, &rule(&info))
}

pub(crate) async fn keep_awake(printer: &Printer, args: KeepAwakeArgs) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let request = KeepAwake {
        container: args.container,
        minutes: if args.off { 0 } else { args.time.0 },
    };
    let info = session.core.keep_awake(&session.caller, request).await?;
    let said = match &info.awake_until {
        Some(until) => format!("is kept awake until {}", moment(until)),
        None => format!("is not kept awake; {}", rule(&info)),
    };
    answer(&session, &info, &said)
}

fn answer(session: &Session, info: &IdleInfo, said: &str) -> Result<u8, Failure> {
    let printer = &session.printer;
    if printer.json {
        printer.document(info)?;
    } else {
        let palette = printer.stdout.palette;
        printer.say(&format!(
            "{} {} {said}",
            palette.paint(GOOD, "✓"),
            palette.paint(STRONG, &plain(&info.container)),
        ))?;
    }
    Ok(0)
}

fn row(info: &IdleInfo) -> Vec<Cell> {
    let state = match (info.state, &info.idle_since, &info.awake_until) {
        (IdleState::Stopped, ..) => Cell::painted("stopped", DIM),
        (IdleState::InUse, ..) => "in use".into(),
        (IdleState::KeptAwake, _, Some(until)) => format!("kept awake until {}", moment(until)).into(),
        (IdleState::KeptAwake, _, None) => "kept awake".into(),
        (IdleState::AwakeHours, ..) => "awake hours".into(),
        (IdleState::Idle, Some(since), _) => format!("idle since {}", moment(since)).into(),
        (IdleState::Idle, None, _) => "idle".into(),
    };
    let stops = match &info.stops_at {
        Some(at) => Cell::painted(moment(at), WARN),
        None => Cell::painted("–", DIM),
    };
    vec![
        Cell::painted(plain(&info.container), STRONG),
        state,
        stops,
        rule(info).into(),
    ]
}

fn rule(info: &IdleInfo) -> String {
    let whose = if info.own_rule { "" } else { " (setting)" };
    match info.stop_after_minutes {
        None => format!("is never stopped{whose}"),
        Some(minutes) => format!("is stopped after {}{whose}", span(minutes)),
    }
}

fn span(minutes: u32) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}
