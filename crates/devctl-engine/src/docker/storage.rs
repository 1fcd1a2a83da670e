//! What lies on the engine's disk, through the Docker API.

use std::collections::BTreeMap;

use futures_util::TryStreamExt as _;
use serde::Deserialize;

use super::answer::{INSPECT_PATIENCE, PATIENCE, READ_PATIENCE, Subject, from_status};
use super::containers::within;
use super::images::pull_error;
use super::{DockerEngine, checked};
use crate::credentials::RegistrySecret;
use crate::error::{EngineError, ObjectKind};
use crate::reference::Reference;
use crate::storage::{
    CacheRecord, ContainerUsage, DiskUsage, ImageLayer, ImageSummary, LimitsUpdate, PushEvent, PushRequest,
    RemovedImage, VolumeUsage,
};
use crate::wire::{Call, json_lines};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ImageAnswer {
    id: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    repo_digests: Option<Vec<String>>,
    #[serde(default)]
    created: i64,
    #[serde(default)]
    size: i64,
    #[serde(default)]
    shared_size: i64,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LayerAnswer {
    id: String,
    #[serde(default)]
    created: i64,
    #[serde(default)]
    created_by: String,
    #[serde(default)]
    size: i64,
    #[serde(default)]
    comment: String,
    #[serde(default)]
    tags: Option<Vec<String>>,
}

/// One line of the answer to a removal.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RemovalLine {
    untagged: Option<String>,
    deleted: Option<String>,
}

