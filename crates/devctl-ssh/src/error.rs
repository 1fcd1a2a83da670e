use std::path::PathBuf;

use devctl_files::FilesError;
use devctl_krl::KrlError;

use crate::agent_error::AgentError;
use crate::cert_policy::PolicyRefusal;
use crate::client_config::Platform;
use crate::key_error::KeyError;
use crate::permission_fix::{complained_about, permission_fix};

/// What can go wrong with keys, certificates and the files of `ssh`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SshError {
    /// A file cannot be read or written.
    #[error(transparent)]
    Files(#[from] FilesError),

    /// A private key that somebody brings or asks for.
    #[error(transparent)]
    Key(#[from] KeyError),

    /// The ssh agent.
    #[error(transparent)]
    Agent(#[from] AgentError),

    /// A request for a certificate breaks the policy of its authority.
    #[error(transparent)]
    Policy(#[from] PolicyRefusal),

    /// A private or public key file is there but is not a key that we can use.
    #[error("the key {} cannot be read", path.display())]
    KeyUnreadable {
        /// The key file.
        path: PathBuf,
        /// What the parser said.
        source: ssh_key::Error,
    },

    /// The bytes that the vault gave are not an authority's private key.
    #[error("the private half of the {kind} authority cannot be read")]
    AuthorityUnreadable {
        /// `user` or `host`.
        kind: &'static str,
        /// What the parser said.
        source: ssh_key::Error,
    },

    /// A user certificate was asked of the host authority, or the other way round.
    #[error("the {kind} authority does not sign {asked} certificates")]
    WrongAuthority {
        /// The authority that was given.
        kind: &'static str,
        /// What it was asked to sign.
        asked: &'static str,
    },

    /// No authority has been made yet, so nothing can be trusted or signed.
    #[error("there is no {kind} authority yet")]
    AuthorityMissing {
        /// `user` or `host`.
        kind: &'static str,
    },

    /// A request for a certificate breaks a rule.
    #[error("this certificate is not issued: {rule}")]
    CertificateRefused {
        /// The rule, in words.
        rule: String,
    },

    /// A revocation list cannot be used, to be read or to be written.
    #[error("the revocation list {} cannot be used", path.display())]
    RevocationList {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: KrlError,
    },

    /// The subject's public key, or the certificate itself, could not be built or signed.
    #[error("the certificate could not be signed")]
    Signing(#[source] ssh_key::Error),

    /// The operating system gave no random bytes.
    #[error("the operating system gives no random bytes")]
    Random(#[source] getrandom::Error),

    /// A principal that OpenSSH would misread or that would match too much.
    #[error("{principal:?} cannot be a principal: {why}")]
    Principal {
        /// As it was given.
        principal: String,
        /// What is wrong with it.
        why: &'static str,
    },

    /// Not an alias or suffix that a generated configuration may hold.
    #[error("{name:?} cannot be a host name of ours: {why}")]
    Name {
        /// As it was given.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },

    /// A value that cannot be written into an ssh configuration so that `ssh` reads the same value back.
    #[error("{value:?} cannot stand in an ssh configuration as {role}: {why}")]
    Unquotable {
        /// What it was to be.
        role: &'static str,
        /// As it was given.
        value: String,
        /// What is wrong with it.
        why: &'static str,
    },

    /// The user's ssh configuration may not be changed; the line can be put in by whoever generates the file.
    #[error("{} is read-only", path.display())]
    ConfigReadOnly {
        /// The file at the end of the links.
        path: PathBuf,
        /// The line to put at its top.
        line: String,
    },

    /// `ssh` itself does not accept the user's configuration, with or without our line.
    #[error("ssh does not accept {}: {message}", path.display())]
    ConfigInvalid {
        /// The configuration file.
        path: PathBuf,
        /// What is wrong, in ssh's words where it was asked.
        message: String,
    },

    /// With our line in place `ssh` would behave differently for a host that is not ours.
    #[error("the line would change what ssh does for {host} ({})", path.display())]
    ConfigWouldChange {
        /// The configuration file.
        path: PathBuf,
        /// The first host with a difference.
        host: String,
    },

    /// Other programs kept rewriting the file while we tried to change it.
    #[error("{} changes faster than it can be edited", path.display())]
    ConfigBusy {
        /// The configuration file.
        path: PathBuf,
    },

    /// The `ssh` program could not be run.
    #[error("{} could not be run", program.display())]
    ClientFailed {
        /// The program.
        program: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

impl SshError {
    /// The stable error code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Files(error) => error.code(),
            Self::Key(error) => error.code(),
            Self::Agent(error) => error.code(),
            Self::Policy(_) => "ssh.policy_refused",
            Self::KeyUnreadable { .. } => "ssh.key_unreadable",
            Self::AuthorityUnreadable { .. } => "ssh.authority_unreadable",
            Self::WrongAuthority { .. } => "ssh.authority_wrong",
            Self::AuthorityMissing { .. } => "ssh.authority_missing",
            Self::CertificateRefused { .. } => "ssh.certificate_refused",
            Self::RevocationList { .. } => "ssh.revocation_list_unusable",
            Self::Signing(_) => "ssh.signing_failed",
            Self::Random(_) => "ssh.no_randomness",
            Self::Principal { .. } => "ssh.principal_invalid",
            Self::Name { .. } => "ssh.name_invalid",
            Self::Unquotable { .. } => "ssh.path_unusable",
            Self::ConfigReadOnly { .. } => "ssh.config_readonly",
            Self::ConfigInvalid { .. } => "ssh.config_invalid",
            Self::ConfigWouldChange { .. } => "ssh.config_would_change",
            Self::ConfigBusy { .. } => "ssh.config_busy",
            Self::ClientFailed { .. } => "ssh.client_failed",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::Files(error) => error.fix(),
            Self::Key(error) => error.fix(),
            Self::Agent(error) => error.fix(),
            Self::Policy(refusal) => Some(refusal.fix()),
            Self::KeyUnreadable { path, .. } => Some(format!(
                "move {} away: a new key is made at the next `devctl up`",
                path.display()
            )),
            Self::AuthorityUnreadable { .. } | Self::AuthorityMissing { .. } => {
                Some("run `devctl doctor --fix`, then `devctl up`".to_owned())
            }
            Self::RevocationList { .. } => Some(
                "run `devctl doctor --fix`: the list is written anew from the records, and nobody enters before"
                    .to_owned(),
            ),
            Self::Name { .. } => Some("use a to z, 0 to 9 and hyphens, at most 63 characters".to_owned()),
            Self::Unquotable { .. } => Some("use a directory without `${` and control characters".to_owned()),
            Self::ConfigReadOnly { line, .. } => Some(format!(
                "put this line at the top of the file that generates it: {line}"
            )),
            Self::ConfigInvalid { path, message } => Some(match complained_about(message) {
                Some(file) => permission_fix(file, Platform::current()),
                None => format!("correct {} and repeat", path.display()),
            }),
            Self::ConfigWouldChange { .. } => Some(
                "use `ssh -F ~/.ssh/devctl/config NAME.devctl`, which needs no line in your file".to_owned(),
            ),
            Self::ConfigBusy { .. } => Some("repeat when the other program is done".to_owned()),
            Self::ClientFailed { .. } => {
                Some("install the OpenSSH client (package openssh-client)".to_owned())
            }
            Self::WrongAuthority { .. }
            | Self::CertificateRefused { .. }
            | Self::Signing(_)
            | Self::Random(_)
            | Self::Principal { .. } => None,
        }
    }
}
