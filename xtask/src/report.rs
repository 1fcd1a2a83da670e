//! Everything that the chores say, on standard error: standard output stays free for what a verb is asked for.

use std::fmt::Display;
use std::io::{IsTerminal as _, Write as _};

/// A line as it is.
pub(crate) fn line(text: impl Display) {
    // There is nobody left to tell when standard error is gone.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// The beginning of a piece of work.
pub(crate) fn heading(text: impl Display) {
    line(paint("1", &format!("==> {text}")));
}

/// A remark below a heading.
pub(crate) fn note(text: impl Display) {
    line(format!("    {text}"));
}

/// What is about to be put on this machine, and why.
pub(crate) fn installs(what: &str, why: &str) {
    line(format!("    {} {what}: {why}", paint("33", "installs")));
}

/// A failure with its causes, outermost first.
pub(crate) fn error(error: &anyhow::Error) {
    line(format!("{}: {error}", paint("31;1", "error")));
    for cause in error.chain().skip(1) {
        for text in cause.to_string().lines() {
            line(format!("  {text}"));
        }
    }
}

/// The text in an ANSI style where colours are wanted.
pub(crate) fn paint(style: &str, text: &str) -> String {
    let wanted =
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if wanted {
        format!("\x1b[{style}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}
