//! What an engine is and what it can do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::error::EngineError;

/// Which engine answers behind the Docker API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    Docker,
    Podman,
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Docker => "Docker",
            Self::Podman => "Podman",
        })
    }
}

/// A version of the Docker API, such as 1.41.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ApiVersion {
    pub major: u16,
    pub minor: u16,
}

impl ApiVersion {
    /// The oldest API that is spoken here: 1.40 (Docker 19.03) is the first with BuildKit sessions and device requests.
    pub const OLDEST: Self = Self { major: 1, minor: 40 };
    /// The newest API that this crate was written against.
    pub const NEWEST: Self = Self { major: 1, minor: 51 };
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for ApiVersion {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        text.split_once('.')
            .and_then(|(major, minor)| {
                Some(Self {
                    major: major.parse().ok()?,
                    minor: minor.parse().ok()?,
                })
            })
            .ok_or_else(|| EngineError::Invalid {
                what: format!("the API version {text:?}"),
                reason: "two numbers with a point are expected".into(),
            })
    }
}

/// Which control groups the engine's machine uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CgroupVersion {
    V1,
    V2,
}

/// What an engine says about itself and its machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineInfo {
    pub kind: EngineKind,
    /// The engine's own version, such as "20.10.24".
    pub version: String,
    pub api_version: ApiVersion,
    /// The engine's own id; stays the same over restarts where the engine keeps one.
    pub id: Option<String>,
    /// The name of the engine's machine.
    pub name: String,
    /// The system of the containers: "linux" or "windows".
    pub os: String,
    /// The architecture in the image notation: "amd64", "arm64".
    pub arch: String,
    pub kernel: String,
    /// Processors that containers may use.
    pub cpus: u64,
    /// Memory of the engine's machine, in bytes.
    pub memory: u64,
    pub cgroup: CgroupVersion,
    /// The engine runs without root.
    pub rootless: bool,
    /// The engine maps container users to others (`userns-remap`).
    pub user_namespaces: bool,
    /// As the engine prints them: "name=seccomp,profile=default".
    pub security_options: Vec<String>,
    pub storage_driver: String,
    /// Where the engine keeps its data, on its own machine.
    pub data_root: String,
    /// The engine can give GPUs to containers: a runtime or a device driver for them is registered.
    pub gpus: bool,
    /// The highest `nofile` that the engine is known to be able to set; `None` when it cannot be told from here.
    pub nofile_limit: Option<u64>,
    /// What the engine itself warns about.
    pub warnings: Vec<String>,
    /// The engine's clock when it answered; `None` where it does not say.
    pub time: Option<OffsetDateTime>,
}
