//! Volumes.

use std::collections::BTreeMap;

/// A volume to make. A volume of that name that is there already is left as it is and returned.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VolumeCreate {
    pub name: String,
    /// `None` for the engine's own driver, `local`.
    pub driver: Option<String>,
    pub driver_options: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
}

/// What an engine knows about one volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeDetails {
    pub name: String,
    pub driver: String,
    /// Where it lies on the engine's machine.
    pub mountpoint: String,
    pub labels: BTreeMap<String, String>,
    /// RFC 3339.
    pub created: Option<String>,
}
