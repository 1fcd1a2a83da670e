//! The interface of an engine, and how one is opened.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::build::{BuildEvent, BuildReport, BuildRequest};
use crate::container::{
    ContainerDetails, ContainerFilter, ContainerSummary, CreateRequest, Created, FileChange, RemoveOptions,
};
use crate::credentials::RegistrySecret;
use crate::endpoint::Endpoint;
use crate::error::EngineError;
use crate::event::{EngineEvent, EventFilter};
use crate::exec::{ExecRequest, ExecSession, RawExec, RawExecRequest, StderrSink};
use crate::image::{ImageDetails, PullEvent, PullRequest};
use crate::info::{ApiVersion, EngineInfo, EngineKind};
use crate::logs::{LogFrame, LogOptions};
use crate::network::{NetworkCreate, NetworkDetails};
use crate::stats::{PathStat, ProcessTable, StatsReading};
use crate::storage::{
    DiskUsage, ImageLayer, ImageSummary, LimitsUpdate, PushEvent, PushRequest, RemovedImage,
};
use crate::volume::{VolumeCreate, VolumeDetails};

/// A stream of bytes of an archive.
pub type ByteStream = BoxStream<'static, std::io::Result<Bytes>>;

/// What must be known about an engine before it can be spoken to. Can be kept, so that the next connection needs no
/// question first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineFacts {
    pub kind: EngineKind,
    pub api_version: ApiVersion,
}

/// A container engine.
///
/// Every call ends: with a result, with an error, or with [`EngineError::Timeout`] where the engine could hang. Dropping
/// a future gives up the request; what the engine has begun by then it may still finish.
#[async_trait]
pub trait Engine: Send + Sync + fmt::Debug {
    fn endpoint(&self) -> &Endpoint;

    fn facts(&self) -> EngineFacts;

    /// One short question to find out whether the engine answers.
    async fn ping(&self) -> Result<(), EngineError>;

    async fn info(&self) -> Result<EngineInfo, EngineError>;

    /// # Errors
    /// [`EngineError::NotFound`] when the engine does not have the image.
    async fn image_inspect(&self, reference: &str) -> Result<ImageDetails, EngineError>;

    /// Fetches an image from its registry, also when the engine has one of that name.
    ///
    /// # Errors
    /// [`EngineError::RegistryAuth`] when the registry wants other credentials, else [`EngineError::ImagePull`].
    async fn image_pull(
        &self,
        request: PullRequest,
        progress: &(dyn Fn(PullEvent) + Send + Sync),
    ) -> Result<(), EngineError>;

    /// Builds an image: with BuildKit where the engine has it, else with the classic builder.
    ///
    /// # Errors
    /// [`EngineError::Build`] when a step fails, [`EngineError::Unsupported`] when the builder lacks what is asked for.
    async fn image_build(
        &self,
        request: BuildRequest,
        progress: &(dyn Fn(BuildEvent) + Send + Sync),
    ) -> Result<BuildReport, EngineError>;

    /// Makes an image with one layer from the archive of a root file system.
    async fn image_import(&self, reference: &str, root: ByteStream) -> Result<(), EngineError>;

    /// Makes an image of a container's own file system, without what is mounted in it; a container that runs is frozen
    /// meanwhile. The labels go over those of the container. Returns the id.
    async fn image_commit(
        &self,
        container: &str,
        reference: &str,
        labels: &BTreeMap<String, String>,
    ) -> Result<String, EngineError>;

    /// Gives an image one more name.
    async fn image_tag(&self, image: &str, reference: &str) -> Result<(), EngineError>;

    /// Takes a name from an image, and the image itself when it was the last one.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] when a container is made of it, or when it has more names than the given id tells.
    async fn image_remove(&self, reference: &str, force: bool) -> Result<RemovedImage, EngineError>;

    /// Makes a container; it does not run yet.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for the image, [`EngineError::Conflict`] when the name is taken.
    async fn container_create(&self, request: &CreateRequest) -> Result<Created, EngineError>;

    /// Starts a container. One that runs already is left alone.
    ///
    /// # Errors
    /// [`EngineError::StartFailed`], [`EngineError::PortTaken`], and [`EngineError::LimitRefused`] when the engine may
    /// not set a limit: the engine's limit is then known, and a container that is made anew will start.
    async fn container_start(&self, container: &str) -> Result<(), EngineError>;

