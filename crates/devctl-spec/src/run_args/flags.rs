//! The committed list of all flags of `docker run` (client 28.2, with the hidden ones and those that it shows only to
//! newer engines), each with what it does here.

#[cfg(test)]
mod tests;

use super::values::{
    absolute, add_host, address, assign, blkio_weight, cgroup_rule, container_name, device, device_bytes,
    device_operations, device_weight, env, extend, first_network, gpus, health, label, network, number,
    one_of, pair, pull, push, put, restart, security_option, tmpfs, unsigned, within,
};
use crate::mounts::{Mount, parse_bind};
use crate::ports::{parse_expose, parse_publish};
use crate::quantities::{boolean, bytes, bytes_or_unlimited, duration, nano_cpus, ulimit};
use crate::run::RunOptions;

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

pub(super) type Outcome = Result<(), String>;

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
