//! Idle containers: since when nobody uses them, and when they are stopped for it. And the background service that does so.

use serde::{Deserialize, Serialize};

/// Why a container is not stopped, or that it will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum IdleState {
    /// It does not run.
    Stopped,
    /// Somebody is in it, or something of ours runs in it.
    InUse,
    /// Nobody uses it.
    Idle,
    /// Somebody asked for it to be kept awake.
    KeptAwake,
    /// It is an hour of the week in which nothing is stopped.
    AwakeHours,
}

/// How idle a container is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct IdleInfo {
    /// The container's name.
    pub container: String,
    /// Whether it is idle, and if not, why.
    pub state: IdleState,
    /// It is stopped after so many minutes of idleness; never where absent.
    pub stop_after_minutes: Option<u32>,
    /// True when the minutes were chosen for this container.
    pub own_rule: bool,
    /// When it was used last, RFC 3339; absent while it is used or does not run.
    pub idle_since: Option<String>,
    /// Until when it is kept awake, RFC 3339.
    pub awake_until: Option<String>,
    /// When it will be stopped unless it is used before, RFC 3339.
    pub stops_at: Option<String>,
}

/// How idle the containers are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct IdleList {
    /// The containers, by name.
    pub containers: Vec<IdleInfo>,
    /// True when something is there that stops them: the background service, or the window.
    pub watched: bool,
}

/// Says after how long a container is stopped that nobody uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetIdle {
    /// Name, id, beginning of an id, or folder.
    pub container: String,
    /// Minutes of idleness; 0 is never. Absent goes back to the setting `idle.stopAfterMinutes`.
    #[serde(default)]
    pub stop_after_minutes: Option<u32>,
}

/// Keeps a container from being stopped for idleness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeepAwake {
    /// Name, id, beginning of an id, or folder.
    pub container: String,
    /// For so many minutes from now; 0 ends it.
    pub minutes: u32,
}

/// The background service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ServiceInfo {
    /// True when it starts by itself at each login of the person.
    pub installed: bool,
    /// What starts it: `systemd`, `launchd`, `task`.
    pub kind: String,
    /// The file that says so; absent where there is none (Windows).
    pub file: Option<String>,
    /// The number of its process, while it runs.
    pub pid: Option<u32>,
    /// Which door does the work of the background now (`service`, `desktop`); absent where none does.
    pub watched_by: Option<String>,
    /// True when this call changed something.
    pub changed: bool,
}
