//! The ways into a vault: opening it by one, and changing them.

use std::path::Path;

use devctl_files::remove_if_there;

use super::{VAULT_FILE, Vault, tampered};
use crate::error::VaultError;
use crate::key_source::{KeySource, KeySources};
use crate::keychain::KeychainState;
use crate::master_key::{self, Key, Made};
use crate::passphrase::Derivation;
use crate::recovery_key::RecoveryKey;
use crate::vault::format::{Header, Slot};
use crate::way::{NewWay, Unlock, WayChange, WayKind};

/// Files first: they answer at once.
const BY_THEMSELVES: [WayKind; 4] = [
    WayKind::KeyFile,
    WayKind::SystemdCredential,
    WayKind::OwnFile,
    WayKind::Keychain,
];

/// The data key, and which way gave it.
pub(super) fn open_header(
    header: &Header,
    dir: &Path,
    sources: &KeySources,
    unlock: &Unlock,
) -> Result<(KeySource, Key), VaultError> {
    let path = || dir.join(VAULT_FILE);
    let slot_of = |kind| slot(header, kind).ok_or_else(|| VaultError::NoSuchWay { path: path(), kind });
    let open_slot = |slot: &Slot, key: &Key, wrong: VaultError| {
        if master_key::id_of(key) != slot.key_id {
            return Err(wrong);
        }
        slot.unwrap(&header.id, key)
            .ok_or_else(|| tampered(&path(), "its wrapped key"))
    };
    if let Some(recovery_key) = &unlock.recovery_key {
        let slot = slot_of(WayKind::RecoveryKey)?;
        let key = recovery_key.wrapping_key(&header.id);
        let data_key = open_slot(slot, &key, VaultError::WrongRecoveryKey { path: path() })?;
        return Ok((KeySource::RecoveryKey, data_key));
    }
    if let Some(passphrase) = &unlock.passphrase {
        let slot = slot_of(WayKind::Passphrase)?;
        let derivation = Derivation::from_bytes(&slot.parameters)
            .ok_or_else(|| tampered(&path(), "how its passphrase becomes a key"))?;
        let key = derivation.key(passphrase)?;
        let data_key = open_slot(slot, &key, VaultError::WrongPassphrase { path: path() })?;
        return Ok((KeySource::Passphrase, data_key));
    }
    let mut refused: Option<VaultError> = None;
    for slot in BY_THEMSELVES.iter().filter_map(|kind| slot(header, *kind)) {
        let place = master_key::place_of(slot.kind, dir, sources);
        let opened = master_key::recall(&place, slot, &header.id, sources).and_then(|key| {
            let wrong = VaultError::WrongKey {
                place: place.clone(),
                path: path(),
            };
            open_slot(slot, &key, wrong)
        });
        match opened {
            Ok(data_key) => return Ok((place, data_key)),
            // Of several, the one that says more than "it is not there".
            Err(error) if refused.as_ref().is_none_or(is_absence) => refused = Some(error),
            Err(_) => {}
        }
    }
    let has = |kind| slot(header, kind).is_some();
    Err(match refused {
        Some(error @ VaultError::Tampered { .. }) => error,
        source if has(WayKind::Passphrase) => VaultError::PassphraseNeeded {
            path: path(),
            source: source.map(Box::new),
        },
        Some(error) if has(WayKind::RecoveryKey) && is_lasting(&error) => VaultError::RecoveryNeeded {
            path: path(),
            source: Box::new(error),
        },
        Some(error) => error,
        None => tampered(&path(), "it has no way in but a recovery key"),
    })
}

impl Vault {
    /// The ways in that it has, and where their keys are on this machine.
    ///
    /// # Errors
    /// As [`Vault::get`].
    pub fn ways(&self) -> Result<Vec<KeySource>, VaultError> {
        let header = self.read_header()?;
        let place = |slot: &Slot| master_key::place_of(slot.kind, &self.dir, &self.sources);
        Ok(header.slots.iter().map(place).collect())
    }

    /// Adds a way in.
    ///
    /// # Errors
    /// [`VaultError::WayExists`]; [`VaultError::PassphraseRefused`]; the place of the key cannot be reached; as
    /// [`Vault::put`].
    pub fn add_way(&self, new: &NewWay) -> Result<WayChange, VaultError> {
        self.change(None, Some(new))
    }

    /// Puts a way in into the place of another, of the same kind or not: a new passphrase, a new key in the keychain
    /// after the old one was lost, a passphrase instead of the keychain.
    ///
    /// # Errors
    /// [`VaultError::NoSuchWay`]; as [`Vault::add_way`].
    pub fn replace_way(&self, old: WayKind, new: &NewWay) -> Result<WayChange, VaultError> {
        self.change(Some(old), Some(new))
    }

