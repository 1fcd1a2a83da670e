//! The public side of the SSH authorities, their serial numbers and the certificates that they signed.
//!
//! The private halves are in the vault, never here.

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use crate::store::{Fault, Store};
use crate::{StoreError, UnixMillis};

/// Whom an authority's certificates are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorityKind {
    /// People, who log in.
    User,
    /// Containers, which prove who they are.
    Host,
}

impl AuthorityKind {
    /// The stable word for it, as stored and in machine-readable output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Host => "host",
        }
    }
}

/// How far an authority is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorityPhase {
    /// Its certificates are accepted, it signs none yet: the next authority while everybody learns of it.
    Trusted,
    /// It signs.
    Signing,
    /// Nothing that it signed is accepted any more.
    Retired,
}

impl AuthorityPhase {
    /// The stable word for it, as stored and in machine-readable output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Signing => "signing",
            Self::Retired => "retired",
        }
    }
}

/// The public data of an authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// The fingerprint of its key (`SHA256:…`).
    pub fingerprint: String,
    /// Whom it signs for.
    pub kind: AuthorityKind,
    /// Its public key as one line of OpenSSH's format.
    pub public_line: String,
    /// When it was made.
    pub created_at: UnixMillis,
    /// How far it is in its life.
    pub phase: AuthorityPhase,
}

/// A certificate that was signed. The certificate itself is in a file; this is the record of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The fingerprint of the authority.
    pub authority: String,
    /// Its serial, from [`Store::next_serial`].
    pub serial: u64,
    /// Whom it is for.
    pub kind: AuthorityKind,
    /// The key id that is written in it and in the logs of those who see it.
    pub key_id: String,
    /// The fingerprint of the key that it certifies.
    pub subject_fingerprint: String,
    /// What it may enter or be called.
    pub principals: Vec<String>,
    /// First second of its validity (since 1970, as in the certificate).
    pub valid_after: u64,
    /// First second after its validity.
    pub valid_before: u64,
    /// When it was signed.
    pub issued_at: UnixMillis,
}

impl Store {
    /// Takes the next serial number of an authority: 1, 2, 3 …, each handed out once, whatever crashes. It is on the
    /// disk before this returns, so a number may be lost but never be used twice.
    ///
    /// # Errors
    /// [`StoreError::Unwritable`] where it cannot be recorded: then nothing may be signed.
    pub fn next_serial(&self, authority: &str) -> Result<u64, StoreError> {
        self.write("take a serial number", |transaction| {
            let last: i64 = transaction.query_row(
                "INSERT INTO serials (authority, last) VALUES (?1, 1)
                 ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last",
                [authority],
                |row| row.get(0),
            )?;
            Ok(last.cast_unsigned())
        })
    }