/// One line of the progress of a push.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct PushLine {
    id: Option<String>,
    status: Option<String>,
    progress_detail: Option<PushProgress>,
    error: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PushProgress {
    current: u64,
    total: u64,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct UsageAnswer {
    layers_size: i64,
    images: Option<Vec<ImageAnswer>>,
    containers: Option<Vec<ContainerAnswer>>,
    volumes: Option<Vec<VolumeAnswer>>,
    build_cache: Option<Vec<CacheAnswer>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct ContainerAnswer {
    id: String,
    names: Option<Vec<String>>,
    image: String,
    #[serde(rename = "ImageID")]
    image_id: String,
    state: String,
    size_rw: i64,
    size_root_fs: i64,
    labels: Option<BTreeMap<String, String>>,
    mounts: Option<Vec<MountAnswer>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct MountAnswer {
    r#type: String,
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct VolumeAnswer {
    name: String,
    created_at: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    usage_data: Option<VolumeUsageAnswer>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct VolumeUsageAnswer {
    ref_count: i64,
    size: i64,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct CacheAnswer {
    #[serde(rename = "ID")]
    id: String,
    size: i64,
    in_use: bool,
    shared: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct PrunedCache {
    space_reclaimed: u64,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct LoginAnswer {
    identity_token: String,
}

impl DockerEngine {
    pub(super) async fn list_images(&self) -> Result<Vec<ImageSummary>, EngineError> {
        let subject = Subject::engine("list the images");
        let call = Call::get("/images/json".into(), subject);
        let listed: Vec<ImageAnswer> = within(subject, READ_PATIENCE, self.wire.ask(call)).await?;
        // Older engines answer -1 where they did not count, and newer ones are not asked to.
        Ok(listed.into_iter().map(image).collect())
    }

    pub(super) async fn history_of_image(&self, reference: &str) -> Result<Vec<ImageLayer>, EngineError> {
        let name = checked(ObjectKind::Image, reference)?;
        let subject = Subject::new("show the history of", ObjectKind::Image, name);
        let call = Call::get(format!("/images/{name}/history"), subject);
        let layers: Vec<LayerAnswer> = within(subject, READ_PATIENCE, self.wire.ask(call)).await?;
        Ok(layers
            .into_iter()
            .map(|layer| ImageLayer {
                id: Some(layer.id).filter(|id| id != "<missing>"),
                created: layer.created,
                created_by: layer.created_by,
                size: bytes(layer.size),
                comment: layer.comment,
                tags: layer.tags.unwrap_or_default(),
            })
            .collect())
    }

    pub(super) async fn remove_image(
        &self,
        reference: &str,
        force: bool,
    ) -> Result<RemovedImage, EngineError> {
        let name = checked(ObjectKind::Image, reference)?;
        let subject = Subject::new("remove", ObjectKind::Image, name);
        let call = Call::delete(format!("/images/{name}"), subject).query("force", force.to_string());
        let lines: Vec<RemovalLine> = within(subject, PATIENCE, self.wire.ask(call)).await?;
        let mut removed = RemovedImage::default();
        for line in lines {
            removed.untagged.extend(line.untagged);
            removed.deleted.extend(line.deleted);
        }
        Ok(removed)
    }

    pub(super) async fn push_image(
        &self,
        request: PushRequest,
        progress: &(dyn Fn(PushEvent) + Send + Sync),
    ) -> Result<(), EngineError> {
        let image = checked(ObjectKind::Image, &request.reference)?;
        let reference = Reference::parse(image);
        let registry = reference.registry();
        let subject = Subject::new("push", ObjectKind::Image, image);
        let failed = |error: EngineError| match pull_error(error, image, registry) {
            EngineError::ImagePull { image, message } => EngineError::ImagePush { image, message },
            error => error,
        };
        // An engine that is told no name of a registry's user wants an empty document, not no header.
        let secret = match &request.credentials {
            Some(credentials) => credentials.lookup(registry).await?,
            None => None,
        };
        let header = secret.map_or_else(RegistrySecret::nobody, |secret| secret.header(registry));
        let call = Call::post(format!("/images/{}/push", reference.name), subject)
            .query("tag", reference.version())
            .header("x-registry-auth", header.as_str());
        let mut connection = self.wire.open().await?;
        let response = connection.send(call).await?;
        let mut lines = json_lines::<PushLine>("push", response, connection);
        while let Some(line) = lines.try_next().await? {
            if let Some(message) = line.error {
                return Err(failed(from_status(500, &message, &subject)));
            }
            if let Some(event) = push_event(line) {
                progress(event);
            }
        }
        Ok(())
    }

    pub(super) async fn read_disk_usage(&self) -> Result<DiskUsage, EngineError> {
        let subject = Subject::engine("ask what is on the disk");
        let call = Call::get("/system/df".into(), subject);
        // The engine walks through every volume and every container for it.
        let found: UsageAnswer = within(subject, INSPECT_PATIENCE, self.wire.ask(call)).await?;
        Ok(DiskUsage {
            layers: bytes(found.layers_size),
            images: found.images.unwrap_or_default().into_iter().map(image).collect(),
            containers: found
                .containers
                .unwrap_or_default()
                .into_iter()
                .map(container)
                .collect(),
            volumes: found
                .volumes
                .unwrap_or_default()
                .into_iter()
                .map(|volume| {
                    let usage = volume.usage_data.unwrap_or_default();
                    VolumeUsage {
                        name: volume.name,
                        created: volume.created_at,
                        labels: volume.labels.unwrap_or_default(),
                        size: u64::try_from(usage.size).ok(),
                        used_by: bytes(usage.ref_count),
                    }
                })
                .collect(),
            build_cache: found
                .build_cache
                .unwrap_or_default()
                .into_iter()
                .map(|record| CacheRecord {
                    id: record.id,
                    size: bytes(record.size),
                    in_use: record.in_use,
                    shared: record.shared,
                })
                .collect(),
        })
    }

    pub(super) async fn prune_builder(&self) -> Result<u64, EngineError> {
        let subject = Subject::engine("empty the build cache");
        let call = Call::post("/build/prune".into(), subject);
        let pruned: PrunedCache = within(subject, INSPECT_PATIENCE, self.wire.ask(call)).await?;
        Ok(pruned.space_reclaimed)
    }

    pub(super) async fn connect_network(
        &self,
        network: &str,
        container: &str,
        aliases: &[String],
    ) -> Result<(), EngineError> {
        let network = checked(ObjectKind::Network, network)?;
        let subject = Subject::new("join", ObjectKind::Network, network);
        let body = serde_json::json!({
            "Container": checked(ObjectKind::Container, container)?,
            "EndpointConfig": { "Aliases": aliases },
        });
        let call = Call::post(format!("/networks/{network}/connect"), subject).json(&body);
        within(subject, PATIENCE, self.wire.tell(call)).await
    }

    pub(super) async fn disconnect_network(&self, network: &str, container: &str) -> Result<(), EngineError> {
        let network = checked(ObjectKind::Network, network)?;
        let subject = Subject::new("leave", ObjectKind::Network, network);
        let body = serde_json::json!({
            "Container": checked(ObjectKind::Container, container)?,
            "Force": false,
        });
        let call = Call::post(format!("/networks/{network}/disconnect"), subject).json(&body);
        within(subject, PATIENCE, self.wire.tell(call)).await
    }

    pub(super) async fn update_container(
        &self,
        container: &str,
        limits: &LimitsUpdate,
    ) -> Result<(), EngineError> {
        let container = checked(ObjectKind::Container, container)?;
        let subject = Subject::new("change the limits of", ObjectKind::Container, container);
        let mut body = serde_json::Map::new();
        let fields = [
            ("NanoCpus", limits.nano_cpus),
            ("Memory", limits.memory),
            ("MemorySwap", limits.memory_swap),
            ("PidsLimit", limits.pids),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                body.insert(name.to_owned(), value.into());
            }
        }
        let call = Call::post(format!("/containers/{container}/update"), subject).json(&body.into());
        let _: serde_json::Value = within(subject, PATIENCE, self.wire.ask(call)).await?;
        Ok(())
    }

    pub(super) async fn check_login(
        &self,
        registry: &str,
        secret: &RegistrySecret,
    ) -> Result<Option<RegistrySecret>, EngineError> {
        let subject = Subject::engine("log in to the registry");
        let call = Call::post("/auth".into(), subject).json(&secret.document(server_address(registry)));
        let answer = within(subject, INSPECT_PATIENCE, self.wire.ask::<LoginAnswer>(call)).await;
        match answer {
            Ok(answer) if answer.identity_token.is_empty() => Ok(None),
            Ok(answer) => Ok(Some(RegistrySecret::IdentityToken(answer.identity_token.into()))),
            Err(EngineError::Answer { message, .. }) => Err(login_error(registry, message)),
            Err(error) => Err(error),
        }
    }
}

/// As the docker client calls it towards its engine.
fn server_address(registry: &str) -> &str {
    if registry == "docker.io" {
        "https://index.docker.io/v1/"
    } else {
        registry
    }
}

/// Why a login failed: the password, or that the engine does not get through to the registry, which only the engine's own
/// configuration mends.
fn login_error(registry: &str, message: String) -> EngineError {
    let text = message.to_ascii_lowercase();
    if text.contains("gave http response to https client") || text.contains("x509") {
        return EngineError::RegistryTransport {
            registry: registry.to_owned(),
            message,
        };
    }
    EngineError::RegistryAuth {
        registry: registry.to_owned(),
        image: "any image".to_owned(),
        message,
    }
}

/// The engine counts in signed numbers, and -1 is its word for "not counted".
fn bytes(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

fn image(found: ImageAnswer) -> ImageSummary {
    let named = |names: Option<Vec<String>>| {
        let mut names = names.unwrap_or_default();
        names.retain(|name| !name.starts_with("<none>"));
        names
    };
    ImageSummary {
        id: found.id,
        tags: named(found.repo_tags),
        digests: named(found.repo_digests),
        created: found.created,
        size: bytes(found.size),
        shared: u64::try_from(found.shared_size).ok(),
        labels: found.labels.unwrap_or_default(),
    }
}

fn container(found: ContainerAnswer) -> ContainerUsage {
    let name = found.names.unwrap_or_default().into_iter().next();
    ContainerUsage {
        name: name.unwrap_or_default().trim_start_matches('/').to_owned(),
        id: found.id,
        image: found.image,
        image_id: found.image_id,
        running: found.state == "running",
        own: bytes(found.size_rw),
        root: bytes(found.size_root_fs),
        labels: found.labels.unwrap_or_default(),
        volumes: found
            .mounts
            .unwrap_or_default()
            .into_iter()
            .filter(|mount| mount.r#type == "volume")
            .map(|mount| mount.name)
            .collect(),
    }
}

fn push_event(line: PushLine) -> Option<PushEvent> {
    let status = line.status?;
    let Some(layer) = line.id else {
        // "1.0: digest: sha256:… size: 740"
        let digest = status.split_once("digest: ")?.1.split(' ').next()?;
        return Some(PushEvent::Digest(digest.to_owned()));
    };
    let PushProgress { current: done, total } = line.progress_detail.unwrap_or_default();
    match status.as_str() {
        "Pushing" => Some(PushEvent::Pushing { layer, done, total }),
        "Pushed" => Some(PushEvent::LayerDone { layer, reused: false }),
        "Layer already exists" => Some(PushEvent::LayerDone { layer, reused: true }),
        status if status.starts_with("Mounted from") => Some(PushEvent::LayerDone { layer, reused: true }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_counted_is_not_zero() {
        let read = |text: &str| image(serde_json::from_str(text).unwrap());
        let listed = read(r#"{"Id":"sha256:00","RepoTags":["<none>:<none>"],"Size":5,"SharedSize":-1}"#);
        assert_eq!((listed.tags.len(), listed.size, listed.shared), (0, 5, None));
        let counted = read(r#"{"Id":"sha256:00","RepoTags":["a:1"],"Size":5,"SharedSize":3}"#);
        assert_eq!((counted.tags.len(), counted.shared), (1, Some(3)));
    }

    #[test]
    fn lines_of_a_push_become_events() {
        let event = |line: &str| push_event(serde_json::from_str(line).unwrap());
        assert_eq!(
            event(r#"{"status":"Pushing","id":"ab","progressDetail":{"current":1,"total":2}}"#),
            Some(PushEvent::Pushing {
                layer: "ab".into(),
                done: 1,
                total: 2
            })
        );
        assert_eq!(
            event(r#"{"status":"Layer already exists","id":"ab"}"#),
            Some(PushEvent::LayerDone {
                layer: "ab".into(),
                reused: true
            })
        );
        assert_eq!(
            event(r#"{"status":"1.0: digest: sha256:00 size: 740"}"#),
            Some(PushEvent::Digest("sha256:00".into()))
        );
        assert_eq!(event(r#"{"status":"The push refers to repository [x/y]"}"#), None);
    }

    #[test]
    fn a_registry_that_the_engine_does_not_trust_is_no_wrong_password() {
        let code = |message: &str| login_error("r:5000", message.into()).code();
        assert_eq!(
            code("Get https://r:5000/v2/: http: server gave HTTP response to HTTPS client"),
            "engine.registry_transport"
        );
        assert_eq!(
            code("x509: certificate signed by unknown authority"),
            "engine.registry_transport"
        );
        assert_eq!(
            code("unauthorized: incorrect username or password"),
            "engine.registry_auth"
        );
    }
}
