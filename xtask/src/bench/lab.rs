//! The place where it is measured: a home of its own, and names by which everything is found and removed again.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::fixtures::BASE_IMAGE;
use crate::workspace::Workspace;
use crate::{command, report};

/// What the names of everything made here begin with.
pub(super) const PREFIX: &str = "devctl-bench";

/// Marks the containers that get their names from others.
const LABEL: &str = "devctl.bench=1";

/// The place where it is measured. What it made is removed when it goes.
#[derive(Debug)]
pub(super) struct Lab {
    home: TempDir,
    devctl: PathBuf,
    docker_host: String,
    reference: PathBuf,
    workspace: Workspace,
    /// One run at a time: two would measure each other.
    _lock: File,
}

impl Lab {
    pub(super) fn open(workspace: &Workspace, devctl: &Path) -> Result<Self> {
        let lock_path = workspace.kept("bench.lock");
        let lock =
            File::create(&lock_path).with_context(|| format!("cannot write {}", lock_path.display()))?;
        if lock.try_lock().is_err() {
            bail!("another bench runs here\nfix: wait for its end");
        }
        let home = tempfile::Builder::new()
            .prefix("devctl-bench-")
            .tempdir()
            .context("cannot make a folder to work in")?;
        let devctl = fs::canonicalize(devctl).with_context(|| format!("there is no {}", devctl.display()))?;
        // It looks for itself under this name, also when `ssh` starts it.
        if devctl.file_name().is_none_or(|name| name != "devctl") {
            bail!(
                "{} is not called devctl\nfix: rename it, or copy it elsewhere",
                devctl.display()
            );
        }
        let lab = Self {
            home,
            devctl,
            docker_host: std::env::var("DOCKER_HOST")
                .unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned()),
            reference: workspace.join("tests/conformance/node_modules/@devcontainers/cli/devcontainer.js"),
            workspace: workspace.clone(),
            _lock: lock,
        };
        lab.sweep();
        Ok(lab)
    }

    pub(super) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(super) fn devctl_path(&self) -> &Path {
        &self.devctl
    }

    /// The engine's socket.
    pub(super) fn socket(&self) -> Result<&Path> {
        match self.docker_host.strip_prefix("unix://") {
            Some(path) => Ok(Path::new(path)),
            None => bail!("{} is no Unix socket", self.docker_host),
        }
    }

    /// A program with our own home and nothing of the caller's `devctl`.
    pub(super) fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("HOME", self.home())
            .env("DOCKER_HOST", &self.docker_host)
            .env("DEVCTL_STATE_DIR", self.home().join("state"))
            .env("DEVCTL_SSH_DIR", self.home().join(".ssh/devctl"))
            .env("DEVCTL_SSH_CONFIG", self.home().join(".ssh/config"))
            .env("DEVCTL_KEYCHAIN", "off")
            .env_remove("RUST_LOG")
            .env_remove("DOCKER_CONTEXT")
            .current_dir(self.home())
            .stdin(Stdio::null());
        command
    }

    pub(super) fn devctl(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(&self.devctl);
        command.args(arguments);
        command
    }

    pub(super) fn docker(&self, arguments: &[&str]) -> Command {
        let mut command = self.program("docker");
        command.args(arguments);
        command
    }

    /// The reference command line, on a folder.
    pub(super) fn reference(&self, verb: &str, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = self.program("node");
        command
            .arg(&self.reference)
            .args([verb, "--id-label", LABEL, "--workspace-folder"])
            .arg(folder)
            .args(arguments);
        command
    }

    /// What the program that measures within a process says of `subject`: times in seconds, by name.
    pub(super) fn measured(&self, subject: &str, arguments: &[&OsStr]) -> Result<BTreeMap<String, f64>> {
        command::run(self.workspace.release_cargo().args([
            "build",
            "--quiet",
            "--release",
            "--package=xtask",
            "--features=measure",
            "--bin=measure",
        ]))?;
        let mut measure = self.program(self.workspace.target().join("release/measure"));
        let said = command::output(measure.arg(subject).args(arguments))?;
        serde_json::from_str(&said).with_context(|| format!("cannot read what was measured: {said}"))
    }

    /// `ssh` into a container of `devctl`.
    pub(super) fn ssh(&self, alias: &str, arguments: &[&str]) -> Command {
        let mut command = self.program("ssh");
        command.arg("-F").arg(self.home().join(".ssh/devctl/config"));
        command.args(["-o", "BatchMode=yes"]).args(arguments);
        command.arg(format!("{alias}.devctl"));
        command
    }

    /// A folder whose configuration names the image and nothing else; the container made from it is called the same.
    pub(super) fn folder(&self, name: &str) -> Result<Folder> {
        let path = self.home().join(format!("{PREFIX}-{name}"));
        let inner = path.join(".devcontainer");
        fs::create_dir_all(&inner).with_context(|| format!("cannot make {}", inner.display()))?;
        let file = inner.join("devcontainer.json");
        fs::write(&file, format!("{{ \"image\": \"{BASE_IMAGE}\" }}\n"))
            .with_context(|| format!("cannot write {}", file.display()))?;
        Ok(Folder {
            alias: format!("{PREFIX}-{name}"),
            path,
        })
    }

    /// A container of the engine's own, with a process that waits.
    pub(super) fn peer(&self, name: &str) -> Result<String> {
        self.peer_with(name, &[])
    }

    /// The same, with more options of `docker run`.
    pub(super) fn peer_with(&self, name: &str, options: &[&str]) -> Result<String> {
        let name = format!("{PREFIX}-{name}");
        let mut run = self.docker(&["run", "-d", "--init", "--name", &name]);
        run.args(options).args([BASE_IMAGE, "sleep", "infinity"]);
        command::output(&mut run)?;
        Ok(name)
    }

    /// Removes what the reference made.
    pub(super) fn remove_reference(&self) -> Result<()> {
        self.remove_found(&format!("label={LABEL}"))
    }

    fn remove_found(&self, filter: &str) -> Result<()> {
        let found = command::output(&mut self.docker(&["ps", "-aq", "--filter", filter]))?;
        if found.is_empty() {
            return Ok(());
        }
        let mut remove = self.docker(&["rm", "-f", "-v"]);
        command::output(remove.args(found.lines())).map(drop)
    }

    /// Removes what this run or one that was killed has made.
    fn sweep(&self) {
        let removed = self
            .remove_reference()
            .and_then(|()| self.remove_found(&format!("name=^/?{PREFIX}-")))
            .and_then(|()| self.remove_found(&format!("name=^/?devctl-{PREFIX}-")))
            .and_then(|()| {
                let filter = format!("name={PREFIX}-");
                let found = command::output(&mut self.docker(&["network", "ls", "-q", "--filter", &filter]))?;
                if found.is_empty() {
                    return Ok(());
                }
                let mut remove = self.docker(&["network", "rm"]);
                command::output(remove.args(found.lines())).map(drop)
            });
        if let Err(error) = removed {
            report::note(format!("something of the bench stays behind: {error:#}"));
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.sweep();
    }
}

/// A folder that becomes a container.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) alias: String,
    path: PathBuf,
}

impl Folder {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// `devctl up` of it.
    pub(super) fn up(&self, lab: &Lab) -> Command {
        let mut command = lab.devctl(&["up"]);
        command.arg(&self.path);
        command
    }
}

/// How long the commands take one after the other. Their output goes nowhere; a failure says what was said.
pub(super) fn timed(commands: &mut [Command]) -> Result<Duration> {
    let began = Instant::now();
    for command in commands {
        command::output(command)?;
    }
    Ok(began.elapsed())
}
