//! What the host and `devctl-agent forward` say to each other beside the bytes of streams.
//!
//! The agent first writes [`FORWARD_GREETING`]; everything after it, both ways, is frames of `devctl-mux`. Messages are
//! one JSON document each: [`HostSaid`] and [`AgentSaid`]. A stream that the host opens is described by a [`Target`], one
//! that the agent opens by a [`ReverseStream`].

use serde::{Deserialize, Serialize};

/// `forward`: makes the agent carry connections on its standard input and output.
pub const FORWARD_ARGUMENT: &str = "forward";

/// The first line of the agent. Whatever else comes first is what the engine says when it could not start the agent.
pub const FORWARD_GREETING: &str = "devctl-forward 1\n";

/// More listeners than this are not told of.
pub const MAX_LISTENERS: usize = 1024;

/// What a stream into the container is to be connected with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum Target {
    /// A TCP port of the container's own loopback: 127.0.0.1, then ::1.
    Port {
        /// The port.
        port: u16,
    },
    /// A TCP port of a host that the container can reach, or of an address of its own.
    Tcp {
        /// Name or address, as the container understands it.
        host: String,
        /// The port.
        port: u16,
    },
    /// A Unix socket in the container.
    Unix {
        /// Its path.
        path: String,
    },
}

/// Where the agent listens for the host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum ReverseAt {
    /// A TCP port of the container's loopback.
    Port {
        /// The port.
        port: u16,
    },
    /// A Unix socket, for the agent's user only. What is at that path already stays.
    Unix {
        /// Its path.
        path: String,
    },
}

/// A stream that the agent opens: somebody connected to where it listens for the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReverseStream {
    /// The number that the host gave to that place. The host connects with what it noted under it, and with nothing
    /// that the agent could name.
    pub reverse: u32,
}

/// A message of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "camelCase", deny_unknown_fields)]
pub enum HostSaid {
    /// Tell of listeners from now on: all of them first, then whenever they change.
    Watch,
    /// Listen for the host.
    Listen {
        /// The number of this place.
        reverse: u32,
        /// Where.
        at: ReverseAt,
    },
    /// Listen there no longer.
    Unlisten {
        /// The number of the place.
        reverse: u32,
    },
}

/// A message of the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "camelCase")]
pub enum AgentSaid {
    /// What listens in the container now, ordered by port; the agent's own listeners left out.
    Listeners {
        /// At most [`MAX_LISTENERS`].
        listeners: Vec<Listener>,
    },
    /// It listens for the host.
    Listening {
        /// The number of the place.
        reverse: u32,
    },
    /// It cannot listen for the host.
    NotListening {
        /// The number of the place.
        reverse: u32,
        /// Why.
        reason: String,
    },
}

/// A TCP port on which something in the container listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listener {
    /// The port.
    pub port: u16,
    /// The address that it is bound to, such as `127.0.0.1`, `0.0.0.0` or `::`.
    pub address: String,
    /// The name of the process, where the agent's user may see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<String>,
    /// Its command line, words separated by spaces, cut to 1,024 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Port { port } => write!(f, "{port}"),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix { path } => f.write_str(path),
        }
    }
}

impl std::fmt::Display for ReverseAt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Port { port } => write!(f, "{port}"),
            Self::Unix { path } => f.write_str(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_they_were_written_and_what_is_unknown_is_refused() {
        let said = HostSaid::Listen {
            reverse: 7,
            at: ReverseAt::Unix {
                path: "/run/x".into(),
            },
        };
        let text = serde_json::to_string(&said).unwrap();
        assert_eq!(serde_json::from_str::<HostSaid>(&text).unwrap(), said);
        for bad in [
            r#"{"say":"run"}"#,
            r#"{"say":"listen","reverse":-1,"at":{"kind":"port","port":1}}"#,
            r#"{"say":"unlisten","reverse":1,"more":2}"#,
        ] {
            assert!(serde_json::from_str::<HostSaid>(bad).is_err(), "{bad}");
        }
        for bad in [
            r#"{"kind":"port","port":70000}"#,
            r#"{"kind":"tcp","host":"db"}"#,
            r#"{"kind":"file","path":"/etc/passwd"}"#,
        ] {
            assert!(serde_json::from_str::<Target>(bad).is_err(), "{bad}");
        }
    }
}
