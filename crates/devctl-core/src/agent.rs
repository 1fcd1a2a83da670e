//! Brings the agent into containers: one read-only volume for each engine and version of the agent.
//!
//! A container keeps the volume that it was made with. Where that is another version's, our program is put beside the
//! one that is there: the container sees it at once, whether it runs or not, and what runs from the old one goes on.

use crate::config::CoreConfig;
use crate::containers::Found;
use crate::core::Core;
use crate::error::OrProblem;
use crate::labels;
use devctl_agent_protocol::AGENT_PATH;
use devctl_engine::{
    ByteStream, CreateRequest, Endpoint, Engine, EngineError, MountKind, MountPoint, MountSpec,
    RemoveOptions, VolumeCreate,
};
use devctl_files::{FileLock, Mode};
use devctl_model::{ErrorCode, Problem};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where the agent's volume is mounted; [`AGENT_PATH`] lies in it.
pub(crate) const MOUNT: &str = "/.devctl";

/// The agent's name in the volume of its own version; [`AGENT_PATH`] is where containers see it.
const PROGRAM: &str = "devctl-agent";

static X86_64: &[u8] = include_bytes!(env!("DEVCTL_AGENT_X86_64"));
static AARCH64: &[u8] = include_bytes!(env!("DEVCTL_AGENT_AARCH64"));

/// Named after what is in them: another build of the agent has another volume.
const X86_64_VOLUME: &str = concat!("devctl-agent-", env!("DEVCTL_AGENT_X86_64_HASH"));
const AARCH64_VOLUME: &str = concat!("devctl-agent-", env!("DEVCTL_AGENT_AARCH64_HASH"));

/// The agent for an image's architecture, packed, and the name of its volume.
fn binary(architecture: &str) -> Result<(&'static [u8], &'static str), Problem> {
    let (bytes, name) = match architecture {
        "amd64" | "x86_64" => (X86_64, X86_64_VOLUME),
        "arm64" | "aarch64" => (AARCH64, AARCH64_VOLUME),
        other => {
            return Err(Problem::new(
                ErrorCode::AgentMissing,
                format!("there is no agent for images of the architecture {other}"),
            )
            .fix("Use an image for amd64 or arm64"));
        }
    };
    if bytes.is_empty() {
        return Err(Problem::new(
            ErrorCode::AgentMissing,
            format!("this build of devctl carries no agent for {architecture}"),
        )
        .fix_command("Build it with its agents", "cargo xtask build"));
    }
    Ok((bytes, name))
}

/// The architectures whose agent inside this program is of another version than it.
pub(crate) fn of_another_version() -> Vec<&'static str> {
    let all = [
        ("amd64", X86_64, env!("DEVCTL_AGENT_X86_64_OWN")),
        ("arm64", AARCH64, env!("DEVCTL_AGENT_AARCH64_OWN")),
    ];
    let others = all
        .iter()
        .filter(|(_, packed, is_own)| !packed.is_empty() && *is_own != "true");
    others.map(|(architecture, ..)| *architecture).collect()
}

/// Unpacks what [`binary`] gives.
fn unpacked(packed: &[u8]) -> Result<Vec<u8>, Problem> {
    const AT_MOST: usize = 64 * 1024 * 1024;
    miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(packed, AT_MOST).map_err(|error| {
        Problem::new(ErrorCode::AgentMissing, "the agent inside devctl is damaged")
            .why(error.to_string())
            .fix("Install devctl again")
    })
}

/// The program of the agent in one container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Agent {
    /// Which build it is, named as that build's volume; empty where that is not known.
    build: String,
    /// Where it lies in the container.
    path: String,
}

impl Agent {
    /// The agent of a container that is made by this program.
    pub(crate) fn own(architecture: &str) -> Result<Self, Problem> {
        let (_, volume) = binary(architecture)?;
        Ok(Self::of_volume(volume))
    }

    fn of_volume(volume: &str) -> Self {
        Self {
            build: volume.to_owned(),
            path: AGENT_PATH.to_owned(),
        }
    }

    /// Whether it is the build that this program carries.
    pub(crate) fn is_current(&self) -> bool {
        [X86_64_VOLUME, AARCH64_VOLUME].contains(&self.build.as_str())
    }

    /// Where it lies in the container.
    pub(crate) fn path(&self) -> &str {
        if self.path.is_empty() {
            AGENT_PATH
        } else {
            &self.path
        }
    }
}

/// How the names of the agent's volumes begin.
const VOLUMES: &str = "devctl-agent-";

/// Whether this is a volume of the agent's: all containers run what lies in it, so none may have it otherwise.
pub(crate) fn is_volume(name: &str) -> bool {
    name.starts_with(VOLUMES)
}

