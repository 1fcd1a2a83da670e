//! Volumes: what is there, who uses it, the files in it, and a volume as a file.

use super::shelf::{MOUNT, inside};
use super::{archive, called, everybody, is_ours};
use crate::caller::Caller;
use crate::core::Core;
use crate::error::{IntoProblem, OrProblem};
use crate::jobs::JobHandle;
use crate::labels;
use crate::record::Target;
use devctl_engine::{ContainerSummary, Engine, EngineError, MountKind, VolumeCreate, VolumeDetails};
use devctl_model::{
    BrowseVolume, CopiedFiles, CopyDirection, CopyVolume, CreateVolume, Done, ErrorCode, ListVolumes,
    Problem, RemoveVolume, Volume, VolumeFiles, VolumeList, VolumeRef,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

mod files;

impl Core {
    /// The volumes of a host.
    pub(crate) async fn volume_list(self: &Arc<Self>, request: ListVolumes) -> Result<VolumeList, Problem> {
        let (engine, _) = self.engine_on(request.host.as_deref()).await?;
        let (volumes, containers) =
            futures_util::future::join(engine.volume_list(&[]), everybody(&engine)).await;
        let (mut volumes, containers) = (volumes.or_problem()?, containers?);
        volumes.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(VolumeList {
            volumes: volumes
                .into_iter()
                .map(|volume| shown(volume, &containers))
                .collect(),
        })
    }

    /// One volume.
    pub(crate) async fn volume_detail(self: &Arc<Self>, request: VolumeRef) -> Result<Volume, Problem> {
        let (engine, _) = self.engine_on(request.host.as_deref()).await?;
        let asked = engine.volume_inspect(&request.volume);
        let (volume, containers) = futures_util::future::join(asked, everybody(&engine)).await;
        Ok(shown(volume.or_problem()?, &containers?))
    }

    /// Makes a volume. One of that name is left as it is, and refused.
    pub(crate) async fn make_volume(
        self: &Arc<Self>,
        caller: &Caller,
        request: CreateVolume,
    ) -> Result<Volume, Problem> {
        let target = Target::other("volume", &request.name);
        let act = async {
            let (engine, _) = self.engine_on(request.host.as_deref()).await?;
            match engine.volume_inspect(&request.name).await {
                Err(EngineError::NotFound { .. }) => {}
                Ok(_) => {
                    return Err(Problem::new(
                        ErrorCode::EngineConflict,
                        format!("there is a volume {} already", request.name),
                    )
                    .safe("it is as it was")
                    .fix("Choose another name"));
                }
                Err(error) => return Err(error.into_problem()),
            }
            let wanted = VolumeCreate {
                name: request.name.clone(),
                driver: request.driver.clone(),
                driver_options: request.options.clone(),
                labels: BTreeMap::from([(labels::MANAGED.to_owned(), labels::SCHEME.to_owned())]),
            };
            Ok(shown(engine.volume_create(&wanted).await.or_problem()?, &[]))
        };
        self.recorded(caller, "create_volume", target, act).await
    }

    /// Removes a volume; one with data only when it is named twice.
    pub(crate) async fn drop_volume(
        self: &Arc<Self>,
        caller: &Caller,
        request: RemoveVolume,
    ) -> Result<Done, Problem> {
        let target = Target::other("volume", &request.volume);
        let act = async {
            let (engine, _) = self.engine_on(request.host.as_deref()).await?;
            let twice = request.really.as_deref() == Some(request.volume.as_str());
            self.remove_volume(&engine, &request.volume, twice).await?;
            Ok(Done { changed: true })
        };
        self.recorded(caller, "remove_volume", target, act).await
    }

    /// Removes a volume that nobody uses, and that has no data unless it was named `twice`.
    pub(super) async fn remove_volume(
        self: &Arc<Self>,
        engine: &Arc<dyn Engine>,
        name: &str,
        twice: bool,
    ) -> Result<(), Problem> {
        let volume = engine.volume_inspect(name).await.or_problem()?;
        let used_by = shown(volume, &everybody(engine).await?).used_by;
        if !used_by.is_empty() {
            return Err(Problem::new(
                ErrorCode::EngineConflict,
                format!("the volume {name} is mounted in: {}", used_by.join(", ")),
            )
            .safe("the volume is as it was")
            .fix("Remove these containers first"));
        }
        if !twice && self.has_data(engine, name).await? {
            return Err(Problem::new(
                ErrorCode::VolumeHasData,
                format!("the volume {name} has data in it"),
            )
            .safe("the volume is as it was")
            .fix_command("Look into it", format!("devctl volume browse {name}"))
            .fix_command(
                "Remove it with its data",
                format!("devctl volume remove {name} --really {name}"),
            ));
        }
        engine.volume_remove(name).await.or_problem()
    }

    /// Whether there is anything in a volume.
    pub(super) async fn has_data(
        self: &Arc<Self>,
        engine: &Arc<dyn Engine>,
        volume: &str,
    ) -> Result<bool, Problem> {
        let files = self.with_volume(engine, volume, true, |container| async move {
            let stream = engine.copy_out(&container, MOUNT).await.or_problem()?;
            archive::read(stream, Arc::default(), |archive| {
                let mut archive = tar::Archive::new(archive);
                let entries = archive.entries().map_err(unreadable)?;
                // The folder itself is the first.
                Ok(entries.take(2).count() > 1)
            })
            .await
        });
        files.await
    }

    /// What is in a folder of a volume.
    pub(crate) async fn files_of_volume(
        self: &Arc<Self>,
        request: BrowseVolume,
    ) -> Result<VolumeFiles, Problem> {
        let (engine, _) = self.engine_on(request.host.as_deref()).await?;
        let asked = request.path.unwrap_or_default();
        let path = inside(&asked)?;
        let place = path.clone();
        let engine = &engine;
        let found = self.with_volume(engine, &request.volume, true, |container| async move {
            let stream = engine
                .copy_out(&container, &place)
                .await
                .map_err(|error| missing(error, &asked))?;
            archive::read(stream, Arc::default(), archive::listed).await
        });
        let shown = path.strip_prefix(MOUNT).unwrap_or_default();
        let shown = if shown.is_empty() { "/" } else { shown };
        match found.await? {
            Some(files) => Ok(VolumeFiles {
                path: shown.to_owned(),
                files,
            }),
            None => Err(Problem::new(
                ErrorCode::VolumePath,
                format!("{shown} of the volume {} is no folder", request.volume),
            )
            .fix_command(
                "Copy it out",
                format!("devctl volume copy {}:{shown} .", request.volume),
            )),
        }
    }

    /// Copies a file or a folder into a volume or out of it.
    pub(crate) fn copy_files(
        self: &Arc<Self>,
        caller: &Caller,
        request: CopyVolume,
    ) -> Result<devctl_model::JobRef, Problem> {
        let path = inside(&request.path)?;
        let local = self.config.absolute(&request.local);
        let (core, caller) = (self.clone(), caller.clone());
        let volume = request.volume.clone();
        let job = self
            .jobs
            .start("copy_volume", &volume.clone(), move |job| async move {
                let act = async {
                    let (engine, _) = core.engine_on(request.host.as_deref()).await?;
                    job.cancel_effect(
                        "Leaves nothing half copied out; what came into the volume stays there",
                    );
                    job.step("Copy the files");
                    match request.direction {
                        CopyDirection::Out => {
                            core.copy_from_volume(&engine, &volume, &path, &local, &job).await
                        }
                        CopyDirection::In => {
                            core.copy_into_volume(&engine, &volume, &path, &local, &job).await
                        }
                    }
                };
                let target = Target::other("volume", &volume);
                core.recorded(&caller, "copy_volume", target, act).await
            });
        Ok(devctl_model::JobRef { job })
    }

    async fn copy_from_volume(
        self: &Arc<Self>,
        engine: &Arc<dyn Engine>,
        volume: &str,
        path: &str,
        local: &Path,
        job: &JobHandle,
    ) -> Result<CopiedFiles, Problem> {
        let name = match path.strip_prefix(MOUNT).unwrap_or_default() {
            "" => volume,
            path => path.rsplit('/').next().unwrap_or(volume),
        };
        let place: PathBuf = if local.is_dir() {
            local.join(name)
        } else {
            local.to_owned()
        };
        if place.symlink_metadata().is_ok() {
            return Err(Problem::new(
                ErrorCode::FileFailed,
                format!("{} is there already", place.display()),
            )
            .safe("nothing was overwritten")
            .fix("Name another place"));
        }
        let counted = Arc::new(AtomicU64::new(0));
        let shown = place.display().to_string();
        let work = self.with_volume(engine, volume, true, |container| {
            let (counted, path) = (counted.clone(), path.to_owned());
            async move {
                let copy = async {
                    let stream = engine.copy_out(&container, &path).await;
                    let stream = stream.map_err(|error| missing(error, &path[MOUNT.len()..]))?;
                    archive::read(stream, counted, move |archive| {
                        archive::unpacked_as(archive, &place)
                    })
                    .await
                };
                job.unless_cancelled(copy).await
            }
        });
        told(work, &counted, job).await?;
        Ok(CopiedFiles {
            place: shown,
            bytes: counted.load(Ordering::Relaxed),
        })
    }

    async fn copy_into_volume(
        self: &Arc<Self>,
        engine: &Arc<dyn Engine>,
        volume: &str,
        path: &str,
        local: &Path,
        job: &JobHandle,
    ) -> Result<CopiedFiles, Problem> {
        if local.symlink_metadata().is_err() {
            return Err(Problem::new(
                ErrorCode::FolderNotFound,
                format!("there is no file or folder {}", local.display()),
            )
            .fix("Check the path"));
        }
        let counted = Arc::new(AtomicU64::new(0));
        let work = self.with_volume(engine, volume, false, |container| {
            let (counted, folder) = (counted.clone(), path.to_owned());
            let local = local.to_owned();
            async move {
                let packed = archive::write(
                    counted,
                    move |archive| archive::packed(&local, &folder, archive),
                    |stream| async { engine.copy_in(&container, "/", stream).await.or_problem() },
                );
                job.unless_cancelled(packed).await
            }
        });
        told(work, &counted, job).await?;
        let name = local.file_name().unwrap_or_default().to_string_lossy();
        Ok(CopiedFiles {
            place: format!("{volume}:{}/{name}", &path[MOUNT.len()..]),
            bytes: counted.load(Ordering::Relaxed),
        })
    }
}

/// Does the work, and says meanwhile how many bytes have passed.
async fn told<T>(
    work: impl Future<Output = Result<T, Problem>>,
    counted: &AtomicU64,
    job: &JobHandle,
) -> Result<T, Problem> {
    let mut work = std::pin::pin!(work);
    let mut clock = tokio::time::interval(Duration::from_millis(250));
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = clock.tick() => job.detail(format!("{} MB", counted.load(Ordering::Relaxed) / 1_000_000)),
        }
    }
}

