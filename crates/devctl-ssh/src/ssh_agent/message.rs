//! The messages of draft-ietf-sshm-ssh-agent, without the length before them.

use ssh_key::encoding::{Decode, Encode};
use ssh_key::private::KeypairData;
use ssh_key::{Certificate, PrivateKey, PublicKey};
use zeroize::Zeroizing;

use super::{AgentConstraints, AgentIdentity, IdentityKey};

pub(super) const FAILURE: u8 = 5;
pub(super) const SUCCESS: u8 = 6;
pub(super) const REQUEST_IDENTITIES: u8 = 11;
/// Flag of a request to sign with an RSA key.
pub(super) const RSA_SHA2_512: u32 = 4;

const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
const ADD_IDENTITY: u8 = 17;
const REMOVE_IDENTITY: u8 = 18;
const ADD_ID_CONSTRAINED: u8 = 25;
const CONSTRAIN_LIFETIME: u8 = 1;
const CONSTRAIN_CONFIRM: u8 = 2;

/// More keys than that no agent holds (OpenSSH: `MAX_AGENT_IDENTITIES`).
const MOST_IDENTITIES: u32 = 2048;

pub(super) fn add(
    key: &PrivateKey,
    certificate: Option<&Certificate>,
    constraints: AgentConstraints,
) -> ssh_key::Result<Zeroizing<Vec<u8>>> {
    let pair = key.key_data();
    // Big enough from the start: a buffer that grows leaves copies of the key behind.
    let certificate_len = certificate.map_or(Ok(0), Encode::encoded_len)?;
    let mut out = Zeroizing::new(Vec::with_capacity(
        512 + pair.encoded_len()? + certificate_len + key.comment().as_bytes().len(),
    ));
    let constrained = constraints != AgentConstraints::default();
    out.push(if constrained {
        ADD_ID_CONSTRAINED
    } else {
        ADD_IDENTITY
    });
    match certificate {
        None => pair.encode(&mut *out)?,
        Some(certificate) => {
            if certificate.public_key() != key.public_key().key_data() {
                return Err(ssh_key::Error::PublicKey);
            }
            certificate.algorithm().to_certificate_type().encode(&mut *out)?;
            certificate.to_bytes()?.encode(&mut *out)?;
            private_half(pair, &mut out)?;
        }
    }
    key.comment().as_bytes().encode(&mut *out)?;
    if let Some(lifetime) = constraints.lifetime {
        out.push(CONSTRAIN_LIFETIME);
        lifetime.encode(&mut *out)?;
    }
    if constraints.confirm {
        out.push(CONSTRAIN_CONFIRM);
    }
    Ok(out)
}

/// What follows a certificate: the numbers that it does not have, and for ed25519 the public one again.
fn private_half(pair: &KeypairData, out: &mut Vec<u8>) -> ssh_key::Result<()> {
    match pair {
        KeypairData::Ed25519(pair) => pair.encode(out)?,
        KeypairData::Ecdsa(pair) => {
            // As a number without a sign: with a zero before a first bit that is set.
            let bytes = pair.private_key_bytes();
            let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
            let number = &bytes[start..];
            let zero = number.first().is_some_and(|byte| *byte >= 0x80);
            (number.len() + usize::from(zero)).encode(out)?;
            if zero {
                out.push(0);
            }
            out.extend_from_slice(number);
        }
        KeypairData::Rsa(pair) => {
            let private = pair.private();
            for number in [private.d(), private.iqmp(), private.p(), private.q()] {
                number.encode(out)?;
            }
        }
        other => {
            return Err(ssh_key::Error::AlgorithmUnsupported {
                algorithm: other.algorithm()?,
            });
        }
    }
    Ok(())
}

pub(super) fn remove(blob: &[u8]) -> Vec<u8> {
    let mut out = vec![REMOVE_IDENTITY];
    put(&mut out, blob);
    out
}

pub(super) fn sign(blob: &[u8], data: &[u8], flags: u32) -> Vec<u8> {
    let mut out = vec![SIGN_REQUEST];
    put(&mut out, blob);
    put(&mut out, data);
    out.extend_from_slice(&flags.to_be_bytes());
    out
}

pub(super) fn signature(answer: &[u8]) -> Result<&[u8], &'static str> {
    let mut rest = answer
        .strip_prefix(&[SIGN_RESPONSE])
        .ok_or("it answered a request to sign with something else")?;
    let signature = take(&mut rest)?;
    if rest.is_empty() {
        Ok(signature)
    } else {
        Err("more follows the signature")
    }
}

pub(super) fn identities(answer: &[u8]) -> Result<Vec<AgentIdentity>, &'static str> {
    let mut rest = answer
        .strip_prefix(&[IDENTITIES_ANSWER])
        .ok_or("it answered the request for its keys with something else")?;
    let count = u32::decode(&mut rest).map_err(|_| TRUNCATED)?;
    if count > MOST_IDENTITIES {
        return Err("it lists more keys than an agent can hold");
    }
    let mut identities = Vec::new();
    for _ in 0..count {
        let blob = take(&mut rest)?;
        let comment = String::from_utf8_lossy(take(&mut rest)?).into_owned();
        identities.push(AgentIdentity {
            key: identity(blob, &comment)?,
            comment,
        });
    }
    if rest.is_empty() {
        Ok(identities)
    } else {
        Err("more follows its list of keys")
    }
}

fn identity(blob: &[u8], comment: &str) -> Result<IdentityKey, &'static str> {
    let algorithm = String::from_utf8_lossy(take(&mut &*blob)?).into_owned();
    let unknown = IdentityKey::Unknown {
        algorithm: algorithm.clone(),
    };
    if algorithm.contains("-cert-v0") {
        return Ok(Certificate::from_bytes(blob).map_or(unknown, |certificate| {
            IdentityKey::Certificate(Box::new(certificate))
        }));
    }
    Ok(PublicKey::from_bytes(blob).map_or(unknown, |mut key| {
        key.set_comment(comment);
        IdentityKey::Key(key)
    }))
}

const TRUNCATED: &str = "its answer is cut off";

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    // Keys and what is signed have some kilobytes; what is longer than 4 GiB is refused by the transport's own limit.
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn take<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], &'static str> {
    let length = u32::decode(rest).map_err(|_| TRUNCATED)?;
    let length = usize::try_from(length).map_err(|_| TRUNCATED)?;
    let (bytes, behind) = rest.split_at_checked(length).ok_or(TRUNCATED)?;
    *rest = behind;
    Ok(bytes)
}
