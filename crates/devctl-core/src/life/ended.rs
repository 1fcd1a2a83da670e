//! Why a container does not run any more.

use crate::containers::Found;
use devctl_engine::{ContainerDetails, LogOptions, LogTail};
use devctl_model::{ContainerEnd, ContainerState};
use futures_util::StreamExt as _;
use std::time::Duration;

/// Exit codes above this one are 128 and the number of a signal.
const SIGNALLED: i32 = 128;
/// The exit code of what was killed; the kernel's own killer leaves the same.
pub(crate) const KILLED: i32 = 137;
/// A log that does not answer by then is not waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// As much of a log is looked at.
const LOG_AT_MOST: usize = 64 * 1024;
/// Longer lines are cut.
const LINE_AT_MOST: usize = 300;

/// How a container ended, from what the engine knows of it; none where it runs, never ran, or ended well.
pub(crate) fn of(details: &ContainerDetails) -> Option<ContainerEnd> {
    let state = &details.state;
    if state.pid.is_some_and(|pid| pid > 0) || details.state.is_running() {
        return None;
    }
    let code = state.exit_code.and_then(|code| i32::try_from(code).ok());
    let not_started = Some(state.error.trim().to_owned()).filter(|error| !error.is_empty());
    if not_started.is_none() && code.is_none_or(|code| code == 0) && !state.oom_killed {
        return None;
    }
    Some(end(
        code.unwrap_or_default(),
        state.oom_killed,
        not_started.as_deref(),
        details.memory,
    ))
}

/// How a container ended, from its exit code alone.
pub(crate) fn of_code(code: i32) -> Option<ContainerEnd> {
    (code != 0).then(|| end(code, false, None, 0))
}

fn end(code: i32, out_of_memory: bool, not_started: Option<&str>, memory: i64) -> ContainerEnd {
    let signal = code
        .checked_sub(SIGNALLED)
        .filter(|number| (1..=64).contains(number))
        .map(signal_name);
    let reason = match (not_started, &signal) {
        (Some(error), _) => format!("it could not be started: {error}"),
        (None, _) if out_of_memory && memory > 0 => {
            format!(
                "it was killed because it ran out of memory (limit {} MiB)",
                memory / (1024 * 1024)
            )
        }
        (None, _) if out_of_memory => "it was killed because it ran out of memory".to_owned(),
        (None, Some(signal)) => format!("its main process was ended by {signal}"),
        (None, None) => format!("its main process ended with exit code {code}"),
    };
    ContainerEnd {
        exit_code: code,
        signal,
        out_of_memory,
        reason,
        last_lines: Vec::new(),
    }
}

fn signal_name(number: i32) -> String {
    let name = match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return format!("signal {number}"),
    };
    name.to_owned()
}

/// The last lines that a container's main process wrote. What cannot be read in time is left out.
pub(crate) async fn last_lines(found: &Found, lines: usize) -> Vec<String> {
    let options = LogOptions {
        tail: LogTail::Lines(lines as u64),
        ..LogOptions::default()
    };
    let reading = async {
        let mut frames = found.engine.container_logs(found.id(), &options).await.ok()?;
        let mut text = Vec::new();
        while let Some(Ok(frame)) = frames.next().await {
            text.extend_from_slice(&frame.bytes);
            if text.len() > LOG_AT_MOST {
                break;
            }
        }
        Some(text)
    };
    let text = tokio::time::timeout(PATIENCE, reading).await.ok().flatten();
    let text = text.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    let from = all.len().saturating_sub(lines);
    all[from..]
        .iter()
        .map(|line| line.chars().take(LINE_AT_MOST).collect())
        .collect()
}

/// What is known better of a container that the list shows as ended: why, where that is not plain from its exit code, and
/// its last words.
pub(crate) async fn explain(found: &Found, shown: &mut devctl_model::Container) {
    const LINES: usize = 3;
    let killed = shown.exit_code == Some(KILLED);
    if !killed && shown.state != ContainerState::Failed {
        return;
    }
    if let Ok(details) = found.engine.container_inspect(found.id()).await {
        shown.ended = of(&details);
    }
    if shown.ended.as_ref().is_some_and(|end| end.out_of_memory) {
        shown.state = ContainerState::Failed;
    }
    if shown.state == ContainerState::Failed
        && let Some(end) = &mut shown.ended
    {
        end.last_lines = last_lines(found, LINES).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_code_is_said_in_words() {
        assert_eq!(of_code(0), None);
        let reason = |code| of_code(code).unwrap().reason;
        assert_eq!(reason(3), "its main process ended with exit code 3");
        assert_eq!(reason(139), "its main process was ended by SIGSEGV");
        assert_eq!(reason(255), "its main process ended with exit code 255");
        let oom = end(137, true, None, 64 * 1024 * 1024);
        assert!(oom.reason.contains("64 MiB") && oom.out_of_memory);
        assert!(
            end(127, false, Some("no such file"), 0)
                .reason
                .contains("no such file")
        );
    }
}
