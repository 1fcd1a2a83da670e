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
                let read = options(&[&format!("--{name}={text}")]).unwrap_or_else(|error| panic!("{error}"));
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
    let list = include_str!("../docker-run-flags.txt");
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
