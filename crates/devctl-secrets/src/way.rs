use std::fmt;

use crate::error::VaultError;
use crate::recovery_key::RecoveryKey;
use crate::secret::SecretText;

/// The kinds of ways into a vault. A vault has at most one way of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WayKind {
    /// A key in the OS keychain.
    Keychain,
    /// A key in the file that `DEVCTL_MASTER_KEY_FILE` names.
    KeyFile,
    /// A key in the systemd credential `devctl-master-key`.
    SystemdCredential,
    /// A key in a 0600 file of our own beside the vault.
    OwnFile,
    /// A passphrase that a person knows.
    Passphrase,
    /// A printed key, for when the others are gone.
    RecoveryKey,
}

impl WayKind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Keychain,
        Self::KeyFile,
        Self::SystemdCredential,
        Self::OwnFile,
        Self::Passphrase,
        Self::RecoveryKey,
    ];

    /// The stable word for it, in arguments and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
            Self::KeyFile => "key-file",
            Self::SystemdCredential => "systemd-credential",
            Self::OwnFile => "own-file",
            Self::Passphrase => "passphrase",
            Self::RecoveryKey => "recovery-key",
        }
    }

    /// Whether it opens the vault without a person.
    #[must_use]
    pub fn opens_by_itself(self) -> bool {
        !matches!(self, Self::Passphrase | Self::RecoveryKey)
    }

    /// As it stands in the vault file.
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::Keychain => 1,
            Self::KeyFile => 2,
            Self::SystemdCredential => 3,
            Self::OwnFile => 4,
            Self::Passphrase => 5,
            Self::RecoveryKey => 6,
        }
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.byte() == byte)
    }
}

impl fmt::Display for WayKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A way in to be set. The recovery key is not among them: [`crate::Vault::make_recovery_key`].
#[derive(Debug, Clone)]
pub enum NewWay {
    /// A new random key in the OS keychain.
    Keychain,
    /// The key in the file that the sources name; it has to be there.
    KeyFile,
    /// The key in the systemd credential; it has to be there.
    SystemdCredential,
    /// A new random key in a 0600 file beside the vault: whoever reads the disk reads the vault.
    OwnFile,
    /// A passphrase of at least 8 characters. It is taken byte for byte.
    Passphrase(SecretText),
}

impl NewWay {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> WayKind {
        match self {
            Self::Keychain => WayKind::Keychain,
            Self::KeyFile => WayKind::KeyFile,
            Self::SystemdCredential => WayKind::SystemdCredential,
            Self::OwnFile => WayKind::OwnFile,
            Self::Passphrase(_) => WayKind::Passphrase,
        }
    }
}

/// What a person gives to open a vault once. The default opens with what the machine has.
#[derive(Debug, Clone, Default)]
pub struct Unlock {
    /// Opens with this passphrase and by no other way.
    pub passphrase: Option<SecretText>,
    /// Opens with this recovery key and by no other way; it goes before a passphrase.
    pub recovery_key: Option<RecoveryKey>,
    /// Takes an older copy than the last one seen: somebody restored it on purpose. It is written anew at once, so
    /// that the count goes on from the highest one.
    pub accept_older: bool,
}

/// What came of a change of the ways in. The change itself is done and durable.
#[derive(Debug)]
#[must_use]
pub struct WayChange {
    /// Why the key of the removed way could not be deleted from its place. It opens this vault no more, but it opens
    /// copies that were made before.
    pub left_behind: Option<VaultError>,
}
