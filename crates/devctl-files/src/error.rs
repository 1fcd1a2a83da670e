use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What was being done to the path when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Reading a file or its metadata.
    Read,
    /// Writing a temporary file, or putting it in place.
    Write,
    /// Making a directory.
    MakeDirectory,
    /// Setting mode or owner.
    SetRights,
    /// Taking the lock.
    Lock,
    /// Removing a file.
    Remove,
    /// Following symbolic links.
    FollowLinks,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::MakeDirectory => "make the directory",
            Self::SetRights => "set the rights of",
            Self::Lock => "lock",
            Self::Remove => "remove",
            Self::FollowLinks => "follow the links of",
        })
    }
}

/// Why it failed, as far as a caller can act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The disk, or the user's share of it, is full.
    NoSpace,
    /// The rights of the path or of its directory forbid it.
    NoRights,
    /// The file system is mounted read-only.
    ReadOnly,
    /// The path is not there.
    NotFound,
    /// Something else is in the way: a directory instead of a file, or a file that must not exist.
    InTheWay,
    /// The directory belongs to another user, or the links run in a circle.
    Untrusted,
    /// The operating system said something else; the source has it.
    Other,
}

/// An operation on a file failed: what, where and why.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub struct FilesError {
    action: Action,
    path: PathBuf,
    reason: Reason,
    source: io::Error,
}

impl FilesError {
    /// Wraps what the operating system said.
    pub fn new(action: Action, path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self {
            action,
            path: path.into(),
            reason: reason_of(&source),
            source,
        }
    }

    pub(crate) fn refused(action: Action, path: impl Into<PathBuf>, reason: Reason, why: &str) -> Self {
        Self {
            action,
            path: path.into(),
            reason,
            source: io::Error::other(why.to_owned()),
        }
    }

    /// What was being done.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// The path that it was done to.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Why it failed.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The stable error code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.reason {
            Reason::NoSpace => "files.no_space",
            Reason::NoRights => "files.no_rights",
            Reason::ReadOnly => "files.read_only",
            Reason::NotFound => "files.not_found",
            Reason::InTheWay => "files.in_the_way",
            Reason::Untrusted => "files.untrusted",
            Reason::Other => "files.failed",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn fix(&self) -> Option<String> {
        let path = self.path.display();
        match self.reason {
            Reason::NoSpace => Some(format!("free some space on the disk of {path} and repeat")),
            Reason::NoRights => Some(format!("give yourself the rights to {path}: ls -ld '{path}'")),
            Reason::ReadOnly => Some(format!(
                "remount the file system of {path} writable, or choose another directory"
            )),
            Reason::InTheWay => Some(format!("move {path} away and repeat")),
            Reason::Untrusted => Some(format!(
                "look at who owns {path}, and move it away if it is not yours"
            )),
            Reason::NotFound | Reason::Other => None,
        }
    }
}

fn reason_of(error: &io::Error) -> Reason {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Reason::NoSpace,
        io::ErrorKind::PermissionDenied => Reason::NoRights,
        io::ErrorKind::ReadOnlyFilesystem => Reason::ReadOnly,
        io::ErrorKind::NotFound => Reason::NotFound,
        io::ErrorKind::AlreadyExists
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::DirectoryNotEmpty => Reason::InTheWay,
        _ => Reason::Other,
    }
}
