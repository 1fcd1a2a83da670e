//! What a container can be made from.

use crate::container::Container;
use crate::problem::Problem;
use crate::trust::TrustSheet;
use serde::{Deserialize, Serialize};

/// The kind of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// A folder of this computer.
    Folder,
    /// An image.
    Image,
}

/// Asks what a folder or an image would become. Nothing is pulled, built or run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InspectSource {
    /// A folder or an image. An existing folder wins.
    pub source: String,
    /// Says which of the two it is.
    #[serde(default)]
    pub kind: Option<SourceKind>,
    /// The configuration file, where the folder has several.
    #[serde(default)]
    pub config: Option<String>,
}

/// A configuration that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ConfigChoice {
    /// Absolute path of the file.
    pub path: String,
    /// Path below the folder (`.devcontainer/gpu/devcontainer.json`).
    pub label: String,
    /// Its `name`, where it has one and can be read.
    pub name: Option<String>,
}

/// What a source would become.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SourceInfo {
    /// Folder or image.
    pub kind: SourceKind,
    /// The folder's absolute path, or the image's full name.
    pub source: String,
    /// Configurations that were found, in the order of their places.
    pub configs: Vec<ConfigChoice>,
    /// The one that would be used; none when there are several and none was chosen, or none at all.
    pub config: Option<String>,
    /// What it is, in a few words ("Image debian:bookworm, 2 hooks").
    pub summary: Option<String>,
    /// The alias that it would get.
    pub name: String,
    /// The name to give to `ssh` then.
    pub ssh_host: String,
    /// What it asks for. What the image's own metadata adds is only known once the image is here.
    pub trust: TrustSheet,
    /// The container that was made from it before.
    pub existing: Option<Container>,
    /// Why it cannot be made, where that is known already.
    pub problem: Option<Problem>,
    /// Properties that have no effect yet, and other things worth knowing.
    pub notices: Vec<String>,
}

/// Asks for a container to be made anew from its configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RebuildContainer {
    /// Name, id, beginning of an id, or folder.
    pub container: String,
    /// Builds and pulls without any cache.
    #[serde(default)]
    pub no_cache: bool,
    /// The hash of the trust sheet that is allowed.
    #[serde(default)]
    pub trust: Option<String>,
}

/// What a rebuild would lose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RebuildPreview {
    /// The container.
    pub name: String,
    /// Files of the container that were added or changed and are in no mount, at most 200.
    pub lost: Vec<String>,
    /// How many there are in all.
    pub lost_count: u64,
    /// Volumes and folders that stay.
    pub kept: Vec<String>,
}
