use std::collections::{BTreeMap, BTreeSet};

use ssh_key::PublicKey;

use crate::error::KrlError;
use crate::list::{RevocationList, RevokedCertificates, checked_range};
use crate::serials::Serials;
use crate::{
    CERT_EXTENSION, CERT_KEY_ID, CERT_SERIAL_BITMAP, CERT_SERIAL_LIST, CERT_SERIAL_RANGE, FORMAT_VERSION,
    MAGIC, SECTION_CERTIFICATES, SECTION_EXPLICIT_KEY, SECTION_EXTENSION, SECTION_FINGERPRINT_SHA1,
    SECTION_FINGERPRINT_SHA256, SECTION_SIGNATURE, seal,
};

/// The longest list that is read, in bytes: eight million serials one by one.
pub const MOST_BYTES: usize = 64 << 20;

/// As many serials as [`MOST_BYTES`] hold one by one. Only bitmaps can make more ranges out of fewer bytes.
const MOST_RANGES: usize = MOST_BYTES / 8;

/// The longest bitmap that OpenSSH reads, in bytes: a number of 16384 bits, and a zero before it.
const MOST_BITMAP: usize = 16384 / 8;

pub(crate) fn parse(bytes: &[u8]) -> Result<RevocationList, KrlError> {
    if bytes.is_empty() {
        return Err(KrlError::Empty);
    }
    if bytes.len() > MOST_BYTES {
        return Err(KrlError::Oversized { bytes: bytes.len() });
    }
    let mut reader = Reader {
        rest: bytes,
        what: "the header",
    };
    if reader.array() != Ok(MAGIC) {
        return Err(KrlError::NotAKrl);
    }
    match reader.u32()? {
        FORMAT_VERSION => {}
        other => return Err(KrlError::Format(other)),
    }
    let (version, generated) = (reader.u64()?, reader.u64()?);
    reader.u64()?; // flags: none are defined, unknown ones are to be ignored
    reader.reserved()?;
    let comment = reader.string()?;
    if comment.contains(&0) {
        return Err(KrlError::ZeroByte { what: "the comment" });
    }
    let end = bytes.len() - reader.rest.len();
    seal::check(bytes, end - comment.len()..end)?;

    let mut list = RevocationList::new(version, generated);
    let mut certificates = Certificates::default();
    while !reader.rest.is_empty() {
        reader.what = "a section";
        let kind = reader.u8()?;
        let mut section = Reader {
            rest: reader.string()?,
            what: "a section",
        };
        match kind {
            SECTION_CERTIFICATES => certificates.read(section)?,
            SECTION_EXPLICIT_KEY => {
                while !section.rest.is_empty() {
                    list.keys.insert(section.string()?.to_vec());
                }
            }
            SECTION_FINGERPRINT_SHA1 => section.fingerprints("SHA-1", &mut list.sha1)?,
            SECTION_FINGERPRINT_SHA256 => section.fingerprints("SHA-256", &mut list.sha256)?,
            SECTION_SIGNATURE => return Err(KrlError::Signed),
            SECTION_EXTENSION => section.extension()?,
            other => return Err(KrlError::UnknownSection(other)),
        }
    }
    list.certificates = certificates.finish();
    Ok(list)
}

/// The sections about certificates, gathered: an authority may have many of them.
#[derive(Default)]
struct Certificates {
    by_authority: BTreeMap<Vec<u8>, Gathered>,
    ranges: usize,
}

#[derive(Default)]
struct Gathered {
    authority: Option<PublicKey>,
    ranges: Vec<(u64, u64)>,
    key_ids: BTreeSet<Vec<u8>>,
}

