//! What a configuration asks for beyond a closed container, and the consent to it.

use serde::{Deserialize, Serialize};

/// The class of a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum TrustKind {
    /// A command that runs on this computer.
    HostCommand,
    /// All rights over this computer.
    Privileged,
    /// A capability that containers do not have by default.
    Capability,
    /// A security option that weakens isolation.
    SecurityOption,
    /// A mount from outside the workspace.
    Mount,
    /// A namespace shared with this computer.
    HostNamespace,
    /// A device of this computer.
    Device,
    /// Another engine flag that weakens isolation.
    EngineFlag,
    /// A port that this computer listens on.
    Port,
    /// A variable of this computer that flows into the container.
    HostVariable,
    /// Something of this computer that the image build may use.
    BuildAccess,
}

/// One right that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TrustItem {
    /// Its class.
    pub kind: TrustKind,
    /// What it is, for a heading ("Runs on this computer").
    pub title: String,
    /// The property that asks for it (`mounts[1]`).
    pub key: String,
    /// The value as written.
    pub value: String,
    /// What follows from it, one sentence.
    pub consequence: String,
    /// `file:line`, or the image and entry whose metadata asks for it.
    pub origin: String,
}

/// Everything that is asked for, and the hash that consent is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct TrustSheet {
    /// The rights.
    pub items: Vec<TrustItem>,
    /// SHA-256 over the list, as 64 hexadecimal digits.
    pub hash: String,
    /// True when this hash was allowed before.
    pub allowed: bool,
}
