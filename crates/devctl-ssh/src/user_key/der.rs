//! Private keys in ASN.1: PKCS#8 (RFC 5958), SEC1 (RFC 5915) and PKCS#1 (RFC 8017), none of them encrypted.

use pkcs8::PrivateKeyInfoRef;
use pkcs8::der::asn1::{ObjectIdentifier, OctetStringRef, UintRef};
use pkcs8::der::{self, Decode, Reader, SliceReader};
use ssh_key::private::{Ed25519Keypair, KeypairData, RsaKeypair, RsaPrivateKey};
use ssh_key::public::RsaPublicKey;
use ssh_key::sec1::EcPrivateKey;
use ssh_key::{EcdsaCurve, Mpint, PrivateKey};
use zeroize::Zeroizing;

use super::{curve, import};
use crate::error::SshError;
use crate::key_error::KeyError;

const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const DSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10040.4.1");
const CURVES: [(ObjectIdentifier, EcdsaCurve); 3] = [
    (
        ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
        EcdsaCurve::NistP256,
    ),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), EcdsaCurve::NistP384),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), EcdsaCurve::NistP521),
];

/// Whether these bytes are a private key of one of the three forms.
pub(super) fn is_private_key(bytes: &[u8]) -> bool {
    PrivateKeyInfoRef::try_from(bytes).is_ok()
        || EcPrivateKey::try_from(bytes).is_ok()
        || rsa_numbers(bytes).is_ok()
}

/// `PRIVATE KEY`
pub(super) fn pkcs8(bytes: &[u8]) -> Result<PrivateKey, SshError> {
    let damaged = |source| damaged("PKCS#8", source);
    let info = PrivateKeyInfoRef::try_from(bytes).map_err(|source| KeyError::Damaged {
        format: "PKCS#8",
        source: Box::new(source),
    })?;
    let inner = info.private_key.as_bytes();
    match info.algorithm.oid {
        ED25519 => {
            let seed = <&OctetStringRef>::from_der(inner).map_err(damaged)?.as_bytes();
            let seed = <&[u8; 32]>::try_from(seed).map_err(|_| {
                damaged(der::Error::from(der::ErrorKind::Value {
                    tag: der::Tag::OctetString,
                }))
            })?;
            key(KeypairData::Ed25519(Ed25519Keypair::from_seed(seed)))
        }
        EC => {
            let parameters = info.algorithm.parameters.ok_or_else(|| KeyError::TypeRefused {
                algorithm: "ecdsa".to_owned(),
                why: "it does not name its curve",
            })?;
            // Explicit parameters instead of a name are no object identifier.
            let name = parameters.decode_as::<ObjectIdentifier>().map_err(damaged)?;
            let private = EcPrivateKey::from_der(inner).map_err(damaged)?;
            ecdsa(name, private.private_key)
        }
        RSA => pkcs1(inner),
        DSA => Err(import::dsa().into()),
        other => Err(KeyError::TypeRefused {
            algorithm: other.to_string(),
            why: "only ed25519, ECDSA and RSA are read",
        }
        .into()),
    }
}

/// `EC PRIVATE KEY`
pub(super) fn sec1(bytes: &[u8]) -> Result<PrivateKey, SshError> {
    let private = EcPrivateKey::from_der(bytes).map_err(|source| damaged("SEC1", source))?;
    let name = private
        .parameters
        .and_then(|parameters| parameters.named_curve())
        .ok_or_else(|| KeyError::TypeRefused {
            algorithm: "ecdsa".to_owned(),
            why: "it does not name its curve",
        })?;
    ecdsa(name, private.private_key)
}

fn ecdsa(name: ObjectIdentifier, scalar: &[u8]) -> Result<PrivateKey, SshError> {
    let (_, curve) = CURVES
        .into_iter()
        .find(|(known, _)| *known == name)
        .ok_or_else(|| KeyError::TypeRefused {
            algorithm: format!("ecdsa on the curve {name}"),
            why: "ssh knows nistp256, nistp384 and nistp521 only",
        })?;
    let pair = curve::pair(curve, scalar).ok_or_else(|| KeyError::TypeRefused {
        algorithm: format!("ecdsa-sha2-{}", curve.as_str()),
        why: "its private number is not of the curve",
    })?;
    key(KeypairData::Ecdsa(pair))
}

/// `RSA PRIVATE KEY`
pub(super) fn pkcs1(bytes: &[u8]) -> Result<PrivateKey, SshError> {
    let numbers = rsa_numbers(bytes).map_err(|source| damaged("PKCS#1", source))?;
    let [n, e, d, p, q, _, _, iqmp] = numbers.map(|number| Zeroizing::new(number.as_bytes().to_vec()));
    let number = |bytes: &[u8]| Mpint::from_positive_bytes(bytes);
    let public = RsaPublicKey::new(number(&e), number(&n)).map_err(SshError::Signing)?;
    let private =
        RsaPrivateKey::new(number(&d), number(&iqmp), number(&p), number(&q)).map_err(SshError::Signing)?;
    key(KeypairData::Rsa(
        RsaKeypair::new(public, private).map_err(SshError::Signing)?,
    ))
}

/// Modulus, public exponent, private exponent, both primes, both exponents, coefficient.
fn rsa_numbers(bytes: &[u8]) -> der::Result<[UintRef<'_>; 8]> {
    let mut reader = SliceReader::new(bytes)?;
    let numbers = reader.sequence(|reader| {
        // 1 would be a key of more than two primes.
        if u8::decode(reader)? != 0 {
            return Err(der::Error::from(der::ErrorKind::Value {
                tag: der::Tag::Integer,
            }));
        }
        Ok([
            UintRef::decode(reader)?,
            UintRef::decode(reader)?,
            UintRef::decode(reader)?,
            UintRef::decode(reader)?,
            UintRef::decode(reader)?,
            UintRef::decode(reader)?,
            UintRef::decode(reader)?,
            UintRef::decode(reader)?,
        ])
    })?;
    reader.finish()?;
    Ok(numbers)
}

fn key(pair: KeypairData) -> Result<PrivateKey, SshError> {
    PrivateKey::new(pair, "").map_err(SshError::Signing)
}

fn damaged(format: &'static str, source: der::Error) -> SshError {
    KeyError::Damaged {
        format,
        source: Box::new(source),
    }
    .into()
}
