//! Looking into containers: what they use, their processes, their changed files.

use crate::id::ContainerId;
use serde::{Deserialize, Serialize};

/// Names containers, or all that run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StatsOf {
    /// Each by name, id, beginning of an id, or folder; with none all that run.
    #[serde(default)]
    pub containers: Vec<String>,
}

/// What a container uses at a moment. What is counted is counted since its start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StatsSample {
    /// When (RFC 3339).
    pub at: String,
    /// Share of one processor, in percent: 200 is two processors. None in the first sample of a container.
    pub cpu_percent: Option<f64>,
    /// Processors that it may use.
    pub cpus: u32,
    /// Bytes, without the page cache that could be given back at once.
    pub memory: u64,
    /// Bytes; where no limit is set, what the machine has.
    pub memory_limit: u64,
    /// Bytes that came over its networks.
    pub received: u64,
    /// Bytes that went over its networks.
    pub sent: u64,
    /// Bytes read from disks.
    pub disk_read: u64,
    /// Bytes written to disks.
    pub disk_written: u64,
    /// Processes and threads.
    pub processes: u64,
}

/// What one container uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ContainerStats {
    /// Its id.
    pub container: ContainerId,
    /// Its name.
    pub name: String,
    /// What it uses.
    pub sample: StatsSample,
}

/// What containers use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StatsList {
    /// Those that run, by name.
    pub containers: Vec<ContainerStats>,
}

/// What a follower of statistics is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum StatsUpdate {
    /// A container is followed from now on.
    #[serde(rename_all = "camelCase")]
    Begun {
        /// Its id.
        container: ContainerId,
        /// Its name.
        name: String,
        /// What this process saw of it in the last hour, oldest first, one sample for each ten seconds.
        history: Vec<StatsSample>,
    },
    /// What a container uses now.
    #[serde(rename_all = "camelCase")]
    Sample {
        /// Its id.
        container: ContainerId,
        /// Its name.
        name: String,
        /// What it uses.
        sample: StatsSample,
    },
    /// A container stopped, or its engine went away. Should it run again, it begins again.
    #[serde(rename_all = "camelCase")]
    Ended {
        /// Its id.
        container: ContainerId,
        /// Its name.
        name: String,
    },
}

/// A process of a container. What the engine's `ps` does not tell is none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// Its number on the engine's machine, which is not the one inside.
    pub pid: Option<u32>,
    /// The number of its parent.
    pub parent: Option<u32>,
    /// Whose it is, in the names of the engine's machine.
    pub user: Option<String>,
    /// Share of one processor over its life, in percent.
    pub cpu_percent: Option<f64>,
    /// Resident memory in bytes.
    pub memory: Option<u64>,
    /// How long it has run, as `ps` writes it.
    pub elapsed: Option<String>,
    /// What it does, in the letters of `ps`.
    pub state: Option<String>,
    /// Its command line.
    pub command: String,
}

/// The processes of a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ProcessList {
    /// In the engine's order.
    pub processes: Vec<Process>,
}

/// How a file differs from the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum FileChangeKind {
    /// The image has no such file.
    Added,
    /// It is another one now; a folder: something in it is.
    Modified,
    /// It is gone.
    Deleted,
}

/// A file that differs from the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FileChange {
    /// Absolute path in the container.
    pub path: String,
    /// How it differs.
    pub kind: FileChangeKind,
}

/// What a container's own file system has beyond its image. Volumes and mounts are not looked into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct FileChangeList {
    /// By path.
    pub changes: Vec<FileChange>,
}
