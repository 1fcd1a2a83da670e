//! What lies on an engine's disk: images, volumes, networks, caches, and what each of them takes.

use std::collections::BTreeMap;

use crate::credentials::RegistryCredentials;

/// One image of an engine's list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageSummary {
    /// `sha256:…` of the image's configuration.
    pub id: String,
    /// Names in the engine: `debian:12`. Empty for an image that lost its name to a newer one.
    pub tags: Vec<String>,
    /// `name@sha256:…` of the registries that it came from.
    pub digests: Vec<String>,
    /// Seconds since 1970.
    pub created: i64,
    /// In bytes, with what it shares with others.
    pub size: u64,
    /// In bytes; `None` where the engine was not asked to compute it.
    pub shared: Option<u64>,
    pub labels: BTreeMap<String, String>,
}

/// One step by which an image was made, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageLayer {
    /// The image that the step made, where it is still known.
    pub id: Option<String>,
    /// Seconds since 1970.
    pub created: i64,
    /// The instruction.
    pub created_by: String,
    /// In bytes.
    pub size: u64,
    pub comment: String,
    pub tags: Vec<String>,
}

/// What removing an image did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RemovedImage {
    /// Names that are gone.
    pub untagged: Vec<String>,
    /// Images that are gone, by id.
    pub deleted: Vec<String>,
}

/// An image to send to its registry.
#[derive(Debug, Clone, Default)]
pub struct PushRequest {
    /// Name with tag; `:latest` where there is none.
    pub reference: String,
    /// Where the registry's password comes from; `None` pushes without.
    pub credentials: Option<RegistryCredentials>,
}

/// Progress of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushEvent {
    /// Bytes of a layer went out. `total` is zero while it is not known.
    Pushing { layer: String, done: u64, total: u64 },
    /// The layer is there, `reused` when it was there before.
    LayerDone { layer: String, reused: bool },
    /// The digest under which the registry has the image.
    Digest(String),
}

/// What everything on an engine's disk takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DiskUsage {
    /// All layers of all images, each counted once, in bytes.
    pub layers: u64,
    pub images: Vec<ImageSummary>,
    pub containers: Vec<ContainerUsage>,
    pub volumes: Vec<VolumeUsage>,
    pub build_cache: Vec<CacheRecord>,
}

/// What a container takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerUsage {
    pub id: String,
    pub name: String,
    pub image: String,
    pub image_id: String,
    pub running: bool,
    /// What it wrote beyond its image, in bytes.
    pub own: u64,
    /// Its whole file system with its image, in bytes.
    pub root: u64,
    pub labels: BTreeMap<String, String>,
    /// Names of the volumes that are mounted in it.
    pub volumes: Vec<String>,
}

/// What a volume takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeUsage {
    pub name: String,
    /// RFC 3339.
    pub created: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// In bytes; `None` where the driver cannot say.
    pub size: Option<u64>,
    /// How many containers have it.
    pub used_by: u64,
}

/// A part of the builder's cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheRecord {
    pub id: String,
    /// In bytes.
    pub size: u64,
    pub in_use: bool,
    /// Whether an image has it, too: removing it frees nothing then.
    pub shared: bool,
}

/// Limits of a container to change; what is `None` stays as it is. The fields are the engine's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LimitsUpdate {
    /// Billionths of a processor; 0 lifts the limit.
    pub nano_cpus: Option<i64>,
    /// In bytes.
    pub memory: Option<i64>,
    /// Memory and swap together, in bytes; -1 for no limit.
    pub memory_swap: Option<i64>,
    /// -1 for no limit.
    pub pids: Option<i64>,
}
