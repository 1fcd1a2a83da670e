//! Where the lines of logs go: the terminal, a file, or a JSON document.

use crate::args::look::LogsArgs;
use crate::failure::Failure;
use crate::output::problem;
use crate::output::text::{columns, counted};
use crate::output::{Palette, Printer};
use anstyle::{AnsiColor, Style};
use devctl_core::{LogBatch, LogText};
use devctl_model::{ErrorCode, LogStream, Problem};
use serde::Serialize;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::PathBuf;

/// Bytes that are gathered before they are written.
const TOGETHER: usize = 64 * 1024;

/// Colours of containers, in turns.
const COLOURS: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Yellow,
    AnsiColor::Green,
    AnsiColor::Magenta,
    AnsiColor::Blue,
    AnsiColor::Red,
];

/// A line in JSON.
#[derive(Debug, Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<&'a str>,
    stream: LogStream,
    text: &'a str,
}

/// What `--save --json` prints.
#[derive(Debug, Serialize)]
struct Saved<'a> {
    file: &'a str,
    lines: u64,
    bytes: u64,
}

/// The form of the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As they are, on the stream that they came from: who asks for the log of a program wants its colours.
    Text,
    /// As they are, in a file.
    File,
    /// Each a document on its line.
    JsonLines,
    /// All one document, which is written as they come: there may be more of them than memory.
    Document,
}

/// Where the lines go.
pub(super) struct Sink {
    printer: Printer,
    form: Form,
    timestamps: bool,
    file: Option<(PathBuf, File)>,
    /// What stands before the lines of each container, on standard output and on standard error.
    prefixes: Vec<[String; 2]>,
    names: Vec<String>,
    /// Gathered for `stream`.
    gathered: Vec<u8>,
    stream: LogStream,
    lines: u64,
    bytes: u64,
}

impl Sink {
    /// `names` are those of the containers, where there are several.
    pub(super) fn open(printer: &Printer, args: &LogsArgs, names: Vec<String>) -> Result<Self, Failure> {
        let file = match &args.save {
            Some(path) => {
                let file = File::create(path).map_err(|error| {
                    Problem::new(
                        ErrorCode::RequestInvalid,
                        format!("{} cannot be written", path.display()),
                    )
                    .why(error.to_string())
                    .fix("Name a file in a folder that is there")
                })?;
                Some((path.clone(), file))
            }
            None => None,
        };
        let form = match (&file, printer.json, args.follow) {
            (Some(_), ..) => Form::File,
            (None, true, true) => Form::JsonLines,
            (None, true, false) => Form::Document,
            (None, false, _) => Form::Text,
        };
        let widest = names.iter().map(|name| columns(name)).max().unwrap_or(0);
        let prefix = |palette: Palette, index: usize, name: &str| {
            let blanks = " ".repeat(widest - columns(name));
            let style = Style::new().fg_color(Some(COLOURS[index % COLOURS.len()].into()));
            palette.paint(style, &format!("{name}{blanks} | "))
        };
        let plain = Palette::new(false);
        let prefixes = names
            .iter()
            .enumerate()
            .map(|(index, name)| match form {
                Form::File => [prefix(plain, index, name), String::new()],
                _ => [printer.stdout.palette, printer.stderr.palette]
                    .map(|palette| prefix(palette, index, name)),
            })
            .collect();
        let mut sink = Self {
            printer: printer.clone(),
            form,
            timestamps: args.timestamps,
            file,
            prefixes,
            names,
            gathered: Vec::with_capacity(TOGETHER),
            stream: LogStream::Stdout,
            lines: 0,
            bytes: 0,
        };
        if form == Form::Document {
            sink.gathered.extend_from_slice(b"{\"lines\":[");
        }
        Ok(sink)
    }

    /// Takes the lines of a container and writes them out.
    pub(super) fn batch(&mut self, container: usize, batch: &LogBatch) -> io::Result<()> {
        for line in batch.lines() {
            self.line(container, line)?;
        }
        self.flush()
    }

    /// Takes a line of a container.
    pub(super) fn line(&mut self, container: usize, line: LogText<'_>) -> io::Result<()> {
        if line.stream == LogStream::Note && matches!(self.form, Form::File | Form::Text) {
            self.flush()?;
            let text = String::from_utf8_lossy(line.bytes);
            return self.printer.note(&format!("devctl: {text}"));
        }
        match self.form {
            Form::Document | Form::JsonLines => {
                if self.form == Form::Document && self.lines > 0 {
                    self.gathered.push(b',');
                }
                let text = String::from_utf8_lossy(line.text());
                let document = Line {
                    container: self.names.get(container).map(String::as_str),
                    at: line.at,
                    stream: line.stream,
                    text: &text,
                };
                serde_json::to_writer(&mut self.gathered, &document)?;
                if self.form == Form::JsonLines {
                    self.gathered.push(b'\n');
                }
            }
            Form::Text | Form::File => {
                let stream = if self.form == Form::File {
                    LogStream::Stdout
                } else {
                    line.stream
                };
                if stream != self.stream {
                    self.flush()?;
                    self.stream = stream;
                }
                let before = self.gathered.len();
                if let Some(prefixes) = self.prefixes.get(container) {
                    let prefix = &prefixes[usize::from(stream == LogStream::Stderr)];
                    self.gathered.extend_from_slice(prefix.as_bytes());
                }
                if let (true, Some(at)) = (self.timestamps, line.at) {
                    self.gathered.extend_from_slice(at.as_bytes());
                    self.gathered.push(b' ');
                }
                self.gathered.extend_from_slice(line.bytes);
                // A line that has not ended yet is no place for another container's.
                if !self.names.is_empty() && !line.bytes.ends_with(b"\n") {
                    self.gathered.push(b'\n');
                }
                self.bytes += u64::try_from(self.gathered.len() - before).unwrap_or(0);
            }
        }
        self.lines += 1;
        if self.gathered.len() >= TOGETHER {
            self.flush()?;
        }
        Ok(())
    }

    /// Writes out what was gathered.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        match &mut self.file {
            Some((_, file)) => file.write_all(&self.gathered)?,
            None => self
                .printer
                .bytes(self.stream == LogStream::Stderr, &self.gathered)?,
        }
        self.gathered.clear();
        Ok(())
    }

    /// Ends well, or with what came in between. A document that was begun is ended with it.
    pub(super) fn end(mut self, ended: Result<(), Failure>) -> Result<u8, Failure> {
        if self.form == Form::Document {
            return match ended {
                Ok(()) => {
                    self.gathered.extend_from_slice(b"]}\n");
                    self.flush()?;
                    Ok(0)
                }
                Err(Failure::Problem(problem)) => {
                    self.gathered.extend_from_slice(b"],\"error\":");
                    serde_json::to_writer(&mut self.gathered, &*problem).map_err(io::Error::from)?;
                    self.gathered.extend_from_slice(b"}\n");
                    self.flush()?;
                    let palette = self.printer.stderr.palette;
                    self.printer.note(&problem::render(&problem, palette))?;
                    Ok(problem.code.exit_code())
                }
                Err(failure) => Err(failure),
            };
        }
        self.flush()?;
        ended?;
        if let Some((path, _)) = &self.file {
            let file = path.display().to_string();
            if self.printer.json {
                self.printer.document(&Saved {
                    file: &file,
                    lines: self.lines,
                    bytes: self.bytes,
                })?;
            } else if !self.printer.quiet {
                let lines = counted(self.lines, "line");
                self.printer.note(&format!("{lines} saved in {file}"))?;
            }
        }
        Ok(0)
    }
}
