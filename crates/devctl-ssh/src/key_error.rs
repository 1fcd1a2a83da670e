use std::path::PathBuf;

/// What can go wrong with a private key that somebody brings or asks for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The key is encrypted and no passphrase was given.
    #[error("the key is encrypted: its passphrase is needed")]
    PassphraseNeeded,

    /// The key is encrypted and the passphrase does not open it.
    #[error("the passphrase does not open the key")]
    PassphraseWrong,

    /// A passphrase of no length would leave the key in the clear.
    #[error("an empty passphrase protects nothing")]
    PassphraseEmpty,

    /// A format that is known and not read here.
    #[error("{format} keys are not read: {why}")]
    FormatRefused {
        /// The format, by name.
        format: &'static str,
        /// Why it is not read.
        why: &'static str,
        /// The command that makes a key of it which is read, or what to do instead.
        fix: &'static str,
    },

    /// The bytes are no private key that anybody knows.
    #[error("this is not a private key: {why}")]
    NotAKey {
        /// What is there instead.
        why: &'static str,
    },

    /// The file starts as a private key does and is damaged.
    #[error("the {format} key is damaged")]
    Damaged {
        /// The format, by name.
        format: &'static str,
        /// What the parser said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    /// A key of a kind that cannot do what was asked.
    #[error("a key of the type {algorithm} cannot be used: {why}")]
    TypeRefused {
        /// The type, as OpenSSH names it.
        algorithm: String,
        /// Why not.
        why: &'static str,
    },

    /// The name cannot be that of a key file.
    #[error("{name:?} cannot be the name of a key: {why}")]
    NameRefused {
        /// As it was given.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },

    /// There is a key of this name already; it is not overwritten.
    #[error("there is a key {name:?} already")]
    NameTaken {
        /// The name.
        name: String,
    },

    /// There is no key of this name.
    #[error("there is no key {name:?}")]
    Unknown {
        /// The name.
        name: String,
    },

    /// `ssh-keygen`, which makes RSA keys, could not be run.
    #[error("{} could not be run", program.display())]
    KeygenMissing {
        /// The program.
        program: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },

    /// `ssh-keygen` ended without a key.
    #[error("{} made no key: {message}", program.display())]
    KeygenFailed {
        /// The program.
        program: PathBuf,
        /// What it said.
        message: String,
    },
}

impl KeyError {
    /// The stable error code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::PassphraseNeeded => "ssh.passphrase_needed",
            Self::PassphraseWrong => "ssh.passphrase_wrong",
            Self::PassphraseEmpty => "ssh.passphrase_empty",
            Self::FormatRefused { .. } => "ssh.key_format_refused",
            Self::NotAKey { .. } | Self::Damaged { .. } => "ssh.key_unreadable",
            Self::TypeRefused { .. } => "ssh.key_type_refused",
            Self::NameRefused { .. } => "ssh.name_invalid",
            Self::NameTaken { .. } => "ssh.key_exists",
            Self::Unknown { .. } => "ssh.key_unknown",
            Self::KeygenMissing { .. } => "ssh.client_failed",
            Self::KeygenFailed { .. } => "ssh.keygen_failed",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::FormatRefused { fix, .. } => Some((*fix).to_owned()),
            Self::PassphraseNeeded => Some(
                "give the passphrase of the key: --passphrase-file FILE, or - for standard input".to_owned(),
            ),
            Self::PassphraseWrong => {
                Some("try the passphrase with `ssh-keygen -y -f FILE`, which changes nothing".to_owned())
            }
            Self::NotAKey { .. } => Some("give the private key file, not the `.pub` file".to_owned()),
            Self::NameRefused { .. } => {
                Some("use a to z, 0 to 9, hyphens and underscores, at most 64 characters".to_owned())
            }
            Self::NameTaken { .. } => Some("choose another name, or remove that key first".to_owned()),
            Self::Unknown { .. } => Some("`devctl key list` shows the keys".to_owned()),
            Self::KeygenMissing { .. } => {
                Some("install the OpenSSH client (package openssh-client), or make an ed25519 key".to_owned())
            }
            Self::TypeRefused { .. } => Some("use an ed25519 or ecdsa key".to_owned()),
            Self::PassphraseEmpty | Self::Damaged { .. } | Self::KeygenFailed { .. } => None,
        }
    }
}
