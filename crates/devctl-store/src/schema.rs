//! The tables, and how an older file becomes a newer one.

use rusqlite::{Connection, TransactionBehavior};

/// The newest schema that this program reads and writes (SQLite's `user_version`).
pub const SCHEMA_VERSION: i64 = 3;

/// SQLite's `application_id` of our state files ("dcst"), so that a foreign database is never migrated.
pub(crate) const APPLICATION_ID: i64 = 0x6463_7374;

/// One step per schema version: `STEPS[0]` makes version 1 out of an empty file. A step that was once in use stays as it
/// is, so that each file of a version has the same tables.
const STEPS: [&str; 3] = [VERSION_1, VERSION_2, VERSION_3];

/// The event log keeps each row's canonical text and its hash, nothing else: what the filters need is generated from
/// the text, so it cannot disagree with what was hashed. `open_intents` repeats what follows from `events`, to find
/// the intents without an outcome without reading the whole log.
const VERSION_1: &str = "
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  body TEXT NOT NULL,
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  id TEXT NOT NULL GENERATED ALWAYS AS (body ->> '$.id') VIRTUAL,
  phase TEXT NOT NULL GENERATED ALWAYS AS (body ->> '$.phase') VIRTUAL,
  at INTEGER NOT NULL GENERATED ALWAYS AS (body ->> '$.at') VIRTUAL,
  operation TEXT NOT NULL GENERATED ALWAYS AS (body ->> '$.operation') VIRTUAL,
  subject_id TEXT GENERATED ALWAYS AS (body ->> '$.subject.id') VIRTUAL,
  subject_name TEXT GENERATED ALWAYS AS (body ->> '$.subject.name') VIRTUAL
) STRICT;
CREATE UNIQUE INDEX events_by_id ON events (id, phase);
CREATE INDEX events_by_operation ON events (operation);
CREATE INDEX events_by_subject_id ON events (subject_id);
CREATE INDEX events_by_subject_name ON events (subject_name);
CREATE TRIGGER events_never_change BEFORE UPDATE ON events BEGIN
  SELECT RAISE(ABORT, 'the event log is append only');
END;
CREATE TRIGGER events_never_vanish BEFORE DELETE ON events BEGIN
  SELECT RAISE(ABORT, 'the event log is append only');
