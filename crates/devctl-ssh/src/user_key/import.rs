use ssh_key::private::KeypairData;
use ssh_key::{Algorithm, Cipher, Kdf, PrivateKey};
use zeroize::Zeroizing;

use super::der;
use crate::error::SshError;
use crate::key_error::KeyError;

/// How OpenSSH's own format starts.
pub(super) const OPENSSH_BEGIN: &[u8] = b"-----BEGIN OPENSSH PRIVATE KEY-----";

/// No private key file is larger: an RSA key of 16384 bits has 13 kB.
const LONGEST_FILE: usize = 256 * 1024;

/// More rounds are not of a person who wants to use the key: ssh-keygen takes 24, and a file may ask for four thousand million.
const MOST_ROUNDS: u32 = 2048;

/// In place: `ssh-keygen` writes the key in its own format, under the passphrase that it asks for.
const REWRITE: &str =
    "copy the file and run `ssh-keygen -p -f COPY`: it writes OpenSSH's format, which is read";

/// Reads a private key file of any format that is read.
pub(super) fn read(bytes: &[u8], passphrase: Option<&[u8]>) -> Result<PrivateKey, SshError> {
    if bytes.len() > LONGEST_FILE {
        return Err(KeyError::NotAKey {
            why: "it is too long for a key",
        }
        .into());
    }
    if let Some(block) = from(bytes, OPENSSH_BEGIN) {
        return openssh(block, passphrase);
    }
    if let Some(refusal) = refused(bytes) {
        return Err(refusal.into());
    }
    for (begin, format, read) in PEM {
        if let Some(block) = from(bytes, begin) {
            let damaged = |source| KeyError::Damaged { format, source };
            let (_, content) = pem_rfc7468::decode_vec(block).map_err(|source| damaged(Box::new(source)))?;
            return read(&Zeroizing::new(content));
        }
    }
    Err(not_a_key(bytes).into())
}

type ReadDer = fn(&[u8]) -> Result<PrivateKey, SshError>;

/// The PEM blocks that are read when they are plain.
const PEM: [(&[u8], &str, ReadDer); 3] = [
    (b"-----BEGIN PRIVATE KEY-----", "PKCS#8", der::pkcs8),
    (b"-----BEGIN EC PRIVATE KEY-----", "SEC1", der::sec1),
    (b"-----BEGIN RSA PRIVATE KEY-----", "PKCS#1", der::pkcs1),
];

/// The file from this line on, as a block that ends with it: other blocks may stand before and behind.
fn from<'a>(bytes: &'a [u8], begin: &[u8]) -> Option<&'a [u8]> {
    let start = position(bytes, begin)?;
    let block = &bytes[start..];
    let end = position(block, b"-----END ").and_then(|at| {
        let label = at + b"-----END ".len();
        Some(label + position(&block[label..], b"-----")? + b"-----".len())
    });
    Some(&block[..end.unwrap_or(block.len())])
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

fn openssh(block: &[u8], passphrase: Option<&[u8]>) -> Result<PrivateKey, SshError> {
    let damaged = |source: ssh_key::Error| KeyError::Damaged {
        format: "OpenSSH",
        source: Box::new(source),
    };
    let key = PrivateKey::from_openssh(block).map_err(damaged)?;
    // Before the passphrase is asked for: no passphrase makes these good.
    usable(&key.public_key().algorithm())?;
    if !key.is_encrypted() {
        return Ok(key);
    }
    if key.cipher() == Cipher::TdesCbc {
        return Err(KeyError::FormatRefused {
            format: "OpenSSH (3des-cbc)",
            why: "the cipher is not read here",
            fix: REWRITE,
        }
        .into());
    }
    if matches!(key.kdf(), Kdf::Bcrypt { rounds, .. } if *rounds > MOST_ROUNDS) {
        return Err(KeyError::FormatRefused {
            format: "OpenSSH (more than 2048 rounds of bcrypt)",
            why: "opening it would take minutes, or for ever",
            fix: REWRITE,
        }
        .into());
    }
    let passphrase = passphrase
        .filter(|passphrase| !passphrase.is_empty())
        .ok_or(KeyError::PassphraseNeeded)?;
    let plain = key.decrypt(passphrase).map_err(|source| match source {
        // What is decrypted with a wrong key differs in its two check numbers, or its tag does not fit.
        ssh_key::Error::Crypto => KeyError::PassphraseWrong,
        other => damaged(other),
    })?;
    match plain.key_data() {
        KeypairData::Encrypted(_) => Err(KeyError::PassphraseWrong.into()),
        _ => Ok(plain),
    }
}