/// Whether this is the volume of another version of the agent than those of this program.
pub(crate) fn is_left_behind(name: &str) -> bool {
    is_volume(name) && ![X86_64_VOLUME, AARCH64_VOLUME].contains(&name)
}

/// The mount that gives a container its agent.
pub(crate) fn mount(architecture: &str) -> Result<MountSpec, Problem> {
    let (_, volume) = binary(architecture)?;
    let mut mount = MountSpec::new(MountKind::Volume, Some(volume.to_owned()), MOUNT);
    mount.read_only = true;
    mount.no_copy = true;
    Ok(mount)
}

impl Core {
    /// Makes sure that the engine has the agent's volume, filled.
    ///
    /// A volume that was only half filled when its maker died is known by the missing note of ours, and filled again:
    /// the binary is the same, so filling twice does no harm.
    pub(crate) async fn ensure_agent(
        self: &Arc<Self>,
        engine: &Arc<dyn Engine>,
        endpoint: &Endpoint,
        image: &str,
        architecture: &str,
    ) -> Result<(), Problem> {
        let (bytes, volume) = binary(architecture)?;
        let note = note(&self.config, endpoint, volume);
        let created = match engine.volume_inspect(volume).await {
            Ok(details) => details.created,
            Err(EngineError::NotFound { .. }) => None,
            Err(error) => return Err(error).at("Prepare the agent"),
        };
        if let Some(created) = &created
            && std::fs::read_to_string(&note).is_ok_and(|kept| &kept == created)
        {
            return Ok(());
        }
        let lock = self.lock(&format!("agent-{volume}")).await?;
        let request = VolumeCreate {
            name: volume.to_owned(),
            driver: None,
            driver_options: BTreeMap::new(),
            labels: BTreeMap::from([
                (labels::MANAGED.to_owned(), labels::SCHEME.to_owned()),
                (labels::HELPER.to_owned(), "agent".to_owned()),
            ]),
        };
        let details = engine.volume_create(&request).await.at("Prepare the agent")?;
        let installation = short(self.config.state_dir.as_os_str().as_encoded_bytes());
        fill(engine, image, &installation, volume, PROGRAM, &unpacked(bytes)?).await?;
        if let Some(created) = details.created {
            devctl_files::write_atomic(&note, created.as_bytes(), Mode::PRIVATE).or_problem()?;
        }
        drop(lock);
        Ok(())
    }

    /// The agent of a container that is there, as this program speaks with it. In the volume of another version ours is
    /// put under a name of its own, named after what is in it.
    pub(crate) async fn agent_of(
        self: &Arc<Self>,
        found: &Found,
        kept: Option<&Agent>,
    ) -> Result<Agent, Problem> {
        const STEP: &str = "Prepare the agent";
        if let Some(kept) = kept.filter(|kept| kept.is_current()) {
            return Ok(kept.clone());
        }
        if found.is_adopted() {
            return self.bring_agent(found).await;
        }
        let volume_in = |mounts: &[MountPoint]| {
            let mount = mounts.iter().find(|mount| mount.target == MOUNT)?;
            mount.name.clone().filter(|name| is_volume(name))
        };
        let volume = match volume_in(&found.summary.mounts) {
            Some(volume) => Some(volume),
            // Podman's list names no volumes.
            None => volume_in(&found.engine.container_inspect(found.id()).await.at(STEP)?.mounts),
        };
        // Without a volume of ours there is nothing to put it into, and what is there has to do.
        let Some(volume) = volume else {
            return Ok(Agent::default());
        };
        let there = Agent::of_volume(&volume);
        if there.is_current() {
            return Ok(there);
        }
        let image = &found.summary.image_id;
        let architecture = found.engine.image_inspect(image).await.at(STEP)?.architecture;
        let (bytes, build) = binary(&architecture)?;
        let beside = Agent {
            build: build.to_owned(),
            path: format!("{MOUNT}/{build}"),
        };
        let lock = self.lock(&format!("agent-{volume}")).await?;
        let installation = short(self.config.state_dir.as_os_str().as_encoded_bytes());
        fill(
            &found.engine,
            image,
            &installation,
            &volume,
            build,
            &unpacked(bytes)?,
        )
        .await?;
        drop(lock);
        Ok(beside)
    }

