//! Building images: what is asked for, and what comes back.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::credentials::RegistryCredentials;
use crate::exec::OutputStream;

/// An image to build.
#[derive(Debug, Clone, Default)]
pub struct BuildRequest {
    /// The directory that is sent to the engine, less what `.dockerignore` leaves out.
    pub context: PathBuf,
    /// The Dockerfile. It may lie outside the context.
    pub dockerfile: PathBuf,
    /// The names that the image gets.
    pub tags: Vec<String>,
    pub args: BTreeMap<String, String>,
    /// The stage to stop at.
    pub target: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// Images whose layers may be used again.
    pub cache_from: Vec<String>,
    pub platform: Option<String>,
    pub no_cache: bool,
    /// Look for newer base images.
    pub pull: bool,
    /// `name:address`.
    pub extra_hosts: Vec<String>,
    /// `host`, `none`, `default`, for the `RUN` instructions.
    pub network: Option<String>,
    /// In bytes.
    pub shm_size: Option<u64>,
    /// For `RUN --mount=type=secret`.
    pub secrets: Vec<BuildSecret>,
    /// For `RUN --mount=type=ssh`.
    pub ssh: Vec<BuildSshAgent>,
    /// For base images in private registries.
    pub credentials: Option<RegistryCredentials>,
    /// Give up after that time without a sign of life of the builder; `None` waits for ever.
    pub idle_timeout: Option<Duration>,
}

/// A secret that a `RUN` instruction may read.
#[derive(Debug, Clone)]
pub struct BuildSecret {
    /// The `id=` of the mount.
    pub id: String,
    pub source: SecretSource,
}

/// Where a secret's bytes are. They are read when the builder asks for them.
#[derive(Clone)]
pub enum SecretSource {
    File(PathBuf),
    Value(Zeroizing<Vec<u8>>),
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Value(_) => f.write_str("Value(..)"),
        }
    }
}

/// An SSH agent that a `RUN` instruction may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildSshAgent {
    /// The `id=` of the mount; `default` where the mount names none.
    pub id: String,
    /// The agent's socket on this machine.
    pub socket: PathBuf,
}

/// Progress of a build. Steps run side by side: an event names its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildEvent {
    /// So many bytes of the context were sent.
    ContextSent { bytes: u64 },
    /// `index` counts from one. `total` grows as BuildKit finds more steps.
    StepStarted {
        index: usize,
        total: usize,
        name: String,
    },
    /// Output of a step; may be a part of a line.
    Log {
        step: usize,
        stream: OutputStream,
        text: String,
    },
    /// Bytes of a base image or a layer that the step fetches or writes.
    Progress {
        step: usize,
        what: String,
        done: u64,
        total: u64,
    },
    StepDone {
        step: usize,
        cached: bool,
        duration: Duration,
    },
    /// What the builder has to say about the Dockerfile.
    Warning(String),
}

/// A build that ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildReport {
    /// `sha256:…`.
    pub image_id: String,
    pub steps: usize,
    /// How many of the steps were taken from the cache.
    pub cached: usize,
}
