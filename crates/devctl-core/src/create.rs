//! From a plan to what the engine is asked for, with the `standard` profile where the plan says nothing.

use crate::labels;
use crate::source::Definition;
use devctl_engine::{
    CreateRequest, Device, DeviceRequest, EngineInfo, EngineKind, Healthcheck, LogConfig, MountKind,
    MountSpec, NetworkRequest, PortBinding, PortProtocol, Propagation, RestartPolicy, Ulimit,
};
use devctl_model::{ErrorCode, Problem};
use devctl_spec::mounts::{Bind, Mount, MountKind as PlannedMount};
use devctl_spec::plan::ContainerPlan;
use devctl_spec::ports::{PortMapping, Protocol};
use devctl_spec::run::{RestartPolicy as PlannedRestart, RunOptions};
use std::time::Duration;

/// Capabilities of the `standard` profile: what `sudo`, `apt`, `chown` and a login need, and nothing for the network's
/// raw packets, for devices, or for giving capabilities away.
const STANDARD_CAPABILITIES: [&str; 11] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "SETUID",
    "SETGID",
    "SETFCAP",
    "KILL",
    "AUDIT_WRITE",
    "SYS_CHROOT",
    "NET_BIND_SERVICE",
];
/// Memory of a container at most, unless somebody says otherwise.
const MEMORY_AT_MOST: u64 = 8 * 1024 * 1024 * 1024;
/// File descriptors, where the engine may give so many.
const NOFILE: u64 = 65_536;

/// What of a container is not in its plan.
pub(crate) struct Surroundings<'a> {
    pub(crate) definition: &'a Definition,
    /// The label of volumes that are copies.
    pub(crate) volumes: Option<String>,
    pub(crate) info: &'a EngineInfo,
    pub(crate) alias: &'a str,
    pub(crate) image: &'a str,
    pub(crate) remote_user: &'a str,
    /// What its own network is called after.
    pub(crate) network: &'a str,
    pub(crate) trust: &'a str,
    pub(crate) metadata: &'a str,
    pub(crate) agent: MountSpec,
    pub(crate) memory_mib: u64,
    pub(crate) pids: i64,
}

