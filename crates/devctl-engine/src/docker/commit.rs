//! Images of containers, through the Docker API.

use std::collections::BTreeMap;

use bollard::models::ContainerConfig;
use bollard::query_parameters::CommitContainerOptions;

use super::answer::Subject;
use super::{DockerEngine, checked};
use crate::error::{EngineError, ObjectKind};

impl DockerEngine {
    pub(super) async fn commit_container(
        &self,
        container: &str,
        reference: &str,
        labels: &BTreeMap<String, String>,
    ) -> Result<String, EngineError> {
        let named = checked(ObjectKind::Container, container)?;
        let subject = Subject::new("make an image of", ObjectKind::Container, named);
        checked(ObjectKind::Image, reference)?;
        let (repo, tag) = reference.rsplit_once(':').unwrap_or((reference, "latest"));
        let options = CommitContainerOptions {
            container: Some(container.to_owned()),
            repo: Some(repo.to_owned()),
            tag: Some(tag.to_owned()),
            pause: true,
            ..CommitContainerOptions::default()
        };
        let config = ContainerConfig {
            labels: Some(labels.clone().into_iter().collect()),
            ..ContainerConfig::default()
        };
        // A large file system takes as long as it takes to copy.
        let client = self.client.clone().with_timeout(COPYING);
        let made = client.commit_container(options, config).await;
        Ok(made.map_err(self.failed(subject))?.id)
    }
}

/// Longer than a file system of hundreds of gigabytes takes.
const COPYING: std::time::Duration = std::time::Duration::from_secs(3600);
