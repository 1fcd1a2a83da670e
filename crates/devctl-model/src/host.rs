//! Hosts: container engines that can be reached.

use serde::{Deserialize, Serialize};

/// Whether a host answers, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum HostState {
    /// It answers.
    Ready,
    /// There is no socket.
    NoSocket,
    /// The socket may not be opened by this user.
    NoRights,
    /// There is a socket and nobody answers.
    NotAnswering,
    /// It answers with an API that is too old.
    TooOld,
}

/// A container engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Host {
    /// Short name, unique in the list ("default", "podman", a docker context's name).
    pub name: String,
    /// Where it was found ("DOCKER_HOST", "docker context lab", "/var/run/docker.sock").
    pub source: String,
    /// Its address.
    pub url: String,
    /// The one that is used when none is named.
    pub current: bool,
    /// Whether it answers.
    pub state: HostState,
    /// Product and version ("Docker Engine 28.3", "Podman 5.6").
    pub engine: Option<String>,
    /// API version that is spoken with it.
    pub api_version: Option<String>,
    /// What it said, where it does not answer.
    pub detail: Option<String>,
}

/// All hosts that were found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct HostList {
    /// The current one first.
    pub hosts: Vec<Host>,
}
