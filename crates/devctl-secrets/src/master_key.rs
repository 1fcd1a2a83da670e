//! Choosing, making and reading the 32 bytes that open the vault.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use devctl_files::{Mode, ensure_private_file, read_optional, write_new};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::key_source::{KeySource, KeySources};
use crate::keychain::{Keychain, KeychainState};
use crate::passphrase::{self, Derivation};
use crate::vault::Slot;
use crate::way::{NewWay, WayKind};

pub(crate) type Key = Zeroizing<[u8; 32]>;

/// The file of our own beside the vault.
pub(crate) const OWN_FILE: &str = "master.key";

/// The name that `LoadCredential=` gives the systemd credential.
const CREDENTIAL: &str = "devctl-master-key";

/// The parameter of a keychain slot whose account bears the key's id.
const OWN_ACCOUNT: u8 = 1;

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

/// A key for a new way in, in its place.
pub(crate) struct Made {
    kind: WayKind,
    parameters: Vec<u8>,
    key: Key,
}

impl Made {
    pub(crate) fn slot(&self, vault_id: &[u8; 16], data_key: &Key) -> Result<Slot, VaultError> {
        Slot::wrap(self.kind, self.parameters.clone(), vault_id, &self.key, data_key)
    }

    fn without_parameters(kind: WayKind, key: Key) -> Self {
        Self {
            kind,
            parameters: Vec::new(),
            key,
        }
    }
}

/// Chooses the place for a new vault's key and gives the key that is there, or a new one.
///
/// A locked keychain is not "no keychain": falling back in silence would leave the key on the disk. It is passed over
/// only for a key that somebody gave on purpose.
pub(crate) fn choose(dir: &Path, id: &[u8; 16], sources: &KeySources) -> Result<Made, VaultError> {
    let mut refused = None;
    if let Some(keychain) = &sources.keychain {
        match keychain.probe() {
            KeychainState::Ready => {
                let key = random()?;
                keychain.set(&account(id), &encoded(&key))?;
                return Ok(Made::without_parameters(WayKind::Keychain, key));
            }
            KeychainState::NoBus | KeychainState::NoService | KeychainState::NoCollection => {}
            KeychainState::Locked => refused = Some(VaultError::KeychainLocked),
            state => refused = Some(VaultError::KeychainUnusable(state)),
        }
    }
    if sources.key_file.is_some() {
        return read_way(WayKind::KeyFile, dir, sources);
    }
    if credential(sources).is_some_and(|credential| credential.exists()) {
        return read_way(WayKind::SystemdCredential, dir, sources);
    }
    if let Some(refused) = refused {
        return Err(refused);
    }
    make_own_file(dir, sources)
}

/// The key for a way in that was asked for by name.
pub(crate) fn new_way(
    dir: &Path,
    id: &[u8; 16],
    sources: &KeySources,
    way: &NewWay,
) -> Result<Made, VaultError> {
    match way {
        NewWay::Keychain => {
            let keychain = keychain_of(sources)?;
            let key = random()?;
            keychain.set(&account_of_key(id, &id_of(&key)), &encoded(&key))?;
            Ok(Made {
                kind: WayKind::Keychain,
                parameters: vec![OWN_ACCOUNT],
                key,
            })
        }
        NewWay::KeyFile | NewWay::SystemdCredential => read_way(way.kind(), dir, sources),
        NewWay::OwnFile => make_own_file(dir, sources),
        NewWay::Passphrase(passphrase) => {
            passphrase::check(passphrase)?;
            let derivation = Derivation::new()?;
            Ok(Made {
                kind: WayKind::Passphrase,
                parameters: derivation.to_bytes(),
                key: derivation.key(passphrase)?,
            })
        }
    }
}

/// Reads the key of a way in from its place.
pub(crate) fn recall(
    place: &KeySource,
    slot: &Slot,
    id: &[u8; 16],
    sources: &KeySources,
) -> Result<Key, VaultError> {
    let KeySource::Keychain = place else {
        return read_place(place);
    };
    let text = keychain_of(sources)?
        .get(&key_account(id, slot))?
        .ok_or_else(|| absent(KeySource::Keychain, "its entry is gone"))?;
    decode(text.as_bytes()).ok_or_else(|| absent(KeySource::Keychain, "its entry is not a key"))
}

/// Where the key of a way in is, as the sources are now.
pub(crate) fn place_of(kind: WayKind, dir: &Path, sources: &KeySources) -> KeySource {
    match kind {
        WayKind::Keychain => KeySource::Keychain,
        WayKind::KeyFile => KeySource::KeyFile(sources.key_file.clone()),
        WayKind::SystemdCredential => KeySource::SystemdCredential(credential(sources)),
        WayKind::OwnFile => KeySource::OwnFile(dir.join(OWN_FILE)),
        WayKind::Passphrase => KeySource::Passphrase,
        WayKind::RecoveryKey => KeySource::RecoveryKey,
    }
}

/// The keychain entry that holds a slot's key. Vaults have different ones, so two installations of one user do not
/// share a key; a replaced key has another one, so the old key is whole until the vault is written.
pub(crate) fn key_account(id: &[u8; 16], slot: &Slot) -> String {
    match slot.parameters.as_slice() {
        [OWN_ACCOUNT] => account_of_key(id, &slot.key_id),
        _ => account(id),
    }
}

/// The keychain entry that holds how often the vault was written.
pub(crate) fn counter_account(id: &[u8; 16]) -> String {
    format!("{}-counter", account(id))
}

fn account(id: &[u8; 16]) -> String {
    format!("vault-{}", hex(id))
}

fn account_of_key(id: &[u8; 16], key_id: &[u8; 16]) -> String {
    format!("{}-{}", account(id), hex(key_id))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn encoded(key: &Key) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(key.as_slice()))
}

fn credential(sources: &KeySources) -> Option<PathBuf> {
    Some(sources.credentials_directory.as_ref()?.join(CREDENTIAL))
}

fn keychain_of(sources: &KeySources) -> Result<&Keychain, VaultError> {
    sources
        .keychain
        .as_ref()
        .ok_or_else(|| absent(KeySource::Keychain, "the keychain is not in use here"))
}

fn absent(place: KeySource, why: &str) -> VaultError {
    VaultError::NoKey {
        place,
        why: why.to_owned(),
    }
}

/// A key that is there already is taken: who made it died before the vault was written.
fn make_own_file(dir: &Path, sources: &KeySources) -> Result<Made, VaultError> {
    let made = random()?;
    let text = Zeroizing::new(STANDARD.encode(made.as_slice()) + "\n");
    write_new(&dir.join(OWN_FILE), text.as_bytes(), Mode::PRIVATE)?;
    read_way(WayKind::OwnFile, dir, sources)
}

fn read_way(kind: WayKind, dir: &Path, sources: &KeySources) -> Result<Made, VaultError> {
    let key = read_place(&place_of(kind, dir, sources))?;
    Ok(Made::without_parameters(kind, key))
}

fn read_place(place: &KeySource) -> Result<Key, VaultError> {
    let path = match place {
        KeySource::KeyFile(Some(path)) | KeySource::SystemdCredential(Some(path)) => path,
        KeySource::OwnFile(path) => {
            if path.exists() {
                ensure_private_file(path)?;
            }
            path
        }
        _ => return Err(absent(place.clone(), "it is not given")),
    };
    let bytes = read_optional(path)?.map(Zeroizing::new);
    let bytes = bytes.ok_or_else(|| absent(place.clone(), "the file is not there"))?;
    decode(&bytes).ok_or_else(|| absent(place.clone(), "it is not 32 bytes, plain or in base64"))
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