    /// The agent of a container that somebody else made: our program is copied into it, under a name of its own for each
    /// build, so that what runs from another goes on.
    pub(crate) async fn bring_agent(self: &Arc<Self>, found: &Found) -> Result<Agent, Problem> {
        const STEP: &str = "Bring the agent in";
        let architecture = match found.engine.image_inspect(&found.summary.image_id).await {
            Ok(image) => image.architecture,
            // The image may be gone; the container runs on what the engine's machine is.
            Err(EngineError::NotFound { .. }) => found.engine.info().await.at(STEP)?.arch,
            Err(error) => return Err(error).at(STEP),
        };
        let (bytes, build) = binary(&architecture)?;
        let path = format!("{MOUNT}/{build}");
        let bytes = unpacked(bytes)?;
        let here = read_file(&found.engine, found.id(), &path, bytes.len()).await;
        if !matches!(&here, Ok(Some(file)) if file.bytes == bytes) {
            let file = one_file(path.trim_start_matches('/'), &bytes, 0o111)?;
            found
                .engine
                .copy_in(found.id(), "/", file)
                .await
                .at(STEP)
                .map_err(|problem| {
                    problem
                        .fix("A container with a read-only file system cannot be adopted")
                        .safe("the container is untouched")
                })?;
        }
        Ok(Agent {
            build: build.to_owned(),
            path,
        })
    }

    /// Waits, without holding up a thread of others, for a lock that other processes see too.
    pub(crate) async fn lock(self: &Arc<Self>, name: &str) -> Result<FileLock, Problem> {
        let path = self.config.locks().join(format!("{name}.lock"));
        let folder = self.config.locks();
        let task = tokio::task::spawn_blocking(move || {
            devctl_files::ensure_private_dir(&folder)?;
            FileLock::acquire(&path)
        });
        task.await
            .map_err(|error| {
                Problem::new(ErrorCode::Internal, "a lock could not be taken").why(error.to_string())
            })?
            .or_problem()
    }
}

fn note(config: &CoreConfig, endpoint: &Endpoint, volume: &str) -> std::path::PathBuf {
    config
        .state_dir
        .join(format!("{volume}.{}.filled", short(endpoint.url.as_bytes())))
}

