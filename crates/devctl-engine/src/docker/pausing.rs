//! Freezing containers through the Docker API.

use super::answer::Subject;
use super::{DockerEngine, checked};
use crate::error::{EngineError, ObjectKind};

impl DockerEngine {
    pub(super) async fn pause_container(&self, container: &str) -> Result<(), EngineError> {
        let named = checked(ObjectKind::Container, container)?;
        let subject = Subject::new("pause", ObjectKind::Container, named);
        let paused = self.client.pause_container(container).await;
        paused.map_err(self.failed(subject))
    }

    pub(super) async fn unpause_container(&self, container: &str) -> Result<(), EngineError> {
        let named = checked(ObjectKind::Container, container)?;
        let subject = Subject::new("unpause", ObjectKind::Container, named);
        let unpaused = self.client.unpause_container(container).await;
        unpaused.map_err(self.failed(subject))
    }
}
