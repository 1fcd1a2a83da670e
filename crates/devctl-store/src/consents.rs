//! What a person agreed to: the exact list, bound to its hash and to the folder that asked.

use rusqlite::{OptionalExtension as _, Row, params};
use serde_json::Value;

use crate::store::Store;
use crate::{StoreError, UnixMillis};

/// One consent.
#[derive(Debug, Clone, PartialEq)]
pub struct Consent {
    /// The workspace folder (or image) that asked.
    pub folder: String,
    /// The hash of the final list.
    pub hash: String,
    /// The list that was shown, as the caller writes it.
    pub items: Value,
    /// When it was given.
    pub at: UnixMillis,
}

impl Store {
    /// The consent that was given to exactly this list of this folder. The same list in another folder is another
    /// question.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn consent(&self, folder: &str, hash: &str) -> Result<Option<Consent>, StoreError> {
        self.read("look a consent up", |transaction| {
            let found = transaction
                .prepare_cached(
                    "SELECT folder, hash, items, at FROM consents WHERE folder = ?1 AND hash = ?2",
                )?
                .query_row([folder, hash], columns)
                .optional()?;
            found.map(consent).transpose()
        })
    }

    /// Records a consent; given again, its time is the new one.
    ///
    /// # Errors
    /// [`StoreError::Unwritable`] where nothing can be recorded: then nothing was agreed to.
    pub fn record_consent(&self, folder: &str, hash: &str, items: &Value) -> Result<(), StoreError> {
        let at = self.now();
        self.write("record a consent", |transaction| {
            transaction.execute(
                "INSERT INTO consents (folder, hash, items, at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET items = excluded.items, at = excluded.at",
                params![folder, hash, items.to_string(), at],
            )?;
            Ok(())
        })
    }

    /// All consents that a folder was given, oldest first: what changed since the last time can be shown.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn consents_of(&self, folder: &str) -> Result<Vec<Consent>, StoreError> {
        self.read("list the consents of a folder", |transaction| {
            let mut statement = transaction.prepare_cached(
                "SELECT folder, hash, items, at FROM consents WHERE folder = ?1 ORDER BY at, hash",
            )?;
            let rows = statement.query_map([folder], columns)?;
            rows.map(|row| consent(row?)).collect()
        })
    }

    /// Takes all consents of a folder back and returns how many there were.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn withdraw_consents(&self, folder: &str) -> Result<usize, StoreError> {
        self.write("withdraw consents", |transaction| {
            Ok(transaction.execute("DELETE FROM consents WHERE folder = ?1", [folder])?)
        })
    }
}

type Columns = (String, String, String, UnixMillis);

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

fn consent((folder, hash, items, at): Columns) -> Result<Consent, crate::store::Fault> {
    Ok(Consent {
        folder,
        hash,
        items: serde_json::from_str(&items)?,
        at,
    })
}
