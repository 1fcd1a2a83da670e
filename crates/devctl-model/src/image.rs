//! Images on a host, and bringing them there and away.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// `sha256:…` of its configuration.
    pub id: String,
    /// Its names on the host; none for one that lost its name to a newer one.
    pub names: Vec<String>,
    /// `name@sha256:…` of the registries that it came from.
    pub digests: Vec<String>,
    /// When it was made.
    pub created_at: String,
    /// Bytes, with what it shares with other images.
    pub size: u64,
    /// The containers that were made from it, ours by their short names.
    pub used_by: Vec<String>,
    /// Whether this launcher built it.
    pub ours: bool,
}

/// Asks for the images of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListImages {
    /// The host; the current one where absent.
    #[serde(default)]
    pub host: Option<String>,
}

/// Images, the newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ImageList {
    /// The images.
    pub images: Vec<Image>,
}

/// Names an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImageRef {
    /// Its name or its id.
    pub image: String,
    /// The host; the current one where absent.
    #[serde(default)]
    pub host: Option<String>,
}

/// Everything about an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ImageDetail {
    /// What the list says of it.
    #[serde(flatten)]
    pub image: Image,
    /// `linux/amd64`.
    pub platform: String,
    /// The user of its main process; empty for root.
    pub user: String,
    /// Where its main process starts.
    pub workdir: String,
    /// The program of its main process.
    pub entrypoint: Vec<String>,
    /// The arguments of its main process.
    pub command: Vec<String>,
    /// Names of the variables that it sets; the values may be secrets.
    pub variables: Vec<String>,
    /// `8080/tcp`.
    pub ports: Vec<String>,
    /// Paths that become volumes.
    pub volumes: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// A step by which an image was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ImageStep {
    /// When.
    pub created_at: String,
    /// The instruction.
    pub instruction: String,
    /// Bytes that it added.
    pub size: u64,
    /// Names of the image that it made.
    pub names: Vec<String>,
}

/// How an image was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ImageHistory {
    /// Its steps, the newest first.
    pub steps: Vec<ImageStep>,
}

/// Fetches images from their registries, several at once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PullImages {
    /// Their names.
    pub images: Vec<String>,
    /// `linux/arm64`; the host's own where absent.
    #[serde(default)]
    pub platform: Option<String>,
    /// The host; the current one where absent.
    #[serde(default)]
    pub host: Option<String>,
}

/// Sends images to their registries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PushImages {
    /// Their names.
    pub images: Vec<String>,
    /// The host; the current one where absent.
    #[serde(default)]
    pub host: Option<String>,
}

/// An image that came or went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct MovedImage {
    /// Its name.
    pub image: String,
    /// `sha256:…` under which the registry has it, where it said so.
    pub digest: Option<String>,
}

/// What was fetched or sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct MovedImages {
    /// In the order in which they were named.
    pub images: Vec<MovedImage>,
}

/// Builds an image from a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BuildImage {
    /// The folder.
    pub context: String,
    /// The Dockerfile, seen from the folder; `Dockerfile` where absent.
    #[serde(default)]
    pub dockerfile: Option<String>,
    /// Names for the image.
    #[serde(default)]
    pub names: Vec<String>,
    /// Build arguments.
    #[serde(default)]
    pub args: BTreeMap<String, String>,
    /// The stage to build; the last one where absent.
    #[serde(default)]
    pub target: Option<String>,
    /// `linux/arm64`; the host's own where absent.
    #[serde(default)]
    pub platform: Option<String>,
    /// Build without any cache.
    #[serde(default)]
    pub no_cache: bool,
    /// Fetch newer base images.
    #[serde(default)]
    pub pull: bool,
    /// The host; the current one where absent.
    #[serde(default)]
    pub host: Option<String>,
}

/// Gives an image one more name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TagImage {
    /// Its name or its id.
    pub image: String,
    /// The new name.
    pub name: String,
    /// The host; the current one where absent.
    #[serde(default)]
    pub host: Option<String>,
}

/// Removes an image, or one of its names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RemoveImage {
    /// The name to remove; the image goes with its last one. Or its id.
    pub image: String,
    /// Remove it with all its names, and from under containers that do not run.
    #[serde(default)]
    pub force: bool,
    /// The host; the current one where absent.
    #[serde(default)]
    pub host: Option<String>,
}

/// What went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RemovedImage {
    /// Names.
    pub names: Vec<String>,
    /// Images, by id.
    pub images: Vec<String>,
}

/// Removes images that this launcher built and that no container is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PruneImages {
    /// Only say what would go.
    #[serde(default)]
    pub dry_run: bool,
    /// The host; the current one where absent.
    #[serde(default)]
    pub host: Option<String>,
}

/// What went, or would go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PrunedImages {
    /// The images.
    pub images: Vec<Image>,
    /// Bytes that this frees at most: what other images share stays.
    pub bytes: u64,
}
