//! A home of its own for each test, and the engine where there is one.

use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// The image of the tests that need a container; `cargo xtask fixtures` makes it.
pub(crate) const IMAGE: &str = "devctl-base:bookworm";

/// A home directory that goes with the test.
pub(crate) struct Sandbox {
    home: TempDir,
    docker_host: String,
    /// Containers that are removed at the end.
    made: Vec<String>,
    /// Variables beside those that every home has.
    variables: Vec<(String, OsString)>,
}

impl Sandbox {
    /// A home, and a current host that does not answer. Other engines of this computer are still found, so that tests
    /// name no containers that could be there.
    pub(crate) fn without_engine() -> Self {
        Self::new("unix:///nonexistent/devctl-test.sock".to_owned())
    }

    /// A home, and the engine of this computer; none where no engine or no image is there, which is said loudly.
    pub(crate) fn with_engine() -> Option<Self> {
        let host = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
        let found = Command::new("docker")
            .args(["--host", &host, "image", "inspect", IMAGE])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !found.is_ok_and(|status| status.success()) {
            eprintln!("SKIPPED: there is no engine with the image {IMAGE} at {host}");
            return None;
        }
        Some(Self::new(host))
    }

    fn new(docker_host: String) -> Self {
        let home = tempfile::Builder::new().prefix("devctl-cli-").tempdir().unwrap();
        fs::create_dir(home.path().join(".ssh")).unwrap();
        Self {
            home,
            docker_host,
            made: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// The home directory.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Sets a variable for all commands that follow.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.variables.push((name.to_owned(), value.into()));
    }

    /// A folder with that `devcontainer.json`. Its name is unique, and so is that of its container.
    pub(crate) fn folder(&mut self, config: &str) -> PathBuf {
        let unique = self.home().file_name().unwrap().to_string_lossy().to_lowercase();
        let name: String = unique
            .chars()
            .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
            .collect();
        let folder = self
            .home()
            .join(format!("{}-{}", name.trim_matches('-'), self.made.len()));
        fs::create_dir_all(folder.join(".devcontainer")).unwrap();
        fs::write(folder.join(".devcontainer/devcontainer.json"), config).unwrap();
        self.made.push(folder.display().to_string());
        folder
    }

    /// A command in this home, with nothing of the environment of the tests but the search path.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let own = Path::new(env!("CARGO_BIN_EXE_devctl")).parent().unwrap();
        let paths = std::iter::once(own.to_owned()).chain(std::env::split_paths(&path));
        command
            .env_clear()
            .env("PATH", std::env::join_paths(paths).unwrap())
            .env("HOME", self.home())
            .env("LANG", "C.UTF-8")
            .env("DOCKER_HOST", &self.docker_host)
            .env("DEVCTL_STATE_DIR", self.home().join("state"))
            .env("DEVCTL_SSH_DIR", self.home().join(".ssh/devctl"))
            .env("DEVCTL_SSH_CONFIG", self.home().join(".ssh/config"))
            .env("DEVCTL_KEYCHAIN", "off")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(self.home())
            .stdin(Stdio::null());
        command
    }

    /// `devctl` with these arguments.
    pub(crate) fn devctl(&self, args: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_devctl"));
        command.args(args);
        command
    }

    /// Runs `devctl` to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran(self.devctl(args).output().unwrap())
    }

    /// Runs `devctl` at a terminal and types into it; what the terminal showed, and the exit code.
    pub(crate) fn at_terminal(&self, args: &[&str], typed: &str) -> Ran {
        self.at_terminal_after("", args, typed)
    }

    /// The same, but types only once the terminal has shown that text.
    pub(crate) fn at_terminal_after(&self, shown: &str, args: &[&str], typed: &str) -> Ran {
        let words: Vec<String> = std::iter::once(env!("CARGO_BIN_EXE_devctl"))
            .chain(args.iter().copied())
            .map(|word| format!("'{}'", word.replace('\'', r"'\''")))
            .collect();
        let mut child = self
            .command("script")
            .env("TERM", "xterm")
            .args(["--quiet", "--return", "--command"])
            .arg(format!("stty columns 80 rows 24; {}", words.join(" ")))
            .arg("/dev/null")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = Vec::new();
        let mut terminal = child.stdout.take().unwrap();
        while !String::from_utf8_lossy(&stdout).contains(shown) {
            let mut chunk = [0; 4096];
            let read = terminal.read(&mut chunk).unwrap();
            assert!(
                read > 0,
                "{shown:?} was never shown: {}",
                String::from_utf8_lossy(&stdout)
            );
            stdout.extend_from_slice(&chunk[..read]);
        }
        let mut keys = child.stdin.take().unwrap();
        keys.write_all(typed.as_bytes()).unwrap();
        drop(keys);
        terminal.read_to_end(&mut stdout).unwrap();
        let output = child.wait_with_output().unwrap();
        Ran(Output { stdout, ..output })
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for container in &self.made {
            // A test that failed early has made none, and then there is nothing to remove.
            let _ = self.devctl(&["remove", "--yes", "--volumes", container]).output();
        }
    }
}

/// A run that ended.
#[derive(Debug)]
pub(crate) struct Ran(Output);

impl Ran {
    /// Runs a command to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        Self(command.output().unwrap())
    }

    pub(crate) fn code(&self) -> i32 {
        self.0.status.code().unwrap_or(-1)
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    /// Standard output as the one document that it has to be.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.0.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Fails the test unless it ended with that code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code(),
            code,
            "stdout: {}\nstderr: {}",
            self.stdout(),
            self.stderr()
        );
        self
    }
}
