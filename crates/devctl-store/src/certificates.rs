//! Serial numbers, and the record of every certificate.

use rusqlite::{Row, ToSql, params};

use crate::authorities::word;
use crate::store::{Fault, Store};
use crate::{AuthorityKind, StoreError, UnixMillis};

/// A certificate that was signed, or was about to be when the process ended: the record comes before the signature.
/// The certificate itself is in the hands of whoever asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The fingerprint of the authority.
    pub authority: String,
    /// Its serial: 1, 2, 3 … of this authority.
    pub serial: u64,
    /// Whom it is for.
    pub kind: AuthorityKind,
    /// The key id that is written in it and in the logs of those who see it.
    pub key_id: String,
    /// The fingerprint of the key that it certifies.
    pub subject_fingerprint: String,
    /// The key that it certifies, as one line of OpenSSH's format; empty in records of the first program version.
    pub subject_line: String,
    /// What it may enter or be called.
    pub principals: Vec<String>,
    /// What its holder may do beyond running commands, as in the certificate.
    pub extensions: Vec<String>,
    /// What binds its holder, as in the certificate: name and value.
    pub critical_options: Vec<(String, String)>,
    /// First second of its validity (since 1970, as in the certificate).
    pub valid_after: u64,
    /// First second after its validity.
    pub valid_before: u64,
    /// When it was signed.
    pub issued_at: UnixMillis,
    /// Who asked for it.
    pub asked_by: String,
    /// What for.
    pub reason: String,
}

/// Which certificates are asked for; all of them by default, newest first.
#[derive(Debug, Clone, Default)]
pub struct CertificateFilter {
    /// Of this authority (fingerprint) only.
    pub authority: Option<String>,
    /// With this serial only.
    pub serial: Option<u64>,
    /// Of this kind only.
    pub kind: Option<AuthorityKind>,
    /// Of the key with this fingerprint only.
    pub subject_fingerprint: Option<String>,
    /// That end after this second only.
    pub valid_at: Option<u64>,
    /// So many at most.
    pub limit: Option<u32>,
}

const COLUMNS: &str =
    "authority, serial, kind, key_id, subject_fingerprint, subject_line, principals, extensions,
    critical_options, valid_after, valid_before, issued_at, asked_by, reason";

impl Store {
    /// Takes the next serial numbers of an authority (1, 2, 3 …, each handed out once, whatever crashes) and records
    /// the certificates that will carry them. Both are on the disk before this returns, so a number may be lost but
    /// never be used twice, and no certificate exists without a record.
    ///
    /// `record` makes the record for a serial; what it says of `authority` and `serial` is overruled.
    ///
    /// # Errors
    /// [`StoreError::Unwritable`] where it cannot be recorded: then nothing may be signed.
    pub fn open_certificates(
        &self,
        authority: &str,
        count: u32,
        mut record: impl FnMut(u64) -> Certificate,
    ) -> Result<Vec<Certificate>, StoreError> {
        self.write("record certificates", |transaction| {
            let last: i64 = transaction
                .prepare_cached(
                    "INSERT INTO serials (authority, last) VALUES (?1, ?2)
                     ON CONFLICT DO UPDATE SET last = last + ?2 RETURNING last",
                )?
                .query_row(params![authority, count], |row| row.get(0))?;
            let mut insert = transaction.prepare_cached(&format!(
                "INSERT INTO certificates ({COLUMNS})
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
            ))?;
            let first = last - i64::from(count) + 1;
            let mut records = Vec::new();
            for serial in first..=last {
                let made = Certificate {
                    authority: authority.to_owned(),
                    serial: serial.cast_unsigned(),
                    ..record(serial.cast_unsigned())
                };
                insert.execute(params![
                    made.authority,
                    serial,
                    made.kind.as_str(),
                    made.key_id,
                    made.subject_fingerprint,
                    made.subject_line,
                    serde_json::to_string(&made.principals)?,
                    serde_json::to_string(&made.extensions)?,
                    serde_json::to_string(&made.critical_options)?,
                    // "For ever" is the largest unsigned number: kept bit by bit.
                    made.valid_after.cast_signed(),
                    made.valid_before.cast_signed(),
                    made.issued_at,
                    made.asked_by,
                    made.reason,
                ])?;
                records.push(made);
            }
            Ok(records)
        })
    }

