//! The database file: opening it, sharing it between processes, and what its failures mean.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, config::DbConfig, ffi};

use crate::schema::{self, SCHEMA_VERSION};
use crate::{StoreError, UnwritableCause};

/// The time of day, asked for by the store whenever it dates a row.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Milliseconds since 1970 (UTC).
pub type UnixMillis = i64;

/// How long a call waits for another process's write lock before it gives up. A write holds the lock for the time of
/// one disk flush.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// Pages in the write-ahead log that make a commit fold it into the database. Small, because the first process to
/// open the file reads the whole write-ahead log.
const CHECKPOINT_PAGES: i64 = 256;

/// The log of record of one installation. Cheap to open, safe to share between threads and between processes.
pub struct Store {
    path: PathBuf,
    clock: Clock,
    patience: Duration,
    writer: Mutex<Link>,
    /// Reads have a connection of their own: a write that waits for another process must not hold them up.
    reader: Mutex<Option<Link>>,
    /// Rings when this process has written, for [`Store::wait_for_events`].
    pub(crate) written: (Mutex<u64>, Condvar),
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the database file at `path`, and makes it, with its folder (0700) and the tables, where there is none.
    ///
    /// # Errors
    /// [`StoreError::Unwritable`] where the file cannot be made or written, [`StoreError::SchemaTooNew`] where a later
    /// version wrote it, [`StoreError::Damaged`] where it is not a state file.
    pub fn open(path: impl Into<PathBuf>, clock: Clock) -> Result<Self, StoreError> {
        Self::open_with_patience(path.into(), clock, LOCK_PATIENCE)
    }

    /// [`Store::open`], waiting for other processes' locks for `patience` only.
    pub(crate) fn open_with_patience(
        path: PathBuf,
        clock: Clock,
        patience: Duration,
    ) -> Result<Self, StoreError> {
        let link = Link::open(&path, patience)?;
        Ok(Self {
            path,
            clock,
            patience,
            writer: Mutex::new(link),
            reader: Mutex::new(None),
            written: (Mutex::new(0), Condvar::new()),
        })
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Now, by the clock that was passed in. A clock before 1970 counts as 1970.
    pub(crate) fn now(&self) -> UnixMillis {
        let since = (self.clock)().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis::try_from(since.as_millis()).unwrap_or(UnixMillis::MAX)
    }

    /// Runs `work` in one transaction that holds the write lock from its beginning, and makes it durable: when this
    /// returns `Ok`, not even a power cut undoes it.
    pub(crate) fn write<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let mut link = lock(&self.writer);
        link.follow_file(&self.path, self.patience)?;
        let done = (|| {
            let transaction = link
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        })();
        drop(link);
        let value = done.map_err(|fault| self.explain(doing, fault))?;
        *lock(&self.written.0) += 1;
        self.written.1.notify_all();
        Ok(value)
    }

    /// Runs `work` on a consistent view of the file.
    pub(crate) fn read<T>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let mut slot = lock(&self.reader);
        let mut link = match slot.take() {
            Some(link) => link,
            None => Link::open(&self.path, self.patience)?,
        };
        link.follow_file(&self.path, self.patience)?;
        let link = slot.insert(link);
        let done = (|| {
            let transaction = link.connection.transaction()?;
            work(&transaction)
        })();
        done.map_err(|fault| self.explain(doing, fault))
    }

    fn explain(&self, doing: &'static str, fault: Fault) -> StoreError {
        match fault {
            Fault::Ours(error) => error,
            Fault::Database(error) => explain(&self.path, doing, error),
            Fault::Unreadable(error) => StoreError::Damaged {
                path: self.path.clone(),
                what: format!("a row is not what this program writes (while it tried to {doing})"),
                source: Some(error.into()),
            },
        }
    }
}

/// What stops the work inside a transaction; the transaction is rolled back.
#[derive(Debug)]
pub(crate) enum Fault {
    /// A failure with a meaning of its own.
    Ours(StoreError),
    /// The database failed.
    Database(rusqlite::Error),
    /// A stored text is no valid JSON of its kind.
    Unreadable(serde_json::Error),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Ours(error)
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(error)
    }
}

