//! Engines that speak the Docker API: Docker and Podman.

pub(crate) mod answer;
mod build;
mod commit;
mod containers;
mod events;
mod exec;
mod images;
mod info;
mod logs;
mod look;
mod networks;
mod pausing;
mod request;
mod storage;
mod volumes;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use bollard::{ClientVersion, Docker};
use futures_util::stream::BoxStream;
use serde::Deserialize;

use crate::build::{BuildEvent, BuildReport, BuildRequest};
use crate::container::{
    ContainerDetails, ContainerFilter, ContainerSummary, CreateRequest, Created, FileChange, RemoveOptions,
};
use crate::credentials::RegistrySecret;
use crate::docker::answer::{PATIENCE, READ_PATIENCE, Subject, from_bollard};
use crate::endpoint::{Endpoint, Transport};
use crate::engine::{ByteStream, Engine, EngineFacts};
use crate::error::{EngineError, ObjectKind};
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
use crate::wire::{Call, Wire};

/// An engine behind the Docker API.
#[derive(Debug)]
pub(crate) struct DockerEngine {
    endpoint: Endpoint,
    facts: EngineFacts,
    client: Docker,
    wire: Wire,
    /// What is known about the highest `nofile` that the engine may set.
    nofile: Mutex<NofileCeiling>,
}

/// The highest `nofile` that an engine may set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NofileCeiling {
    Unasked,
    /// As the limits of the engine's own process say; `None` where they cannot be seen.
    Seen(Option<u64>),
    /// The engine failed with what was seen: nothing is asked for any more.
    Refused,
}

/// The engine's answer to `GET /version`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct VersionAnswer {
    api_version: String,
    #[serde(rename = "MinAPIVersion", default)]
    min_api_version: String,
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Component {
    #[serde(default)]
    name: String,
}

impl DockerEngine {
    /// Asks the engine what it is and which API it speaks.
    pub(crate) async fn negotiate(endpoint: &Endpoint) -> Result<Self, EngineError> {
        let wire = Wire {
            transport: endpoint.transport()?,
            endpoint: endpoint.url.clone(),
            version: None,
        };
        let asked = wire.ask::<VersionAnswer>(Call::get(
            "/version".into(),
            Subject::engine("ask for the version"),
        ));
        let answer = match tokio::time::timeout(READ_PATIENCE, asked).await {
            Ok(answer) => answer?,
            Err(_) => {
                return Err(EngineError::Silent {
                    endpoint: endpoint.url.clone(),
                    operation: "ask for the version".into(),
                    after: READ_PATIENCE,
                });
            }
        };
        let newest: ApiVersion = answer.api_version.parse()?;
        if newest < ApiVersion::OLDEST {
            return Err(EngineError::TooOld {
                endpoint: endpoint.url.clone(),
                version: newest.to_string(),
                needed: ApiVersion::OLDEST.to_string(),
            });
        }
        // An engine that has dropped all that we know is asked in its oldest words.
        let oldest = answer.min_api_version.parse().unwrap_or(ApiVersion::OLDEST);
        let api_version = newest.min(ApiVersion::NEWEST).max(oldest);
        let podman = answer
            .components
            .iter()
            .any(|component| component.name.starts_with("Podman"));
        let kind = if podman {
            EngineKind::Podman
        } else {
            EngineKind::Docker
        };
        Self::open(endpoint, EngineFacts { kind, api_version })
    }

    /// Makes a client without asking anything.
    pub(crate) fn open(endpoint: &Endpoint, facts: EngineFacts) -> Result<Self, EngineError> {
        let transport = endpoint.transport()?;
        let version = ClientVersion {
            major_version: usize::from(facts.api_version.major),
            minor_version: usize::from(facts.api_version.minor),
        };
        let seconds = PATIENCE.as_secs();
        let client = match &transport {
            #[cfg(unix)]
            Transport::Unix(path) => Docker::connect_with_unix(&path.to_string_lossy(), seconds, &version),
            #[cfg(windows)]
            Transport::Pipe(name) => Docker::connect_with_named_pipe(name, seconds, &version),
            Transport::Tcp(address) => Docker::connect_with_http(address, seconds, &version),
            #[cfg(not(unix))]
            Transport::Unix(_) => return Err(other_system(endpoint)),
            #[cfg(not(windows))]
            Transport::Pipe(_) => return Err(other_system(endpoint)),
        };
        let client = client
            .map_err(|error| from_bollard(error, &endpoint.url, &Subject::engine("connect to the engine")))?;
        Ok(Self {
            endpoint: endpoint.clone(),
            facts,
            client: client.with_request_modifier(move |request| versioned(request, facts.api_version)),
            wire: Wire {
                transport,
                endpoint: endpoint.url.clone(),
                version: Some(facts.api_version),
            },
            nofile: Mutex::new(NofileCeiling::Unasked),
        })
    }