    /// Removes a way in and its key. Older copies of the file still open with it.
    ///
    /// # Errors
    /// [`VaultError::NoSuchWay`]; [`VaultError::LastWay`] if nothing but a recovery key would be left; as
    /// [`Vault::put`].
    pub fn remove_way(&self, kind: WayKind) -> Result<WayChange, VaultError> {
        self.change(Some(kind), None)
    }

    /// Makes a recovery key, in the place of the one that there may be. It is nowhere kept: show it once.
    ///
    /// # Errors
    /// As [`Vault::put`].
    pub fn make_recovery_key(&self) -> Result<RecoveryKey, VaultError> {
        let recovery_key = RecoveryKey::random()?;
        let _lock = self.lock()?;
        let (mut file, mut header, contents) = self.read_contents()?;
        header.slots.retain(|slot| slot.kind != WayKind::RecoveryKey);
        let wrapping = recovery_key.wrapping_key(&self.id);
        header.slots.push(Slot::wrap(
            WayKind::RecoveryKey,
            Vec::new(),
            &self.id,
            &wrapping,
            &self.data_key,
        )?);
        let values = self.sealed_values(&mut file, &contents)?;
        self.write(&mut header, contents, &values)?;
        Ok(recovery_key)
    }

    /// The new key is in its place before the file says so, the old one is deleted after: a crash in between leaves a
    /// key too many, which opens nothing.
    fn change(&self, old: Option<WayKind>, new: Option<&NewWay>) -> Result<WayChange, VaultError> {
        let _lock = self.lock()?;
        let (mut file, mut header, contents) = self.read_contents()?;
        let removed = match old {
            Some(kind) => {
                let at = header.slots.iter().position(|slot| slot.kind == kind);
                let at = at.ok_or_else(|| VaultError::NoSuchWay {
                    path: self.path(),
                    kind,
                })?;
                Some((at, header.slots.remove(at)))
            }
            None => None,
        };
        if let Some(new) = new {
            if slot(&header, new.kind()).is_some() {
                return Err(VaultError::WayExists {
                    path: self.path(),
                    kind: new.kind(),
                });
            }
            let made: Made = master_key::new_way(&self.dir, &self.id, &self.sources, new)?;
            let at = removed.as_ref().map_or(header.slots.len(), |(at, _)| *at);
            header.slots.insert(at, made.slot(&self.id, &self.data_key)?);
        }
        if let (Some(kind), true) = (
            old,
            header.slots.iter().all(|slot| slot.kind == WayKind::RecoveryKey),
        ) {
            return Err(VaultError::LastWay {
                path: self.path(),
                kind,
            });
        }
        let values = self.sealed_values(&mut file, &contents)?;
        self.write(&mut header, contents, &values)?;
        let left_behind = removed.and_then(|(_, slot)| self.delete_key(&slot, &header).err());
        Ok(WayChange { left_behind })
    }

    /// Deletes the key of a way that is gone, where it is ours.
    fn delete_key(&self, removed: &Slot, header: &Header) -> Result<(), VaultError> {
        let replaced = slot(header, removed.kind);
        match (removed.kind, &self.sources.keychain) {
            (WayKind::OwnFile, _) if replaced.is_none() => {
                remove_if_there(&self.dir.join(master_key::OWN_FILE))?;
                Ok(())
            }
            (WayKind::Keychain, Some(keychain)) => {
                keychain.delete(&master_key::key_account(&self.id, removed))?;
                match replaced {
                    Some(_) => Ok(()),
                    None => keychain.delete(&master_key::counter_account(&self.id)),
                }
            }
            (WayKind::Keychain, None) => Err(VaultError::NoKey {
                place: KeySource::Keychain,
                why: "the keychain is not in use here".to_owned(),
            }),
            _ => Ok(()),
        }
    }
}

fn slot(header: &Header, kind: WayKind) -> Option<&Slot> {
    header.slots.iter().find(|slot| slot.kind == kind)
}

fn is_absence(error: &VaultError) -> bool {
    matches!(error, VaultError::NoKey { .. })
}

/// Whether repeating does not help: the key, or the keychain that held it, is not there. A locked keychain is.
fn is_lasting(error: &VaultError) -> bool {
    use KeychainState::{NoBus, NoCollection, NoService};
    match error {
        VaultError::NoKey { .. } | VaultError::WrongKey { .. } => true,
        VaultError::KeychainUnusable(state) => matches!(state, NoBus | NoService | NoCollection),
        _ => false,
    }
}
