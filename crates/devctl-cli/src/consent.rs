//! The trust sheet on the terminal.

use crate::ask;
use crate::failure::Failure;
use crate::output::text::{counted, plain};
use crate::output::{DIM, Palette, Printer, STRONG, WARN};
use devctl_model::TrustSheet;

/// Shows what is asked for, each right with what follows from it and where it comes from.
pub(crate) fn show(printer: &Printer, subject: &str, sheet: &TrustSheet) -> Result<(), Failure> {
    Ok(printer.note(&render(subject, sheet, printer.stderr.palette))?)
}

/// Shows the sheet and asks whether all of it is allowed.
pub(crate) async fn ask(printer: &Printer, subject: &str, sheet: &TrustSheet) -> Result<bool, Failure> {
    show(printer, subject, sheet)?;
    let count = sheet.items.len() as u64;
    let question = if count == 1 {
        "Allow this right?".to_owned()
    } else {
        format!("Allow these {count} rights?")
    };
    ask::confirm(printer, &question).await
}

fn render(subject: &str, sheet: &TrustSheet, palette: Palette) -> String {
    let mut lines = vec![format!(
        "{} asks for {}:",
        palette.paint(STRONG, &plain(subject)),
        counted(sheet.items.len() as u64, "right")
    )];
    for item in &sheet.items {
        lines.push(String::new());
        lines.push(format!("  {}", palette.paint(WARN, &plain(&item.title))));
        lines.push(format!("    {} = {}", plain(&item.key), plain(&item.value)));
        lines.push(format!("    {}", plain(&item.consequence)));
        lines.push(format!(
            "    {}",
            palette.paint(DIM, &format!("from {}", plain(&item.origin)))
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use devctl_model::{TrustItem, TrustKind};

    #[test]
    fn a_right_cannot_hide_or_forge_lines() {
        let sheet = TrustSheet {
            items: vec![TrustItem {
                kind: TrustKind::HostCommand,
                title: "Runs on this computer".into(),
                key: "initializeCommand".into(),
                value: "true\r\u{1b}[1A# harmless\nAllowed.".into(),
                consequence: "The command runs with your rights.".into(),
                origin: "devcontainer.json:3".into(),
            }],
            hash: "ab".into(),
            allowed: false,
        };
        assert_eq!(
            render("hello", &sheet, Palette::new(false)),
            "hello asks for 1 right:\n\n  \
             Runs on this computer\n    \
             initializeCommand = true\\r\\u{1b}[1A# harmless\\nAllowed.\n    \
             The command runs with your rights.\n    \
             from devcontainer.json:3\n"
        );
    }
}
