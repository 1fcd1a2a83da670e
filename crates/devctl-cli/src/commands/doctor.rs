//! `devctl doctor`.

use crate::failure::Failure;
use crate::output::text::plain;
use crate::output::{BAD, DIM, GOOD, LINK, Palette, Printer, STRONG, WARN};
use crate::session::Session;
use devctl_core::operations::Operations;
use devctl_model::{CheckState, DoctorCheck, RunDoctor};

/// Exit code when a check failed.
const UNHEALTHY: u8 = 1;

pub(crate) async fn run(printer: &Printer, fix: bool) -> Result<u8, Failure> {
    let session = Session::open(printer).await?;
    let report = session
        .core
        .run_doctor(&session.caller, RunDoctor { fix })
        .await?;
    if printer.json {
        printer.document(&report)?;
    } else {
        let lines: Vec<String> = report
            .checks
            .iter()
            .map(|check| render(check, printer.stdout.palette))
            .collect();
        printer.say(&lines.join("\n"))?;
        if !fix
            && report
                .checks
                .iter()
                .any(|check| check.can_fix && check.state != CheckState::Ok)
        {
            printer.note("`devctl doctor --fix` mends what it can without harm.")?;
        }
    }
    Ok(if report.healthy { 0 } else { UNHEALTHY })
}

fn render(check: &DoctorCheck, palette: Palette) -> String {
    let (style, glyph) = match check.state {
        CheckState::Ok => (GOOD, "✓"),
        CheckState::Warning => (WARN, "!"),
        CheckState::Failed => (BAD, "✗"),
        CheckState::Skipped => (DIM, "–"),
    };
    let mut text = format!(
        "{} {}  {}",
        palette.paint(style, glyph),
        palette.paint(STRONG, &plain(&check.title)),
        plain(&check.detail)
    );
    if let Some(fix) = &check.fix {
        match &fix.command {
            Some(command) => {
                text.push_str(&format!("\n    fix: {}", palette.paint(LINK, &plain(command))));
                text.push_str(&format!("\n         {}", palette.paint(DIM, &plain(&fix.text))));
            }
            None => text.push_str(&format!("\n    fix: {}", plain(&fix.text))),
        }
    }
    text
}
