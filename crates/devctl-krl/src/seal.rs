//! The checksum in the header's comment: `sha256:` and the hash, in hexadecimal digits, of the whole file with zeros
//! in place of the digits.

use std::fmt::Write as _;
use std::ops::Range;

use sha2::{Digest as _, Sha256};

use crate::error::KrlError;

const PREFIX: &[u8] = b"sha256:";
const DIGITS: usize = 64;

/// The comment of a list that is still being written.
pub(crate) fn blank() -> Vec<u8> {
    let mut comment = PREFIX.to_vec();
    comment.resize(PREFIX.len() + DIGITS, b'0');
    comment
}

/// Puts the checksum of the finished list into its comment, which is at `comment`.
pub(crate) fn put(list: &mut [u8], comment: Range<usize>) {
    let digits = digits(list, &comment);
    if let Some(place) = list.get_mut(comment.start + PREFIX.len()..comment.end) {
        place.copy_from_slice(digits.as_bytes());
    }
}

/// Holds a list against its checksum, if it has one. A comment that only begins like ours is a damaged one.
pub(crate) fn check(list: &[u8], comment: Range<usize>) -> Result<(), KrlError> {
    let Some(said) = list
        .get(comment.clone())
        .and_then(|comment| comment.strip_prefix(PREFIX))
    else {
        return Ok(());
    };
    if said.len() == DIGITS && said == digits(list, &comment).as_bytes() {
        Ok(())
    } else {
        Err(KrlError::Damaged)
    }
}

fn digits(list: &[u8], comment: &Range<usize>) -> String {
    let mut hash = Sha256::new();
    hash.update(list.get(..comment.start + PREFIX.len()).unwrap_or_default());
    hash.update([b'0'; DIGITS]);
    hash.update(list.get(comment.end..).unwrap_or_default());
    hash.finalize()
        .iter()
        .fold(String::with_capacity(DIGITS), |mut digits, byte| {
            // Cannot fail: a String takes everything.
            let _ = write!(digits, "{byte:02x}");
            digits
        })
}
