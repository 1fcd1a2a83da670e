//! Logs of a container's main process.

use bytes::Bytes;
use time::OffsetDateTime;

use crate::exec::OutputStream;

/// How many of the last lines are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogTail {
    #[default]
    All,
    Lines(u64),
}

/// Which part of a log is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogOptions {
    /// Go on until the container stops.
    pub follow: bool,
    /// From that moment on.
    pub since: Option<OffsetDateTime>,
    /// Up to that moment.
    pub until: Option<OffsetDateTime>,
    pub tail: LogTail,
    /// Put the time (RFC 3339, nanoseconds) and a space before each line.
    pub timestamps: bool,
}

/// A piece of a log. A frame may hold a part of a line or several lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFrame {
    /// Always [`OutputStream::Stdout`] for a container with a terminal.
    pub stream: OutputStream,
    /// Whether an entry of the log begins here: what is put before each line stands before this one, too, though the
    /// line may have begun before. Never for a container with a terminal, whose entries run together.
    pub begins: bool,
    pub bytes: Bytes,
}
