use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use ssh_key::public::KeyData;
use ssh_key::{Certificate, PublicKey};

use crate::error::KrlError;
use crate::serials::Serials;
use crate::{read, write};

/// What is revoked. Without any entry it is still a valid file, and that is what readers need: no file locks everybody
/// out, an empty one would let everybody in.
///
/// Nothing can be taken out of a list: what is revoked stays revoked, and a new certificate is made instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationList {
    pub(crate) version: u64,
    pub(crate) generated: u64,
    /// By the bytes of the authority's public key; empty for every authority.
    pub(crate) certificates: BTreeMap<Vec<u8>, RevokedCertificates>,
    /// The bytes of public keys.
    pub(crate) keys: BTreeSet<Vec<u8>>,
    pub(crate) sha1: BTreeSet<[u8; 20]>,
    pub(crate) sha256: BTreeSet<[u8; 32]>,
}

/// Revoked certificates of one authority, or of every one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RevokedCertificates {
    /// `None` for every authority.
    pub(crate) authority: Option<PublicKey>,
    pub(crate) serials: Serials,
    pub(crate) key_ids: BTreeSet<Vec<u8>>,
}

impl RevokedCertificates {
    pub(crate) fn is_empty(&self) -> bool {
        self.serials.is_empty() && self.key_ids.is_empty()
    }
}

