use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use devctl_files::{Mode, write_atomic};
use ssh_key::PublicKey;

use crate::error::SshError;

/// "SSHKRL\n\0" (PROTOCOL.krl).
const MAGIC: &[u8; 8] = b"SSHKRL\n\0";
const FORMAT_VERSION: u32 = 1;
const SECTION_CERTIFICATES: u8 = 1;
const CERTIFICATES_SERIAL_LIST: u8 = 0x20;
const CERTIFICATES_KEY_ID: u8 = 0x23;

/// What is revoked, to be written as an OpenSSH key revocation list. Without any entry it is still a valid file of 44
/// bytes, and that is what readers need: no file locks everybody out, an empty one lets everybody in.
///
/// No signature section: OpenSSH 9.4 and later refuse lists that have one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationList {
    version: u64,
    generated: u64,
    by_authority: BTreeMap<Vec<u8>, Revoked>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Revoked {
    serials: BTreeSet<u64>,
    key_ids: BTreeSet<String>,
}

impl RevocationList {
    /// A list without entries. `version` counts the lists of an installation, `generated` is in seconds since the
    /// epoch.
    #[must_use]
    pub fn new(version: u64, generated: u64) -> Self {
        Self {
            version,
            generated,
            by_authority: BTreeMap::new(),
        }
    }

    /// Revokes the certificate of `authority` with this serial.
    ///
    /// # Errors
    /// [`SshError::CertificateRefused`] for serial 0: it means "not numbered" and revokes nothing.
    pub fn revoke_serial(&mut self, authority: &PublicKey, serial: u64) -> Result<(), SshError> {
        if serial == 0 {
            return Err(SshError::CertificateRefused {
                rule: "serial 0 cannot be revoked".to_owned(),
            });
        }
        self.of(authority)?.serials.insert(serial);
        Ok(())
    }

    /// Revokes all certificates of `authority` with this key id.
    ///
    /// # Errors
    /// The authority's key cannot be encoded.
    pub fn revoke_key_id(&mut self, authority: &PublicKey, key_id: &str) -> Result<(), SshError> {
        self.of(authority)?.key_ids.insert(key_id.to_owned());
        Ok(())
    }

    fn of(&mut self, authority: &PublicKey) -> Result<&mut Revoked, SshError> {
        let key = authority.to_bytes().map_err(SshError::Signing)?;
        Ok(self.by_authority.entry(key).or_default())
    }

    /// The file's content.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(44);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_be_bytes());
        out.extend_from_slice(&self.version.to_be_bytes());
        out.extend_from_slice(&self.generated.to_be_bytes());
        out.extend_from_slice(&0u64.to_be_bytes()); // flags: none are defined
        put_string(&mut out, b""); // reserved
        put_string(&mut out, b""); // comment
        for (authority, revoked) in &self.by_authority {
            out.push(SECTION_CERTIFICATES);
            put_string(&mut out, &revoked.section(authority));
        }
        out
    }

    /// Writes the list to a file, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written; the old one is then still in force.
    pub fn write(&self, path: &Path) -> Result<(), SshError> {
        Ok(write_atomic(path, &self.to_bytes(), Mode::PRIVATE)?)
    }
}

impl Revoked {
    fn section(&self, authority: &[u8]) -> Vec<u8> {
        let mut section = Vec::new();
        put_string(&mut section, authority);
        put_string(&mut section, b""); // reserved
        if !self.serials.is_empty() {
            let list: Vec<u8> = self
                .serials
                .iter()
                .flat_map(|serial| serial.to_be_bytes())
                .collect();
            section.push(CERTIFICATES_SERIAL_LIST);
            put_string(&mut section, &list);
        }
        if !self.key_ids.is_empty() {
            let mut list = Vec::new();
            for key_id in &self.key_ids {
                put_string(&mut list, key_id.as_bytes());
            }
            section.push(CERTIFICATES_KEY_ID);
            put_string(&mut section, &list);
        }
        section
    }
}

/// A length in four bytes, then the bytes. What is put here is far below 4 GiB.
fn put_string(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::{Authority, AuthorityKind};
    use crate::certificate::{Principal, UserCertRequest, issue_user_certificate};
    use crate::key_file::AccessKey;
    use crate::ssh_dir::SshDir;
    use std::process::Command;

    fn revoked_by_ssh_keygen(list: &Path, certificate: &Path) -> bool {
        let output = Command::new("ssh-keygen")
            .arg("-Q")
            .arg("-f")
            .arg(list)
            .arg(certificate)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            said.contains(": ok") || said.contains(": REVOKED"),
            "{said} {output:?}"
        );
        !output.status.success()
    }

    #[test]
    fn an_empty_list_is_44_bytes() {
        let bytes = RevocationList::new(1, 2).to_bytes();
        assert_eq!(bytes.len(), 44);
        assert!(bytes.starts_with(MAGIC));
    }

    #[test]
    fn serial_zero_is_refused() {
        let authority = Authority::generate(AuthorityKind::User, 1).unwrap();
        assert!(
            RevocationList::new(1, 1)
                .revoke_serial(authority.public_key(), 0)
                .is_err()
        );
    }

    #[test]
    fn ssh_keygen_reads_what_was_written() {
        if Command::new("ssh-keygen").arg("-?").output().is_err() {
            println!("SKIPPED: no ssh-keygen here");
            return;
        }
        let home = tempfile::tempdir().unwrap();
        let (authority, other) = (
            Authority::generate(AuthorityKind::User, 1).unwrap(),
            Authority::generate(AuthorityKind::User, 2).unwrap(),
        );
        let key = AccessKey::ensure(&SshDir::new(home.path().join("keys")), "dev").unwrap();
        let certificate = |signer: &Authority, serial: u64| {
            let principals = vec![Principal::new("owner-1").unwrap()];
            let request =
                UserCertRequest::at(1_800_000_000, serial, format!("user:dev/{serial}"), principals);
            let signed = issue_user_certificate(signer, key.public_key(), &request).unwrap();
            let path = home
                .path()
                .join(format!("{}-{serial}-cert.pub", signer.generation()));
            std::fs::write(&path, signed.to_openssh().unwrap()).unwrap();
            path
        };
        let mut list = RevocationList::new(3, 1_800_000_000);
        let path = home.path().join("revoked.krl");
        list.write(&path).unwrap();
        assert!(!revoked_by_ssh_keygen(&path, &certificate(&authority, 7)));

        for serial in [900, 7, 8, u64::MAX] {
            list.revoke_serial(authority.public_key(), serial).unwrap();
        }
        list.revoke_key_id(authority.public_key(), "user:dev/50").unwrap();
        list.write(&path).unwrap();
        for serial in [7, 8, 900, u64::MAX, 50] {
            assert!(
                revoked_by_ssh_keygen(&path, &certificate(&authority, serial)),
                "{serial}"
            );
            assert!(
                !revoked_by_ssh_keygen(&path, &certificate(&other, serial)),
                "{serial}"
            );
        }
        for serial in [1, 6, 9, 51] {
            assert!(
                !revoked_by_ssh_keygen(&path, &certificate(&authority, serial)),
                "{serial}"
            );
        }
    }
}
