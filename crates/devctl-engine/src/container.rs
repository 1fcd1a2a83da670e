//! Containers: what is asked for, and what an engine knows about one.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use time::OffsetDateTime;

/// A container to make: everything that `docker run` can say, in the engine's own units.
///
/// An empty list and `None` mean "not said": the image's or the engine's own value holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CreateRequest {
    /// `None` lets the engine make one up.
    pub name: Option<String>,
    pub image: String,
    /// `linux/arm64`.
    pub platform: Option<String>,
    /// `Some(vec![])` takes the image's entrypoint away.
    pub entrypoint: Option<Vec<String>>,
    /// `None` keeps the image's.
    pub cmd: Option<Vec<String>>,
    /// Added to and over the image's. Two entries of one name: the last one holds.
    pub env: Vec<(String, String)>,
    pub labels: BTreeMap<String, String>,
    pub user: Option<String>,
    pub workdir: Option<String>,
    pub hostname: Option<String>,
    pub domainname: Option<String>,
    pub mac_address: Option<String>,
    /// A terminal for the main process.
    pub tty: bool,
    /// Keep the standard input of the main process open.
    pub open_stdin: bool,
    /// `SIGTERM`, `15`.
    pub stop_signal: Option<String>,
    /// How long the engine waits between the stop signal and the kill.
    pub stop_timeout: Option<Duration>,
    pub healthcheck: Option<Healthcheck>,
    /// `8080/tcp`: announced, not published.
    pub exposed_ports: Vec<String>,

    pub mounts: Vec<MountSpec>,
    /// In the syntax of `-v`; for what [`CreateRequest::mounts`] cannot say (`:z`, `:Z`, `nocopy`).
    pub binds: Vec<String>,
    /// Container names or ids, with `:ro` or `:rw`.
    pub volumes_from: Vec<String>,
    pub volume_driver: Option<String>,
    /// Path and mount options: `/run` → `rw,size=64m`.
    pub tmpfs: BTreeMap<String, String>,

    /// `None` for the engine's own default network.
    pub network: Option<NetworkRequest>,
    pub ports: Vec<PortBinding>,
    pub publish_all_ports: bool,
    pub dns: Vec<String>,
    pub dns_options: Vec<String>,
    pub dns_search: Vec<String>,
    /// `name:address`.
    pub extra_hosts: Vec<String>,
    /// `container:alias`.
    pub links: Vec<String>,

    pub privileged: bool,
    pub cap_add: Vec<String>,
    pub cap_drop: Vec<String>,
    pub security_opt: Vec<String>,
    pub group_add: Vec<String>,
    pub read_only_rootfs: bool,
    /// `Some` replaces the paths that the engine hides (`systempaths=unconfined` is an empty list).
    pub masked_paths: Option<Vec<String>>,
    pub readonly_paths: Option<Vec<String>>,
    /// `host`, `private`, `shareable`, `none`, `container:ID`.
    pub ipc_mode: Option<String>,
    /// `host`, `container:ID`.
    pub pid_mode: Option<String>,
    /// `host`, and for Podman `keep-id` and others.
    pub userns_mode: Option<String>,
    /// `host`.
    pub uts_mode: Option<String>,
    /// `host`, `private`.
    pub cgroupns_mode: Option<String>,
    pub cgroup_parent: Option<String>,
    pub runtime: Option<String>,
    pub isolation: Option<String>,
    /// A small init as process 1, which collects orphans.
    pub init: Option<bool>,

    /// In bytes.
    pub memory: Option<i64>,
    /// In bytes, together with the memory; -1 for no limit.
    pub memory_swap: Option<i64>,
    pub memory_reservation: Option<i64>,
    /// 0 to 100.
    pub memory_swappiness: Option<i64>,
    /// In thousand millionths of a processor.
    pub nano_cpus: Option<i64>,
    pub cpu_shares: Option<i64>,
    /// In microseconds.
    pub cpu_period: Option<i64>,
    /// In microseconds.
    pub cpu_quota: Option<i64>,
    pub cpu_rt_period: Option<i64>,
    pub cpu_rt_runtime: Option<i64>,
    /// `0-2,4`.
    pub cpuset_cpus: Option<String>,
    pub cpuset_mems: Option<String>,
    /// 10 to 1000.
    pub blkio_weight: Option<u16>,
    /// Path and weight.
    pub blkio_weight_device: Vec<(String, u64)>,
    /// Path and bytes per second.
    pub device_read_bps: Vec<(String, i64)>,
    pub device_write_bps: Vec<(String, i64)>,
    /// Path and operations per second.
    pub device_read_iops: Vec<(String, i64)>,
    pub device_write_iops: Vec<(String, i64)>,
    /// -1 for no limit.
    pub pids_limit: Option<i64>,
    pub oom_kill_disable: Option<bool>,
    /// -1000 to 1000.
    pub oom_score_adj: Option<i64>,
    /// In bytes.
    pub shm_size: Option<i64>,
    pub ulimits: Vec<Ulimit>,
    /// `nofile` as high as the engine may set it, but not higher than this. Has no effect where
    /// [`CreateRequest::ulimits`] names `nofile`.
    pub nofile_at_most: Option<u64>,
    pub sysctls: BTreeMap<String, String>,
    pub storage_opt: BTreeMap<String, String>,

    pub devices: Vec<Device>,
    pub device_cgroup_rules: Vec<String>,
    pub device_requests: Vec<DeviceRequest>,
    pub log: Option<LogConfig>,
    pub restart: Option<RestartPolicy>,
    /// Remove the container when it stops.
    pub auto_remove: bool,
    /// OCI annotations.
    pub annotations: BTreeMap<String, String>,
}

