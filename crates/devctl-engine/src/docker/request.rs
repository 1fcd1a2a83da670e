//! A [`CreateRequest`] in the words of the Docker API.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, DeviceMapping, DeviceRequest as ApiDeviceRequest, EndpointIpamConfig,
    EndpointSettings, HealthConfig, HostConfig, HostConfigCgroupnsModeEnum, HostConfigIsolationEnum,
    HostConfigLogConfig, Mount, MountBindOptions, MountBindOptionsPropagationEnum, MountTmpfsOptions,
    MountType, MountVolumeOptions, MountVolumeOptionsDriverConfig, NetworkingConfig,
    PortBinding as ApiPortBinding, ResourcesBlkioWeightDevice, ResourcesUlimits,
    RestartPolicy as ApiRestartPolicy, RestartPolicyNameEnum, ThrottleDevice,
};
use serde_json::Value;

use crate::container::{
    CreateRequest, Healthcheck, MountKind, MountSpec, NetworkRequest, PortBinding, Propagation, RestartPolicy,
};
use crate::error::EngineError;
use crate::info::ApiVersion;

/// The first API in which a MAC address belongs to a network and not to the container.
const MAC_OF_NETWORK: ApiVersion = ApiVersion { major: 1, minor: 44 };

/// The body of `POST /containers/create`. `nofile` is the limit that was found for this engine.
///
/// # Errors
/// [`EngineError::Invalid`] for a word that the API has no value for, [`EngineError::Unsupported`] for what this API
/// version cannot say.
pub(super) fn create_body(
    request: &CreateRequest,
    nofile: Option<u64>,
    version: ApiVersion,
) -> Result<Value, EngineError> {
    let body = ContainerCreateBody {
        hostname: request.hostname.clone(),
        domainname: request.domainname.clone(),
        user: request.user.clone(),
        exposed_ports: exposed_ports(request),
        tty: Some(request.tty),
        open_stdin: Some(request.open_stdin),
        env: Some(
            request
                .env
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect(),
        ),
        cmd: request.cmd.clone(),
        healthcheck: request
            .healthcheck
            .as_ref()
            .map(|check| healthcheck(check, version))
            .transpose()?,
        image: Some(request.image.clone()),
        working_dir: request.workdir.clone(),
        // The API takes an empty list for "keep the image's" and one empty word for "none".
        entrypoint: request.entrypoint.clone().map(|words| {
            if words.is_empty() {
                vec![String::new()]
            } else {
                words
            }
        }),
        labels: Some(request.labels.clone().into_iter().collect()),
        stop_signal: request.stop_signal.clone(),
        stop_timeout: request
            .stop_timeout
            .map(|time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX)),
        host_config: Some(host_config(request, nofile, version)?),
        networking_config: networking(request, version),
        ..ContainerCreateBody::default()
    };
    let mut body = serde_json::to_value(body).map_err(|error| EngineError::Invalid {
        what: "the container".into(),
        reason: error.to_string(),
    })?;
    if let (Some(mac), Some(fields)) = (&request.mac_address, body.as_object_mut())
        && version < MAC_OF_NETWORK
    {
        fields.insert("MacAddress".into(), Value::String(mac.clone()));
    }
    Ok(body)
}

