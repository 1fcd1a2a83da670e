//! The hash chain: each row's hash covers its canonical text and the hash of the row before it.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::store::{Fault, Store};
use crate::{EventRecord, StoreError};

/// The hash that the first row builds on.
pub(crate) const GENESIS: [u8; 32] = [0; 32];

/// What [`Store::verify_chain`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChainStatus {
    /// Every row is as it was written.
    Intact {
        /// How many rows there are.
        rows: u64,
        /// The hash of the last row in hexadecimal; of no row, 64 zeros. Kept elsewhere, it proves later that the
        /// log was only added to.
        head: String,
    },
    /// Somebody or something changed the log.
    Broken {
        /// The first row that does not fit.
        seq: u64,
        /// What does not fit.
        fault: ChainFault,
    },
}

/// How a row does not fit the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChainFault {
    /// A row was changed, or the hash before it.
    Changed,
    /// The row is missing.
    Missing,
    /// The row fits, but is no record that this program writes.
    Unreadable,
}

impl Store {
    /// Reads the whole log and recomputes every hash.
    ///
    /// Somebody who may write the file can also recompute all the hashes: compare the head with one that was kept
    /// elsewhere to exclude that.
    ///
    /// # Errors
    /// Where the file cannot be read. A broken chain is a result, not an error.
    pub fn verify_chain(&self) -> Result<ChainStatus, StoreError> {
        self.read("verify the event log", |transaction| {
            let mut head = GENESIS;
            let mut last: u64 = 0;
            let mut statement = transaction.prepare("SELECT seq, body, hash FROM events ORDER BY seq")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let seq = row.get::<_, i64>(0)?.cast_unsigned();
                let body = row.get_ref(1)?.as_bytes().map_err(rusqlite::Error::from)?;
                let stored = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
                let expected = last + 1;
                if seq != expected {
                    return Ok(ChainStatus::Broken {
                        seq: expected,
                        fault: ChainFault::Missing,
                    });
                }
                head = link(&head, body);
                if head != stored {
                    return Ok(ChainStatus::Broken {
                        seq,
                        fault: ChainFault::Changed,
                    });
                }
                match serde_json::from_slice::<EventRecord>(body) {
                    Ok(record) if record.seq == seq => {}
                    Ok(_) => {
                        return Ok(ChainStatus::Broken {
                            seq,
                            fault: ChainFault::Changed,
                        });
                    }
                    Err(_) => {
                        return Ok(ChainStatus::Broken {
                            seq,
                            fault: ChainFault::Unreadable,
                        });
                    }
                }
                last = seq;
            }
            // SQLite remembers the highest number that it gave out, so rows that were cut off at the end show.
            let given_out = highest_given_out(transaction)?;
            if given_out > last {
                return Ok(ChainStatus::Broken {
                    seq: last + 1,
                    fault: ChainFault::Missing,
                });
            }
            Ok(ChainStatus::Intact {
                rows: last,
                head: hex::encode(head),
            })
        })
    }
}

/// The hash of a row: SHA-256 over the 32 bytes of the hash before it and the row's canonical text.
pub(crate) fn link(previous: &[u8; 32], body: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    hasher.update(body);
    hasher.finalize().into()
}

/// JSON with sorted keys and without white space: the same value gives the same bytes.
pub(crate) fn canonical(mut value: Value) -> String {
    value.sort_all_objects();
    value.to_string()
}

fn highest_given_out(transaction: &rusqlite::Transaction<'_>) -> Result<u64, Fault> {
    let seq: Option<i64> = transaction.query_row(
        "SELECT max(seq) FROM sqlite_sequence WHERE name = 'events'",
        [],
        |row| row.get(0),
    )?;
    Ok(seq.unwrap_or(0).cast_unsigned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_value_has_one_text() {
        let one = json!({ "b": [1, { "d": 2, "c": null }], "a": "é" });
        let other = json!({ "a": "é", "b": [1, { "c": null, "d": 2 }] });
        assert_eq!(canonical(one.clone()), r#"{"a":"é","b":[1,{"c":null,"d":2}]}"#);
        assert_eq!(canonical(one), canonical(other));
    }

    #[test]
    fn a_hash_covers_the_row_and_the_hash_before_it() {
        // printf '%064d' 0 | xxd -r -p | cat - <(printf '{}') | sha256sum
        let first = link(&GENESIS, b"{}");
        assert_eq!(
            hex::encode(first),
            "fb1634c4e6cd4b1f1afe3ce2d6ef080f7ac5d1f357d723ad4dfca782733b62db"
        );
        assert_ne!(link(&first, b"{}"), first);
    }
}