/// Locks without minding a panic elsewhere: SQLite rolls an unfinished transaction back, so no state is half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection, and which file it is connected to.
struct Link {
    connection: Connection,
    file: Option<FileIdentity>,
}

impl Link {
    fn open(path: &Path, patience: Duration) -> Result<Self, StoreError> {
        if let Some(connection) = open_existing(path, patience)? {
            return Ok(Self {
                connection,
                file: FileIdentity::of(path),
            });
        }
        prepare_file(path, patience)?;
        match open_existing(path, patience)? {
            Some(connection) => Ok(Self {
                connection,
                file: FileIdentity::of(path),
            }),
            None => Err(StoreError::Failed {
                doing: "open the state file",
                path: path.to_owned(),
                source: "it vanished while it was being made".into(),
            }),
        }
    }

    /// Opens the file anew when somebody deleted or replaced it (a deleted state folder under an open window): what
    /// is written to an unlinked file is lost without an error.
    fn follow_file(&mut self, path: &Path, patience: Duration) -> Result<(), StoreError> {
        if FileIdentity::of(path) != self.file {
            *self = Self::open(path, patience)?;
        }
        Ok(())
    }
}

/// Device and inode. On Windows an open file cannot be deleted, so there is nothing to tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileIdentity(#[cfg(unix)] (u64, u64));

impl FileIdentity {
    /// Never opens the file: closing any descriptor of it would drop the POSIX locks that SQLite holds on it.
    fn of(path: &Path) -> Option<Self> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            fs::metadata(path).ok().map(|file| Self((file.dev(), file.ino())))
        }
        #[cfg(not(unix))]
        {
            fs::metadata(path).ok().map(|_| Self())
        }
    }
}

/// Opens a file that has our current schema; `None` where it has to be made or migrated first.
fn open_existing(path: &Path, patience: Duration) -> Result<Option<Connection>, StoreError> {
    match fs::metadata(path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(explain_io(path, "open the state file", error)),
    }
    let connection = connect(path, patience).map_err(|error| explain(path, "open the state file", error))?;
    let found =
        schema::version(&connection).map_err(|error| explain(path, "read the schema version", error))?;
    if found > SCHEMA_VERSION {
        return Err(StoreError::SchemaTooNew {
            path: path.to_owned(),
            found,
            supported: SCHEMA_VERSION,
        });
    }
    Ok((found == SCHEMA_VERSION).then_some(connection))
}

fn connect(path: &Path, patience: Duration) -> rusqlite::Result<Connection> {
    // The mutex around each link already keeps threads apart.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(patience)?;
    // Each commit is flushed: an intent has to be on the disk before the act, a serial before its certificate.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    // A short command-line run would otherwise flush the database file once more when it ends.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(connection)
}

/// Makes the folder, the file and the tables, or migrates an older schema, one process at a time.
fn prepare_file(path: &Path, patience: Duration) -> Result<(), StoreError> {
    let making = "make the state file";
    if let Some(folder) = path.parent() {
        make_private_folder(folder).map_err(|error| explain_io(path, making, error))?;
    }
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    let lock_file = private_file()
        .create(true)
        .truncate(false)
        .open(PathBuf::from(lock_path))
        .map_err(|error| explain_io(path, making, error))?;
    lock_file
        .lock()
        .map_err(|error| explain_io(path, making, error))?;

    match private_file().create_new(true).open(path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(explain_io(path, making, error)),
    }
    let mut connection = connect(path, patience).map_err(|error| explain(path, making, error))?;
    if !schema::is_ours(&connection).map_err(|error| explain(path, making, error))? {
        return Err(StoreError::Damaged {
            path: path.to_owned(),
            what: "it is a database of another program".to_owned(),
            source: None,
        });
    }
    schema::migrate(&mut connection).map_err(|error| explain(path, "bring the tables up to date", error))
    // The lock goes with the file handle.
}

fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Gives a database error its meaning.
fn explain(path: &Path, doing: &'static str, error: rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    let cause = match error
        .sqlite_error()
        .map(|inner| (inner.code, inner.extended_code))
    {
        Some((ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt, _)) => {
            let what = "SQLite finds it damaged, or it is another kind of file".to_owned();
            return StoreError::Damaged {
                path,
                what,
                source: Some(error.into()),
            };
        }
        Some((ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _)) => Some(UnwritableCause::Locked),
        Some((ErrorCode::DiskFull, _)) => Some(UnwritableCause::NoSpace),
        // SQLite does not pass the system's own error on; a trial write in the same folder finds it.
        Some((ErrorCode::ReadOnly, _)) => Some(try_writing(&path).unwrap_or(UnwritableCause::NoRights)),
        Some((ErrorCode::CannotOpen | ErrorCode::PermissionDenied, _)) => try_writing(&path).or_else(|| {
            let readable = fs::metadata(&path).is_ok();
            readable.then_some(UnwritableCause::NoRights)
        }),
        Some((ErrorCode::SystemIoFailure, extended)) if extended != ffi::SQLITE_IOERR_READ => {
            try_writing(&path)
        }
        _ => None,
    };
    match cause {
        Some(cause) => StoreError::Unwritable {
            path,
            cause,
            source: error.into(),
        },
        None => StoreError::Failed {
            doing,
            path,
            source: error.into(),
        },
    }
}

fn explain_io(path: &Path, doing: &'static str, error: io::Error) -> StoreError {
    let path = path.to_owned();
    match unwritable_cause(error.kind()) {
        Some(cause) => StoreError::Unwritable {
            path,
            cause,
            source: error.into(),
        },
        None => StoreError::Failed {
            doing,
            path,
            source: error.into(),
        },
    }
}

fn unwritable_cause(kind: io::ErrorKind) -> Option<UnwritableCause> {
    match kind {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(UnwritableCause::NoSpace),
        io::ErrorKind::ReadOnlyFilesystem => Some(UnwritableCause::ReadOnly),
        io::ErrorKind::PermissionDenied => Some(UnwritableCause::NoRights),
        _ => None,
    }
}

/// Writes and removes a small file beside `path`, to learn what the system says about writing there.
fn try_writing(path: &Path) -> Option<UnwritableCause> {
    use std::io::Write as _;

    // As large as the piece of shared memory that SQLite asks for first.
    static TRIAL: [u8; 32 * 1024] = [0x5a; 32 * 1024];

    let mut trial_path = path.as_os_str().to_owned();
    trial_path.push(format!(".trial-{}", std::process::id()));
    let trial_path = PathBuf::from(trial_path);
    let tried = private_file()
        .create(true)
        .truncate(true)
        .open(&trial_path)
        .and_then(|mut file| file.write_all(&TRIAL).and_then(|()| file.sync_all()));
    // It never held anything; where it could not be made there is nothing to remove.
    let _ = fs::remove_file(&trial_path);
    tried.err().and_then(|error| unwritable_cause(error.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_never_let_go_is_named_and_does_not_stop_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let clock: Clock = Arc::new(SystemTime::now);
        let store = Store::open_with_patience(path.clone(), clock, Duration::from_millis(20)).unwrap();
        store.set_setting("a", &serde_json::json!(1)).unwrap();
        let mut holder = Connection::open(&path).unwrap();
        let held = holder
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .unwrap();
        let error = store.set_setting("a", &serde_json::json!(2)).unwrap_err();
        assert!(
            matches!(
                error,
                StoreError::Unwritable {
                    cause: UnwritableCause::Locked,
                    ..
                }
            ),
            "{error:?}"
        );
        assert_eq!(store.setting("a").unwrap(), Some(serde_json::json!(1)));
        drop(held);
        store.set_setting("a", &serde_json::json!(3)).unwrap();
    }

    #[test]
    fn a_clock_before_1970_counts_as_1970() {
        let folder = tempfile::tempdir().unwrap();
        let clock: Clock = Arc::new(|| UNIX_EPOCH - Duration::from_secs(1));
        let store = Store::open(folder.path().join("state.db"), clock).unwrap();
        assert_eq!(store.now(), 0);
    }
}
