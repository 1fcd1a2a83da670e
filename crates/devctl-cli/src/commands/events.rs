//! `devctl events`.

use crate::args::EventsArgs;
use crate::failure::Failure;
use crate::output::text::{duration, moment, plain};
use crate::output::{BAD, DIM, GOOD, Palette, Printer, STRONG, WARN};
use crate::session::Session;
use devctl_core::operations::{Operations, Streams};
use devctl_model::{Change, EventRecord, ListEvents, Nothing, OutcomeKind};

pub(crate) async fn run(printer: &Printer, args: EventsArgs) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    // Listening begins before the log is read, so that nothing falls in between.
    let mut changes = if args.follow {
        Some(session.core.changes(&session.caller, Nothing {}).await?)
    } else {
        None
    };
    let request = ListEvents {
        limit: Some(args.limit),
        subject: args.container,
        ..ListEvents::default()
    };
    let page = session.core.list_events(&session.caller, request.clone()).await?;
    let Some(changes) = &mut changes else {
        if printer.json {
            printer.document(&page)?;
        } else {
            for event in &page.events {
                printer.say(&line(event, printer.stdout.palette))?;
            }
        }
        return Ok(0);
    };
    let mut shown = 0;
    let mut show = |event: &EventRecord| -> Result<(), Failure> {
        if event.seq > shown {
            shown = event.seq;
            if printer.json {
                printer.json_line(event)?;
            } else {
                printer.say(&line(event, printer.stdout.palette))?;
            }
        }
        Ok(())
    };
    page.events.iter().try_for_each(&mut show)?;
    while let Some(change) = changes.recv().await {
        match change {
            Change::Event { event } => {
                if request
                    .subject
                    .as_ref()
                    .is_none_or(|subject| *subject == event.subject)
                {
                    show(&event)?;
                }
            }
            Change::Resync => {
                let page = session.core.list_events(&session.caller, request.clone()).await?;
                page.events.iter().try_for_each(&mut show)?;
            }
            Change::Container { .. } | Change::Host { .. } | Change::Job { .. } | Change::Setting { .. } => {}
        }
    }
    Ok(0)
}

fn line(event: &EventRecord, palette: Palette) -> String {
    let (style, word) = match event.outcome {
        OutcomeKind::Begun => (DIM, "begun"),
        OutcomeKind::Done => (GOOD, "done"),
        OutcomeKind::Failed => (BAD, "failed"),
        OutcomeKind::Cancelled => (WARN, "cancelled"),
        OutcomeKind::Interrupted => (WARN, "interrupted"),
    };
    let mut text = format!(
        "{}  {:<18} {} {}",
        palette.paint(DIM, &moment(&event.at)),
        plain(&event.operation),
        palette.paint(style, &format!("{word:<11}")),
        palette.paint(STRONG, &plain(&event.subject))
    );
    if let Some(code) = &event.code {
        text.push_str(&format!(" [{}]", plain(code)));
    }
    if let Some(milliseconds) = event.duration_ms {
        text.push_str(&format!(" in {}", duration(milliseconds)));
    }
    let by = format!("  by {} ({})", plain(&event.who), plain(&event.door));
    text + &palette.paint(DIM, &by)
}