fn host_config(
    request: &CreateRequest,
    nofile: Option<u64>,
    version: ApiVersion,
) -> Result<HostConfig, EngineError> {
    let throttle = |devices: &[(String, i64)]| {
        some_list(devices, |(path, rate)| ThrottleDevice {
            path: Some(path.clone()),
            rate: Some(*rate),
        })
    };
    Ok(HostConfig {
        memory: request.memory,
        memory_swap: request.memory_swap,
        memory_reservation: request.memory_reservation,
        memory_swappiness: request.memory_swappiness,
        nano_cpus: request.nano_cpus,
        cpu_shares: request.cpu_shares,
        cpu_period: request.cpu_period,
        cpu_quota: request.cpu_quota,
        cpu_realtime_period: request.cpu_rt_period,
        cpu_realtime_runtime: request.cpu_rt_runtime,
        cpuset_cpus: request.cpuset_cpus.clone(),
        cpuset_mems: request.cpuset_mems.clone(),
        blkio_weight: request.blkio_weight,
        blkio_weight_device: some_list(&request.blkio_weight_device, |(path, weight)| {
            ResourcesBlkioWeightDevice {
                path: Some(path.clone()),
                weight: usize::try_from(*weight).ok(),
            }
        }),
        blkio_device_read_bps: throttle(&request.device_read_bps),
        blkio_device_write_bps: throttle(&request.device_write_bps),
        blkio_device_read_iops: throttle(&request.device_read_iops),
        blkio_device_write_iops: throttle(&request.device_write_iops),
        pids_limit: request.pids_limit,
        oom_kill_disable: request.oom_kill_disable,
        oom_score_adj: request.oom_score_adj,
        shm_size: request.shm_size,
        ulimits: ulimits(request, nofile),
        sysctls: some_map(&request.sysctls),
        storage_opt: some_map(&request.storage_opt),
        cgroup_parent: request.cgroup_parent.clone(),
        cgroupns_mode: request
            .cgroupns_mode
            .as_deref()
            .map(cgroup_namespace)
            .transpose()?,
        devices: some_list(&request.devices, |device| DeviceMapping {
            path_on_host: Some(device.path_on_host.clone()),
            path_in_container: Some(device.path_in_container.clone()),
            cgroup_permissions: Some(device.permissions.clone()),
        }),
        device_cgroup_rules: some(&request.device_cgroup_rules),
        device_requests: some_list(&request.device_requests, |device| ApiDeviceRequest {
            driver: device.driver.clone(),
            count: device.count,
            device_ids: some(&device.device_ids),
            capabilities: some(&device.capabilities),
            options: some_map(&device.options),
        }),
        init: request.init,
        binds: some(&request.binds),
        mounts: if request.mounts.is_empty() {
            None
        } else {
            Some(
                request
                    .mounts
                    .iter()
                    .map(|spec| mount(spec, version))
                    .collect::<Result<_, _>>()?,
            )
        },
        volumes_from: some(&request.volumes_from),
        volume_driver: request.volume_driver.clone(),
        tmpfs: some_map(&request.tmpfs),
        network_mode: request.network.as_ref().map(|network| network.mode.clone()),
        port_bindings: port_bindings(&request.ports),
        publish_all_ports: Some(request.publish_all_ports),
        dns: some(&request.dns),
        dns_options: some(&request.dns_options),
        dns_search: some(&request.dns_search),
        extra_hosts: some(&request.extra_hosts),
        links: some(&request.links),
        privileged: Some(request.privileged),
        cap_add: some(&request.cap_add),
        cap_drop: some(&request.cap_drop),
        security_opt: some(&request.security_opt),
        group_add: some(&request.group_add),
        readonly_rootfs: Some(request.read_only_rootfs),
        masked_paths: request.masked_paths.clone(),
        readonly_paths: request.readonly_paths.clone(),
        ipc_mode: request.ipc_mode.clone(),
        pid_mode: request.pid_mode.clone(),
        userns_mode: request.userns_mode.clone(),
        uts_mode: request.uts_mode.clone(),
        runtime: request.runtime.clone(),
        isolation: request.isolation.as_deref().map(isolation).transpose()?,
        log_config: request.log.as_ref().map(|log| HostConfigLogConfig {
            typ: Some(log.driver.clone()),
            config: Some(log.options.clone().into_iter().collect()),
        }),
        restart_policy: request.restart.map(restart_policy),
        auto_remove: Some(request.auto_remove),
        annotations: some_map(&request.annotations),
        ..HostConfig::default()
    })
}

fn some<T: Clone>(list: &[T]) -> Option<Vec<T>> {
    (!list.is_empty()).then(|| list.to_vec())
}

fn some_list<T, U>(list: &[T], map: impl FnMut(&T) -> U) -> Option<Vec<U>> {
    (!list.is_empty()).then(|| list.iter().map(map).collect())
}

fn some_map(map: &std::collections::BTreeMap<String, String>) -> Option<HashMap<String, String>> {
    (!map.is_empty()).then(|| map.clone().into_iter().collect())
}

