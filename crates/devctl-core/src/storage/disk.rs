//! What takes place on a host's disk, and giving it back.

use super::images::remove_whole;
use super::{alias_in, everybody, is_ours};
use crate::caller::Caller;
use crate::core::Core;
use crate::error::{IntoProblem, OrProblem};
use crate::labels;
use crate::record::Target;
use devctl_engine::{ContainerSummary, ContainerUsage, Engine, EngineError, RemoveOptions};
use devctl_model::{
    BuildCacheUse, Clean, CleanItem, CleanKind, Cleaned, ContainerUse, DiskReport, ErrorCode, Image,
    ImageUse, NetworkRef, Problem, ReadDisk, VolumeUse,
};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// What is younger may belong to something that is being made.
const YOUNG: Duration = Duration::from_secs(600);

impl Core {
    /// What takes place on a host's disk.
    pub(crate) async fn disk_report(self: &Arc<Self>, request: ReadDisk) -> Result<DiskReport, Problem> {
        let (engine, _) = self.engine_on(request.host.as_deref()).await?;
        let usage = engine.disk_usage().await.or_problem()?;
        let (mut by_image, mut by_volume) = (
            HashMap::<&str, Vec<String>>::new(),
            HashMap::<&str, Vec<String>>::new(),
        );
        for container in usage
            .containers
            .iter()
            .filter(|one| !labels::is_helper(&one.labels))
        {
            by_image
                .entry(&container.image_id)
                .or_default()
                .push(called(container));
            for volume in &container.volumes {
                by_volume.entry(volume).or_default().push(called(container));
            }
        }
        let mut images: Vec<ImageUse> = usage
            .images
            .iter()
            .map(|image| {
                let shared = image.shared.unwrap_or_default().min(image.size);
                ImageUse {
                    shared,
                    unique: image.size - shared,
                    image: Image {
                        id: image.id.clone(),
                        names: image.tags.clone(),
                        digests: image.digests.clone(),
                        created_at: crate::clock::seconds_text(
                            u64::try_from(image.created).unwrap_or_default(),
                        ),
                        size: image.size,
                        used_by: by_image.get(image.id.as_str()).cloned().unwrap_or_default(),
                        ours: image.labels.contains_key(labels::BUILT_BY),
                    },
                }
            })
            .collect();
        images.sort_by(|one, other| {
            let key = |it: &ImageUse| (std::cmp::Reverse(it.unique), std::cmp::Reverse(it.image.size));
            key(one)
                .cmp(&key(other))
                .then_with(|| one.image.id.cmp(&other.image.id))
        });
        let mut volumes: Vec<VolumeUse> = usage
            .volumes
            .iter()
            .map(|volume| VolumeUse {
                name: volume.name.clone(),
                size: volume.size,
                used_by: by_volume.get(volume.name.as_str()).cloned().unwrap_or_default(),
                ours: is_ours(&volume.labels),
            })
            .collect();
        volumes.sort_by(|one, other| other.size.cmp(&one.size).then_with(|| one.name.cmp(&other.name)));
        let mut containers: Vec<ContainerUse> = usage
            .containers
            .iter()
            .map(|container| ContainerUse {
                id: container.id.clone(),
                name: called(container),
                image: container.image.clone(),
                running: container.running,
                unique: container.own,
                shared: container.root.saturating_sub(container.own),
                ours: alias_in(&container.labels).is_some(),
            })
            .collect();
        containers.sort_by(|one, other| {
            other
                .unique
                .cmp(&one.unique)
                .then_with(|| one.name.cmp(&other.name))
        });
        let build_cache = cache(&usage.build_cache);
        let total = usage.layers
            + build_cache.size
            + containers.iter().map(|container| container.unique).sum::<u64>()
            + volumes.iter().filter_map(|volume| volume.size).sum::<u64>();
        Ok(DiskReport {
            images,
            containers,
            volumes,
            build_cache,
            layers: usage.layers,
            total,
        })
    }

