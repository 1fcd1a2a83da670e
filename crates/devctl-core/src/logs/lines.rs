//! Putting the pieces of a log together into lines, and finding the place again where it broke off.

use devctl_engine::{LogFrame, OutputStream};
use devctl_model::LogStream;
use regex_lite::Regex;
use std::cmp::Ordering;

/// A line longer than this is passed on in pieces.
pub(super) const LONGEST: usize = 64 * 1024;

/// Length of an engine's time, which is always written to the nanosecond: `2026-11-23T14:00:00.123456789Z`, or with an
/// offset in place of the Z.
const TIME: std::ops::RangeInclusive<usize> = 30..=35;

/// Some lines of a log, in one piece of memory.
#[derive(Debug, Default)]
pub struct LogBatch {
    bytes: Vec<u8>,
    lines: Vec<Span>,
}

/// Where a line lies.
#[derive(Debug, Clone, Copy)]
struct Span {
    stream: LogStream,
    /// First the time, which may be empty, then the text.
    start: usize,
    text: usize,
    end: usize,
}

/// A line of a log, as the process wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogText<'a> {
    /// Where it came from.
    pub stream: LogStream,
    /// When the engine read it (RFC 3339, nanoseconds), where that was asked for.
    pub at: Option<&'a str>,
    /// Its bytes with its line end. A very long line comes in pieces, and only the last one has the line end; the last
    /// line of a log may have none.
    pub bytes: &'a [u8],
}

impl LogText<'_> {
    /// Its bytes without its line end.
    pub fn text(&self) -> &[u8] {
        without_end(self.bytes)
    }
}

impl LogBatch {
    /// The lines, oldest first.
    pub fn lines(&self) -> impl Iterator<Item = LogText<'_>> {
        self.lines.iter().map(|span| self.text(span))
    }

    /// The line of that number, from zero.
    pub fn line(&self, index: usize) -> Option<LogText<'_>> {
        self.lines.get(index).map(|span| self.text(span))
    }

    fn text(&self, span: &Span) -> LogText<'_> {
        LogText {
            stream: span.stream,
            at: std::str::from_utf8(&self.bytes[span.start..span.text])
                .ok()
                .filter(|at| !at.is_empty()),
            bytes: &self.bytes[span.text..span.end],
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Bytes that it takes.
    pub(super) fn size(&self) -> usize {
        self.bytes.len() + self.lines.len() * size_of::<Span>()
    }

    /// A remark of our own.
    pub(super) fn note(text: &str) -> Self {
        let mut batch = Self::default();
        batch.add(LogStream::Note, &[], text.as_bytes());
        batch
    }

    fn add(&mut self, stream: LogStream, at: &[u8], text: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(at);
        let text_at = self.bytes.len();
        self.bytes.extend_from_slice(text);
        self.lines.push(Span {
            stream,
            start,
            text: text_at,
            end: self.bytes.len(),
        });
    }
}

fn without_end(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

/// What is done with each line.
pub(super) struct Wanted {
    /// Whether each entry of the log begins with its time.
    pub(super) timed: bool,
    /// Whether the times are passed on.
    pub(super) times: bool,
    /// Only lines that this finds something in.
    pub(super) grep: Option<Regex>,
}

/// Puts frames together into lines, each stream by itself.
pub(super) struct Lines {
    wanted: Wanted,
    streams: [Stream; 2],
    batch: LogBatch,
    /// Whether anything new came since the log was last read anew.
    pub(super) heard: bool,
}

impl Lines {
    pub(super) fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            streams: [Stream::new(LogStream::Stdout), Stream::new(LogStream::Stderr)],
            batch: LogBatch::default(),
            heard: false,
        }
    }

    pub(super) fn take(&mut self, frame: &LogFrame) {
        let stream = match frame.stream {
            OutputStream::Stdout => &mut self.streams[0],
            OutputStream::Stderr => &mut self.streams[1],
        };
        let mut rest: &[u8] = &frame.bytes;
        if self.wanted.timed && frame.begins {
            stream.time = Some(Vec::new());
        }
        while !rest.is_empty() {
            if self.wanted.timed && stream.at_start {
                stream.at_start = false;
                stream.at.clear();
                stream.first = true;
                stream.time.get_or_insert_default();
            }
            if stream.time.is_some() {
                rest = stream.take_time(rest);
                continue;
            }
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            let (piece, after) = rest.split_at(end);
            let ended = piece.ends_with(b"\n");
            rest = after;
            // The usual case is a whole line in one frame, which is copied once.
            let whole = ended && stream.text.is_empty();
            if !whole {
                stream.text.extend_from_slice(piece);
            }
            if ended || stream.text.len() > LONGEST {
                let text = std::mem::take(&mut stream.text);
                let line = if whole { piece } else { &text };
                self.heard |= stream.pass(line, &self.wanted, &mut self.batch);
                stream.text = text;
                stream.text.clear();
                stream.at_start = ended;
            }
        }
    }

    /// The log has ended: what has no line end is a line, too.
    pub(super) fn end(&mut self) {
        for stream in &mut self.streams {
            let text = std::mem::take(&mut stream.text);
            if !text.is_empty() {
                stream.pass(&text, &self.wanted, &mut self.batch);
            }
            stream.restart();
        }
    }

    /// The log broke off and is read again from a little before that: what was passed on is passed over.
    pub(super) fn resume(&mut self) {
        self.heard = false;
        for stream in &mut self.streams {
            stream.restart();
            match &mut stream.behind {
                // It broke off again before anything new came.
                Some((place, left)) => *left = place.count,
                None if stream.last.count > 0 => {
                    stream.behind = Some((stream.last.clone(), stream.last.count));
                }
                None => {}
            }
        }
    }

    /// The time of the newest line that was passed on.
    pub(super) fn newest(&self) -> Option<&str> {
        let newest = self
            .streams
            .iter()
            .map(|stream| stream.last.at.as_slice())
            .max()?;
        std::str::from_utf8(newest).ok().filter(|at| !at.is_empty())
    }

    /// Bytes that the lines take that were put together.
    pub(super) fn size(&self) -> usize {
        self.batch.size()
    }

    /// The lines that were put together.
    pub(super) fn batch(&mut self) -> LogBatch {
        std::mem::take(&mut self.batch)
    }
}

