use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::master_key::Key;
use crate::secret::SecretText;

/// Crockford's base 32: without I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const GROUPS: usize = 8;
/// Symbols of a group that carry the key; one more checks them.
const CARRIED: usize = 4;
const BYTES: usize = GROUPS * CARRIED * 5 / 8;

/// A printable key that opens a vault when its other ways are gone: 160 random bits in 8 groups of 5 symbols, such as
/// `4G3DP-…`. The last symbol of each group checks the group and its place, so a slip of the pen is found where it is.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryKey(Zeroizing<[u8; BYTES]>);

/// Why a text is not a recovery key. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecoveryKeyError {
    /// It has another number of symbols.
    #[error("a recovery key has 40 letters and digits, this has {found}")]
    Length {
        /// How many it has, separators not counted.
        found: usize,
    },
    /// It has a symbol that no recovery key has.
    #[error("symbol {position} is not one that a recovery key has")]
    Symbol {
        /// Which, from 1, separators not counted.
        position: usize,
    },
    /// A group does not fit its check symbol.
    #[error("there is a mistake in group {group} of the recovery key")]
    Mistyped {
        /// Which, from 1.
        group: usize,
    },
}

impl RecoveryKey {
    /// The stable code of [`RecoveryKeyError`].
    pub const ERROR_CODE: &str = "secrets.recovery_key_mistyped";

    pub(crate) fn random() -> Result<Self, VaultError> {
        let mut bytes = Zeroizing::new([0u8; BYTES]);
        getrandom::fill(bytes.as_mut_slice()).map_err(VaultError::Random)?;
        Ok(Self(bytes))
    }

    /// Reads what a person typed: capitals or not, with or without blanks and hyphens, `O` for `0` and `I` or `L` for
    /// `1`.
    ///
    /// # Errors
    /// Says where the mistake is.
    pub fn parse(text: &str) -> Result<Self, RecoveryKeyError> {
        let mut symbols = Zeroizing::new(Vec::with_capacity(GROUPS * (CARRIED + 1)));
        let written = text
            .chars()
            .filter(|symbol| !symbol.is_whitespace() && *symbol != '-');
        for (at, symbol) in written.enumerate() {
            let value = value_of(symbol).ok_or(RecoveryKeyError::Symbol { position: at + 1 })?;
            symbols.push(value);
        }
        if symbols.len() != GROUPS * (CARRIED + 1) {
            return Err(RecoveryKeyError::Length { found: symbols.len() });
        }
        let mut bytes = Zeroizing::new([0u8; BYTES]);
        let mut bits = 0u32;
        let mut held = 0;
        let mut filled = bytes.iter_mut();
        for (place, group) in symbols.chunks_exact(CARRIED + 1).enumerate() {
            let (carried, written) = group.split_at(CARRIED);
            if written != [check_symbol(place, carried)] {
                return Err(RecoveryKeyError::Mistyped { group: place + 1 });
            }
            for value in carried {
                bits = (bits << 5) | u32::from(*value);
                held += 5;
                if held >= 8 {
                    held -= 8;
                    if let Some(byte) = filled.next() {
                        *byte = (bits >> held & 0xff) as u8;
                    }
                }
            }
        }
        Ok(Self(bytes))
    }

    /// The key as it is shown once, to be printed or written down.
    #[must_use]
    pub fn printable(&self) -> SecretText {
        let mut text = String::with_capacity(GROUPS * (CARRIED + 2));
        let mut values = Zeroizing::new(Vec::with_capacity(GROUPS * CARRIED));
        let (mut bits, mut held) = (0u32, 0);
        for byte in self.0.iter() {
            bits = (bits << 8) | u32::from(*byte);
            held += 8;
            while held >= 5 {
                held -= 5;
                values.push((bits >> held & 31) as u8);
            }
        }
        for (place, group) in values.chunks_exact(CARRIED).enumerate() {
            if place > 0 {
                text.push('-');
            }
            for value in group.iter().chain([&check_symbol(place, group)]) {
                text.push(char::from(ALPHABET[usize::from(*value & 31)]));
            }
        }
        SecretText::new(text)
    }