/// What the engine is asked for.
pub(crate) fn request(plan: &ContainerPlan, about: &Surroundings<'_>) -> Result<CreateRequest, Problem> {
    let run = &plan.run;
    refuse_what_is_ours(plan)?;
    let mut request = CreateRequest {
        name: Some(
            run.name
                .clone()
                .unwrap_or_else(|| crate::naming::engine_name(about.alias)),
        ),
        image: about.image.to_owned(),
        env: plan.env.clone().into_iter().collect(),
        user: run.user.clone(),
        workdir: run.workdir.clone(),
        hostname: Some(run.hostname.clone().unwrap_or_else(|| about.alias.to_owned()))
            .filter(|_| run.uts.is_none() && !shares_network(run)),
        domainname: run.domainname.clone(),
        tty: run.tty,
        open_stdin: run.stdin_open,
        stop_signal: run.stop_signal.clone(),
        stop_timeout: run
            .stop_timeout
            .and_then(|seconds| u64::try_from(seconds).ok())
            .map(Duration::from_secs),
        healthcheck: run.health.as_ref().map(health),
        exposed_ports: run.expose.clone(),
        volumes_from: run.volumes_from.clone(),
        volume_driver: run.volume_driver.clone(),
        tmpfs: run.tmpfs.clone().into_iter().collect(),
        publish_all_ports: run.publish_all,
        dns: run.dns.clone(),
        dns_options: run.dns_options.clone(),
        dns_search: run.dns_search.clone(),
        extra_hosts: run.extra_hosts.clone(),
        privileged: run.privileged,
        group_add: run.group_add.clone(),
        read_only_rootfs: run.read_only,
        ipc_mode: run.ipc.clone(),
        pid_mode: run.pid.clone(),
        userns_mode: userns(plan, about),
        uts_mode: run.uts.clone(),
        cgroupns_mode: run.cgroupns.clone(),
        cgroup_parent: run.cgroup_parent.clone(),
        runtime: run.runtime.clone(),
        platform: run.platform.clone(),
        sysctls: run.sysctls.clone().into_iter().collect(),
        storage_opt: run.storage_options.clone().into_iter().collect(),
        device_cgroup_rules: run.device_cgroup_rules.clone(),
        annotations: run.annotations.clone().into_iter().collect(),
        shm_size: run.shm_size,
        restart: run.restart.map(restart),
        labels: container_labels(plan, about),
        ..CreateRequest::default()
    };
    if run.unmask_system_paths {
        request.masked_paths = Some(Vec::new());
        request.readonly_paths = Some(Vec::new());
    }
    rights(&mut request, plan, about);
    limits(&mut request, plan, about);
    network(&mut request, run, about)?;
    request.ports = run.ports.iter().map(port).collect::<Result<_, _>>()?;
    request.mounts = plan
        .workspace_mount
        .iter()
        .chain(&run.mounts)
        .map(mount)
        .collect::<Result<_, _>>()?;
    request.mounts.push(about.agent.clone());
    request.mounts.push(crate::secrets::give::mount());
    request.binds = run.binds.iter().map(bind).collect();
    request.devices = run
        .devices
        .iter()
        .map(|device| Device {
            path_on_host: device.host.clone(),
            path_in_container: device.container.clone(),
            permissions: device.permissions.clone(),
        })
        .collect();
    request.device_requests = run
        .device_requests
        .iter()
        .map(|wanted| DeviceRequest {
            driver: Some(wanted.driver.clone()).filter(|driver| !driver.is_empty()),
            count: Some(wanted.count).filter(|_| wanted.device_ids.is_empty()),
            device_ids: wanted.device_ids.clone(),
            capabilities: vec![wanted.capabilities.clone()],
            options: wanted.options.clone(),
        })
        .collect();
    // A wish for a graphics card asks for all of them, where the engine can give any.
    if plan.host_requirements.gpu.is_wanted() && about.info.gpus && request.device_requests.is_empty() {
        request.device_requests.push(DeviceRequest {
            count: Some(-1),
            capabilities: vec![vec!["gpu".to_owned()]],
            ..DeviceRequest::default()
        });
    }
    main_process(&mut request, plan, about.info.kind);
    Ok(request)
}

/// Whether a container has this mount from us: the agent, and the folder of its secrets.
pub(crate) fn is_mount_of_ours(target: &str) -> bool {
    [crate::agent::MOUNT, devctl_agent_protocol::SECRETS_FOLDER].contains(&target)
}

/// The agent's volume, from which every container runs, and the labels by which containers are found are no
/// configuration's to give.
fn refuse_what_is_ours(plan: &ContainerPlan) -> Result<(), Problem> {
    let run = &plan.run;
    let mounted = plan.workspace_mount.iter().chain(&run.mounts);
    let sources = mounted
        .filter(|mount| mount.kind == PlannedMount::Volume)
        .filter_map(|mount| mount.source.as_deref())
        .chain(run.binds.iter().filter_map(|bind| bind.source.as_deref()));
    if let Some(volume) = sources.into_iter().find(|source| crate::agent::is_volume(source)) {
        return Err(Problem::new(
            ErrorCode::ConfigInvalid,
            format!(
                "the volume {volume} is the agent's, which other containers run from: it cannot be mounted"
            ),
        )
        .fix("Leave the mount out of the configuration"));
    }
    let targets = plan.workspace_mount.iter().chain(&run.mounts);
    let targets = targets
        .map(|mount| mount.target.as_str())
        .chain(run.binds.iter().map(|bind| bind.target.as_str()))
        .chain(run.tmpfs.keys().map(String::as_str));
    if let Some(target) = targets
        .into_iter()
        .find(|target| is_mount_of_ours(target.trim_end_matches('/')))
    {
        return Err(Problem::new(
            ErrorCode::ConfigInvalid,
            format!("{target} is where devctl puts what is its own: nothing else can be mounted there"),
        )
        .fix("Mount it somewhere else"));
    }
    if let Some(label) = run.labels.keys().find(|key| key.starts_with(labels::OURS)) {
        return Err(Problem::new(
            ErrorCode::UnsupportedRunArg,
            format!("the label {label} in runArgs is one of devctl's own"),
        )
        .fix("Choose another name for the label"));
    }
    Ok(())
}

