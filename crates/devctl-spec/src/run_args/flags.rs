//! The committed list of all flags of `docker run` (client 28.2, with the hidden ones and those that it shows only to
//! newer engines), each with what it does here.

use indexmap::IndexMap;

use crate::mounts::{Mount, parse_bind};
use crate::ports::{parse_expose, parse_publish};
use crate::quantities::{boolean, bytes, bytes_or_unlimited, comma_fields, duration, nano_cpus, ulimit};
use crate::run::{
    Device, DeviceRate, DeviceRequest, EnvValue, HealthCheck, NetworkAttachment, PullPolicy, RestartPolicy,
    RunOptions,
};

/// A flag of `docker run`.
#[derive(Debug)]
pub struct Flag {
    /// The long name, without dashes.
    pub name: &'static str,
    /// The short name.
    pub short: Option<char>,
    /// It stands without a value.
    pub is_switch: bool,
    /// What it does.
    pub effect: Effect,
}

/// What a flag does.
#[derive(Debug, Clone, Copy)]
pub enum Effect {
    /// It changes the options.
    Set(fn(&mut RunOptions, &str) -> Result<(), String>),
    /// It says what always holds here; any other value is refused.
    Holds(&'static str),
    /// It is refused.
    Refused {
        /// Why.
        why: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
}

type Outcome = Result<(), String>;

const fn value(name: &'static str, set: fn(&mut RunOptions, &str) -> Outcome) -> Flag {
    Flag {
        name,
        short: None,
        is_switch: false,
        effect: Effect::Set(set),
    }
}

const fn switch(name: &'static str, set: fn(&mut RunOptions, &str) -> Outcome) -> Flag {
    Flag {
        name,
        short: None,
        is_switch: true,
        effect: Effect::Set(set),
    }
}

const fn holds(name: &'static str, expected: &'static str) -> Flag {
    Flag {
        name,
        short: None,
        is_switch: true,
        effect: Effect::Holds(expected),
    }
}

const fn refused(name: &'static str, is_switch: bool, why: &'static str, instead: &'static str) -> Flag {
    Flag {
        name,
        short: None,
        is_switch,
        effect: Effect::Refused { why, instead },
    }
}

const fn short(letter: char, mut flag: Flag) -> Flag {
    flag.short = Some(letter);
    flag
}

/// All flags, in the order of `docker run --help`; the hidden ones at the end.
pub const FLAGS: &[Flag] = &[
    value("add-host", add_host),
    short(
        'a',
        refused(
            "attach",
            false,
            "the container runs in the background",
            "use `devctl logs` or `devctl exec`",
        ),
    ),
    value("blkio-weight", |run, text| {
        put(&mut run.blkio_weight, blkio_weight(text))
    }),
    value("blkio-weight-device", |run, text| {
        push(&mut run.blkio_weight_devices, device_weight(text))
    }),
    value("cap-add", |run, text| push(&mut run.cap_add, Ok(text.to_owned()))),
    value("cap-drop", |run, text| {
        push(&mut run.cap_drop, Ok(text.to_owned()))
    }),
    value("cgroup-parent", |run, text| {
        put(&mut run.cgroup_parent, Ok(text.to_owned()))
    }),
    value("cgroupns", |run, text| {
        put(&mut run.cgroupns, one_of(text, &["host", "private"]))
    }),
    refused(
        "cidfile",
        false,
        "it writes a file on the host",
        "use `devctl list --json` to get the id",
    ),
    value("cpu-period", |run, text| put(&mut run.cpu_period, number(text))),
    value("cpu-quota", |run, text| put(&mut run.cpu_quota, number(text))),
    value("cpu-rt-period", |run, text| {
        put(&mut run.cpu_rt_period, number(text))
    }),
    value("cpu-rt-runtime", |run, text| {
        put(&mut run.cpu_rt_runtime, number(text))
    }),
    short(
        'c',
        value("cpu-shares", |run, text| put(&mut run.cpu_shares, number(text))),
    ),
    value("cpus", |run, text| put(&mut run.nano_cpus, nano_cpus(text))),
    value("cpuset-cpus", |run, text| {
        put(&mut run.cpuset_cpus, Ok(text.to_owned()))
    }),
    value("cpuset-mems", |run, text| {
        put(&mut run.cpuset_mems, Ok(text.to_owned()))
    }),
    short('d', holds("detach", "true")),
    refused(
        "detach-keys",
        false,
        "nothing is attached to the container",
        "remove it",
    ),
    value("device", device),
    value("device-cgroup-rule", |run, text| {
        push(&mut run.device_cgroup_rules, cgroup_rule(text))
    }),
    value("device-read-bps", |run, text| {
        push(&mut run.device_read_bps, device_bytes(text))
    }),
    value("device-read-iops", |run, text| {
        push(&mut run.device_read_iops, device_operations(text))
    }),
    value("device-write-bps", |run, text| {
        push(&mut run.device_write_bps, device_bytes(text))
    }),
    value("device-write-iops", |run, text| {
        push(&mut run.device_write_iops, device_operations(text))
    }),
    holds("disable-content-trust", "true"),
    value("dns", |run, text| push(&mut run.dns, address(text))),
    value("dns-option", |run, text| {
        push(&mut run.dns_options, Ok(text.to_owned()))
    }),
    value("dns-search", |run, text| {
        push(&mut run.dns_search, Ok(text.to_owned()))
    }),
    value("domainname", |run, text| {
        put(&mut run.domainname, Ok(text.to_owned()))
    }),
    value("entrypoint", |run, text| {
        put(&mut run.entrypoint, Ok(text.to_owned()))
    }),
    short('e', value("env", env)),
    value("env-file", |run, text| {
        push(&mut run.env_files, Ok(text.to_owned()))
    }),
    value("expose", |run, text| push(&mut run.expose, parse_expose(text))),
    value("gpus", |run, text| push(&mut run.device_requests, gpus(text))),
    value("group-add", |run, text| {
        push(&mut run.group_add, Ok(text.to_owned()))
    }),
    value("health-cmd", |run, text| {
        health(run, |check| put(&mut check.command, Ok(text.to_owned())))
    }),
    value("health-interval", |run, text| {
        health(run, |check| put(&mut check.interval, duration(text)))
    }),
    value("health-retries", |run, text| {
        health(run, |check| put(&mut check.retries, unsigned(text)))
    }),
    value("health-start-period", |run, text| {
        health(run, |check| put(&mut check.start_period, duration(text)))
    }),
    value("health-timeout", |run, text| {
        health(run, |check| put(&mut check.timeout, duration(text)))
    }),
    refused("help", true, "it makes no container", "remove it"),
    short(
        'h',
        value("hostname", |run, text| {
            put(&mut run.hostname, Ok(text.to_owned()))
        }),
    ),
    switch("init", |run, text| assign(&mut run.init, boolean(text))),
    short(
        'i',
        switch("interactive", |run, text| {
            assign(&mut run.stdin_open, boolean(text))
        }),
    ),
    value("ip", |run, text| put(&mut first_network(run).ipv4, address(text))),
    value("ip6", |run, text| {
        put(&mut first_network(run).ipv6, address(text))
    }),
    value("ipc", |run, text| put(&mut run.ipc, Ok(text.to_owned()))),
    refused("isolation", false, "it is for containers of Windows", "remove it"),
    refused(
        "kernel-memory",
        false,
        "engines no longer have this limit",
        "use --memory",
    ),
    short('l', value("label", label)),
    value("label-file", |run, text| {
        push(&mut run.label_files, Ok(text.to_owned()))
    }),
    refused(
        "link",
        false,
        "links of the default network are obsolete",
        "use --network with --network-alias",
    ),
    value("link-local-ip", |run, text| {
        push(&mut first_network(run).link_local, address(text))
    }),
    value("log-driver", |run, text| {
        put(&mut run.log_driver, Ok(text.to_owned()))
    }),
    value("log-opt", |run, text| pair(&mut run.log_options, text)),
    value("mac-address", |run, text| {
        put(&mut first_network(run).mac_address, Ok(text.to_owned()))
    }),
    short(
        'm',
        value("memory", |run, text| put(&mut run.memory, bytes(text))),
    ),
    value("memory-reservation", |run, text| {
        put(&mut run.memory_reservation, bytes(text))
    }),
    value("memory-swap", |run, text| {
        put(&mut run.memory_swap, bytes_or_unlimited(text))
    }),
    value("memory-swappiness", |run, text| {
        put(&mut run.memory_swappiness, within(text, -1, 100))
    }),
    value("mount", |run, text| push(&mut run.mounts, Mount::parse(text))),
    value("name", |run, text| put(&mut run.name, container_name(text))),
    value("network", network),
    value("network-alias", |run, text| {
        push(&mut first_network(run).aliases, Ok(text.to_owned()))
    }),
    switch("no-healthcheck", |run, text| {
        health(run, |check| assign(&mut check.disabled, boolean(text)))
    }),
    switch("oom-kill-disable", |run, text| {
        assign(&mut run.oom_kill_disable, boolean(text))
    }),
    value("oom-score-adj", |run, text| {
        put(&mut run.oom_score_adj, within(text, -1000, 1000))
    }),
    value("pid", |run, text| put(&mut run.pid, Ok(text.to_owned()))),
    value("pids-limit", |run, text| put(&mut run.pids_limit, number(text))),
    value("platform", |run, text| {
        put(&mut run.platform, Ok(text.to_owned()))
    }),
    switch("privileged", |run, text| {
        assign(&mut run.privileged, boolean(text))
    }),
    short(
        'p',
        value("publish", |run, text| extend(&mut run.ports, parse_publish(text))),
    ),
    short(
        'P',
        switch("publish-all", |run, text| {
            assign(&mut run.publish_all, boolean(text))
        }),
    ),
    value("pull", |run, text| put(&mut run.pull, pull(text))),
    short(
        'q',
        refused(
            "quiet",
            true,
            "progress is shown by devctl, not by docker",
            "remove it",
        ),
    ),
    switch("read-only", |run, text| assign(&mut run.read_only, boolean(text))),
    value("restart", |run, text| put(&mut run.restart, restart(text))),
    refused(
        "rm",
        true,
        "a stopped container would be lost with all work in it",
        "use `devctl remove` when it is done",
    ),
    value("runtime", |run, text| put(&mut run.runtime, Ok(text.to_owned()))),
    value("security-opt", security_option),
    value("shm-size", |run, text| put(&mut run.shm_size, bytes(text))),
    refused(
        "sig-proxy",
        true,
        "nothing is attached to the container",
        "remove it",
    ),
    value("stop-signal", |run, text| {
        put(&mut run.stop_signal, Ok(text.to_owned()))
    }),
    value("stop-timeout", |run, text| {
        put(&mut run.stop_timeout, number(text))
    }),
    value("storage-opt", |run, text| pair(&mut run.storage_options, text)),
    value("sysctl", |run, text| pair(&mut run.sysctls, text)),
    value("tmpfs", tmpfs),
    short(
        't',
        switch("tty", |run, text| assign(&mut run.tty, boolean(text))),
    ),
    value("ulimit", |run, text| push(&mut run.ulimits, ulimit(text))),
    refused(
        "use-api-socket",
        true,
        "it hands the engine and all registry passwords to the container",
        "mount the engine's socket with \"mounts\", which is shown on the trust sheet",
    ),
    short(
        'u',
        value("user", |run, text| put(&mut run.user, Ok(text.to_owned()))),
    ),
    value("userns", |run, text| put(&mut run.userns, Ok(text.to_owned()))),
    value("uts", |run, text| put(&mut run.uts, one_of(text, &["host"]))),
    short(
        'v',
        value("volume", |run, text| push(&mut run.binds, parse_bind(text))),
    ),
    value("volume-driver", |run, text| {
        put(&mut run.volume_driver, Ok(text.to_owned()))
    }),
    value("volumes-from", |run, text| {
        push(&mut run.volumes_from, Ok(text.to_owned()))
    }),
    short(
        'w',
        value("workdir", |run, text| put(&mut run.workdir, absolute(text))),
    ),
    // Hidden aliases.
    value("dns-opt", |run, text| {
        push(&mut run.dns_options, Ok(text.to_owned()))
    }),
    value("net", network),
    value("net-alias", |run, text| {
        push(&mut first_network(run).aliases, Ok(text.to_owned()))
    }),
    // Shown only where the engine's API is at least 1.43 and 1.44.
    value("annotation", |run, text| pair(&mut run.annotations, text)),
    value("health-start-interval", |run, text| {
        health(run, |check| put(&mut check.start_interval, duration(text)))
    }),
    // Of Windows engines only.
    refused(
        "cpu-count",
        false,
        "it is for containers of Windows",
        "use --cpus",
    ),
    refused(
        "cpu-percent",
        false,
        "it is for containers of Windows",
        "use --cpus",
    ),
    refused(
        "io-maxbandwidth",
        false,
        "it is for containers of Windows",
        "use --device-write-bps",
    ),
    refused(
        "io-maxiops",
        false,
        "it is for containers of Windows",
        "use --device-write-iops",
    ),
];

fn put<T>(slot: &mut Option<T>, value: Result<T, String>) -> Outcome {
    *slot = Some(value?);
    Ok(())
}

fn assign<T>(slot: &mut T, value: Result<T, String>) -> Outcome {
    *slot = value?;
    Ok(())
}

fn push<T>(list: &mut Vec<T>, value: Result<T, String>) -> Outcome {
    list.push(value?);
    Ok(())
}

fn extend<T>(list: &mut Vec<T>, values: Result<Vec<T>, String>) -> Outcome {
    list.extend(values?);
    Ok(())
}

fn pair(map: &mut IndexMap<String, String>, text: &str) -> Outcome {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("{text:?} is not of the form name=value"))?;
    map.insert(key.to_owned(), value.to_owned());
    Ok(())
}

fn health(run: &mut RunOptions, change: impl FnOnce(&mut HealthCheck) -> Outcome) -> Outcome {
    change(run.health.get_or_insert_default())
}

/// The network that flags without a network of their own mean.
fn first_network(run: &mut RunOptions) -> &mut NetworkAttachment {
    if run.networks.is_empty() {
        run.networks.push(NetworkAttachment::default());
    }
    &mut run.networks[0]
}

fn number(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| format!("{text:?} is no whole number"))
}