    /// Makes the next serial number of an authority larger than `used`: for an authority whose record was lost.
    ///
    /// # Errors
    /// [`StoreError::Unwritable`] where it cannot be recorded.
    pub fn raise_serials(&self, authority: &str, used: u64) -> Result<(), StoreError> {
        let used = i64::try_from(used).unwrap_or(i64::MAX).max(1);
        self.write("raise the serial numbers", |transaction| {
            transaction.execute(
                "INSERT INTO serials (authority, last) VALUES (?1, ?2)
                 ON CONFLICT DO UPDATE SET last = max(last, ?2)",
                params![authority, used],
            )?;
            Ok(())
        })
    }

    /// The certificates that match, newest first.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn certificates(&self, filter: &CertificateFilter) -> Result<Vec<Certificate>, StoreError> {
        // "For ever" is stored as -1 and ends after every second.
        let ends_after = filter.valid_at.map(u64::cast_signed);
        let serial = filter.serial.map(u64::cast_signed);
        let kind = filter.kind.map(AuthorityKind::as_str);
        let conditions: [(&str, Option<&dyn ToSql>); 5] = [
            (
                "authority = ?",
                filter.authority.as_ref().map(|v| v as &dyn ToSql),
            ),
            ("serial = ?", serial.as_ref().map(|v| v as &dyn ToSql)),
            ("kind = ?", kind.as_ref().map(|v| v as &dyn ToSql)),
            (
                "subject_fingerprint = ?",
                filter.subject_fingerprint.as_ref().map(|v| v as &dyn ToSql),
            ),
            (
                "(valid_before > ? OR valid_before < 0)",
                ends_after.as_ref().map(|v| v as &dyn ToSql),
            ),
        ];
        let asked: Vec<_> = conditions
            .into_iter()
            .filter_map(|(text, value)| Some((text, value?)))
            .collect();
        let mut query = format!("SELECT {COLUMNS} FROM certificates");
        for (number, (condition, _)) in asked.iter().enumerate() {
            query.push_str(if number == 0 { " WHERE " } else { " AND " });
            query.push_str(condition);
        }
        query.push_str(" ORDER BY issued_at DESC, authority, serial DESC LIMIT ");
        // A negative limit is none.
        query.push_str(
            &filter
                .limit
                .map_or_else(|| "-1".to_owned(), |limit| limit.to_string()),
        );
        self.read("list the certificates", |transaction| {
            let mut statement = transaction.prepare_cached(&query)?;
            let values: Vec<&dyn ToSql> = asked.iter().map(|(_, value)| *value).collect();
            let mut rows = statement.query(values.as_slice())?;
            let mut certificates = Vec::new();
            while let Some(row) = rows.next()? {
                certificates.push(read(row)?);
            }
            Ok(certificates)
        })
    }

    /// How many certificates an authority signed.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn count_certificates(&self, authority: &str) -> Result<u64, StoreError> {
        self.read("count the certificates", |transaction| {
            let count: i64 = transaction.query_row(
                "SELECT count(*) FROM certificates WHERE authority = ?1",
                [authority],
                |row| row.get(0),
            )?;
            Ok(count.cast_unsigned())
        })
    }
}

fn read(row: &Row<'_>) -> Result<Certificate, Fault> {
    Ok(Certificate {
        authority: row.get(0)?,
        serial: row.get::<_, i64>(1)?.cast_unsigned(),
        kind: word(row, 2)?,
        key_id: row.get(3)?,
        subject_fingerprint: row.get(4)?,
        subject_line: row.get(5)?,
        principals: serde_json::from_str(&row.get::<_, String>(6)?)?,
        extensions: serde_json::from_str(&row.get::<_, String>(7)?)?,
        critical_options: serde_json::from_str(&row.get::<_, String>(8)?)?,
        valid_after: row.get::<_, i64>(9)?.cast_unsigned(),
        valid_before: row.get::<_, i64>(10)?.cast_unsigned(),
        issued_at: row.get(11)?,
        asked_by: row.get(12)?,
        reason: row.get(13)?,
    })
}
