//! Ends the Unix sessions whose leader still runs when its channel or the connection ends.

use std::collections::HashSet;
use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

/// How long processes have between `SIGHUP` and `SIGKILL`.
const GRACE: Duration = Duration::from_secs(1);

/// How often it is looked whether they are gone. The kernel has no event for the end of processes of others.
const INTERVAL: Duration = Duration::from_millis(10);

/// The leaders that run now. Each is a child of ours that was not waited for, so its number cannot be another's.
#[derive(Debug, Default)]
pub(crate) struct Leaders(Mutex<HashSet<Pid>>);

impl Leaders {
    /// Remembers a leader.
    pub(crate) fn add(&self, leader: Pid) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(leader);
    }

    /// Forgets a leader that ended and was waited for.
    pub(crate) fn remove(&self, leader: Pid) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&leader);
    }

    /// Ends the session of the leader if it still runs. It is forgotten only then: whoever ends all sessions at the
    /// same time must not believe that nothing is left to do.
    pub(crate) async fn end(&self, leader: Pid) {
        let runs = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&leader);
        if runs {
            end_sessions(&[leader]).await;
            self.remove(leader);
        }
    }

    /// Ends every session that is left.
    pub(crate) async fn end_all(&self) {
        let leaders: Vec<Pid> = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .copied()
            .collect();
        if !leaders.is_empty() {
            end_sessions(&leaders).await;
        }
    }
}

/// `SIGHUP` to every process of the sessions, then `SIGKILL` to those that are left and do not ignore `SIGHUP`.
async fn end_sessions(leaders: &[Pid]) {
    for process in members(leaders) {
        // A process may be gone by now, or belong to another user who was asked for with sudo.
        let _ = kill_process(process.pid, Signal::HUP);
        // A stopped job does not hear anything else.
        let _ = kill_process(process.pid, Signal::CONT);
    }
    let deadline = Instant::now() + GRACE;
    loop {
        let left: Vec<Process> = members(leaders)
            .into_iter()
            .filter(|process| !process.ignores_hangup)
            .collect();
        if left.is_empty() {
            return;
        }
        if Instant::now() >= deadline {
            for process in left {
                let _ = kill_process(process.pid, Signal::KILL);
            }
            return;
        }
        sleep(INTERVAL).await;
    }
}

struct Process {
    pid: Pid,
    ignores_hangup: bool,
}

/// The living processes of the sessions.
fn members(leaders: &[Pid]) -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return leaders
            .iter()
            .map(|leader| Process {
                pid: *leader,
                ignores_hangup: false,
            })
            .collect();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
            let (state, session) = state_and_session(&fs::read_to_string(entry.path().join("stat")).ok()?)?;
            if matches!(state, 'Z' | 'X')
                || !leaders
                    .iter()
                    .any(|leader| leader.as_raw_nonzero().get() == session)
            {
                return None;
            }
            let status = fs::read_to_string(entry.path().join("status")).ok()?;
            Some(Process {
                pid,
                ignores_hangup: ignores_hangup(&status),
            })
        })
        .collect()
}

/// Fields 3 and 6 of `/proc/PID/stat` (proc(5)); the name before them may hold anything.
fn state_and_session(stat: &str) -> Option<(char, i32)> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(2)?.parse().ok()?))
}

/// Bit 0 of the mask of ignored signals is signal 1, `SIGHUP`.
fn ignores_hangup(status: &str) -> bool {
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::Stdio;

    use tokio::io::AsyncReadExt as _;
    use tokio::process::{Child, Command};

    use super::*;

    #[test]
    fn the_session_is_found_behind_any_name() {
        assert_eq!(state_and_session("12 (a) b) (c) S 1 12 77 0 -1"), Some(('S', 77)));
        assert_eq!(state_and_session("nonsense"), None);
        assert!(ignores_hangup("SigBlk:\t0\nSigIgn:\t0000000000001001\n"));
        assert!(!ignores_hangup("SigIgn:\t0000000000001000\n"));
    }

    /// A shell in a session of its own, once it has said that it is ready.
    async fn session(script: &str) -> (Child, Pid) {
        let mut child = Command::new("setsid")
            .args(["--wait", "sh", "-c", script])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut leader = String::new();
        let mut stdout = child.stdout.take().unwrap();
        let mut byte = [0];
        while stdout.read(&mut byte).await.unwrap() == 1 && byte != *b"\n" {
            leader.push(char::from(byte[0]));
        }
        (child, Pid::from_raw(leader.parse().unwrap()).unwrap())
    }

    #[tokio::test]
    async fn a_process_that_will_not_hear_is_killed_with_its_children() {
        let (mut child, leader) = session("trap : HUP; sleep 1000 & echo $$; while :; do wait; done").await;
        end_sessions(&[leader]).await;
        child.wait().await.unwrap();
        assert!(members(&[leader]).is_empty());
    }

    #[tokio::test]
    async fn ending_all_does_not_trust_an_ending_that_is_under_way() {
        let (mut child, leader) = session("trap : HUP; sleep 1000 & echo $$; while :; do wait; done").await;
        let leaders = Leaders::default();
        leaders.add(leader);
        let mut stuck = std::pin::pin!(leaders.end(leader));
        assert!(futures_util::poll!(&mut stuck).is_pending());
        leaders.end_all().await;
        child.wait().await.unwrap();
        assert!(members(&[leader]).is_empty());
    }

    #[tokio::test]
    async fn a_process_that_ignores_hangup_lives_on() {
        let (mut child, leader) = session("trap '' HUP; echo $$; exec sleep 1000").await;
        end_sessions(&[leader]).await;
        assert_eq!(members(&[leader]).len(), 1);
        kill_process(leader, Signal::TERM).unwrap();
        let status = child.wait().await.unwrap();
        assert!(
            status.code() == Some(143) || status.signal() == Some(15),
            "{status}"
        );
    }
}
