use std::fmt;
use std::path::PathBuf;

use crate::keychain::Keychain;
use crate::way::WayKind;

/// Where a master key may come from, in the order in which a new vault looks: the keychain, then the key file, then
/// the systemd credential, then a file of our own beside the vault. The choice is recorded in the vault; the ways in
/// are changed by [`crate::Vault::add_way`] and its like.
#[derive(Debug, Clone, Default)]
pub struct KeySources {
    /// The OS keychain; `None` never asks it.
    pub keychain: Option<Keychain>,
    /// What `DEVCTL_MASTER_KEY_FILE` says: a file of 32 bytes, plain or in base64.
    pub key_file: Option<PathBuf>,
    /// What systemd put into `CREDENTIALS_DIRECTORY`; the credential is called `devctl-master-key`.
    pub credentials_directory: Option<PathBuf>,
}

/// Where a key of a vault is, on this machine and now.
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
    /// A passphrase that a person knows.
    Passphrase,
    /// A printed key.
    RecoveryKey,
}

impl KeySource {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> WayKind {
        match self {
            Self::Keychain => WayKind::Keychain,
            Self::KeyFile(_) => WayKind::KeyFile,
            Self::SystemdCredential(_) => WayKind::SystemdCredential,
            Self::OwnFile(_) => WayKind::OwnFile,
            Self::Passphrase => WayKind::Passphrase,
            Self::RecoveryKey => WayKind::RecoveryKey,
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
            Self::Passphrase => f.write_str("a passphrase"),
            Self::RecoveryKey => f.write_str("the recovery key"),
        }
    }
}