/// One of the two streams.
struct Stream {
    kind: LogStream,
    /// Whether the next byte begins a line.
    at_start: bool,
    /// The time before an entry, as far as it has come.
    time: Option<Vec<u8>>,
    /// Whether the time that comes is that of the line; else it stands in the middle of a line that the engine cut.
    first: bool,
    /// The time of the line, and its text as far as it has come.
    at: Vec<u8>,
    text: Vec<u8>,
    last: Place,
    /// What was passed on before a break, and how much of it is still to be passed over.
    behind: Option<(Place, u64)>,
}

/// A place in a stream: the time of a line, and how many lines of that time there were.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Place {
    at: Vec<u8>,
    count: u64,
}

impl Stream {
    fn new(kind: LogStream) -> Self {
        Self {
            kind,
            at_start: true,
            time: None,
            first: true,
            at: Vec::new(),
            text: Vec::new(),
            last: Place::default(),
            behind: None,
        }
    }

    /// A line begins next, whatever there was of the last one.
    fn restart(&mut self) {
        self.at_start = true;
        self.time = None;
        self.text.clear();
    }

    /// Takes what there is of the time before an entry; what is left then. What is no time is text.
    fn take_time<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Some(time) = &mut self.time else { return bytes };
        let room = TIME.end() + 1 - time.len().min(*TIME.end());
        let near = &bytes[..bytes.len().min(room)];
        let (took, ended) = match memchr::memchr2(b' ', b'\n', near) {
            Some(end) if near[end] == b' ' => (end + 1, true),
            Some(end) => (end, true),
            None => (near.len(), time.len() + near.len() > *TIME.end()),
        };
        time.extend_from_slice(&near[..took]);
        if ended {
            let time = std::mem::take(&mut self.time).unwrap_or_default();
            match time.strip_suffix(b" ").filter(|time| is_time(time)) {
                Some(time) if self.first => self.at = time.to_vec(),
                Some(_) => {}
                None => self.text.extend_from_slice(&time),
            }
            self.first = false;
        }
        &bytes[took..]
    }

    /// Passes a line on, unless that was done before a break or it is not looked for. Says whether it is new.
    fn pass(&mut self, line: &[u8], wanted: &Wanted, batch: &mut LogBatch) -> bool {
        if wanted.timed && !self.is_new() {
            return false;
        }
        let found = wanted
            .grep
            .as_ref()
            .is_none_or(|grep| grep.is_match(&String::from_utf8_lossy(without_end(line))));
        if found {
            let at: &[u8] = if wanted.times { &self.at } else { &[] };
            batch.add(self.kind, at, line);
        }
        true
    }

    /// Whether the line was not passed on before; notes its place.
    fn is_new(&mut self) -> bool {
        if let Some((place, left)) = &mut self.behind {
            match self.at.cmp(&place.at) {
                Ordering::Less => return false,
                Ordering::Equal if *left > 0 => {
                    *left -= 1;
                    return false;
                }
                Ordering::Equal | Ordering::Greater => self.behind = None,
            }
        }
        if self.last.at == self.at {
            self.last.count += 1;
        } else {
            self.last.at.clone_from(&self.at);
            self.last.count = 1;
        }
        true
    }
}

/// Whether this has the form of an engine's time.
fn is_time(text: &[u8]) -> bool {
    TIME.contains(&text.len())
        && [
            (4, b'-'),
            (7, b'-'),
            (10, b'T'),
            (13, b':'),
            (16, b':'),
            (19, b'.'),
        ]
        .iter()
        .all(|(index, byte)| text[*index] == *byte)
        && text[..4].iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests;
