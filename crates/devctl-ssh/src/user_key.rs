use std::fmt;
use std::path::Path;

use ssh_key::private::{EcdsaKeypair, KeypairData};
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, EcdsaCurve, LineEnding, PrivateKey, PublicKey};
use zeroize::Zeroizing;

use crate::error::SshError;
use crate::key;

mod curve;
mod der;
mod import;
mod rsa;

/// The fewest bits of an RSA key that is not called weak.
const FEWEST_RSA_BITS: u32 = 3072;

/// The kinds of keys that can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum KeyAlgorithm {
    /// Short, fast, and read by everything that is still maintained.
    #[default]
    Ed25519,
    /// ECDSA on NIST's P-256.
    EcdsaP256,
    /// ECDSA on NIST's P-384.
    EcdsaP384,
    /// ECDSA on NIST's P-521.
    EcdsaP521,
    /// RSA of 3072 bits, made by `ssh-keygen`.
    Rsa3072,
    /// RSA of 4096 bits, made by `ssh-keygen`.
    Rsa4096,
}

impl KeyAlgorithm {
    /// All of them, the recommended one first.
    pub const ALL: [Self; 6] = [
        Self::Ed25519,
        Self::EcdsaP256,
        Self::EcdsaP384,
        Self::EcdsaP521,
        Self::Rsa3072,
        Self::Rsa4096,
    ];

    /// `ed25519`, `ecdsa-p256`, `ecdsa-p384`, `ecdsa-p521`, `rsa-3072` or `rsa-4096`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::EcdsaP521 => "ecdsa-p521",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
        }
    }

    /// Reads what [`KeyAlgorithm::as_str`] gives.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a key should be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// An RSA key with fewer than 3072 bits.
    ShortRsa {
        /// How many it has.
        bits: u32,
    },
    /// DSA: 1024 bits with SHA-1, and removed from OpenSSH.
    Dsa,
    /// A type that is not known here, so that nothing can be said for it.
    UnknownType,
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ShortRsa { bits } => {
                write!(f, "RSA with {bits} bits, fewer than {FEWEST_RSA_BITS}")
            }
            Self::Dsa => f.write_str("DSA, which OpenSSH has removed"),
            Self::UnknownType => f.write_str("a type that is not known"),
        }
    }
}

/// What is weak about a public key, if anything is.
#[must_use]
pub fn weakness(key: &PublicKey) -> Option<Weakness> {
    match key.key_data() {
        KeyData::Rsa(rsa) if rsa.key_size() < FEWEST_RSA_BITS => {
            Some(Weakness::ShortRsa { bits: rsa.key_size() })
        }
        KeyData::Dsa(_) => Some(Weakness::Dsa),
        KeyData::Ecdsa(_)
        | KeyData::Ed25519(_)
        | KeyData::Rsa(_)
        | KeyData::SkEcdsaSha2NistP256(_)
        | KeyData::SkEd25519(_) => None,
        _ => Some(Weakness::UnknownType),
    }
}

/// The type of a public key in words: `ed25519`, `rsa-3072`, `sk-ed25519`, else the name that OpenSSH uses.
#[must_use]
pub fn key_type(key: &PublicKey) -> String {
    match key.key_data() {
        KeyData::Rsa(rsa) => format!("rsa-{}", rsa.key_size()),
        KeyData::SkEd25519(_) => "sk-ed25519".to_owned(),
        KeyData::SkEcdsaSha2NistP256(_) => "sk-ecdsa-p256".to_owned(),
        other => match other.algorithm() {
            Algorithm::Ed25519 => "ed25519".to_owned(),
            Algorithm::Ecdsa { curve } => match curve {
                EcdsaCurve::NistP256 => "ecdsa-p256".to_owned(),
                EcdsaCurve::NistP384 => "ecdsa-p384".to_owned(),
                EcdsaCurve::NistP521 => "ecdsa-p521".to_owned(),
            },
            algorithm => algorithm.as_str().to_owned(),
        },
    }
}

/// A private key of a person, in memory. It is wiped when it is dropped; `Debug` shows the fingerprint only.
pub struct UserKey {
    key: PrivateKey,
}

