//! The secret vault: everything in one encrypted file, which opens with a key in the OS keychain, a passphrase, a key
//! file, a systemd credential, a file of our own, or a printed recovery key.
//!
//! # Ways in
//! The entries are encrypted with one random key that never changes; the file's header holds it once for each way in,
//! wrapped with that way's own key. Ways are added, replaced and removed without an entry being touched, and the last
//! one that is not the recovery key stays. Removing a way does not take back what somebody copied before: who has an
//! old copy of the file and the way that opened it has the key. After a theft the secrets themselves are to be changed.
//!
//! # What a stolen file shows
//! Its ways in, how often it was written, how many bytes the entries have in all. No names, and no values: the names
//! are sealed together, apart from the values, so listing them opens no value and reading one value opens no other.
//!
//! # Older copies
//! The file counts its writes. The highest count is kept in the keychain where the keychain opens the vault, and in a
//! file `vault.counter` beside the vault otherwise; a vault that counts less is refused as an older copy. That notices:
//! - in the keychain: whoever puts back the vault, or the whole directory, without the keychain's own file;
//! - in the file: a vault that was restored alone. Who restores or rewrites the whole directory is not noticed.
//!
//! While a [`Vault`] is open, it remembers by itself.
//!
//! All calls block; from async code use a blocking thread. Nothing here reads the environment: paths and choices come
//! from the caller. The vault is opened only when something has to be signed or a secret is used: a login with a fresh
//! certificate needs neither the vault nor the keychain.

mod error;
mod key_source;
mod keychain;
mod master_key;
mod passphrase;
mod recovery_key;
mod secret;
mod secret_name;
mod vault;
mod way;

pub use error::VaultError;
pub use key_source::{KeySource, KeySources};
pub use keychain::{Canceller, Keychain, KeychainState, Unlocking};
pub use recovery_key::{RecoveryKey, RecoveryKeyError};
pub use secret::{Secret, SecretBytes, SecretText};
pub use secret_name::{SecretName, SecretNameError, SecretScope};
pub use vault::Vault;
#[cfg(feature = "fuzz")]
pub use vault::fuzz;
pub use vault::rollback::RollbackWatch;
pub use way::{NewWay, Unlock, WayChange, WayKind};