/// What a mount shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MountKind {
    Bind,
    Volume,
    Tmpfs,
    Image,
    NamedPipe,
}

/// How mounts made later pass a bind mount's border.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Propagation {
    Private,
    RPrivate,
    Shared,
    RShared,
    Slave,
    RSlave,
}

/// A mount to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountSpec {
    pub kind: MountKind,
    /// A path of the engine's machine, a volume's name, or nothing for an anonymous volume and a tmpfs.
    pub source: Option<String>,
    pub target: String,
    pub read_only: bool,
    /// `consistent`, `cached`, `delegated`: a hint for Docker Desktop on macOS.
    pub consistency: Option<String>,
    /// Of bind mounts.
    pub propagation: Option<Propagation>,
    /// Of bind mounts: leave out what is mounted below the source.
    pub non_recursive: bool,
    /// Of bind mounts: make the source where it is missing (API 1.42).
    pub create_source: bool,
    /// Of volumes: do not copy what the image has at the target.
    pub no_copy: bool,
    /// Of volumes.
    pub labels: BTreeMap<String, String>,
    /// Of volumes.
    pub driver: Option<String>,
    /// Of volumes.
    pub driver_options: BTreeMap<String, String>,
    /// Of volumes: a directory inside (API 1.45).
    pub subpath: Option<String>,
    /// Of tmpfs, in bytes.
    pub tmpfs_size: Option<i64>,
    /// Of tmpfs, such as 0o1777.
    pub tmpfs_mode: Option<u32>,
}

impl MountSpec {
    /// A mount with nothing but kind, source and target.
    pub fn new(kind: MountKind, source: Option<String>, target: impl Into<String>) -> Self {
        Self {
            kind,
            source,
            target: target.into(),
            read_only: false,
            consistency: None,
            propagation: None,
            non_recursive: false,
            create_source: false,
            no_copy: false,
            labels: BTreeMap::new(),
            driver: None,
            driver_options: BTreeMap::new(),
            subpath: None,
            tmpfs_size: None,
            tmpfs_mode: None,
        }
    }
}

/// The network that a container is made in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetworkRequest {
    /// A network's name or id, or `none`, `host`, `bridge`, `container:ID`.
    pub mode: String,
    pub aliases: Vec<String>,
    pub ipv4: Option<String>,
    pub ipv6: Option<String>,
    pub link_local: Vec<String>,
    pub driver_options: BTreeMap<String, String>,
}

/// The transport of a published port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PortProtocol {
    Tcp,
    Udp,
    Sctp,
}

impl PortProtocol {
    /// As the engine writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }
}

/// A port to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortBinding {
    pub container_port: u16,
    pub protocol: PortProtocol,
    /// `None` listens on all addresses: say 127.0.0.1.
    pub host_ip: Option<IpAddr>,
    /// `None` for a free one.
    pub host_port: Option<u16>,
    /// The last port of the range of host ports from which the engine takes a free one.
    pub host_port_end: Option<u16>,
}

/// A device of the engine's machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    pub path_on_host: String,
    pub path_in_container: String,
    /// Of `rwm`.
    pub permissions: String,
}

/// Devices that a driver chooses, as `--gpus` says it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DeviceRequest {
    pub driver: Option<String>,
    /// -1 for all.
    pub count: Option<i64>,
    pub device_ids: Vec<String>,
    /// Any of these lists of which all are needed.
    pub capabilities: Vec<Vec<String>>,
    pub options: BTreeMap<String, String>,
}

/// Where the main process's output goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogConfig {
    pub driver: String,
    pub options: BTreeMap<String, String>,
}

/// When the engine starts a container again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartPolicy {
    No,
    Always,
    UnlessStopped,
    /// With the highest number of tries; zero for no end.
    OnFailure(u32),
}