END;
CREATE TABLE open_intents (
  id TEXT PRIMARY KEY,
  seq INTEGER NOT NULL,
  host TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE authorities (
  fingerprint TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  public_line TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  phase TEXT NOT NULL
) STRICT;
CREATE TABLE serials (
  authority TEXT PRIMARY KEY,
  last INTEGER NOT NULL CHECK (last >= 1)
) STRICT, WITHOUT ROWID;
CREATE TABLE certificates (
  authority TEXT NOT NULL,
  serial INTEGER NOT NULL,
  kind TEXT NOT NULL,
  key_id TEXT NOT NULL,
  subject_fingerprint TEXT NOT NULL,
  principals TEXT NOT NULL,
  valid_after INTEGER NOT NULL,
  valid_before INTEGER NOT NULL,
  issued_at INTEGER NOT NULL,
  PRIMARY KEY (authority, serial)
) STRICT, WITHOUT ROWID;

CREATE TABLE consents (
  folder TEXT NOT NULL,
  hash TEXT NOT NULL,
  items TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (folder, hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE names (
  name TEXT PRIMARY KEY,
  workspace TEXT NOT NULL UNIQUE,
  container TEXT UNIQUE,
  reserved_at INTEGER NOT NULL
) STRICT;

CREATE TABLE hooks_done (
  container TEXT NOT NULL,
  hook TEXT NOT NULL,
  key TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (container, hook)
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// A container's labels bear its name, and its hooks leave their marks in the container: neither is told twice.
const VERSION_2: &str = "
DROP TABLE names;
DROP TABLE hooks_done;
";

/// Authorities with a life, the full record of each certificate, what was revoked, and keys beside the access key.
/// `generation` counts the authorities of a kind: what is recorded so far is the first of its kind.
const VERSION_3: &str = "
ALTER TABLE authorities ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;
ALTER TABLE authorities ADD COLUMN kept_in TEXT NOT NULL DEFAULT 'vault';
ALTER TABLE authorities ADD COLUMN changed_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE authorities ADD COLUMN policy TEXT;
UPDATE authorities SET changed_at = created_at;
CREATE UNIQUE INDEX authorities_by_generation ON authorities (kind, generation);
CREATE UNIQUE INDEX authorities_that_sign ON authorities (kind) WHERE phase = 'signing';

ALTER TABLE certificates ADD COLUMN subject_line TEXT NOT NULL DEFAULT '';
ALTER TABLE certificates ADD COLUMN extensions TEXT NOT NULL DEFAULT '[]';
ALTER TABLE certificates ADD COLUMN critical_options TEXT NOT NULL DEFAULT '[]';
ALTER TABLE certificates ADD COLUMN asked_by TEXT NOT NULL DEFAULT '';
ALTER TABLE certificates ADD COLUMN reason TEXT NOT NULL DEFAULT '';
CREATE INDEX certificates_by_subject ON certificates (subject_fingerprint);
CREATE INDEX certificates_by_end ON certificates (authority, valid_before);

CREATE TABLE revocations (
  version INTEGER PRIMARY KEY,
  means TEXT NOT NULL,
  authority TEXT NOT NULL,
  value TEXT NOT NULL,
  at INTEGER NOT NULL,
  asked_by TEXT NOT NULL,
  reason TEXT NOT NULL,
  UNIQUE (means, authority, value)
) STRICT;
CREATE TRIGGER revocations_never_change BEFORE UPDATE ON revocations BEGIN
  SELECT RAISE(ABORT, 'a revocation is final');
END;
CREATE TRIGGER revocations_never_vanish BEFORE DELETE ON revocations BEGIN
  SELECT RAISE(ABORT, 'a revocation is final');
END;

CREATE TABLE keys (
  name TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  public_line TEXT NOT NULL,
  origin TEXT NOT NULL,
  passphrase TEXT NOT NULL,
  state TEXT NOT NULL,
  replaced_by TEXT,
  created_at INTEGER NOT NULL,
  changed_at INTEGER NOT NULL
) STRICT;
";

/// Reads the schema version of the file; 0 in a new one.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Whether the file is empty or carries our mark.
pub(crate) fn is_ours(connection: &Connection) -> rusqlite::Result<bool> {
    let mark: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if mark == APPLICATION_ID {
        return Ok(true);
    }
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(mark == 0 && tables == 0)
}

/// Brings the file to [`SCHEMA_VERSION`]. All steps are one transaction: a crash leaves the old schema.
///
/// The caller holds the lock file, so that no two processes switch the journal mode at once (SQLite's busy handler
/// does not cover that switch).
pub(crate) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = usize::try_from(version(&transaction)?).unwrap_or(0);
    for step in STEPS.iter().skip(found) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Actor, ChainStatus, Door, EventFilter, EventId, Intent, Process, Store};
    use std::sync::Arc;
    use std::time::SystemTime;

    #[test]
    fn a_file_of_the_first_version_keeps_its_records_and_loses_the_tables_without_a_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.db");
        let first = Connection::open(&path).unwrap();
        first.execute_batch(VERSION_1).unwrap();
        first
            .execute_batch(
                "INSERT INTO names VALUES ('hello', '/a/hello', 'c1', 1);
                 INSERT INTO hooks_done VALUES ('c1', 'postStart', 'k', 1);
                 INSERT INTO settings VALUES ('proxy.start', 'false', 1);
                 INSERT INTO serials VALUES ('A', 41);
                 INSERT INTO authorities VALUES ('A', 'user', 'ssh-ed25519 AAAA', 5, 'signing');
                 INSERT INTO certificates VALUES ('A', 41, 'user', 'ann', 'SHA256:x', '[\"owner-1\"]', 5, 6, 7);",
            )
            .unwrap();
        first
            .pragma_update(None, "application_id", APPLICATION_ID)
            .unwrap();
        first.pragma_update(None, "user_version", 1).unwrap();
        let donor = folder.path().join("donor.db");
        let event = intent();
        let id = event.id;
        Store::open(&donor, Arc::new(SystemTime::now))
            .unwrap()
            .begin(event)
            .unwrap();
        first
            .execute("ATTACH ?1 AS donor", [donor.to_str().unwrap()])
            .unwrap();
        first
            .execute_batch("INSERT INTO events (seq, body, hash) SELECT seq, body, hash FROM donor.events")
            .unwrap();
        drop(first);

        let store = Store::open(&path, Arc::new(SystemTime::now)).unwrap();
        assert_eq!(
            store.setting("proxy.start").unwrap(),
            Some(serde_json::json!(false))
        );
        let record = |serial| crate::Certificate {
            authority: String::new(),
            serial,
            kind: crate::AuthorityKind::User,
            key_id: "ann".into(),
            subject_fingerprint: "SHA256:x".into(),
            subject_line: String::new(),
            principals: Vec::new(),
            extensions: Vec::new(),
            critical_options: Vec::new(),
            valid_after: 1,
            valid_before: 2,
            issued_at: 3,
            asked_by: String::new(),
            reason: String::new(),
        };
        assert_eq!(store.open_certificates("A", 1, record).unwrap()[0].serial, 42);
        let authorities = store.authorities(crate::AuthorityKind::User).unwrap();
        assert_eq!((authorities[0].generation, authorities[0].changed_at), (1, 5));
        assert_eq!(store.count_certificates("A").unwrap(), 2);
        let events = store.events(&EventFilter::default()).unwrap();
        assert_eq!(events.iter().map(|event| event.id).collect::<Vec<_>>(), [id]);
        assert!(matches!(
            store.verify_chain().unwrap(),
            ChainStatus::Intact { rows: 1, .. }
        ));
        let migrated = Connection::open(&path).unwrap();
        assert_eq!(version(&migrated).unwrap(), SCHEMA_VERSION);
        let fresh = Connection::open(folder.path().join("fresh.db")).unwrap();
        for step in STEPS {
            fresh.execute_batch(step).unwrap();
        }
        assert_eq!(tables(&migrated), tables(&fresh));
        assert!(
            !tables(&migrated)
                .iter()
                .any(|table| table == "names" || table == "hooks_done")
        );
    }

    fn intent() -> Intent {
        Intent {
            id: EventId(uuid::Uuid::from_u128(1)),
            who: Actor {
                user: "ann".into(),
                uid: None,
                host: "here".into(),
            },
            door: Door::Cli,
            operation: "containers.up".into(),
            subject: None,
            detail: serde_json::Value::Null,
            process: Process { pid: 7, started: 70 },
        }
    }

    fn tables(connection: &Connection) -> Vec<String> {
        let mut statement = connection
            .prepare("SELECT name FROM sqlite_schema ORDER BY name")
            .unwrap();
        let names = statement.query_map([], |row| row.get(0)).unwrap();
        names.collect::<Result<_, _>>().unwrap()
    }
}
