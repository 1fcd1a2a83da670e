use std::fs;
use std::path::Path;

use crate::error::{Action, FilesError, Reason};

/// Makes sure that `path` is a directory that only its owner may enter (0700), and makes it and its missing parents
/// so. A mode that is looser is corrected.
///
/// # Errors
/// [`Reason::InTheWay`] if something else is there, [`Reason::Untrusted`] if the directory belongs to another user
/// (whoever owns a directory can replace what is in it).
pub fn ensure_private_dir(path: &Path) -> Result<(), FilesError> {
    match fs::metadata(path) {
        Ok(found) if !found.is_dir() => {
            return Err(FilesError::refused(
                Action::MakeDirectory,
                path,
                Reason::InTheWay,
                "a file is in its place",
            ));
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(path)?,
        Err(error) => return Err(FilesError::new(Action::MakeDirectory, path, error)),
    }
    tighten(path)
}

#[cfg(unix)]
fn make(path: &Path) -> Result<(), FilesError> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| FilesError::new(Action::MakeDirectory, path, error))
}

#[cfg(not(unix))]
fn make(path: &Path) -> Result<(), FilesError> {
    fs::create_dir_all(path).map_err(|error| FilesError::new(Action::MakeDirectory, path, error))
}

#[cfg(unix)]
fn tighten(path: &Path) -> Result<(), FilesError> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let found = fs::metadata(path).map_err(|error| FilesError::new(Action::Read, path, error))?;
    let us = rustix::process::geteuid().as_raw();
    if found.uid() != us && us != 0 {
        return Err(FilesError::refused(
            Action::SetRights,
            path,
            Reason::Untrusted,
            "the directory belongs to another user",
        ));
    }
    if found.mode() & 0o777 != 0o700 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))
            .map_err(|error| FilesError::new(Action::SetRights, path, error))?;
    }
    Ok(())
}

/// The directory inherits the rights of the user's profile there.
#[cfg(not(unix))]
fn tighten(_path: &Path) -> Result<(), FilesError> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn makes_missing_parents_private_and_corrects_a_loose_mode() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("a/b");
        ensure_private_dir(&dir).unwrap();
        assert_eq!((mode(&dir), mode(&home.path().join("a"))), (0o700, 0o700));
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
        ensure_private_dir(&dir).unwrap();
        assert_eq!(mode(&dir), 0o700);
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state");
        fs::write(&path, "x").unwrap();
        let error = ensure_private_dir(&path).unwrap_err();
        assert_eq!((error.code(), error.path()), ("files.in_the_way", path.as_path()));
        assert_eq!(fs::read(&path).unwrap(), b"x");
    }
}
