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
