//! A second container of the same configuration, with a name, a host key and a network of its own.

use crate::caller::Caller;
use crate::containers::Found;
use crate::core::Core;
use crate::error::OrProblem;
use crate::image::Acquired;
use crate::jobs::JobHandle;
use crate::labels;
use crate::life::adopt;
use crate::source::{self, Definition};
use devctl_engine::{
    CreateRequest, Engine, MountKind, MountSpec, NetworkRequest, RemoveOptions, VolumeCreate,
};
use devctl_model::{CloneContainer, ErrorCode, JobId, Problem};
use devctl_ssh::Alias;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is otherwise in a clone than in the container that it was made from.
#[derive(Debug, Clone)]
pub(super) struct CloneOf {
    /// The id of the first one.
    of: String,
    /// What was typed.
    name: String,
    /// Volumes that are copies: the configuration's names and theirs.
    volumes: BTreeMap<String, String>,
    /// Copied from, by this making: nothing where it is made anew.
    is_new: bool,
    with_files: bool,
    with_volumes: bool,
}

impl CloneOf {
    /// What a clone's labels say; none for any other container.
    pub(super) fn of(found: &Found) -> Option<Self> {
        let volumes = found.label(labels::VOLUMES);
        let volumes = volumes.and_then(|text| serde_json::from_str(text).ok());
        Some(Self {
            of: found.label(labels::CLONE)?.to_owned(),
            name: found.alias().to_owned(),
            volumes: volumes.unwrap_or_default(),
            is_new: false,
            with_files: false,
            with_volumes: false,
        })
    }

    /// The labels that tell it from the first one: without those of the reference, by which tools would take it for that.
    pub(super) fn identity(&self, definition: &Definition) -> BTreeMap<String, String> {
        let mut identity = definition.identity.clone();
        identity.remove(labels::REFERENCE_FOLDER);
        if let Some(file) = identity.remove(labels::REFERENCE_CONFIG) {
            identity.insert(labels::CONFIG_FILE.to_owned(), file);
        }
        identity.insert(labels::CLONE.to_owned(), self.of.clone());
        identity
    }

    pub(super) fn has_files(&self) -> bool {
        self.is_new && self.with_files
    }

    pub(super) fn label(&self) -> Option<String> {
        let any = !self.volumes.is_empty();
        any.then(|| serde_json::to_string(&self.volumes).ok()).flatten()
    }

    /// The volumes that this making makes.
    pub(super) fn new_volumes(&self) -> Vec<String> {
        let new = self.volumes.values().filter(|_| self.is_new);
        new.cloned().collect()
    }

    pub(super) fn command(&self) -> String {
        let files = if self.with_files { " --with-files" } else { "" };
        let volumes = if self.with_volumes { " --with-volumes" } else { "" };
        format!("devctl clone{files}{volumes} {}", super::quoted(&self.name))
    }

    /// Puts the copies in the place of the configuration's volumes.
    pub(super) fn give_copies(&self, request: &mut CreateRequest) {
        for mount in &mut request.mounts {
            if mount.kind == MountKind::Volume
                && let Some(copy) = mount.source.as_ref().and_then(|name| self.volumes.get(name))
            {
                mount.source = Some(copy.clone());
            }
        }
        for bind in &mut request.binds {
            if let Some((name, rest)) = bind.split_once(':')
                && let Some(copy) = self.volumes.get(name)
            {
                *bind = format!("{copy}:{rest}");
            }
        }
    }

    /// Copies the volumes, through a container that never runs.
    pub(super) async fn copy_volumes(
        &self,
        engine: &Arc<dyn Engine>,
        image: &Acquired,
        alias: &Alias,
        job: &JobHandle,
    ) -> Result<(), Problem> {
        const STEP: &str = "Copy the volumes";
        if !self.is_new || self.volumes.is_empty() {
            return Ok(());
        }
        job.step(STEP);
        for (from, to) in &self.volumes {
            job.detail(format!("{from} becomes {to}"));
            let volume = VolumeCreate {
                name: to.clone(),
                driver: None,
                driver_options: BTreeMap::new(),
                labels: labels::belongs_to(alias.as_str()),
            };
            engine.volume_create(&volume).await.at(STEP)?;
            let mut source = MountSpec::new(MountKind::Volume, Some(from.clone()), "/from");
            source.read_only = true;
            source.no_copy = true;
            let mut target = MountSpec::new(MountKind::Volume, Some(to.clone()), "/to");
            target.no_copy = true;
            let request = CreateRequest {
                image: image.details.id.clone(),
                entrypoint: Some(vec!["/nothing".to_owned()]),
                labels: BTreeMap::from([
                    (labels::MANAGED.to_owned(), labels::SCHEME.to_owned()),
                    (labels::HELPER.to_owned(), "copy".to_owned()),
                    // An image of a clone hands its labels down.
                    (labels::SOURCE_KIND.to_owned(), String::new()),
                ]),
                mounts: vec![source, target],
                network: Some(NetworkRequest {
                    mode: "none".to_owned(),
                    ..NetworkRequest::default()
                }),
                ..CreateRequest::default()
            };
            let helper = engine.container_create(&request).await.at(STEP)?.id;
            let copying = async {
                let archive = engine.copy_out(&helper, "/from/.").await.at(STEP)?;
                engine.copy_in(&helper, "/to", archive).await.at(STEP)
            };
            let copied = job.unless_cancelled(copying).await;
            let gone = RemoveOptions {
                volumes: false,
                force: true,
            };
            let removed = engine.container_remove(&helper, gone).await.at(STEP);
            copied.and(removed)?;
        }
        Ok(())
    }
}

