//! What takes place on a host's disk, and giving it back.

use crate::image::Image;
use serde::{Deserialize, Serialize};

/// Asks what takes place on a host's disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadDisk {
    /// The host; the current one where absent.
    #[serde(default)]
    pub host: Option<String>,
}

/// What an image takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ImageUse {
    /// The image.
    #[serde(flatten)]
    pub image: Image,
    /// Bytes that other images have, too.
    pub shared: u64,
    /// Bytes that go with it.
    pub unique: u64,
}

/// What a container takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ContainerUse {
    /// Its id.
    pub id: String,
    /// Its name, ours by their short names.
    pub name: String,
    /// Its image.
    pub image: String,
    /// Whether it runs.
    pub running: bool,
    /// Bytes that it wrote itself.
    pub unique: u64,
    /// Bytes of its image, which others may have, too.
    pub shared: u64,
    /// Whether this launcher made it.
    pub ours: bool,
}

/// What a volume takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct VolumeUse {
    /// Its name.
    pub name: String,
    /// Bytes, where the driver says so.
    pub size: Option<u64>,
    /// The containers that it is mounted in.
    pub used_by: Vec<String>,
    /// Whether this launcher made it.
    pub ours: bool,
}

/// What the builder keeps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct BuildCacheUse {
    /// Its parts.
    pub records: u64,
    /// Bytes.
    pub size: u64,
    /// Bytes that `clean --build-cache` frees: what neither an image nor a build at work has.
    pub reclaimable: u64,
}

/// What takes place on a host's disk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DiskReport {
    /// Images, the largest first.
    pub images: Vec<ImageUse>,
    /// Containers, the largest first.
    pub containers: Vec<ContainerUse>,
    /// Volumes, the largest first.
    pub volumes: Vec<VolumeUse>,
    /// The builder's cache.
    pub build_cache: BuildCacheUse,
    /// Bytes of all layers of all images, each counted once.
    pub layers: u64,
    /// Bytes of all together.
    pub total: u64,
}

/// Gives disk space back. Without anything named: only what this launcher made and nobody uses, and never a volume.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Clean {
    /// Only say what would go.
    #[serde(default)]
    pub dry_run: bool,
    /// Images to remove, whoever made them.
    #[serde(default)]
    pub images: Vec<String>,
    /// Networks to remove, whoever made them.
    #[serde(default)]
    pub networks: Vec<String>,
    /// Volumes to remove, whoever made them.
    #[serde(default)]
    pub volumes: Vec<String>,
    /// The names of volumes once more, whose data is to go with them.
    #[serde(default)]
    pub really: Vec<String>,
    /// Also empty the builder's cache, which belongs to all who build on the host.
    #[serde(default)]
    pub build_cache: bool,
    /// Leave out what nobody named.
    #[serde(default)]
    pub named_only: bool,
    /// The host; the current one where absent.
    #[serde(default)]
    pub host: Option<String>,
}

/// What kind of thing goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum CleanKind {
    /// An image.
    Image,
    /// A network.
    Network,
    /// A volume.
    Volume,
    /// A container that only filled or read a volume.
    Helper,
    /// The builder's cache.
    BuildCache,
}

/// Something that goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CleanItem {
    /// What it is.
    pub kind: CleanKind,
    /// Its name.
    pub name: String,
    /// Why it may go.
    pub why: String,
    /// Bytes that this frees, as far as the engine can tell before it is done.
    pub bytes: u64,
}

/// What went, or would go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Cleaned {
    /// What goes.
    pub items: Vec<CleanItem>,
    /// Volumes that were made for containers that are gone. They stay, unless they are named twice.
    pub kept_volumes: Vec<String>,
    /// Bytes of all that goes.
    pub bytes: u64,
}
