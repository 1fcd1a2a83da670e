use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::{Action, FilesError, Reason};

/// How many links in a row are followed, as many as Linux follows.
const LONGEST_CHAIN: usize = 40;

const TEMPORARY_PREFIX: &str = ".devctl-";
const TEMPORARY_SUFFIX: &str = ".tmp";

/// The mode that a written file gets (Unix; elsewhere it inherits the rights of its directory).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Exactly this, whatever was there before: our own files.
    Exact(u32),
    /// Mode and owner of the file that is replaced; this if there is none: files of others.
    KeepOr(u32),
}

impl Mode {
    /// For the owner alone (0600): keys, certificates, generated configuration.
    pub const PRIVATE: Self = Self::Exact(0o600);
}

/// Replaces `path` by a file with this content. If `path` is a symbolic link, the link itself is replaced: nobody who
/// can put a link into the directory makes us write elsewhere.
///
/// # Errors
/// The directory must exist and be writable; on failure the old file is untouched and no temporary file is left.
pub fn write_atomic(path: &Path, bytes: &[u8], mode: Mode) -> Result<(), FilesError> {
    let staged = Staged::new(path, bytes, mode)?;
    staged.persist()
}

/// As [`write_atomic`], but does nothing when the file has this content already (and corrects a looser mode).
/// Says whether it wrote.
///
/// # Errors
/// As [`write_atomic`].
pub fn write_if_changed(path: &Path, bytes: &[u8], mode: Mode) -> Result<bool, FilesError> {
    if is_regular(path) && crate::read::read_optional(path)?.as_deref() == Some(bytes) {
        if let Mode::Exact(wanted) = mode {
            correct_mode(path, wanted)?;
        }
        return Ok(false);
    }
    write_atomic(path, bytes, mode)?;
    Ok(true)
}

/// Corrects the mode of a file that others may read or write to 0600.
///
/// # Errors
/// The file is not there or belongs to another user.
pub fn ensure_private_file(path: &Path) -> Result<(), FilesError> {
    correct_mode(path, 0o600)
}

/// Removes what writers that were killed left in `directory`. Only for a directory whose writers all hold one lock,
/// by its holder: the temporary file of a living writer looks the same.
///
/// # Errors
/// The directory cannot be read, or a file not be removed.
pub fn sweep_temporary_files(directory: &Path) -> Result<(), FilesError> {
    let failed = |error| FilesError::new(Action::Read, directory, error);
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(TEMPORARY_PREFIX) && name.ends_with(TEMPORARY_SUFFIX) {
            crate::read::remove_if_there(&entry.path())?;
        }
    }
    Ok(())
}

/// Puts a file with this content at `path` unless something is there. Says whether it is ours: of two processes at
/// once exactly one is told `true`, and the file is whole when either returns.
///
/// # Errors
/// As [`write_atomic`].
pub fn write_new(path: &Path, bytes: &[u8], mode: Mode) -> Result<bool, FilesError> {
    let staged = Staged::new(path, bytes, mode)?;
    match staged.file.persist_noclobber(path) {
        Ok(_) => {
            sync_directory(path)?;
            Ok(true)
        }
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(FilesError::new(Action::Write, path, error.error)),
    }
}

/// Replaces the file that `path` leads to through any chain of symbolic links, also dangling ones; the links stay.
/// Mode and owner stay as they were; a new file gets `new_mode`. Just before the rename the file is read once more:
/// if it is not `expected` any longer (`None`: absent), nothing is written and the answer is `false`.
///
/// # Errors
/// As [`write_atomic`]; [`Reason::Untrusted`] if the links run in a circle.
pub fn replace_through_links(
    path: &Path,
    bytes: &[u8],
    new_mode: u32,
    expected: Option<&[u8]>,
) -> Result<bool, FilesError> {
    let target = resolve_links(path)?;
    let staged = Staged::new(&target, bytes, Mode::KeepOr(new_mode))?;
    if crate::read::read_optional(&target)?.as_deref() != expected {
        return Ok(false);
    }
    staged.persist()?;
    Ok(true)
}

