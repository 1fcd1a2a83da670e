use std::path::{Path, PathBuf};

use devctl_files::{Action, FileLock, FilesError, Mode, ensure_private_dir, write_if_changed};
use ssh_key::Certificate;

use crate::error::SshError;
use crate::key_store::{KeyStoreDir, KeyStoreFinding, loose, ours_for_a_moment};

/// How the names of backups begin.
const BACKUP: &str = "config.before-devctl";

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

    /// The key that is to follow the container access key; there while it is being changed for a new one.
    #[must_use]
    pub fn next_key(&self) -> PathBuf {
        self.path.join("id_ed25519.next")
    }

    /// Its public half.
    #[must_use]
    pub fn next_key_public(&self) -> PathBuf {
        self.path.join("id_ed25519.next.pub")
    }

    /// Its certificate.
    #[must_use]
    pub fn next_certificate(&self) -> PathBuf {
        self.path.join("id_ed25519.next-cert.pub")
    }

    /// The person's other keys.
    #[must_use]
    pub fn keys(&self) -> KeyStoreDir {
        KeyStoreDir::new(self.path.join("keys"))
    }

    /// The user's `~/.ssh/config` as it was before our line came in.
    #[must_use]
    pub fn backup(&self) -> PathBuf {
        self.path.join(BACKUP)
    }

    /// The same for any configuration that our line goes into: another program may be told to read another one.
    #[must_use]
    pub fn backup_of(&self, user_config: &Path) -> PathBuf {
        if user_config
            .parent()
            .is_some_and(|parent| self.path.parent() == Some(parent))
            && user_config.file_name().is_some_and(|name| name == "config")
        {
            return self.backup();
        }
        let name = user_config.to_string_lossy();
        let mut plain: Vec<char> = name
            .chars()
            .map(|character| {
                if character.is_ascii_alphanumeric() {
                    character
                } else {
                    '-'
                }
            })
            .collect();
        // File names may have 255 bytes; the end of a path tells more than its beginning.
        let plain: String = plain
            .split_off(plain.len().saturating_sub(150))
            .into_iter()
            .collect();
        self.path.join(format!("{BACKUP}.{plain}"))
    }

    /// What others may read, and what is not ours, in this directory itself; [`SshDir::keys`] is asked for its own.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn findings(&self) -> Result<Vec<KeyStoreFinding>, SshError> {
        let failed = |error| FilesError::new(Action::Read, &self.path, error);
        let entries = match std::fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error).into()),
        };
        let ours = [
            self.config(),
            self.known_hosts(),
            self.access_key(),
            self.access_key_public(),
            self.certificate(),
            self.next_key(),
            self.next_key_public(),
            self.next_certificate(),
            self.backup(),
        ];
        let mut findings = Vec::new();
        loose(&self.path, 0o700, &mut findings)?;
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            if !ours_for_a_moment(&entry.file_name()) && entry.path() != self.keys().path() {
                files.push(entry.path());
            }
        }
        files.sort();
        for path in files {
            if ours.contains(&path) || is_backup(&path) {
                loose(&path, 0o600, &mut findings)?;
            } else {
                findings.push(KeyStoreFinding::UnknownFile { path });
            }
        }
        Ok(findings)
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
        put_certificate(&self.certificate(), certificate)
    }

    /// Puts a certificate for the key that is to follow in place.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_next_certificate(&self, certificate: &Certificate) -> Result<(), SshError> {
        put_certificate(&self.next_certificate(), certificate)
    }
}

fn put_certificate(path: &Path, certificate: &Certificate) -> Result<(), SshError> {
    let line = certificate.to_openssh().map_err(SshError::Signing)? + "\n";
    write_if_changed(path, line.as_bytes(), Mode::PRIVATE)?;
    Ok(())
}
fn is_backup(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with(BACKUP))
}