/// What the container runs: our process that waits, or the image's own.
fn main_process(request: &mut CreateRequest, plan: &ContainerPlan, kind: EngineKind) {
    let hold = [
        devctl_agent_protocol::AGENT_PATH.to_owned(),
        devctl_agent_protocol::HOLD_ARGUMENT.to_owned(),
    ];
    if plan.override_command {
        let mut command = hold.to_vec();
        if !plan.entrypoints.is_empty() {
            // Scripts of the image's metadata run first, one after the other, as in the reference.
            let script = format!("{}\nexec \"$@\"", plan.entrypoints.join("\n"));
            command = ["/bin/sh".to_owned(), "-c".to_owned(), script, "-".to_owned()]
                .into_iter()
                .chain(hold)
                .collect();
        }
        request.entrypoint = Some(vec![command.remove(0)]);
        request.cmd = Some(command);
        // It ends at once when it gets this one; an image may name a signal for another main process.
        request.stop_signal = Some("SIGTERM".to_owned());
        // It reaps what ends.
        request.init = Some(plan.run.init);
    } else {
        request.entrypoint = plan.run.entrypoint.clone().map(|entrypoint| vec![entrypoint]);
        // Podman brings no init of its own: it is used only where somebody asks for one.
        request.init = Some(plan.run.init || kind == EngineKind::Docker);
    }
}

fn container_labels(
    plan: &ContainerPlan,
    about: &Surroundings<'_>,
) -> std::collections::BTreeMap<String, String> {
    let mut all: std::collections::BTreeMap<String, String> = plan.run.labels.clone().into_iter().collect();
    all.extend(about.definition.identity.clone());
    let source = about.definition.source.text();
    let kind = match about.definition.source.kind() {
        devctl_model::SourceKind::Folder => "folder",
        devctl_model::SourceKind::Image => "image",
    };
    let profile = if plan.run.privileged || about.trust_is_given() {
        "trusted"
    } else {
        "standard"
    };
    let ours = [
        (labels::MANAGED, labels::SCHEME),
        (labels::NAME, about.alias),
        (labels::TITLE, &about.definition.title),
        (labels::SOURCE_KIND, kind),
        (labels::SOURCE, &source),
        (labels::CONFIG_HASH, &about.definition.hash),
        (labels::REMOTE_USER, about.remote_user),
        (labels::WORKSPACE_FOLDER, &plan.workspace_folder),
        (labels::PROFILE, profile),
        (labels::TRUST, about.trust),
        (labels::REFERENCE_METADATA, about.metadata),
    ];
    let chosen = plan.run.name.as_deref();
    let snapshot = crate::life::drift::Snapshot::of(about.definition).label();
    let looks_like_ours = chosen.filter(|name| crate::naming::looks_like_ours(name));
    let more = [
        (labels::CONFIG, snapshot.as_deref()),
        (labels::VOLUMES, about.volumes.as_deref()),
        (labels::ENGINE_NAME, looks_like_ours),
        (
            labels::NETWORK,
            Some(about.network).filter(|network| *network != about.alias),
        ),
    ];
    let more = more.into_iter().filter_map(|(key, value)| Some((key, value?)));
    all.extend(
        ours.into_iter()
            .chain(more)
            .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    all
}

impl Surroundings<'_> {
    fn trust_is_given(&self) -> bool {
        self.trust != devctl_spec::trust::trust_hash(&[])
    }
}