impl Core {
    /// Makes a second container of the same configuration. A job.
    pub(crate) async fn clone_of(
        self: &Arc<Self>,
        caller: &Caller,
        request: CloneContainer,
    ) -> Result<JobId, Problem> {
        crate::trust::require_hash(request.trust.as_deref())?;
        let found = self.find(&request.container).await?;
        if found.is_adopted() {
            return Err(adopt::not_ours(&found, "cloned"));
        }
        if let Some(name) = &request.name {
            Alias::new(name).or_problem()?;
        }
        let (core, caller) = (self.clone(), caller.clone());
        let subject = request.name.clone().unwrap_or_else(|| found.alias().to_owned());
        Ok(self
            .jobs
            .start("clone_container", &subject, move |job| async move {
                job.step("Read configuration");
                let mut wanted = core.wanted_again(&found, request.trust.clone()).await?;
                let found = core.find_again(&found).await?;
                wanted.request.name.clone_from(&request.name);
                let mut clone = CloneOf {
                    of: found.id().to_owned(),
                    name: found.alias().to_owned(),
                    volumes: BTreeMap::new(),
                    is_new: true,
                    with_files: request.with_files,
                    with_volumes: request.with_volumes,
                };
                let details = found.engine.container_inspect(found.id()).await.or_problem()?;
                let volumes: Vec<String> = details
                    .mounts
                    .iter()
                    .filter(|mount| {
                        mount.kind == MountKind::Volume && !crate::create::is_mount_of_ours(&mount.target)
                    })
                    .filter_map(|mount| mount.name.clone())
                    .filter(|name| !is_anonymous(name))
                    .collect();
                if request.with_volumes {
                    let stamp = source::short_hash(&uuid::Uuid::now_v7().to_string());
                    // A clone of a clone copies the copy in the place of what the configuration names.
                    let before = CloneOf::of(&found).map(|of| of.volumes).unwrap_or_default();
                    for volume in &volumes {
                        let configured = before.iter().find(|(_, copy)| *copy == volume);
                        if configured.is_some() {
                            return Err(Problem::new(
                                ErrorCode::EngineUnsupported,
                                format!("{volume} is a copy itself, and copies of copies are not made"),
                            )
                            .fix("Clone the first container")
                            .safe("nothing was made"));
                        }
                        clone
                            .volumes
                            .insert(volume.clone(), format!("{volume}-{}", &stamp[..6]));
                    }
                }
                wanted.image = Some(if request.with_files {
                    job.step("Copy the files");
                    core.image_of(&found, &job).await?
                } else {
                    found.summary.image_id.clone()
                });
                wanted.definition.identity = clone.identity(&wanted.definition);
                wanted.clone = Some(clone);
                let outcome = core.make(&caller, &wanted, None, &job).await;
                let mut outcome = core.with_notices(&wanted, outcome?).await?;
                if !request.with_volumes {
                    outcome.notices.extend(volumes.iter().map(|volume| {
                        format!(
                            "the volume {volume} is shared with {} (--with-volumes copies it)",
                            found.alias()
                        )
                    }));
                }
                Ok(outcome)
            }))
    }

    /// An image of a container's own files. What its labels say is not handed down.
    async fn image_of(self: &Arc<Self>, found: &Found, job: &JobHandle) -> Result<String, Problem> {
        const STEP: &str = "Copy the files";
        let below = found
            .engine
            .image_inspect(&found.summary.image_id)
            .await
            .at(STEP)?;
        let metadata = below.labels.get(labels::REFERENCE_METADATA);
        let mut all: BTreeMap<String, String> = found
            .summary
            .labels
            .keys()
            .filter(|key| key.starts_with(labels::OURS) || key.starts_with("devcontainer."))
            .map(|key| (key.clone(), String::new()))
            .collect();
        all.insert(
            labels::REFERENCE_METADATA.to_owned(),
            metadata.cloned().unwrap_or_else(|| "[]".to_owned()),
        );
        let reference = format!(
            "devctl-{}:files-{}",
            found.alias(),
            source::short_hash(&uuid::Uuid::now_v7().to_string())
        );
        let made = found.engine.image_commit(found.id(), &reference, &all);
        job.unless_cancelled(async { made.await.at(STEP) }).await
    }
}

/// Whether an engine made this name up: such a volume is nobody else's, and a new container gets a new one.
fn is_anonymous(volume: &str) -> bool {
    volume.len() == 64 && volume.bytes().all(|byte| byte.is_ascii_hexdigit())
}
