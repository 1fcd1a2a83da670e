//! Ports: what listens in containers, and what is forwarded between them and this computer.

use crate::container::PortInfo;
use serde::{Deserialize, Serialize};

/// Asks what listens and what is forwarded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListPorts {
    /// Name, id, beginning of an id, or folder; every container with a forward in force where absent.
    #[serde(default)]
    pub container: Option<String>,
}

/// Ports, container by container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PortList {
    /// Ordered by name.
    pub containers: Vec<ContainerPorts>,
}

/// The ports of one container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ContainerPorts {
    /// Its name.
    pub container: String,
    /// Its id.
    pub id: String,
    /// Whether it runs.
    pub running: bool,
    /// What the configuration wants to be forwarded.
    pub planned: Vec<PlannedPort>,
    /// What listens in it now, ordered by port.
    pub listeners: Vec<PortListener>,
    /// What is forwarded, by any process of this person.
    pub forwards: Vec<PortForward>,
    /// What the engine publishes.
    pub published: Vec<PortInfo>,
}

/// A port that the configuration names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PlannedPort {
    /// `3000`, or `db:5432` for a host that the container reaches.
    pub target: String,
    /// Its label.
    pub label: Option<String>,
}

/// Something that listens in a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PortListener {
    /// The port.
    pub port: u16,
    /// The address that it is bound to (`127.0.0.1`, `0.0.0.0`, `::`).
    pub address: String,
    /// The process, where the container's user may see it.
    pub process: Option<String>,
    /// Its command line, as far as it is known.
    pub command: Option<String>,
    /// Its label in the configuration.
    pub label: Option<String>,
}

/// Which way a forward goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum ForwardDirection {
    /// From this computer into the container.
    IntoContainer,
    /// From the container to a service of this computer.
    OutOfContainer,
}

/// Why a port is forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum ForwardOrigin {
    /// Somebody asked for it.
    Asked,
    /// The configuration names it.
    Configured,
    /// Something began to listen there.
    Found,
}

/// A forward in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PortForward {
    /// Name of the container.
    pub container: String,
    /// Which way it goes.
    pub direction: ForwardDirection,
    /// Where connections are taken: `127.0.0.1:3000` or the path of a socket; of a reverse forward in the container.
    pub listen: String,
    /// Where they go: `3000`, `db:5432` or the path of a socket; of a reverse forward on this computer.
    pub target: String,
    /// What a browser opens, where the port is one for browsers.
    pub url: Option<String>,
    /// Its label in the configuration.
    pub label: Option<String>,
    /// Why it is there.
    pub origin: ForwardOrigin,
    /// The process that carries it.
    pub process: u32,
    /// What differs from what was asked for, such as another local port.
    pub note: Option<String>,
}

/// Asks for forwards. They last until they are stopped, or this process ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForwardPorts {
    /// Name, id, beginning of an id, or folder.
    pub container: String,
    /// Into the container: `[LOCAL:]TARGET`, where LOCAL is a port or the path of a socket on this computer, and TARGET a
    /// port, `HOST:PORT` or the path of a socket in the container.
    #[serde(default)]
    pub ports: Vec<String>,
    /// Out of the container: `[THERE:]HERE`, where THERE is a port or the path of a socket in the container, and HERE a
    /// port, `HOST:PORT` or the path of a socket of this computer.
    #[serde(default)]
    pub reverse: Vec<String>,
    /// Also what the configuration names, and whatever begins to listen.
    #[serde(default)]
    pub automatic: bool,
}

/// The forwards of a container that this process carries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ForwardedPorts {
    /// In the order in which they began.
    pub forwards: Vec<PortForward>,
}

/// Asks for the end of forwards, whoever carries them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StopForwards {
    /// Name, id, beginning of an id, or folder.
    pub container: String,
    /// Only the forward to this target or from this local port; all where absent.
    #[serde(default)]
    pub port: Option<String>,
}

/// What ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StoppedForwards {
    /// The forwards that ended.
    pub stopped: Vec<PortForward>,
}

/// What happens to the forwards of a container that this process carries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum PortUpdate {
    /// A forward is in force. Those of before come first.
    Forwarded {
        /// The forward.
        forward: PortForward,
        /// Whether a person should be told (`onAutoForward`).
        tell: bool,
        /// Whether it should be opened in a browser (`onAutoForward`).
        open: bool,
    },
    /// A forward has ended.
    Stopped {
        /// The forward.
        forward: PortForward,
    },
    /// The container can be reached.
    Connected,
    /// The container cannot be reached at the moment; it is tried again.
    Waiting {
        /// Why.
        why: String,
    },
    /// A port that the configuration names or that was found is not forwarded.
    NotForwarded {
        /// What was to be forwarded.
        target: String,
        /// Why not.
        why: String,
    },
    /// A connection could not be made.
    Refused {
        /// Where it was to go.
        target: String,
        /// Why.
        why: String,
    },
    /// The container is gone, and so are its forwards.
    Ended {
        /// Why.
        why: String,
    },
}