/// Where a chain of symbolic links ends. The end need not exist.
///
/// # Errors
/// [`Reason::Untrusted`] if the links run in a circle.
pub fn resolve_links(path: &Path) -> Result<PathBuf, FilesError> {
    let mut at = path.to_path_buf();
    for _ in 0..LONGEST_CHAIN {
        match fs::symlink_metadata(&at) {
            Ok(found) if found.file_type().is_symlink() => {
                let to =
                    fs::read_link(&at).map_err(|error| FilesError::new(Action::FollowLinks, &at, error))?;
                // Joining an absolute path replaces the whole.
                at = at.parent().unwrap_or_else(|| Path::new("")).join(to);
            }
            Ok(_) => return Ok(at),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(at),
            Err(error) => return Err(FilesError::new(Action::FollowLinks, &at, error)),
        }
    }
    Err(FilesError::refused(
        Action::FollowLinks,
        path,
        Reason::Untrusted,
        "the symbolic links run in a circle",
    ))
}

/// A temporary file beside its destination, complete and on the disk; removed when dropped.
struct Staged<'a> {
    file: tempfile::NamedTempFile,
    path: &'a Path,
}

impl<'a> Staged<'a> {
    fn new(path: &'a Path, bytes: &[u8], mode: Mode) -> Result<Self, FilesError> {
        let failed = |error| FilesError::new(Action::Write, path, error);
        let mut file = tempfile::Builder::new()
            .prefix(TEMPORARY_PREFIX)
            .suffix(TEMPORARY_SUFFIX)
            .tempfile_in(directory_of(path))
            .map_err(failed)?;
        file.write_all(bytes).map_err(failed)?;
        set_rights(&file, path, mode)?;
        file.as_file().sync_all().map_err(failed)?;
        Ok(Self { file, path })
    }

    fn persist(self) -> Result<(), FilesError> {
        if is_real_directory(self.path) {
            return Err(FilesError::refused(
                Action::Write,
                self.path,
                Reason::InTheWay,
                "a directory is in its place",
            ));
        }
        self.file
            .persist(self.path)
            .map_err(|error| FilesError::new(Action::Write, self.path, error.error))?;
        sync_directory(self.path)
    }
}

fn is_real_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

fn is_regular(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(unix)]
fn set_rights(file: &tempfile::NamedTempFile, path: &Path, mode: Mode) -> Result<(), FilesError> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
    let failed = |error| FilesError::new(Action::SetRights, path, error);
    let bits = match mode {
        Mode::Exact(bits) => bits,
        Mode::KeepOr(default) => match fs::metadata(path) {
            Ok(old) => {
                let new = file.as_file().metadata().map_err(failed)?;
                if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
                    fchown(file.as_file(), Some(old.uid()), Some(old.gid())).map_err(failed)?;
                }
                old.mode() & 0o7777
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => default,
            Err(error) => return Err(failed(error)),
        },
    };
    file.as_file()
        .set_permissions(fs::Permissions::from_mode(bits))
        .map_err(failed)
}

#[cfg(not(unix))]
fn set_rights(_file: &tempfile::NamedTempFile, _path: &Path, _mode: Mode) -> Result<(), FilesError> {
    Ok(())
}

#[cfg(unix)]
fn correct_mode(path: &Path, wanted: u32) -> Result<(), FilesError> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let failed = |error| FilesError::new(Action::SetRights, path, error);
    if fs::metadata(path).map_err(failed)?.mode() & 0o7777 != wanted {
        fs::set_permissions(path, fs::Permissions::from_mode(wanted)).map_err(failed)?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn correct_mode(_path: &Path, _wanted: u32) -> Result<(), FilesError> {
    Ok(())
}

/// The rename itself reaches the disk.
#[cfg(unix)]
fn sync_directory(path: &Path) -> Result<(), FilesError> {
    let directory = directory_of(path);
    fs::File::open(directory)
        .and_then(|open| open.sync_all())
        .map_err(|error| FilesError::new(Action::Write, directory, error))
}

#[cfg(not(unix))]
fn sync_directory(_path: &Path) -> Result<(), FilesError> {
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
