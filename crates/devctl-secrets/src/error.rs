use std::path::PathBuf;

use devctl_files::FilesError;

use crate::key_source::KeySource;

/// What can go wrong with the vault and its master key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// A file cannot be read or written.
    #[error(transparent)]
    Files(#[from] FilesError),

    /// The keychain that holds the master key is locked. It is never asked to raise a prompt.
    #[error("the keychain is locked")]
    KeychainLocked,

    /// The keychain gave no answer within the time allowed.
    #[error("the keychain gave no answer within {seconds} s")]
    KeychainTimeout {
        /// How long it was waited for.
        seconds: u64,
    },

    /// The keychain that holds the master key cannot be reached or refused.
    #[error("the keychain failed: {message}")]
    KeychainFailed {
        /// In the keychain's own words.
        message: String,
    },

    /// The place that was chosen for the master key has none now.
    #[error("there is no master key in {place}: {why}")]
    NoKey {
        /// The place.
        place: KeySource,
        /// What is there instead.
        why: String,
    },

    /// The place that was chosen for the master key has another key than the one that the vault was made with.
    #[error("the master key in {place} does not open {}", path.display())]
    WrongKey {
        /// The place.
        place: KeySource,
        /// The vault file.
        path: PathBuf,
    },

    /// The vault file was changed by something that does not have the key, or is damaged.
    #[error("{} is damaged or was tampered with: {what}", path.display())]
    Tampered {
        /// The vault file.
        path: PathBuf,
        /// Which part.
        what: &'static str,
    },

    /// A newer devctl wrote the vault.
    #[error("{} has format {version}, which this devctl does not know", path.display())]
    Newer {
        /// The vault file.
        path: PathBuf,
        /// The version in the file.
        version: u16,
    },

    /// An entry that the vault does not take.
    #[error("the entry {name:?} cannot be kept: {why}")]
    EntryRefused {
        /// Its name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },

    /// The operating system gave no random bytes.
    #[error("the operating system gives no random bytes")]
    Random(#[source] getrandom::Error),
}

impl VaultError {
    /// The stable error code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Files(error) => error.code(),
            Self::KeychainLocked => "secrets.keychain_locked",
            Self::KeychainTimeout { .. } => "secrets.keychain_timeout",
            Self::KeychainFailed { .. } => "secrets.keychain_failed",
            Self::NoKey { .. } => "secrets.no_key",
            Self::WrongKey { .. } => "secrets.wrong_key",
            Self::Tampered { .. } => "secrets.vault_tampered",
            Self::Newer { .. } => "secrets.vault_newer",
            Self::EntryRefused { .. } => "secrets.entry_refused",
            Self::Random(_) => "secrets.no_randomness",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::Files(error) => error.fix(),
            Self::KeychainLocked => Some(
                "unlock the login keychain (log in to the desktop, or use its password manager) and repeat"
                    .to_owned(),
            ),
            Self::KeychainTimeout { .. } => {
                Some("look for a keychain prompt on the screen, answer it and repeat".to_owned())
            }
            Self::KeychainFailed { .. } => Some("start the desktop's keychain service and repeat".to_owned()),
            Self::NoKey {
                place: KeySource::KeyFile(_),
                ..
            } => Some("set DEVCTL_MASTER_KEY_FILE to the file that the vault was made with".to_owned()),
            Self::NoKey {
                place: KeySource::SystemdCredential(_),
                ..
            } => Some("run as the systemd unit that has LoadCredential=devctl-master-key".to_owned()),
            Self::NoKey {
                place: KeySource::Keychain | KeySource::OwnFile(_),
                ..
            }
            | Self::WrongKey { .. } => Some(
                "restore the master key from a backup, or move the vault away to start with new keys"
                    .to_owned(),
            ),
            Self::Tampered { path, .. } => Some(format!(
                "restore {0} from a backup, or move it away to start with new keys: mv '{0}' '{0}.damaged'",
                path.display()
            )),
            Self::Newer { .. } => Some("update devctl".to_owned()),
            Self::EntryRefused { .. } | Self::Random(_) => None,
        }
    }
}
