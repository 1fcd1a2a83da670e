//! Containers: what the list shows, what the detail shows, and what can be asked of them.

use crate::id::ContainerId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the engine says about a container, in the product's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum ContainerState {
    /// Made, and never started.
    Created,
    /// Its main process runs.
    Running,
    /// Frozen.
    Paused,
    /// The engine is starting it again.
    Restarting,
    /// Its main process ended on request or by itself with exit code 0.
    Stopped,
    /// Its main process ended with an error.
    Failed,
    /// The engine is removing it.
    Removing,
    /// Somebody removed it without devctl. What it was made from is still known.
    Gone,
    /// The engine does not answer, so the last known values are shown.
    Unknown,
}

/// A container as the list shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// The engine's id.
    pub id: ContainerId,
    /// The alias: lower-case letters, digits and dashes; unique on this installation.
    pub name: String,
    /// What a person called it: the folder's or the configuration's name, any text.
    pub title: String,
    /// What it does now.
    pub state: ContainerState,
    /// The folder that it was made from; none for a container made from an image.
    pub workspace: Option<String>,
    /// False when that folder is not there any more.
    pub workspace_exists: bool,
    /// The image it runs.
    pub image: String,
    /// The name to give to `ssh`.
    pub ssh_host: String,
    /// The host it lives on, see [`crate::Host::name`].
    pub host: String,
    /// When it was made.
    pub created_at: Option<String>,
    /// When its main process last started. Only where one container is shown: the engine's list does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional = nullable))]
    pub started_at: Option<String>,
    /// When its main process last ended, unless it runs. Only where one container is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional = nullable))]
    pub finished_at: Option<String>,
    /// How its main process ended, unless it runs.
    pub exit_code: Option<i32>,
    /// Why it does not run, unless it runs, never ran, or ended well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional = nullable))]
    pub ended: Option<ContainerEnd>,
    /// True when somebody else made it, and it was adopted.
    #[serde(default)]
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<bool>"))]
    pub adopted: bool,
    /// Ports of it that this computer listens on.
    pub ports: Vec<PortInfo>,
    /// What the engine says in its own words ("Up 3 minutes").
    pub status: String,
}

/// How the main process of a container ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ContainerEnd {
    /// Its exit code.
    pub exit_code: i32,
    /// The signal that ended it, where the exit code says so (`SIGSEGV`).
    pub signal: Option<String>,
    /// True when it was killed for want of memory.
    pub out_of_memory: bool,
    /// The reason in words.
    pub reason: String,
    /// The last lines that it wrote: up to three in the list, and only of one that failed; up to ten where one container
    /// is shown.
    pub last_lines: Vec<String>,
}

/// A published port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PortInfo {
    /// Port inside the container.
    pub container_port: u16,
    /// Address on this computer.
    pub host_ip: Option<String>,
    /// Port on this computer.
    pub host_port: Option<u16>,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
}

/// All containers of this launcher.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ContainerList {
    /// Running ones first, then by name.
    pub containers: Vec<Container>,
    /// Hosts that did not answer: what is listed of them is what was known last.
    pub unreachable: Vec<crate::Host>,
}

/// A mount of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct MountInfo {
    /// `bind`, `volume` or `tmpfs`.
    pub kind: String,
    /// Folder of the host or name of the volume.
    pub source: String,
    /// Path inside the container.
    pub target: String,
    /// Whether the container may not write to it.
    pub read_only: bool,
}

/// Everything about one container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ContainerDetail {
    /// What the list shows.
    #[serde(flatten)]
    pub container: Container,
    /// The user of terminals, hooks and logins.
    pub remote_user: String,
    /// Where terminals and hooks start.
    pub remote_workspace_folder: String,
    /// The configuration file that it was made from.
    pub config_file: Option<String>,
    /// True when that file says something else now than when the container was made; none when that is not known.
    pub config_changed: Option<bool>,
    /// Its mounts.
    pub mounts: Vec<MountInfo>,
    /// Its networks.
    pub networks: Vec<String>,
    /// Environment of its main process; values of names that look like secrets are replaced by dots.
    pub environment: BTreeMap<String, String>,
    /// The security profile: `standard`, or `trusted` when consent gave it more.
    pub profile: String,
    /// Memory limit in bytes, none when there is no limit.
    pub memory_limit: Option<u64>,
    /// Limit in processors, none when there is no limit.
    pub cpu_limit: Option<f64>,
    /// True when the engine killed it for want of memory.
    pub out_of_memory: bool,
}