fn unreadable(error: std::io::Error) -> Problem {
    Problem::new(ErrorCode::EngineAnswer, "the engine's archive cannot be read").why(error.to_string())
}

/// The engine's word for a path that is not there.
fn missing(error: EngineError, path: &str) -> Problem {
    match error {
        EngineError::Invalid { .. } | EngineError::NotFound { .. } => {
            Problem::new(ErrorCode::VolumePath, format!("there is no {path} in the volume"))
                .fix("Look at the folder above it with devctl volume browse")
        }
        error => error.into_problem(),
    }
}

/// A volume as lists show it.
pub(super) fn shown(volume: VolumeDetails, containers: &[ContainerSummary]) -> Volume {
    let has = |container: &&ContainerSummary| {
        let mut mounts = container.mounts.iter();
        mounts.any(|mount| mount.kind == MountKind::Volume && mount.name.as_ref() == Some(&volume.name))
    };
    let users = containers.iter().filter(has);
    Volume {
        used_by: users
            .filter(|container| !labels::is_helper(&container.labels))
            .map(called)
            .collect(),
        ours: is_ours(&volume.labels),
        made_for: labels::get(&volume.labels, labels::FOR).map(str::to_owned),
        name: volume.name,
        driver: volume.driver,
        created_at: volume.created,
        labels: volume.labels,
    }
}
