//! A home of its own for each test that runs the real `devctl`, the real `ssh` and a real engine as child processes.
//!
//! The programs are found by `DEVCTL_BIN`, else beside the test's own executable, where cargo puts the `devctl` of the
//! same profile. All that a test has made on its engine is found again by labels and removed, also when it failed.
#![expect(
    clippy::unwrap_used,
    reason = "a test whose surroundings cannot be made fails, and says where"
)]

use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

use crate::programs::{Ran, ran};

/// The image of the tests; `cargo xtask fixtures` makes it.
pub const IMAGE: &str = "devctl-base:bookworm";

/// The alias of a container, on the container.
const NAME_LABEL: &str = "dev.devctl.name";
/// The folder of a container, on the container.
const FOLDER_LABEL: &str = "devcontainer.local_folder";

/// A `devcontainer.json` of that image, and more properties, each after a comma.
#[must_use]
pub fn config(more: &str) -> String {
    format!(r#"{{ "image": "{IMAGE}"{more} }}"#)
}

/// Whether the long tests run too.
#[must_use]
pub fn full() -> bool {
    std::env::var("DEVCTL_TEST_FULL").is_ok_and(|value| value == "1")
}

/// Says loudly that a test cannot run here; fails where everything has to be there.
pub fn skip(why: &str) {
    let required = ["DEVCTL_REQUIRE_ALL", "DEVCTL_REQUIRE_ENGINE"]
        .iter()
        .any(|name| std::env::var(name).is_ok_and(|value| value == "1"));
    assert!(!required, "{why}");
    let _unheard = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

/// The `devctl` under test.
///
/// # Panics
/// When it is not built.
#[must_use]
pub fn devctl_program() -> PathBuf {
    let program = std::env::var_os("DEVCTL_BIN").map_or_else(
        || {
            let own = std::env::current_exe().unwrap();
            own.ancestors().nth(2).unwrap().join("devctl")
        },
        PathBuf::from,
    );
    let built = program.is_file();
    assert!(
        built,
        "{} is missing: cargo build -p devctl-cli",
        program.display()
    );
    program
}

/// A home that goes with the test, and with it all that was made on the engine for folders in it.
#[derive(Debug)]
pub struct Sandbox {
    home: TempDir,
    docker_host: String,
    /// Who runs the programs; the test's own account without.
    account: Option<Account>,
}

/// An account that the test made on this machine.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// Its user id and group id.
    pub uid: u32,
    /// More groups that it is a member of, by name.
    pub groups: Vec<String>,
}

impl Sandbox {
    /// A home, and the engine of this machine; none where no engine or no image is there, which is said loudly.
    #[must_use]
    pub fn new() -> Option<Self> {
        let host = std::env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".to_owned());
        let sandbox = Self::on(&host);
        let there = sandbox.try_docker(&["image", "inspect", IMAGE]);
        if there.is_ok_and(|output| output.status.success()) {
            return Some(sandbox);
        }
        skip(&format!("there is no engine with the image {IMAGE} at {host}"));
        None
    }

    /// A home, and the engine at that address, whether it answers or not.
    ///
    /// # Panics
    /// When the home cannot be made.
    #[must_use]
    pub fn on(docker_host: &str) -> Self {
        let home = tempfile::Builder::new()
            .prefix("devctl-test-")
            .tempdir_in("/tmp")
            .unwrap();
        fs::create_dir(home.path().join(".ssh")).unwrap();
        Self {
            home,
            docker_host: docker_host.to_owned(),
            account: None,
        }
    }

    /// Lets another account run the programs. The home becomes its own.
    #[must_use]
    pub fn owned_by(mut self, account: Account) -> Self {
        // What cargo builds may lie where others cannot look.
        let program = self.home().join("bin/devctl");
        fs::create_dir(program.parent().unwrap()).unwrap();
        fs::copy(devctl_program(), &program).unwrap();
        let owner = format!("{}:{}", account.uid, account.uid);
        ran(Command::new("chown").args(["-R", &owner]).arg(self.home()));
        self.account = Some(account);
        self
    }

    /// The home directory.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Where `devctl` keeps its state.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.home().join("state")
    }

    /// The directory of the generated client configuration, keys and certificates.
    #[must_use]
    pub fn ssh_dir(&self) -> PathBuf {
        self.home().join(".ssh/devctl")
    }

    /// A word that no other test uses, and that is an alias as it is.
    #[must_use]
    pub fn unique(&self, word: &str) -> String {
        let random: String = self.home().to_string_lossy().chars().rev().take(6).collect();
        let random: String = random
            .to_lowercase()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        format!("t{random}-{word}")
    }

    /// A folder with a unique name, and with that `devcontainer.json`.
    #[must_use]
    pub fn folder(&self, word: &str, config: &str) -> PathBuf {
        self.folder_at(self.unique(word), config)
    }

    /// A folder at that place in the home, and with that `devcontainer.json`.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn folder_at(&self, place: impl AsRef<Path>, config: &str) -> PathBuf {
        let folder = self.home().join(place);
        fs::create_dir_all(folder.join(".devcontainer")).unwrap();
        self.configure(&folder, config);
        if let Some(account) = &self.account {
            let owner = format!("{}:{}", account.uid, account.uid);
            ran(Command::new("chown").args(["-R", &owner]).arg(&folder));
        }
        folder
    }

    /// Writes another `devcontainer.json`.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn configure(&self, folder: &Path, config: &str) {
        fs::write(folder.join(".devcontainer/devcontainer.json"), config).unwrap();
    }

    /// A command in this home, with nothing of the environment of the tests but the search path.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = match &self.account {
            None => Command::new(program),
            Some(account) => {
                let mut command = Command::new("setpriv");
                let id = account.uid.to_string();
                command.args(["--reuid", &id, "--regid", &id]);
                if account.groups.is_empty() {
                    command.arg("--clear-groups");
                } else {
                    command.arg("--groups").arg(account.groups.join(","));
                }
                command.arg("--").arg(program);
                command
            }
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let user = self.account.as_ref().map_or("root", |account| &account.name);
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.home())
            .env("USER", user)
            .env("LANG", "C.UTF-8")
            .env("DOCKER_HOST", &self.docker_host)
            .env("DEVCTL_STATE_DIR", self.state())
            .env("DEVCTL_SSH_DIR", self.ssh_dir())
            .env("DEVCTL_SSH_CONFIG", self.home().join(".ssh/config"))
            .env("DEVCTL_KEYCHAIN", "off")
            .current_dir(self.home())
            .stdin(Stdio::null());
        command
    }

    /// `devctl` with these arguments.
    pub fn devctl<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let program = match self.account {
            None => devctl_program(),
            Some(_) => self.home().join("bin/devctl"),
        };
        let mut command = self.command(program);
        command.args(arguments);
        command
    }

    /// Runs `devctl` to its end.
    ///
    /// # Panics
    /// When it cannot be run.
    #[track_caller]
    pub fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ran {
        Ran(self.devctl(arguments).output().unwrap())
    }

    /// Brings a folder up, which has to work.
    #[track_caller]
    pub fn up(&self, folder: &Path) -> Up {
        let ran = self.run(&[OsStr::new("up"), OsStr::new("--json"), folder.as_os_str()]);
        Up(ran.expect(0).json())
    }

    /// A client of OpenSSH (`ssh`, `scp`, `sftp`) that uses nothing but our generated configuration and never asks.
    pub fn client(&self, program: &str) -> Command {
        let mut command = self.command(program);
        command
            .arg("-F")
            .arg(self.ssh_dir().join("config"))
            .args(["-o", "BatchMode=yes"]);
        command
    }

    /// Runs one command line through `ssh`, which has to work; what it printed, without the last line break.
    ///
    /// # Panics
    /// When it does not work.
    #[track_caller]
    pub fn ssh(&self, host: &str, line: &str) -> String {
        let ran = self.try_ssh(host, line).expect(0);
        ran.stdout().trim_end_matches('\n').to_owned()
    }

    /// Runs one command line through `ssh`.
    ///
    /// # Panics
    /// When `ssh` is not installed.
    #[track_caller]
    pub fn try_ssh(&self, host: &str, line: &str) -> Ran {
        Ran(self.client("ssh").args([host, line]).output().unwrap())
    }

    fn try_docker(&self, arguments: &[&str]) -> std::io::Result<Output> {
        Command::new("docker")
            .args(["--host", &self.docker_host])
            .args(arguments)
            .output()
    }

    /// Runs `docker` as the tests' own account, which has to work; what it printed, without the last line break.
    ///
    /// # Panics
    /// When it does not work.
    #[track_caller]
    pub fn docker(&self, arguments: &[&str]) -> String {
        Ran(self.try_docker(arguments).unwrap())
            .expect(0)
            .stdout()
            .trim_end()
            .to_owned()
    }

    /// An image with a name of ours, built from these lines on top of [`IMAGE`]; the engine's cache makes it cheap.
    ///
    /// # Panics
    /// When it cannot be built.
    #[track_caller]
    pub fn image(&self, name: &str, lines: &str) -> String {
        let name = format!("devctl-test-{name}:1");
        let mut build = Command::new("docker")
            .args([
                "--host",
                &self.docker_host,
                "build",
                "--quiet",
                "--tag",
                &name,
                "-",
            ])
            .env("DOCKER_BUILDKIT", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let dockerfile = format!("FROM {IMAGE}\n{lines}\n");
        build
            .stdin
            .take()
            .unwrap()
            .write_all(dockerfile.as_bytes())
            .unwrap();
        let _built = Ran(build.wait_with_output().unwrap()).expect(0);
        name
    }

    /// Ids of the containers that were made for that folder, whatever made them.
    #[track_caller]
    pub fn containers_of(&self, folder: &Path) -> Vec<String> {
        self.made()
            .into_iter()
            .filter(|one| one.folder == folder.to_string_lossy())
            .map(|one| one.id)
            .collect()
    }

    /// What is on the engine for this home: containers, helpers of ours, and networks, each in a line.
    #[track_caller]
    pub fn traces(&self) -> Vec<String> {
        let made = self.made();
        let mut traces: Vec<String> = made
            .iter()
            .map(|one| format!("container {}", one.alias))
            .collect();
        let random = self.unique("");
        let networks = self.docker(&["network", "ls", "--format", "network {{.Name}}"]);
        traces.extend(
            networks
                .lines()
                .filter(|line| line.contains(&random))
                .map(str::to_owned),
        );
        traces.sort();
        traces
    }

    /// The containers of folders in this home.
    fn made(&self) -> Vec<Made> {
        let Ok(listed) = self.try_docker(&[
            "ps",
            "--all",
            "--quiet",
            "--no-trunc",
            "--filter",
            "label=dev.devctl.managed",
        ]) else {
            return Vec::new();
        };
        let ids = String::from_utf8_lossy(&listed.stdout).into_owned();
        if ids.trim().is_empty() {
            return Vec::new();
        }
        let words = ["inspect", "--format", "{{.Id}} {{json .Config.Labels}}"];
        // A container of another test may go in between; the others are told all the same.
        let inspected = self
            .try_docker(&[&words[..], &ids.lines().collect::<Vec<_>>()].concat())
            .unwrap();
        String::from_utf8_lossy(&inspected.stdout)
            .lines()
            .filter_map(|line| {
                let (id, labels) = line.split_once(' ')?;
                let labels: Value = serde_json::from_str(labels).ok()?;
                let folder = labels[FOLDER_LABEL].as_str()?.to_owned();
                let alias = labels[NAME_LABEL].as_str()?.to_owned();
                Path::new(&folder).starts_with(self.home()).then(|| Made {
                    id: id.to_owned(),
                    folder,
                    alias,
                })
            })
            .collect()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        for one in self.made() {
            let network = format!("devctl-{}", one.alias);
            for words in [
                &["rm", "--force", "--volumes", &one.id][..],
                &["network", "rm", &network],
            ] {
                // A test that failed, or that removed it itself, has less to remove.
                let _gone = self.try_docker(words);
            }
        }
    }
}

struct Made {
    id: String,
    folder: String,
    alias: String,
}

/// The document at the end of `up --json`.
#[derive(Debug)]
pub struct Up(pub Value);

impl Up {
    /// One of its fields that is a text.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        self.0[field]
            .as_str()
            .unwrap_or_else(|| panic!("{field} of {}", self.0))
    }

    /// The alias.
    #[must_use]
    pub fn name(&self) -> &str {
        self.text("name")
    }

    /// What `ssh` is told.
    #[must_use]
    pub fn host(&self) -> &str {
        self.text("sshHost")
    }

    /// The engine's id.
    #[must_use]
    pub fn container(&self) -> &str {
        self.text("container")
    }
}
