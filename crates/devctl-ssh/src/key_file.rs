use std::fmt;
use std::path::{Path, PathBuf};

use devctl_files::{
    FilesError, Mode, ensure_private_dir, ensure_private_file, read_optional, write_if_changed, write_new,
};
use ssh_key::{Certificate, LineEnding, PrivateKey, PublicKey};
use zeroize::Zeroizing;

use crate::error::SshError;
use crate::key;

/// The host keys of all containers, below one directory of the state: `ID/ssh_host_ed25519_key` and its certificate.
#[derive(Debug, Clone)]
pub struct HostKeys {
    dir: PathBuf,
}

impl HostKeys {
    /// Names the directory; nothing is made yet.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Reads the host key of a container, or makes it; of processes at once all get the same.
    ///
    /// # Errors
    /// [`SshError::Name`] if the id cannot be a file name, [`SshError::KeyUnreadable`] if the file is damaged.
    pub fn ensure(&self, container_id: &str) -> Result<HostKey, SshError> {
        let dir = self.directory_of(container_id)?;
        ensure_private_dir(&dir)?;
        let path = dir.join("ssh_host_ed25519_key");
        let key = read_or_make(&path, container_id)?;
        Ok(HostKey {
            certificate_path: dir.join("ssh_host_ed25519_key-cert.pub"),
            path,
            key,
        })
    }

    /// Removes the host key and certificate of a container; nothing happens if there are none.
    ///
    /// # Errors
    /// The directory cannot be removed.
    pub fn remove(&self, container_id: &str) -> Result<(), SshError> {
        let dir = self.directory_of(container_id)?;
        match std::fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(FilesError::new(devctl_files::Action::Remove, dir, error).into())
            }
            _ => Ok(()),
        }
    }

    fn directory_of(&self, container_id: &str) -> Result<PathBuf, SshError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if container_id.is_empty()
            || container_id.len() > 128
            || container_id.starts_with('.')
            || !container_id.bytes().all(plain)
        {
            return Err(SshError::Name {
                name: container_id.to_owned(),
                why: "a container id has 1 to 128 letters, digits, hyphens, dots and underscores",
            });
        }
        Ok(self.dir.join(container_id))
    }
}

/// The host key of one container. Holds the private half; `Debug` shows the fingerprint only.
pub struct HostKey {
    path: PathBuf,
    certificate_path: PathBuf,
    key: PrivateKey,
}

impl HostKey {
    /// The private key file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The certificate file; it need not exist.
    #[must_use]
    pub fn certificate_path(&self) -> &Path {
        &self.certificate_path
    }

    /// The public half: the subject of the host certificate.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    /// `SHA256:…`
    #[must_use]
    pub fn fingerprint(&self) -> String {
        key::fingerprint(self.key.public_key())
    }

    /// The private half in OpenSSH's format, for the agent's standard input and for nowhere else.
    ///
    /// # Errors
    /// The key cannot be encoded.
    pub fn private_openssh(&self) -> Result<Zeroizing<String>, SshError> {
        self.key.to_openssh(LineEnding::LF).map_err(SshError::Signing)
    }

    /// The certificate line as it is on the disk, or `None`; whether it is still good says
    /// [`host_renewal_due`](crate::host_renewal_due).
    ///
    /// # Errors
    /// The file is there but cannot be read.
    pub fn certificate_line(&self) -> Result<Option<String>, SshError> {
        let bytes = read_optional(&self.certificate_path)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim_end().to_owned()))
    }

    /// Puts a new certificate in place.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_certificate(&self, certificate: &Certificate) -> Result<(), SshError> {
        let line = certificate.to_openssh().map_err(SshError::Signing)? + "\n";
        write_if_changed(&self.certificate_path, line.as_bytes(), Mode::PRIVATE)?;
        Ok(())
    }
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostKey")
            .field("path", &self.path)
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

/// What is in the file always wins: whoever loses the race to make it reads the winner's.
pub(crate) fn read_or_make(path: &Path, comment: &str) -> Result<PrivateKey, SshError> {
    if let Some(key) = read(path)? {
        return Ok(key);
    }
    let made = key::generate(comment)?;
    let text = made.to_openssh(LineEnding::LF).map_err(SshError::Signing)?;
    if write_new(path, text.as_bytes(), Mode::PRIVATE)? {
        return Ok(made);
    }
    read(path)?.ok_or_else(|| {
        FilesError::new(
            devctl_files::Action::Read,
            path,
            std::io::ErrorKind::NotFound.into(),
        )
        .into()
    })
}

fn read(path: &Path) -> Result<Option<PrivateKey>, SshError> {
    let Some(bytes) = read_optional(path)?.map(Zeroizing::new) else {
        return Ok(None);
    };
    let unreadable = |source| SshError::KeyUnreadable {
        path: path.to_path_buf(),
        source,
    };
    let key = PrivateKey::from_openssh(bytes.as_slice()).map_err(unreadable)?;
    if key.is_encrypted() {
        return Err(unreadable(ssh_key::Error::Encrypted));
    }
    // Corrects the mode: ssh refuses a private key that others can read.
    ensure_private_file(path)?;
    Ok(Some(key))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn a_host_key_is_per_container_and_ids_cannot_leave_the_directory() {
        let home = tempfile::tempdir().unwrap();
        let keys = HostKeys::new(home.path().join("hosts"));
        let one = keys.ensure("abc").unwrap();
        assert_eq!(keys.ensure("abc").unwrap().public_key(), one.public_key());
        assert_ne!(keys.ensure("def").unwrap().public_key(), one.public_key());
        assert_eq!(one.certificate_line().unwrap(), None);
        for bad in ["", "..", "../x", "a/b", ".hidden", "a b"] {
            assert_eq!(
                keys.ensure(bad).unwrap_err().code(),
                "ssh.name_invalid",
                "{bad:?}"
            );
        }
        keys.remove("abc").unwrap();
        keys.remove("abc").unwrap();
        assert!(!one.path().exists());
        assert!(!format!("{one:?}").contains("PRIVATE"));
    }
}
