//! Keys of people: their records, how they come and go, and the ssh-agent.

use crate::ssh::CertificateInfo;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The kinds of keys that can be made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub enum KeyType {
    /// Ed25519: short, fast, read by everything that is maintained.
    #[default]
    #[serde(rename = "ed25519")]
    Ed25519,
    /// ECDSA on P-256.
    #[serde(rename = "ecdsa-p256")]
    EcdsaP256,
    /// ECDSA on P-384.
    #[serde(rename = "ecdsa-p384")]
    EcdsaP384,
    /// ECDSA on P-521.
    #[serde(rename = "ecdsa-p521")]
    EcdsaP521,
    /// RSA of 3072 bits.
    #[serde(rename = "rsa-3072")]
    Rsa3072,
    /// RSA of 4096 bits.
    #[serde(rename = "rsa-4096")]
    Rsa4096,
}

impl KeyType {
    /// `ed25519`, `ecdsa-p256` …
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::EcdsaP521 => "ecdsa-p521",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
        }
    }
}

/// How a key came to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum KeyOrigin {
    /// It was made here.
    Generated,
    /// It was brought here.
    Imported,
    /// Only its public half is here: the private one is on a token, or another person's.
    Public,
}

/// What protects the private half of a key where it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum KeyProtection {
    /// A passphrase that was made here and is in the vault.
    Vault,
    /// The person's own passphrase, which is not kept.
    Passphrase,
    /// The person's own passphrase, which is in the vault because they asked for it.
    RememberedPassphrase,
    /// The rights of the file alone: the access key, which opens nothing without a fresh certificate.
    FileMode,
    /// The private half is not here.
    NotHere,
}

/// How far a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// It is in use.
    Active,
    /// Another has taken its place; it is accepted until the overlap ends.
    Retiring,
    /// It is in the revocation list.
    Revoked,
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeyRecord {
    /// Its name; `access` is the container access key.
    pub name: String,
    /// Its type: `ed25519`, `rsa-3072`, `sk-ed25519` …
    pub key_type: String,
    /// `SHA256:…`.
    pub fingerprint: String,
    /// The public half as one line.
    pub public_key: String,
    /// How it came to us.
    pub origin: KeyOrigin,
    /// What protects its private half.
    pub protection: KeyProtection,
    /// How far it is in its life.
    pub state: KeyState,
    /// The name of the key that took its place.
    pub replaced_by: Option<String>,
    /// When it is revoked, where another has taken its place.
    pub retires_at: Option<String>,
    /// What is weak about it.
    pub weakness: Option<String>,
    /// Where its private half lies.
    pub path: Option<String>,
    /// Its certificate, where one lies beside it.
    pub certificate: Option<CertificateInfo>,
    /// When it came to us, where that was recorded.
    pub created_at: Option<String>,
}

/// All keys, the access key first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct KeyList {
    /// The keys.
    pub keys: Vec<KeyRecord>,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyRef {
    /// Its name; `access` is the container access key.
    pub name: String,
}

/// Makes a key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GenerateKey {
    /// Its name: 1 to 64 of a to z, 0 to 9, `-` and `_`.
    pub name: String,
    /// Its type.
    #[serde(default)]
    pub key_type: KeyType,
    /// What its public half says at the end; `user@machine` where absent.
    #[serde(default)]
    pub comment: Option<String>,
    /// Protects the private half; one that is made here and kept in the vault where absent.
    #[serde(default)]
    pub passphrase: Option<String>,
    /// Keeps that passphrase in the vault, too.
    #[serde(default)]
    pub remember: bool,
}

/// Brings a key here.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportKey {
    /// Its name.
    pub name: String,
    /// The key as text: a private key, or the one line of a public key.
    pub key: String,
    /// Opens the private key, where it is encrypted, and goes on protecting it.
    #[serde(default)]
    pub passphrase: Option<String>,
    /// Keeps that passphrase in the vault.
    #[serde(default)]
    pub remember: bool,
}

/// Gives a key out: the public half, or with `new_passphrase` the private one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExportKey {
    /// Its name.
    pub name: String,
    /// Opens the private half, where the vault does not.
    #[serde(default)]
    pub passphrase: Option<String>,
    /// Encrypts the private half that is given out; absent: the public half only.
    #[serde(default)]
    pub new_passphrase: Option<String>,
}

