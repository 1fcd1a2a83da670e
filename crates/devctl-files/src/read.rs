use std::fs;
use std::io;
use std::path::Path;

use crate::error::{Action, FilesError};

/// The content of a file, or `None` if there is none.
///
/// # Errors
/// Everything but its absence.
pub fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, FilesError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FilesError::new(Action::Read, path, error)),
    }
}

/// Removes a file; says whether there was one.
///
/// # Errors
/// Everything but its absence.
pub fn remove_if_there(path: &Path) -> Result<bool, FilesError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(FilesError::new(Action::Remove, path, error)),
    }
}

/// Whether the file at `path` may be replaced by us: a write bit for its owner (its absence is a wish, which root
/// respects too), and a directory that can be written on a file system that can.
#[must_use]
pub fn is_writable(path: &Path) -> bool {
    let marked_read_only = fs::metadata(path).is_ok_and(|found| found.permissions().readonly());
    !marked_read_only && path.parent().is_none_or(directory_is_writable)
}

/// A directory that is not there yet is judged by the nearest one above it that is.
#[cfg(unix)]
fn directory_is_writable(directory: &Path) -> bool {
    use rustix::fs::{Access, access};
    directory
        .ancestors()
        .map(|above| {
            if above.as_os_str().is_empty() {
                Path::new(".")
            } else {
                above
            }
        })
        .find(|above| above.exists())
        .is_some_and(|above| access(above, Access::WRITE_OK).is_ok())
}

#[cfg(not(unix))]
fn directory_is_writable(_directory: &Path) -> bool {
    true
}