/// Announced ports, with those that are published: the engine wants a published port announced.
fn exposed_ports(request: &CreateRequest) -> Option<Vec<String>> {
    let mut ports = request.exposed_ports.clone();
    ports.extend(request.ports.iter().map(port_key));
    ports.sort();
    ports.dedup();
    (!ports.is_empty()).then_some(ports)
}

fn port_key(port: &PortBinding) -> String {
    format!("{}/{}", port.container_port, port.protocol.as_str())
}

fn port_bindings(ports: &[PortBinding]) -> Option<HashMap<String, Option<Vec<ApiPortBinding>>>> {
    if ports.is_empty() {
        return None;
    }
    let mut bindings: HashMap<String, Option<Vec<ApiPortBinding>>> = HashMap::new();
    for port in ports {
        let host_port = match (port.host_port, port.host_port_end) {
            (Some(first), Some(last)) if last > first => format!("{first}-{last}"),
            (Some(first), _) => first.to_string(),
            (None, _) => String::new(),
        };
        let host_ip = port.host_ip.map(|ip| ip.to_string()).unwrap_or_default();
        bindings
            .entry(port_key(port))
            .or_default()
            .get_or_insert_default()
            .push(ApiPortBinding {
                host_ip: Some(host_ip),
                host_port: Some(host_port),
            });
    }
    Some(bindings)
}

fn ulimits(request: &CreateRequest, nofile: Option<u64>) -> Option<Vec<ResourcesUlimits>> {
    let mut limits: Vec<_> = request
        .ulimits
        .iter()
        .map(|limit| ResourcesUlimits {
            name: Some(limit.name.clone()),
            soft: Some(limit.soft),
            hard: Some(limit.hard),
        })
        .collect();
    let named = request.ulimits.iter().any(|limit| limit.name == "nofile");
    if let (Some(nofile), false) = (nofile.and_then(|limit| i64::try_from(limit).ok()), named) {
        limits.push(ResourcesUlimits {
            name: Some("nofile".into()),
            soft: Some(nofile),
            hard: Some(nofile),
        });
    }
    (!limits.is_empty()).then_some(limits)
}

fn healthcheck(check: &Healthcheck, version: ApiVersion) -> Result<HealthConfig, EngineError> {
    let nanoseconds =
        |time: Option<std::time::Duration>| time.and_then(|time| i64::try_from(time.as_nanos()).ok());
    if check.start_interval.is_some() {
        needs(version, 44, "the start interval of a health check")?;
    }
    Ok(HealthConfig {
        test: Some(check.test.clone()),
        interval: nanoseconds(check.interval),
        timeout: nanoseconds(check.timeout),
        retries: check.retries.map(i64::from),
        start_period: nanoseconds(check.start_period),
        start_interval: nanoseconds(check.start_interval),
    })
}

fn needs(version: ApiVersion, minor: u16, what: &str) -> Result<(), EngineError> {
    if version >= (ApiVersion { major: 1, minor }) {
        return Ok(());
    }
    Err(EngineError::Unsupported {
        what: what.to_owned(),
        reason: format!("it needs API 1.{minor} and the engine speaks {version}"),
        fix: "update the engine, or take it out of the configuration".into(),
    })
}

fn mount(spec: &MountSpec, version: ApiVersion) -> Result<Mount, EngineError> {
    let bind = spec.kind == MountKind::Bind
        && (spec.propagation.is_some() || spec.non_recursive || spec.create_source);
    if spec.create_source {
        needs(version, 42, "making the source of a bind mount")?;
    }
    if spec.subpath.is_some() {
        needs(version, 45, "mounting a part of a volume")?;
    }
    if spec.kind == MountKind::Image {
        needs(version, 48, "mounting an image")?;
    }
    // Options without a driver are those of the engine's own.
    let driven = spec.driver.is_some() || !spec.driver_options.is_empty();
    let volume = spec.no_copy || !spec.labels.is_empty() || driven || spec.subpath.is_some();
    let tmpfs = spec.tmpfs_size.is_some() || spec.tmpfs_mode.is_some();
    Ok(Mount {
        target: Some(spec.target.clone()),
        source: spec.source.clone(),
        typ: Some(match spec.kind {
            MountKind::Bind => MountType::BIND,
            MountKind::Volume => MountType::VOLUME,
            MountKind::Tmpfs => MountType::TMPFS,
            MountKind::Image => MountType::IMAGE,
            MountKind::NamedPipe => MountType::NPIPE,
        }),
        read_only: spec.read_only.then_some(true),
        consistency: spec.consistency.clone(),
        bind_options: bind.then(|| MountBindOptions {
            propagation: spec.propagation.map(propagation),
            non_recursive: spec.non_recursive.then_some(true),
            create_mountpoint: spec.create_source.then_some(true),
            ..MountBindOptions::default()
        }),
        volume_options: (volume && spec.kind == MountKind::Volume).then(|| MountVolumeOptions {
            no_copy: spec.no_copy.then_some(true),
            labels: some_map(&spec.labels),
            driver_config: driven.then(|| MountVolumeOptionsDriverConfig {
                name: spec.driver.clone(),
                options: some_map(&spec.driver_options),
            }),
            subpath: spec.subpath.clone(),
        }),
        tmpfs_options: tmpfs.then(|| MountTmpfsOptions {
            size_bytes: spec.tmpfs_size,
            mode: spec.tmpfs_mode.map(i64::from),
            options: None,
        }),
        ..Mount::default()
    })
}

