use sha2::{Digest as _, Sha256};
use ssh_key::PublicKey;

use crate::KrlError;
use crate::list::{RevocationList, Revoked, blob};

impl RevocationList {
    /// Why a certificate of which only the authority, the serial and the key id are known is revoked, if it is: for
    /// records and reports of certificates that are not at hand.
    ///
    /// # Errors
    /// The authority's key cannot be encoded.
    pub fn revokes_numbered(
        &self,
        authority: &PublicKey,
        serial: u64,
        key_id: &str,
    ) -> Result<Option<Revoked>, KrlError> {
        Ok(self.by_number(&blob(authority.key_data())?, serial, key_id))
    }

    /// Whether a key of which only the SHA-256 fingerprint is known is revoked: [`Revoked::Key`]. What a list of others
    /// says by SHA-1 cannot be told that way.
    #[must_use]
    pub fn revokes_fingerprint(&self, sha256: &[u8; 32]) -> Option<Revoked> {
        let is_it = |key: &Vec<u8>| <[u8; 32]>::from(Sha256::digest(key)) == *sha256;
        (self.sha256.contains(sha256) || self.keys.iter().any(is_it)).then_some(Revoked::Key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ssh_key::HashAlg;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA6rWI3G1sz07DnfFlrouTcysQlj2P+jpNSOEWD9OJ3X";

    #[test]
    fn a_key_is_found_by_its_fingerprint_however_it_was_revoked() {
        let (key, other) = (
            PublicKey::from_openssh(KEY).unwrap(),
            PublicKey::from_openssh(OTHER).unwrap(),
        );
        let hash =
            |key: &PublicKey| <[u8; 32]>::try_from(key.fingerprint(HashAlg::Sha256).as_bytes()).unwrap();
        let mut by_key = RevocationList::new(1, 1);
        by_key.revoke_key(&key).unwrap();
        let mut by_hash = RevocationList::new(1, 1);
        by_hash.revoke_sha256(hash(&key));
        for list in [by_key, by_hash] {
            assert_eq!(list.revokes_fingerprint(&hash(&key)), Some(Revoked::Key));
            assert_eq!(list.revokes_fingerprint(&hash(&other)), None);
        }
    }
}
