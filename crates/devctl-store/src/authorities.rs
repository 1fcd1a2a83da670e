//! The public side of the SSH authorities and how far each is in its life.
//!
//! The private halves are in the vault or in an agent, never here.

use rusqlite::{Row, Transaction, params};
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

/// How far an authority is in its life. Each step is one further, and reversible up to [`AuthorityPhase::Retired`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorityPhase {
    /// It was made; nobody accepts it yet.
    New,
    /// Its certificates are accepted, it signs none: the next one while everybody learns of it, or the last one while
    /// its certificates run out.
    Trusted,
    /// It signs. One of a kind does.
    Signing,
    /// Nothing that it signed is accepted any more.
    Retired,
    /// Its key is in the revocation list.
    Revoked,
}

impl AuthorityPhase {
    /// The stable word for it, as stored and in machine-readable output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Trusted => "trusted",
            Self::Signing => "signing",
            Self::Retired => "retired",
            Self::Revoked => "revoked",
        }
    }

    /// Whether what an authority signed is accepted in this phase.
    #[must_use]
    pub fn is_trusted(self) -> bool {
        matches!(self, Self::Trusted | Self::Signing)
    }
}

/// Where the private half of an authority is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptIn {
    /// In the vault.
    Vault,
    /// In an ssh-agent, perhaps on a token: it never comes to us.
    Agent,
}

impl KeptIn {
    /// The stable word for it, as stored and in machine-readable output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::Agent => "agent",
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
    /// The how-manieth of its kind it is, from 1.
    pub generation: u32,
    /// Its public key as one line of OpenSSH's format.
    pub public_line: String,
    /// Where its private half is.
    pub kept_in: KeptIn,
    /// When it was made, or came to us.
    pub created_at: UnixMillis,
    /// How far it is in its life.
    pub phase: AuthorityPhase,
    /// Since when it is there.
    pub changed_at: UnixMillis,
    /// What it may sign, as the caller's own JSON; absent where nothing was set.
    pub policy: Option<serde_json::Value>,
}

/// An authority to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAuthority {
    /// The fingerprint of its key (`SHA256:…`).
    pub fingerprint: String,
    /// Whom it signs for.
    pub kind: AuthorityKind,
    /// The how-manieth of its kind it is, from 1.
    pub generation: u32,
    /// Its public key as one line of OpenSSH's format.
    pub public_line: String,
    /// Where its private half is.
    pub kept_in: KeptIn,
    /// Where its life starts.
    pub phase: AuthorityPhase,
}

const COLUMNS: &str =
    "fingerprint, kind, generation, public_line, kept_in, created_at, phase, changed_at, policy";