    /// Asks something that changes nothing, and gives up on an engine that does not answer.
    async fn read<T, E>(
        &self,
        subject: Subject<'_>,
        patience: Duration,
        asked: impl Future<Output = Result<T, E>>,
        failed: impl FnOnce(E) -> EngineError,
    ) -> Result<T, EngineError> {
        match tokio::time::timeout(patience, asked).await {
            Ok(answer) => answer.map_err(failed),
            Err(_) => Err(EngineError::Silent {
                endpoint: self.endpoint.url.clone(),
                operation: subject.to_string(),
                after: patience,
            }),
        }
    }

    fn failed<'a>(&'a self, subject: Subject<'a>) -> impl FnOnce(bollard::errors::Error) -> EngineError + 'a {
        move |error| from_bollard(error, &self.endpoint.url, &subject)
    }
}

fn other_system(endpoint: &Endpoint) -> EngineError {
    EngineError::Unsupported {
        what: format!("the engine address {}", endpoint.url),
        reason: "this system has no such thing".into(),
        fix: "docker context use default".into(),
    }
}

/// bollard 0.21 joins the path of a request to its address in a way that loses the version. Without it an engine
/// answers in its newest words, which may not be those that were agreed on.
fn versioned(mut request: bollard::BollardRequest, version: ApiVersion) -> bollard::BollardRequest {
    let prefix = format!("/v{version}/");
    let mut parts = request.uri().clone().into_parts();
    if let Some(path) = parts.path_and_query.as_ref().map(|path| path.as_str())
        && !path.starts_with(&prefix)
        && let Ok(with_version) = format!("{}{path}", prefix.trim_end_matches('/')).parse()
    {
        parts.path_and_query = Some(with_version);
        if let Ok(uri) = hyper::Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    request
}

/// Refuses names that would change the path of a request. Ids, names and image references of every engine pass.
fn checked(kind: ObjectKind, name: &str) -> Result<&str, EngineError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-/:@+".contains(&byte);
    let climbs = name
        .split('/')
        .any(|part| part.is_empty() || part == "." || part == "..");
    if name.is_empty() || climbs || !name.bytes().all(allowed) {
        return Err(EngineError::Invalid {
            what: format!("the {kind} name {name:?}"),
            reason: "letters, digits and _ . - / : @ are allowed".into(),
        });
    }
    Ok(name)
}

/// `key` and `key=value` filters in the engine's form.
fn label_filter(labels: &[String]) -> std::collections::HashMap<String, Vec<String>> {
    let mut filters = std::collections::HashMap::new();
    if !labels.is_empty() {
        filters.insert("label".to_owned(), labels.to_vec());
    }
    filters
}

#[async_trait]
impl Engine for DockerEngine {
    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn facts(&self) -> EngineFacts {
        self.facts
    }

    async fn ping(&self) -> Result<(), EngineError> {
        self.ask_ping().await
    }

    async fn info(&self) -> Result<EngineInfo, EngineError> {
        self.read_info().await
    }

    async fn image_inspect(&self, reference: &str) -> Result<ImageDetails, EngineError> {
        self.inspect_image(reference).await
    }

    async fn image_pull(
        &self,
        request: PullRequest,
        progress: &(dyn Fn(PullEvent) + Send + Sync),
    ) -> Result<(), EngineError> {
        self.pull_image(request, progress).await
    }

    async fn image_build(
        &self,
        request: BuildRequest,
        progress: &(dyn Fn(BuildEvent) + Send + Sync),
    ) -> Result<BuildReport, EngineError> {
        self.build_image(request, progress).await
    }

