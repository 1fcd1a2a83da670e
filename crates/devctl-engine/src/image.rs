//! Images: what an image says about itself, and pulling one.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use crate::credentials::RegistryCredentials;

/// What an engine knows about one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageDetails {
    /// `sha256:…` of the image's configuration.
    pub id: String,
    /// Names in the engine: `debian:12`.
    pub tags: Vec<String>,
    /// `name@sha256:…` of the registries that it came from.
    pub digests: Vec<String>,
    pub created: Option<OffsetDateTime>,
    /// In bytes.
    pub size: u64,
    pub os: String,
    pub architecture: String,
    pub variant: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// `NAME=value`, in the image's order.
    pub env: Vec<String>,
    /// `user`, `uid`, `user:group`; empty for root.
    pub user: String,
    pub workdir: String,
    pub entrypoint: Vec<String>,
    pub cmd: Vec<String>,
    /// `8080/tcp`.
    pub exposed_ports: Vec<String>,
    /// Paths that become anonymous volumes.
    pub volumes: Vec<String>,
    /// `ENTRYPOINT`, `CMD` and `RUN` in shell form use it.
    pub shell: Vec<String>,
}

/// An image to pull.
#[derive(Debug, Clone, Default)]
pub struct PullRequest {
    /// Name with tag or digest; without either `:latest` is meant.
    pub reference: String,
    /// `linux/arm64`; `None` for the engine's own.
    pub platform: Option<String>,
    /// Where the registry's password comes from; `None` pulls without.
    pub credentials: Option<RegistryCredentials>,
}

/// Progress of a pull.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullEvent {
    /// A line about the whole image: "Pulling from library/debian".
    Status(String),
    /// A layer was found; its size is not known yet.
    LayerFound { layer: String },
    /// Bytes of a layer came in. `total` is zero while the registry did not say.
    Downloading { layer: String, done: u64, total: u64 },
    /// A layer is unpacked.
    Extracting { layer: String, done: u64, total: u64 },
    /// The layer is there, `reused` when it was there before.
    LayerDone { layer: String, reused: bool },
    /// The digest that was pulled.
    Digest(String),
}
