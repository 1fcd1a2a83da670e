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
        let authority = blob(authority.key_data())?;
        for key in [authority.as_slice(), &[]] {
            let Some(revoked) = self.certificates.get(key) else {
                continue;
            };
            if revoked.key_ids.contains(key_id.as_bytes()) {
                return Ok(Some(Revoked::KeyId));
            }
            // Serial 0 means "not numbered" and is never revoked by number.
            if serial != 0 && revoked.serials.contains(serial) {
                return Ok(Some(Revoked::Serial));
            }
        }
        Ok(None)
    }
}