fn unsigned(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is no whole number of at least 0"))
}

fn within(text: &str, least: i64, most: i64) -> Result<i64, String> {
    number(text)
        .ok()
        .filter(|value| (least..=most).contains(value))
        .ok_or_else(|| format!("{text:?} is not between {least} and {most}"))
}

fn one_of(text: &str, known: &[&str]) -> Result<String, String> {
    if known.contains(&text) {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is not {}", known.join(" or ")))
    }
}

fn absolute(text: &str) -> Result<String, String> {
    if text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is no absolute path"))
    }
}

fn address(text: &str) -> Result<String, String> {
    text.parse::<std::net::IpAddr>()
        .map(|_| text.to_owned())
        .map_err(|_| format!("{text:?} is no address such as 172.30.0.5"))
}

fn container_name(text: &str) -> Result<String, String> {
    let mut letters = text.chars();
    let is_good = letters.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && text.len() > 1
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    if is_good {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "{text:?} is no name of a container (letters, digits, _ . -)"
        ))
    }
}

fn add_host(run: &mut RunOptions, text: &str) -> Outcome {
    // Both `name:address` and `name=address` are taken; the engine knows the first.
    let at = text
        .find(['=', ':'])
        .ok_or_else(|| format!("{text:?} is not of the form host:address"))?;
    let (host, address) = (&text[..at], &text[at + 1..]);
    let bare = address
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .unwrap_or(address);
    if host.is_empty() || (bare != "host-gateway" && bare.parse::<std::net::IpAddr>().is_err()) {
        return Err(format!("{text:?} is not of the form host:address"));
    }
    run.extra_hosts.push(format!("{host}:{bare}"));
    Ok(())
}