/// Changes what protects the private half of a key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeKeyPassphrase {
    /// The name of the key.
    pub name: String,
    /// Opens the private half, where the vault does not.
    #[serde(default)]
    pub passphrase: Option<String>,
    /// Protects it from now on; one that is made here and kept in the vault where absent.
    #[serde(default)]
    pub new_passphrase: Option<String>,
    /// Keeps the new passphrase in the vault.
    #[serde(default)]
    pub remember: bool,
}

/// Puts a new key in the place of one.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RotateKey {
    /// The name of the key; the access key where absent.
    #[serde(default)]
    pub name: Option<String>,
    /// For how many seconds the old key is still accepted; an hour where absent, 0 revokes it at once.
    #[serde(default)]
    pub overlap_seconds: Option<u64>,
    /// Opens the private half, where the vault does not, and protects the new one.
    #[serde(default)]
    pub passphrase: Option<String>,
}

/// A key that was rotated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RotatedKey {
    /// The new key.
    pub key: KeyRecord,
    /// The fingerprint of the old one.
    pub old_fingerprint: String,
    /// When the old one is revoked; absent: it is already.
    pub retires_at: Option<String>,
}

/// A key that was removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct RemovedKey {
    /// Its name.
    pub name: String,
    /// Its fingerprint, by which it can still be revoked.
    pub fingerprint: String,
    /// How many entries of it were taken from the ssh-agent.
    pub taken_from_agent: u32,
}

/// What an ssh-agent holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AgentKeyList {
    /// Where the agent listens.
    pub agent: String,
    /// What it holds.
    pub keys: Vec<AgentKey>,
}

/// Something that an ssh-agent holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AgentKey {
    /// Its type.
    pub key_type: String,
    /// The fingerprint of the key; absent for types that are not known here.
    pub fingerprint: Option<String>,
    /// The comment that it was added with.
    pub comment: String,
    /// The name of the key, where it is one of ours.
    pub name: Option<String>,
    /// The certificate that it is held with.
    pub certificate: Option<CertificateInfo>,
}

/// Gives a key and a fresh certificate for it to the ssh-agent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddAgentKey {
    /// The name of the key.
    pub name: String,
    /// Opens the private half, where the vault does not.
    #[serde(default)]
    pub passphrase: Option<String>,
    /// For how many seconds the agent holds it, and the certificate is valid; 8 hours where absent.
    #[serde(default)]
    pub lifetime_seconds: Option<u32>,
    /// Lets the agent ask its user before each use.
    #[serde(default)]
    pub confirm: bool,
}

/// `Debug` that leaves out what is secret.
macro_rules! debug_without_secrets {
    ($($name:ident: $($field:ident),*;)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($field), &self.$field))*
                    .finish_non_exhaustive()
            }
        }
    )*};
}

debug_without_secrets! {
    GenerateKey: name, key_type, comment, remember;
    ImportKey: name, remember;
    ExportKey: name;
    ChangeKeyPassphrase: name, remember;
    RotateKey: name, overlap_seconds;
    AddAgentKey: name, lifetime_seconds, confirm;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_request_shows_its_passphrase() {
        let secret = "correct horse";
        let passphrase = || Some(secret.to_owned());
        let name = || "work".to_owned();
        let shown = [
            format!(
                "{:?}",
                GenerateKey {
                    name: name(),
                    key_type: KeyType::Ed25519,
                    comment: None,
                    passphrase: passphrase(),
                    remember: true,
                }
            ),
            format!(
                "{:?}",
                ImportKey {
                    name: name(),
                    key: secret.to_owned(),
                    passphrase: passphrase(),
                    remember: false,
                }
            ),
            format!(
                "{:?}",
                ExportKey {
                    name: name(),
                    passphrase: passphrase(),
                    new_passphrase: passphrase(),
                }
            ),
            format!(
                "{:?}",
                ChangeKeyPassphrase {
                    name: name(),
                    passphrase: passphrase(),
                    new_passphrase: passphrase(),
                    remember: false,
                }
            ),
            format!(
                "{:?}",
                RotateKey {
                    passphrase: passphrase(),
                    ..RotateKey::default()
                }
            ),
            format!(
                "{:?}",
                AddAgentKey {
                    name: name(),
                    passphrase: passphrase(),
                    lifetime_seconds: None,
                    confirm: false,
                }
            ),
        ];
        for text in shown {
            assert!(!text.contains(secret), "{text}");
        }
    }

    #[test]
    fn a_type_is_written_as_it_is_called() {
        for one in [KeyType::Ed25519, KeyType::EcdsaP521, KeyType::Rsa4096] {
            assert_eq!(serde_json::to_value(one).unwrap(), one.as_str());
        }
    }
}
