//! The files of a volume, reached through a container that never runs.

use super::{archive, everybody};
use crate::core::Core;
use crate::error::OrProblem;
use crate::labels;
use devctl_engine::{
    CreateRequest, Engine, EngineError, MountKind, MountSpec, NetworkRequest, RemoveOptions,
};
use devctl_model::{ErrorCode, Problem};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

/// Where the volume is mounted, and so the one folder of an exported archive.
pub(super) const MOUNT: &str = "/volume";

/// How the names of these containers begin.
const NAMES: &str = "devctl-files-";

/// An image of nothing, for engines that have no other.
const NOTHING: &str = "devctl-empty:1";

impl Core {
    /// Does `work` with a container that has the volume at [`MOUNT`], and removes the container.
    pub(super) async fn with_volume<T, F>(
        self: &Arc<Self>,
        engine: &Arc<dyn Engine>,
        volume: &str,
        read_only: bool,
        work: impl FnOnce(String) -> F,
    ) -> Result<T, Problem>
    where
        F: Future<Output = Result<T, Problem>>,
    {
        // An engine makes a volume that it does not have.
        engine.volume_inspect(volume).await.or_problem()?;
        let mut mount = MountSpec::new(MountKind::Volume, Some(volume.to_owned()), MOUNT);
        mount.no_copy = true;
        mount.read_only = read_only;
        let request = CreateRequest {
            name: Some(format!("{NAMES}{}", uuid::Uuid::now_v7().simple())),
            image: some_image(engine).await?,
            entrypoint: Some(vec!["/nothing".to_owned()]),
            labels: BTreeMap::from([
                (labels::MANAGED.to_owned(), labels::SCHEME.to_owned()),
                (labels::HELPER.to_owned(), self.config.installation()),
            ]),
            mounts: vec![mount],
            network: Some(NetworkRequest {
                mode: "none".to_owned(),
                ..NetworkRequest::default()
            }),
            ..CreateRequest::default()
        };
        let created = engine.container_create(&request).await.at("Reach the volume")?;
        let done = work(created.id.clone()).await;
        // Volumes that the image itself declares go with it; a volume that has a name stays.
        let gone = RemoveOptions {
            volumes: true,
            force: true,
        };
        match engine.container_remove(&created.id, gone).await {
            Ok(()) | Err(EngineError::NotFound { .. }) => {}
            Err(error) if done.is_err() => tracing::warn!(%error, "a container that read a volume is left"),
            Err(error) => return Err(error).at("Let go of the volume"),
        }
        done
    }
}

/// Any image that is here: nothing of it runs.
async fn some_image(engine: &Arc<dyn Engine>) -> Result<String, Problem> {
    let used = everybody(engine).await?;
    // One that a container is made of is not removed in the meantime.
    if let Some(container) = used
        .iter()
        .find(|container| container.image_id.starts_with("sha256:"))
    {
        return Ok(container.image_id.clone());
    }
    let images = engine.image_list().await.or_problem()?;
    if let Some(image) = images.into_iter().find(|image| !image.tags.is_empty()) {
        return Ok(image.id);
    }
    let nothing = archive::nothing();
    engine
        .image_import(NOTHING, nothing)
        .await
        .at("Make an empty image")?;
    Ok(NOTHING.to_owned())
}

/// A path in a volume as the container sees it. It cannot lead out.
pub(super) fn inside(path: &str) -> Result<String, Problem> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                return Err(Problem::new(
                    ErrorCode::RequestInvalid,
                    format!("{path:?} leads out of the volume"),
                )
                .fix("Name the path from the root of the volume, without .."));
            }
            part => parts.push(part),
        }
    }
    let mut whole = MOUNT.to_owned();
    for part in parts {
        whole.push('/');
        whole.push_str(part);
    }
    Ok(whole)
}

/// A short name for what may be long and may hold any character.
pub(super) fn short(text: &[u8]) -> String {
    let digest = Sha256::digest(text);
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_in_its_volume() {
        assert_eq!(inside("").unwrap(), "/volume");
        assert_eq!(inside("/").unwrap(), "/volume");
        assert_eq!(inside("a/./b//c/").unwrap(), "/volume/a/b/c");
        assert_eq!(inside("a..b").unwrap(), "/volume/a..b");
        for path in ["..", "../etc", "a/../../etc"] {
            assert_eq!(
                inside(path).unwrap_err().code,
                ErrorCode::RequestInvalid,
                "{path}"
            );
        }
    }
}