fn env(run: &mut RunOptions, text: &str) -> Outcome {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, EnvValue::Literal(value.to_owned())),
        None => (text, EnvValue::FromHost),
    };
    if name.is_empty() {
        return Err(format!("{text:?} names no variable"));
    }
    run.env.insert(name.to_owned(), value);
    Ok(())
}

fn label(run: &mut RunOptions, text: &str) -> Outcome {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    if key.is_empty() {
        return Err(format!("{text:?} names no label"));
    }
    run.labels.insert(key.to_owned(), value.to_owned());
    Ok(())
}

fn tmpfs(run: &mut RunOptions, text: &str) -> Outcome {
    let (path, options) = text.split_once(':').unwrap_or((text, ""));
    run.tmpfs.insert(absolute(path)?, options.to_owned());
    Ok(())
}

fn security_option(run: &mut RunOptions, text: &str) -> Outcome {
    let option = security_options(std::slice::from_ref(&text.to_owned()))?;
    run.unmask_system_paths |= option.unmask_system_paths;
    run.security_opt.extend(option.options);
    Ok(())
}

/// Security options by the rules of the docker client.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct SecurityOptions {
    pub(crate) options: Vec<String>,
    pub(crate) unmask_system_paths: bool,
}

/// Reads `securityOpt` and `--security-opt`: `name=value`, the old `name:value`, and `no-new-privileges` alone.
pub(crate) fn security_options(written: &[String]) -> Result<SecurityOptions, String> {
    let mut read = SecurityOptions::default();
    for text in written {
        match text.split_once('=').or_else(|| text.split_once(':')) {
            Some(("systempaths", "unconfined")) => read.unmask_system_paths = true,
            Some((name, value)) if !name.is_empty() && !value.is_empty() => {
                read.options.push(format!("{name}={value}"));
            }
            None if text == "no-new-privileges" => read.options.push(text.clone()),
            _ => {
                return Err(format!(
                    "{text:?} is no security option such as seccomp=unconfined"
                ));
            }
        }
    }
    Ok(read)
}

