//! `devctl service`.

use crate::args::idle::ServiceCommand;
use crate::core;
use crate::failure::Failure;
use crate::interrupt::Interrupts;
use crate::output::text::plain;
use crate::output::{DIM, GOOD, Printer};
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{Nothing, ServiceInfo};

pub(crate) async fn run(printer: &Printer, command: ServiceCommand) -> Result<u8, Failure> {
    if let ServiceCommand::Run = command {
        super::no_json(printer, "service run")?;
        return serve(printer).await;
    }
    let session = Session::open(printer).await?;
    let info = match command {
        ServiceCommand::Install => session.core.install_service(&session.caller, Nothing {}).await?,
        ServiceCommand::Uninstall => {
            session
                .core
                .uninstall_service(&session.caller, Nothing {})
                .await?
        }
        ServiceCommand::Status | ServiceCommand::Run => {
            session.core.show_service(&session.caller, Nothing {}).await?
        }
    };
    if printer.json {
        printer.document(&info)?;
    } else {
        for line in lines(printer, &info) {
            printer.say(&line)?;
        }
    }
    Ok(0)
}

fn lines(printer: &Printer, info: &ServiceInfo) -> Vec<String> {
    let palette = printer.stdout.palette;
    let mark = |good: bool| {
        if good {
            palette.paint(GOOD, "✓")
        } else {
            palette.paint(DIM, "·")
        }
    };
    let file = info.file.as_deref().map(plain).unwrap_or_default();
    let installed = if info.installed {
        format!("installed: {} starts it at each login ({file})", info.kind)
    } else {
        "not installed (devctl service install)".to_owned()
    };
    let running = match info.pid {
        Some(pid) => format!("runs as process {pid}"),
        None => "does not run".to_owned(),
    };
    let watched = match info.watched_by.as_deref() {
        Some("service") => "it stops idle containers and renews certificates".to_owned(),
        Some("desktop") => "the window stops idle containers and renews certificates".to_owned(),
        Some(door) => format!("{} stops idle containers and renews certificates", plain(door)),
        None => "nothing stops idle containers now".to_owned(),
    };
    vec![
        format!("{} {installed}", mark(info.installed)),
        format!("{} {running}", mark(info.pid.is_some())),
        format!("{} {watched}", mark(info.watched_by.is_some())),
    ]
}

async fn serve(printer: &Printer) -> Result<u8, Failure> {
    let mut interrupts = Interrupts::listen()?;
    let core = core::open_service().await?;
    printer.note("The service runs; Ctrl-C ends it")?;
    tokio::select! {
        ended = core.serve_in_background() => match ended? {},
        () = interrupts.next() => Ok(0),
    }
}
