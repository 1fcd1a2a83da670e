//! What can go wrong with the log of record.

use std::fmt;
use std::path::PathBuf;

use crate::EventId;

/// The cause below an error of the database or of the file system.
pub(crate) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a state file cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnwritableCause {
    /// The disk is full, or a quota is used up.
    NoSpace,
    /// The file system is mounted read-only.
    ReadOnly,
    /// This account may not write there.
    NoRights,
    /// Another process held the write lock for longer than we wait.
    Locked,
}

impl UnwritableCause {
    /// The stable word for it in machine-readable output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSpace => "no_space",
            Self::ReadOnly => "read_only",
            Self::NoRights => "no_rights",
            Self::Locked => "locked",
        }
    }
}

impl fmt::Display for UnwritableCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSpace => "no space is left there",
            Self::ReadOnly => "the file system is read-only",
            Self::NoRights => "this account may not write there",
            Self::Locked => "another process holds its lock",
        })
    }
}

/// A failure of the log of record. [`StoreError::code`] is stable, the text is for people.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Nothing can be recorded, so nothing may be changed.
    #[error("cannot write {}: {cause}", path.display())]
    Unwritable {
        /// The database file.
        path: PathBuf,
        /// What stands in the way.
        cause: UnwritableCause,
        /// What the database or the file system said.
        source: Cause,
    },
    /// A later version of this program has written the file.
    #[error("{} has schema {found}, this program knows schemas up to {supported}", path.display())]
    SchemaTooNew {
        /// The database file.
        path: PathBuf,
        /// The schema version in the file.
        found: i64,
        /// The newest version that this program reads.
        supported: i64,
    },
    /// The file is damaged, or is no state file of ours.
    #[error("{} cannot be read as a state file: {what}", path.display())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What was found.
        what: String,
        /// What the database said, where it said something.
        source: Option<Cause>,
    },
    /// The database or the file system failed in another way.
    #[error("cannot {doing} in {}", path.display())]
    Failed {
        /// What was being done.
        doing: &'static str,
        /// The database file.
        path: PathBuf,
        /// What the database or the file system said.
        source: Cause,
    },
    /// No intent with this id was begun.
    #[error("the event log has no intent {id}")]
    EventUnknown {
        /// The id that was given.
        id: EventId,
    },
    /// The operation has its outcome already; an event never changes.
    #[error("event {id} has already ended")]
    EventEnded {
        /// The id that was given.
        id: EventId,
    },
    /// An intent with this id exists already.
    #[error("event {id} was begun before")]
    EventExists {
        /// The id that was given.
        id: EventId,
    },
    /// Another authority of that kind has this generation, or signs already.
    #[error("there is a {kind} authority of generation {generation} already, or another one signs")]
    AuthorityConflict {
        /// Its kind: `user` or `host`.
        kind: &'static str,
        /// The generation that was asked for.
        generation: u32,
    },
    /// Another process moved an authority on in the meantime.
    #[error("authority {fingerprint} was moved on by somebody else")]
    AuthorityChanged {
        /// The fingerprint of the authority.
        fingerprint: String,
    },
    /// A key has this name already.
    #[error("there is a key with the name {name} already")]
    KeyExists {
        /// The name that was given.
        name: String,
    },
    /// No key has this name.
    #[error("there is no key with the name {name}")]
    KeyUnknown {
        /// The name that was given.
        name: String,
    },
    /// No authority with this fingerprint is recorded.
    #[error("no authority {fingerprint} is recorded")]
    AuthorityUnknown {
        /// The fingerprint that was given.
        fingerprint: String,
    },
}

impl StoreError {
    /// The stable code of this failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unwritable { .. } => "store.unwritable",
            Self::SchemaTooNew { .. } => "store.too_new",
            Self::Damaged { .. } | Self::Failed { .. } => "store.unreadable",
            Self::EventUnknown { .. } => "store.event_unknown",
            Self::EventEnded { .. } => "store.event_ended",
            Self::EventExists { .. } => "store.event_exists",
            Self::AuthorityConflict { .. } => "authority.conflict",
            Self::AuthorityChanged { .. } => "authority.changed",
            Self::KeyExists { .. } => "key.exists",
            Self::KeyUnknown { .. } => "key.unknown",
            Self::AuthorityUnknown { .. } => "authority.unknown",
        }
    }

    /// What a person can do about it, as one sentence or command; `None` where it is a defect of ours.
    #[must_use]
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::Unwritable { path, cause, .. } => {
                let folder = path.parent().unwrap_or(path).display();
                Some(match cause {
                    UnwritableCause::NoSpace => format!("free some space on the disk of {folder}"),
                    UnwritableCause::ReadOnly => format!("make {folder} writable: mount -o remount,rw"),
                    UnwritableCause::NoRights => {
                        format!("give your account the rights to {folder}: ls -ld {folder}")
                    }
                    UnwritableCause::Locked => {
                        format!(
                            "find the process that holds it, end it, try again: fuser -v {}",
                            path.display()
                        )
                    }
                })
            }
            Self::SchemaTooNew { .. } => Some("use the newest devctl that was installed here".to_owned()),
            Self::Damaged { path, .. } => Some(format!(
                "move {0} away (mv {0} {0}.damaged): containers are found again by their labels",
                path.display()
            )),
            Self::AuthorityUnknown { .. }
            | Self::AuthorityConflict { .. }
            | Self::AuthorityChanged { .. } => Some("devctl ca list".to_owned()),
            Self::KeyExists { .. } | Self::KeyUnknown { .. } => Some("devctl key list".to_owned()),
            Self::Failed { .. }
            | Self::EventUnknown { .. }
            | Self::EventEnded { .. }
            | Self::EventExists { .. } => None,
        }
    }
}
