use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{Cipher, HashAlg, Kdf, LineEnding, PrivateKey, PublicKey};
use zeroize::Zeroizing;

use crate::error::SshError;
use crate::key_error::KeyError;

/// Rounds of bcrypt-pbkdf for keys that are encrypted here: what OpenSSH uses since 9.4.
const BCRYPT_ROUNDS: u32 = 24;

/// A new ed25519 key from the operating system's randomness.
pub(crate) fn generate(comment: &str) -> Result<PrivateKey, SshError> {
    let mut seed = Zeroizing::new([0u8; 32]);
    getrandom::fill(seed.as_mut_slice()).map_err(SshError::Random)?;
    PrivateKey::new(KeypairData::Ed25519(Ed25519Keypair::from_seed(&seed)), comment)
        .map_err(SshError::Signing)
}

/// The key in OpenSSH's format, encrypted by a passphrase.
pub(crate) fn encrypted(key: &PrivateKey, passphrase: &[u8]) -> Result<Zeroizing<String>, SshError> {
    if passphrase.is_empty() {
        return Err(KeyError::PassphraseEmpty.into());
    }
    let mut salt = vec![0u8; 16];
    getrandom::fill(&mut salt).map_err(SshError::Random)?;
    let mut check = [0u8; 4];
    getrandom::fill(&mut check).map_err(SshError::Random)?;
    let kdf = Kdf::Bcrypt {
        salt,
        rounds: BCRYPT_ROUNDS,
    };
    key.encrypt_with(Cipher::Aes256Ctr, kdf, u32::from_ne_bytes(check), passphrase)
        .and_then(|encrypted| encrypted.to_openssh(LineEnding::LF))
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
