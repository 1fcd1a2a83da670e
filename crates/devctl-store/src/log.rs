//! Appending to the event log and reading it.

use std::time::{Duration, Instant};

use rusqlite::{OptionalExtension as _, Transaction, params, params_from_iter, types::Value as SqlValue};
use serde_json::Value;

use crate::chain::{self, GENESIS};
use crate::store::{Fault, Store, lock};
use crate::{EventFilter, EventId, EventRecord, Intent, Outcome, Phase, Process, StoreError, UnixMillis};

/// How often [`Store::wait_for_events`] looks for rows of other processes. One look reads one page.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Store {
    /// Writes what is about to be done. When this returns `Ok` the row is on the disk; when it does not, the caller
    /// must not act.
    ///
    /// # Errors
    /// [`StoreError::Unwritable`] where nothing can be recorded, [`StoreError::EventExists`] for an id used before.
    pub fn begin(&self, intent: Intent) -> Result<EventId, StoreError> {
        let id = intent.id;
        let at = self.now();
        self.write("record the intent", |transaction| {
            if row_exists(transaction, id, Phase::Started)? {
                return Err(StoreError::EventExists { id }.into());
            }
            let host = intent.who.host.clone();
            let seq = append(transaction, |seq| EventRecord {
                seq,
                id,
                phase: Phase::Started,
                at,
                who: intent.who,
                door: intent.door,
                operation: intent.operation,
                subject: intent.subject,
                process: intent.process,
                detail: intent.detail,
                outcome: None,
                duration_ms: None,
            })?;
            transaction
                .prepare_cached("INSERT INTO open_intents (id, seq, host) VALUES (?1, ?2, ?3)")?
                .execute(params![id.to_string(), seq.cast_signed(), host])?;
            Ok(id)
        })
    }

    /// Writes how an operation ended: a row of its own that repeats who did what on what.
    ///
    /// # Errors
    /// [`StoreError::EventUnknown`] without an intent, [`StoreError::EventEnded`] where the outcome is known already.
    pub fn finish(
        &self,
        id: EventId,
        outcome: Outcome,
        duration_ms: u64,
        detail: Value,
    ) -> Result<(), StoreError> {
        let at = self.now();
        self.write("record the outcome", |transaction| {
            end(transaction, id, at, outcome, Some(duration_ms), detail, None)
        })
    }

    /// [`Store::finish`] for an operation that found its subject only on the way (the id of a container that did not
    /// exist when the intent was written).
    ///
    /// # Errors
    /// As [`Store::finish`].
    pub fn finish_with_subject(
        &self,
        id: EventId,
        subject: crate::Subject,
        outcome: Outcome,
        duration_ms: u64,
        detail: Value,
    ) -> Result<(), StoreError> {
        let at = self.now();
        self.write("record the outcome", |transaction| {
            end(
                transaction,
                id,
                at,
                outcome,
                Some(duration_ms),
                detail,
                Some(subject),
            )
        })
    }

    /// Ends, as [`Outcome::Interrupted`], each intent of this machine (`host`) whose process is gone, and returns the
    /// rows that it wrote. `is_alive` is asked for the process of each intent without an outcome.
    ///
    /// Costs one small read where nothing is open, so every start can call it.
    ///
    /// # Errors
    /// Where the log cannot be read or written.
    pub fn reconcile_interrupted(
        &self,
        host: &str,
        is_alive: impl Fn(Process) -> bool,
    ) -> Result<Vec<EventRecord>, StoreError> {
        let open = self.read("find interrupted operations", |transaction| {
            let mut statement = transaction.prepare_cached(
                "SELECT events.body FROM open_intents JOIN events USING (seq) WHERE host = ?1 ORDER BY seq",
            )?;
            let bodies = statement.query_map([host], |row| row.get::<_, String>(0))?;
            bodies
                .map(|body| Ok(serde_json::from_str::<EventRecord>(&body?)?))
                .collect::<Result<Vec<_>, Fault>>()
        })?;
        let gone: Vec<EventId> = open
            .iter()
            .filter(|intent| !is_alive(intent.process))
            .map(|intent| intent.id)
            .collect();
        if gone.is_empty() {
            return Ok(Vec::new());
        }
        let at = self.now();
        self.write("mark interrupted operations", |transaction| {
            let mut ended = Vec::with_capacity(gone.len());
            for id in gone {
                // Another process may have marked it since.
                if is_open(transaction, id)? {
                    end(transaction, id, at, Outcome::Interrupted, None, Value::Null, None)?;
                    ended.push(row_of(transaction, id, Phase::Ended)?);
                }
            }
            Ok(ended.into_iter().flatten().collect())
        })
    }

    /// The intents that have no outcome yet, oldest first: what is going on, in all processes.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub fn open_intents(&self) -> Result<Vec<EventRecord>, StoreError> {
        self.read("read the open intents", |transaction| {
            let mut statement = transaction.prepare_cached(
                "SELECT events.body FROM open_intents JOIN events USING (seq) ORDER BY seq",
            )?;
            let bodies = statement.query_map([], |row| row.get::<_, String>(0))?;
            bodies.map(|body| Ok(serde_json::from_str(&body?)?)).collect()
        })
    }

    /// The rows that `filter` asks for, oldest first.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub fn events(&self, filter: &EventFilter) -> Result<Vec<EventRecord>, StoreError> {
        let (sql, values) = query(filter);
        let mut records = self.read("read the event log", |transaction| {
            let mut statement = transaction.prepare_cached(&sql)?;
            let bodies = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(0))?;
            bodies
                .map(|body| Ok(serde_json::from_str(&body?)?))
                .collect::<Result<Vec<EventRecord>, Fault>>()
        })?;
        if filter.latest {
            records.reverse();
        }
        Ok(records)
    }

    /// The place of the newest row; 0 in an empty log.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub fn last_seq(&self) -> Result<u64, StoreError> {
        self.read("read the event log", |transaction| {
            let seq: Option<i64> = transaction
                .prepare_cached("SELECT max(seq) FROM events")?
                .query_row([], |row| row.get(0))?;
            Ok(seq.unwrap_or(0).cast_unsigned())
        })
    }

    /// Waits until the log has a row after `after_seq`, whichever process wrote it; `false` when `timeout` passed
    /// without one. A row of this process is seen at once, one of another process after at most 50 ms.
    ///
    /// Where the file was deleted and begun anew, a shorter log counts as news too.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub fn wait_for_events(&self, after_seq: u64, timeout: Duration) -> Result<bool, StoreError> {
        let deadline = Instant::now().checked_add(timeout);
        loop {
            let seen = *lock(&self.written.0);
            if self.last_seq()? != after_seq {
                return Ok(true);
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(false);
            }
            let pause = left.map_or(LOOK_EVERY, |left| left.min(LOOK_EVERY));
            let guard = lock(&self.written.0);
            // Woken early or late, the loop looks again: neither the result nor a poisoned lock matters.
            let _ = self
                .written
                .1
                .wait_timeout_while(guard, pause, |now| *now == seen);
        }
    }
}

