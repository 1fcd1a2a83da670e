//! The processes of a Unix session.

use std::fs;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Ends everything in the session of the leader.
pub(crate) fn end_session(leader: Pid) {
    for (pid, _) in members(leader) {
        // It may be gone by now, or of another user.
        let _ = kill_process(pid, Signal::KILL);
    }
    let _ = kill_process_group(leader, Signal::KILL);
}

/// The processes of the session, each with its number and command line.
pub(crate) fn members(leader: Pid) -> Vec<(Pid, String)> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| {
            let number: i32 = entry.file_name().to_str()?.parse().ok()?;
            let pid = Pid::from_raw(number)?;
            let stat = fs::read(entry.path().join("stat")).ok()?;
            (session(&String::from_utf8_lossy(&stat))? == leader.as_raw_nonzero().get()).then_some(())?;
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let words = String::from_utf8_lossy(&line).replace('\0', " ");
            Some((pid, format!("{number} {}", words.trim_end())))
        })
        .collect()
}

/// Field 6 of `/proc/PID/stat` (proc(5)); the name before it may hold anything.
fn session(stat: &str) -> Option<i32> {
    stat.rsplit_once(')')?
        .1
        .split_ascii_whitespace()
        .nth(3)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_found_behind_any_name() {
        assert_eq!(session("12 (a) b) (c) S 1 12 77 0 -1"), Some(77));
        assert_eq!(session("nonsense"), None);
    }
}
