//! What a container uses, which processes it has, and what lies at a path of it.

use time::OffsetDateTime;

/// What a container uses at a moment. Counters begin at its start.
#[derive(Debug, Clone, PartialEq)]
pub struct StatsReading {
    pub at: OffsetDateTime,
    /// Share of one processor since the reading before, in percent: 200 is two processors. None in a first reading.
    pub cpu_percent: Option<f64>,
    /// Processors that it may use.
    pub cpus: u32,
    /// Bytes, without the page cache that could be given back at once, as `docker stats` counts.
    pub memory: u64,
    /// Bytes; where no limit is set, what the machine has.
    pub memory_limit: u64,
    /// Bytes over all its networks.
    pub received: u64,
    pub sent: u64,
    /// Bytes from and to block devices.
    pub disk_read: u64,
    pub disk_written: u64,
    /// Processes and threads.
    pub processes: u64,
}

/// The processes of a container, as `ps` on the engine's machine prints them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProcessTable {
    /// Heads of the columns, such as `PID`.
    pub titles: Vec<String>,
    /// One row for each process; as many cells as there are titles.
    pub rows: Vec<Vec<String>>,
}

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathKind {
    File,
    Directory,
    Symlink,
    /// A device, a pipe or a socket.
    Other,
}

/// What an engine knows about a path in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathStat {
    /// The last part of the path.
    pub name: String,
    pub kind: PathKind,
    /// Bytes, of a file.
    pub size: u64,
    /// Where a link leads, as an absolute path in the container; empty for anything else.
    pub link_target: String,
}