fn usable(algorithm: &Algorithm) -> Result<(), KeyError> {
    match algorithm {
        Algorithm::Ed25519 | Algorithm::Ecdsa { .. } | Algorithm::Rsa { .. } => Ok(()),
        Algorithm::Dsa => Err(dsa()),
        Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256 => Err(KeyError::FormatRefused {
            format: "security key",
            why: "the file is only a handle, the key is in the device",
            fix: "load it with `ssh-add FILE`, and have a certificate signed for its `.pub` file",
        }),
        other => Err(KeyError::TypeRefused {
            algorithm: other.as_str().to_owned(),
            why: "the type is not known",
        }),
    }
}

pub(super) fn dsa() -> KeyError {
    KeyError::FormatRefused {
        format: "DSA",
        why: "OpenSSH has removed the type, and no server of ours accepts it",
        fix: "make a new key: `devctl key generate NAME`",
    }
}

/// What is known and not read.
fn refused(bytes: &[u8]) -> Option<KeyError> {
    let holds = |text: &[u8]| position(bytes, text).is_some();
    let refused = |format, why, fix| Some(KeyError::FormatRefused { format, why, fix });
    if bytes.starts_with(b"PuTTY-User-Key-File-") {
        let format = match bytes.get(b"PuTTY-User-Key-File-".len()) {
            Some(b'1') => "PuTTY version 1",
            Some(b'2') => "PuTTY version 2",
            Some(b'3') => "PuTTY version 3",
            _ => "PuTTY",
        };
        return refused(
            format,
            "only PuTTY reads it",
            "run `puttygen FILE -O private-openssh-new -o NEWFILE`, or export it in PuTTYgen as an OpenSSH key",
        );
    }
    if holds(b"-----BEGIN DSA PRIVATE KEY-----") {
        return Some(dsa());
    }
    if holds(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") {
        return refused("encrypted PKCS#8", "its encryption is not read here", REWRITE);
    }
    if holds(b"-----BEGIN ") && holds(b"Proc-Type: 4,ENCRYPTED") {
        return refused(
            "encrypted PEM",
            "its encryption is MD5 with no work, and not read here",
            REWRITE,
        );
    }
    if holds(b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----") {
        return refused(
            "SSH.COM",
            "it is not read here",
            "run `ssh-keygen -i -f FILE > NEWFILE`",
        );
    }
    if bytes.starts_with(b"SSH PRIVATE KEY FILE FORMAT 1.1\n") {
        return refused(
            "SSH protocol 1",
            "the protocol is gone",
            "make a new key: `devctl key generate NAME`",
        );
    }
    if holds(b"-----BEGIN PGP PRIVATE KEY BLOCK-----") {
        return refused(
            "OpenPGP",
            "it is not read here",
            "run gpg-agent with `enable-ssh-support`, and choose its socket as the ssh agent",
        );
    }
    if pkcs12(bytes) {
        return refused(
            "PKCS#12",
            "it is not read here",
            "run `openssl pkcs12 -in FILE -nocerts -nodes -out NEWFILE`, import that, and remove it",
        );
    }
    if bytes.first() == Some(&0x30) && der::is_private_key(bytes) {
        return refused(
            "DER",
            "only the text form, PEM, is read",
            "run `openssl pkey -inform DER -in FILE -out NEWFILE`, import that, and remove it",
        );
    }
    None
}

/// `SEQUENCE { INTEGER 3, …` (RFC 7292, PFX).
fn pkcs12(bytes: &[u8]) -> bool {
    let content = match bytes {
        [0x30, 0x80, rest @ ..] | [0x30, 0x81, _, rest @ ..] => rest,
        [0x30, 0x82, _, _, rest @ ..] | [0x30, 0x83, _, _, _, rest @ ..] => rest,
        _ => return false,
    };
    content.starts_with(&[0x02, 0x01, 0x03, 0x30])
}

fn not_a_key(bytes: &[u8]) -> KeyError {
    let holds = |text: &[u8]| position(bytes, text).is_some();
    let why = if bytes.is_empty() {
        "it is empty"
    } else if [&b"ssh-"[..], b"ecdsa-", b"sk-"]
        .iter()
        .any(|start| bytes.starts_with(start))
        || holds(b"BEGIN SSH2 PUBLIC KEY")
        || holds(b"-----BEGIN PUBLIC KEY-----")
        || holds(b"-----BEGIN RSA PUBLIC KEY-----")
    {
        "it is a public key"
    } else if holds(b"-----BEGIN CERTIFICATE-----") {
        "it is an X.509 certificate"
    } else {
        "its format is not known"
    };
    KeyError::NotAKey { why }
}
