//! What a read shows, and so what makes it stale.

use serde::{Deserialize, Serialize};

/// A group of facts. A read provides tags; an operation or a change makes tags stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Tag {
    /// The list of containers and their states.
    Containers,
    /// Engines and their health.
    Hosts,
    /// Jobs that run or ended.
    Jobs,
    /// The event log.
    Events,
    /// Settings.
    Settings,
    /// Key, certificates, authorities, and the client configuration.
    Ssh,
    /// Secrets and the vault.
    Secrets,
    /// Ports that listen or are forwarded.
    Ports,
    /// Images, volumes, networks, and what they take on the disk.
    Storage,
    /// The checks of the doctor.
    Doctor,
}
