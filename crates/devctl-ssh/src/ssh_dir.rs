use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use devctl_files::{
    Action, FileLock, FilesError, Mode, ensure_private_dir, ensure_private_file, write_if_changed,
};

use crate::access_key::AccessKeyFiles;
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

    /// The container access keys of which a file is there, oldest first. All but the last are on their way out.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn access_keys(&self) -> Result<Vec<AccessKeyFiles>, SshError> {
        let generations: BTreeSet<u32> = self
            .entries()?
            .iter()
            .filter_map(|entry| AccessKeyFiles::generation_of(entry.file_name()?.to_str()?))
            .collect();
        Ok(generations
            .into_iter()
            .map(|generation| AccessKeyFiles::of(&self.path, generation))
            .collect())
    }

    /// The container access key in use: the youngest, or the first, which is still to be made.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn access_key(&self) -> Result<AccessKeyFiles, SshError> {
        let youngest = self.access_keys()?.pop();
        Ok(youngest.unwrap_or_else(|| AccessKeyFiles::of(&self.path, 1)))
    }

    /// What is in the directory; nothing where there is none.
    fn entries(&self) -> Result<Vec<PathBuf>, SshError> {
        let failed = |error| FilesError::new(Action::Read, &self.path, error);
        let entries = match std::fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error).into()),
        };
        let mut paths = Vec::new();
        for entry in entries {
            paths.push(entry.map_err(failed)?.path());
        }
        paths.sort();
        Ok(paths)
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
        let mut findings = Vec::new();
        let entries = self.entries()?;
        if !self.path.exists() {
            return Ok(findings);
        }
        loose(&self.path, 0o700, &mut findings)?;
        for path in entries {
            let name = path.file_name().unwrap_or_default();
            if ours_for_a_moment(name) || path == self.keys().path() {
                continue;
            }
            let is_access_key = name.to_str().and_then(AccessKeyFiles::generation_of).is_some();
            let is_backup = name.to_string_lossy().starts_with(BACKUP);
            let is_ours = is_access_key || is_backup || [self.config(), self.known_hosts()].contains(&path);
            if is_ours {
                loose(&path, 0o600, &mut findings)?;
            } else {
                findings.push(KeyStoreFinding::UnknownFile { path });
            }
        }
        Ok(findings)
    }

    /// Corrects the modes of the directory and of everything in it that is ours; [`SshDir::keys`] corrects its own. Says
    /// what was corrected.
    ///
    /// # Errors
    /// A mode cannot be changed.
    pub fn correct_modes(&self) -> Result<Vec<PathBuf>, SshError> {
        let mut corrected = Vec::new();
        for finding in self.findings()? {
            if let KeyStoreFinding::LooseMode { path, .. } = finding {
                if path == self.path {
                    ensure_private_dir(&path)?;
                } else {
                    ensure_private_file(&path)?;
                }
                corrected.push(path);
            }
        }
        Ok(corrected)
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
}
