use std::path::PathBuf;

use devctl_files::FilesError;

use crate::key_source::KeySource;
use crate::keychain::KeychainState;
use crate::way::WayKind;

/// What can go wrong with the vault and its master key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// A file cannot be read or written.
    #[error(transparent)]
    Files(#[from] FilesError),

    /// The keychain that holds the master key is locked. Opening a vault never raises its prompt.
    #[error("the keychain is locked")]
    KeychainLocked,

    /// The keychain gave no answer within the time allowed.
    #[error("the keychain gave no answer within {seconds} s")]
    KeychainTimeout {
        /// How long it was waited for.
        seconds: u64,
    },

    /// The keychain that holds the master key cannot be used.
    #[error("{0}")]
    KeychainUnusable(KeychainState),

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

    /// The passphrase is another one.
    #[error("this is not the passphrase of {}", path.display())]
    WrongPassphrase {
        /// The vault file.
        path: PathBuf,
    },

    /// The recovery key is well formed and of another vault, or an older one of this vault.
    #[error("this recovery key does not open {}", path.display())]
    WrongRecoveryKey {
        /// The vault file.
        path: PathBuf,
    },

    /// Nothing on this machine opens the vault, and it has a passphrase: it is to be asked for and given with
    /// [`crate::Unlock::passphrase`].
    #[error("the passphrase of {} is needed", path.display())]
    PassphraseNeeded {
        /// The vault file.
        path: PathBuf,
        /// Why the other ways do not open it; `None` if there is none.
        source: Option<Box<VaultError>>,
    },

    /// Only the recovery key is left.
    #[error("only the recovery key still opens {}", path.display())]
    RecoveryNeeded {
        /// The vault file.
        path: PathBuf,
        /// Why the others do not.
        source: Box<VaultError>,
    },

    /// A passphrase that is not taken.
    #[error("the passphrase is refused: {why}")]
    PassphraseRefused {
        /// What is wrong with it.
        why: &'static str,
    },

    /// The key could not be derived from the passphrase.
    #[error("no key can be derived from the passphrase: {message}")]
    Derivation {
        /// In the derivation's own words.
        message: String,
    },

    /// A way in of this kind exists; a vault has one of each.
    #[error("{} has a way in by {kind} already", path.display())]
    WayExists {
        /// The vault file.
        path: PathBuf,
        /// Its kind.
        kind: WayKind,
    },

    /// There is no way in of this kind.
    #[error("{} has no way in by {kind}", path.display())]
    NoSuchWay {
        /// The vault file.
        path: PathBuf,
        /// The kind.
        kind: WayKind,
    },

    /// Without this way, nothing but a recovery key would open the vault.
    #[error("{kind} is the last way into {}", path.display())]
    LastWay {
        /// The vault file.
        path: PathBuf,
        /// Its kind.
        kind: WayKind,
    },

    /// [`crate::Vault::create`] was asked to make one where one is.
    #[error("{} exists", path.display())]
    Exists {
        /// The vault file.
        path: PathBuf,
    },

    /// The vault was written less often than it was when it was last seen: it is an older copy.
    #[error("{} is an older copy: it counts {found} writes, and {seen} were seen", path.display())]
    RolledBack {
        /// The vault file.
        path: PathBuf,
        /// The count in the file.
        found: u64,
        /// The highest count seen.
        seen: u64,
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
            Self::KeychainUnusable(state) => state.code(),
            Self::NoKey { .. } => "secrets.no_key",
            Self::WrongKey { .. } => "secrets.wrong_key",
            Self::WrongPassphrase { .. } => "secrets.wrong_passphrase",
            Self::WrongRecoveryKey { .. } => "secrets.wrong_recovery_key",
            Self::PassphraseNeeded { .. } => "secrets.passphrase_needed",
            Self::RecoveryNeeded { .. } => "secrets.recovery_needed",
            Self::PassphraseRefused { .. } => "secrets.passphrase_refused",
            Self::Derivation { .. } => "secrets.derivation_failed",
            Self::WayExists { .. } => "secrets.way_exists",
            Self::NoSuchWay { .. } => "secrets.no_such_way",
            Self::LastWay { .. } => "secrets.last_way",
            Self::Exists { .. } => "secrets.vault_exists",
            Self::RolledBack { .. } => "secrets.vault_rolled_back",
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
            Self::KeychainLocked => KeychainState::Locked.fix(),
            Self::KeychainTimeout { .. } => KeychainState::TimedOut.fix(),
            Self::KeychainUnusable(state) => state.fix(),
            Self::NoKey {
                place: KeySource::KeyFile(_),
                ..
            } => Some("set DEVCTL_MASTER_KEY_FILE to the file that the vault was made with".to_owned()),
            Self::NoKey {
                place: KeySource::SystemdCredential(_),
                ..
            } => Some("run as the systemd unit that has LoadCredential=devctl-master-key".to_owned()),
            Self::NoKey { .. }
            | Self::WrongKey { .. } => Some(
                "restore the master key from a backup, or move the vault away to start with new keys"
                    .to_owned(),
            ),
            Self::Tampered { path, .. } => Some(format!(
                "restore {0} from a backup, or move it away to start with new keys: mv '{0}' '{0}.damaged'",
                path.display()
            )),
            Self::Newer { .. } => Some("update devctl".to_owned()),
            Self::WrongPassphrase { .. } => Some("type it again, or open the vault with its recovery key".to_owned()),
            Self::WrongRecoveryKey { .. } => {
                Some("take the recovery key that was made last for this vault".to_owned())
            }
            Self::PassphraseNeeded { source, .. } => {
                Some(or_else("give the passphrase", source.as_ref().and_then(|why| why.fix())))
            }
            Self::RecoveryNeeded { source, .. } => Some(or_else(
                "open the vault with its recovery key and set a new way in",
                source.fix(),
            )),
            Self::PassphraseRefused { .. } => Some("choose another passphrase".to_owned()),
            Self::WayExists { .. } => Some("replace it instead of adding one".to_owned()),
            Self::NoSuchWay { .. } => Some("look at the ways in that the vault has".to_owned()),
            Self::LastWay { .. } => Some("add another way in first, or replace this one".to_owned()),
            Self::Exists { .. } => Some("open it instead".to_owned()),
            Self::RolledBack { .. } => Some(
                "if you restored it yourself, accept the older copy; if not, somebody put it there: restore the newest"
                    .to_owned(),
            ),
            Self::EntryRefused { .. } | Self::Derivation { .. } | Self::Random(_) => None,
        }
    }
}

fn or_else(first: &str, other: Option<String>) -> String {
    match other {
        Some(other) => format!("{first}; or {other}"),
        None => first.to_owned(),
    }
}
