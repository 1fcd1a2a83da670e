//! Certificates: their records, issue, explanation and revocation.

use crate::authority::AuthorityKind;
use serde::{Deserialize, Serialize};

/// The record of a certificate that was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CertificateRecord {
    /// What kind of authority signed it.
    pub kind: AuthorityKind,
    /// The generation of the authority.
    pub generation: u32,
    /// The fingerprint of the authority.
    pub authority: String,
    /// Its number, unique under its authority.
    pub serial: u64,
    /// Its key id, as it appears in logs.
    pub key_id: String,
    /// The fingerprint of the key that it certifies.
    pub subject: String,
    /// What it may enter or be called.
    pub principals: Vec<String>,
    /// What its holder may do beyond running commands.
    pub extensions: Vec<String>,
    /// What binds its holder: `name=value`.
    pub critical_options: Vec<String>,
    /// From when it is valid.
    pub valid_after: String,
    /// Until when it is valid.
    pub valid_before: String,
    /// When it was signed.
    pub issued_at: String,
    /// Who asked for it.
    pub asked_by: String,
    /// What for.
    pub reason: String,
    /// Whether it is accepted now, and if not, why.
    pub state: CertificateState,
}

/// Whether a certificate is accepted now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum CertificateState {
    /// It is.
    Valid,
    /// Its time has not come.
    NotYetValid,
    /// Its time is over.
    Expired,
    /// It, its key or its authority is in the revocation list.
    Revoked,
    /// Its authority is not trusted any more, or not yet.
    Untrusted,
}

/// Which certificates are listed, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListCertificates {
    /// Of this kind only.
    #[serde(default)]
    pub kind: Option<AuthorityKind>,
    /// Also those whose time is over.
    #[serde(default)]
    pub expired: bool,
    /// So many at most; 100 where absent.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CertificateList {
    /// The certificates.
    pub certificates: Vec<CertificateRecord>,
}

/// One certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CertificateRef {
    /// Which kind of authority signed it.
    pub kind: AuthorityKind,
    /// Its number.
    pub serial: u64,
    /// The generation of the authority; the one that signs where absent.
    #[serde(default)]
    pub generation: Option<u32>,
}

/// Signs a public key that somebody sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IssueCertificate {
    /// The public key, one line of OpenSSH's format.
    pub public_key: String,
    /// Whom it is for, in words: part of the key id, and of what the log says.
    pub name: String,
    /// Containers that it may enter (name, alias or id).
    #[serde(default)]
    pub containers: Vec<String>,
    /// Roles that it bears (`role-NAME`).
    #[serde(default)]
    pub roles: Vec<String>,
    /// For how long, in seconds; the default is 16 hours.
    #[serde(default)]
    pub valid_seconds: Option<u64>,
    /// What for.
    #[serde(default)]
    pub reason: String,
    /// The Unix user that the receiver will log in as; the container's own where absent.
    #[serde(default)]
    pub user: Option<String>,
    /// The one command that it may run, for automation.
    #[serde(default)]
    pub force_command: Option<String>,
    /// Networks that it may be used from. A container refuses such a certificate, since its sessions have no source
    /// address; it is for servers of others.
    #[serde(default)]
    pub source_addresses: Vec<String>,
    /// Whether it may have a terminal.
    #[serde(default = "yes")]
    pub pty: bool,
    /// Whether it may forward ports.
    #[serde(default)]
    pub port_forwarding: bool,
    /// Whether it may forward the holder's agent.
    #[serde(default)]
    pub agent_forwarding: bool,
}

fn yes() -> bool {
    true
}

/// A certificate that was signed for somebody, and how they use it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct IssuedCertificate {
    /// Its record.
    pub record: CertificateRecord,
    /// The certificate, one line: the content of a `*-cert.pub` file.
    pub certificate: String,
    /// The line that the receiver puts into a known-hosts file.
    pub known_hosts: String,
    /// For each container: what the receiver types.
    pub ways: Vec<CertificateWay>,
}

/// How the holder of a certificate reaches one container. Nothing of ours listens, so it goes through an account on this
/// computer, or through the receiver's own access to the engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CertificateWay {
    /// The container's SSH name.
    pub host: String,
    /// The Unix user.
    pub user: String,
    /// The whole `ssh` line for the receiver; KEY is their private key, CERT and KNOWN are the files of this answer.
    pub ssh: String,
    /// A line for `~/.ssh/authorized_keys` of the account on this computer, so that the receiver's key may carry this
    /// one connection and nothing else.
    pub authorized_keys: String,
}

/// Revokes certificates or keys. Exactly one of the means is given. It is final.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Revoke {
    /// The kind of authority, for serials and key ids; users' where absent.
    #[serde(default)]
    pub kind: Option<AuthorityKind>,
    /// The generation of the authority; the one that signs where absent.
    #[serde(default)]
    pub generation: Option<u32>,
    /// One serial.
    #[serde(default)]
    pub serial: Option<u64>,
    /// All serials from one to another, both included.
    #[serde(default)]
    pub serials: Option<(u64, u64)>,
    /// All certificates with this key id.
    #[serde(default)]
    pub key_id: Option<String>,
    /// A public key, one line, with all its certificates.
    #[serde(default)]
    pub public_key: Option<String>,
    /// The fingerprint (`SHA256:…`) of a public key.
    #[serde(default)]
    pub fingerprint: Option<String>,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// What a revocation did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Revoked {
    /// The revocation.
    pub revocation: RevocationInfo,
    /// False when it was revoked already.
    pub changed: bool,
    /// What goes on now, in words.
    pub note: String,
}

/// Something that is revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RevocationInfo {
    /// The version of the list that first held it.
    pub version: u64,
    /// By which means: `serial`, `serial_range`, `key_id`, `key`, `fingerprint`.
    pub means: String,
    /// What: `7`, `7-20`, a key id, a public key, a fingerprint.
    pub what: String,
    /// The fingerprint of the authority in question; absent for keys.
    pub authority: Option<String>,
    /// When.
    pub at: String,
    /// Who asked for it.
    pub asked_by: String,
    /// Why.
    pub reason: String,
}

/// Everything that is revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RevocationReport {
    /// The version of the list; 1 has no entry.
    pub version: u64,
    /// Where the list is: a file in OpenSSH's own format.
    pub path: String,
    /// What is in it, oldest first.
    pub revocations: Vec<RevocationInfo>,
    /// What is wrong with the file, where it does not say what is recorded; the next login writes it anew.
    pub problem: Option<String>,
}

/// Asks whether a certificate would be accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifyCertificate {
    /// The certificate, one line of OpenSSH's format.
    pub certificate: String,
    /// The container that it is to enter, or to be of; absent: any.
    #[serde(default)]
    pub container: Option<String>,
    /// The Unix user in the container; the container's own where absent.
    #[serde(default)]
    pub user: Option<String>,
}

/// Whether a certificate would be accepted, rule by rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CertificateVerdict {
    /// Whether it would.
    pub accepted: bool,
    /// One sentence: the first rule that refuses it, or that none does.
    pub verdict: String,
    /// Each rule, in the order in which they are asked.
    pub checks: Vec<CertificateCheck>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CertificateCheck {
    /// Its name: `type`, `authority`, `signature`, `time`, `revocation`, `principals`, `options`, `key`.
    pub rule: String,
    /// Whether the certificate keeps it.
    pub ok: bool,
    /// Why, in plain words.
    pub words: String,
}
