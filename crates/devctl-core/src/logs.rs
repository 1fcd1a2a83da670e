//! The log of a container's main process, line by line.

use crate::core::Core;
use crate::error::OrProblem;
use devctl_engine::{LogFrame, LogOptions, LogTail, OutputStream};
use devctl_model::{ErrorCode, FollowLogs, LogChunk, LogLine, LogStream, Problem};
use futures_util::StreamExt as _;
use std::sync::Arc;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::mpsc;

/// A line longer than this is passed on in pieces.
const LONGEST: usize = 64 * 1024;
/// Lines that are passed on together.
const TOGETHER: usize = 500;

impl Core {
    pub(crate) async fn container_logs(
        self: &Arc<Self>,
        request: FollowLogs,
    ) -> Result<mpsc::Receiver<LogChunk>, Problem> {
        let since = request
            .since
            .as_deref()
            .map(|text| {
                OffsetDateTime::parse(text, &Rfc3339).map_err(|error| {
                    Problem::new(ErrorCode::RequestInvalid, format!("{text:?} is no time"))
                        .why(error.to_string())
                        .fix("Write it as 2026-11-23T14:00:00Z")
                })
            })
            .transpose()?;
        let found = self.find(&request.container).await?;
        let options = LogOptions {
            follow: request.follow,
            since,
            until: None,
            tail: request
                .tail
                .map_or(LogTail::All, |lines| LogTail::Lines(u64::from(lines))),
            timestamps: true,
        };
        let mut frames = found
            .engine
            .container_logs(found.id(), &options)
            .await
            .at("Read the log")?;
        let (sender, receiver) = mpsc::channel(16);
        tokio::spawn(async move {
            let mut lines = Lines::default();
            loop {
                let frame = tokio::select! {
                    () = sender.closed() => return,
                    frame = frames.next() => frame,
                };
                let ended = match frame {
                    Some(Ok(frame)) => {
                        lines.take(&frame);
                        false
                    }
                    Some(Err(error)) => {
                        tracing::warn!(%error, "a log broke off");
                        true
                    }
                    None => true,
                };
                if ended {
                    lines.end();
                }
                while !lines.whole.is_empty() {
                    let rest = lines.whole.split_off(lines.whole.len().min(TOGETHER));
                    let chunk = LogChunk {
                        lines: std::mem::replace(&mut lines.whole, rest),
                    };
                    if sender.send(chunk).await.is_err() {
                        return;
                    }
                }
                if ended {
                    return;
                }
            }
        });
        Ok(receiver)
    }
}

/// Puts frames together into lines, each stream by itself.
#[derive(Default)]
struct Lines {
    partial: [Vec<u8>; 2],
    whole: Vec<LogLine>,
}

impl Lines {
    fn take(&mut self, frame: &LogFrame) {
        let (index, stream) = match frame.stream {
            OutputStream::Stdout => (0, LogStream::Stdout),
            OutputStream::Stderr => (1, LogStream::Stderr),
        };
        for piece in frame.bytes.split_inclusive(|byte| *byte == b'\n') {
            self.partial[index].extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.partial[index].len() > LONGEST {
                let bytes = std::mem::take(&mut self.partial[index]);
                self.whole.push(line(stream, &bytes));
            }
        }
    }

    fn end(&mut self) {
        for (index, stream) in [(0, LogStream::Stdout), (1, LogStream::Stderr)] {
            let bytes = std::mem::take(&mut self.partial[index]);
            if !bytes.is_empty() {
                self.whole.push(line(stream, &bytes));
            }
        }
    }
}

/// A line, with the engine's time taken off its front.
fn line(stream: LogStream, bytes: &[u8]) -> LogLine {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches(['\n', '\r']);
    match text.split_once(' ') {
        Some((at, rest)) if OffsetDateTime::parse(at, &Rfc3339).is_ok() => LogLine {
            at: Some(at.to_owned()),
            stream,
            text: rest.to_owned(),
        },
        _ => LogLine {
            at: None,
            stream,
            text: text.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_for_each_stream_and_lose_the_engines_time() {
        let mut lines = Lines::default();
        let frame = |stream, text: &str| LogFrame {
            stream,
            bytes: bytes::Bytes::copy_from_slice(text.as_bytes()),
        };
        lines.take(&frame(OutputStream::Stdout, "2026-11-23T14:00:00.5Z hel"));
        lines.take(&frame(OutputStream::Stderr, "2026-11-23T14:00:00Z bad\n"));
        lines.take(&frame(OutputStream::Stdout, "lo\r\nno time"));
        lines.end();
        let seen: Vec<(&str, bool)> = lines
            .whole
            .iter()
            .map(|line| (line.text.as_str(), line.at.is_some()))
            .collect();
        assert_eq!(seen, [("bad", true), ("hello", true), ("no time", false)]);
    }
}