/// A short name for what may be long and may hold any character.
fn short(text: &[u8]) -> String {
    Sha256::digest(text)
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// How long another installation may take before its filling container counts as left behind.
const FILLING_AT_MOST: Duration = Duration::from_secs(20);

/// Copies an agent into a volume, under this name, through a container that never runs.
///
/// Installations with locks of their own may come to one engine at once; the container's name, which the engine gives
/// only once, is the lock that all of them see. Without it one would write the program that another's container runs.
async fn fill(
    engine: &Arc<dyn Engine>,
    image: &str,
    installation: &str,
    volume: &str,
    file: &str,
    bytes: &[u8],
) -> Result<(), Problem> {
    const STEP: &str = "Prepare the agent";
    let path = format!("{MOUNT}/{file}");
    let gone = RemoveOptions {
        volumes: false,
        force: true,
    };
    let name = format!("{volume}-fill");
    let request = CreateRequest {
        name: Some(name.clone()),
        image: image.to_owned(),
        entrypoint: Some(vec!["/.devctl/devctl-agent".to_owned()]),
        cmd: Some(vec!["--version".to_owned()]),
        labels: BTreeMap::from([
            (labels::MANAGED.to_owned(), labels::SCHEME.to_owned()),
            (labels::HELPER.to_owned(), installation.to_owned()),
        ]),
        mounts: vec![MountSpec::new(MountKind::Volume, Some(volume.to_owned()), MOUNT)],
        network: Some(devctl_engine::NetworkRequest {
            mode: "none".to_owned(),
            ..Default::default()
        }),
        ..CreateRequest::default()
    };
    let began = Instant::now();
    let created = loop {
        match engine.container_create(&request).await {
            Err(EngineError::Conflict { .. }) => {}
            created => break created.at(STEP)?,
        }
        let left_behind = match engine.container_inspect(&name).await {
            // We hold our own lock, so one of ours was left by somebody who was killed.
            Ok(found) => {
                labels::get(&found.labels, labels::HELPER) == Some(installation)
                    || began.elapsed() > FILLING_AT_MOST
            }
            Err(EngineError::NotFound { .. }) => false,
            Err(error) => return Err(error).at(STEP),
        };
        if left_behind {
            match engine.container_remove(&name, gone).await {
                Ok(()) | Err(EngineError::NotFound { .. } | EngineError::Conflict { .. }) => {}
                Err(error) => return Err(error).at(STEP),
            }
        }
        if began.elapsed() > FILLING_AT_MOST * 2 {
            return Err(Problem::new(
                ErrorCode::Busy,
                format!("the container {name}, which fills the agent's volume, does not go away"),
            )
            .at(STEP)
            .fix_command("Remove it", format!("docker rm -f {name}")));
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    };
    // Another installation may have filled it, and containers may run from it: a program that runs is not written to.
    let here = read_file(engine, &created.id, &path, bytes.len()).await;
    let copied = if matches!(&here, Ok(Some(file)) if file.bytes == bytes && file.mode & 0o777 == 0o111) {
        Ok(())
    } else {
        engine
            .copy_in(&created.id, MOUNT, one_file(file, bytes, 0o111)?)
            .await
            .at(STEP)
    };
    let removed = engine.container_remove(&created.id, gone).await.at(STEP);
    copied.and(removed)
}

/// A tar archive with one file of root's. The agent may be run by everybody and read by nobody: what cannot be read
/// cannot be traced from its first instruction on.
pub(crate) fn one_file(path: &str, bytes: &[u8], mode: u32) -> Result<ByteStream, Problem> {
    archive(&[Entry {
        path,
        bytes,
        mode,
        uid: 0,
        gid: 0,
    }])
}

/// A file for [`archive`].
pub(crate) struct Entry<'a> {
    pub(crate) path: &'a str,
    pub(crate) bytes: &'a [u8],
    pub(crate) mode: u32,
    pub(crate) uid: u64,
    pub(crate) gid: u64,
}

/// A tar archive of a few small files.
pub(crate) fn archive(entries: &[Entry<'_>]) -> Result<ByteStream, Problem> {
    let failed = |error: std::io::Error| {
        Problem::new(ErrorCode::Internal, "an archive could not be made").why(error.to_string())
    };
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(entry.bytes.len() as u64);
        header.set_mode(entry.mode);
        header.set_uid(entry.uid);
        header.set_gid(entry.gid);
        builder
            .append_data(&mut header, entry.path, entry.bytes)
            .map_err(failed)?;
    }
    let bytes = bytes::Bytes::from(builder.into_inner().map_err(failed)?);
    Ok(Box::pin(futures_util::stream::iter([Ok(bytes)])))
}

/// Reads one small file out of a container; none where it is not there.
pub(crate) async fn read_file(
    engine: &Arc<dyn Engine>,
    container: &str,
    path: &str,
    limit: usize,
) -> Result<Option<tar_entry::FoundFile>, Problem> {
    use futures_util::StreamExt as _;
    let mut stream = match engine.copy_out(container, path).await {
        Ok(stream) => stream,
        // The path of a file that is not there is what engines call not valid.
        Err(EngineError::NotFound { .. } | EngineError::Invalid { .. }) => return Ok(None),
        Err(error) => return Err(error).or_problem(),
    };
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| {
            // Engines without a separate answer for a missing file break the stream.
            Problem::new(ErrorCode::EngineAnswer, format!("{path} could not be read")).why(error.to_string())
        })?;
        bytes.extend_from_slice(&chunk);
        if bytes.len() > limit + 4096 {
            return Err(Problem::new(
                ErrorCode::EngineAnswer,
                format!("{path} is larger than {limit} bytes"),
            ));
        }
    }
    tar_entry::first(&bytes).map_err(|error| {
        Problem::new(ErrorCode::EngineAnswer, format!("{path} could not be read")).why(error.to_string())
    })
}

/// The first entry of an archive.
pub(crate) mod tar_entry {
    use std::io::{Read as _, Result};

    /// A file as it was found.
    #[derive(Debug)]
    pub(crate) struct FoundFile {
        pub(crate) bytes: Vec<u8>,
        pub(crate) mode: u32,
        pub(crate) uid: u64,
        pub(crate) gid: u64,
    }

    pub(crate) fn first(archive: &[u8]) -> Result<Option<FoundFile>> {
        let mut archive = tar::Archive::new(archive);
        let Some(entry) = archive.entries()?.next() else {
            return Ok(None);
        };
        let mut entry = entry?;
        let (mode, uid, gid) = (
            entry.header().mode()?,
            entry.header().uid()?,
            entry.header().gid()?,
        );
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        Ok(Some(FoundFile {
            bytes,
            mode,
            uid,
            gid,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_named_after_what_is_in_them() {
        for (packed, volume) in [(X86_64, X86_64_VOLUME), (AARCH64, AARCH64_VOLUME)] {
            // A build without agents carries nothing, not even something packed.
            let program = if packed.is_empty() {
                Vec::new()
            } else {
                unpacked(packed).unwrap()
            };
            assert_eq!(volume, format!("{VOLUMES}{}", short(&program)));
            assert!(is_volume(volume));
        }
        assert_eq!(unpacked(b"rubbish").unwrap_err().code, ErrorCode::AgentMissing);
    }
}
