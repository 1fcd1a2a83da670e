//! From the document of the proxy to everything that a connection needs.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use devctl_agent_protocol::{AgentConfig, FatalCode, SECRETS_VARIABLE, WireError};
use devctl_krl::{KrlError, RevocationList};
use russh::keys::PrivateKey;
use russh::server::Config;
use russh::{MethodKind, MethodSet, Preferred, SshId};
use rustix::process::Rlimit;
use ssh_key::certificate::CertType;
use ssh_key::{Certificate, PublicKey};

use crate::account::{Account, AccountError};
use crate::login::Policy;
use crate::protect::{ProtectError, Protection};

/// Why the agent did not begin to serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    #[error("the agent cannot hold a key safely")]
    Protect(#[from] ProtectError),
    #[error("the configuration could not be read")]
    Wire(#[from] WireError),
    #[error("the host key could not be read")]
    HostKey(#[source] ssh_key::Error),
    #[error("the host key is encrypted")]
    HostKeyEncrypted,
    #[error("the host certificate could not be read")]
    HostCertificate(#[source] ssh_key::Error),
    #[error("the host certificate is not the certificate of the host key")]
    HostCertificateMismatch,
    #[error("authority {number} could not be read")]
    Authority { number: usize, source: ssh_key::Error },
    #[error("there is no user authority: nobody could log in")]
    NoAuthority,
    #[error("the revocation list could not be used")]
    Revocations(#[from] KrlError),
    #[error("the user cannot be served")]
    Account(#[from] AccountError),
    #[error("the system refused what the agent cannot do without: {what}")]
    System {
        what: &'static str,
        source: std::io::Error,
    },
}

impl SetupError {
    /// The code that the proxy is told.
    pub(crate) fn code(&self) -> FatalCode {
        match self {
            Self::Protect(_) => FatalCode::NotProtected,
            Self::Wire(WireError::Version { .. }) => FatalCode::ProtocolVersion,
            Self::Wire(_) | Self::Account(_) => FatalCode::Config,
            Self::HostKey(_)
            | Self::HostKeyEncrypted
            | Self::HostCertificate(_)
            | Self::HostCertificateMismatch => FatalCode::HostKey,
            Self::Authority { .. } | Self::NoAuthority => FatalCode::Authority,
            Self::Revocations(_) => FatalCode::RevocationList,
            Self::System { .. } => FatalCode::System,
        }
    }
}

/// What a connection needs to know. The host key is not part of it: only russh's own configuration holds it.
pub(crate) struct Setup {
    pub(crate) policy: Policy,
    pub(crate) account: Account,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) unset_environment: Vec<String>,
    pub(crate) working_directory: Option<PathBuf>,
    pub(crate) banner: Option<String>,
    pub(crate) protection: Protection,
}

/// The environment may hold secrets.
impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("policy", &self.policy)
            .field("account", &self.account)
            .field("environment", &self.environment.keys())
            .finish_non_exhaustive()
    }
}

impl Setup {
    /// The limit on core dumps of what is started.
    pub(crate) fn core_limit(&self) -> Rlimit {
        if self.environment.contains_key(SECRETS_VARIABLE) {
            self.protection.silent_core_limit()
        } else {
            self.protection.original_core_limit()
        }
    }
}

/// Checks the document and takes it apart.
pub(crate) fn prepare(
    config: AgentConfig,
    protection: Protection,
) -> Result<(Setup, Arc<Config>), SetupError> {
    let key = PrivateKey::from_openssh(config.host_private_key.expose()).map_err(SetupError::HostKey)?;
    if key.is_encrypted() {
        return Err(SetupError::HostKeyEncrypted);
    }
    let certificate =
        Certificate::from_openssh(&config.host_certificate).map_err(SetupError::HostCertificate)?;
    if certificate.cert_type() != CertType::Host || certificate.public_key() != key.public_key().key_data() {
        return Err(SetupError::HostCertificateMismatch);
    }
    let authorities = config
        .user_authorities
        .iter()
        .enumerate()
        .map(|(index, line)| {
            PublicKey::from_openssh(line)
                .map(|key| key.key_data().clone())
                .map_err(|source| SetupError::Authority {
                    number: index + 1,
                    source,
                })
        })
        .collect::<Result<Vec<_>, _>>()?;
    if authorities.is_empty() {
        return Err(SetupError::NoAuthority);
    }
    let setup = Setup {
        policy: Policy {
            authorities,
            revocations: RevocationList::parse(config.revocation_list.as_bytes())?,
            accepted_principals: config.accepted_principals,
            allow: config.allow,
            user: config.user.clone(),
        },
        account: Account::of(&config.user)?,
        environment: config.environment,
        unset_environment: config.unset_environment,
        working_directory: config.working_directory.map(PathBuf::from),
        banner: config.banner,
        protection,
    };
    Ok((setup, Arc::new(server_config(key, certificate))))
}

fn server_config(key: PrivateKey, certificate: Certificate) -> Config {
    Config {
        server_id: SshId::Standard(Cow::Borrowed(concat!(
            "SSH-2.0-devctl_",
            env!("CARGO_PKG_VERSION")
        ))),
        methods: MethodSet::from([MethodKind::PublicKey].as_slice()),
        // Guessing is hopeless against signatures: nothing is gained by answering late, and each login would pay.
        auth_rejection_time: Duration::ZERO,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: vec![key],
        certificates: vec![certificate],
        preferred: Preferred {
            cipher: Cow::Borrowed(&[
                russh::cipher::CHACHA20_POLY1305,
                russh::cipher::AES_128_GCM,
                russh::cipher::AES_256_GCM,
                russh::cipher::AES_256_CTR,
                russh::cipher::AES_192_CTR,
                russh::cipher::AES_128_CTR,
            ]),
            compression: Cow::Borrowed(&[russh::compression::NONE]),
            ..Preferred::DEFAULT
        },
        window_size: 4 << 20,
        maximum_packet_size: 64 << 10,
        channel_buffer_size: 256,
        event_buffer_size: 64,
        max_auth_attempts: 10,
        // The proxy's end is noticed by its pipes; an idle shell may stay open for days.
        inactivity_timeout: None,
        ..Config::default()
    }
}
