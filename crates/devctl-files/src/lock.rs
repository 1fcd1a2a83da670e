use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::error::{Action, FilesError};

/// An exclusive lock on a file, held by one process at a time until it is dropped. The kernel frees it when its
/// holder dies. The locked file is never renamed or removed: it exists to be locked.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

impl FileLock {
    /// Waits until the lock is free and takes it. Makes the file (0600) where it is missing.
    ///
    /// # Errors
    /// The file cannot be made, or the file system knows no locks.
    pub fn acquire(path: &Path) -> Result<Self, FilesError> {
        let file = open(path)?;
        file.lock()
            .map_err(|error| FilesError::new(Action::Lock, path, error))?;
        Ok(Self { _file: file })
    }

    /// Takes the lock if it is free now; `None` if somebody holds it.
    ///
    /// # Errors
    /// As [`FileLock::acquire`].
    pub fn try_acquire(path: &Path) -> Result<Option<Self>, FilesError> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(FilesError::new(Action::Lock, path, error)),
        }
    }
}

/// A lock on a file that many processes hold together, and nobody while one holds it alone ([`FileLock`]).
#[derive(Debug)]
pub struct SharedLock {
    file: File,
}

impl SharedLock {
    /// Waits while somebody holds the lock alone, and takes a share of it. Makes the file (0600) where it is missing.
    ///
    /// # Errors
    /// As [`FileLock::acquire`].
    pub fn acquire(path: &Path) -> Result<Self, FilesError> {
        let file = open(path)?;
        file.lock_shared()
            .map_err(|error| FilesError::new(Action::Lock, path, error))?;
        Ok(Self { file })
    }

    /// Gives the file this time of change: it tells when somebody held the lock last.
    ///
    /// # Errors
    /// The file system keeps no times.
    pub fn touch(&self, at: std::time::SystemTime) -> std::io::Result<()> {
        self.file.set_modified(at)
    }
}

fn open(path: &Path) -> Result<File, FilesError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A link here could make us create a file elsewhere.
        options
            .mode(0o600)
            .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    options
        .open(path)
        .map_err(|error| FilesError::new(Action::Lock, path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_is_refused_and_free_after_drop() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(".lock");
        let held = FileLock::acquire(&path).unwrap();
        assert!(FileLock::try_acquire(&path).unwrap().is_none());
        drop(held);
        assert!(FileLock::try_acquire(&path).unwrap().is_some());
    }

    #[test]
    fn a_shared_lock_is_held_by_many_and_by_nobody_beside_one_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("used");
        let (first, second) = (
            SharedLock::acquire(&path).unwrap(),
            SharedLock::acquire(&path).unwrap(),
        );
        assert!(FileLock::try_acquire(&path).unwrap().is_none());
        let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1000);
        second.touch(long_ago).unwrap();
        drop(first);
        assert!(FileLock::try_acquire(&path).unwrap().is_none());
        drop(second);
        assert!(FileLock::try_acquire(&path).unwrap().is_some());
        assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), long_ago);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let elsewhere = home.path().join("elsewhere");
        std::os::unix::fs::symlink(&elsewhere, home.path().join(".lock")).unwrap();
        assert!(FileLock::acquire(&home.path().join(".lock")).is_err());
        assert!(!elsewhere.exists());
    }
}