fn rights(request: &mut CreateRequest, plan: &ContainerPlan, about: &Surroundings<'_>) {
    let run = &plan.run;
    request.security_opt.clone_from(&run.security_opt);
    if run.privileged {
        return;
    }
    let bare = |name: &String| name.to_uppercase().trim_start_matches("CAP_").to_owned();
    let dropped: Vec<String> = run.cap_drop.iter().map(bare).collect();
    let mut added: Vec<String> = STANDARD_CAPABILITIES
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    if dropped.iter().any(|name| name == "ALL") {
        added.clear();
    }
    added.retain(|name| !dropped.contains(name));
    for name in run.cap_add.iter().map(bare) {
        if !added.contains(&name) {
            added.push(name);
        }
    }
    request.cap_drop = vec!["ALL".to_owned()];
    request.cap_add = added;
    let says = |start: &str| run.security_opt.iter().any(|option| option.starts_with(start));
    match about.info.kind {
        // A daemon may switch it on by default, and then sudo fails.
        EngineKind::Docker if !says("no-new-privileges") => {
            request.security_opt.push("no-new-privileges=false".to_owned());
        }
        // Bind mounts of a home directory are not relabelled for SELinux: that would change files of the user.
        EngineKind::Podman if !says("label") => request.security_opt.push("label=disable".to_owned()),
        _ => {}
    }
}

fn userns(plan: &ContainerPlan, about: &Surroundings<'_>) -> Option<String> {
    let asked = plan.run.userns.clone();
    let rootless_podman = about.info.kind == EngineKind::Podman && about.info.rootless;
    // A person's files belong to the same person inside; root stays root.
    let keep = rootless_podman && !matches!(about.remote_user, "root" | "0");
    asked.or_else(|| keep.then(|| "keep-id".to_owned()))
}

fn limits(request: &mut CreateRequest, plan: &ContainerPlan, about: &Surroundings<'_>) {
    let run = &plan.run;
    let wished = plan.host_requirements.memory;
    let standard = match about.memory_mib {
        0 => (about.info.memory / 2).min(MEMORY_AT_MOST),
        mib => mib * 1024 * 1024,
    };
    let standard = i64::try_from(standard.max(wished)).unwrap_or(i64::MAX);
    request.memory = run.memory.or(Some(standard).filter(|limit| *limit > 0));
    // Swap would only make a container slow before it is killed; where the plan speaks of memory, it decides alone.
    request.memory_swap = run.memory_swap.or(if run.memory.is_none() {
        request.memory
    } else {
        None
    });
    request.memory_reservation = run.memory_reservation;
    request.memory_swappiness = run.memory_swappiness;
    request.oom_kill_disable = run.oom_kill_disable.then_some(true);
    request.oom_score_adj = run.oom_score_adj;
    let cpus_said = run.nano_cpus.is_some() || run.cpu_quota.is_some() || run.cpu_period.is_some();
    let spare_one = about.info.cpus > 2 && !cpus_said;
    request.nano_cpus = run
        .nano_cpus
        .or_else(|| spare_one.then(|| i64::try_from(about.info.cpus - 1).unwrap_or(1) * 1_000_000_000));
    request.cpu_shares = run.cpu_shares;
    request.cpu_period = run.cpu_period;
    request.cpu_quota = run.cpu_quota;
    request.cpu_rt_period = run.cpu_rt_period;
    request.cpu_rt_runtime = run.cpu_rt_runtime;
    request.cpuset_cpus.clone_from(&run.cpuset_cpus);
    request.cpuset_mems.clone_from(&run.cpuset_mems);
    request.pids_limit = run.pids_limit.or(Some(about.pids));
    request.blkio_weight = run.blkio_weight;
    let signed = |rates: &[devctl_spec::run::DeviceRate]| {
        rates
            .iter()
            .map(|rate| (rate.path.clone(), i64::try_from(rate.rate).unwrap_or(i64::MAX)))
            .collect()
    };
    request.blkio_weight_device = run
        .blkio_weight_devices
        .iter()
        .map(|rate| (rate.path.clone(), rate.rate))
        .collect();
    request.device_read_bps = signed(&run.device_read_bps);
    request.device_write_bps = signed(&run.device_write_bps);
    request.device_read_iops = signed(&run.device_read_iops);
    request.device_write_iops = signed(&run.device_write_iops);
    request.ulimits = run
        .ulimits
        .iter()
        .map(|limit| Ulimit {
            name: limit.name.clone(),
            soft: limit.soft,
            hard: limit.hard,
        })
        .collect();
    if !run.ulimits.iter().any(|limit| limit.name == "nofile") {
        request.nofile_at_most = Some(NOFILE);
    }
    request.log = match (&run.log_driver, about.info.kind) {
        (Some(driver), _) => Some(LogConfig {
            driver: driver.clone(),
            options: run.log_options.clone().into_iter().collect(),
        }),
        (None, EngineKind::Docker) => {
            let mut options = std::collections::BTreeMap::from([
                ("max-size".to_owned(), "10m".to_owned()),
                ("max-file".to_owned(), "3".to_owned()),
            ]);
            options.extend(run.log_options.clone());
            Some(LogConfig {
                driver: "local".to_owned(),
                options,
            })
        }
        (None, EngineKind::Podman) if run.log_options.is_empty() => None,
        (None, EngineKind::Podman) => Some(LogConfig {
            driver: String::new(),
            options: run.log_options.clone().into_iter().collect(),
        }),
    };
}

