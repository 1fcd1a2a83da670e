//! Volumes of a host, and the files in them.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// Where its data is kept (`local`).
    pub driver: String,
    /// When it was made, where that is known.
    pub created_at: Option<String>,
    /// The containers that it is mounted in, ours by their short names.
    pub used_by: Vec<String>,
    /// Whether this launcher made it.
    pub ours: bool,
    /// The container that it was made for.
    pub made_for: Option<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// Asks for the volumes of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListVolumes {
    /// The host; the current one where absent.
    #[serde(default)]
    pub host: Option<String>,
}

/// Volumes, by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct VolumeList {
    /// The volumes.
    pub volumes: Vec<Volume>,
}

/// Names a volume.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VolumeRef {
    /// Its name.
    pub volume: String,
    /// The host; the current one where absent.
    #[serde(default)]
    pub host: Option<String>,
}

/// Makes a volume.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateVolume {
    /// Its name.
    pub name: String,
    /// Where its data is kept; `local` where absent.
    #[serde(default)]
    pub driver: Option<String>,
    /// Options of the driver.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// The host; the current one where absent.
    #[serde(default)]
    pub host: Option<String>,
}

/// Removes a volume. One that has data in it goes only when it is named twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemoveVolume {
    /// Its name.
    pub volume: String,
    /// Its name once more, where its data is to go with it.
    #[serde(default)]
    pub really: Option<String>,
    /// The host; the current one where absent.
    #[serde(default)]
    pub host: Option<String>,
}

/// Looks into a volume.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BrowseVolume {
    /// Its name.
    pub volume: String,
    /// A folder in it; its root where absent.
    #[serde(default)]
    pub path: Option<String>,
    /// The host; the current one where absent.
    #[serde(default)]
    pub host: Option<String>,
}

/// What lies at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum VolumeFileKind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A device, a pipe, or what else there is.
    Other,
}

/// A file in a volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct VolumeFile {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: VolumeFileKind,
    /// Bytes; of a folder, of all that is in it.
    pub size: u64,
    /// Its rights, as in `0644`.
    pub mode: String,
    /// The number of its owner.
    pub uid: u64,
    /// The number of its group.
    pub gid: u64,
    /// When it was changed last.
    pub modified_at: String,
    /// Where a link points.
    pub target: Option<String>,
}

/// What is in a folder of a volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct VolumeFiles {
    /// The folder, from the volume's root.
    pub path: String,
    /// What is in it, by name.
    pub files: Vec<VolumeFile>,
}

/// Which way files are copied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum CopyDirection {
    /// Out of the volume.
    #[default]
    Out,
    /// Into the volume.
    In,
}

/// Copies a file or a folder into a volume or out of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CopyVolume {
    /// The volume.
    pub volume: String,
    /// Out of it: what is copied. Into it: the folder that gets it, made where it is missing.
    pub path: String,
    /// Out of it: a folder that gets it, or its new name. Into it: what is copied.
    pub local: String,
    /// Which way.
    pub direction: CopyDirection,
    /// The host; the current one where absent.
    #[serde(default)]
    pub host: Option<String>,
}

/// What was copied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CopiedFiles {
    /// Where it is now.
    pub place: String,
    /// Bytes, as an archive.
    pub bytes: u64,
}

/// Writes a volume to a file (tar, packed with Zstandard), and its checksum beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportVolume {
    /// Its name.
    pub volume: String,
    /// The file. One that is there is not overwritten.
    pub file: String,
    /// The host; the current one where absent.
    #[serde(default)]
    pub host: Option<String>,
}

/// Fills a volume from a file that was exported.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportVolume {
    /// The file.
    pub file: String,
    /// The volume; it is made where it is missing, and refused where it has data.
    pub volume: String,
    /// The SHA-256 that the file must have; that of the file `FILE.sha256` where absent and such a file is there.
    #[serde(default)]
    pub sha256: Option<String>,
    /// The host; the current one where absent.
    #[serde(default)]
    pub host: Option<String>,
}

/// A volume as a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct VolumeArchive {
    /// The volume.
    pub volume: String,
    /// The file.
    pub file: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Bytes of the file.
    pub size: u64,
    /// Bytes of the archive before it was packed.
    pub unpacked: u64,
    /// Whether the checksum was compared with one that was known before.
    pub checked: bool,
}