    /// Sends the stop signal and kills after `timeout`. One that does not run is left alone.
    async fn container_stop(&self, container: &str, timeout: Duration) -> Result<(), EngineError>;

    async fn container_restart(&self, container: &str, timeout: Duration) -> Result<(), EngineError>;

    /// `signal` as a name ("SIGHUP") or a number.
    async fn container_kill(&self, container: &str, signal: &str) -> Result<(), EngineError>;

    /// Freezes all processes of a running container.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] when it is frozen already or does not run.
    async fn container_pause(&self, container: &str) -> Result<(), EngineError>;

    /// Lets the processes of a frozen container go on.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] when it is not frozen.
    async fn container_unpause(&self, container: &str) -> Result<(), EngineError>;

    async fn container_remove(&self, container: &str, options: RemoveOptions) -> Result<(), EngineError>;

    /// Whether the engine is removing the container, or has done so. An engine that still kills its processes lists it as
    /// running. Changes nothing.
    async fn container_is_going(&self, container: &str) -> Result<bool, EngineError>;

    async fn container_rename(&self, container: &str, name: &str) -> Result<(), EngineError>;

    async fn container_inspect(&self, container: &str) -> Result<ContainerDetails, EngineError>;

    /// What the container's own file system has beyond its image. Mounts are not looked into.
    async fn container_changes(&self, container: &str) -> Result<Vec<FileChange>, EngineError>;

    async fn container_list(&self, filter: &ContainerFilter) -> Result<Vec<ContainerSummary>, EngineError>;

    /// Waits until the container does not run, as long as it takes, and returns the exit code.
    async fn container_wait(&self, container: &str) -> Result<i64, EngineError>;

    async fn container_logs(
        &self,
        container: &str,
        options: &LogOptions,
    ) -> Result<BoxStream<'static, Result<LogFrame, EngineError>>, EngineError>;

    /// What the container uses, about once a second, until it stops. The first reading has no share of the processors.
    async fn container_stats(
        &self,
        container: &str,
    ) -> Result<BoxStream<'static, Result<StatsReading, EngineError>>, EngineError>;

    /// The processes of a running container.
    async fn container_processes(&self, container: &str) -> Result<ProcessTable, EngineError>;

    /// Starts a process in a running container.
    async fn exec(&self, container: &str, request: &ExecRequest) -> Result<ExecSession, EngineError>;

    /// Starts a process that carries bytes: the quickest way in and out that the engine has. `stderr` is called from
    /// within the reader.
    async fn exec_raw(
        &self,
        container: &str,
        request: &RawExecRequest,
        stderr: StderrSink,
    ) -> Result<RawExec, EngineError>;

    /// What lies at a path of the container, which need not run. A link is not followed.
    async fn path_stat(&self, container: &str, path: &str) -> Result<Option<PathStat>, EngineError>;

    /// Unpacks a tar archive into a directory of the container, which need not run. Owners are taken as they are in the
    /// archive. A directory is never replaced by something else, nor something else by a directory.
    async fn copy_in(&self, container: &str, directory: &str, archive: ByteStream)
    -> Result<(), EngineError>;

    /// The file or directory as a tar archive.
    async fn copy_out(&self, container: &str, path: &str) -> Result<ByteStream, EngineError>;

    /// What happens from now on (or since the cursor). The stream connects again by itself.
    async fn events(&self, filter: EventFilter) -> Result<BoxStream<'static, EngineEvent>, EngineError>;

    /// Makes a bridge network. Returns its id.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] when the name is taken, [`EngineError::SubnetTaken`] when the subnet overlaps.
    async fn network_create(&self, request: &NetworkCreate) -> Result<String, EngineError>;

    async fn network_inspect(&self, network: &str) -> Result<NetworkDetails, EngineError>;

    /// All networks with all of these labels (`key` or `key=value`).
    async fn network_list(&self, labels: &[String]) -> Result<Vec<NetworkDetails>, EngineError>;

    async fn network_remove(&self, network: &str) -> Result<(), EngineError>;

    async fn volume_create(&self, request: &VolumeCreate) -> Result<VolumeDetails, EngineError>;