impl UserKey {
    /// Makes a key. `ssh_keygen` is the program that makes RSA keys; the others are made here.
    ///
    /// An RSA key comes through a pipe and touches no disk, except on Windows: there it stands for an instant in a
    /// temporary directory of the user and is overwritten before it is removed.
    ///
    /// # Errors
    /// [`SshError::Random`], or for RSA [`KeyError::KeygenMissing`] and [`KeyError::KeygenFailed`].
    pub fn generate(algorithm: KeyAlgorithm, comment: &str, ssh_keygen: &Path) -> Result<Self, SshError> {
        let key = match algorithm {
            KeyAlgorithm::Ed25519 => key::generate(comment)?,
            KeyAlgorithm::EcdsaP256 => ecdsa(curve::random(EcdsaCurve::NistP256)?, comment)?,
            KeyAlgorithm::EcdsaP384 => ecdsa(curve::random(EcdsaCurve::NistP384)?, comment)?,
            KeyAlgorithm::EcdsaP521 => ecdsa(curve::random(EcdsaCurve::NistP521)?, comment)?,
            KeyAlgorithm::Rsa3072 => rsa::generate(3072, comment, ssh_keygen)?,
            KeyAlgorithm::Rsa4096 => rsa::generate(4096, comment, ssh_keygen)?,
        };
        Ok(Self { key })
    }

    /// Reads a private key file: OpenSSH's format, plain or encrypted, and plain PEM of the kinds `PRIVATE KEY`
    /// (PKCS#8: ed25519, ECDSA, RSA), `EC PRIVATE KEY` (SEC1) and `RSA PRIVATE KEY` (PKCS#1).
    ///
    /// # Errors
    /// [`KeyError::PassphraseNeeded`] and [`KeyError::PassphraseWrong`] for encrypted keys;
    /// [`KeyError::FormatRefused`], with the command that converts it, for what is known and not read: DSA, PuTTY's
    /// formats, PKCS#12, encrypted PEM, SSH.COM's format, handles of security keys; [`KeyError::NotAKey`] and
    /// [`KeyError::Damaged`] for the rest.
    pub fn import(bytes: &[u8], passphrase: Option<&[u8]>) -> Result<Self, SshError> {
        Ok(Self {
            key: import::read(bytes, passphrase)?,
        })
    }

    /// The private key in OpenSSH's format, encrypted (aes256-ctr, bcrypt): what stands on a disk.
    ///
    /// # Errors
    /// [`KeyError::PassphraseEmpty`], [`SshError::Random`], or the key cannot be encoded.
    pub fn to_openssh_encrypted(&self, passphrase: &[u8]) -> Result<Zeroizing<String>, SshError> {
        key::encrypted(&self.key, passphrase)
    }

    /// The private key in OpenSSH's format and in the clear: for whoever exports it and says so.
    ///
    /// # Errors
    /// The key cannot be encoded.
    pub fn to_openssh_plain(&self) -> Result<Zeroizing<String>, SshError> {
        self.key.to_openssh(LineEnding::LF).map_err(SshError::Signing)
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    /// The public half as one line: `ssh-ed25519 AAAA… comment`.
    ///
    /// # Errors
    /// The key cannot be encoded.
    pub fn public_line(&self) -> Result<String, SshError> {
        key::public_line(self.key.public_key())
    }

    /// `SHA256:…`
    #[must_use]
    pub fn fingerprint(&self) -> String {
        key::fingerprint(self.key.public_key())
    }

    /// The type in words, as [`key_type`] gives it.
    #[must_use]
    pub fn key_type(&self) -> String {
        key_type(self.key.public_key())
    }

    /// The comment, as far as it is text.
    #[must_use]
    pub fn comment(&self) -> &str {
        self.key.comment().as_str_lossy()
    }

    /// Gives the key another comment.
    pub fn set_comment(&mut self, comment: &str) {
        self.key.set_comment(comment);
    }

    pub(crate) fn private(&self) -> &PrivateKey {
        &self.key
    }

    pub(crate) fn into_private(self) -> PrivateKey {
        self.key
    }
}

impl fmt::Debug for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserKey")
            .field("type", &self.key_type())
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

fn ecdsa(pair: EcdsaKeypair, comment: &str) -> Result<PrivateKey, SshError> {
    PrivateKey::new(KeypairData::Ecdsa(pair), comment).map_err(SshError::Signing)
}

#[cfg(test)]
mod tests;
