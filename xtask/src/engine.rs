//! A container engine: the one that answers, else one that is installed and started.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::machine::{Package, Seen, program};
use crate::workspace::Workspace;
use crate::{command, machine, report};

const SOCKET: &str = "/var/run/docker.sock";

/// How long a started engine may take until it answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// An engine that answers, by the name of its command-line client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Engine {
    client: &'static str,
}

impl Engine {
    /// A command of the engine's client.
    pub(crate) fn command(self) -> Command {
        Command::new(self.client)
    }

    fn answers(self) -> bool {
        command::on_path(self.client) && command::succeeds(self.command().arg("info"))
    }
}

const DOCKER: Engine = Engine { client: "docker" };
const PODMAN: Engine = Engine { client: "podman" };

/// Docker or Podman, whichever answers; where none does, Docker is installed and started.
pub(crate) fn find_or_start(workspace: &Workspace) -> Result<Engine> {
    match [DOCKER, PODMAN].into_iter().find(|engine| engine.answers()) {
        Some(engine) => Ok(engine),
        None => docker(workspace),
    }
}

/// Docker, installed and started where it does not answer.
pub(crate) fn docker(workspace: &Workspace) -> Result<Engine> {
    if DOCKER.answers() {
        return Ok(DOCKER);
    }
    refuse_without_rights()?;
    machine::need(&[Package {
        name: "docker.io",
        seen: Seen::Program("dockerd"),
        why: "runs the containers",
    }])?;
    // Newer releases of Debian have the client in a package of its own.
    machine::need(&[Package {
        name: "docker-cli",
        ..program("docker", "talks to the engine")
    }])?;
    // A service manager has started it right after the installation.
    let managed = Path::new("/run/systemd/system").is_dir();
    if managed && command::wait_until(Duration::from_secs(5), || DOCKER.answers()) {
        return Ok(DOCKER);
    }
    refuse_without_rights()?;
    if managed {
        machine::as_root("systemctl start docker")?;
    } else if machine::is_root() {
        start_daemon(workspace)?;
    } else {
        bail!(
            "no engine answers, and there is no service manager to start one\nfix: sudo dockerd -H unix://{SOCKET} &"
        );
    }
    if command::wait_until(PATIENCE, || DOCKER.answers()) {
        return Ok(DOCKER);
    }
    refuse_without_rights()?;
    bail!(
        "the engine was started and does not answer within {} s{}\nfix: docker info",
        PATIENCE.as_secs(),
        last_words(workspace)
    )
}

/// What a daemon that was started here said last; nothing where a service manager keeps its log.
fn last_words(workspace: &Workspace) -> String {
    let log = fs::read_to_string(workspace.kept("dockerd.log")).unwrap_or_default();
    let last = log.lines().rev().find(|line| !line.trim().is_empty());
    last.map_or_else(String::new, |line| format!("; it said last: {line}"))
}

/// An engine that runs and does not let this account in is not helped by starting another one.
fn refuse_without_rights() -> Result<()> {
    let Some(Err(error)) = cfg!(unix).then(|| connect(Path::new(SOCKET))) else {
        return Ok(());
    };
    if error.kind() == std::io::ErrorKind::PermissionDenied {
        bail!("this account may not use {SOCKET}\nfix: sudo usermod -aG docker \"$USER\", then log in again");
    }
    Ok(())
}

#[cfg(unix)]
fn connect(socket: &Path) -> std::io::Result<()> {
    std::os::unix::net::UnixStream::connect(socket).map(drop)
}

#[cfg(not(unix))]
fn connect(_socket: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Starts a Docker daemon of its own, which stays when this program ends.
fn start_daemon(workspace: &Workspace) -> Result<()> {
    let log_path = workspace.kept("dockerd.log");
    if let Some(folder) = log_path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let log = File::create(&log_path).with_context(|| format!("cannot write {}", log_path.display()))?;
    let errors = log.try_clone().context("cannot share the engine's log")?;
    report::note(format!(
        "starts dockerd, because no engine answers; its log: {}",
        log_path.display()
    ));
    let mut daemon = Command::new("dockerd");
    daemon
        .args(["-H", &format!("unix://{SOCKET}")])
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors);
    // A group of its own: Ctrl-C here must not end it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut daemon, 0);
    daemon.spawn().context("cannot start dockerd")?;
    Ok(())
}
