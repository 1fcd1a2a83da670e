//! Settings as they were set. Which keys and values make sense is the core's business.

use rusqlite::{OptionalExtension as _, params};
use serde_json::Value;

use crate::StoreError;
use crate::store::Store;

impl Store {
    /// The value that was set for `key`; `None` where the default holds.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn setting(&self, key: &str) -> Result<Option<Value>, StoreError> {
        self.read("read a setting", |transaction| {
            let value: Option<String> = transaction
                .prepare_cached("SELECT value FROM settings WHERE key = ?1")?
                .query_row([key], |row| row.get(0))
                .optional()?;
            Ok(value.map(|value| serde_json::from_str(&value)).transpose()?)
        })
    }

    /// All settings that were set, by key.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn settings(&self) -> Result<Vec<(String, Value)>, StoreError> {
        self.read("list the settings", |transaction| {
            let mut statement = transaction.prepare_cached("SELECT key, value FROM settings ORDER BY key")?;
            let rows =
                statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
            rows.map(|row| {
                let (key, value) = row?;
                Ok((key, serde_json::from_str(&value)?))
            })
            .collect()
        })
    }

    /// Sets a value.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn set_setting(&self, key: &str, value: &Value) -> Result<(), StoreError> {
        let at = self.now();
        self.write("write a setting", |transaction| {
            transaction.execute(
                "INSERT INTO settings (key, value, at) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET value = excluded.value, at = excluded.at",
                params![key, value.to_string(), at],
            )?;
            Ok(())
        })
    }

    /// Goes back to the default; `false` where nothing was set.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn unset_setting(&self, key: &str) -> Result<bool, StoreError> {
        self.write("remove a setting", |transaction| {
            Ok(transaction.execute("DELETE FROM settings WHERE key = ?1", [key])? > 0)
        })
    }
}
