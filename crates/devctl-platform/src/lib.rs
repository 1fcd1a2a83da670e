//! Tells the core about the process that it runs in: the one place that reads the environment, the home directory and
//! the clock for it.
//!
//! | variable | what it does |
//! | --- | --- |
//! | `DEVCTL_STATE_DIR` | our state, instead of `$XDG_STATE_HOME/devctl` |
//! | `DEVCTL_SSH_DIR` | our ssh directory, instead of `~/.ssh/devctl` |
//! | `DEVCTL_SSH_CONFIG` | the user's ssh configuration, instead of `~/.ssh/config` |
//! | `DEVCTL_MASTER_KEY_FILE` | a file with the vault's master key, for machines without a keychain |
//! | `DEVCTL_KEYCHAIN` | `off` never asks the OS keychain |

use devctl_core::{CoreConfig, EngineEnv, HostPlatform, KeySources, Keychain, LocalTime, Process};
use devctl_model::{ErrorCode, Problem};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// What the core has to know, read from this process. `door` is the door that it is (`cli`, `desktop`).
///
/// # Errors
/// When there is no home directory, or this program's own path cannot be found.
pub fn core_config(door: &'static str) -> Result<CoreConfig, Problem> {
    // Names and values that are not Unicode cannot be written in a configuration.
    let env: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let path = |name: &str| env.get(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = dirs::home_dir().ok_or_else(|| {
        Problem::new(ErrorCode::FileFailed, "there is no home directory")
            .fix("Set HOME to a directory of yours")
    })?;
    let state_dir = path("DEVCTL_STATE_DIR")
        .or_else(|| {
            dirs::state_dir()
                .or_else(dirs::data_local_dir)
                .map(|dir| dir.join("devctl"))
        })
        .unwrap_or_else(|| home.join(".local/state/devctl"));
    let ssh_dir = path("DEVCTL_SSH_DIR").unwrap_or_else(|| home.join(".ssh/devctl"));
    let ssh_user_config = path("DEVCTL_SSH_CONFIG").unwrap_or_else(|| home.join(".ssh/config"));
    let working_directory = std::env::current_dir().unwrap_or_else(|_| home.clone());
    let (uid, gid) = ids();
    let user = env
        .get("USER")
        .or_else(|| env.get("LOGNAME"))
        .or_else(|| env.get("USERNAME"))
        .cloned()
        .or_else(|| account(uid))
        .unwrap_or_else(|| uid.to_string());
    let keychain = (env.get("DEVCTL_KEYCHAIN").map(String::as_str) != Some("off"))
        .then(|| Keychain::of_the_os("devctl"));
    let engine_env = EngineEnv {
        vars: env.clone(),
        home: Some(home.clone()),
        runtime_dir: path("XDG_RUNTIME_DIR"),
        uid: cfg!(unix).then_some(uid),
        platform: HostPlatform::current(),
        system_root: PathBuf::from("/"),
    };
    let key_sources = KeySources {
        keychain,
        key_file: path("DEVCTL_MASTER_KEY_FILE"),
        credentials_directory: path("CREDENTIALS_DIRECTORY"),
    };
    let process = Process {
        pid: std::process::id(),
        started: started(std::process::id()).unwrap_or(0),
    };
    Ok(CoreConfig {
        door,
        user,
        uid,
        gid,
        machine: machine(),
        home,
        state_dir: absolute(state_dir, &working_directory),
        ssh_dir: absolute(ssh_dir, &working_directory),
        ssh_user_config: absolute(ssh_user_config, &working_directory),
        devctl: devctl()?,
        working_directory,
        process,
        is_alive: |process| started(process.pid) == Some(process.started),
        engine_env,
        // Only Linux tells its routes this way; elsewhere engines run in a machine of their own.
        routes: std::fs::read_to_string("/proc/net/route").unwrap_or_default(),
        key_sources,
        passphrase: devctl_core::VaultPassphrase::default(),
        clock: Arc::new(SystemTime::now),
        local_time,
        env,
    })
}

/// The time of day in the time zone of this computer; in UTC where that cannot be found.
fn local_time(at: SystemTime) -> LocalTime {
    let at = jiff::Timestamp::try_from(at).unwrap_or_default();
    let here = at.to_zoned_datetime(jiff::tz::TimeZone::system());
    let minutes = i32::from(here.hour()) * 60 + i32::from(here.minute());
    LocalTime {
        weekday: here.weekday().to_monday_zero_offset().unsigned_abs(),
        minute: u16::try_from(minutes).unwrap_or(0),
    }
}

fn absolute(path: PathBuf, start: &std::path::Path) -> PathBuf {
    if path.is_absolute() {
        path
    } else {
        start.join(path)
    }
}

/// The command-line program: this one, or the one beside the desktop application.
fn devctl() -> Result<PathBuf, Problem> {
    let own = std::env::current_exe().map_err(|error| {
        Problem::new(ErrorCode::FileFailed, "the path of this program cannot be found").why(error.to_string())
    })?;
    let name = if cfg!(windows) { "devctl.exe" } else { "devctl" };
    if own.file_name().is_some_and(|file| file == name) {
        return Ok(own);
    }
    Ok(own.with_file_name(name))
}

#[cfg(unix)]
fn ids() -> (u32, u32) {
    (
        rustix::process::geteuid().as_raw(),
        rustix::process::getegid().as_raw(),
    )
}

#[cfg(not(unix))]
fn ids() -> (u32, u32) {
    (0, 0)
}

/// The account of a user id, where the environment does not name it (services, containers).
fn account(uid: u32) -> Option<String> {
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

#[cfg(unix)]
fn machine() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn machine() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

/// When a process started, in ticks since the machine did; none when it is gone.
#[cfg(target_os = "linux")]
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything; the start is the twentieth field after it.
    stat.rsplit_once(')')?
        .1
        .split_ascii_whitespace()
        .nth(19)?
        .parse()
        .ok()
}

/// Without start times a number that is in use counts as the same process: an interrupted operation is then found a
/// little later.
#[cfg(all(unix, not(target_os = "linux")))]
fn started(pid: u32) -> Option<u64> {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).ok()?)?;
    rustix::process::test_kill_process(pid).is_ok().then_some(0)
}

#[cfg(not(unix))]
fn started(pid: u32) -> Option<u64> {
    (pid == std::process::id()).then_some(0)
}

/// Lets this process open as many descriptors as it may: each forwarded connection is one. With fewer, later connections
/// are refused one by one.
pub fn raise_descriptors() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let maximum = getrlimit(Resource::Nofile).maximum;
        let raised = Rlimit {
            current: maximum,
            maximum,
        };
        // What is there has to do.
        let _ = setrlimit(Resource::Nofile, raised);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_a_day_and_a_minute() {
        // 2023-11-14 is a Tuesday; no zone is so far from noon in London that another day has begun.
        let noon = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_699_963_200);
        let here = local_time(noon);
        assert!(
            [1, 2].contains(&here.weekday) && here.minute < 24 * 60,
            "{here:?}"
        );
        let later = local_time(noon + std::time::Duration::from_secs(60));
        assert_eq!(later.minute, (here.minute + 1) % (24 * 60));
    }

    #[test]
    fn this_process_is_alive_and_a_later_one_of_its_number_is_not_it() {
        let config = core_config("cli").unwrap();
        assert!((config.is_alive)(config.process));
        assert!(!(config.is_alive)(Process {
            started: config.process.started + 1,
            ..config.process
        }));
        assert!(config.state_dir.is_absolute() && config.ssh_dir.is_absolute());
    }
}
