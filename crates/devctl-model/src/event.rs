//! Events: immutable facts of who did what to what, when, with what outcome.

use crate::id::{ContainerId, EventId};
use crate::job::Job;
use crate::tag::Tag;
use serde::{Deserialize, Serialize};

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum OutcomeKind {
    /// It was begun and has not ended.
    Begun,
    /// It ended well.
    Done,
    /// It ended with a problem.
    Failed,
    /// It was stopped on request.
    Cancelled,
    /// The process that carried it out is gone.
    Interrupted,
}

/// A fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct EventRecord {
    /// Position in the log, from 1.
    pub seq: u64,
    /// Id of the act: its intent and its outcome share it.
    pub id: EventId,
    /// When it was written.
    pub at: String,
    /// User on this computer.
    pub who: String,
    /// The door it came through (`cli`, `desktop`).
    pub door: String,
    /// The operation.
    pub operation: String,
    /// What it was done to ("hello").
    pub subject: String,
    /// How it ended.
    pub outcome: OutcomeKind,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<u64>,
    /// The error code, where it failed.
    pub code: Option<String>,
    /// More facts: a small JSON object without secrets.
    pub detail: Option<serde_json::Value>,
}

/// Asks for events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListEvents {
    /// Only those after this position.
    #[serde(default)]
    pub after: Option<u64>,
    /// At most so many; the newest ones. 100 when none is given.
    #[serde(default)]
    pub limit: Option<u32>,
    /// Only those about this container or object.
    #[serde(default)]
    pub subject: Option<String>,
    /// Only those of this operation.
    #[serde(default)]
    pub operation: Option<String>,
}

/// Events, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct EventPage {
    /// The events.
    pub events: Vec<EventRecord>,
}

/// Something that every open door is told at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Change {
    /// A container was made, changed its state, or is gone.
    Container {
        /// The container.
        id: ContainerId,
    },
    /// A host answers again, or does not any more.
    Host {
        /// The host.
        host: crate::Host,
    },
    /// A job began, took a step, or ended.
    Job {
        /// The job as it is now.
        job: Job,
    },
    /// A fact was written to the event log.
    Event {
        /// The fact.
        event: EventRecord,
    },
    /// A setting was changed.
    Setting {
        /// Its name.
        key: String,
    },
    /// Changes may have been missed: read everything again.
    Resync,
}

impl Change {
    /// For each kind of change the groups of facts that it makes stale.
    pub const STALE: &'static [(&'static str, &'static [Tag])] = &[
        ("container", &[Tag::Containers]),
        ("host", &[Tag::Hosts, Tag::Containers, Tag::Doctor]),
        ("job", &[Tag::Jobs]),
        ("event", &[Tag::Events, Tag::Containers, Tag::Ssh]),
        ("setting", &[Tag::Settings]),
        (
            "resync",
            &[
                Tag::Containers,
                Tag::Hosts,
                Tag::Jobs,
                Tag::Events,
                Tag::Settings,
                Tag::Ssh,
                Tag::Doctor,
            ],
        ),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_change_says_what_it_makes_stale() {
        let setting = serde_json::to_value(Change::Setting { key: "a".into() }).unwrap();
        assert!(Change::STALE.iter().any(|(kind, _)| setting["type"] == *kind));
        let resync = serde_json::to_value(Change::Resync).unwrap();
        let all = Change::STALE
            .iter()
            .find(|(kind, _)| resync["type"] == *kind)
            .unwrap()
            .1;
        assert!(
            Change::STALE
                .iter()
                .flat_map(|(_, tags)| tags.iter())
                .all(|tag| all.contains(tag))
        );
    }
}
