use std::path::{Path, PathBuf};

use devctl_files::{FileLock, Mode, ensure_private_dir, write_if_changed};
use ssh_key::Certificate;

use crate::error::SshError;

/// Our directory beside the user's ssh files (`~/.ssh/devctl`, 0700), and the names in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshDir {
    path: PathBuf,
}

impl SshDir {
    /// Names the directory; nothing is made yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Makes the directory, or corrects its mode.
    ///
    /// # Errors
    /// See [`ensure_private_dir`].
    pub fn ensure(&self) -> Result<(), SshError> {
        Ok(ensure_private_dir(&self.path)?)
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The generated client configuration.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.path.join("config")
    }

    /// Our known hosts: the host authorities.
    #[must_use]
    pub fn known_hosts(&self) -> PathBuf {
        self.path.join("known_hosts")
    }

    /// The container access key.
    #[must_use]
    pub fn access_key(&self) -> PathBuf {
        self.path.join("id_ed25519")
    }

    /// Its public half.
    #[must_use]
    pub fn access_key_public(&self) -> PathBuf {
        self.path.join("id_ed25519.pub")
    }

    /// Its certificate.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.path.join("id_ed25519-cert.pub")
    }

    /// The user's `~/.ssh/config` as it was before our line came in.
    #[must_use]
    pub fn backup(&self) -> PathBuf {
        self.path.join("config.before-devctl")
    }

    /// Waits for the lock that every writer of this directory and of the user's configuration holds.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn lock(&self) -> Result<FileLock, SshError> {
        self.ensure()?;
        Ok(FileLock::acquire(&self.path.join(".lock"))?)
    }

    /// Writes the generated client configuration. Says whether it changed.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_config(&self, text: &str) -> Result<bool, SshError> {
        Ok(write_if_changed(&self.config(), text.as_bytes(), Mode::PRIVATE)?)
    }

    /// Writes our known hosts. Says whether they changed.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_known_hosts(&self, text: &str) -> Result<bool, SshError> {
        Ok(write_if_changed(
            &self.known_hosts(),
            text.as_bytes(),
            Mode::PRIVATE,
        )?)
    }

    /// Puts a new certificate for the access key in place.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_certificate(&self, certificate: &Certificate) -> Result<(), SshError> {
        let line = certificate.to_openssh().map_err(SshError::Signing)? + "\n";
        write_if_changed(&self.certificate(), line.as_bytes(), Mode::PRIVATE)?;
        Ok(())
    }
}
