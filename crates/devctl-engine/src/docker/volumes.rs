//! Volumes through the Docker API.

use bollard::models::{Volume, VolumeCreateRequest};
use bollard::query_parameters::{ListVolumesOptions, RemoveVolumeOptions};
use time::format_description::well_known::Rfc3339;

use super::answer::{READ_PATIENCE, Subject};
use super::{DockerEngine, checked, label_filter};
use crate::error::{EngineError, ObjectKind};
use crate::volume::{VolumeCreate, VolumeDetails};

impl DockerEngine {
    pub(super) async fn create_volume(&self, request: &VolumeCreate) -> Result<VolumeDetails, EngineError> {
        let subject = Subject::new(
            "create",
            ObjectKind::Volume,
            checked(ObjectKind::Volume, &request.name)?,
        );
        let body = VolumeCreateRequest {
            name: Some(request.name.clone()),
            driver: request.driver.clone(),
            driver_opts: Some(request.driver_options.clone().into_iter().collect()),
            labels: Some(request.labels.clone().into_iter().collect()),
            ..VolumeCreateRequest::default()
        };
        let created = self.client.create_volume(body).await;
        match created.map_err(self.failed(subject)) {
            Ok(volume) => Ok(understand(volume)),
            // Podman refuses what Docker returns as it is: a volume of that name.
            Err(error) if error.to_string().contains("already exists") => {
                self.inspect_volume(&request.name).await
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn inspect_volume(&self, volume: &str) -> Result<VolumeDetails, EngineError> {
        let subject = Subject::new(
            "inspect",
            ObjectKind::Volume,
            checked(ObjectKind::Volume, volume)?,
        );
        let asked = self.client.inspect_volume(volume);
        self.read(subject, READ_PATIENCE, asked, self.failed(subject))
            .await
            .map(understand)
    }

    pub(super) async fn list_volumes(&self, labels: &[String]) -> Result<Vec<VolumeDetails>, EngineError> {
        let options = ListVolumesOptions {
            filters: Some(label_filter(labels)),
        };
        let subject = Subject::engine("list the volumes");
        let asked = self.client.list_volumes(Some(options));
        let listed = self
            .read(subject, READ_PATIENCE, asked, self.failed(subject))
            .await?;
        Ok(listed
            .volumes
            .unwrap_or_default()
            .into_iter()
            .map(understand)
            .collect())
    }

    pub(super) async fn remove_volume(&self, volume: &str) -> Result<(), EngineError> {
        let subject = Subject::new("remove", ObjectKind::Volume, checked(ObjectKind::Volume, volume)?);
        self.client
            .remove_volume(volume, None::<RemoveVolumeOptions>)
            .await
            .map_err(self.failed(subject))
    }
}

fn understand(volume: Volume) -> VolumeDetails {
    VolumeDetails {
        name: volume.name,
        driver: volume.driver,
        mountpoint: volume.mountpoint,
        labels: volume.labels.into_iter().collect(),
        created: volume.created_at.and_then(|at| at.format(&Rfc3339).ok()),
    }
}
