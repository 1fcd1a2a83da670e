//! Reads OpenSSH key revocation lists, version 1 (PROTOCOL.krl of OpenSSH).
//!
//! Whatever cannot be understood refuses the whole list: a list that is only half read would let somebody in.

use std::ops::RangeInclusive;

use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use ssh_key::public::KeyData;
use ssh_key::{Certificate, PublicKey};

const MAGIC: &[u8; 8] = b"SSHKRL\n\0";
const FORMAT_VERSION: u32 = 1;
const SECTION_CERTIFICATES: u8 = 1;
const SECTION_EXPLICIT_KEY: u8 = 2;
const SECTION_FINGERPRINT_SHA1: u8 = 3;
const SECTION_SIGNATURE: u8 = 4;
const SECTION_FINGERPRINT_SHA256: u8 = 5;
const SECTION_EXTENSION: u8 = 255;
const CERT_SERIAL_LIST: u8 = 0x20;
const CERT_SERIAL_RANGE: u8 = 0x21;
const CERT_SERIAL_BITMAP: u8 = 0x22;
const CERT_KEY_ID: u8 = 0x23;
const CERT_EXTENSION: u8 = 0x39;

/// Why a list was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum KrlError {
    #[error("the revocation list is empty; an empty list still has a header")]
    Empty,
    #[error("this is not an OpenSSH revocation list")]
    NotAKrl,
    #[error("the revocation list has format {0}, only format 1 is known")]
    Format(u32),
    #[error("the revocation list ends in the middle of {what}")]
    Truncated { what: &'static str },
    #[error("the revocation list has trailing bytes in {what}")]
    Trailing { what: &'static str },
    #[error("the revocation list has a section of unknown type {0}")]
    UnknownSection(u8),
    #[error("the revocation list has a section about certificates of unknown type {0:#04x}")]
    UnknownCertificateSection(u8),
    #[error("the revocation list carries a signature; OpenSSH since 9.4 does not read such lists either")]
    Signed,
    #[error("the revocation list has the critical extension {0:?}, which is not known")]
    CriticalExtension(String),
    #[error("the revocation list has a range of serials from {first} to {last}")]
    BackwardRange { first: u64, last: u64 },
}

/// What is revoked.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct RevocationList {
    certificates: Vec<RevokedCertificates>,
    keys: Vec<Vec<u8>>,
    sha1: Vec<Vec<u8>>,
    sha256: Vec<Vec<u8>>,
}

/// Revoked certificates of one authority, or of every one.
#[derive(Debug, PartialEq, Eq)]
struct RevokedCertificates {
    /// The authority's public key, `None` for every authority.
    authority: Option<Vec<u8>>,
    serials: Vec<RangeInclusive<u64>>,
    key_ids: Vec<Vec<u8>>,
}

/// What a list has against a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Revoked {
    Serial,
    KeyId,
    Key,
    Authority,
}

impl RevocationList {
    /// Reads the bytes of a list.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, KrlError> {
        if bytes.is_empty() {
            return Err(KrlError::Empty);
        }
        let mut reader = Reader {
            rest: bytes,
            what: "the header",
        };
        if reader.take(MAGIC.len()).map_err(|_| KrlError::NotAKrl)? != MAGIC {
            return Err(KrlError::NotAKrl);
        }
        match reader.u32()? {
            FORMAT_VERSION => {}
            other => return Err(KrlError::Format(other)),
        }
        // Version of this list, time of its making, flags (none are defined), reserved, comment.
        for _ in 0..3 {
            reader.u64()?;
        }
        reader.string()?;
        reader.string()?;