/// One thing that a list revokes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry<'a> {
    /// Certificates by their numbers.
    Serials {
        /// Who signed them; `None` for every authority.
        authority: Option<&'a PublicKey>,
        /// The lowest.
        first: u64,
        /// The highest.
        last: u64,
    },
    /// Certificates by their key id.
    KeyId {
        /// Who signed them; `None` for every authority.
        authority: Option<&'a PublicKey>,
        /// The id; not always UTF-8 in lists of others.
        id: &'a [u8],
    },
    /// A public key, in OpenSSH's binary form, and all its certificates.
    Key(&'a [u8]),
    /// A public key by its SHA-256 fingerprint, and all its certificates.
    Sha256(&'a [u8; 32]),
    /// A public key by its SHA-1 fingerprint, and all its certificates. Read in lists of others, never made here.
    Sha1(&'a [u8; 20]),
}

/// What a list has against a certificate or key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Revoked {
    /// The certificate's serial.
    Serial,
    /// The certificate's key id.
    KeyId,
    /// The key itself, by its bytes or its fingerprint.
    Key,
    /// The key of the authority that signed the certificate.
    Authority,
}

impl RevocationList {
    /// A list without entries. `version` counts the lists of an installation, `generated` is in seconds since the
    /// epoch.
    #[must_use]
    pub fn new(version: u64, generated: u64) -> Self {
        Self {
            version,
            generated,
            certificates: BTreeMap::new(),
            keys: BTreeSet::new(),
            sha1: BTreeSet::new(),
            sha256: BTreeSet::new(),
        }
    }

    /// Reads the bytes of a list, ours or one of `ssh-keygen -k`.
    ///
    /// # Errors
    /// Whatever is truncated, out of order, too large, signed, unknown or damaged, by name. Never half a list.
    pub fn parse(bytes: &[u8]) -> Result<Self, KrlError> {
        read::parse(bytes)
    }

    /// The file's content. [`parse`](Self::parse) gives the same list back. Never empty, never signed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        write::to_bytes(self)
    }

    /// Which list of the installation this is.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// When it was made, in seconds since the epoch.
    #[must_use]
    pub fn generated(&self) -> u64 {
        self.generated
    }

    /// Makes it the list after: another version, another time, the same entries.
    pub fn renumber(&mut self, version: u64, generated: u64) {
        self.version = version;
        self.generated = generated;
    }

    /// Everything that is revoked, always in the same order.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let certificates = self.certificates.values().flat_map(|revoked| {
            let authority = revoked.authority.as_ref();
            let serials = revoked.serials.iter().map(move |(first, last)| Entry::Serials {
                authority,
                first,
                last,
            });
            let key_ids = revoked
                .key_ids
                .iter()
                .map(move |id| Entry::KeyId { authority, id });
            serials.chain(key_ids)
        });
        certificates
            .chain(self.keys.iter().map(|key| Entry::Key(key)))
            .chain(self.sha256.iter().map(Entry::Sha256))
            .chain(self.sha1.iter().map(Entry::Sha1))
    }

    /// Revokes the certificates of `authority` with these serials.
    ///
    /// # Errors
    /// [`KrlError::SerialZero`], [`KrlError::BackwardRange`], or the authority's key cannot be encoded.
    pub fn revoke_serials(
        &mut self,
        authority: &PublicKey,
        serials: RangeInclusive<u64>,
    ) -> Result<(), KrlError> {
        let (first, last) = checked_range(*serials.start(), *serials.end())?;
        self.of(authority)?.serials.insert(first..=last);
        Ok(())
    }

    /// As [`revoke_serials`](Self::revoke_serials), for many at once, in any order: much faster than one by one.
    ///
    /// # Errors
    /// As there; the list is then as it was.
    pub fn revoke_all_serials(
        &mut self,
        authority: &PublicKey,
        serials: impl IntoIterator<Item = RangeInclusive<u64>>,
    ) -> Result<(), KrlError> {
        let checked = serials
            .into_iter()
            .map(|range| checked_range(*range.start(), *range.end()));
        let ranges = checked.collect::<Result<Vec<_>, _>>()?;
        if !ranges.is_empty() {
            self.of(authority)?.serials.insert_all(ranges);
        }
        Ok(())
    }

    /// Revokes all certificates of `authority` with this key id.
    ///
    /// # Errors
    /// [`KrlError::ZeroByte`], or the authority's key cannot be encoded.
    pub fn revoke_key_id(&mut self, authority: &PublicKey, key_id: &str) -> Result<(), KrlError> {
        if key_id.contains('\0') {
            return Err(KrlError::ZeroByte { what: "a key id" });
        }
        self.of(authority)?.key_ids.insert(key_id.as_bytes().to_vec());
        Ok(())
    }

    /// Revokes a key and every certificate of it; for the key of an authority, every certificate that it signed.
    ///
    /// # Errors
    /// The key cannot be encoded.
    pub fn revoke_key(&mut self, key: &PublicKey) -> Result<(), KrlError> {
        self.keys.insert(blob(key.key_data())?);
        Ok(())
    }

    /// As [`revoke_key`](Self::revoke_key), for a key of which only the SHA-256 fingerprint is known.
    pub fn revoke_sha256(&mut self, fingerprint: [u8; 32]) {
        self.sha256.insert(fingerprint);
    }

    fn of(&mut self, authority: &PublicKey) -> Result<&mut RevokedCertificates, KrlError> {
        let key = authority.key_data();
        let revoked = self.certificates.entry(blob(key)?).or_default();
        revoked
            .authority
            .get_or_insert_with(|| PublicKey::new(key.clone(), ""));
        Ok(revoked)
    }

    /// Why the certificate is revoked, if it is: itself, its key, or the authority that signed it.
    ///
    /// # Errors
    /// A key of the certificate cannot be encoded: then nobody can tell, and the caller refuses the login.
    pub fn revokes(&self, certificate: &Certificate) -> Result<Option<Revoked>, KrlError> {
        if self.has_key(&blob(certificate.public_key())?) {
            return Ok(Some(Revoked::Key));
        }
        let authority = blob(certificate.signature_key())?;
        if self.has_key(&authority) {
            return Ok(Some(Revoked::Authority));
        }
        Ok(self.by_number(&authority, certificate.serial(), certificate.key_id()))
    }

    /// Whether what the authority with these bytes signed is revoked by its serial or key id.
    pub(crate) fn by_number(&self, authority: &[u8], serial: u64, key_id: &str) -> Option<Revoked> {
        for key in [authority, &[]] {
            let Some(revoked) = self.certificates.get(key) else {
                continue;
            };
            if revoked.key_ids.contains(key_id.as_bytes()) {
                return Some(Revoked::KeyId);
            }
            // Serial 0 means "not numbered" and is never revoked by number.
            if serial != 0 && revoked.serials.contains(serial) {
                return Some(Revoked::Serial);
            }
        }
        None
    }

    /// Whether a key is revoked, by its bytes or its fingerprint: [`Revoked::Key`].
    ///
    /// # Errors
    /// The key cannot be encoded.
    pub fn revokes_key(&self, key: &PublicKey) -> Result<Option<Revoked>, KrlError> {
        Ok(self.has_key(&blob(key.key_data())?).then_some(Revoked::Key))
    }

    fn has_key(&self, blob: &[u8]) -> bool {
        // Hashing is most of the work, and most lists have no fingerprints.
        self.keys.contains(blob)
            || (!self.sha256.is_empty() && self.sha256.contains(&<[u8; 32]>::from(Sha256::digest(blob))))
            || (!self.sha1.is_empty() && self.sha1.contains(&<[u8; 20]>::from(Sha1::digest(blob))))
    }
}

/// A range that OpenSSH takes, too.
pub(crate) fn checked_range(first: u64, last: u64) -> Result<(u64, u64), KrlError> {
    if first > last {
        return Err(KrlError::BackwardRange { first, last });
    }
    if first == 0 {
        return Err(KrlError::SerialZero);
    }
    Ok((first, last))
}

pub(crate) fn blob(key: &KeyData) -> Result<Vec<u8>, KrlError> {
    PublicKey::new(key.clone(), "").to_bytes().map_err(KrlError::Key)
}