/// Names a container: its name, or its id, or the beginning of its id, or the folder it was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ContainerRef {
    /// Name, id, beginning of an id (at least 4 digits), or folder.
    pub container: String,
}

/// Asks for a container to be started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StartContainer {
    /// Name, id, beginning of an id, or folder.
    pub container: String,
    /// The hash of the trust sheet that is allowed: a start may run a command on this computer.
    #[serde(default)]
    pub trust: Option<String>,
}

/// Asks for a container to be stopped and started again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RestartContainer {
    /// Name, id, beginning of an id, or folder.
    pub container: String,
    /// Seconds until it is killed; the engine's own default when none is given.
    #[serde(default)]
    pub timeout: Option<u32>,
    /// The hash of the trust sheet that is allowed: a start may run a command on this computer.
    #[serde(default)]
    pub trust: Option<String>,
}

/// Asks for a container to be stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StopContainer {
    /// Name, id, beginning of an id, or folder.
    pub container: String,
    /// Seconds until it is killed; the engine's own default when none is given.
    #[serde(default)]
    pub timeout: Option<u32>,
}

/// What `stop` brought about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StoppedContainer {
    /// Its name, also where it was asked for by folder or id.
    pub name: String,
    /// False when it was not running.
    pub changed: bool,
}

/// Asks for a container to be removed. A workspace folder is never removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemoveContainer {
    /// Name, id, beginning of an id, or folder.
    pub container: String,
    /// Also removes the volumes that were made for it.
    #[serde(default)]
    pub volumes: bool,
    /// Only says what would be removed.
    #[serde(default)]
    pub dry_run: bool,
}

/// What was removed, or with `dryRun` would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RemovedContainer {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Networks that go with it.
    pub networks: Vec<String>,
    /// Volumes that go.
    pub volumes: Vec<String>,
    /// Volumes that stay.
    pub kept_volumes: Vec<String>,
    /// The workspace folder, which always stays.
    pub kept_folder: Option<String>,
    /// True when somebody else made it.
    #[serde(default)]
    #[cfg_attr(feature = "schema", ts(optional, as = "Option<bool>"))]
    pub adopted: bool,
}

/// Asks for a folder or an image to become a container that `ssh` reaches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpContainer {
    /// A folder or an image. An existing folder wins.
    pub source: String,
    /// Says which of the two it is, where the text alone does not.
    #[serde(default)]
    pub kind: Option<crate::SourceKind>,
    /// The configuration file, where the folder has several.
    #[serde(default)]
    pub config: Option<String>,
    /// The alias; made from the folder's or the image's name when none is given.
    #[serde(default)]
    pub name: Option<String>,
    /// The host to make it on; the current one when none is given.
    #[serde(default)]
    pub host: Option<String>,
    /// The hash of the trust sheet that is allowed.
    #[serde(default)]
    pub trust: Option<String>,
}

/// What `up` brought about. The fields of the command line's contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct UpOutcome {
    /// The engine's id of the container.
    pub container: ContainerId,
    /// Its alias.
    pub name: String,
    /// The name to give to `ssh`.
    pub ssh_host: String,
    /// The user of terminals, hooks and logins.
    pub remote_user: String,
    /// Where terminals and hooks start.
    pub remote_workspace_folder: String,
    /// `created`, `started` or `running`: what it took.
    pub outcome: UpKind,
    /// True when the configuration says something else now than when the container was made.
    pub config_changed: bool,
    /// The cheapest step that applies what it says now; none where nothing has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", ts(optional = nullable))]
    pub drift: Option<crate::DriftCost>,
    /// Properties that were read and have no effect yet, and other things worth knowing.
    pub notices: Vec<String>,
}

/// What it took to bring a container up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum UpKind {
    /// It was made.
    Created,
    /// It was there and had to be started.
    Started,
    /// It ran already.
    Running,
}
