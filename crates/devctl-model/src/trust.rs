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

/// The hash of a sheet as a person gives it: 64 hexadecimal digits, with or without `sha256:` before them. None where
/// the text is anything else.
#[must_use]
pub fn trust_hash_in(text: &str) -> Option<&str> {
    let hash = text.strip_prefix("sha256:").unwrap_or(text);
    let is_hash = hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_hash.then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_hash_is_one() {
        let hash = "0123456789abcdef".repeat(4);
        assert_eq!(trust_hash_in(&hash), Some(hash.as_str()));
        assert_eq!(trust_hash_in(&format!("sha256:{hash}")), Some(hash.as_str()));
        for bad in [
            "",
            "sha256:",
            "yes",
            &hash[1..],
            &hash.to_uppercase(),
            &format!(" {hash}"),
        ] {
            assert_eq!(trust_hash_in(bad), None, "{bad:?}");
        }
    }
}