fn shares_network(run: &RunOptions) -> bool {
    run.networks
        .first()
        .is_some_and(|network| network.name == "host" || network.name.starts_with("container:"))
}

fn network(request: &mut CreateRequest, run: &RunOptions, about: &Surroundings<'_>) -> Result<(), Problem> {
    if let [_, second, ..] = run.networks.as_slice() {
        return Err(Problem::new(
            ErrorCode::UnsupportedRunArg,
            format!(
                "a second network ({}) in runArgs cannot be joined yet",
                second.name
            ),
        )
        .fix("Join one network only"));
    }
    request.network = Some(match run.networks.first() {
        None => NetworkRequest {
            mode: crate::network::name_of(about.network),
            ..NetworkRequest::default()
        },
        Some(wanted) => {
            if wanted.gateway_priority.is_some() {
                return Err(Problem::new(
                    ErrorCode::UnsupportedRunArg,
                    "gw-priority of a network has no effect here",
                )
                .fix("Leave gw-priority out"));
            }
            request.mac_address.clone_from(&wanted.mac_address);
            NetworkRequest {
                mode: wanted.name.clone(),
                aliases: wanted.aliases.clone(),
                ipv4: wanted.ipv4.clone(),
                ipv6: wanted.ipv6.clone(),
                link_local: wanted.link_local.clone(),
                driver_options: wanted.driver_options.clone(),
            }
        }
    });
    Ok(())
}

fn port(mapping: &PortMapping) -> Result<PortBinding, Problem> {
    let refused = |what: &str| {
        Problem::new(ErrorCode::ConfigInvalid, format!("{what:?} cannot be published"))
            .fix("Correct the published port")
    };
    let host_ip = match mapping.host_ip.as_deref() {
        // Engines listen on every address of the computer when none is said; we do not.
        None | Some("localhost") => Some(std::net::Ipv4Addr::LOCALHOST.into()),
        Some(ip) => Some(ip.parse().map_err(|_| refused(ip))?),
    };
    let (host_port, host_port_end) = match mapping.host_port.as_deref() {
        None => (None, None),
        Some(text) => match text.split_once('-') {
            None => (Some(text.parse().map_err(|_| refused(text))?), None),
            Some((first, last)) => (
                Some(first.parse().map_err(|_| refused(text))?),
                Some(last.parse().map_err(|_| refused(text))?),
            ),
        },
    };
    Ok(PortBinding {
        container_port: mapping.container_port,
        protocol: match mapping.protocol {
            Protocol::Tcp => PortProtocol::Tcp,
            Protocol::Udp => PortProtocol::Udp,
            Protocol::Sctp => PortProtocol::Sctp,
        },
        host_ip,
        host_port,
        host_port_end,
    })
}

