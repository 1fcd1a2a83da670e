//! Files written whole or not at all.
//!
//! Every file that we write for others goes through here: a temporary file in the same directory, `fsync`, one
//! rename. A reader sees the old content or the new one, never a part; a crash leaves one of the two. Writers that
//! must not overtake each other take a [`FileLock`] on a file that is never renamed.

mod atomic;
mod directory;
mod error;
mod lock;
mod read;

pub use atomic::{
    Mode, ensure_private_file, replace_through_links, resolve_links, sweep_temporary_files, write_atomic,
    write_if_changed, write_new,
};
pub use directory::ensure_private_dir;
pub use error::{Action, FilesError, Reason};
pub use lock::{FileLock, SharedLock};
pub use read::{is_writable, read_optional, remove_if_there};