impl Certificates {
    fn read(&mut self, mut reader: Reader<'_>) -> Result<(), KrlError> {
        reader.what = "a section about certificates";
        let blob = reader.string()?;
        reader.reserved()?;
        let gathered = self.by_authority.entry(blob.to_vec()).or_default();
        if gathered.authority.is_none() && !blob.is_empty() {
            gathered.authority = Some(PublicKey::from_bytes(blob).map_err(KrlError::Authority)?);
        }
        let before = gathered.ranges.len();
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
                        gathered.ranges.push(checked_range(serial, serial)?);
                    }
                }
                CERT_SERIAL_RANGE => {
                    let (first, last) = (section.u64()?, section.u64()?);
                    gathered.ranges.push(checked_range(first, last)?);
                }
                CERT_SERIAL_BITMAP => {
                    let offset = section.u64()?;
                    bitmap(offset, section.string()?, &mut gathered.ranges)?;
                }
                CERT_KEY_ID => {
                    while !section.rest.is_empty() {
                        let id = section.string()?;
                        if id.contains(&0) {
                            return Err(KrlError::ZeroByte { what: "a key id" });
                        }
                        gathered.key_ids.insert(id.to_vec());
                    }
                }
                CERT_EXTENSION => section.extension()?,
                other => return Err(KrlError::UnknownCertificateSection(other)),
            }
            section.end()?;
            if self.ranges + gathered.ranges.len() - before > MOST_RANGES {
                return Err(KrlError::TooManySerials);
            }
        }
        self.ranges += gathered.ranges.len() - before;
        Ok(())
    }

    fn finish(self) -> BTreeMap<Vec<u8>, RevokedCertificates> {
        let revoked = |gathered: Gathered| RevokedCertificates {
            authority: gathered.authority,
            serials: Serials::from_ranges(gathered.ranges),
            key_ids: gathered.key_ids,
        };
        self.by_authority
            .into_iter()
            .map(|(blob, gathered)| (blob, revoked(gathered)))
            // A section that names an authority and revokes nothing says nothing.
            .filter(|(_, revoked)| !revoked.is_empty())
            .collect()
    }
}

/// The serials of a bitmap: a big-endian number whose bit `n` stands for `offset + n`.
fn bitmap(offset: u64, number: &[u8], ranges: &mut Vec<(u64, u64)>) -> Result<(), KrlError> {
    let refused = |why| Err(KrlError::Bitmap { why });
    if number.first().is_some_and(|byte| byte & 0x80 != 0) {
        return refused("is a negative number");
    }
    let significant = number.len() - number.iter().take_while(|byte| **byte == 0).count();
    if significant > MOST_BITMAP || number.len() > MOST_BITMAP + 1 {
        return refused("is too long");
    }
    for (byte, index) in number.iter().rev().zip(0_u64..) {
        for bit in (0..8_u64).filter(|bit| byte >> bit & 1 == 1) {
            let Some(serial) = offset.checked_add(index * 8 + bit) else {
                return refused("goes beyond the highest serial");
            };
            ranges.push(checked_range(serial, serial)?);
        }
    }
    Ok(())
}

struct Reader<'a> {
    rest: &'a [u8],
    /// What is being read, for the error.
    what: &'static str,
}

impl<'a> Reader<'a> {
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
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(KrlError::Truncated { what: self.what })?;
        self.rest = rest;
        Ok(taken)
    }

    fn reserved(&mut self) -> Result<(), KrlError> {
        if self.string()?.is_empty() {
            Ok(())
        } else {
            Err(KrlError::Reserved { what: self.what })
        }
    }

    /// Fingerprints of one length, in numeric order within their section.
    fn fingerprints<const N: usize>(
        &mut self,
        what: &'static str,
        into: &mut BTreeSet<[u8; N]>,
    ) -> Result<(), KrlError> {
        let mut before: Option<[u8; N]> = None;
        while !self.rest.is_empty() {
            let string = self.string()?;
            let fingerprint = string.try_into().map_err(|_| KrlError::FingerprintLength {
                what,
                bytes: string.len(),
            })?;
            if before.is_some_and(|before| fingerprint < before) {
                return Err(KrlError::Unsorted { what });
            }
            before = Some(fingerprint);
            into.insert(fingerprint);
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