fn device(run: &mut RunOptions, text: &str) -> Outcome {
    let is_cdi = text
        .split_once('=')
        .is_some_and(|(kind, _)| kind.contains('/') && !kind.starts_with('/'));
    if is_cdi {
        run.device_requests.push(DeviceRequest {
            driver: "cdi".into(),
            device_ids: vec![text.to_owned()],
            ..DeviceRequest::default()
        });
        return Ok(());
    }
    let parts: Vec<&str> = text.split(':').collect();
    let is_mode = |mode: &str| !mode.is_empty() && mode.chars().all(|c| "rwm".contains(c));
    let (host, container, permissions) = match parts.as_slice() {
        [host] => (*host, *host, "rwm"),
        [host, mode] if is_mode(mode) => (*host, *host, *mode),
        [host, container] => (*host, *container, "rwm"),
        [host, container, mode] if is_mode(mode) => (*host, *container, *mode),
        _ => return Err(format!("{text:?} is no device such as /dev/kvm:/dev/kvm:rwm")),
    };
    if !host.starts_with('/') || !container.starts_with('/') {
        return Err(format!("{text:?} is no device such as /dev/kvm"));
    }
    run.devices.push(Device {
        host: host.to_owned(),
        container: container.to_owned(),
        permissions: permissions.to_owned(),
    });
    Ok(())
}

