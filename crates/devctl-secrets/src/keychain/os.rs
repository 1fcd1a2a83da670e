use keyring::v1::{Entry, Error};
use zeroize::Zeroizing;

use super::{KeychainState, Stop, Store};
use crate::secret::SecretText;

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

    fn unlock(&self, password: Option<&SecretText>, stop: &Stop) -> KeychainState {
        unlock_it(password, stop)
    }
}

/// The keyring crate unlocks, and that raises a prompt where there is a screen: so the default collection, which it
/// uses, is looked at first.
#[cfg(all(unix, not(target_os = "macos")))]
fn state_without_a_prompt() -> KeychainState {
    super::secret_service::state()
}

/// Both answer at once when they are locked and nobody may be asked.
#[cfg(not(all(unix, not(target_os = "macos"))))]
fn state_without_a_prompt() -> KeychainState {
    KeychainState::Ready
}

#[cfg(all(unix, not(target_os = "macos")))]
fn unlock_it(password: Option<&SecretText>, stop: &Stop) -> KeychainState {
    super::secret_service::unlock(password, stop)
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn unlock_it(_password: Option<&SecretText>, _stop: &Stop) -> KeychainState {
    KeychainState::Failed("this system unlocks its keychain by itself, at the login".to_owned())
}