impl Store {
    /// Records an authority. Recorded again, it is left as it was.
    ///
    /// # Errors
    /// [`StoreError::AuthorityConflict`] where another of its kind has this generation, or signs already.
    pub fn record_authority(&self, authority: &NewAuthority) -> Result<(), StoreError> {
        let at = self.now();
        self.write("record an authority", |transaction| {
            let known = transaction
                .prepare_cached("SELECT 1 FROM authorities WHERE fingerprint = ?1")?
                .exists([&authority.fingerprint])?;
            if known {
                return Ok(());
            }
            let added = transaction.execute(
                "INSERT OR IGNORE INTO authorities (fingerprint, kind, generation, public_line, kept_in, created_at,
                   phase, changed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?6)",
                params![
                    authority.fingerprint,
                    authority.kind.as_str(),
                    authority.generation,
                    authority.public_line,
                    authority.kept_in.as_str(),
                    at,
                    authority.phase.as_str()
                ],
            )?;
            if added == 0 {
                return Err(StoreError::AuthorityConflict {
                    kind: authority.kind.as_str(),
                    generation: authority.generation,
                }
                .into());
            }
            Ok(())
        })
    }

    /// The authorities of a kind, oldest first.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn authorities(&self, kind: AuthorityKind) -> Result<Vec<Authority>, StoreError> {
        self.read("list the authorities", |transaction| list(transaction, kind))
    }

    /// Moves authorities on in their lives (or back), all of them or none: `moves` are fingerprints with the phase that
    /// each is in afterwards.
    ///
    /// # Errors
    /// [`StoreError::AuthorityUnknown`] where one is not recorded, [`StoreError::AuthorityChanged`] where the authorities
    /// of that kind are no longer as in `seen` (another process was faster), or two of a kind would sign.
    pub fn move_authorities(
        &self,
        seen: &[Authority],
        moves: &[(&str, AuthorityPhase)],
    ) -> Result<(), StoreError> {
        let at = self.now();
        self.write("move an authority on", |transaction| {
            for authority in seen {
                let now: Option<String> = transaction
                    .prepare_cached("SELECT phase FROM authorities WHERE fingerprint = ?1")?
                    .query_map([&authority.fingerprint], |row| row.get(0))?
                    .next()
                    .transpose()?;
                if now.as_deref() != Some(authority.phase.as_str()) {
                    return Err(StoreError::AuthorityChanged {
                        fingerprint: authority.fingerprint.clone(),
                    }
                    .into());
                }
            }
            // Who stops signing does so first: two of a kind never sign, not even within this change.
            let mut ordered = moves.to_vec();
            ordered.sort_by_key(|(_, phase)| *phase == AuthorityPhase::Signing);
            for (fingerprint, phase) in ordered {
                let changed = transaction.execute(
                    "UPDATE authorities SET phase = ?1, changed_at = ?2 WHERE fingerprint = ?3",
                    params![phase.as_str(), at, fingerprint],
                )?;
                if changed == 0 {
                    return Err(StoreError::AuthorityUnknown {
                        fingerprint: fingerprint.to_owned(),
                    }
                    .into());
                }
            }
            Ok(())
        })
    }

    /// Forgets an authority that never was trusted, so that its generation is free again.
    ///
    /// # Errors
    /// [`StoreError::AuthorityUnknown`] where none of that fingerprint is new.
    pub fn forget_authority(&self, fingerprint: &str) -> Result<(), StoreError> {
        self.write("forget an authority", |transaction| {
            let gone = transaction.execute(
                "DELETE FROM authorities WHERE fingerprint = ?1 AND phase = 'new'",
                [fingerprint],
            )?;
            if gone == 0 {
                return Err(StoreError::AuthorityUnknown {
                    fingerprint: fingerprint.to_owned(),
                }
                .into());
            }
            Ok(())
        })
    }

    /// Sets what an authority may sign; `None` brings the caller's default back.
    ///
    /// # Errors
    /// [`StoreError::AuthorityUnknown`] where it is not recorded.
    pub fn set_authority_policy(
        &self,
        fingerprint: &str,
        policy: Option<&serde_json::Value>,
    ) -> Result<(), StoreError> {
        self.write("set an authority's policy", |transaction| {
            let changed = transaction.execute(
                "UPDATE authorities SET policy = ?1 WHERE fingerprint = ?2",
                params![policy.map(serde_json::Value::to_string), fingerprint],
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

fn list(transaction: &Transaction<'_>, kind: AuthorityKind) -> Result<Vec<Authority>, Fault> {
    let mut statement = transaction.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM authorities WHERE kind = ?1 ORDER BY generation"
    ))?;
    let mut rows = statement.query([kind.as_str()])?;
    let mut authorities = Vec::new();
    while let Some(row) = rows.next()? {
        authorities.push(Authority {
            fingerprint: row.get(0)?,
            kind: word(row, 1)?,
            generation: row.get(2)?,
            public_line: row.get(3)?,
            kept_in: word(row, 4)?,
            created_at: row.get(5)?,
            phase: word(row, 6)?,
            changed_at: row.get(7)?,
            policy: row
                .get::<_, Option<String>>(8)?
                .map(|text| serde_json::from_str(&text))
                .transpose()?,
        });
    }
    Ok(authorities)
}

/// Reads a stored word by the same serde names that machine-readable output uses.
pub(crate) fn word<T: for<'de> Deserialize<'de>>(row: &Row<'_>, column: usize) -> Result<T, Fault> {
    Ok(serde_json::from_value(serde_json::Value::String(
        row.get(column)?,
    ))?)
}
