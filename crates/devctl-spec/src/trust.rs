//! What a configuration asks for that reaches beyond its own container: the trust sheet.

mod reach;
#[cfg(test)]
mod tests;
mod wants;

pub use wants::wants;

use serde::Serialize;
use sha2::{Digest, Sha256};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrustKind {
    /// A command on the host.
    HostCommand,
    /// All rights.
    Privileged,
    /// An added capability.
    Capability,
    /// A security option.
    SecurityOption,
    /// A path of the host, or a device of a volume, outside the workspace.
    HostMount,
    /// A namespace of the host or of another container.
    HostNamespace,
    /// A device of the host.
    Device,
    /// Another flag that weakens isolation.
    WeakIsolation,
    /// A port on the host.
    PublishedPort,
    /// A variable of the host that flows into the container.
    HostVariable,
    /// A file of the host that is read.
    HostFile,
    /// Access of the image build to the host.
    BuildAccess,
}

/// One line of the sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrustItem {
    /// What is asked for.
    pub kind: TrustKind,
    /// The property or flag.
    pub key: String,
    /// What it says, as written; only paths of binds have their variables filled in, to show where they lead.
    pub value: String,
    /// What it allows, as one plain sentence.
    pub consequence: String,
    /// `file:line` or "image metadata, entry 2".
    pub origin: String,
}

/// The hash to which consent is bound: SHA-256 in hexadecimal over the canonical JSON of what is asked for.
///
/// Order, origin and wording do not count: moving a line in the file asks nobody again.
pub fn trust_hash(items: &[TrustItem]) -> String {
    let mut asked: Vec<(TrustKind, &str, &str)> = items
        .iter()
        .map(|item| (item.kind, item.key.as_str(), item.value.as_str()))
        .collect();
    asked.sort_unstable();
    asked.dedup();
    let canonical: serde_json::Value = asked
        .iter()
        .map(|(kind, key, value)| serde_json::json!([kind, key, value]))
        .collect();
    hex::encode(Sha256::digest(canonical.to_string()))
}