    /// Records a certificate that was signed.
    ///
    /// # Errors
    /// [`StoreError::SerialRefused`] where the serial was not taken with [`Store::next_serial`] or is recorded already.
    pub fn record_certificate(&self, certificate: &Certificate) -> Result<(), StoreError> {
        self.write("record a certificate", |transaction| {
            let serial = certificate.serial;
            let refused = || StoreError::SerialRefused { authority: certificate.authority.clone(), serial };
            let stored_serial = i64::try_from(serial).map_err(|_| refused())?;
            let taken = transaction
                .prepare_cached("SELECT 1 FROM serials WHERE authority = ?1 AND ?2 BETWEEN 1 AND last")?
                .exists(params![certificate.authority, stored_serial])?;
            if !taken {
                return Err(refused().into());
            }
            let added = transaction.execute(
                "INSERT OR IGNORE INTO certificates (authority, serial, kind, key_id, subject_fingerprint,
                   principals, valid_after, valid_before, issued_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    certificate.authority,
                    stored_serial,
                    certificate.kind.as_str(),
                    certificate.key_id,
                    certificate.subject_fingerprint,
                    serde_json::to_string(&certificate.principals)?,
                    // "For ever" is the largest unsigned number: kept bit by bit.
                    certificate.valid_after.cast_signed(),
                    certificate.valid_before.cast_signed(),
                    certificate.issued_at,
                ],
            )?;
            if added == 0 { Err(refused().into()) } else { Ok(()) }
        })
    }

    /// The certificates that an authority signed, by serial.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn certificates(&self, authority: &str) -> Result<Vec<Certificate>, StoreError> {
        self.read("list the certificates", |transaction| {
            let mut statement = transaction.prepare_cached(
                "SELECT authority, serial, kind, key_id, subject_fingerprint, principals, valid_after,
                   valid_before, issued_at FROM certificates WHERE authority = ?1 ORDER BY serial",
            )?;
            let mut rows = statement.query([authority])?;
            let mut certificates = Vec::new();
            while let Some(row) = rows.next()? {
                certificates.push(Certificate {
                    authority: row.get(0)?,
                    serial: row.get::<_, i64>(1)?.cast_unsigned(),
                    kind: word(row, 2)?,
                    key_id: row.get(3)?,
                    subject_fingerprint: row.get(4)?,
                    principals: serde_json::from_str(&row.get::<_, String>(5)?)?,
                    valid_after: row.get::<_, i64>(6)?.cast_unsigned(),
                    valid_before: row.get::<_, i64>(7)?.cast_unsigned(),
                    issued_at: row.get(8)?,
                });
            }
            Ok(certificates)
        })
    }

    /// Records an authority. Recorded again, it is left as it was.
    ///
    /// # Errors
    /// [`StoreError::Unwritable`] where nothing can be recorded.
    pub fn record_authority(
        &self,
        kind: AuthorityKind,
        fingerprint: &str,
        public_line: &str,
        phase: AuthorityPhase,
    ) -> Result<(), StoreError> {
        let at = self.now();
        self.write("record an authority", |transaction| {
            transaction.execute(
                "INSERT OR IGNORE INTO authorities (fingerprint, kind, public_line, created_at, phase)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![fingerprint, kind.as_str(), public_line, at, phase.as_str()],
            )?;
            Ok(())
        })
    }

    /// The authorities of a kind, oldest first.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn authorities(&self, kind: AuthorityKind) -> Result<Vec<Authority>, StoreError> {
        self.read("list the authorities", |transaction| {
            let mut statement = transaction.prepare_cached(
                "SELECT fingerprint, kind, public_line, created_at, phase FROM authorities
                 WHERE kind = ?1 ORDER BY created_at, fingerprint",
            )?;
            let mut rows = statement.query([kind.as_str()])?;
            let mut authorities = Vec::new();
            while let Some(row) = rows.next()? {
                authorities.push(Authority {
                    fingerprint: row.get(0)?,
                    kind: word(row, 1)?,
                    public_line: row.get(2)?,
                    created_at: row.get(3)?,
                    phase: word(row, 4)?,
                });
            }
            Ok(authorities)
        })
    }

    /// Moves an authority on in its life.
    ///
    /// # Errors
    /// [`StoreError::AuthorityUnknown`] where it is not recorded.
    pub fn set_authority_phase(&self, fingerprint: &str, phase: AuthorityPhase) -> Result<(), StoreError> {
        self.write("move an authority on", |transaction| {
            let changed = transaction.execute(
                "UPDATE authorities SET phase = ?1 WHERE fingerprint = ?2",
                [phase.as_str(), fingerprint],
            )?;
            if changed == 0 {
                return Err(StoreError::AuthorityUnknown {
                    fingerprint: fingerprint.to_owned(),
                }
                .into());
            }
            Ok(())
        })
    }
}

/// Reads a stored word by the same serde names that machine-readable output uses.
fn word<T: for<'de> Deserialize<'de>>(row: &Row<'_>, column: usize) -> Result<T, Fault> {
    Ok(serde_json::from_value(serde_json::Value::String(
        row.get(column)?,
    ))?)
}
