//! What the engine is asked for beside image, command and workspace: engine-neutral, plain data.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::Serialize;

use crate::mounts::{Bind, Mount};
use crate::ports::PortMapping;
use crate::quantities::Ulimit;

/// Where the value of an environment variable comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum EnvValue {
    /// Written in the configuration.
    Literal(String),
    /// Taken from the environment of the host; left out where it is not set there.
    FromHost,
}

/// A host device given to the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Device {
    /// Path on the host.
    pub host: String,
    /// Path in the container.
    pub container: String,
    /// Any of `r`, `w`, `m`.
    pub permissions: String,
}

/// A limit on one block device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceRate {
    /// Path of the device on the host.
    pub path: String,
    /// Bytes or operations per second, or the weight, by the field that holds it.
    pub rate: u64,
}

/// A request for devices that a driver of the engine hands out (graphics cards, CDI devices).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DeviceRequest {
    /// The driver; empty lets the engine choose.
    pub driver: String,
    /// How many; -1 is all. Zero when ids are given.
    pub count: i64,
    /// Which ones.
    pub device_ids: Vec<String>,
    /// What they must be able to do; `gpu` is always among them for graphics cards.
    pub capabilities: Vec<String>,
    /// Options of the driver.
    pub options: BTreeMap<String, String>,
}

/// One network that the container joins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NetworkAttachment {
    /// Name or mode: `bridge`, `host`, `none`, `container:<name>`, or a network's own name.
    pub name: String,
    /// Names under which it is found on that network.
    pub aliases: Vec<String>,
    /// Fixed IPv4 address.
    pub ipv4: Option<String>,
    /// Fixed IPv6 address.
    pub ipv6: Option<String>,
    /// Link-local addresses.
    pub link_local: Vec<String>,
    /// Fixed hardware address.
    pub mac_address: Option<String>,
    /// Options of the network driver.
    pub driver_options: BTreeMap<String, String>,
    /// Which network's gateway is the default one: the highest wins.
    pub gateway_priority: Option<i64>,
}

/// What happens when the main process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartPolicy {
    /// Nothing.
    No,
    /// It is started again.
    Always,
    /// It is started again unless a person stopped it.
    UnlessStopped,
    /// It is started again after a failure, at most this often (0: no bound).
    OnFailure(u32),
}

/// When an image is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PullPolicy {
    /// Before each creation.
    Always,
    /// When it is not there.
    Missing,
    /// Never: it must be there.
    Never,
}

/// The health check; durations in nanoseconds, as engines take them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct HealthCheck {
    /// Run by the image's shell.
    pub command: Option<String>,
    /// Between two checks.
    pub interval: Option<u64>,
    /// Of one check.
    pub timeout: Option<u64>,
    /// Before failures count.
    pub start_period: Option<u64>,
    /// Between two checks during the start period.
    pub start_interval: Option<u64>,
    /// Failures in a row until unhealthy.
    pub retries: Option<u64>,
    /// Any check of the image is switched off.
    pub disabled: bool,
}

