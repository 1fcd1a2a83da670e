//! Looking into containers: what they use, their processes, what lies at a path.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::answer::{PATIENCE, READ_PATIENCE, Subject};
use super::containers::within;
use super::{DockerEngine, checked};
use crate::error::{EngineError, ObjectKind};
use crate::info::EngineKind;
use crate::stats::{PathKind, PathStat, ProcessTable, StatsReading};
use crate::wire::{Call, json_lines};

/// The columns that are asked for; an engine whose `ps` does not know them gives its own.
const COLUMNS: &str = "-eo pid,ppid,user:32,pcpu,rss,etime,stat,args";

/// The header that carries what lies at a path, as JSON in base64.
const PATH_STAT: &str = "x-docker-container-path-stat";

#[derive(Deserialize)]
struct StatsAnswer {
    #[serde(default)]
    read: String,
    #[serde(default)]
    cpu_stats: CpuAnswer,
    #[serde(default)]
    precpu_stats: CpuAnswer,
    #[serde(default)]
    memory_stats: MemoryAnswer,
    #[serde(default)]
    networks: Option<std::collections::HashMap<String, NetworkAnswer>>,
    #[serde(default)]
    blkio_stats: BlockAnswer,
    #[serde(default)]
    pids_stats: ProcessesAnswer,
}

#[derive(Deserialize, Default)]
struct CpuAnswer {
    #[serde(default)]
    cpu_usage: CpuUsage,
    #[serde(default)]
    system_cpu_usage: u64,
    #[serde(default)]
    online_cpus: u32,
}

#[derive(Deserialize, Default)]
struct CpuUsage {
    #[serde(default)]
    total_usage: u64,
    #[serde(default)]
    percpu_usage: Option<Vec<u64>>,
}

#[derive(Deserialize, Default)]
struct MemoryAnswer {
    #[serde(default)]
    usage: u64,
    #[serde(default)]
    limit: u64,
    #[serde(default)]
    stats: Option<std::collections::HashMap<String, u64>>,
}

#[derive(Deserialize)]
struct NetworkAnswer {
    #[serde(default)]
    rx_bytes: u64,
    #[serde(default)]
    tx_bytes: u64,
}

#[derive(Deserialize, Default)]
struct BlockAnswer {
    #[serde(default)]
    io_service_bytes_recursive: Option<Vec<BlockEntry>>,
}

#[derive(Deserialize)]
struct BlockEntry {
    #[serde(default)]
    op: String,
    #[serde(default)]
    value: u64,
}

#[derive(Deserialize, Default)]
struct ProcessesAnswer {
    #[serde(default)]
    current: u64,
}

impl StatsAnswer {
    /// None for a container that does not run: the engine then says nothing, with the time of the year one.
    fn reading(self) -> Option<StatsReading> {
        let at = OffsetDateTime::parse(&self.read, &Rfc3339)
            .ok()
            .filter(|at| at.year() > 1)?;
        let cpus = match self.cpu_stats.online_cpus {
            0 => {
                let each = self.cpu_stats.cpu_usage.percpu_usage.as_ref().map_or(1, Vec::len);
                u32::try_from(each.max(1)).unwrap_or(u32::MAX)
            }
            cpus => cpus,
        };
        let memory = self.memory_stats;
        let counted = memory.stats.unwrap_or_default();
        // The name of cgroup v1, then that of v2.
        let cache = counted
            .get("total_inactive_file")
            .or_else(|| counted.get("inactive_file"))
            .copied()
            .filter(|cache| *cache < memory.usage)
            .unwrap_or(0);
        let networks = self.networks.unwrap_or_default();
        let blocks = self.blkio_stats.io_service_bytes_recursive.unwrap_or_default();
        let moved = |op: &str| {
            let of_kind = blocks.iter().filter(|entry| entry.op.eq_ignore_ascii_case(op));
            of_kind.map(|entry| entry.value).sum()
        };
        Some(StatsReading {
            at,
            cpu_percent: cpu_percent(&self.precpu_stats, &self.cpu_stats, cpus),
            cpus,
            memory: memory.usage - cache,
            memory_limit: memory.limit,
            received: networks.values().map(|network| network.rx_bytes).sum(),
            sent: networks.values().map(|network| network.tx_bytes).sum(),
            disk_read: moved("read"),
            disk_written: moved("write"),
            processes: self.pids_stats.current,
        })
    }
}

