//! Networks of a host, and who is in them.

use serde::{Deserialize, Serialize};

/// A network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What carries it (`bridge`).
    pub driver: String,
    /// Whether there is no way out of it.
    pub internal: bool,
    /// Its addresses.
    pub subnets: Vec<String>,
    /// The containers in it, running or not, ours by their short names. They find each other by these names.
    pub containers: Vec<String>,
    /// Whether this launcher made it.
    pub ours: bool,
    /// The container that it was made for.
    pub made_for: Option<String>,
}

/// Asks for the networks of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListNetworks {
    /// The host; the current one where absent.
    #[serde(default)]
    pub host: Option<String>,
}

/// Networks, by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct NetworkList {
    /// The networks.
    pub networks: Vec<Network>,
}

/// Names a network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkRef {
    /// Its name or its id.
    pub network: String,
    /// The host; the current one where absent.
    #[serde(default)]
    pub host: Option<String>,
}

/// Makes a network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateNetwork {
    /// Its name.
    pub name: String,
    /// Its addresses, such as `10.213.7.0/24`; a free part of `network.range` where absent.
    #[serde(default)]
    pub subnet: Option<String>,
    /// No way out of it.
    #[serde(default)]
    pub internal: bool,
    /// The host; the current one where absent.
    #[serde(default)]
    pub host: Option<String>,
}

/// Puts a container into a network, or takes it out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NetworkMembership {
    /// The network: its name or its id.
    pub network: String,
    /// The container: name, id, beginning of an id, or folder.
    pub container: String,
}
