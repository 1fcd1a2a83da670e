//! Images through the Docker API.

use bollard::models::ImageConfig;
use bollard::query_parameters::TagImageOptions;
use futures_util::TryStreamExt as _;
use serde::Deserialize;

use super::answer::{READ_PATIENCE, Subject, from_status};
use super::{DockerEngine, checked};
use crate::engine::ByteStream;
use crate::error::{EngineError, ObjectKind};
use crate::image::{ImageDetails, PullEvent, PullRequest};
use crate::info::EngineKind;
use crate::reference::Reference;
use crate::wire::{Call, json_lines};

/// One line of the progress of a pull or an import.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Line {
    /// The layer.
    id: Option<String>,
    status: Option<String>,
    progress_detail: Option<ProgressDetail>,
    error: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ProgressDetail {
    current: u64,
    total: u64,
}

impl DockerEngine {
    pub(super) async fn inspect_image(&self, reference: &str) -> Result<ImageDetails, EngineError> {
        let subject = Subject::new(
            "inspect",
            ObjectKind::Image,
            checked(ObjectKind::Image, reference)?,
        );
        let asked = self.client.inspect_image(reference);
        let found = self
            .read(subject, READ_PATIENCE, asked, self.failed(subject))
            .await?;
        let config: ImageConfig = found.config.unwrap_or_default();
        Ok(ImageDetails {
            id: found.id.unwrap_or_default(),
            tags: found.repo_tags.unwrap_or_default(),
            digests: found.repo_digests.unwrap_or_default(),
            created: found.created,
            size: found
                .size
                .and_then(|size| u64::try_from(size).ok())
                .unwrap_or_default(),
            os: found.os.unwrap_or_default(),
            architecture: found.architecture.unwrap_or_default(),
            variant: found.variant.filter(|variant| !variant.is_empty()),
            labels: config.labels.unwrap_or_default().into_iter().collect(),
            env: config.env.unwrap_or_default(),
            user: config.user.unwrap_or_default(),
            workdir: config.working_dir.unwrap_or_default(),
            entrypoint: config.entrypoint.unwrap_or_default(),
            cmd: config.cmd.unwrap_or_default(),
            exposed_ports: sorted(config.exposed_ports),
            volumes: sorted(config.volumes),
            shell: config.shell.unwrap_or_default(),
        })
    }

    pub(super) async fn pull_image(
        &self,
        request: PullRequest,
        progress: &(dyn Fn(PullEvent) + Send + Sync),
    ) -> Result<(), EngineError> {
        let image = checked(ObjectKind::Image, &request.reference)?;
        let reference = Reference::parse(image);
        let registry = reference.registry();
        let subject = Subject::new(PULL, ObjectKind::Image, image);
        let mut call = Call::post("/images/create".into(), subject)
            .query("fromImage", reference.name)
            .query("tag", reference.version());
        if let Some(platform) = &request.platform {
            call = call.query("platform", platform.as_str());
        }
        if let Some(credentials) = &request.credentials
            && let Some(secret) = credentials.lookup(registry).await?
        {
            call = call.header("x-registry-auth", secret.header(registry).as_str());
        }
        let failed = |error: EngineError| pull_error(error, image, registry);
        let mut connection = self.wire.open().await?;
        let response = connection.send(call).await.map_err(failed)?;
        let mut lines = json_lines::<Line>(PULL, response, connection);
        while let Some(line) = lines.try_next().await? {
            if let Some(message) = line.error {
                return Err(failed(from_status(500, &message, &subject)));
            }
            if let Some(event) = pull_event(line) {
                progress(event);
            }
        }
        Ok(())
    }

    pub(super) async fn import_image(&self, reference: &str, root: ByteStream) -> Result<(), EngineError> {
        let parts = Reference::parse(checked(ObjectKind::Image, reference)?);
        let subject = Subject::new("import", ObjectKind::Image, reference);
        let call = Call::post("/images/create".into(), subject)
            .query("fromSrc", "-")
            .archive(root);
        // Podman does not know the tag as a parameter of its own, and Docker only so.
        let call = match self.facts.kind {
            EngineKind::Podman => call.query("repo", format!("{}:{}", parts.name, parts.version())),
            EngineKind::Docker => call.query("repo", parts.name).query("tag", parts.version()),
        };
        let mut connection = self.wire.open().await?;
        let response = connection.send(call).await?;
        let mut lines = json_lines::<Line>("import an image", response, connection);
        while let Some(line) = lines.try_next().await? {
            if let Some(message) = line.error {
                return Err(from_status(500, &message, &subject));
            }
        }
        Ok(())
    }