/// Everything that `docker run` flags can ask of a container.
///
/// `None` and an empty list mean "as the engine does by itself". Sizes are bytes.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RunOptions {
    /// The engine's name of the container.
    pub name: Option<String>,
    /// Environment, in order; the last of a name wins.
    pub env: IndexMap<String, EnvValue>,
    /// Files with `NAME=value` lines, paths as written.
    pub env_files: Vec<String>,
    /// Labels.
    pub labels: IndexMap<String, String>,
    /// Files with labels, paths as written.
    pub label_files: Vec<String>,
    /// Annotations of the runtime.
    pub annotations: IndexMap<String, String>,
    /// Published ports.
    pub ports: Vec<PortMapping>,
    /// All exposed ports are published on free host ports.
    pub publish_all: bool,
    /// Ports and ranges that are exposed without publishing, as `8000-8010/tcp`.
    pub expose: Vec<String>,
    /// Mounts in the long form.
    pub mounts: Vec<Mount>,
    /// Mounts in the short form (`-v`), which makes a missing host folder.
    pub binds: Vec<Bind>,
    /// Containers whose volumes are mounted too.
    pub volumes_from: Vec<String>,
    /// Driver of volumes that are made.
    pub volume_driver: Option<String>,
    /// Memory file systems: path to options.
    pub tmpfs: IndexMap<String, String>,
    /// The root file system is read-only.
    pub read_only: bool,
    /// Options of the storage driver.
    pub storage_options: IndexMap<String, String>,
    /// Added capabilities.
    pub cap_add: Vec<String>,
    /// Dropped capabilities.
    pub cap_drop: Vec<String>,
    /// Security options as the engine takes them; `seccomp=` holds a path until planning reads it.
    pub security_opt: Vec<String>,
    /// Masked and read-only system paths are laid open (`systempaths=unconfined`).
    pub unmask_system_paths: bool,
    /// All rights.
    pub privileged: bool,
    /// Host devices.
    pub devices: Vec<Device>,
    /// Devices handed out by drivers.
    pub device_requests: Vec<DeviceRequest>,
    /// Rules of the device control group.
    pub device_cgroup_rules: Vec<String>,
    /// Networks; empty is the profile's own.
    pub networks: Vec<NetworkAttachment>,
    /// Name servers.
    pub dns: Vec<String>,
    /// Resolver options.
    pub dns_options: Vec<String>,
    /// Search domains.
    pub dns_search: Vec<String>,
    /// Extra lines of the hosts file, as `name:address`.
    pub extra_hosts: Vec<String>,
    /// Host name inside.
    pub hostname: Option<String>,
    /// Domain name inside.
    pub domainname: Option<String>,
    /// IPC namespace: `private`, `shareable`, `host`, `container:<name>`, `none`.
    pub ipc: Option<String>,
    /// Process namespace: `host` or `container:<name>`.
    pub pid: Option<String>,
    /// UTS namespace: `host`.
    pub uts: Option<String>,
    /// User namespace: `host`, or the modes of Podman.
    pub userns: Option<String>,
    /// Control group namespace: `host` or `private`.
    pub cgroupns: Option<String>,
    /// Parent control group.
    pub cgroup_parent: Option<String>,
    /// Limits of the processes.
    pub ulimits: Vec<Ulimit>,
    /// Kernel parameters.
    pub sysctls: IndexMap<String, String>,
    /// Memory limit.
    pub memory: Option<i64>,
    /// Soft memory limit.
    pub memory_reservation: Option<i64>,
    /// Memory and swap together; -1 is unlimited.
    pub memory_swap: Option<i64>,
    /// 0 to 100; -1 is the kernel's own.
    pub memory_swappiness: Option<i64>,
    /// The kernel does not kill for want of memory.
    pub oom_kill_disable: bool,
    /// -1000 to 1000.
    pub oom_score_adj: Option<i64>,
    /// Processors, in billionths.
    pub nano_cpus: Option<i64>,
    /// Relative share of processors.
    pub cpu_shares: Option<i64>,
    /// Scheduler period, in microseconds.
    pub cpu_period: Option<i64>,
    /// Scheduler quota, in microseconds.
    pub cpu_quota: Option<i64>,
    /// Real-time period, in microseconds.
    pub cpu_rt_period: Option<i64>,
    /// Real-time runtime, in microseconds.
    pub cpu_rt_runtime: Option<i64>,
    /// Which processors.
    pub cpuset_cpus: Option<String>,
    /// Which memory nodes.
    pub cpuset_mems: Option<String>,
    /// Processes at most; -1 is unlimited.
    pub pids_limit: Option<i64>,
    /// Relative weight of block I/O, 10 to 1000; 0 switches it off.
    pub blkio_weight: Option<u16>,
    /// Weight by device.
    pub blkio_weight_devices: Vec<DeviceRate>,
    /// Bytes read per second, by device.
    pub device_read_bps: Vec<DeviceRate>,
    /// Bytes written per second, by device.
    pub device_write_bps: Vec<DeviceRate>,
    /// Reads per second, by device.
    pub device_read_iops: Vec<DeviceRate>,
    /// Writes per second, by device.
    pub device_write_iops: Vec<DeviceRate>,
    /// Size of `/dev/shm`.
    pub shm_size: Option<i64>,
    /// An init process reaps.
    pub init: bool,
    /// Standard input stays open.
    pub stdin_open: bool,
    /// The main process has a terminal.
    pub tty: bool,
    /// User of the main process, `name|uid[:group|gid]`.
    pub user: Option<String>,
    /// Groups beside the user's own.
    pub group_add: Vec<String>,
    /// Working directory of the main process.
    pub workdir: Option<String>,
    /// Entrypoint; empty clears that of the image.
    pub entrypoint: Option<String>,
    /// `os/arch[/variant]` of the image.
    pub platform: Option<String>,
    /// When the image is fetched.
    pub pull: Option<PullPolicy>,
    /// Low-level runtime.
    pub runtime: Option<String>,
    /// What happens when the main process ends.
    pub restart: Option<RestartPolicy>,
    /// Log driver.
    pub log_driver: Option<String>,
    /// Options of the log driver.
    pub log_options: IndexMap<String, String>,
    /// Health check.
    pub health: Option<HealthCheck>,
    /// Signal that stops the main process.
    pub stop_signal: Option<String>,
    /// Seconds until it is killed; -1 waits for ever.
    pub stop_timeout: Option<i64>,
}
