//! The values of single flags, read by the rules of the docker client and laid over the options.

use indexmap::IndexMap;

use super::flags::Outcome;
use crate::quantities::{bytes, comma_fields};
use crate::run::{
    Device, DeviceRate, DeviceRequest, EnvValue, HealthCheck, NetworkAttachment, PullPolicy, RestartPolicy,
    RunOptions,
};

pub(super) fn put<T>(slot: &mut Option<T>, value: Result<T, String>) -> Outcome {
    *slot = Some(value?);
    Ok(())
}

pub(super) fn assign<T>(slot: &mut T, value: Result<T, String>) -> Outcome {
    *slot = value?;
    Ok(())
}

pub(super) fn push<T>(list: &mut Vec<T>, value: Result<T, String>) -> Outcome {
    list.push(value?);
    Ok(())
}

pub(super) fn extend<T>(list: &mut Vec<T>, values: Result<Vec<T>, String>) -> Outcome {
    list.extend(values?);
    Ok(())
}

pub(super) fn pair(map: &mut IndexMap<String, String>, text: &str) -> Outcome {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("{text:?} is not of the form name=value"))?;
    map.insert(key.to_owned(), value.to_owned());
    Ok(())
}

pub(super) fn health(run: &mut RunOptions, change: impl FnOnce(&mut HealthCheck) -> Outcome) -> Outcome {
    change(run.health.get_or_insert_default())
}

/// The network that flags without a network of their own mean.
pub(super) fn first_network(run: &mut RunOptions) -> &mut NetworkAttachment {
    if run.networks.is_empty() {
        run.networks.push(NetworkAttachment::default());
    }
    &mut run.networks[0]
}

pub(super) fn number(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| format!("{text:?} is no whole number"))
}

pub(super) fn unsigned(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is no whole number of at least 0"))
}

pub(super) fn within(text: &str, least: i64, most: i64) -> Result<i64, String> {
    number(text)
        .ok()
        .filter(|value| (least..=most).contains(value))
        .ok_or_else(|| format!("{text:?} is not between {least} and {most}"))
}

pub(super) fn one_of(text: &str, known: &[&str]) -> Result<String, String> {
    if known.contains(&text) {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is not {}", known.join(" or ")))
    }
}

pub(super) fn absolute(text: &str) -> Result<String, String> {
    if text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is no absolute path"))
    }
}

pub(super) fn address(text: &str) -> Result<String, String> {
    text.parse::<std::net::IpAddr>()
        .map(|_| text.to_owned())
        .map_err(|_| format!("{text:?} is no address such as 172.30.0.5"))
}

pub(super) fn container_name(text: &str) -> Result<String, String> {
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

pub(super) fn add_host(run: &mut RunOptions, text: &str) -> Outcome {
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

pub(super) fn env(run: &mut RunOptions, text: &str) -> Outcome {
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

pub(super) fn label(run: &mut RunOptions, text: &str) -> Outcome {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    if key.is_empty() {
        return Err(format!("{text:?} names no label"));
    }
    run.labels.insert(key.to_owned(), value.to_owned());
    Ok(())
}

pub(super) fn tmpfs(run: &mut RunOptions, text: &str) -> Outcome {
    let (path, options) = text.split_once(':').unwrap_or((text, ""));
    run.tmpfs.insert(absolute(path)?, options.to_owned());
    Ok(())
}

pub(super) fn security_option(run: &mut RunOptions, text: &str) -> Outcome {
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

pub(super) fn device(run: &mut RunOptions, text: &str) -> Outcome {
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

pub(super) fn cgroup_rule(text: &str) -> Result<String, String> {
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

pub(super) fn blkio_weight(text: &str) -> Result<u16, String> {
    text.parse::<u16>()
        .ok()
        .filter(|weight| *weight == 0 || (10..=1000).contains(weight))
        .ok_or_else(|| format!("{text:?} is not between 10 and 1000"))
}

pub(super) fn device_rate(
    text: &str,
    rate: impl Fn(&str) -> Result<u64, String>,
) -> Result<DeviceRate, String> {
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

pub(super) fn device_weight(text: &str) -> Result<DeviceRate, String> {
    device_rate(text, |limit| blkio_weight(limit).map(u64::from))
}

pub(super) fn device_bytes(text: &str) -> Result<DeviceRate, String> {
    device_rate(text, |limit| bytes(limit).map(i64::unsigned_abs))
}

pub(super) fn device_operations(text: &str) -> Result<DeviceRate, String> {
    device_rate(text, unsigned)
}

/// `all`, a number, or fields such as `"device=0,1",capabilities=utility`.
pub(super) fn gpus(text: &str) -> Result<DeviceRequest, String> {
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
                request.capabilities = value.split(',').map(str::to_owned).collect();
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
pub(super) fn network(run: &mut RunOptions, text: &str) -> Outcome {
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

pub(super) fn pull(text: &str) -> Result<PullPolicy, String> {
    match text {
        "always" => Ok(PullPolicy::Always),
        "missing" => Ok(PullPolicy::Missing),
        "never" => Ok(PullPolicy::Never),
        _ => Err(format!("{text:?} is not always, missing or never")),
    }
}

pub(super) fn restart(text: &str) -> Result<RestartPolicy, String> {
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