/// A resource limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ulimit {
    pub name: String,
    pub soft: i64,
    pub hard: i64,
}

/// How an engine finds out whether a container is healthy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Healthcheck {
    /// `["NONE"]`, `["CMD", …]` or `["CMD-SHELL", …]`; empty keeps the image's.
    pub test: Vec<String>,
    pub interval: Option<Duration>,
    pub timeout: Option<Duration>,
    pub retries: Option<u32>,
    pub start_period: Option<Duration>,
    /// API 1.44.
    pub start_interval: Option<Duration>,
}

/// A container that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    pub id: String,
    pub warnings: Vec<String>,
}

/// What to do with what belongs to a container that goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RemoveOptions {
    /// Its anonymous volumes go too.
    pub volumes: bool,
    /// Kill it when it runs.
    pub force: bool,
}

/// Which containers are listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerFilter {
    /// Those that do not run too.
    pub all: bool,
    /// `key` or `key=value`, all of them.
    pub labels: Vec<String>,
    /// Any of these names (exact).
    pub names: Vec<String>,
}

/// Where a container is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContainerStatus {
    Created,
    Running,
    Paused,
    Restarting,
    Removing,
    Exited,
    Dead,
}

/// What the health check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HealthState {
    Starting,
    Healthy,
    Unhealthy,
}

/// The present state of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerState {
    pub status: ContainerStatus,
    /// Of the last run; `None` when it never ran or runs.
    pub exit_code: Option<i64>,
    pub oom_killed: bool,
    /// Why the last start failed; empty when it did not.
    pub error: String,
    /// Of the main process, on the engine's machine.
    pub pid: Option<i64>,
    pub started_at: Option<OffsetDateTime>,
    pub finished_at: Option<OffsetDateTime>,
    pub health: Option<HealthState>,
}

impl ContainerState {
    /// Whether processes can be started in it.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.status == ContainerStatus::Running
    }
}

/// A port that is published.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublishedPort {
    pub container_port: u16,
    pub protocol: PortProtocol,
    /// `None` for a port that is only announced.
    pub host_ip: Option<IpAddr>,
    pub host_port: Option<u16>,
}

/// A mount that a container has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountPoint {
    pub kind: MountKind,
    /// Of volumes.
    pub name: Option<String>,
    pub source: String,
    pub target: String,
    pub read_only: bool,
}

/// A container's place in a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkAttachment {
    pub network: String,
    pub network_id: String,
    /// Empty while the container is stopped.
    pub ipv4: String,
    pub ipv6: String,
    pub gateway: String,
    pub mac_address: String,
    pub aliases: Vec<String>,
}

/// One row of the list of containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerSummary {
    pub id: String,
    /// Without the leading slash.
    pub name: String,
    /// As it was named at creation.
    pub image: String,
    pub image_id: String,
    pub status: ContainerStatus,
    /// In words: "Up 2 hours (healthy)".
    pub status_text: String,
    pub created: Option<OffsetDateTime>,
    pub labels: BTreeMap<String, String>,
    pub ports: Vec<PublishedPort>,
    pub mounts: Vec<MountPoint>,
    pub networks: Vec<String>,
}

/// How a file differs from the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    Modified,
    Added,
    Deleted,
}

/// A file that differs from the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Absolute path in the container.
    pub path: String,
    pub kind: ChangeKind,
}

/// What an engine knows about one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerDetails {
    pub id: String,
    /// Without the leading slash.
    pub name: String,
    /// As it was named at creation.
    pub image: String,
    pub image_id: String,
    pub created: Option<OffsetDateTime>,
    pub state: ContainerState,
    pub restart_count: i64,
    pub labels: BTreeMap<String, String>,
    /// `NAME=value`, the image's and the container's own.
    pub env: Vec<String>,
    /// Empty for root.
    pub user: String,
    pub workdir: String,
    pub hostname: String,
    pub entrypoint: Vec<String>,
    pub cmd: Vec<String>,
    pub tty: bool,
    pub mounts: Vec<MountPoint>,
    pub networks: Vec<NetworkAttachment>,
    pub ports: Vec<PublishedPort>,
    pub network_mode: String,
    pub privileged: bool,
    pub cap_add: Vec<String>,
    pub cap_drop: Vec<String>,
    pub security_opt: Vec<String>,
    pub init: bool,
    /// In bytes; zero for no limit.
    pub memory: i64,
    pub nano_cpus: i64,
    pub pids_limit: Option<i64>,
    pub restart: RestartPolicy,
    /// `linux`.
    pub platform: String,
    /// Paths on the engine's machine.
    pub log_path: String,
}
