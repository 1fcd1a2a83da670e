//! From a passphrase to a key: argon2id.

use argon2::{Algorithm, Argon2, Params, Version};

use crate::error::VaultError;
use crate::master_key::Key;
use crate::secret::SecretText;

/// Shortest passphrase, in characters.
const SHORTEST: usize = 8;
/// Longest passphrase, in bytes.
const LONGEST: usize = 1024;

const SALT: usize = 16;

/// How a passphrase becomes a key; stands in the vault file, authenticated with the key that it wraps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Derivation {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: [u8; SALT],
}

impl Derivation {
    /// 64 MiB, 3 passes, 1 lane: RFC 9106's choice for machines with little memory, with one lane instead of four.
    pub(crate) fn new() -> Result<Self, VaultError> {
        let mut salt = [0u8; SALT];
        getrandom::fill(&mut salt).map_err(VaultError::Random)?;
        Ok(Self {
            memory_kib: 64 << 10,
            passes: 3,
            lanes: 1,
            salt,
        })
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(12 + SALT);
        for number in [self.memory_kib, self.passes, self.lanes] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&self.salt);
        bytes
    }

    /// `None` for what we never write: a file must not make us spend 4 GiB or an hour.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (memory, rest) = bytes.split_first_chunk()?;
        let (passes, rest) = rest.split_first_chunk()?;
        let (lanes, salt) = rest.split_first_chunk()?;
        let read = Self {
            memory_kib: u32::from_be_bytes(*memory),
            passes: u32::from_be_bytes(*passes),
            lanes: u32::from_be_bytes(*lanes),
            salt: salt.try_into().ok()?,
        };
        let bounded = (19 << 10..=256 << 10).contains(&read.memory_kib)
            && (1..=10).contains(&read.passes)
            && (1..=4).contains(&read.lanes);
        bounded.then_some(read)
    }

    /// Takes about a tenth of a second.
    pub(crate) fn key(&self, passphrase: &SecretText) -> Result<Key, VaultError> {
        let failed = |error: argon2::Error| VaultError::Derivation {
            message: error.to_string(),
        };
        let parameters = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).map_err(failed)?;
        let mut key = Key::default();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
            .hash_password_into(passphrase.expose().as_bytes(), &self.salt, key.as_mut_slice())
            .map_err(failed)?;
        Ok(key)
    }
}

/// Whether a new passphrase may be used.
pub(crate) fn check(passphrase: &SecretText) -> Result<(), VaultError> {
    let text = passphrase.expose();
    let why = if text.chars().count() < SHORTEST {
        "it has fewer than 8 characters"
    } else if text.len() > LONGEST {
        "it is longer than 1024 bytes"
    } else {
        return Ok(());
    };
    Err(VaultError::PassphraseRefused { why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_out_of_bounds_are_not_read() {
        let good = Derivation::new().unwrap();
        assert_eq!(Derivation::from_bytes(&good.to_bytes()), Some(good.clone()));
        for (memory_kib, passes, lanes) in [
            (u32::MAX, 3, 1),
            (256 * 1024 + 1, 3, 1),
            (8, 3, 1),
            (65536, 0, 1),
            (65536, 11, 1),
            (65536, 3, 0),
            (65536, 3, 5),
        ] {
            let bad = Derivation {
                memory_kib,
                passes,
                lanes,
                ..good.clone()
            };
            assert_eq!(Derivation::from_bytes(&bad.to_bytes()), None);
        }
        let bytes = good.to_bytes();
        for length in 0..bytes.len() {
            assert_eq!(Derivation::from_bytes(&bytes[..length]), None);
        }
    }

    #[test]
    fn the_key_depends_on_the_passphrase_and_the_salt() {
        let derivation = Derivation {
            memory_kib: 19 << 10,
            passes: 1,
            lanes: 1,
            salt: [1; SALT],
        };
        let one = SecretText::new("correct horse".to_owned());
        let other = SecretText::new("correct Horse".to_owned());
        let key = derivation.key(&one).unwrap();
        assert_eq!(key, derivation.key(&one).unwrap());
        assert_ne!(key, derivation.key(&other).unwrap());
        let salted = Derivation {
            salt: [2; SALT],
            ..derivation
        };
        assert_ne!(key, salted.key(&one).unwrap());
    }

    #[test]
    fn short_and_endless_passphrases_are_refused() {
        for text in ["", "seven77", &"x".repeat(1025)] {
            assert_eq!(
                check(&SecretText::new(text.to_owned())).unwrap_err().code(),
                "secrets.passphrase_refused"
            );
        }
        check(&SecretText::new("äöüßäöüß".to_owned())).unwrap();
    }
}
