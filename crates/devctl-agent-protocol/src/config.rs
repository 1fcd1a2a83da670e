use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Everything that one run of the agent needs to know. It serves one connection and forgets it.
///
/// The values of the environment may be secrets, so `Debug` shows their names only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentConfig {
    /// [`PROTOCOL_VERSION`](crate::PROTOCOL_VERSION) of whoever wrote this document.
    pub protocol: u32,
    /// The host's private key. It reaches the container only here.
    pub host_private_key: HostPrivateKey,
    /// The certificate of that key, as one line of an OpenSSH `*-cert.pub` file.
    pub host_certificate: String,
    /// The authorities whose user certificates are accepted, each as one OpenSSH public key line. At least one.
    pub user_authorities: Vec<String>,
    /// What is revoked. An empty or unreadable list refuses every login.
    pub revocation_list: RevocationList,
    /// For each Unix user the principals that may enter as this user. A user who is not named lets nobody in.
    pub accepted_principals: BTreeMap<String, Vec<String>>,
    /// Variables of every process that is started: the probed environment of the user and `remoteEnv`.
    pub environment: BTreeMap<String, String>,
    /// Names that are taken out of the environment, after everything else was put together.
    pub unset_environment: Vec<String>,
    /// Where processes start. `None`, or a folder that is not there: the user's home, then `/`.
    pub working_directory: Option<String>,
    /// The Unix user that the agent was started as, and the only login name that it accepts.
    pub user: String,
    /// Shown to the client before it is asked who it is.
    pub banner: Option<String>,
    /// What the host lets a session do. A certificate can only take away from it.
    pub allow: Allow,
}

impl fmt::Debug for AgentConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentConfig")
            .field("protocol", &self.protocol)
            .field("host_private_key", &self.host_private_key)
            .field("host_certificate", &self.host_certificate)
            .field("user_authorities", &self.user_authorities)
            .field("revocation_list", &self.revocation_list)
            .field("accepted_principals", &self.accepted_principals)
            .field("environment", &self.environment.keys())
            .field("unset_environment", &self.unset_environment)
            .field("working_directory", &self.working_directory)
            .field("user", &self.user)
            .field("banner", &self.banner)
            .field("allow", &self.allow)
            .finish()
    }
}

/// What a session may do, on top of what its certificate permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Allow {
    /// Terminals.
    pub pty: bool,
    /// TCP and Unix-socket forwarding, both directions.
    pub port_forwarding: bool,
    /// Forwarding of the client's key agent.
    pub agent_forwarding: bool,
    /// The `sftp` subsystem, which `scp` and `sshfs` use too.
    pub sftp: bool,
}

impl Allow {
    /// Everything that the agent can serve.
    pub const ALL: Self = Self {
        pty: true,
        port_forwarding: true,
        agent_forwarding: true,
        sftp: true,
    };
}

/// An OpenSSH private key file (`-----BEGIN OPENSSH PRIVATE KEY-----`), not encrypted. Wiped when dropped,
/// never shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
pub struct HostPrivateKey(String);

impl HostPrivateKey {
    /// Takes the text of the key file.
    pub fn new(openssh_pem: String) -> Self {
        Self(openssh_pem)
    }

    /// The text of the key file, for whoever parses it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HostPrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostPrivateKey(<redacted>)")
    }
}

/// The bytes of an OpenSSH key revocation list (PROTOCOL.krl); base64 on the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct RevocationList(Vec<u8>);

impl RevocationList {
    /// Takes the bytes of the file. They are parsed by the agent, not here.
    pub fn new(krl: Vec<u8>) -> Self {
        Self(krl)
    }

    /// The bytes of the file.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RevocationList({} bytes)", self.0.len())
    }
}

impl Serialize for RevocationList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for RevocationList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_of_the_environment_is_shown() {
        let config = AgentConfig {
            protocol: crate::PROTOCOL_VERSION,
            host_private_key: HostPrivateKey::new("private".to_owned()),
            host_certificate: String::new(),
            user_authorities: Vec::new(),
            revocation_list: RevocationList::new(Vec::new()),
            accepted_principals: BTreeMap::new(),
            environment: BTreeMap::from([("TOKEN".to_owned(), "hunter2".to_owned())]),
            unset_environment: Vec::new(),
            working_directory: None,
            user: "dev".to_owned(),
            banner: None,
            allow: Allow::ALL,
        };
        let shown = format!("{config:?}");
        assert!(shown.contains("TOKEN") && !shown.contains("hunter2"), "{shown}");
    }
}
