use keyring::v1::{Entry, Error};
use zeroize::Zeroizing;

use super::{KeychainState, Store};

/// Secret Service, macOS Keychain or Windows Credential Manager, through the keyring crate.
pub(super) struct OsStore {
    service: String,
}

impl OsStore {
    pub(super) fn new(service: &str) -> Self {
        Self {
            service: service.to_owned(),
        }
    }

    fn entry(&self, account: &str) -> Result<Entry, String> {
        Entry::new(&self.service, account).map_err(|error| error.to_string())
    }
}

impl Store for OsStore {
    fn state(&self) -> KeychainState {
        match state_without_a_prompt() {
            KeychainState::Ready => match Entry::store_status() {
                Ok(()) => KeychainState::Ready,
                Err(error) => KeychainState::Failed(error.to_string()),
            },
            other => other,
        }
    }

    fn get(&self, account: &str) -> Result<Option<Zeroizing<String>>, String> {
        match self.entry(account)?.get_password() {
            Ok(value) => Ok(Some(Zeroizing::new(value))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn set(&self, account: &str, value: &str) -> Result<(), String> {
        self.entry(account)?
            .set_password(value)
            .map_err(|error| error.to_string())
    }

    fn delete(&self, account: &str) -> Result<(), String> {
        match self.entry(account)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// The keyring crate unlocks, and that raises a prompt where there is a screen: so the default collection, which it
/// uses, is looked at first.
#[cfg(all(unix, not(target_os = "macos")))]
fn state_without_a_prompt() -> KeychainState {
    use secret_service::blocking::SecretService;
    use secret_service::{EncryptionType, Error};

    let service = match SecretService::connect(EncryptionType::Plain) {
        Ok(service) => service,
        Err(Error::Unavailable | Error::Zbus(_)) => return KeychainState::NoService,
        Err(error) => return KeychainState::Failed(error.to_string()),
    };
    let locked = service
        .get_default_collection()
        .and_then(|collection| collection.is_locked());
    match locked {
        Ok(false) => KeychainState::Ready,
        Ok(true) => KeychainState::Locked,
        Err(Error::NoResult) => KeychainState::NoCollection,
        Err(Error::Unavailable) => KeychainState::NoService,
        Err(error) => KeychainState::Failed(error.to_string()),
    }
}

/// Both answer at once when they are locked and nobody may be asked.
#[cfg(not(all(unix, not(target_os = "macos"))))]
fn state_without_a_prompt() -> KeychainState {
    KeychainState::Ready
}
