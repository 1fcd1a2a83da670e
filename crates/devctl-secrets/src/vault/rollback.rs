//! How often the vault was written, kept outside the vault, so that an older copy of it is noticed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use devctl_files::{Mode, read_optional, write_atomic};

use super::tampered;
use crate::error::VaultError;
use crate::key_source::{KeySource, KeySources};
use crate::keychain::Keychain;
use crate::master_key;

const COUNTER_FILE: &str = "vault.counter";

/// Where the count of writes is kept beside the vault, and whether that works.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RollbackWatch {
    /// In the keychain: also who puts back the vault's whole directory is noticed.
    Keychain,
    /// In this file beside the vault: a vault that is put back alone is noticed, a whole directory is not.
    File(PathBuf),
    /// The last write could not be noted, for this reason; a copy from just before it would not be noticed. The next
    /// write tries again.
    Behind(String),
}

/// Remembers the highest count.
pub(super) struct Memory {
    file: PathBuf,
    vault: String,
    keychain: Option<(Keychain, String)>,
    /// Seen since the vault was opened.
    here: AtomicU64,
    failed: Mutex<Option<String>>,
}

impl Memory {
    pub(super) fn new(dir: &Path, id: &[u8; 16], place: &KeySource, sources: &KeySources) -> Self {
        let keychain = match place {
            KeySource::Keychain => sources.keychain.clone(),
            _ => None,
        };
        Self {
            file: dir.join(COUNTER_FILE),
            vault: master_key::hex(id),
            keychain: keychain.map(|keychain| (keychain, master_key::counter_account(id))),
            here: AtomicU64::new(0),
            failed: Mutex::default(),
        }
    }

    /// The highest count in any place that can be reached.
    pub(super) fn recall(&self) -> Result<u64, VaultError> {
        let damaged = || tampered(&self.file, "it holds no number");
        let in_file = match read_optional(&self.file)? {
            Some(bytes) => self.read_file(&bytes).ok_or_else(damaged)?,
            None => 0,
        };
        let Some((keychain, account)) = &self.keychain else {
            return Ok(in_file);
        };
        let in_keychain = match keychain.get(account)? {
            Some(text) => parse(text.as_bytes()).ok_or_else(|| VaultError::NoKey {
                place: KeySource::Keychain,
                why: format!("its entry {account} holds no number"),
            })?,
            None => 0,
        };
        Ok(in_file.max(in_keychain))
    }

    pub(super) fn seen_here(&self) -> u64 {
        self.here.load(Ordering::Acquire)
    }

    pub(super) fn see(&self, counter: u64) {
        self.here.fetch_max(counter, Ordering::AcqRel);
    }

    /// Notes a count after it was written, under the vault's lock. The vault is written already, so a failure here is
    /// no failure of the write: it is shown by [`Memory::watch`].
    pub(super) fn record(&self, counter: u64, in_keychain: bool) {
        self.see(counter);
        let noted = match &self.keychain {
            Some((keychain, account)) if in_keychain => {
                keychain.set(account, &zeroize::Zeroizing::new(counter.to_string()))
            }
            _ => {
                let line = format!("{} {counter}\n", self.vault);
                write_atomic(&self.file, line.as_bytes(), Mode::PRIVATE).map_err(VaultError::from)
            }
        };
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) =
            noted.err().map(|error| error.to_string());
    }

    /// What was noted of a vault that was here before, and was moved away, does not count.
    fn read_file(&self, bytes: &[u8]) -> Option<u64> {
        let (vault, counter) = std::str::from_utf8(bytes).ok()?.split_once(' ')?;
        let counter = parse(counter.as_bytes())?;
        Some(if vault == self.vault { counter } else { 0 })
    }

    pub(super) fn watch(&self) -> RollbackWatch {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match (failed, &self.keychain) {
            (Some(why), _) => RollbackWatch::Behind(why),
            (None, Some(_)) => RollbackWatch::Keychain,
            (None, None) => RollbackWatch::File(self.file.clone()),
        }
    }
}

fn parse(bytes: &[u8]) -> Option<u64> {
    std::str::from_utf8(bytes).ok()?.trim_ascii().parse().ok()
}
