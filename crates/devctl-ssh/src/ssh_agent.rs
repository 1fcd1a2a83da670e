use std::fmt;
use std::time::Duration;

use ssh_key::{Algorithm, Certificate, PublicKey, Signature};

use crate::agent_error::AgentError;
use crate::user_key::UserKey;

mod address;
mod message;
mod transport;

pub use address::AgentAddress;
pub use transport::AgentTransport;

/// How long an agent may take that only looks something up.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long an agent may take that may ask its user first, or wait for a touch of a token.
const PATIENCE_WITH_PEOPLE: Duration = Duration::from_secs(60);

/// A client of an ssh agent (draft-ietf-sshm-ssh-agent): each request is a connection of its own, so that nothing is
/// held open and an agent that was started again is found again.
pub struct SshAgent {
    address: String,
    transport: Box<dyn AgentTransport>,
}

/// A key that an agent holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentIdentity {
    /// What it holds.
    pub key: IdentityKey,
    /// The comment that it was added with.
    pub comment: String,
}

/// What an agent can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityKey {
    /// A key alone.
    Key(PublicKey),
    /// A key with a certificate.
    Certificate(Box<Certificate>),
    /// Something of a type that is not read here.
    Unknown {
        /// What the agent calls its type.
        algorithm: String,
    },
}

/// For how long and how freely an agent may use a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AgentConstraints {
    /// Seconds until the agent forgets the key; `None`: never.
    pub lifetime: Option<u32>,
    /// Whether the agent asks its user before each use.
    pub confirm: bool,
}

impl SshAgent {
    /// Names the agent; nothing is opened yet.
    #[must_use]
    pub fn new(address: &AgentAddress) -> Self {
        Self::over(address.to_string(), transport::to(address))
    }

    /// An agent behind a transport of the caller's. `address` names it in errors.
    #[must_use]
    pub fn over(address: impl Into<String>, transport: Box<dyn AgentTransport>) -> Self {
        Self {
            address: address.into(),
            transport,
        }
    }

    /// The socket or pipe, for people.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What the agent holds. A locked agent shows nothing.
    ///
    /// # Errors
    /// Nobody answers, or not in the agent protocol.
    pub fn list(&self) -> Result<Vec<AgentIdentity>, AgentError> {
        let answer = self.exchange(&[message::REQUEST_IDENTITIES], PATIENCE)?;
        message::identities(&answer).map_err(|why| self.protocol(why))
    }

    /// Gives a key to the agent: with a certificate the pair of both, else the key alone. `ssh` with `IdentitiesOnly`
    /// uses a certificate from the agent only if the agent holds the key alone, too: add it twice.
    ///
    /// # Errors
    /// [`AgentError::Encoding`] if the certificate is not of this key; otherwise as [`SshAgent::list`], or
    /// [`AgentError::Refused`].
    pub fn add(
        &self,
        key: &UserKey,
        certificate: Option<&Certificate>,
        constraints: AgentConstraints,
    ) -> Result<(), AgentError> {
        let request =
            message::add(key.private(), certificate, constraints).map_err(|source| self.encoding(source))?;
        self.done(&request, "add the key")
    }

    /// Takes a key alone from the agent.
    ///
    /// # Errors
    /// As [`SshAgent::list`]; [`AgentError::Refused`] if the agent does not have it.
    pub fn remove_key(&self, key: &PublicKey) -> Result<(), AgentError> {
        let blob = key.to_bytes().map_err(|source| self.encoding(source))?;
        self.done(&message::remove(&blob), "remove the key")
    }

    /// Takes a key with this certificate from the agent.
    ///
    /// # Errors
    /// As [`SshAgent::remove_key`].
    pub fn remove_certificate(&self, certificate: &Certificate) -> Result<(), AgentError> {
        let blob = certificate.to_bytes().map_err(|source| self.encoding(source))?;
        self.done(&message::remove(&blob), "remove the certificate")
    }

    /// Takes everything of this key from the agent: alone and with whatever certificates. Says how many there were.
    ///
    /// # Errors
    /// As [`SshAgent::remove_key`], except that there may be nothing to remove.
    pub fn forget(&self, key: &PublicKey) -> Result<usize, AgentError> {
        let mut gone = 0;
        for identity in self.list()? {
            match identity.key {
                IdentityKey::Key(held) if held.key_data() == key.key_data() => self.remove_key(&held)?,
                IdentityKey::Certificate(held) if held.public_key() == key.key_data() => {
                    self.remove_certificate(&held)?;
                }
                _ => continue,
            }
            gone += 1;
        }
        Ok(gone)
    }

    /// Signs data with a key that the agent holds. RSA signs with SHA-512. The agent may ask its user, or wait for a
    /// token: this can take a minute.
    ///
    /// # Errors
    /// As [`SshAgent::list`]; [`AgentError::Refused`] if it does not have the key or its user said no.
    pub fn sign(&self, key: &PublicKey, data: &[u8]) -> Result<Signature, AgentError> {
        let blob = key.to_bytes().map_err(|source| self.encoding(source))?;
        let flags = match key.algorithm() {
            Algorithm::Rsa { .. } => message::RSA_SHA2_512,
            _ => 0,
        };
        let answer = self.exchange(&message::sign(&blob, data, flags), PATIENCE_WITH_PEOPLE)?;
        match answer.first() {
            Some(&message::FAILURE) => Err(self.refused("sign")),
            _ => {
                let signature = message::signature(&answer).map_err(|why| self.protocol(why))?;
                Signature::try_from(signature).map_err(|source| self.encoding(source))
            }
        }
    }

    fn done(&self, request: &[u8], action: &'static str) -> Result<(), AgentError> {
        let answer = self.exchange(request, PATIENCE_WITH_PEOPLE)?;
        match answer.as_slice() {
            [message::SUCCESS] => Ok(()),
            [message::FAILURE] => Err(self.refused(action)),
            _ => Err(self.protocol("it answered neither success nor failure")),
        }
    }

    fn exchange(&self, request: &[u8], patience: Duration) -> Result<Vec<u8>, AgentError> {
        self.transport.exchange(request, patience)
    }

    fn refused(&self, action: &'static str) -> AgentError {
        AgentError::Refused {
            address: self.address.clone(),
            action,
        }
    }

    fn protocol(&self, why: &'static str) -> AgentError {
        AgentError::Protocol {
            address: self.address.clone(),
            why,
        }
    }

    fn encoding(&self, source: ssh_key::Error) -> AgentError {
        AgentError::Encoding {
            address: self.address.clone(),
            source,
        }
    }
}

impl fmt::Debug for SshAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SshAgent")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