        let mut list = Self::default();
        while !reader.rest.is_empty() {
            reader.what = "a section";
            let kind = reader.u8()?;
            let mut section = Reader {
                rest: reader.string()?,
                what: "a section",
            };
            match kind {
                SECTION_CERTIFICATES => list.certificates.push(RevokedCertificates::parse(section)?),
                SECTION_EXPLICIT_KEY => section.strings_into(&mut list.keys)?,
                SECTION_FINGERPRINT_SHA1 => section.strings_into(&mut list.sha1)?,
                SECTION_FINGERPRINT_SHA256 => section.strings_into(&mut list.sha256)?,
                SECTION_SIGNATURE => return Err(KrlError::Signed),
                SECTION_EXTENSION => section.extension()?,
                other => return Err(KrlError::UnknownSection(other)),
            }
        }
        Ok(list)
    }

    /// Why the certificate is revoked, if it is: itself, its key, or the authority that signed it.
    pub(crate) fn revokes(&self, certificate: &Certificate) -> Result<Option<Revoked>, ssh_key::Error> {
        if self.revokes_key(certificate.public_key())? {
            return Ok(Some(Revoked::Key));
        }
        if self.revokes_key(certificate.signature_key())? {
            return Ok(Some(Revoked::Authority));
        }
        let authority = blob(certificate.signature_key())?;
        let serial = certificate.serial();
        for section in self.certificates.iter().filter(|section| {
            section
                .authority
                .as_ref()
                .is_none_or(|revoked| *revoked == authority)
        }) {
            if section
                .key_ids
                .iter()
                .any(|id| id == certificate.key_id().as_bytes())
            {
                return Ok(Some(Revoked::KeyId));
            }
            // Serial 0 means "not numbered" and is never revoked by number.
            if serial != 0 && section.serials.iter().any(|range| range.contains(&serial)) {
                return Ok(Some(Revoked::Serial));
            }
        }
        Ok(None)
    }

    fn revokes_key(&self, key: &KeyData) -> Result<bool, ssh_key::Error> {
        let blob = blob(key)?;
        Ok(self
            .sha256
            .iter()
            .any(|hash| hash[..] == Sha256::digest(&blob)[..])
            || self.sha1.iter().any(|hash| hash[..] == Sha1::digest(&blob)[..])
            || self.keys.contains(&blob))
    }
}

fn blob(key: &KeyData) -> Result<Vec<u8>, ssh_key::Error> {
    PublicKey::new(key.clone(), "").to_bytes()
}

impl RevokedCertificates {
    fn parse(mut reader: Reader<'_>) -> Result<Self, KrlError> {
        let authority = reader.string()?;
        let mut revoked = Self {
            authority: (!authority.is_empty()).then(|| authority.to_vec()),
            serials: Vec::new(),
            key_ids: Vec::new(),
        };
        reader.string()?; // reserved
        while !reader.rest.is_empty() {
            let kind = reader.u8()?;
            let mut section = Reader {
                rest: reader.string()?,
                what: "a section about certificates",
            };
            match kind {
                CERT_SERIAL_LIST => {
                    while !section.rest.is_empty() {
                        let serial = section.u64()?;
                        revoked.serials.push(serial..=serial);
                    }
                }
                CERT_SERIAL_RANGE => {
                    let (first, last) = (section.u64()?, section.u64()?);
                    if first > last {
                        return Err(KrlError::BackwardRange { first, last });
                    }
                    revoked.serials.push(first..=last);
                }
                CERT_SERIAL_BITMAP => {
                    let offset = section.u64()?;
                    let bitmap = section.string()?;
                    revoked.serials.extend(bitmap_serials(offset, bitmap));
                }
                CERT_KEY_ID => section.strings_into(&mut revoked.key_ids)?,
                CERT_EXTENSION => section.extension()?,
                other => return Err(KrlError::UnknownCertificateSection(other)),
            }
            section.end()?;
        }
        Ok(revoked)
    }
}

/// The serials of a bitmap: a big-endian number whose bit `n` stands for `offset + n`.
fn bitmap_serials(offset: u64, bitmap: &[u8]) -> impl Iterator<Item = RangeInclusive<u64>> + '_ {
    bitmap.iter().rev().zip(0_u64..).flat_map(move |(byte, index)| {
        (0..8_u64)
            .filter(move |bit| byte >> bit & 1 == 1)
            .filter_map(move |bit| {
                let serial = offset.checked_add(index * 8 + bit)?;
                Some(serial..=serial)
            })
    })
}

struct Reader<'a> {
    rest: &'a [u8],
    /// What is being read, for the error.
    what: &'static str,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], KrlError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(KrlError::Truncated { what: self.what })?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], KrlError> {
        let (taken, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(KrlError::Truncated { what: self.what })?;
        self.rest = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8, KrlError> {
        self.array().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Result<u32, KrlError> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, KrlError> {
        self.array().map(u64::from_be_bytes)
    }

    fn string(&mut self) -> Result<&'a [u8], KrlError> {
        let length = self.u32()? as usize;
        self.take(length)
    }

    fn strings_into(&mut self, list: &mut Vec<Vec<u8>>) -> Result<(), KrlError> {
        while !self.rest.is_empty() {
            list.push(self.string()?.to_vec());
        }
        Ok(())
    }

    /// An extension that is not critical may be skipped; we know none.
    fn extension(&mut self) -> Result<(), KrlError> {
        let name = String::from_utf8_lossy(self.string()?).into_owned();
        let critical = self.u8()? != 0;
        self.string()?;
        self.end()?;
        if critical {
            Err(KrlError::CriticalExtension(name))
        } else {
            Ok(())
        }
    }

    fn end(&self) -> Result<(), KrlError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(KrlError::Trailing { what: self.what })
        }
    }
}

#[cfg(test)]
mod tests;
