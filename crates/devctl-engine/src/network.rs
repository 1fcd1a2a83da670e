//! Networks.

use std::collections::BTreeMap;

use crate::subnet::Ipv4Net;

/// A network to make.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkCreate {
    pub name: String,
    /// `None` lets the engine choose from its own pools, which give out after about 30 networks.
    pub subnet: Option<Ipv4Net>,
    /// No way out of the network.
    pub internal: bool,
    pub labels: BTreeMap<String, String>,
}

/// What an engine knows about one network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkDetails {
    pub id: String,
    pub name: String,
    pub driver: String,
    pub internal: bool,
    /// IPv4 only.
    pub subnets: Vec<Ipv4Net>,
    pub labels: BTreeMap<String, String>,
    /// RFC 3339.
    pub created: Option<String>,
    /// Ids of the containers in it. Filled by inspect only; a list leaves it empty.
    pub containers: Vec<String>,
}
