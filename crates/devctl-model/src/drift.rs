//! What differs between a container and its configuration now.

use serde::{Deserialize, Serialize};

/// What it costs to apply a difference; the later one includes the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum DriftCost {
    /// It is in force already, or with the next `up`.
    Nothing,
    /// The container has to be started again.
    Restart,
    /// The container has to be made anew from the image that it has.
    Recreate,
    /// The image has to be got or built, and the container made anew.
    Rebuild,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DriftField {
    /// The property (`mounts`, `containerEnv.PATH`), or what else differs (`Dockerfile`).
    pub field: String,
    /// What the container was made with, as JSON; none where it said nothing, or where that is not known. Values of names
    /// that look like secrets are replaced by dots.
    pub old: Option<String>,
    /// What is said now.
    pub new: Option<String>,
    /// What applying it costs.
    pub cost: DriftCost,
    /// Why it differs, where the two values do not say it.
    pub note: Option<String>,
}

/// What differs between a container and its configuration now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ContainerDrift {
    /// The container.
    pub name: String,
    /// Each difference, the dearest first.
    pub fields: Vec<DriftField>,
    /// The cheapest step that applies all of them; none where nothing differs.
    pub cost: Option<DriftCost>,
    /// The command that takes it; none where there is nothing to do.
    pub command: Option<String>,
}

/// Asks for a container to be made anew from the image that it has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecreateContainer {
    /// Name, id, beginning of an id, or folder.
    pub container: String,
    /// The hash of the trust sheet that is allowed.
    #[serde(default)]
    pub trust: Option<String>,
}
