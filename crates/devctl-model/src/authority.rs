//! Authorities: who signs, how far each is in its life, and what it may sign.

use serde::{Deserialize, Serialize};

/// What an authority signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum AuthorityKind {
    /// Certificates of people.
    User,
    /// Certificates of containers.
    Host,
}

/// How far an authority is in its life. Each step can be taken back until it is retired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum AuthorityPhase {
    /// It was made; nobody accepts it yet.
    New,
    /// Its certificates are accepted, it signs none.
    Trusted,
    /// It signs. One of a kind does.
    Signing,
    /// Nothing that it signed is accepted any more.
    Retired,
    /// Its key is in the revocation list.
    Revoked,
}

/// Where the private half of an authority is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum AuthorityHome {
    /// In the vault.
    Vault,
    /// In an ssh-agent, perhaps on a token.
    Agent,
}

/// An authority.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuthorityInfo {
    /// What it signs.
    pub kind: AuthorityKind,
    /// The how-manieth of its kind it is, from 1.
    pub generation: u32,
    /// `ssh-ed25519`.
    pub algorithm: String,
    /// `SHA256:…`.
    pub fingerprint: String,
    /// The public key as one line.
    pub public_key: String,
    /// How far it is in its life.
    pub phase: AuthorityPhase,
    /// Since when it is there.
    pub changed_at: String,
    /// Where its private half is.
    pub kept_in: AuthorityHome,
    /// When it was made, or came here.
    pub created_at: String,
    /// How many certificates it has signed.
    pub issued: u64,
    /// Certificates of it that somebody still needs: valid, not revoked, and not followed by a newer one for the same
    /// key. Each in words.
    pub needed_by: Vec<String>,
    /// What it may sign.
    pub policy: CertificatePolicy,
}

/// All authorities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuthorityList {
    /// The authorities, users' first, oldest first.
    pub authorities: Vec<AuthorityInfo>,
    /// How far the rotation of each kind is.
    pub rotations: Vec<RotationState>,
    /// Where private halves in the vault are protected ("OS keychain", "file …").
    pub kept_in: String,
}

/// How far the rotation of one kind of authority is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RotationState {
    /// Which kind.
    pub kind: AuthorityKind,
    /// Where it is.
    pub step: RotationStep,
    /// What `rotate` does next, in words.
    pub next: String,
    /// What has to happen first: nothing, or certificates of the old authority that somebody still needs.
    pub waits_for: Vec<String>,
    /// What `rollback` does, in words; absent where nothing can be taken back.
    pub back: Option<String>,
}

/// The steps of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum RotationStep {
    /// No rotation is under way.
    Idle,
    /// The next authority exists, and nobody accepts it.
    Made,
    /// The next authority is accepted beside the present one.
    Trusted,
    /// The next authority signs; the last one is still accepted.
    Signing,
}

/// One authority: the one that signs, or that of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuthorityRef {
    /// Which kind.
    pub kind: AuthorityKind,
    /// Which generation; the one that signs where absent.
    #[serde(default)]
    pub generation: Option<u32>,
}

/// Makes the next authority of a kind, or brings it here.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportAuthority {
    /// Which kind.
    pub kind: AuthorityKind,
    /// The private key as text, in a format that OpenSSH writes; absent when it is in an agent.
    #[serde(default)]
    pub private_key: Option<String>,
    /// The passphrase of that text, where it is encrypted.
    #[serde(default)]
    pub passphrase: Option<String>,
    /// The fingerprint (`SHA256:…`) of a key in the person's ssh-agent that is to sign.
    #[serde(default)]
    pub agent_key: Option<String>,
}

impl std::fmt::Debug for ImportAuthority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImportAuthority")
            .field("kind", &self.kind)
            .field("agent_key", &self.agent_key)
            .finish_non_exhaustive()
    }
}

/// One kind of authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuthorityOfKind {
    /// Which kind.
    pub kind: AuthorityKind,
}

/// Ends the life of the last authority of a kind, after another signs in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetireAuthority {
    /// Which kind.
    pub kind: AuthorityKind,
    /// Also where somebody still needs a certificate of it.
    #[serde(default)]
    pub now: bool,
    /// Also puts its key into the revocation list, which is final.
    #[serde(default)]
    pub revoke: bool,
}

/// Gives the private half of an authority out, encrypted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportAuthority {
    /// Which kind.
    pub kind: AuthorityKind,
    /// Which generation; the one that signs where absent.
    #[serde(default)]
    pub generation: Option<u32>,
    /// Encrypts the private half; absent: the public half only.
    #[serde(default)]
    pub passphrase: Option<String>,
}

impl std::fmt::Debug for ExportAuthority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExportAuthority")
            .field("kind", &self.kind)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

/// A key that was given out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ExportedKey {
    /// The public half as one line.
    pub public_key: String,
    /// The private half in OpenSSH's format, encrypted; absent where only the public half was asked for.
    pub private_key: Option<String>,
}

impl std::fmt::Debug for ExportedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExportedKey")
            .field("public_key", &self.public_key)
            .finish_non_exhaustive()
    }
}

/// What an authority may sign. What a request does not say is filled in first, then everything is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CertificatePolicy {
    /// The longest validity, in seconds.
    pub max_validity_seconds: u64,
    /// How far back a certificate may start, for clocks that differ, in seconds.
    pub clock_skew_seconds: u64,
    /// The principals that may be named: exact words, or beginnings that end in `-`. Empty: any.
    pub principals: Vec<String>,
    /// The extensions that may be granted (`permit-pty` …).
    pub extensions: Vec<String>,
    /// The key types that may be certified (`ssh-ed25519` …). Empty: any that is not weak.
    pub key_types: Vec<String>,
    /// A command that every certificate is bound to.
    pub force_command: Option<String>,
    /// Networks that every certificate is bound to. Refused by containers: their sessions have no source address.
    pub source_addresses: Vec<String>,
}

/// Sets what an authority may sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetAuthorityPolicy {
    /// Which kind: the one that signs.
    pub kind: AuthorityKind,
    /// The policy; absent brings the default back.
    #[serde(default)]
    pub policy: Option<CertificatePolicy>,
}
