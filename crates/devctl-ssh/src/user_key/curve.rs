use ssh_key::EcdsaCurve;
use ssh_key::private::EcdsaKeypair;
use zeroize::Zeroizing;

use crate::error::SshError;

/// A number outside the curve's range comes once in 2³² draws at worst (P-256); so many in a row are a broken source.
const MOST_DRAWS: usize = 16;

/// A new key on the curve from the operating system's randomness.
pub(super) fn random(curve: EcdsaCurve) -> Result<EcdsaKeypair, SshError> {
    for _ in 0..MOST_DRAWS {
        let mut scalar = Zeroizing::new(vec![0u8; bytes_of(curve)]);
        getrandom::fill(&mut scalar).map_err(SshError::Random)?;
        if curve == EcdsaCurve::NistP521 {
            // 521 bits in 66 bytes: of the first one only the last bit counts.
            scalar[0] &= 1;
        }
        if let Some(pair) = pair(curve, &scalar) {
            return Ok(pair);
        }
    }
    Err(SshError::Signing(ssh_key::Error::RngFailure))
}

/// The key pair of a private number, big-endian and of any length up to the curve's; the public half is computed.
/// `None` if the number is zero or outside the curve's range.
pub(super) fn pair(curve: EcdsaCurve, scalar: &[u8]) -> Option<EcdsaKeypair> {
    let padding = bytes_of(curve).checked_sub(scalar.len())?;
    let mut whole = Zeroizing::new(vec![0u8; padding]);
    whole.extend_from_slice(scalar);
    Some(match curve {
        EcdsaCurve::NistP256 => {
            let private = p256::SecretKey::from_slice(&whole).ok()?;
            EcdsaKeypair::NistP256 {
                public: private.public_key().into(),
                private: private.into(),
            }
        }
        EcdsaCurve::NistP384 => {
            let private = p384::SecretKey::from_slice(&whole).ok()?;
            EcdsaKeypair::NistP384 {
                public: private.public_key().into(),
                private: private.into(),
            }
        }
        EcdsaCurve::NistP521 => {
            let private = p521::SecretKey::from_slice(&whole).ok()?;
            EcdsaKeypair::NistP521 {
                public: private.public_key().into(),
                private: private.into(),
            }
        }
    })
}

fn bytes_of(curve: EcdsaCurve) -> usize {
    match curve {
        EcdsaCurve::NistP256 => 32,
        EcdsaCurve::NistP384 => 48,
        EcdsaCurve::NistP521 => 66,
    }
}
