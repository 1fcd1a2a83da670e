//! Choosing, making and reading the 32 bytes that open the vault.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use devctl_files::{Mode, ensure_private_file, read_optional, write_new};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::key_source::{KeySource, KeySources};
use crate::keychain::{Keychain, KeychainState};

pub(crate) type Key = Zeroizing<[u8; 32]>;

/// The file of our own beside the vault.
pub(crate) const OWN_FILE: &str = "master.key";

/// The name that `LoadCredential=` gives the systemd credential.
const CREDENTIAL: &str = "devctl-master-key";

/// A random key.
pub(crate) fn random() -> Result<Key, VaultError> {
    let mut key = Key::default();
    getrandom::fill(key.as_mut_slice()).map_err(VaultError::Random)?;
    Ok(key)
}

/// What the vault file says of a key, so that a wrong key is told from a damaged file.
pub(crate) fn id_of(key: &Key) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(b"devctl vault master key 1");
    hash.update(key.as_slice());
    let mut id = [0u8; 16];
    id.copy_from_slice(&hash.finalize()[..16]);
    id
}

/// Chooses the place for a new vault's key and gives the key that is there, or a new one.
///
/// A locked keychain is not "no keychain": falling back in silence would leave the key on the disk. It is passed over
/// only for a key that somebody gave on purpose.
pub(crate) fn choose(
    dir: &Path,
    account: &str,
    sources: &KeySources,
) -> Result<(KeySource, Key), VaultError> {
    let mut refused = None;
    if let Some(keychain) = &sources.keychain {
        match keychain.probe() {
            KeychainState::Ready => return Ok((KeySource::Keychain, make_in_keychain(keychain, account)?)),
            KeychainState::NoService | KeychainState::NoCollection => {}
            KeychainState::Locked => refused = Some(VaultError::KeychainLocked),
            state @ (KeychainState::TimedOut | KeychainState::Failed(_)) => {
                refused = Some(VaultError::KeychainFailed {
                    message: state.to_string(),
                });
            }
        }
    }
    if sources.key_file.is_some() {
        return read_place(KeySource::KeyFile(sources.key_file.clone()));
    }
    if let Some(directory) = &sources.credentials_directory {
        let credential = directory.join(CREDENTIAL);
        if credential.exists() {
            return read_place(KeySource::SystemdCredential(Some(credential)));
        }
    }
    if let Some(refused) = refused {
        return Err(refused);
    }
    let path = dir.join(OWN_FILE);
    let made = random()?;
    let text = Zeroizing::new(STANDARD.encode(made.as_slice()) + "\n");
    write_new(&path, text.as_bytes(), Mode::PRIVATE)?;
    read_place(KeySource::OwnFile(path))
}

/// Reads the key of an existing vault from the place that was chosen when it was made.
pub(crate) fn recall(place: &KeySource, account: &str, sources: &KeySources) -> Result<Key, VaultError> {
    let KeySource::Keychain = place else {
        return read_place(place.clone()).map(|(_, key)| key);
    };
    let missing = |why: &str| VaultError::NoKey {
        place: KeySource::Keychain,
        why: why.to_owned(),
    };
    let keychain = sources
        .keychain
        .as_ref()
        .ok_or_else(|| missing("the keychain is not in use here"))?;
    let text = keychain
        .get(account)?
        .ok_or_else(|| missing("its entry is gone"))?;
    decode(text.as_bytes()).ok_or_else(|| missing("its entry is not a key"))
}

/// The place that a kind in a vault file stands for, as the sources are now.
pub(crate) fn place_of(kind: u8, dir: &Path, sources: &KeySources) -> Option<KeySource> {
    Some(match kind {
        KeySource::KEYCHAIN => KeySource::Keychain,
        KeySource::KEY_FILE => KeySource::KeyFile(sources.key_file.clone()),
        KeySource::SYSTEMD_CREDENTIAL => KeySource::SystemdCredential(
            sources
                .credentials_directory
                .as_ref()
                .map(|directory| directory.join(CREDENTIAL)),
        ),
        KeySource::OWN_FILE => KeySource::OwnFile(dir.join(OWN_FILE)),
        _ => return None,
    })
}

fn make_in_keychain(keychain: &Keychain, account: &str) -> Result<Key, VaultError> {
    let key = random()?;
    let text = Zeroizing::new(STANDARD.encode(key.as_slice()));
    keychain.set(account, &text)?;
    Ok(key)
}

fn read_place(place: KeySource) -> Result<(KeySource, Key), VaultError> {
    let path = match &place {
        KeySource::KeyFile(Some(path)) | KeySource::SystemdCredential(Some(path)) => path,
        KeySource::OwnFile(path) => {
            if path.exists() {
                ensure_private_file(path)?;
            }
            path
        }
        KeySource::KeyFile(None) | KeySource::SystemdCredential(None) | KeySource::Keychain => {
            return Err(VaultError::NoKey {
                place,
                why: "it is not given".to_owned(),
            });
        }
    };
    let Some(bytes) = read_optional(path)?.map(Zeroizing::new) else {
        return Err(VaultError::NoKey {
            place,
            why: "the file is not there".to_owned(),
        });
    };
    match decode(&bytes) {
        Some(key) => Ok((place, key)),
        None => Err(VaultError::NoKey {
            place,
            why: "it is not 32 bytes, plain or in base64".to_owned(),
        }),
    }
}

fn decode(bytes: &[u8]) -> Option<Key> {
    let mut key = Key::default();
    if bytes.len() == key.len() {
        key.copy_from_slice(bytes);
        return Some(key);
    }
    let decoded = Zeroizing::new(STANDARD.decode(bytes.trim_ascii()).ok()?);
    if decoded.len() != key.len() {
        return None;
    }
    key.copy_from_slice(&decoded);
    Some(key)
}
