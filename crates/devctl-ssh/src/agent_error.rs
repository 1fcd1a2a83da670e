use std::time::Duration;

/// What can go wrong with an ssh agent. None of it may fail anything but what was asked of the agent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// Nothing answers at the address.
    #[error("no ssh agent answers at {address}")]
    Unreachable {
        /// The socket or pipe.
        address: String,
        /// What the operating system said.
        source: std::io::Error,
    },

    /// The agent is there and silent.
    #[error("the ssh agent at {address} did not answer within {} s", patience.as_secs())]
    TimedOut {
        /// The socket or pipe.
        address: String,
        /// How long was waited.
        patience: Duration,
    },

    /// The agent will not do it: it has no such key, is locked, or its user said no.
    #[error("the ssh agent at {address} refuses to {action}")]
    Refused {
        /// The socket or pipe.
        address: String,
        /// What was asked: `sign`, `add the key` …
        action: &'static str,
    },

    /// What came back is no answer to what was asked.
    #[error("the ssh agent at {address} does not speak the agent protocol: {why}")]
    Protocol {
        /// The socket or pipe.
        address: String,
        /// What is wrong with the answer.
        why: &'static str,
    },

    /// The key or the certificate cannot be put into a message, or the signature in an answer not be read.
    #[error("the key cannot be exchanged with the ssh agent at {address}")]
    Encoding {
        /// The socket or pipe.
        address: String,
        /// What is wrong.
        source: ssh_key::Error,
    },

    /// The agent signed, and its signature is not that of the key.
    #[error("the signature of the ssh agent at {address} is wrong")]
    WrongSignature {
        /// The socket or pipe.
        address: String,
    },

    /// A value of `IdentityAgent` that cannot be followed here.
    #[error("the agent address {value:?} cannot be used: {why}")]
    Address {
        /// As it was given.
        value: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl AgentError {
    /// The stable error code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "ssh.agent_unreachable",
            Self::TimedOut { .. } => "ssh.agent_timeout",
            Self::Refused { .. } => "ssh.agent_refused",
            Self::Protocol { .. } | Self::Encoding { .. } | Self::WrongSignature { .. } => {
                "ssh.agent_protocol"
            }
            Self::Address { .. } => "ssh.agent_address",
        }
    }

    /// What a person can do about it.
    #[must_use]
    pub fn fix(&self) -> Option<String> {
        match self {
            Self::Unreachable { .. } => Some("start one: `eval \"$(ssh-agent)\"`".to_owned()),
            Self::TimedOut { .. } => {
                Some("look whether it waits for a confirmation or for a touch of the token".to_owned())
            }
            Self::Refused { .. } => Some("`ssh-add -l` shows its keys; `ssh-add -X` unlocks it".to_owned()),
            Self::Address { .. } => Some("use the path of a socket, SSH_AUTH_SOCK or none".to_owned()),
            Self::Protocol { .. } | Self::Encoding { .. } | Self::WrongSignature { .. } => None,
        }
    }
}
