//! What the event log holds: the intent of an operation and its outcome.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::UnixMillis;

/// Names one operation in the log: its intent and its outcome carry the same id.
///
/// A UUID of version 7, made by the caller (whose clock it is), so that ids sort by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for EventId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Who acts: a person's account on a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The account name.
    pub user: String,
    /// The numeric user id where the platform has one.
    pub uid: Option<u32>,
    /// The machine's host name.
    pub host: String,
}

/// Where a request came in.
///
/// The log keeps these words for ever: a new one needs a new schema version, so that an older program refuses the
/// file instead of misreading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Door {
    /// The command line.
    Cli,
    /// The window.
    Desktop,
    /// The terminal interface.
    Tui,
    /// The HTTP server.
    Server,
    /// A login through `ssh-proxy`.
    Proxy,
    /// The background service.
    Service,
}

/// What an operation acts on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The product's word for it: `container`, `workspace`, `image`, `setting`, `authority` …
    pub kind: String,
    /// Its identity within the kind: an engine id, a folder, a setting's key.
    pub id: String,
    /// What a person calls it, where that differs from the id.
    pub name: Option<String>,
}

/// A process, told apart from a later one that got the same number by its start time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Process {
    /// The process id.
    pub pid: u32,
    /// The start time in whatever unit the caller reads it; compared, never interpreted.
    pub started: u64,
}

/// What is about to be done, written before it is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    /// The id that the outcome will refer to.
    pub id: EventId,
    /// Who acts.
    pub who: Actor,
    /// Where the request came in.
    pub door: Door,
    /// The operation's name in the operation list.
    pub operation: String,
    /// What it acts on, as far as that is known before the act.
    pub subject: Option<Subject>,
    /// More about the request. Never a secret: the log is readable and never forgets.
    pub detail: Value,
    /// The process that acts.
    pub process: Process,
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Outcome {
    /// It did what was asked.
    Ok,
    /// It failed.
    Failed {
        /// The stable error code.
        code: String,
        /// The error in one line.
        message: String,
    },
    /// The person or the caller stopped it.
    Cancelled,
    /// The process went away before it could say; found by [`crate::Store::reconcile_interrupted`].
    Interrupted,
}

/// Which half of an event a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The intent, written before the act.
    Started,
    /// The outcome, written after it.
    Ended,
}

/// One row of the log.
///
/// A row of [`Phase::Ended`] repeats who did what on what, so that it tells the whole fact by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// The row's place in the log: 1, 2, 3 … without gaps.
    pub seq: u64,
    /// Names the operation; the same in its two rows.
    pub id: EventId,
    /// Which of the two rows this is.
    pub phase: Phase,
    /// When the row was written, in milliseconds since 1970 (UTC).
    pub at: UnixMillis,
    /// Who acts.
    pub who: Actor,
    /// Where the request came in.
    pub door: Door,
    /// The operation's name in the operation list.
    pub operation: String,
    /// What it acts on.
    pub subject: Option<Subject>,
    /// The process that acts.
    pub process: Process,
    /// More about the request (`Started`) or about the result (`Ended`).
    pub detail: Value,
    /// How it ended; absent in a `Started` row.
    pub outcome: Option<Outcome>,
    /// How long it took; absent in a `Started` row and where nobody could measure it.
    pub duration_ms: Option<u64>,
}

/// Which rows of the log are wanted. The default asks for all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only rows after this place in the log.
    pub since_seq: Option<u64>,
    /// Only rows written at or after this time.
    pub since: Option<UnixMillis>,
    /// Only rows of this phase.
    pub phase: Option<Phase>,
    /// Only rows of this one operation run.
    pub id: Option<EventId>,
    /// Only rows of operations with this name.
    pub operation: Option<String>,
    /// Only rows whose subject has this id or this name.
    pub subject: Option<String>,
    /// At most this many rows; the rest is left out at the end, or at the beginning with `latest`.
    pub limit: Option<u32>,
    /// With `limit`: the newest matching rows instead of the oldest. The order stays oldest first.
    pub latest: bool,
}
