//! The keys that we keep for a person beside the access key. The private halves are encrypted files.

use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};

use crate::authorities::word;
use crate::store::{Fault, Store};
use crate::{StoreError, UnixMillis};

/// How a key came to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyOrigin {
    /// It was made here.
    Generated,
    /// It was brought here.
    Imported,
    /// Only its public half is here: the private one is on a token, or another person's.
    Public,
}

impl KeyOrigin {
    fn as_str(self) -> &'static str {
        match self {
            Self::Generated => "generated",
            Self::Imported => "imported",
            Self::Public => "public",
        }
    }
}

/// What the private file of a key is encrypted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PassphraseOf {
    /// With a passphrase that we made, which is in the vault.
    Vault,
    /// With a passphrase of the person's own, which we do not keep.
    Person,
    /// With a passphrase of the person's own, which is in the vault because the person asked for it.
    PersonInVault,
    /// There is no private file.
    Nobody,
}

impl PassphraseOf {
    fn as_str(self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::Person => "person",
            Self::PersonInVault => "person_in_vault",
            Self::Nobody => "nobody",
        }
    }
}

/// How far a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// In use.
    Active,
    /// Another has taken its place; it is accepted until the overlap ends.
    Retiring,
    /// It is in the revocation list.
    Revoked,
}

impl KeyState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Revoked => "revoked",
        }
    }
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its name, one of a kind in this installation.
    pub name: String,
    /// `SHA256:…`
    pub fingerprint: String,
    /// Its public half as one line of OpenSSH's format.
    pub public_line: String,
    /// How it came to us.
    pub origin: KeyOrigin,
    /// What its private file is encrypted with.
    pub passphrase: PassphraseOf,
    /// How far it is in its life.
    pub state: KeyState,
    /// The name of the key that took its place.
    pub replaced_by: Option<String>,
    /// When it came to us; the store sets it.
    pub created_at: UnixMillis,
    /// When its state or passphrase last changed; the store sets it.
    pub changed_at: UnixMillis,
}

const COLUMNS: &str =
    "name, fingerprint, public_line, origin, passphrase, state, replaced_by, created_at, changed_at";

impl Store {
    /// Records a key.
    ///
    /// # Errors
    /// [`StoreError::KeyExists`] where the name is taken.
    pub fn add_key(&self, key: &Key) -> Result<(), StoreError> {
        let at = self.now();
        self.write("record a key", |transaction| {
            let added = transaction.execute(
                &format!(
                    "INSERT OR IGNORE INTO keys ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)"
                ),
                params![
                    key.name,
                    key.fingerprint,
                    key.public_line,
                    key.origin.as_str(),
                    key.passphrase.as_str(),
                    key.state.as_str(),
                    key.replaced_by,
                    at
                ],
            )?;
            if added == 0 {
                return Err(StoreError::KeyExists {
                    name: key.name.clone(),
                }
                .into());
            }
            Ok(())
        })
    }

    /// Writes what may change in a key: key, passphrase, state, and what took its place.
    ///
    /// # Errors
    /// [`StoreError::KeyUnknown`] where no key has this name.
    pub fn update_key(&self, key: &Key) -> Result<(), StoreError> {
        let at = self.now();
        self.write("change a key", |transaction| {
            let changed = transaction.execute(
                "UPDATE keys SET fingerprint = ?2, public_line = ?3, passphrase = ?4, state = ?5, replaced_by = ?6,
                   changed_at = ?7 WHERE name = ?1",
                params![
                    key.name,
                    key.fingerprint,
                    key.public_line,
                    key.passphrase.as_str(),
                    key.state.as_str(),
                    key.replaced_by,
                    at
                ],
            )?;
            if changed == 0 {
                return Err(unknown(&key.name));
            }
            Ok(())
        })
    }

    /// Forgets a key.
    ///
    /// # Errors
    /// [`StoreError::KeyUnknown`] where no key has this name.
    pub fn remove_key(&self, name: &str) -> Result<(), StoreError> {
        self.write("forget a key", |transaction| {
            if transaction.execute("DELETE FROM keys WHERE name = ?1", [name])? == 0 {
                return Err(unknown(name));
            }
            Ok(())
        })
    }

    /// All keys, by name.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn keys(&self) -> Result<Vec<Key>, StoreError> {
        self.read("list the keys", |transaction| {
            let mut statement =
                transaction.prepare_cached(&format!("SELECT {COLUMNS} FROM keys ORDER BY name"))?;
            let mut rows = statement.query([])?;
            let mut keys = Vec::new();
            while let Some(row) = rows.next()? {
                keys.push(read(row)?);
            }
            Ok(keys)
        })
    }

    /// The key of that name.
    ///
    /// # Errors
    /// [`StoreError::KeyUnknown`] where no key has this name.
    pub fn key(&self, name: &str) -> Result<Key, StoreError> {
        self.read("read a key", |transaction| {
            let mut statement =
                transaction.prepare_cached(&format!("SELECT {COLUMNS} FROM keys WHERE name = ?1"))?;
            let mut rows = statement.query([name])?;
            match rows.next()? {
                Some(row) => read(row),
                None => Err(unknown(name)),
            }
        })
    }
}

fn unknown(name: &str) -> Fault {
    StoreError::KeyUnknown {
        name: name.to_owned(),
    }
    .into()
}

fn read(row: &Row<'_>) -> Result<Key, Fault> {
    Ok(Key {
        name: row.get(0)?,
        fingerprint: row.get(1)?,
        public_line: row.get(2)?,
        origin: word(row, 3)?,
        passphrase: word(row, 4)?,
        state: word(row, 5)?,
        replaced_by: row.get(6)?,
        created_at: row.get(7)?,
        changed_at: row.get(8)?,
    })
}