fn cgroup_rule(text: &str) -> Result<String, String> {
    let wrong = || format!("{text:?} is no rule such as \"c 42:* rmw\"");
    let mut parts = text.split(' ');
    let (Some(kind), Some(numbers), Some(mode), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(wrong());
    };
    let is_number = |part: &str| part == "*" || part.parse::<u32>().is_ok();
    let has_numbers = numbers
        .split_once(':')
        .is_some_and(|(major, minor)| is_number(major) && is_number(minor));
    let has_mode = (1..=3).contains(&mode.len()) && mode.chars().all(|c| "rwm".contains(c));
    if matches!(kind, "a" | "b" | "c") && has_numbers && has_mode {
        Ok(text.to_owned())
    } else {
        Err(wrong())
    }
}

fn blkio_weight(text: &str) -> Result<u16, String> {
    text.parse::<u16>()
        .ok()
        .filter(|weight| *weight == 0 || (10..=1000).contains(weight))
        .ok_or_else(|| format!("{text:?} is not between 10 and 1000"))
}

fn device_rate(text: &str, rate: impl Fn(&str) -> Result<u64, String>) -> Result<DeviceRate, String> {
    let (path, limit) = text
        .rsplit_once(':')
        .ok_or_else(|| format!("{text:?} is not of the form /dev/x:limit"))?;
    if !path.starts_with("/dev/") {
        return Err(format!("{path:?} is no device"));
    }
    Ok(DeviceRate {
        path: path.to_owned(),
        rate: rate(limit)?,
    })
}