    /// Gives disk space back, or says what would go.
    pub(crate) async fn clean_disk(
        self: &Arc<Self>,
        caller: &Caller,
        request: Clean,
    ) -> Result<Cleaned, Problem> {
        let (engine, _) = self.engine_on(request.host.as_deref()).await?;
        let plan = self.plan_clean(&engine, &request).await?;
        if request.dry_run {
            return Ok(plan.cleaned);
        }
        let act = async {
            let mut done = Cleaned {
                items: Vec::new(),
                bytes: 0,
                kept_volumes: plan.cleaned.kept_volumes,
            };
            for item in plan.cleaned.items {
                let image = plan
                    .images
                    .iter()
                    .find(|image| image.id == item.name || image.names.contains(&item.name));
                let gone = self.clean_one(&engine, &request, &item, image).await;
                let gone = gone.map_err(|problem| match done.items.is_empty() {
                    true => problem.safe("nothing was removed"),
                    false => problem.safe(format!("{} were removed before", done.items.len())),
                })?;
                if let Some(bytes) = gone {
                    done.bytes += bytes;
                    done.items.push(CleanItem { bytes, ..item });
                }
            }
            Ok(done)
        };
        self.recorded(caller, "clean", Target::other("host", "disk"), act)
            .await
    }

    /// Removes one thing. The bytes that it freed; none where somebody uses it by now.
    async fn clean_one(
        self: &Arc<Self>,
        engine: &Arc<dyn Engine>,
        request: &Clean,
        item: &CleanItem,
        image: Option<&Image>,
    ) -> Result<Option<u64>, Problem> {
        let gone = match item.kind {
            CleanKind::Image => match image {
                Some(image) if !request.images.contains(&item.name) => remove_whole(engine, image).await?,
                _ => {
                    engine.image_remove(&item.name, false).await.or_problem()?;
                    true
                }
            },
            CleanKind::Network => match engine.network_remove(&item.name).await {
                Ok(()) => true,
                Err(EngineError::NotFound { .. } | EngineError::Conflict { .. }) => false,
                Err(error) => return Err(error.into_problem()),
            },
            CleanKind::Volume => {
                // What is in an agent's volume is ours to make again.
                let twice = request.really.contains(&item.name) || crate::agent::is_volume(&item.name);
                self.remove_volume(engine, &item.name, twice).await?;
                true
            }
            CleanKind::Helper => {
                let options = RemoveOptions {
                    volumes: true,
                    force: true,
                };
                match engine.container_remove(&item.name, options).await {
                    Ok(()) => true,
                    Err(EngineError::NotFound { .. } | EngineError::Conflict { .. }) => false,
                    Err(error) => return Err(error.into_problem()),
                }
            }
            CleanKind::BuildCache => return Ok(Some(engine.build_cache_prune().await.or_problem()?)),
        };
        Ok(gone.then_some(item.bytes))
    }

