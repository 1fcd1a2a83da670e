//! What can be seen of a container from outside: its processes and its changed files.

use crate::core::Core;
use crate::error::OrProblem;
use devctl_engine::{ChangeKind, ProcessTable};
use devctl_model::{ErrorCode, FileChange, FileChangeKind, FileChangeList, Problem, Process, ProcessList};
use std::sync::Arc;

impl Core {
    pub(crate) async fn processes(self: &Arc<Self>, name: &str) -> Result<ProcessList, Problem> {
        let found = self.find(name).await?;
        if !found.is_up() {
            return Err(not_running(found.alias()));
        }
        let table = found
            .engine
            .container_processes(found.id())
            .await
            .at("List the processes")?;
        Ok(ProcessList {
            processes: rows(&table),
        })
    }

    pub(crate) async fn file_changes(self: &Arc<Self>, name: &str) -> Result<FileChangeList, Problem> {
        let found = self.find(name).await?;
        let changes = found
            .engine
            .container_changes(found.id())
            .await
            .at("Compare the files with the image")?;
        let mut changes: Vec<FileChange> = changes
            .into_iter()
            .map(|change| FileChange {
                path: change.path,
                kind: match change.kind {
                    ChangeKind::Added => FileChangeKind::Added,
                    ChangeKind::Modified => FileChangeKind::Modified,
                    ChangeKind::Deleted => FileChangeKind::Deleted,
                },
            })
            .collect();
        changes.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(FileChangeList { changes })
    }
}

/// The problem of asking something of a container that only a running one has.
pub(crate) fn not_running(alias: &str) -> Problem {
    Problem::new(ErrorCode::ContainerNotRunning, format!("{alias} does not run"))
        .fix_command("Start it", format!("devctl start {alias}"))
}

/// The processes by the titles of the columns: those of Docker's `ps`, its plain `-ef`, and Podman's.
fn rows(table: &ProcessTable) -> Vec<Process> {
    let column = |names: &[&str]| {
        let is_wanted = |title: &String| names.iter().any(|name| title.eq_ignore_ascii_case(name));
        table.titles.iter().position(is_wanted)
    };
    let pid = column(&["PID", "HPID"]);
    let parent = column(&["PPID"]);
    let user = column(&["USER", "UID"]);
    let cpu = column(&["%CPU"]);
    let memory = column(&["RSS"]);
    let elapsed = column(&["ELAPSED"]);
    let state = column(&["STAT", "STATE"]);
    let command = column(&["COMMAND", "CMD", "ARGS"]);
    table
        .rows
        .iter()
        .map(|row| {
            let cell = |column: Option<usize>| column.and_then(|index| row.get(index)).cloned();
            let number = |column| cell(column).and_then(|text| text.parse::<u64>().ok());
            let small = |column| number(column).and_then(|number| u32::try_from(number).ok());
            Process {
                pid: small(pid),
                parent: small(parent),
                user: cell(user),
                cpu_percent: cell(cpu).and_then(|text| text.trim_end_matches('%').parse().ok()),
                memory: number(memory).and_then(|kibibytes| kibibytes.checked_mul(1024)),
                elapsed: cell(elapsed),
                state: cell(state),
                command: cell(command).unwrap_or_default(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(titles: &[&str], row: &[&str]) -> ProcessTable {
        let owned = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect();
        ProcessTable {
            titles: owned(titles),
            rows: vec![owned(row)],
        }
    }

    #[test]
    fn columns_are_found_by_their_titles() {
        let docker = rows(&table(
            &["PID", "PPID", "USER", "%CPU", "RSS", "ELAPSED", "STAT", "COMMAND"],
            &["12", "1", "root", "1.5", "4", "01:02", "Ss", "sh -c x"],
        ));
        assert_eq!(
            docker[0],
            Process {
                pid: Some(12),
                parent: Some(1),
                user: Some("root".to_owned()),
                cpu_percent: Some(1.5),
                memory: Some(4096),
                elapsed: Some("01:02".to_owned()),
                state: Some("Ss".to_owned()),
                command: "sh -c x".to_owned(),
            }
        );
        let podman = rows(&table(
            &["USER", "PID", "PPID", "%CPU", "ELAPSED", "TTY", "TIME", "COMMAND"],
            &["root", "1", "0", "0.000", "3s", "?", "0s", "sleep 9"],
        ));
        assert_eq!((podman[0].pid, podman[0].memory), (Some(1), None));
        assert_eq!(podman[0].command, "sleep 9");
    }
}