    async fn volume_inspect(&self, volume: &str) -> Result<VolumeDetails, EngineError>;

    /// All volumes with all of these labels (`key` or `key=value`).
    async fn volume_list(&self, labels: &[String]) -> Result<Vec<VolumeDetails>, EngineError>;

    async fn volume_remove(&self, volume: &str) -> Result<(), EngineError>;

    /// All images that have a name or are the last of a chain.
    async fn image_list(&self) -> Result<Vec<ImageSummary>, EngineError>;

    /// The steps by which an image was made, the newest first.
    async fn image_history(&self, reference: &str) -> Result<Vec<ImageLayer>, EngineError>;

    /// Sends an image to its registry.
    ///
    /// # Errors
    /// [`EngineError::RegistryAuth`] when the registry wants other credentials, else [`EngineError::ImagePush`].
    async fn image_push(
        &self,
        request: PushRequest,
        progress: &(dyn Fn(PushEvent) + Send + Sync),
    ) -> Result<(), EngineError>;

    /// Puts a container into one more network, under these names beside its own.
    async fn network_connect(
        &self,
        network: &str,
        container: &str,
        aliases: &[String],
    ) -> Result<(), EngineError>;

    /// Takes a container out of a network.
    async fn network_disconnect(&self, network: &str, container: &str) -> Result<(), EngineError>;

    /// Changes limits of a container, which may run.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] and [`EngineError::Answer`] with the engine's own words, such as a memory limit that is
    /// above that of memory and swap.
    async fn container_update(&self, container: &str, limits: &LimitsUpdate) -> Result<(), EngineError>;

    /// What everything on the engine's disk takes. The engine walks through all of it.
    async fn disk_usage(&self) -> Result<DiskUsage, EngineError>;

    /// Empties the builder's cache of what no image has. Returns the bytes that this freed.
    async fn build_cache_prune(&self) -> Result<u64, EngineError>;

    /// Shows a registry a name and a password. What it gave in exchange is to be kept in their place.
    ///
    /// # Errors
    /// [`EngineError::RegistryAuth`] when it does not take them, [`EngineError::RegistryTransport`] when the engine does
    /// not trust its certificate or its plain HTTP.
    async fn registry_login(
        &self,
        registry: &str,
        secret: &RegistrySecret,
    ) -> Result<Option<RegistrySecret>, EngineError>;
}

impl dyn Engine {
    /// Makes a container and starts it. Where the engine turns out not to be allowed to set the wanted `nofile`, the
    /// container that was just made is removed and made anew with what the engine may set.
    ///
    /// A container that could not be started is removed again.
    ///
    /// # Errors
    /// Those of [`Engine::container_create`] and [`Engine::container_start`].
    pub async fn container_run(&self, request: &CreateRequest) -> Result<Created, EngineError> {
        let created = self.container_create(request).await?;
        let Err(first) = self.container_start(&created.id).await else {
            return Ok(created);
        };
        let gone = RemoveOptions {
            volumes: true,
            force: true,
        };
        self.container_remove(&created.id, gone).await?;
        if !matches!(first, EngineError::LimitRefused { .. }) {
            return Err(first);
        }
        let created = self.container_create(request).await?;
        if let Err(error) = self.container_start(&created.id).await {
            self.container_remove(&created.id, gone).await?;
            return Err(error);
        }
        Ok(created)
    }
}

/// Opens an engine: asks it once which API it speaks and what it is.
///
/// # Errors
/// [`EngineError::Unreachable`], [`EngineError::NoRights`], [`EngineError::TooOld`], [`EngineError::Unsupported`].
pub async fn connect(endpoint: &Endpoint) -> Result<Arc<dyn Engine>, EngineError> {
    Ok(Arc::new(crate::docker::DockerEngine::negotiate(endpoint).await?))
}

/// Opens an engine of which the facts are known, without asking it anything.
///
/// # Errors
/// [`EngineError::Unsupported`] or [`EngineError::Invalid`] for an address that cannot be used.
pub fn connect_known(endpoint: &Endpoint, facts: EngineFacts) -> Result<Arc<dyn Engine>, EngineError> {
    Ok(Arc::new(crate::docker::DockerEngine::open(endpoint, facts)?))
}