fn propagation(propagation: Propagation) -> MountBindOptionsPropagationEnum {
    match propagation {
        Propagation::Private => MountBindOptionsPropagationEnum::PRIVATE,
        Propagation::RPrivate => MountBindOptionsPropagationEnum::RPRIVATE,
        Propagation::Shared => MountBindOptionsPropagationEnum::SHARED,
        Propagation::RShared => MountBindOptionsPropagationEnum::RSHARED,
        Propagation::Slave => MountBindOptionsPropagationEnum::SLAVE,
        Propagation::RSlave => MountBindOptionsPropagationEnum::RSLAVE,
    }
}

fn cgroup_namespace(mode: &str) -> Result<HostConfigCgroupnsModeEnum, EngineError> {
    match mode {
        "host" => Ok(HostConfigCgroupnsModeEnum::HOST),
        "private" => Ok(HostConfigCgroupnsModeEnum::PRIVATE),
        other => Err(EngineError::Invalid {
            what: format!("the cgroup namespace {other:?}"),
            reason: "host or private is expected".into(),
        }),
    }
}

fn isolation(technology: &str) -> Result<HostConfigIsolationEnum, EngineError> {
    match technology {
        "default" => Ok(HostConfigIsolationEnum::DEFAULT),
        "process" => Ok(HostConfigIsolationEnum::PROCESS),
        "hyperv" => Ok(HostConfigIsolationEnum::HYPERV),
        other => Err(EngineError::Invalid {
            what: format!("the isolation {other:?}"),
            reason: "default, process or hyperv is expected".into(),
        }),
    }
}

fn restart_policy(policy: RestartPolicy) -> ApiRestartPolicy {
    let (name, tries) = match policy {
        RestartPolicy::No => (RestartPolicyNameEnum::NO, None),
        RestartPolicy::Always => (RestartPolicyNameEnum::ALWAYS, None),
        RestartPolicy::UnlessStopped => (RestartPolicyNameEnum::UNLESS_STOPPED, None),
        RestartPolicy::OnFailure(tries) => (RestartPolicyNameEnum::ON_FAILURE, Some(i64::from(tries))),
    };
    ApiRestartPolicy {
        name: Some(name),
        maximum_retry_count: tries,
    }
}

