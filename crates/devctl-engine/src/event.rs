//! What happens in an engine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::ObjectKind;

/// A position in the stream of events: seconds and nanoseconds since 1970.
///
/// Events are asked for from the second of the cursor on, and those up to and with the cursor are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
pub struct EventCursor(pub i64);

/// Which events are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter {
    /// Events after that moment; `None` for those from now on.
    pub since: Option<EventCursor>,
    /// Only objects with these labels, `key` or `key=value`.
    pub labels: Vec<String>,
}

/// One thing that happened to one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectEvent {
    /// `None` for a kind that is of no use here (a plugin, the daemon).
    pub kind: Option<ObjectKind>,
    /// The engine's word: `start`, `die`, `destroy`, `health_status: healthy`.
    pub action: String,
    /// Id of the object; for images the reference.
    pub id: String,
    /// The labels, the name, and what belongs to the action (`exitCode`, `signal`).
    pub attributes: BTreeMap<String, String>,
    pub at: EventCursor,
}

/// An item of the event stream, which ends only when it is dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineEvent {
    Object(ObjectEvent),
    /// The connection was lost, for the reason given. A [`EngineEvent::Resync`] follows when it is back.
    Lost {
        reason: String,
    },
    /// The connection is back. Events in between were asked for, but an engine that was restarted has forgotten them:
    /// list again.
    Resync,
}
