use std::fmt;
use std::path::Path;

use devctl_files::{Mode, read_optional, write_if_changed};
use ssh_key::{LineEnding, PrivateKey, PublicKey};
use zeroize::Zeroizing;

use crate::error::SshError;
use crate::key;
use crate::key_error::KeyError;
use crate::signer::authority_type;
use crate::user_key::{KeyAlgorithm, UserKey, key_type};

/// Whose keys an authority signs. The two are never the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AuthorityKind {
    /// Certificates of people.
    User,
    /// Certificates of containers.
    Host,
}

impl AuthorityKind {
    /// `user` or `host`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Host => "host",
        }
    }
}

impl fmt::Display for AuthorityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A certificate authority: a key of one [`AuthorityKind`], ed25519 unless another was chosen or imported. Holds the private half, so keep it no longer than
/// one signature needs; `Debug` shows the fingerprint only.
pub struct Authority {
    kind: AuthorityKind,
    generation: u32,
    key: PrivateKey,
}

impl Authority {
    /// A new authority. `generation` counts the authorities of one kind from 1.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn generate(kind: AuthorityKind, generation: u32) -> Result<Self, SshError> {
        let key = key::generate(&comment(kind, generation))?;
        Ok(Self {
            kind,
            generation,
            key,
        })
    }

    /// A new authority of a chosen type.
    ///
    /// # Errors
    /// [`KeyError::TypeRefused`] for RSA; the operating system gives no random bytes.
    pub fn generate_as(
        kind: AuthorityKind,
        generation: u32,
        algorithm: KeyAlgorithm,
    ) -> Result<Self, SshError> {
        if matches!(algorithm, KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096) {
            return Err(KeyError::TypeRefused {
                algorithm: algorithm.as_str().to_owned(),
                why: "authorities are ed25519 or ecdsa keys",
            }
            .into());
        }
        // No program is asked for the types that are left.
        let key = UserKey::generate(algorithm, &comment(kind, generation), Path::new(""))?;
        Ok(Self {
            kind,
            generation,
            key: key.into_private(),
        })
    }

    /// Takes over the key of an authority that exists elsewhere, in any format that [`UserKey::import`] reads. Its
    /// comment is replaced.
    ///
    /// # Errors
    /// As [`UserKey::import`]; [`KeyError::TypeRefused`] for RSA.
    pub fn import(
        kind: AuthorityKind,
        generation: u32,
        private: &[u8],
        passphrase: Option<&[u8]>,
    ) -> Result<Self, SshError> {
        let mut key = UserKey::import(private, passphrase)?;
        authority_type(key.public_key())?;
        key.set_comment(&comment(kind, generation));
        Ok(Self {
            kind,
            generation,
            key: key.into_private(),
        })
    }

    /// Reads what [`Authority::to_openssh`] gave. The generation is in the key's comment.
    ///
    /// # Errors
    /// [`SshError::AuthorityUnreadable`] if it is not a plain private key in OpenSSH's format.
    pub fn from_openssh(kind: AuthorityKind, private: &[u8]) -> Result<Self, SshError> {
        let unreadable = |source| SshError::AuthorityUnreadable {
            kind: kind.as_str(),
            source,
        };
        let key = PrivateKey::from_openssh(private).map_err(unreadable)?;
        if key.is_encrypted() {
            return Err(unreadable(ssh_key::Error::Encrypted));
        }
        let generation = key
            .comment()
            .as_str()
            .ok()
            .and_then(|comment| {
                comment
                    .strip_prefix(&format!("devctl-{kind}-authority-"))?
                    .parse()
                    .ok()
            })
            .unwrap_or(1);
        Ok(Self {
            kind,
            generation,
            key,
        })
    }

    /// The private half in OpenSSH's format and in the clear, for the vault and for nowhere else.
    ///
    /// # Errors
    /// The key cannot be encoded.
    pub fn to_openssh(&self) -> Result<Zeroizing<Vec<u8>>, SshError> {
        let text = self.key.to_openssh(LineEnding::LF).map_err(SshError::Signing)?;
        Ok(Zeroizing::new(text.as_bytes().to_vec()))
    }

    /// The private half in OpenSSH's format, encrypted: for an export.
    ///
    /// # Errors
    /// As [`UserKey::to_openssh_encrypted`].
    pub fn to_openssh_encrypted(&self, passphrase: &[u8]) -> Result<Zeroizing<String>, SshError> {
        key::encrypted(&self.key, passphrase)
    }

    /// The type of its key in words: `ed25519`, `ecdsa-p256` …
    #[must_use]
    pub fn key_type(&self) -> String {
        key_type(self.key.public_key())
    }

    /// Whose keys it signs.
    #[must_use]
    pub fn kind(&self) -> AuthorityKind {
        self.kind
    }

    /// The how-manieth authority of its kind this is, from 1.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// The public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    /// The public half as one line: `ssh-ed25519 AAAA… devctl-user-authority-1`.
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

    pub(crate) fn signing_key(&self) -> &PrivateKey {
        &self.key
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority")
            .field("kind", &self.kind)
            .field("generation", &self.generation)
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

/// Where the generation of a key is kept.
fn comment(kind: AuthorityKind, generation: u32) -> String {
    format!("devctl-{kind}-authority-{generation}")
}

/// Writes the public halves of the trusted authorities, newest first, one line each: the form of sshd's
/// `TrustedUserCAKeys`. Login and renewal read this file instead of the vault.
///
/// # Errors
/// The file cannot be written, or a key not be encoded.
pub fn write_trusted_authorities(path: &Path, authorities: &[PublicKey]) -> Result<(), SshError> {
    let mut text = String::new();
    for authority in authorities {
        text.push_str(&key::public_line(authority)?);
        text.push('\n');
    }
    write_if_changed(path, text.as_bytes(), Mode::PRIVATE)?;
    Ok(())
}

/// Reads what [`write_trusted_authorities`] wrote; a missing file is no authority.
///
/// # Errors
/// The file cannot be read, or a line is not a public key.
pub fn read_trusted_authorities(path: &Path) -> Result<Vec<PublicKey>, SshError> {
    let Some(bytes) = read_optional(path)? else {
        return Ok(Vec::new());
    };
    String::from_utf8_lossy(&bytes)
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| {
            PublicKey::from_openssh(line).map_err(|source| SshError::KeyUnreadable {
                path: path.to_path_buf(),
                source,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_survives_the_vault_and_keeps_its_generation() {
        let made = Authority::generate(AuthorityKind::Host, 3).unwrap();
        let read = Authority::from_openssh(AuthorityKind::Host, &made.to_openssh().unwrap()).unwrap();
        assert_eq!((read.generation(), read.fingerprint()), (3, made.fingerprint()));
        assert_eq!(read.public_line().unwrap(), made.public_line().unwrap());
    }

    #[test]
    fn every_type_but_rsa_can_be_an_authority() {
        for algorithm in KeyAlgorithm::ALL {
            let made = Authority::generate_as(AuthorityKind::User, 2, algorithm);
            if algorithm.as_str().starts_with("rsa") {
                assert_eq!(made.unwrap_err().code(), "ssh.key_type_refused");
                continue;
            }
            let made = made.unwrap();
            assert_eq!(made.key_type(), algorithm.as_str());
            let read = Authority::from_openssh(AuthorityKind::User, &made.to_openssh().unwrap()).unwrap();
            assert_eq!((read.generation(), read.fingerprint()), (2, made.fingerprint()));
        }
    }

    #[test]
    fn an_authority_moves_in_encrypted_and_out_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca");
        let made = std::process::Command::new("ssh-keygen")
            .args([
                "-q",
                "-t",
                "ecdsa",
                "-b",
                "384",
                "-C",
                "old CA",
                "-N",
                "correct horse",
                "-f",
            ])
            .arg(&file)
            .status()
            .unwrap();
        assert!(made.success());
        let private = std::fs::read(&file).unwrap();
        let import = |passphrase| Authority::import(AuthorityKind::Host, 4, &private, passphrase);
        assert_eq!(import(None).unwrap_err().code(), "ssh.passphrase_needed");
        assert_eq!(import(Some(b"wrong")).unwrap_err().code(), "ssh.passphrase_wrong");
        let authority = import(Some(b"correct horse")).unwrap();
        let public = std::fs::read_to_string(folder.path().join("ca.pub")).unwrap();
        assert_eq!(
            authority.public_key().key_data(),
            PublicKey::from_openssh(&public).unwrap().key_data()
        );
        assert!(
            authority
                .public_line()
                .unwrap()
                .ends_with(" devctl-host-authority-4")
        );
        let exported = authority.to_openssh_encrypted(b"new words").unwrap();
        let again = UserKey::import(exported.as_bytes(), Some(b"new words")).unwrap();
        assert_eq!(again.fingerprint(), authority.fingerprint());
    }

    #[test]
    fn an_rsa_key_is_not_taken_over_as_an_authority() {
        let key = UserKey::generate(KeyAlgorithm::Rsa3072, "", Path::new("ssh-keygen")).unwrap();
        let private = key.to_openssh_plain().unwrap();
        let error = Authority::import(AuthorityKind::User, 1, private.as_bytes(), None).unwrap_err();
        assert_eq!(error.code(), "ssh.key_type_refused");
        assert!(error.fix().is_some());
    }

    #[test]
    fn debug_shows_no_private_half() {
        let made = Authority::generate(AuthorityKind::User, 1).unwrap();
        let private = String::from_utf8(made.to_openssh().unwrap().to_vec()).unwrap();
        let shown = format!("{made:?}");
        assert!(shown.contains("SHA256:") && !private.lines().any(|line| shown.contains(line)));
    }

    #[test]
    fn damaged_bytes_are_an_error_with_a_code() {
        let error = Authority::from_openssh(AuthorityKind::User, b"-----BEGIN nothing").unwrap_err();
        assert_eq!(error.code(), "ssh.authority_unreadable");
    }

    #[test]
    fn trusted_authorities_are_read_back_in_order() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("user_authorities");
        assert!(read_trusted_authorities(&path).unwrap().is_empty());
        let keys: Vec<PublicKey> = (1..3)
            .map(|n| {
                Authority::generate(AuthorityKind::User, n)
                    .unwrap()
                    .public_key()
                    .clone()
            })
            .collect();
        write_trusted_authorities(&path, &keys).unwrap();
        assert_eq!(read_trusted_authorities(&path).unwrap(), keys);
    }
}