/// The share of one processor between two readings; none where there is no earlier one.
fn cpu_percent(before: &CpuAnswer, now: &CpuAnswer, cpus: u32) -> Option<f64> {
    if before.system_cpu_usage == 0 {
        return None;
    }
    let system = now.system_cpu_usage.checked_sub(before.system_cpu_usage)?;
    let used = now
        .cpu_usage
        .total_usage
        .saturating_sub(before.cpu_usage.total_usage);
    (system > 0).then(|| used as f64 / system as f64 * f64::from(cpus) * 100.0)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TopAnswer {
    #[serde(default)]
    titles: Option<Vec<String>>,
    #[serde(default)]
    processes: Option<Vec<Vec<String>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PathAnswer {
    name: String,
    #[serde(default)]
    size: i64,
    /// In the bits of Go's `os.FileMode`.
    #[serde(default)]
    mode: u32,
    #[serde(default)]
    link_target: String,
}

impl PathAnswer {
    fn stat(self) -> PathStat {
        const DIRECTORY: u32 = 1 << 31;
        const SYMLINK: u32 = 1 << 27;
        const DEVICE_PIPE_SOCKET: u32 = 1 << 26 | 1 << 25 | 1 << 24;
        let kind = if self.mode & DIRECTORY != 0 {
            PathKind::Directory
        } else if self.mode & SYMLINK != 0 {
            PathKind::Symlink
        } else if self.mode & DEVICE_PIPE_SOCKET != 0 {
            PathKind::Other
        } else {
            PathKind::File
        };
        PathStat {
            name: self.name,
            kind,
            size: u64::try_from(self.size).unwrap_or(0),
            link_target: self.link_target,
        }
    }
}

impl DockerEngine {
    pub(super) async fn follow_stats(
        &self,
        container: &str,
    ) -> Result<BoxStream<'static, Result<StatsReading, EngineError>>, EngineError> {
        let subject = Subject::new(
            "read the use of",
            ObjectKind::Container,
            checked(ObjectKind::Container, container)?,
        );
        let call = Call::get(format!("/containers/{container}/stats"), subject).query("stream", "1");
        let mut connection = self.wire.open().await?;
        let response = within(subject, PATIENCE, connection.send(call)).await?;
        let answers = json_lines::<StatsAnswer>("read what a container uses", response, connection);
        // A container that ends is told of by a reading of nothing, again and again.
        let readings = answers
            .map(|answer| answer.map(StatsAnswer::reading).transpose())
            .take_while(|reading| std::future::ready(reading.is_some()))
            .filter_map(std::future::ready);
        Ok(readings.boxed())
    }

    pub(super) async fn list_processes(&self, container: &str) -> Result<ProcessTable, EngineError> {
        let subject = Subject::new(
            "list the processes of",
            ObjectKind::Container,
            checked(ObjectKind::Container, container)?,
        );
        let ask = async |columns: Option<&str>| {
            let mut call = Call::get(format!("/containers/{container}/top"), subject);
            if let Some(columns) = columns {
                call = call.query("ps_args", columns);
            }
            within(subject, READ_PATIENCE, self.wire.ask::<TopAnswer>(call)).await
        };
        // Podman takes other words, and answers in good columns by itself.
        let wanted = (self.facts.kind == EngineKind::Docker).then_some(COLUMNS);
        let answer = match (wanted, ask(wanted).await) {
            (Some(_), Err(EngineError::Answer { .. } | EngineError::Invalid { .. })) => ask(None).await?,
            (_, answer) => answer?,
        };
        Ok(ProcessTable {
            titles: answer.titles.unwrap_or_default(),
            rows: answer.processes.unwrap_or_default(),
        })
    }

    pub(super) async fn stat_path(
        &self,
        container: &str,
        path: &str,
    ) -> Result<Option<PathStat>, EngineError> {
        let subject = Subject::new(
            "look at a path of",
            ObjectKind::Container,
            checked(ObjectKind::Container, container)?,
        );
        let call = Call::head(format!("/containers/{container}/archive"), subject).query("path", path);
        let mut connection = self.wire.open().await?;
        let response = match within(subject, PATIENCE, connection.send(call)).await {
            // An answer without a body cannot say what is missing; a missing container is found by what comes next.
            Err(EngineError::NotFound { .. }) => return Ok(None),
            answered => answered?,
        };
        let unreadable = |reason: String| EngineError::Unreadable {
            operation: subject.to_string(),
            reason,
        };
        let header = response
            .headers()
            .get(PATH_STAT)
            .ok_or_else(|| unreadable(format!("the header {PATH_STAT} is missing")))?;
        let json = STANDARD
            .decode(header.as_bytes())
            .map_err(|error| unreadable(error.to_string()))?;
        let answer: PathAnswer =
            serde_json::from_slice(&json).map_err(|error| unreadable(error.to_string()))?;
        Ok(Some(answer.stat()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> StatsAnswer {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_reading_counts_as_the_engines_client_does() {
        let reading = answer(
            r#"{"read":"2026-11-23T21:40:35.5Z","pids_stats":{"current":2},
            "blkio_stats":{"io_service_bytes_recursive":[{"op":"Read","value":5},{"op":"read","value":1},
                {"op":"Write","value":7},{"op":"Total","value":13}]},
            "cpu_stats":{"cpu_usage":{"total_usage":300},"system_cpu_usage":2000,"online_cpus":2},
            "precpu_stats":{"cpu_usage":{"total_usage":100},"system_cpu_usage":1000,"online_cpus":2},
            "memory_stats":{"usage":1000,"limit":9000,"stats":{"total_inactive_file":400,"inactive_file":1}},
            "networks":{"eth0":{"rx_bytes":3,"tx_bytes":4},"eth1":{"rx_bytes":30,"tx_bytes":40}}}"#,
        )
        .reading()
        .unwrap();
        assert_eq!(reading.cpu_percent, Some(40.0));
        assert_eq!((reading.memory, reading.memory_limit), (600, 9000));
        assert_eq!((reading.received, reading.sent), (33, 44));
        assert_eq!((reading.disk_read, reading.disk_written), (6, 7));
        assert_eq!((reading.processes, reading.cpus), (2, 2));
    }

    #[test]
    fn a_first_reading_has_no_share_and_one_of_cgroup_2_without_disks_is_read_too() {
        let reading = answer(
            r#"{"read":"2026-11-23T21:40:35.5Z","blkio_stats":{"io_service_bytes_recursive":null},
            "cpu_stats":{"cpu_usage":{"total_usage":300,"percpu_usage":[1,2,3]},"system_cpu_usage":2000},
            "precpu_stats":{"cpu_usage":{"total_usage":0}},
            "memory_stats":{"usage":1000,"limit":9000,"stats":{"inactive_file":100}}}"#,
        )
        .reading()
        .unwrap();
        assert_eq!(reading.cpu_percent, None);
        assert_eq!((reading.memory, reading.cpus), (900, 3));
    }

    #[test]
    fn a_container_that_does_not_run_has_no_reading() {
        assert!(answer(r#"{"read":"0001-01-01T00:00:00Z"}"#).reading().is_none());
    }

    #[test]
    fn kinds_of_paths_are_told_apart() {
        for (mode, kind) in [
            (0o644_u32, PathKind::File),
            (1 << 31 | 0o755, PathKind::Directory),
            (1 << 27 | 0o777, PathKind::Symlink),
            (1 << 26, PathKind::Other),
        ] {
            let answer: PathAnswer =
                serde_json::from_value(serde_json::json!({"name": "x", "mode": mode, "size": -1})).unwrap();
            assert_eq!(answer.stat().kind, kind);
        }
    }
}