    async fn image_import(&self, reference: &str, root: ByteStream) -> Result<(), EngineError> {
        self.import_image(reference, root).await
    }

    async fn image_commit(
        &self,
        container: &str,
        reference: &str,
        labels: &BTreeMap<String, String>,
    ) -> Result<String, EngineError> {
        self.commit_container(container, reference, labels).await
    }

    async fn image_tag(&self, image: &str, reference: &str) -> Result<(), EngineError> {
        self.tag_image(image, reference).await
    }

    async fn image_remove(&self, reference: &str, force: bool) -> Result<RemovedImage, EngineError> {
        self.remove_image(reference, force).await
    }

    async fn container_create(&self, request: &CreateRequest) -> Result<Created, EngineError> {
        self.create_container(request).await
    }

    async fn container_start(&self, container: &str) -> Result<(), EngineError> {
        self.start_container(container).await
    }

    async fn container_stop(&self, container: &str, timeout: Duration) -> Result<(), EngineError> {
        self.stop_container(container, timeout).await
    }

    async fn container_restart(&self, container: &str, timeout: Duration) -> Result<(), EngineError> {
        self.restart_container(container, timeout).await
    }

    async fn container_kill(&self, container: &str, signal: &str) -> Result<(), EngineError> {
        self.kill_container(container, signal).await
    }

    async fn container_pause(&self, container: &str) -> Result<(), EngineError> {
        self.pause_container(container).await
    }

    async fn container_unpause(&self, container: &str) -> Result<(), EngineError> {
        self.unpause_container(container).await
    }

    async fn container_remove(&self, container: &str, options: RemoveOptions) -> Result<(), EngineError> {
        self.remove_container(container, options).await
    }

    async fn container_is_going(&self, container: &str) -> Result<bool, EngineError> {
        self.ask_whether_going(container).await
    }

    async fn container_rename(&self, container: &str, name: &str) -> Result<(), EngineError> {
        self.rename_container(container, name).await
    }

    async fn container_inspect(&self, container: &str) -> Result<ContainerDetails, EngineError> {
        self.inspect_container(container).await
    }

    async fn container_changes(&self, container: &str) -> Result<Vec<FileChange>, EngineError> {
        self.changes_of_container(container).await
    }

    async fn container_list(&self, filter: &ContainerFilter) -> Result<Vec<ContainerSummary>, EngineError> {
        self.list_containers(filter).await
    }

    async fn container_wait(&self, container: &str) -> Result<i64, EngineError> {
        self.wait_container(container).await
    }