    pub(super) async fn tag_image(&self, image: &str, reference: &str) -> Result<(), EngineError> {
        let subject = Subject::new("tag", ObjectKind::Image, checked(ObjectKind::Image, image)?);
        let parts = Reference::parse(checked(ObjectKind::Image, reference)?);
        let options = TagImageOptions {
            repo: Some(parts.name.into()),
            tag: Some(parts.version().into()),
        };
        self.client
            .tag_image(image, Some(options))
            .await
            .map_err(self.failed(subject))
    }
}

/// The operation whose failures are failures of a registry.
const PULL: &str = "pull";

fn sorted(list: Option<Vec<String>>) -> Vec<String> {
    let mut list = list.unwrap_or_default();
    list.sort();
    list
}

pub(super) fn pull_error(error: EngineError, image: &str, registry: &str) -> EngineError {
    let message = match &error {
        EngineError::Answer { message, .. } | EngineError::Conflict { message, .. } => message.clone(),
        EngineError::Invalid { reason, .. } => reason.clone(),
        EngineError::NotFound { .. } => "the registry has no such image, or wants a login for it".into(),
        _ => return error,
    };
    let text = message.to_ascii_lowercase();
    if text.contains("gave http response to https client") || text.contains("x509") {
        return EngineError::RegistryTransport {
            registry: registry.to_owned(),
            message,
        };
    }
    let refused = [
        "unauthorized",
        "authentication required",
        "no basic auth",
        "incorrect username",
        "denied: ",
    ];
    if refused.iter().any(|words| text.contains(words)) {
        return EngineError::RegistryAuth {
            registry: registry.to_owned(),
            image: image.to_owned(),
            message,
        };
    }
    EngineError::ImagePull {
        image: image.to_owned(),
        message,
    }
}

fn pull_event(line: Line) -> Option<PullEvent> {
    let status = line.status?;
    let ProgressDetail { current: done, total } = line.progress_detail.unwrap_or_default();
    if let Some(digest) = status.strip_prefix("Digest: ") {
        return Some(PullEvent::Digest(digest.to_owned()));
    }
    // The line about the whole image has its tag as id.
    let Some(layer) = line.id.filter(|_| !status.starts_with("Pulling from")) else {
        return Some(PullEvent::Status(status));
    };
    Some(match status.as_str() {
        "Pulling fs layer" | "Waiting" => PullEvent::LayerFound { layer },
        "Downloading" => PullEvent::Downloading { layer, done, total },
        "Extracting" => PullEvent::Extracting { layer, done, total },
        "Pull complete" => PullEvent::LayerDone { layer, reused: false },
        "Already exists" => PullEvent::LayerDone { layer, reused: true },
        // "Download complete" and "Verifying Checksum" change nothing that is shown.
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(line: &str) -> Option<PullEvent> {
        pull_event(serde_json::from_str(line).unwrap())
    }

    #[test]
    fn progress_lines_become_events() {
        let layer = || "ab".to_owned();
        assert_eq!(
            event(r#"{"status":"Pulling from library/debian","id":"12"}"#),
            Some(PullEvent::Status("Pulling from library/debian".into()))
        );
        assert_eq!(
            event(r#"{"status":"Pulling fs layer","progressDetail":{},"id":"ab"}"#),
            Some(PullEvent::LayerFound { layer: layer() })
        );
        assert_eq!(
            event(r#"{"status":"Downloading","progressDetail":{"current":1,"total":2},"id":"ab"}"#),
            Some(PullEvent::Downloading {
                layer: layer(),
                done: 1,
                total: 2
            })
        );
        assert_eq!(
            event(r#"{"status":"Already exists","id":"ab"}"#),
            Some(PullEvent::LayerDone {
                layer: layer(),
                reused: true
            })
        );
        assert_eq!(
            event(r#"{"status":"Pull complete","id":"ab"}"#),
            Some(PullEvent::LayerDone {
                layer: layer(),
                reused: false
            })
        );
        assert_eq!(event(r#"{"status":"Verifying Checksum","id":"ab"}"#), None);
        assert_eq!(
            event(r#"{"status":"Digest: sha256:00"}"#),
            Some(PullEvent::Digest("sha256:00".into()))
        );
    }
}
