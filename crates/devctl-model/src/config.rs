//! Reading a configuration without making anything of it.

use serde::{Deserialize, Serialize};

/// Asks for a configuration to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadConfig {
    /// The folder.
    pub folder: String,
    /// The file, where the folder has several or it lies elsewhere.
    #[serde(default)]
    pub config: Option<String>,
    /// Also merges what the image's metadata says.
    #[serde(default)]
    pub merged: bool,
}

/// A configuration as read: `configuration`, `workspace`, and when asked for `mergedConfiguration`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct ConfigDocument(
    /// The document, in the shape of the reference's `read-configuration`.
    pub serde_json::Value,
);
