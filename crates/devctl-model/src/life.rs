//! What is done with a container between its making and its end.

use serde::{Deserialize, Serialize};

/// What an act on a container brought about that may have been done before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ChangedContainer {
    /// Its name, also where it was asked for by folder or id.
    pub name: String,
    /// False when it was in that state already.
    pub changed: bool,
}

/// Asks for a signal to be sent to the main process of a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KillContainer {
    /// Name, id, beginning of an id, or folder.
    pub container: String,
    /// The signal, as a name with or without `SIG`, or as a number; `SIGKILL` when none is given.
    #[serde(default)]
    pub signal: Option<String>,
}

/// What `kill` brought about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct KilledContainer {
    /// Its name, also where it was asked for by folder or id.
    pub name: String,
    /// The signal that was sent, as `SIGTERM` or as a number.
    pub signal: String,
}

/// Asks for another name for a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RenameContainer {
    /// Name, id, beginning of an id, or folder.
    pub container: String,
    /// The name that it gets: lower-case letters, digits and dashes.
    pub name: String,
}

/// What `rename` brought about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RenamedContainer {
    /// Its name from now on.
    pub name: String,
    /// The name that it had, which `ssh` does not know any more.
    pub old_name: String,
    /// The name to give to `ssh` from now on.
    pub ssh_host: String,
    /// False when it was called so already.
    pub changed: bool,
}

/// Asks for a container that somebody else made to become ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdoptContainer {
    /// The engine's name of the container, its id, or the beginning of its id (at least 4 digits).
    pub container: String,
    /// The name that it gets here; made from the engine's name when none is given.
    #[serde(default)]
    pub name: Option<String>,
    /// The host that it lives on; all are looked through when none is given.
    #[serde(default)]
    pub host: Option<String>,
}

/// A container that was adopted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AdoptedContainer {
    /// Its name here.
    pub name: String,
    /// The engine's id.
    pub id: crate::ContainerId,
    /// The name to give to `ssh`.
    pub ssh_host: String,
    /// The user of terminals and logins.
    pub remote_user: String,
    /// Where terminals start.
    pub remote_workspace_folder: String,
    /// False when it was ours already.
    pub changed: bool,
}

/// A container that was taken off the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ForgottenContainer {
    /// The name that it had here.
    pub name: String,
    /// The engine's id.
    pub id: crate::ContainerId,
    /// True when the container goes on as it is; false when it was gone.
    pub still_there: bool,
}

/// Asks for a second container of the same configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloneContainer {
    /// Name, id, beginning of an id, or folder of the first one.
    pub container: String,
    /// The name of the second one; made from what it is made from when none is given.
    #[serde(default)]
    pub name: Option<String>,
    /// Begins with the files of the first one, beyond its image; what runs once does not run again.
    #[serde(default)]
    pub with_files: bool,
    /// Gets copies of the volumes that have names, in the place of sharing them.
    #[serde(default)]
    pub with_volumes: bool,
    /// The hash of the trust sheet that is allowed.
    #[serde(default)]
    pub trust: Option<String>,
}

/// Asks for what is left over to be removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PruneContainers {
    /// Also removes containers of ours that failed, with the files that are only in them.
    #[serde(default)]
    pub failed: bool,
    /// Only says what would be removed.
    #[serde(default)]
    pub dry_run: bool,
}

/// What was removed, or with `dryRun` would be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PrunedContainers {
    /// Names of containers that somebody removed, and that are taken off the list.
    pub gone: Vec<String>,
    /// Names of containers that failed.
    pub failed: Vec<String>,
    /// Networks of containers that are not there any more.
    pub networks: Vec<String>,
}
