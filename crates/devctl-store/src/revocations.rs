//! What was revoked. A revocation is final: nothing here takes one back.

use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use crate::authorities::word;
use crate::store::{Fault, Store};
use crate::{StoreError, UnixMillis};

/// By which means something is revoked (the sections of OpenSSH's revocation lists).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationMeans {
    /// One serial of an authority: `7`.
    Serial,
    /// A range of serials of an authority, both ends included: `7-20`.
    SerialRange,
    /// All certificates of an authority with this key id.
    KeyId,
    /// A public key, with every certificate of it, or signed by it.
    Key,
    /// A public key by its SHA-256 fingerprint: `SHA256:…`.
    Fingerprint,
}

impl RevocationMeans {
    /// The stable word for it, as stored and in machine-readable output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Serial => "serial",
            Self::SerialRange => "serial_range",
            Self::KeyId => "key_id",
            Self::Key => "key",
            Self::Fingerprint => "fingerprint",
        }
    }
}

/// Something that was revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The version of the list that first held it: 2, 3 …; the empty list is version 1.
    pub version: u64,
    /// By which means.
    pub means: RevocationMeans,
    /// The public key of the authority in question, as one line; empty where the means knows none.
    pub authority: String,
    /// What, in the form that [`RevocationMeans`] tells.
    pub value: String,
    /// When.
    pub at: UnixMillis,
    /// Who asked for it.
    pub asked_by: String,
    /// Why.
    pub reason: String,
}

impl Store {
    /// Records a revocation before the list is written, and says which version of the list holds it. What is revoked
    /// already stays as it was recorded.
    ///
    /// # Errors
    /// [`StoreError::Unwritable`] where it cannot be recorded.
    pub fn revoke(
        &self,
        means: RevocationMeans,
        authority: &str,
        value: &str,
        asked_by: &str,
        reason: &str,
    ) -> Result<u64, StoreError> {
        let at = self.now();
        self.write("record a revocation", |transaction| {
            let version: i64 = transaction
                .query_row(
                    // The version of a list without an entry is 1.
                    "INSERT INTO revocations (version, means, authority, value, at, asked_by, reason)
                 SELECT coalesce(max(version), 1) + 1, ?1, ?2, ?3, ?4, ?5, ?6 FROM revocations WHERE true
                 ON CONFLICT (means, authority, value) DO NOTHING RETURNING version",
                    params![means.as_str(), authority, value, at, asked_by, reason],
                    |row| row.get(0),
                )
                .optional()?
                .map_or_else(
                    || {
                        transaction.query_row(
                        "SELECT version FROM revocations WHERE means = ?1 AND authority = ?2 AND value = ?3",
                        params![means.as_str(), authority, value],
                        |row| row.get(0),
                    )
                    },
                    Ok,
                )?;
            Ok(version.cast_unsigned())
        })
    }

    /// The record of a revocation; `None` where that is not revoked.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn revocation(
        &self,
        means: RevocationMeans,
        authority: &str,
        value: &str,
    ) -> Result<Option<Revocation>, StoreError> {
        self.read("look a revocation up", |transaction| {
            let mut statement = transaction.prepare_cached(
                "SELECT version, means, authority, value, at, asked_by, reason FROM revocations
                 WHERE means = ?1 AND authority = ?2 AND value = ?3",
            )?;
            let mut rows = statement.query(params![means.as_str(), authority, value])?;
            rows.next()?.map(read).transpose()
        })
    }

    /// Everything that is revoked, oldest first. The last one's version is that of the list.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn revocations(&self) -> Result<Vec<Revocation>, StoreError> {
        self.read("list the revocations", |transaction| {
            let mut statement = transaction.prepare_cached(
                "SELECT version, means, authority, value, at, asked_by, reason FROM revocations ORDER BY version",
            )?;
            let mut rows = statement.query([])?;
            let mut revocations = Vec::new();
            while let Some(row) = rows.next()? {
                revocations.push(read(row)?);
            }
            Ok(revocations)
        })
    }
}

fn read(row: &Row<'_>) -> Result<Revocation, Fault> {
    Ok(Revocation {
        version: row.get::<_, i64>(0)?.cast_unsigned(),
        means: word(row, 1)?,
        authority: row.get(2)?,
        value: row.get(3)?,
        at: row.get(4)?,
        asked_by: row.get(5)?,
        reason: row.get(6)?,
    })
}
