//! Copying files into containers and out of them.

use serde::{Deserialize, Serialize};

/// Copies a file or a folder of this computer into a container, which need not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CopyIn {
    /// Name, id, beginning of an id, or folder.
    pub container: String,
    /// The file or folder on this computer. A folder that ends in `/.` means what is in it.
    pub from: String,
    /// A path in the container: a folder that is there takes the copy under its own name; else this is its new name.
    pub to: String,
}

/// Copies a file or a folder of a container, which need not run, to this computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CopyOut {
    /// Name, id, beginning of an id, or folder.
    pub container: String,
    /// The file or folder in the container. A folder that ends in `/.` means what is in it.
    pub from: String,
    /// A path on this computer: a folder that is there takes the copy under its own name; else this is its new name.
    pub to: String,
    /// Keeps owners, and the bits that let a program run as its owner. Only root may give files away.
    #[serde(default)]
    pub archive: bool,
}

/// What was copied.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Copied {
    /// Files, folders and links.
    pub files: u64,
    /// Bytes in the files.
    pub bytes: u64,
    /// Devices, pipes and sockets, which are not copied: the first of them.
    pub skipped: Vec<String>,
}