/// Appends the row that `record` makes for its place in the log. The caller's transaction holds the write lock, so no
/// other process can take the same place.
fn append(transaction: &Transaction<'_>, record: impl FnOnce(u64) -> EventRecord) -> Result<u64, Fault> {
    let newest: Option<(i64, [u8; 32])> = transaction
        .prepare_cached("SELECT seq, hash FROM events ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (last, head) = newest.unwrap_or((0, GENESIS));
    let seq = last.cast_unsigned() + 1;
    let body = chain::canonical(serde_json::to_value(record(seq))?);
    let hash = chain::link(&head, body.as_bytes());
    transaction
        .prepare_cached("INSERT INTO events (seq, body, hash) VALUES (?1, ?2, ?3)")?
        .execute(params![seq.cast_signed(), body, hash])?;
    Ok(seq)
}

fn end(
    transaction: &Transaction<'_>,
    id: EventId,
    at: UnixMillis,
    outcome: Outcome,
    duration_ms: Option<u64>,
    detail: Value,
    subject: Option<crate::Subject>,
) -> Result<(), Fault> {
    let Some(intent) = row_of(transaction, id, Phase::Started)? else {
        return Err(StoreError::EventUnknown { id }.into());
    };
    if row_exists(transaction, id, Phase::Ended)? {
        return Err(StoreError::EventEnded { id }.into());
    }
    append(transaction, |seq| EventRecord {
        seq,
        phase: Phase::Ended,
        at,
        detail,
        subject: subject.or(intent.subject),
        outcome: Some(outcome),
        duration_ms,
        id,
        who: intent.who,
        door: intent.door,
        operation: intent.operation,
        process: intent.process,
    })?;
    transaction
        .prepare_cached("DELETE FROM open_intents WHERE id = ?1")?
        .execute([id.to_string()])?;
    Ok(())
}

fn row_of(transaction: &Transaction<'_>, id: EventId, phase: Phase) -> Result<Option<EventRecord>, Fault> {
    let body: Option<String> = transaction
        .prepare_cached("SELECT body FROM events WHERE id = ?1 AND phase = ?2")?
        .query_row(params![id.to_string(), phase_word(phase)], |row| row.get(0))
        .optional()?;
    Ok(body.map(|body| serde_json::from_str(&body)).transpose()?)
}

fn row_exists(transaction: &Transaction<'_>, id: EventId, phase: Phase) -> Result<bool, Fault> {
    Ok(transaction
        .prepare_cached("SELECT 1 FROM events WHERE id = ?1 AND phase = ?2")?
        .exists(params![id.to_string(), phase_word(phase)])?)
}

fn is_open(transaction: &Transaction<'_>, id: EventId) -> Result<bool, Fault> {
    Ok(transaction
        .prepare_cached("SELECT 1 FROM open_intents WHERE id = ?1")?
        .exists([id.to_string()])?)
}

fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Started => "started",
        Phase::Ended => "ended",
    }
}

/// The statement for a filter: only what is asked for becomes a clause, so that SQLite can use its indexes.
fn query(filter: &EventFilter) -> (String, Vec<SqlValue>) {
    let mut sql = String::from("SELECT body FROM events WHERE 1");
    let mut values: Vec<SqlValue> = Vec::new();
    let mut clause = |text: &str, value: SqlValue| {
        sql.push_str(text);
        values.push(value);
    };
    if let Some(seq) = filter.since_seq {
        clause(" AND seq > ?", i64::try_from(seq).unwrap_or(i64::MAX).into());
    }
    if let Some(since) = filter.since {
        clause(" AND at >= ?", since.into());
    }
    if let Some(phase) = filter.phase {
        clause(" AND phase = ?", phase_word(phase).to_owned().into());
    }
    if let Some(id) = filter.id {
        clause(" AND id = ?", id.to_string().into());
    }
    if let Some(operation) = &filter.operation {
        clause(" AND operation = ?", operation.clone().into());
    }
    if let Some(subject) = &filter.subject {
        clause(" AND (subject_id = ?", subject.clone().into());
        clause(" OR subject_name = ?)", subject.clone().into());
    }
    sql.push_str(if filter.latest {
        " ORDER BY seq DESC"
    } else {
        " ORDER BY seq"
    });
    if let Some(limit) = filter.limit {
        sql.push_str(" LIMIT ?");
        values.push(i64::from(limit).into());
    }
    (sql, values)
}
