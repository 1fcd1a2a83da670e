//! The plan: everything that the core needs to make the container, engine-neutral.

use std::path::PathBuf;

use indexmap::IndexMap;

use crate::config::{ShutdownAction, UserEnvProbe};
use crate::hooks::{Hook, HookKind};
use crate::host::HostRequirements;
use crate::mounts::Mount;
use crate::run::RunOptions;

/// Where the image comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum ImageSource {
    /// It is pulled unless it is there.
    Image(String),
    /// It is built.
    Build(Box<BuildPlan>),
}

/// How the image is built. Paths are absolute.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BuildPlan {
    /// The Dockerfile.
    pub dockerfile: PathBuf,
    /// The context.
    pub context: PathBuf,
    /// Build arguments; `None` takes the value from the host's environment.
    pub args: IndexMap<String, Option<String>>,
    /// The stage.
    pub target: Option<String>,
    /// Images whose layers are reused.
    pub cache_from: Vec<String>,
    /// Labels of the image.
    pub labels: IndexMap<String, String>,
    /// Names of the image beside ours.
    pub tags: Vec<String>,
    /// `os/arch[/variant]`.
    pub platform: Option<String>,
    /// No layer is reused.
    pub no_cache: bool,
    /// Stages of which no layer is reused.
    pub no_cache_filter: Vec<String>,
    /// Base images are pulled even where they are there.
    pub pull: bool,
    /// Network of the `RUN` instructions.
    pub network: Option<String>,
    /// Extra lines of the hosts file, as `name:address`.
    pub extra_hosts: Vec<String>,
    /// Bytes of `/dev/shm`.
    pub shm_size: Option<i64>,
    /// Secrets, in the notation of `--secret`.
    pub secrets: Vec<BuildSecret>,
    /// SSH agents and keys, in the notation of `--ssh`: id and sockets or keys.
    pub ssh: Vec<BuildSsh>,
    /// Further contexts by name: path, URL or `docker-image://…`.
    pub contexts: IndexMap<String, String>,
    /// Limits of the `RUN` instructions.
    pub ulimits: Vec<crate::quantities::Ulimit>,
    /// Memory limit of the classic builder, in bytes.
    pub memory: Option<i64>,
    /// Parent control group.
    pub cgroup_parent: Option<String>,
}

/// A secret of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildSecret {
    /// Its name in `RUN --mount=type=secret,id=…`.
    pub id: String,
    /// Where it comes from.
    pub source: BuildSecretSource,
}

/// Where a secret of a build comes from; the value itself is read when the build runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BuildSecretSource {
    /// A file, absolute.
    File(PathBuf),
    /// A variable of the host's environment.
    Env(String),
}

/// An SSH agent of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildSsh {
    /// Its name in `RUN --mount=type=ssh,id=…`; `default` where none was given.
    pub id: String,
    /// Sockets or key files, absolute; empty takes the host's `SSH_AUTH_SOCK`.
    pub paths: Vec<PathBuf>,
}

/// A property that is kept although its effect comes later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The property.
    pub property: &'static str,
    /// One line for people.
    pub text: String,
}

/// Everything that the core needs to make the container.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerPlan {
    /// Name for people.
    pub name: Option<String>,
    /// Where the image comes from.
    pub source: ImageSource,
    /// Where commands and sessions start; absolute in the container.
    pub workspace_folder: String,
    /// How the workspace is mounted; `None` mounts nothing.
    pub workspace_mount: Option<Mount>,
    /// All else that the engine is asked for: environment, mounts beside the workspace, ports (loopback unless
    /// stated), rights, limits, and the container's user as `user`.
    pub run: RunOptions,
    /// The user of tools and commands; `None` is the container's user.
    pub remote_user: Option<String>,
    /// Ids of the user are aligned with those of the local user.
    pub update_remote_user_uid: bool,
    /// The main process is ours and waits; else it is the image's.
    pub override_command: bool,
    /// Scripts that run before the main process, in order.
    pub entrypoints: Vec<String>,
    /// How the user's environment is found out.
    pub user_env_probe: UserEnvProbe,
    /// Environment of tools and commands, over the probed one; `None` unsets. `${containerEnv:…}` is not yet filled in:
    /// [`crate::variables::container_env_substitute`] does that when the container runs.
    pub remote_env: IndexMap<String, Option<String>>,
    /// On the host, before the start.
    pub initialize: Option<Hook>,
    /// In the container, in the order in which they run. `${containerEnv:…}` is not yet filled in.
    pub hooks: Vec<Hook>,
    /// Which of them a tool waits for.
    pub wait_for: HookKind,
    /// What the host must have.
    pub host_requirements: HostRequirements,
    /// What happens when the tool is closed.
    pub shutdown_action: Option<ShutdownAction>,
    /// Properties whose effect comes later.
    pub notices: Vec<Notice>,
    /// The `devcontainer.metadata` label.
    pub metadata_label: String,
}
