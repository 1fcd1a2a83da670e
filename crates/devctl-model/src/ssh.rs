//! Keys, authorities, and the client's configuration, as doors show them.

use serde::{Deserialize, Serialize};

/// The access key and its certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeyInfo {
    /// `ssh-ed25519`.
    pub algorithm: String,
    /// `SHA256:…`.
    pub fingerprint: String,
    /// The public key as one line.
    pub public_key: String,
    /// Where the private key lies (mode 0600).
    pub path: String,
    /// Its certificate, where one was issued.
    pub certificate: Option<CertificateInfo>,
}

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CertificateInfo {
    /// Its number, unique under its authority.
    pub serial: u64,
    /// Its key id, as it appears in logs.
    pub key_id: String,
    /// What it may enter.
    pub principals: Vec<String>,
    /// From when it is valid.
    pub valid_after: String,
    /// Until when it is valid.
    pub valid_before: String,
    /// When it will be renewed without being asked.
    pub renew_at: String,
    /// True when it is valid now.
    pub valid: bool,
    /// Fingerprint of the authority that signed it.
    pub authority: String,
}

/// Whether plain `ssh NAME.devctl` works, and why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SshStatus {
    /// True when the user's configuration includes ours.
    pub installed: bool,
    /// The user's configuration file, after links.
    pub user_config: String,
    /// Our own configuration, for `ssh -F`.
    pub our_config: String,
    /// The line that includes it.
    pub include_line: String,
    /// Names that can be entered.
    pub hosts: Vec<String>,
    /// What stands in the way, where something does.
    pub problem: Option<String>,
    /// The certificate of the access key.
    pub certificate: Option<CertificateInfo>,
}

/// What `ssh install` would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SshInstallPlan {
    /// The file that would be changed, after links.
    pub path: String,
    /// True when there is nothing to change.
    pub already: bool,
    /// The change as a unified diff; empty when there is none.
    pub diff: String,
    /// Where the old file would be kept.
    pub backup: Option<String>,
    /// Why it cannot be changed; then the line is to be added by hand.
    pub blocked: Option<String>,
    /// The line.
    pub include_line: String,
}

/// The complete client configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SshConfigText {
    /// The text, for `ssh -F`.
    pub text: String,
    /// Where it is kept.
    pub path: String,
}