    /// What would go.
    async fn plan_clean(
        self: &Arc<Self>,
        engine: &Arc<dyn Engine>,
        request: &Clean,
    ) -> Result<Plan, Problem> {
        let usage = engine.disk_usage().await.or_problem()?;
        let containers = everybody(engine).await?;
        let sizes: HashMap<&str, u64> = usage
            .images
            .iter()
            .map(|image| {
                (
                    image.id.as_str(),
                    image.size - image.shared.unwrap_or_default().min(image.size),
                )
            })
            .collect();
        let (mut items, mut images) = (Vec::new(), Vec::new());
        for name in &request.images {
            let found = engine.image_inspect(name).await.or_problem()?;
            items.push(CleanItem {
                kind: CleanKind::Image,
                name: name.clone(),
                why: "named".to_owned(),
                bytes: sizes.get(found.id.as_str()).copied().unwrap_or_default(),
            });
        }
        for name in &request.networks {
            let network = NetworkRef {
                network: name.clone(),
                host: request.host.clone(),
            };
            let network = self.network_detail(network).await?;
            if !network.containers.is_empty() {
                return Err(Problem::new(
                    ErrorCode::EngineConflict,
                    format!(
                        "in the network {} is: {}",
                        network.name,
                        network.containers.join(", ")
                    ),
                )
                .safe("nothing was removed"));
            }
            items.push(item(CleanKind::Network, name, "named", 0));
        }
        for name in &request.volumes {
            engine.volume_inspect(name).await.or_problem()?;
            let twice = request.really.contains(name);
            if !twice && self.has_data(engine, name).await? {
                return Err(Problem::new(
                    ErrorCode::VolumeHasData,
                    format!("the volume {name} has data in it"),
                )
                .safe("nothing was removed")
                .fix_command(
                    "Name it once more, and its data goes with it",
                    format!("devctl clean --volume {name} --really {name}"),
                ));
            }
            let size = usage.volumes.iter().find(|volume| &volume.name == name);
            let size = size.and_then(|volume| volume.size).unwrap_or_default();
            items.push(item(CleanKind::Volume, name, "named", size));
        }
        if request.build_cache {
            let bytes = cache(&usage.build_cache).reclaimable;
            items.push(item(CleanKind::BuildCache, "build cache", "named", bytes));
        }
        let aliases: HashSet<&str> = containers
            .iter()
            .filter_map(|one| alias_in(&one.labels))
            .collect();
        let gone = |alias: Option<&str>| alias.is_some_and(|alias| !aliases.contains(alias));
        let kept = usage.volumes.iter().filter(|volume| {
            is_ours(&volume.labels)
                && gone(labels::get(&volume.labels, labels::FOR))
                && !request.volumes.contains(&volume.name)
        });
        let kept_volumes = kept.map(|volume| volume.name.clone()).collect();
        if !request.named_only {
            for image in self.unused_images(engine).await? {
                if request
                    .images
                    .iter()
                    .any(|name| *name == image.id || image.names.contains(name))
                {
                    continue;
                }
                let name = image.names.first().unwrap_or(&image.id);
                let bytes = sizes.get(image.id.as_str()).copied().unwrap_or_default();
                items.push(item(
                    CleanKind::Image,
                    name,
                    "built here, no container is made of it",
                    bytes,
                ));
                images.push(image);
            }
            for network in engine
                .network_list(&[labels::MANAGED.to_owned()])
                .await
                .or_problem()?
            {
                let made_for = labels::get(&network.labels, labels::FOR);
                if gone(made_for)
                    && self.is_old(network.created.as_deref())
                    && !request.networks.contains(&network.name)
                {
                    items.push(item(
                        CleanKind::Network,
                        &network.name,
                        "its container is gone",
                        0,
                    ));
                }
            }
            for volume in &usage.volumes {
                let unused = volume.used_by == 0 && self.is_old(volume.created.as_deref());
                if crate::agent::is_left_behind(&volume.name) && is_ours(&volume.labels) && unused {
                    let size = volume.size.unwrap_or_default();
                    items.push(item(
                        CleanKind::Volume,
                        &volume.name,
                        "the agent of another version",
                        size,
                    ));
                }
            }
            for helper in containers.iter().filter(|one| self.is_forgotten(one)) {
                items.push(item(
                    CleanKind::Helper,
                    &helper.name,
                    "left behind by a command that was killed",
                    0,
                ));
            }
        }
        Ok(Plan {
            cleaned: Cleaned {
                bytes: items.iter().map(|item| item.bytes).sum(),
                items,
                kept_volumes,
            },
            images,
        })
    }

    /// Whether a container only read or filled a volume, and whoever made it is gone.
    fn is_forgotten(&self, container: &ContainerSummary) -> bool {
        let own = self.config.installation();
        let created = container.created.and_then(|at| at.format(&Rfc3339).ok());
        labels::is_helper(&container.labels)
            && labels::get(&container.labels, labels::HELPER) == Some(&own)
            && self.is_old(created.as_deref())
    }

    /// Whether something was made longer ago than [`YOUNG`]. What has no date is not old.
    fn is_old(&self, created: Option<&str>) -> bool {
        let Some(created) = created.and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok()) else {
            return false;
        };
        OffsetDateTime::from((self.config.clock)()) - created > YOUNG
    }
}

/// What would go, and the images among it with all their names.
struct Plan {
    cleaned: Cleaned,
    images: Vec<Image>,
}

fn item(kind: CleanKind, name: &str, why: &str, bytes: u64) -> CleanItem {
    CleanItem {
        kind,
        name: name.to_owned(),
        why: why.to_owned(),
        bytes,
    }
}

fn called(container: &ContainerUsage) -> String {
    alias_in(&container.labels).unwrap_or(&container.name).to_owned()
}

fn cache(records: &[devctl_engine::CacheRecord]) -> BuildCacheUse {
    let sum = |wanted: fn(&devctl_engine::CacheRecord) -> bool| {
        let wanted = records.iter().filter(|record| wanted(record));
        wanted.map(|record| record.size).sum()
    };
    BuildCacheUse {
        records: records.len() as u64,
        size: sum(|record| !record.shared),
        reclaimable: sum(|record| !record.shared && !record.in_use),
    }
}
