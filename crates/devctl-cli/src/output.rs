//! The printer: the one place that writes to standard output and standard error.

use crate::args::{ColorChoice, OutputOptions};
use anstyle::{AnsiColor, Style};
use devctl_model::Problem;
use serde::Serialize;
use std::io::{self, IsTerminal, Write};

pub(crate) mod problem;
pub(crate) mod shell;
pub(crate) mod table;
pub(crate) mod text;

pub(crate) const STRONG: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const LINK: Style = AnsiColor::Cyan.on_default();

/// Paints text, or leaves it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Palette {
    on: bool,
}

impl Palette {
    /// A palette that paints when `on`.
    pub(crate) const fn new(on: bool) -> Self {
        Self { on }
    }

    /// Whether it paints.
    pub(crate) const fn is_on(self) -> bool {
        self.on
    }

    /// The text in that style.
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        if self.on && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}

/// One of the two standard streams.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Channel {
    /// Whether a person looks at it.
    pub terminal: bool,
    /// How it is painted.
    pub palette: Palette,
}

/// Writes what commands have to say, in the form that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Printer {
    /// One JSON document instead of text.
    pub json: bool,
    /// No progress.
    pub quiet: bool,
    /// How much is told of the log.
    pub verbose: u8,
    /// Standard output.
    pub stdout: Channel,
    /// Standard error.
    pub stderr: Channel,
}

impl Printer {
    /// A printer for the terminal, or what is there in its place.
    pub(crate) fn new(options: &OutputOptions) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        let channel = |terminal: bool| Channel {
            terminal,
            palette: Palette::new(match options.color {
                ColorChoice::Always => true,
                ColorChoice::Never => false,
                ColorChoice::Auto => terminal && !plain,
            }),
        };
        Self {
            json: options.json,
            quiet: options.quiet,
            verbose: options.verbose,
            stdout: channel(io::stdout().is_terminal()),
            stderr: channel(io::stderr().is_terminal()),
        }
    }

    /// Whether somebody is there to answer a question.
    pub(crate) fn can_ask(&self) -> bool {
        self.stderr.terminal && io::stdin().is_terminal()
    }

    /// Columns of the terminal that standard output goes to; none when it goes elsewhere, and nothing is cut off then.
    pub(crate) fn columns(&self) -> Option<usize> {
        if !self.stdout.terminal {
            return None;
        }
        terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0))
    }

    /// Text on standard output, with a line end.
    pub(crate) fn say(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.write_all(b"\n")?;
        out.flush()
    }

    /// Text on standard error, with a line end.
    pub(crate) fn note(&self, text: &str) -> io::Result<()> {
        let mut err = io::stderr().lock();
        err.write_all(text.as_bytes())?;
        err.write_all(b"\n")
    }

    /// Bytes as they are, on standard error or on standard output.
    pub(crate) fn bytes(&self, stderr: bool, bytes: &[u8]) -> io::Result<()> {
        if stderr {
            return io::stderr().lock().write_all(bytes);
        }
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }

    /// Text on standard error without a line end: questions.
    pub(crate) fn prompt(&self, text: &str) -> io::Result<()> {
        let mut err = io::stderr().lock();
        err.write_all(text.as_bytes())?;
        err.flush()
    }

    /// The one document on standard output: spread out for a person, on one line for a program.
    pub(crate) fn document(&self, document: &impl Serialize) -> io::Result<()> {
        let text = if self.stdout.terminal {
            serde_json::to_string_pretty(document)
        } else {
            serde_json::to_string(document)
        };
        self.say(&text?)
    }

    /// One of many documents, each on its line.
    pub(crate) fn json_line(&self, document: &impl Serialize) -> io::Result<()> {
        self.say(&serde_json::to_string(document)?)
    }

    /// A problem: as text on standard error, and with `--json` as the one document on standard output.
    pub(crate) fn problem(&self, problem: &Problem) -> io::Result<()> {
        self.note(&problem::render(problem, self.stderr.palette))?;
        if self.json {
            self.document(&ErrorDocument { error: problem })?;
        }
        Ok(())
    }
}

/// What standard output holds with `--json` when a command fails.
#[derive(Debug, Serialize)]
struct ErrorDocument<'a> {
    error: &'a Problem,
}
