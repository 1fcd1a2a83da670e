use std::fmt;
use std::path::PathBuf;

use crate::keychain::Keychain;

/// Where a master key may come from, in the order in which a new vault looks: the keychain, then the key file, then
/// the systemd credential, then a file of our own beside the vault. The choice is recorded in the vault and final.
#[derive(Debug, Clone, Default)]
pub struct KeySources {
    /// The OS keychain; `None` never asks it.
    pub keychain: Option<Keychain>,
    /// What `DEVCTL_MASTER_KEY_FILE` says: a file of 32 bytes, plain or in base64.
    pub key_file: Option<PathBuf>,
    /// What systemd put into `CREDENTIALS_DIRECTORY`; the credential is called `devctl-master-key`.
    pub credentials_directory: Option<PathBuf>,
}

/// Where the master key of a vault is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// The OS keychain.
    Keychain,
    /// The file that `DEVCTL_MASTER_KEY_FILE` names; `None` if it names none now.
    KeyFile(Option<PathBuf>),
    /// The systemd credential `devctl-master-key`; `None` if there are no credentials now.
    SystemdCredential(Option<PathBuf>),
    /// A 0600 file of our own beside the vault: whoever reads the disk reads the vault.
    OwnFile(PathBuf),
}

impl KeySource {
    pub(crate) const KEYCHAIN: u8 = 1;
    pub(crate) const KEY_FILE: u8 = 2;
    pub(crate) const SYSTEMD_CREDENTIAL: u8 = 3;
    pub(crate) const OWN_FILE: u8 = 4;

    /// As it stands in the vault file.
    pub(crate) fn kind(&self) -> u8 {
        match self {
            Self::Keychain => Self::KEYCHAIN,
            Self::KeyFile(_) => Self::KEY_FILE,
            Self::SystemdCredential(_) => Self::SYSTEMD_CREDENTIAL,
            Self::OwnFile(_) => Self::OWN_FILE,
        }
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keychain => f.write_str("the OS keychain"),
            Self::KeyFile(Some(path)) => {
                write!(f, "the key file {} (DEVCTL_MASTER_KEY_FILE)", path.display())
            }
            Self::KeyFile(None) => f.write_str("the key file that DEVCTL_MASTER_KEY_FILE named"),
            Self::SystemdCredential(Some(path)) => write!(f, "the systemd credential {}", path.display()),
            Self::SystemdCredential(None) => f.write_str("the systemd credential devctl-master-key"),
            Self::OwnFile(path) => write!(f, "the file {}, without a keychain", path.display()),
        }
    }
}