    async fn container_logs(
        &self,
        container: &str,
        options: &LogOptions,
    ) -> Result<BoxStream<'static, Result<LogFrame, EngineError>>, EngineError> {
        self.read_logs(container, options).await
    }

    async fn container_stats(
        &self,
        container: &str,
    ) -> Result<BoxStream<'static, Result<StatsReading, EngineError>>, EngineError> {
        self.follow_stats(container).await
    }

    async fn container_processes(&self, container: &str) -> Result<ProcessTable, EngineError> {
        self.list_processes(container).await
    }

    async fn path_stat(&self, container: &str, path: &str) -> Result<Option<PathStat>, EngineError> {
        self.stat_path(container, path).await
    }

    async fn exec(&self, container: &str, request: &ExecRequest) -> Result<ExecSession, EngineError> {
        self.start_exec(container, request).await
    }

    async fn exec_raw(
        &self,
        container: &str,
        request: &RawExecRequest,
        stderr: StderrSink,
    ) -> Result<RawExec, EngineError> {
        self.start_raw_exec(container, request, stderr).await
    }

    async fn copy_in(
        &self,
        container: &str,
        directory: &str,
        archive: ByteStream,
    ) -> Result<(), EngineError> {
        self.unpack_into(container, directory, archive).await
    }

    async fn copy_out(&self, container: &str, path: &str) -> Result<ByteStream, EngineError> {
        self.pack_from(container, path).await
    }

    async fn events(&self, filter: EventFilter) -> Result<BoxStream<'static, EngineEvent>, EngineError> {
        self.follow_events(filter).await
    }

    async fn network_create(&self, request: &NetworkCreate) -> Result<String, EngineError> {
        self.create_network(request).await
    }

    async fn network_inspect(&self, network: &str) -> Result<NetworkDetails, EngineError> {
        self.inspect_network(network).await
    }

    async fn network_list(&self, labels: &[String]) -> Result<Vec<NetworkDetails>, EngineError> {
        self.list_networks(labels).await
    }

    async fn network_remove(&self, network: &str) -> Result<(), EngineError> {
        self.remove_network(network).await
    }

    async fn volume_create(&self, request: &VolumeCreate) -> Result<VolumeDetails, EngineError> {
        self.create_volume(request).await
    }

    async fn volume_inspect(&self, volume: &str) -> Result<VolumeDetails, EngineError> {
        self.inspect_volume(volume).await
    }

    async fn volume_list(&self, labels: &[String]) -> Result<Vec<VolumeDetails>, EngineError> {
        self.list_volumes(labels).await
    }

    async fn volume_remove(&self, volume: &str) -> Result<(), EngineError> {
        self.remove_volume(volume).await
    }

    async fn image_list(&self) -> Result<Vec<ImageSummary>, EngineError> {
        self.list_images().await
    }

    async fn image_history(&self, reference: &str) -> Result<Vec<ImageLayer>, EngineError> {
        self.history_of_image(reference).await
    }

    async fn image_push(
        &self,
        request: PushRequest,
        progress: &(dyn Fn(PushEvent) + Send + Sync),
    ) -> Result<(), EngineError> {
        self.push_image(request, progress).await
    }

    async fn network_connect(
        &self,
        network: &str,
        container: &str,
        aliases: &[String],
    ) -> Result<(), EngineError> {
        self.connect_network(network, container, aliases).await
    }

    async fn network_disconnect(&self, network: &str, container: &str) -> Result<(), EngineError> {
        self.disconnect_network(network, container).await
    }

    async fn container_update(&self, container: &str, limits: &LimitsUpdate) -> Result<(), EngineError> {
        self.update_container(container, limits).await
    }

    async fn disk_usage(&self) -> Result<DiskUsage, EngineError> {
        self.read_disk_usage().await
    }

    async fn build_cache_prune(&self) -> Result<u64, EngineError> {
        self.prune_builder().await
    }

    async fn registry_login(
        &self,
        registry: &str,
        secret: &RegistrySecret,
    ) -> Result<Option<RegistrySecret>, EngineError> {
        self.check_login(registry, secret).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The time of the test is not that of the clock: it jumps to whatever is waited for.
    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn an_engine_that_does_not_answer_is_given_up_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker.sock");
        let _silent = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let endpoint = Endpoint::explicit(format!("unix://{}", path.display()));
        let facts = EngineFacts {
            kind: EngineKind::Docker,
            api_version: ApiVersion::OLDEST,
        };
        let engine = DockerEngine::open(&endpoint, facts).unwrap();
        let begun = tokio::time::Instant::now();
        let errors = [
            engine
                .container_list(&ContainerFilter::default())
                .await
                .unwrap_err(),
            engine.network_list(&[]).await.unwrap_err(),
            engine.volume_list(&[]).await.unwrap_err(),
            engine.image_inspect("image").await.unwrap_err(),
            engine.info().await.unwrap_err(),
            engine.ping().await.unwrap_err(),
            DockerEngine::negotiate(&endpoint).await.unwrap_err(),
        ];
        assert!(begun.elapsed() <= errors.len() as u32 * READ_PATIENCE + Duration::from_secs(1));
        for error in errors {
            assert_eq!(error.code(), "engine.timeout");
            assert!(error.to_string().contains(&endpoint.url), "{error}");
            assert!(error.fix().contains("systemctl restart docker"));
        }
    }

    #[test]
    fn names_that_would_leave_their_place_are_refused() {
        for name in ["", "..", "a/../b", "a?b", "a b", "a%2e", "/a", "a//b", "a\n", "."] {
            assert_eq!(
                checked(ObjectKind::Container, name).unwrap_err().code(),
                "engine.invalid",
                "{name:?}"
            );
        }
        for name in [
            "web",
            "15dd98a399c0",
            "sha256:15dd",
            "localhost:5000/a/b:1.0",
            "debian@sha256:00",
            "a_b-c.d",
        ] {
            assert_eq!(checked(ObjectKind::Image, name).unwrap(), name);
        }
    }
}
