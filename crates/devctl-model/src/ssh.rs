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
    /// What breaks logins in the user's configuration, or soon will.
    pub damage: Vec<SshDamage>,
    /// The configuration that an editor uses instead of the user's, where it does, and whether it includes ours.
    pub editor_config: Option<SshEditorConfig>,
}

/// Something in the user's configuration that breaks logins, or soon will.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SshDamage {
    /// Who did it, as far as can be told: `DevPod`, `Coder` …
    pub tool: String,
    /// The file.
    pub file: String,
    /// The line, from 1; 0 for the whole file.
    pub line: u64,
    /// What is wrong.
    pub what: String,
    /// What can be done.
    pub fix: String,
}

/// The configuration of an editor that does not use the user's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SshEditorConfig {
    /// The file, as `remote.SSH.configFile` names it.
    pub path: String,
    /// True when it includes our configuration.
    pub installed: bool,
}

/// Asks which lines of the user's configuration are in force for a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExplainSshHost {
    /// The host, as it is given to `ssh`: a container of ours or any other.
    pub host: String,
}

/// The lines in force for a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SshHostLines {
    /// The lines that count, in the order in which `ssh` reads them; the first of each keyword wins.
    pub lines: Vec<SshHostLine>,
    /// Lines that would count if a condition held that only `ssh` can try (`Match exec` and the like).
    pub conditional: Vec<SshHostLine>,
    /// Those conditions, and lines that `ssh` would not accept.
    pub remarks: Vec<SshDamage>,
}

/// A line of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SshHostLine {
    /// In small letters.
    pub keyword: String,
    /// Without quotes.
    pub value: String,
    /// The file that it stands in.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
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
    /// The same for the configuration that an editor uses instead, where one does.
    pub editor: Option<Box<SshInstallPlan>>,
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
