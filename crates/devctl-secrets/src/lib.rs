//! The secret vault: one master key in the OS keychain (or, where there is none, in a file), everything else in one
//! encrypted file.
//!
//! All calls block; from async code use a blocking thread. Nothing here reads the environment: paths and choices come
//! from the caller. The vault is opened only when something has to be signed: a login with a fresh certificate needs
//! neither the vault nor the keychain.

mod error;
mod key_source;
mod keychain;
mod master_key;
mod secret;
mod vault;

pub use error::VaultError;
pub use key_source::{KeySource, KeySources};
pub use keychain::{Keychain, KeychainState};
pub use secret::{Secret, SecretBytes};
pub use vault::Vault;
