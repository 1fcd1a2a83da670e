//! What the probed shell runs: it prints the environment between two marks, and the other side of the probe finds it
//! there among whatever else the shell's start-up files print.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::process::ExitCode;

use crate::tools::ToolError;

/// Not for people: `probe` makes the shell call it.
pub(crate) const PRINT_ENV_ARGUMENT: &str = "print-env";

/// More than a kernel lets a process have.
const MAX_BYTES: usize = 16 << 20;

/// Follow the mark in the output and only there: a shell that prints the commands that it runs prints the mark too.
const OPENS: u8 = 1;
const CLOSES: u8 = 2;

/// Prints the environment of this process between marks.
pub(crate) fn run(arguments: &[OsString]) -> Result<ExitCode, ToolError> {
    let [mark] = arguments else {
        return Err(ToolError::Usage("print-env MARK"));
    };
    let mut output = framed(mark.as_bytes(), OPENS);
    for (name, value) in std::env::vars_os() {
        output.extend_from_slice(name.as_bytes());
        output.push(b'=');
        output.extend_from_slice(value.as_bytes());
        output.push(0);
    }
    output.extend(framed(mark.as_bytes(), CLOSES));
    let mut stdout = io::stdout();
    stdout
        .write_all(&output)
        .and_then(|()| stdout.flush())
        .map_err(ToolError::Answer)?;
    Ok(ExitCode::SUCCESS)
}

fn framed(mark: &[u8], what: u8) -> Vec<u8> {
    [mark, &[what]].concat()
}

/// What was read of the output of a shell, as far as it matters.
#[derive(Debug)]
pub(crate) struct MarkedOutput {
    opens: Vec<u8>,
    closes: Vec<u8>,
    open: bool,
    buffer: Vec<u8>,
}

/// Where the output stands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The closing mark did not come yet.
    Incomplete,
    /// Name and value of each variable.
    Environment(BTreeMap<Vec<u8>, Vec<u8>>),
    /// Between the marks is more than an environment can be.
    TooLong,
}

impl MarkedOutput {
    pub(crate) fn new(mark: &str) -> Self {
        Self {
            opens: framed(mark.as_bytes(), OPENS),
            closes: framed(mark.as_bytes(), CLOSES),
            open: false,
            buffer: Vec::new(),
        }
    }

    /// Takes the next bytes. Keeps no more of what is before the marks than a mark is long.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Progress {
        // A mark may have begun in what was there before.
        let searched = self.buffer.len().saturating_sub(self.closes.len());
        self.buffer.extend_from_slice(bytes);
        if !self.open {
            match find(&self.buffer, &self.opens) {
                Some(at) => {
                    self.buffer.drain(..at + self.opens.len());
                    self.open = true;
                    return self.closed(0);
                }
                None => {
                    let keep = self.opens.len() - 1;
                    self.buffer.drain(..self.buffer.len().saturating_sub(keep));
                    return Progress::Incomplete;
                }
            }
        }
        self.closed(searched)
    }

    fn closed(&self, from: usize) -> Progress {
        let unsearched = self.buffer.get(from..).unwrap_or_default();
        match find(unsearched, &self.closes) {
            Some(at) => Progress::Environment(parse(self.buffer.get(..from + at).unwrap_or_default())),
            None if self.buffer.len() > MAX_BYTES => Progress::TooLong,
            None => Progress::Incomplete,
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn parse(block: &[u8]) -> BTreeMap<Vec<u8>, Vec<u8>> {
    block
        .split(|byte| *byte == 0)
        .filter_map(|entry| {
            // The first one: bash exports functions under odd names, but none has a `=`.
            let at = entry.iter().position(|byte| *byte == b'=')?;
            Some((entry.get(..at)?.to_vec(), entry.get(at + 1..)?.to_vec()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &[u8])]) -> Progress {
        Progress::Environment(
            pairs
                .iter()
                .map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec()))
                .collect(),
        )
    }

    #[test]
    fn junk_around_the_marks_does_not_matter_wherever_the_output_is_cut() {
        let output = b"hello abcabc\nrunning print-env abc\nabc\x01A=1\0B==x\n\xff\0C=\0abc\x02bye";
        for cut in 0..output.len() {
            let mut marked = MarkedOutput::new("abc");
            let (head, tail) = output.split_at(cut);
            let mut progress = marked.push(head);
            if progress == Progress::Incomplete {
                progress = marked.push(tail);
            }
            assert_eq!(
                progress,
                environment(&[("A", b"1"), ("B", b"=x\n\xff"), ("C", b"")]),
                "{cut}"
            );
        }
    }

    #[test]
    fn endless_junk_is_not_kept() {
        let mut marked = MarkedOutput::new("abc");
        for _ in 0..1000 {
            assert_eq!(marked.push(&[b'y'; 4096]), Progress::Incomplete);
        }
        assert!(marked.buffer.len() < 4);
        assert_eq!(marked.push(b"abc\x01abc\x02"), environment(&[]));
    }
}
