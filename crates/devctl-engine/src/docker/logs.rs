//! Logs of a container's main process.

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use time::OffsetDateTime;
use tokio_util::io::StreamReader;

use super::answer::{PATIENCE, Subject};
use super::containers::within;
use super::{DockerEngine, checked};
use crate::demux::{frames, pieces};
use crate::error::{EngineError, ObjectKind};
use crate::logs::{LogFrame, LogOptions, LogTail};
use crate::wire::{Call, body_stream};

/// Seconds since 1970 to the nanosecond, as the engine reads them.
fn fractional(at: OffsetDateTime) -> String {
    let nanos = at.unix_timestamp_nanos().max(0);
    format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

impl DockerEngine {
    pub(super) async fn read_logs(
        &self,
        container: &str,
        options: &LogOptions,
    ) -> Result<BoxStream<'static, Result<LogFrame, EngineError>>, EngineError> {
        let subject = Subject::new(
            "read the log of",
            ObjectKind::Container,
            checked(ObjectKind::Container, container)?,
        );
        // The log of a container with a terminal is not framed, and nothing in the answer says so.
        let tty = self.inspect_container(container).await?.tty;
        let mut call = Call::get(format!("/containers/{container}/logs"), subject)
            .query("stdout", "1")
            .query("stderr", "1")
            .query("follow", if options.follow { "1" } else { "0" })
            .query("timestamps", if options.timestamps { "1" } else { "0" });
        if let LogTail::Lines(lines) = options.tail {
            call = call.query("tail", lines.to_string());
        }
        if let Some(since) = options.since {
            call = call.query("since", fractional(since));
        }
        if let Some(until) = options.until {
            call = call.query("until", fractional(until));
        }
        let mut connection = self.wire.open().await?;
        // A container without output answers nothing before it has some: only the first word is waited for.
        let response = if options.follow {
            connection.send(call).await?
        } else {
            within(subject, PATIENCE, connection.send(call)).await?
        };
        let reader = StreamReader::new(body_stream(response));
        let frames = if tty {
            pieces(reader, bytes::Bytes::new()).boxed()
        } else {
            frames(reader, bytes::Bytes::new()).boxed()
        };
        let read = frames.map(move |frame| {
            // The answer ends with the connection's sender.
            let _open = &connection;
            frame
                .map(|piece| LogFrame {
                    stream: piece.stream,
                    begins: piece.begins,
                    bytes: piece.bytes,
                })
                .map_err(|source| EngineError::Broken {
                    operation: "read a log".into(),
                    source,
                })
        });
        Ok(read.boxed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_keep_their_nanoseconds() {
        let at = OffsetDateTime::from_unix_timestamp_nanos(1_795_442_400_000_000_042).unwrap();
        assert_eq!(fractional(at), "1795442400.000000042");
        assert_eq!(
            fractional(OffsetDateTime::UNIX_EPOCH - time::Duration::HOUR),
            "0.000000000"
        );
    }
}