fn device_weight(text: &str) -> Result<DeviceRate, String> {
    device_rate(text, |limit| blkio_weight(limit).map(u64::from))
}

fn device_bytes(text: &str) -> Result<DeviceRate, String> {
    device_rate(text, |limit| bytes(limit).map(i64::unsigned_abs))
}

fn device_operations(text: &str) -> Result<DeviceRate, String> {
    device_rate(text, unsigned)
}

/// `all`, a number, or fields such as `"device=0,1",capabilities=utility`.
fn gpus(text: &str) -> Result<DeviceRequest, String> {
    let mut request = DeviceRequest {
        count: 0,
        ..DeviceRequest::default()
    };
    let count = |text: &str| match text {
        "all" => Ok(-1),
        _ => number(text).map_err(|_| format!("{text:?} is neither all nor a number")),
    };
    for field in comma_fields(text)? {
        match field.split_once('=') {
            None => request.count = count(&field)?,
            Some(("count", value)) => request.count = count(value)?,
            Some(("driver", value)) => request.driver = value.to_owned(),
            Some(("device", value)) => request.device_ids = value.split(',').map(str::to_owned).collect(),
            Some(("capabilities", value)) => {
                request.capabilities = value.split(',').map(str::to_owned).collect()
            }
            Some(("options", value)) => {
                for option in value.split(',') {
                    let (key, value) = option.split_once('=').unwrap_or((option, ""));
                    request.options.insert(key.to_owned(), value.to_owned());
                }
            }
            Some((key, _)) => {
                return Err(format!(
                    "{key:?} is not count, driver, device, capabilities or options"
                ));
            }
        }
    }
    if request.count == 0 && request.device_ids.is_empty() {
        request.count = 1;
    }
    if !request.capabilities.iter().any(|capability| capability == "gpu") {
        request.capabilities.push("gpu".into());
    }
    Ok(request)
}

/// A name or mode, or fields such as `name=net,alias=web,ip=172.30.0.5`.
fn network(run: &mut RunOptions, text: &str) -> Outcome {
    let mut read = NetworkAttachment::default();
    if text.contains('=') {
        for field in comma_fields(text)? {
            let (key, value) = field
                .split_once('=')
                .ok_or_else(|| format!("{field:?} is not of the form key=value"))?;
            match key {
                "name" => read.name = value.to_owned(),
                "alias" => read.aliases.push(value.to_owned()),
                "ip" => read.ipv4 = Some(address(value)?),
                "ip6" => read.ipv6 = Some(address(value)?),
                "mac-address" => read.mac_address = Some(value.to_owned()),
                "link-local-ip" => read.link_local.push(address(value)?),
                "gw-priority" => read.gateway_priority = Some(number(value)?),
                "driver-opt" => {
                    let (name, option) = value
                        .split_once('=')
                        .ok_or_else(|| format!("{value:?} is not of the form key=value"))?;
                    read.driver_options.insert(name.to_owned(), option.to_owned());
                }
                _ => return Err(format!("{key:?} is no option of a network")),
            }
        }
    } else {
        read.name = text.to_owned();
    }
    if read.name.is_empty() {
        return Err(format!("{text:?} names no network"));
    }
    match run.networks.first_mut() {
        // Flags such as --ip came first and made a nameless place.
        Some(nameless) if nameless.name.is_empty() => nameless.name = read.name,
        _ => run.networks.push(read),
    }
    Ok(())
}

fn pull(text: &str) -> Result<PullPolicy, String> {
    match text {
        "always" => Ok(PullPolicy::Always),
        "missing" => Ok(PullPolicy::Missing),
        "never" => Ok(PullPolicy::Never),
        _ => Err(format!("{text:?} is not always, missing or never")),
    }
}

