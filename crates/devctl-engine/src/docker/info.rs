//! What the engine says about itself, and what its process may do.

use bollard::models::{SystemInfo, SystemInfoCgroupVersionEnum};

use serde::Deserialize;

use super::answer::{READ_PATIENCE, Subject};
use super::{DockerEngine, NofileCeiling};
use crate::error::EngineError;
use crate::info::{CgroupVersion, EngineInfo};
use crate::wire::{Call, Stream};

/// What `/info` answers: Docker's fields, and one that only Podman has.
#[derive(Deserialize)]
struct Answer {
    /// Podman 4.3 tells it here and not in the security options.
    #[serde(rename = "Rootless", default)]
    rootless: bool,
    #[serde(flatten)]
    info: SystemInfo,
}

impl DockerEngine {
    pub(super) async fn ask_ping(&self) -> Result<(), EngineError> {
        /// A ping touches no container and no disk.
        const PING_PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);
        let subject = Subject::engine("ping the engine");
        self.read(subject, PING_PATIENCE, self.client.ping(), self.failed(subject))
            .await?;
        Ok(())
    }

    pub(super) async fn read_info(&self) -> Result<EngineInfo, EngineError> {
        let subject = Subject::engine("ask for the engine's state");
        let asked = self.wire.ask::<Answer>(Call::get("/info".into(), subject));
        let answer = self.read(subject, READ_PATIENCE, asked, |error| error).await?;
        let nofile_limit = self.nofile_ceiling().await?;
        Ok(self.understand(answer, nofile_limit))
    }

    fn understand(&self, answer: Answer, nofile_limit: Option<u64>) -> EngineInfo {
        let Answer { rootless, info } = answer;
        let security_options = info.security_options.unwrap_or_default();
        let names = |name: &str| {
            security_options.iter().any(|option| {
                option
                    .split(',')
                    .any(|part| part.trim_start_matches("name=") == name)
            })
        };
        let runtimes = info.runtimes.unwrap_or_default();
        let devices = info.discovered_devices.unwrap_or_default();
        let gpus = runtimes.keys().any(|name| name.contains("nvidia"))
            || devices
                .iter()
                .any(|device| device.id.as_deref().is_some_and(|id| id.contains("gpu")));
        EngineInfo {
            kind: self.facts.kind,
            version: info.server_version.unwrap_or_default(),
            api_version: self.facts.api_version,
            id: info.id.filter(|id| !id.is_empty()),
            name: info.name.unwrap_or_default(),
            os: info.os_type.unwrap_or_else(|| "linux".into()),
            arch: image_architecture(&info.architecture.unwrap_or_default()),
            kernel: info.kernel_version.unwrap_or_default(),
            cpus: count(info.ncpu),
            memory: count(info.mem_total),
            cgroup: match info.cgroup_version {
                Some(SystemInfoCgroupVersionEnum::_2) => CgroupVersion::V2,
                _ => CgroupVersion::V1,
            },
            rootless: rootless || names("rootless"),
            user_namespaces: names("userns"),
            storage_driver: info.driver.unwrap_or_default(),
            data_root: info.docker_root_dir.unwrap_or_default(),
            gpus,
            nofile_limit,
            warnings: info.warnings.unwrap_or_default(),
            time: info.system_time.as_deref().and_then(|text| {
                time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok()
            }),
            security_options,
        }
    }

    /// The highest `nofile` that the engine may set, as far as it can be known; asked for once.
    pub(super) async fn nofile_ceiling(&self) -> Result<Option<u64>, EngineError> {
        let known = *self
            .nofile
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match known {
            NofileCeiling::Seen(limit) => return Ok(limit),
            NofileCeiling::Refused => return Ok(None),
            NofileCeiling::Unasked => {}
        }
        let limit = nofile_of_peer(&self.wire.dial().await?);
        let mut ceiling = self
            .nofile
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if *ceiling == NofileCeiling::Unasked {
            *ceiling = NofileCeiling::Seen(limit);
        }
        Ok(limit)
    }

    /// What a container that wants at most `wanted` open files is given; `None` leaves the engine's own default.
    pub(super) async fn nofile_for(&self, wanted: u64) -> Result<Option<u64>, EngineError> {
        let ceiling = self.nofile_ceiling().await?;
        if *self
            .nofile
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            == NofileCeiling::Refused
        {
            return Ok(None);
        }
        Ok(Some(ceiling.map_or(wanted, |limit| limit.min(wanted))))
    }

    /// Keeps in mind that the engine could not set what was asked for.
    pub(super) fn nofile_was_refused(&self) {
        *self
            .nofile
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = NofileCeiling::Refused;
    }
}

/// The highest `nofile` that the process at the other end of a Unix socket may give to its children: the kernel's own
/// bound when it may raise limits (CAP_SYS_RESOURCE on the machine, not in a user namespace only), else its hard limit. `None` where that cannot be seen: an engine
/// in a virtual machine or behind TCP.
fn nofile_of_peer(stream: &Stream) -> Option<u64> {
    const CAP_SYS_RESOURCE: u32 = 24;
    let process = stream.peer_process()?;
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let capabilities = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    let capabilities = u64::from_str_radix(capabilities.trim(), 16).ok()?;
    let users = std::fs::read_to_string(format!("/proc/{process}/uid_map")).ok()?;
    if capabilities & (1 << CAP_SYS_RESOURCE) != 0 && maps_everybody(&users) {
        return std::fs::read_to_string("/proc/sys/fs/nr_open")
            .ok()?
            .trim()
            .parse()
            .ok();
    }
    hard_nofile(&std::fs::read_to_string(format!("/proc/{process}/limits")).ok()?)
}

/// Whether a process with that `/proc/PID/uid_map` is in the machine's own user namespace.
fn maps_everybody(map: &str) -> bool {
    map.split_ascii_whitespace().eq(["0", "0", "4294967295"])
}

/// The hard limit of open files in the text of `/proc/PID/limits`.
fn hard_nofile(limits: &str) -> Option<u64> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// The kernel's name of an architecture in the notation of images.
fn image_architecture(machine: &str) -> String {
    match machine {
        "x86_64" | "amd64" => "amd64",
        "aarch64" | "arm64" => "arm64",
        "armv7l" | "armhf" => "arm",
        other => other,
    }
    .to_owned()
}

fn count(number: Option<i64>) -> u64 {
    number
        .and_then(|number| u64::try_from(number).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hard_limit_is_the_second_number() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
                      Max processes             62000                62000                processes \n\
                      Max open files            1024                 20000                files     \n";
        assert_eq!(hard_nofile(limits), Some(20_000));
        assert_eq!(hard_nofile("Max open files   unlimited unlimited files"), None);
        assert_eq!(hard_nofile(""), None);
    }

    #[test]
    fn rights_in_a_namespace_of_users_raise_no_limit() {
        assert!(maps_everybody("         0          0 4294967295\n"));
        assert!(!maps_everybody(
            "         0      61299          1\n         1     700000      65536\n"
        ));
        assert!(!maps_everybody(""));
    }
}
