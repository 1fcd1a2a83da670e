use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{HashAlg, PrivateKey, PublicKey};
use zeroize::Zeroizing;

use crate::error::SshError;

/// A new ed25519 key from the operating system's randomness.
pub(crate) fn generate(comment: &str) -> Result<PrivateKey, SshError> {
    let mut seed = Zeroizing::new([0u8; 32]);
    getrandom::fill(seed.as_mut_slice()).map_err(SshError::Random)?;
    PrivateKey::new(KeypairData::Ed25519(Ed25519Keypair::from_seed(&seed)), comment)
        .map_err(SshError::Signing)
}

/// `ssh-ed25519 AAAA… comment`, without a line end.
pub(crate) fn public_line(key: &PublicKey) -> Result<String, SshError> {
    key.to_openssh().map_err(SshError::Signing)
}

/// `SHA256:…`, as `ssh-keygen -l` prints it.
pub(crate) fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}