    /// The key that wraps the vault's. The input is random, so one hash is enough.
    pub(crate) fn wrapping_key(&self, vault_id: &[u8; 16]) -> Key {
        let mut hash = Sha256::new();
        hash.update(b"devctl vault recovery key 1");
        hash.update(vault_id);
        hash.update(self.0.as_slice());
        Key::new(hash.finalize().into())
    }
}

impl fmt::Debug for RecoveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryKey(…)")
    }
}

fn value_of(symbol: char) -> Option<u8> {
    let symbol = match symbol.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let at = ALPHABET.iter().position(|known| char::from(*known) == symbol)?;
    u8::try_from(at).ok()
}

/// A weighted sum over the field of 32 elements. The weights differ, so each wrong symbol and each swap of two is
/// found; the place is added, so a swap of two groups is, too.
fn check_symbol(place: usize, carried: &[u8]) -> u8 {
    let mut sum = (place as u8 & 31) + 1;
    let mut weight = 2;
    for value in carried {
        sum ^= product(weight, *value);
        weight = product(weight, 2);
    }
    sum
}

/// In the field of 32 elements with the polynomial x⁵ + x² + 1.
fn product(a: u8, b: u8) -> u8 {
    let (mut a, mut b, mut result) = (a, b, 0);
    while b != 0 {
        if b & 1 == 1 {
            result ^= a;
        }
        a <<= 1;
        if a & 32 != 0 {
            a ^= 0b10_0101;
        }
        b >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_printed_is_read_again(bytes: [u8; BYTES]) {
            let key = RecoveryKey(Zeroizing::new(bytes));
            let text = key.printable();
            prop_assert_eq!(text.expose().len(), 47);
            prop_assert_eq!(&RecoveryKey::parse(text.expose()).unwrap(), &key);
            let typed = text.expose().to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
            prop_assert_eq!(&RecoveryKey::parse(&typed).unwrap(), &key);
        }

        #[test]
        fn no_text_panics(text in ".{0,60}") {
            // Any answer is one.
            let _ = RecoveryKey::parse(&text);
        }
    }

    #[test]
    fn each_wrong_symbol_each_swap_and_swapped_groups_are_found_where_they_are() {
        let key = RecoveryKey(Zeroizing::new(*b"0123456789abcdefghij"));
        let text: Vec<char> = key.printable().expose().replace('-', "").chars().collect();
        let read = |symbols: &[char]| RecoveryKey::parse(&symbols.iter().collect::<String>());
        for at in 0..text.len() {
            let group = at / 5 + 1;
            for other in ALPHABET.iter().map(|known| char::from(*known)) {
                if other != text[at] {
                    let mut wrong = text.clone();
                    wrong[at] = other;
                    assert_eq!(read(&wrong), Err(RecoveryKeyError::Mistyped { group }));
                }
            }
            if at % 5 < 4 && text[at] != text[at + 1] {
                let mut swapped = text.clone();
                swapped.swap(at, at + 1);
                assert_eq!(read(&swapped), Err(RecoveryKeyError::Mistyped { group }));
            }
        }
        let mut groups = text.clone();
        groups[..10].rotate_left(5);
        assert_eq!(read(&groups), Err(RecoveryKeyError::Mistyped { group: 1 }));
        assert_eq!(read(&text[1..]), Err(RecoveryKeyError::Length { found: 39 }));
        let mut foreign = text;
        foreign[7] = 'U';
        assert_eq!(read(&foreign), Err(RecoveryKeyError::Symbol { position: 8 }));
    }

    #[test]
    fn debug_prints_nothing_of_it() {
        let key = RecoveryKey(Zeroizing::new([0; BYTES]));
        assert_eq!(format!("{key:?}"), "RecoveryKey(…)");
    }
}
