//! Images: what is there, who uses it, and what goes.

use super::{called, everybody};
use crate::caller::Caller;
use crate::core::Core;
use crate::error::{IntoProblem, OrProblem};
use crate::labels;
use crate::record::Target;
use devctl_engine::{ContainerSummary, EngineError, ImageSummary};
use devctl_model::{
    Done, ErrorCode, Image, ImageDetail, ImageHistory, ImageList, ImageRef, ImageStep, ListImages, Problem,
    PruneImages, PrunedImages, RemoveImage, RemovedImage, TagImage,
};
use std::sync::Arc;

impl Core {
    /// The images of a host.
    pub(crate) async fn image_list(self: &Arc<Self>, request: ListImages) -> Result<ImageList, Problem> {
        let (engine, _) = self.engine_on(request.host.as_deref()).await?;
        let (images, containers) = futures_util::future::join(engine.image_list(), everybody(&engine)).await;
        let (mut images, containers) = (images.or_problem()?, containers?);
        images.sort_by(|one, other| other.created.cmp(&one.created).then(one.id.cmp(&other.id)));
        Ok(ImageList {
            images: images
                .into_iter()
                .map(|image| shown(image, &containers))
                .collect(),
        })
    }

    /// Everything about one image.
    pub(crate) async fn image_detail(self: &Arc<Self>, request: ImageRef) -> Result<ImageDetail, Problem> {
        let (engine, _) = self.engine_on(request.host.as_deref()).await?;
        let inspected = engine.image_inspect(&request.image);
        let (found, containers) = futures_util::future::join(inspected, everybody(&engine)).await;
        let (found, containers) = (found.or_problem()?, containers?);
        let platform = [Some(found.os), Some(found.architecture), found.variant];
        let platform: Vec<String> = platform.into_iter().flatten().collect();
        Ok(ImageDetail {
            image: Image {
                used_by: users(&found.id, &containers),
                ours: found.labels.contains_key(labels::BUILT_BY),
                id: found.id,
                names: found.tags,
                digests: found.digests,
                created_at: found.created.map(crate::clock::offset_text).unwrap_or_default(),
                size: found.size,
            },
            platform: platform.join("/"),
            user: found.user,
            workdir: found.workdir,
            entrypoint: found.entrypoint,
            command: found.cmd,
            variables: found
                .env
                .iter()
                .map(|variable| variable.split('=').next().unwrap_or(variable).to_owned())
                .collect(),
            ports: found.exposed_ports,
            volumes: found.volumes,
            labels: found.labels,
        })
    }

    /// How an image was made.
    pub(crate) async fn steps_of_image(self: &Arc<Self>, request: ImageRef) -> Result<ImageHistory, Problem> {
        let (engine, _) = self.engine_on(request.host.as_deref()).await?;
        let layers = engine.image_history(&request.image).await.or_problem()?;
        Ok(ImageHistory {
            steps: layers
                .into_iter()
                .map(|layer| ImageStep {
                    created_at: moment(layer.created),
                    instruction: layer.created_by,
                    size: layer.size,
                    names: layer.tags,
                })
                .collect(),
        })
    }

    /// Gives an image one more name.
    pub(crate) async fn name_image(
        self: &Arc<Self>,
        caller: &Caller,
        request: TagImage,
    ) -> Result<Done, Problem> {
        let target = Target::other("image", &request.image);
        let act = async {
            let (engine, _) = self.engine_on(request.host.as_deref()).await?;
            engine
                .image_tag(&request.image, &request.name)
                .await
                .or_problem()?;
            Ok(Done { changed: true })
        };
        self.recorded(caller, "tag_image", target, act).await
    }

    /// Removes an image, or one of its names.
    pub(crate) async fn drop_image(
        self: &Arc<Self>,
        caller: &Caller,
        request: RemoveImage,
    ) -> Result<RemovedImage, Problem> {
        let target = Target::other("image", &request.image);
        let act = async {
            let (engine, _) = self.engine_on(request.host.as_deref()).await?;
            match engine.image_remove(&request.image, request.force).await {
                Ok(removed) => Ok(RemovedImage {
                    names: removed.untagged,
                    images: removed.deleted,
                }),
                Err(EngineError::Conflict { message, .. }) => Err(Problem::new(
                    ErrorCode::EngineConflict,
                    format!("the image {} is in use: {message}", request.image),
                )
                .safe("nothing was removed")
                .fix_command("See who uses it", format!("devctl image show {}", request.image))),
                Err(error) => Err(error.into_problem()),
            }
        };
        self.recorded(caller, "remove_image", target, act).await
    }

    /// Removes what this installation built and no container is made of.
    pub(crate) async fn prune_unused_images(
        self: &Arc<Self>,
        caller: &Caller,
        request: PruneImages,
    ) -> Result<PrunedImages, Problem> {
        let (engine, _) = self.engine_on(request.host.as_deref()).await?;
        let images = self.unused_images(&engine).await?;
        if request.dry_run {
            return Ok(pruned(images));
        }
        let act = async {
            let mut gone = Vec::new();
            for image in images {
                if remove_whole(&engine, &image).await? {
                    gone.push(image);
                }
            }
            Ok(pruned(gone))
        };
        self.recorded(caller, "prune_images", Target::other("images", "unused"), act)
            .await
    }

    /// The images that this installation built and no container is made of.
    pub(super) async fn unused_images(
        self: &Arc<Self>,
        engine: &Arc<dyn devctl_engine::Engine>,
    ) -> Result<Vec<Image>, Problem> {
        let (images, containers) = futures_util::future::join(engine.image_list(), everybody(engine)).await;
        let (images, containers) = (images.or_problem()?, containers?);
        let own = self.config.installation();
        Ok(images
            .into_iter()
            .filter(|image| image.labels.get(labels::BUILT_BY) == Some(&own))
            .map(|image| shown(image, &containers))
            .filter(|image| image.used_by.is_empty())
            .collect())
    }
}

fn pruned(images: Vec<Image>) -> PrunedImages {
    PrunedImages {
        bytes: images.iter().map(|image| image.size).sum(),
        images,
    }
}

/// Removes all names of an image, and so the image. One that got a container in between stays.
pub(super) async fn remove_whole(
    engine: &Arc<dyn devctl_engine::Engine>,
    image: &Image,
) -> Result<bool, Problem> {
    let names = if image.names.is_empty() {
        std::slice::from_ref(&image.id)
    } else {
        &image.names[..]
    };
    for name in names {
        match engine.image_remove(name, false).await {
            Ok(_) => {}
            Err(EngineError::NotFound { .. } | EngineError::Conflict { .. }) => return Ok(false),
            Err(error) => return Err(error.into_problem().at(format!("Remove {name}"))),
        }
    }
    Ok(true)
}

/// An image as lists show it.
pub(super) fn shown(image: ImageSummary, containers: &[ContainerSummary]) -> Image {
    Image {
        used_by: users(&image.id, containers),
        ours: image.labels.contains_key(labels::BUILT_BY),
        id: image.id,
        names: image.tags,
        digests: image.digests,
        created_at: moment(image.created),
        size: image.size,
    }
}

fn users(image: &str, containers: &[ContainerSummary]) -> Vec<String> {
    let users = containers.iter().filter(|container| container.image_id == image);
    users
        .filter(|container| !labels::is_helper(&container.labels))
        .map(called)
        .collect()
}

fn moment(seconds: i64) -> String {
    crate::clock::seconds_text(u64::try_from(seconds).unwrap_or_default())
}
