//! The answers of what looks into containers, by example.

use super::shapes::{Shape, shape};
use devctl_model::*;

/// The shape of a command's answer.
pub(super) fn of(command: &str) -> Option<Shape> {
    Some(match command {
        "devctl logs" => shape(
            "one `LogChunk` with all lines; with `--follow` one `LogLine` on each line. With several containers each line \
             says its `container`. With `--save` one object with `file`, `lines` and `bytes`. Should reading break off, the \
             document also has `error`.",
            &LogChunk {
                lines: vec![LogLine {
                    at: Some("2026-01-31T12:00:00.123456789Z".into()),
                    stream: LogStream::Stdout,
                    text: "listening on 8080".into(),
                }],
            },
        ),
        "devctl stats" => shape(
            "one array of `ContainerStats`; with `--follow` one `StatsUpdate` on each line.",
            &[ContainerStats {
                container: ContainerId("5e6d78177297".into()),
                name: "hello".into(),
                sample: StatsSample {
                    at: "2026-01-31T12:00:00.123Z".into(),
                    cpu_percent: Some(12.5),
                    cpus: 8,
                    memory: 44_040_192,
                    memory_limit: 8_589_934_592,
                    received: 1_042,
                    sent: 512,
                    disk_read: 4_096,
                    disk_written: 0,
                    processes: 12,
                },
            }],
        ),
        "devctl top" => shape(
            "one array of `Process`.",
            &[Process {
                pid: Some(11_004),
                parent: Some(10_984),
                user: Some("root".into()),
                cpu_percent: Some(0.5),
                memory: Some(5_578_752),
                elapsed: Some("00:03".into()),
                state: Some("Ss".into()),
                command: "node server.js".into(),
            }],
        ),
        "devctl copy" => shape(
            "one `Copied`; an archive on standard output is no JSON, so that `-` has none there.",
            &Copied {
                files: 3,
                bytes: 1_048_576,
                skipped: Vec::new(),
            },
        ),
        "devctl changes" => shape(
            "one array of `FileChange`.",
            &[FileChange {
                path: "/etc/hosts.allow".into(),
                kind: FileChangeKind::Added,
            }],
        ),
        _ => return None,
    })
}
