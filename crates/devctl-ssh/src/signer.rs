use std::cell::RefCell;

use ssh_key::certificate::Builder;
use ssh_key::public::KeyData;
use ssh_key::{Certificate, PublicKey, Signature};

use crate::agent_error::AgentError;
use crate::authority::{Authority, AuthorityKind};
use crate::error::SshError;
use crate::key_error::KeyError;
use crate::ssh_agent::SshAgent;

/// Whose key signs a certificate: an authority that is at hand, or one whose private half stays in an ssh agent and
/// so on a token.
#[derive(Debug, Clone, Copy)]
pub enum Signer<'a> {
    /// The private half is in memory.
    Authority(&'a Authority),
    /// The agent signs.
    Agent {
        /// The agent.
        agent: &'a SshAgent,
        /// The authority's public half.
        public: &'a PublicKey,
        /// Whose keys it signs.
        kind: AuthorityKind,
    },
}

impl<'a> From<&'a Authority> for Signer<'a> {
    fn from(authority: &'a Authority) -> Self {
        Self::Authority(authority)
    }
}

impl Signer<'_> {
    /// Whose keys it signs.
    #[must_use]
    pub fn kind(&self) -> AuthorityKind {
        match self {
            Self::Authority(authority) => authority.kind(),
            Self::Agent { kind, .. } => *kind,
        }
    }

    /// The authority's public half.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        match self {
            Self::Authority(authority) => authority.public_key(),
            Self::Agent { public, .. } => public,
        }
    }

    pub(crate) fn sign(&self, certificate: Builder) -> Result<Certificate, SshError> {
        match self {
            Self::Authority(authority) => certificate
                .sign(authority.signing_key())
                .map_err(SshError::Signing),
            Self::Agent { agent, public, .. } => {
                authority_type(public)?;
                let signing = AgentSigning {
                    agent,
                    public,
                    failure: RefCell::default(),
                };
                let signed = certificate.sign(&signing);
                // The builder keeps no cause: the agent's own words are here.
                if let Some(failure) = signing.failure.into_inner() {
                    return Err(failure.into());
                }
                let signed = signed.map_err(SshError::Signing)?;
                signed
                    .verify_signature()
                    .map_err(|_| AgentError::WrongSignature {
                        address: agent.address().to_owned(),
                    })?;
                Ok(signed)
            }
        }
    }
}

/// Whether a key can be that of an authority: RSA is not, because neither the agents inside containers nor we check
/// RSA signatures (RUSTSEC-2023-0071).
pub(crate) fn authority_type(public: &PublicKey) -> Result<(), KeyError> {
    match public.key_data() {
        KeyData::Ed25519(_) | KeyData::Ecdsa(_) | KeyData::SkEd25519(_) | KeyData::SkEcdsaSha2NistP256(_) => {
            Ok(())
        }
        other => Err(KeyError::TypeRefused {
            algorithm: other.algorithm().as_str().to_owned(),
            why: "authorities are ed25519 or ecdsa keys, on a security key or not",
        }),
    }
}

struct AgentSigning<'a> {
    agent: &'a SshAgent,
    public: &'a PublicKey,
    failure: RefCell<Option<AgentError>>,
}

impl signature::Signer<Signature> for AgentSigning<'_> {
    fn try_sign(&self, message: &[u8]) -> Result<Signature, signature::Error> {
        self.agent.sign(self.public, message).map_err(|failure| {
            self.failure.replace(Some(failure));
            signature::Error::new()
        })
    }
}

impl From<&AgentSigning<'_>> for KeyData {
    fn from(signing: &AgentSigning<'_>) -> Self {
        signing.public.key_data().clone()
    }
}