fn restart(text: &str) -> Result<RestartPolicy, String> {
    match text.split_once(':') {
        None => match text {
            "no" | "" => Ok(RestartPolicy::No),
            "always" => Ok(RestartPolicy::Always),
            "unless-stopped" => Ok(RestartPolicy::UnlessStopped),
            "on-failure" => Ok(RestartPolicy::OnFailure(0)),
            _ => Err(format!(
                "{text:?} is not no, always, unless-stopped or on-failure[:count]"
            )),
        },
        Some(("on-failure", count)) => count
            .parse()
            .map(RestartPolicy::OnFailure)
            .map_err(|_| format!("{count:?} is no count")),
        Some(_) => Err(format!("{text:?}: only on-failure takes a count")),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::run_args::translate;

    fn options(words: &[&str]) -> Result<RunOptions, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        translate(&words)
            .map(|read| read.options)
            .map_err(|error| error.to_string())
    }

    /// A value that each flag with an effect takes, and that changes the options.
    const EXAMPLES: &[(&str, &str)] = &[
        ("add-host", "db:10.0.0.1"),
        ("blkio-weight", "100"),
        ("blkio-weight-device", "/dev/sda:100"),
        ("cap-add", "SYS_PTRACE"),
        ("cap-drop", "ALL"),
        ("cgroup-parent", "/x"),
        ("cgroupns", "private"),
        ("cpu-period", "1"),
        ("cpu-quota", "1"),
        ("cpu-rt-period", "1"),
        ("cpu-rt-runtime", "1"),
        ("cpu-shares", "1"),
        ("cpus", "1.5"),
        ("cpuset-cpus", "0-1"),
        ("cpuset-mems", "0"),
        ("device", "/dev/kvm"),
        ("device-cgroup-rule", "c 42:* rmw"),
        ("device-read-bps", "/dev/sda:1m"),
        ("device-read-iops", "/dev/sda:5"),
        ("device-write-bps", "/dev/sda:1m"),
        ("device-write-iops", "/dev/sda:5"),
        ("dns", "1.1.1.1"),
        ("dns-option", "ndots:1"),
        ("dns-search", "x.org"),
        ("domainname", "x"),
        ("entrypoint", "/x"),
        ("env", "A=b"),
        ("env-file", ".env"),
        ("expose", "80"),
        ("gpus", "all"),
        ("group-add", "video"),
        ("health-cmd", "true"),
        ("health-interval", "5s"),
        ("health-retries", "3"),
        ("health-start-period", "5s"),
        ("health-timeout", "5s"),
        ("hostname", "x"),
        ("init", "true"),
        ("interactive", "true"),
        ("ip", "10.0.0.2"),
        ("ip6", "fd00::2"),
        ("ipc", "host"),
        ("label", "a=b"),
        ("label-file", "labels"),
        ("link-local-ip", "169.254.1.1"),
        ("log-driver", "json-file"),
        ("log-opt", "max-size=1m"),
        ("mac-address", "92:d0:c6:0a:29:33"),
        ("memory", "1g"),
        ("memory-reservation", "1g"),
        ("memory-swap", "-1"),
        ("memory-swappiness", "10"),
        ("mount", "target=/x"),
        ("name", "box"),
        ("network", "host"),
        ("network-alias", "web"),
        ("no-healthcheck", "true"),
        ("oom-kill-disable", "true"),
        ("oom-score-adj", "-5"),
        ("pid", "host"),
        ("pids-limit", "100"),
        ("platform", "linux/arm64"),
        ("privileged", "true"),
        ("publish", "80:80"),
        ("publish-all", "true"),
        ("pull", "always"),
        ("read-only", "true"),
        ("restart", "on-failure:3"),
        ("runtime", "runsc"),
        ("security-opt", "label=disable"),
        ("shm-size", "1g"),
        ("stop-signal", "SIGINT"),
        ("stop-timeout", "5"),
        ("storage-opt", "size=1g"),
        ("sysctl", "net.ipv4.ip_forward=1"),
        ("tmpfs", "/run:size=1m"),
        ("tty", "true"),
        ("ulimit", "nofile=1:2"),
        ("user", "1000"),
        ("userns", "host"),
        ("uts", "host"),
        ("volume", "/a:/b"),
        ("volume-driver", "x"),
        ("volumes-from", "other"),
        ("workdir", "/w"),
        ("dns-opt", "ndots:1"),
        ("net", "host"),
        ("net-alias", "web"),
        ("annotation", "a=b"),
        ("health-start-interval", "5s"),
    ];

    #[test]
    fn each_flag_takes_effect_or_is_refused() {
        let mut seen = BTreeSet::new();
        for flag in FLAGS {
            assert!(seen.insert(flag.name), "{} is listed twice", flag.name);
            let example = EXAMPLES.iter().find(|(name, _)| *name == flag.name);
            match (flag.effect, example) {
                (Effect::Set(_), Some((name, text))) => {
                    let read =
                        options(&[&format!("--{name}={text}")]).unwrap_or_else(|error| panic!("{error}"));
                    assert_ne!(read, RunOptions::default(), "--{name} has no effect");
                }
                (Effect::Set(_), None) => panic!("{} has no example", flag.name),
                (Effect::Holds(expected), None) => {
                    assert!(options(&[&format!("--{}={expected}", flag.name)]).is_ok());
                    assert!(options(&[&format!("--{}=false", flag.name)]).is_err());
                }
                (Effect::Refused { why, instead }, None) => assert!(!why.is_empty() && !instead.is_empty()),
                (_, Some(_)) => panic!("{} has an example but no effect", flag.name),
            }
        }
    }

    #[test]
    fn the_list_is_complete() {
        let list = include_str!("docker-run-flags.txt");
        let mut count = 0;
        for line in list.lines().filter(|line| !line.starts_with('#')) {
            let words: Vec<&str> = line.split(' ').collect();
            let name = words[1].trim_start_matches('-');
            let flag = FLAGS
                .iter()
                .find(|flag| flag.name == name)
                .unwrap_or_else(|| panic!("{name} is missing"));
            assert_eq!(flag.short, words[0].chars().nth(1), "{name}");
            assert_eq!(flag.is_switch, words.len() == 2, "{name} and its value");
            count += 1;
        }
        assert_eq!(count, 98);
    }

    #[test]
    fn values_follow_docker() {
        let run = options(&["--gpus", "\"device=0,1\",driver=nvidia"]).unwrap();
        assert_eq!(run.device_requests[0].device_ids, ["0", "1"]);
        assert_eq!(run.device_requests[0].count, 0);
        assert_eq!(run.device_requests[0].capabilities, ["gpu"]);
        assert_eq!(options(&["--gpus=all"]).unwrap().device_requests[0].count, -1);
        let run = options(&[
            "--device",
            "vendor.com/class=name",
            "--device=/dev/a:r",
            "--device=/dev/a:/dev/b:rw",
        ])
        .unwrap();
        assert_eq!(run.device_requests[0].driver, "cdi");
        assert_eq!(
            (
                run.devices[0].container.as_str(),
                run.devices[0].permissions.as_str()
            ),
            ("/dev/a", "r")
        );
        assert_eq!(run.devices[1].container, "/dev/b");
        let run = options(&[
            "--ip",
            "10.0.0.2",
            "--network",
            "mine",
            "--network",
            "name=two,alias=x,ip=10.1.0.2",
        ])
        .unwrap();
        assert_eq!(run.networks.len(), 2);
        assert_eq!(
            (run.networks[0].name.as_str(), run.networks[0].ipv4.as_deref()),
            ("mine", Some("10.0.0.2"))
        );
        assert_eq!(run.networks[1].aliases, ["x"]);
        let run = options(&["--add-host=a=[::1]", "--add-host", "b:host-gateway"]).unwrap();
        assert_eq!(run.extra_hosts, ["a:::1", "b:host-gateway"]);
        let run = options(&[
            "--security-opt",
            "seccomp:unconfined",
            "--security-opt=systempaths=unconfined",
        ])
        .unwrap();
        assert_eq!(run.security_opt, ["seccomp=unconfined"]);
        assert!(run.unmask_system_paths);
        for wrong in [
            "--add-host=x",
            "--security-opt=what",
            "--device=kvm",
            "--workdir=w",
            "--name=-x",
            "--network=",
            "--tmpfs=run",
            "--log-opt=x",
            "--uts=private",
            "--dns=one",
            "--gpus=some",
            "--device-cgroup-rule=c 1",
            "--oom-score-adj=2000",
        ] {
            assert!(options(&[wrong]).is_err(), "{wrong}");
        }
    }
}