fn networking(request: &CreateRequest, version: ApiVersion) -> Option<NetworkingConfig> {
    let network = request.network.as_ref()?;
    let mac_address = request.mac_address.clone().filter(|_| version >= MAC_OF_NETWORK);
    let NetworkRequest {
        mode,
        aliases,
        ipv4,
        ipv6,
        link_local,
        driver_options,
    } = network;
    let addressed = ipv4.is_some() || ipv6.is_some() || !link_local.is_empty();
    if !addressed && aliases.is_empty() && driver_options.is_empty() && mac_address.is_none() {
        return None;
    }
    let settings = EndpointSettings {
        ipam_config: addressed.then(|| EndpointIpamConfig {
            ipv4_address: ipv4.clone(),
            ipv6_address: ipv6.clone(),
            link_local_ips: some(link_local),
        }),
        aliases: some(aliases),
        driver_opts: some_map(driver_options),
        mac_address,
        ..EndpointSettings::default()
    };
    Some(NetworkingConfig {
        endpoints_config: Some(HashMap::from([(mode.clone(), settings)])),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::{PortProtocol, Ulimit};
    use serde_json::json;

    const API: ApiVersion = ApiVersion { major: 1, minor: 41 };

    fn host(request: &CreateRequest) -> Value {
        create_body(request, Some(20_000), API).unwrap()["HostConfig"].clone()
    }

    #[test]
    fn what_is_not_said_is_not_sent() {
        let body = create_body(
            &CreateRequest {
                image: "a".into(),
                ..CreateRequest::default()
            },
            None,
            API,
        )
        .unwrap();
        let fields: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            fields,
            ["Tty", "OpenStdin", "Env", "Image", "Labels", "HostConfig"]
        );
        let host: Vec<_> = body["HostConfig"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            host,
            ["AutoRemove", "Privileged", "PublishAllPorts", "ReadonlyRootfs"]
        );
    }

    #[test]
    fn an_entrypoint_can_be_taken_away() {
        let request = CreateRequest {
            entrypoint: Some(Vec::new()),
            ..CreateRequest::default()
        };
        assert_eq!(
            create_body(&request, None, API).unwrap()["Entrypoint"],
            json!([""])
        );
    }

    #[test]
    fn ports_are_announced_and_bound_to_the_address() {
        let port = PortBinding {
            container_port: 80,
            protocol: PortProtocol::Tcp,
            host_ip: Some("127.0.0.1".parse().unwrap()),
            host_port: None,
            host_port_end: None,
        };
        let range = PortBinding {
            host_port: Some(8000),
            host_port_end: Some(8010),
            ..port
        };
        let request = CreateRequest {
            ports: vec![port, range],
            ..CreateRequest::default()
        };
        let body = create_body(&request, None, API).unwrap();
        assert_eq!(body["ExposedPorts"], json!({"80/tcp": {}}));
        let expected = json!({"80/tcp": [
            {"HostIp": "127.0.0.1", "HostPort": ""}, {"HostIp": "127.0.0.1", "HostPort": "8000-8010"}]});
        assert_eq!(body["HostConfig"]["PortBindings"], expected);
    }

    #[test]
    fn the_callers_own_nofile_wins_over_ours() {
        let mut request = CreateRequest {
            nofile_at_most: Some(65_536),
            ..CreateRequest::default()
        };
        assert_eq!(
            host(&request)["Ulimits"],
            json!([{"Name": "nofile", "Soft": 20_000, "Hard": 20_000}])
        );
        request.ulimits.push(Ulimit {
            name: "nofile".into(),
            soft: 1,
            hard: 2,
        });
        assert_eq!(
            host(&request)["Ulimits"],
            json!([{"Name": "nofile", "Soft": 1, "Hard": 2}])
        );
    }

    #[test]
    fn a_mac_address_goes_where_the_version_wants_it() {
        let request = CreateRequest {
            mac_address: Some("02:42:ac:11:00:02".into()),
            network: Some(NetworkRequest {
                mode: "net".into(),
                ..NetworkRequest::default()
            }),
            ..CreateRequest::default()
        };
        assert_eq!(
            create_body(&request, None, API).unwrap()["MacAddress"],
            "02:42:ac:11:00:02"
        );
        let new = create_body(&request, None, ApiVersion { major: 1, minor: 44 }).unwrap();
        assert_eq!(
            new["NetworkingConfig"]["EndpointsConfig"]["net"]["MacAddress"],
            "02:42:ac:11:00:02"
        );
        assert_eq!(new.get("MacAddress"), None);
    }

    #[test]
    fn what_the_version_cannot_say_is_refused_by_name() {
        let mut spec = MountSpec::new(MountKind::Volume, Some("data".into()), "/data");
        spec.subpath = Some("sub".into());
        let request = CreateRequest {
            mounts: vec![spec],
            ..CreateRequest::default()
        };
        let error = create_body(&request, None, API).unwrap_err();
        assert_eq!(error.code(), "engine.unsupported");
        assert!(error.to_string().contains("part of a volume"), "{error}");
    }
}