fn mount(planned: &Mount) -> Result<MountSpec, Problem> {
    let refused = |what: String| {
        Err(Problem::new(
            ErrorCode::EngineUnsupported,
            format!("the mount at {}: {what}", planned.target),
        )
        .fix("Leave it out of the configuration"))
    };
    let kind = match planned.kind {
        PlannedMount::Bind => MountKind::Bind,
        PlannedMount::Volume => MountKind::Volume,
        PlannedMount::Tmpfs => MountKind::Tmpfs,
        PlannedMount::Image => MountKind::Image,
        PlannedMount::Npipe => MountKind::NamedPipe,
        PlannedMount::Cluster => return refused("cluster volumes are not for single containers".to_owned()),
    };
    let mut spec = MountSpec::new(kind, planned.source.clone(), planned.target.clone());
    spec.read_only = planned.read_only;
    spec.consistency.clone_from(&planned.consistency);
    spec.propagation = match planned.propagation.as_deref() {
        None => None,
        Some("private") => Some(Propagation::Private),
        Some("rprivate") => Some(Propagation::RPrivate),
        Some("shared") => Some(Propagation::Shared),
        Some("rshared") => Some(Propagation::RShared),
        Some("slave") => Some(Propagation::Slave),
        Some("rslave") => Some(Propagation::RSlave),
        Some(other) => return refused(format!("{other:?} is no propagation")),
    };
    spec.non_recursive = match planned.recursive.as_deref() {
        None | Some("enabled") => false,
        Some("disabled") => true,
        Some(other) => return refused(format!("bind-recursive={other} is not available here")),
    };
    spec.create_source = planned.create_source;
    spec.no_copy = planned.volume_no_copy;
    spec.labels = planned.volume_labels.clone().into_iter().collect();
    spec.driver.clone_from(&planned.volume_driver);
    spec.driver_options = planned.volume_options.clone().into_iter().collect();
    spec.subpath.clone_from(&planned.subpath);
    spec.tmpfs_size = planned.tmpfs_size;
    spec.tmpfs_mode = planned.tmpfs_mode;
    Ok(spec)
}

/// The engine reads the short form itself.
fn bind(planned: &Bind) -> String {
    let mut text = planned
        .source
        .iter()
        .chain([&planned.target])
        .cloned()
        .collect::<Vec<_>>()
        .join(":");
    if !planned.options.is_empty() {
        text.push(':');
        text.push_str(&planned.options.join(","));
    }
    text
}

fn restart(policy: PlannedRestart) -> RestartPolicy {
    match policy {
        PlannedRestart::No => RestartPolicy::No,
        PlannedRestart::Always => RestartPolicy::Always,
        PlannedRestart::UnlessStopped => RestartPolicy::UnlessStopped,
        PlannedRestart::OnFailure(times) => RestartPolicy::OnFailure(times),
    }
}

fn health(check: &devctl_spec::run::HealthCheck) -> Healthcheck {
    let test = match (&check.command, check.disabled) {
        (_, true) => vec!["NONE".to_owned()],
        (Some(command), _) => vec!["CMD-SHELL".to_owned(), command.clone()],
        (None, _) => Vec::new(),
    };
    Healthcheck {
        test,
        interval: check.interval.map(Duration::from_nanos),
        timeout: check.timeout.map(Duration::from_nanos),
        retries: check.retries.and_then(|retries| u32::try_from(retries).ok()),
        start_period: check.start_period.map(Duration::from_nanos),
        start_interval: check.start_interval.map(Duration::from_nanos),
    }
}
