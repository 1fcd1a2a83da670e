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
}
