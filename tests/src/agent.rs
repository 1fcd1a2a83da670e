//! Containers that have the agent in them without `devctl`, for the tests of the agent alone.
#![expect(
    clippy::unwrap_used,
    reason = "a test whose surroundings cannot be made fails, and says where"
)]

use crate::programs::{Ran, ran};
use crate::sandbox::{IMAGE, skip};
use devctl_agent_protocol::AGENT_PATH;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

/// Whether the tests can run; says loudly when not.
#[must_use]
pub fn engine() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let inspected = Command::new("docker").args(["image", "inspect", IMAGE]).output();
        let found = inspected.is_ok_and(|output| output.status.success());
        if !found {
            skip(&format!(
                "there is no Docker engine with the image {IMAGE}; run `cargo xtask fixtures`"
            ));
        }
        found
    })
}

/// Ends the test where there is no engine.
#[macro_export]
macro_rules! need_engine {
    () => {
        if !$crate::agent::engine() {
            return;
        }
    };
}

/// Runs `docker`, which has to work; what it printed.
#[track_caller]
pub fn docker(arguments: &[&str]) -> String {
    ran(Command::new("docker").args(arguments))
}

/// An image without a single file.
///
/// # Panics
/// When the engine does not take it.
#[must_use]
pub fn empty_image() -> &'static str {
    static MADE: OnceLock<()> = OnceLock::new();
    const NAME: &str = "devctl-test-empty:1";
    MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("empty.tar");
        // The end of a tar archive: two blocks of zeros.
        fs::write(&archive, [0; 1024]).unwrap();
        docker(&["import", archive.to_str().unwrap(), NAME]);
    });
    NAME
}

/// A directory with the agent for this machine in it, as it lies in a container, readable for everybody.
///
/// # Panics
/// When the agent does not build.
#[must_use]
pub fn staged() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let file = folder.path().join(Path::new(AGENT_PATH).file_name().unwrap());
    fs::copy(binary(), &file).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o111)).unwrap();
    folder
}

/// The agent for this machine: `DEVCTL_AGENT_BINARY`, else built once.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(path) = std::env::var_os("DEVCTL_AGENT_BINARY") {
            return path.into();
        }
        let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
        let mut build = Command::new(env!("CARGO"));
        build
            .args(["build", "--quiet", "--package", "devctl-agent"])
            .args(["--profile", "agent", "--target", &target])
            .args(["--message-format", "json-render-diagnostics"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stderr(Stdio::inherit());
        ran(&mut build)
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .find_map(|message| message["executable"].as_str().map(PathBuf::from))
            .unwrap()
    })
}

/// A container that goes with its value.
#[derive(Debug)]
pub struct Container {
    /// Its name, which no other test uses.
    pub name: String,
}

impl Container {
    /// Makes it, without starting it, by `docker create` with these arguments after its name.
    #[must_use]
    pub fn create(arguments: &[&str]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("devctl-agent-test-{}-{number}", std::process::id());
        docker(&[&["create", "--name", &name], arguments].concat());
        Self { name }
    }

    /// Starts it.
    pub fn start(&self) {
        docker(&["start", &self.name]);
    }

    /// Runs a script as root, which has to work; what it printed.
    #[track_caller]
    pub fn exec(&self, script: &str) -> String {
        Ran(self.try_exec("root", script)).expect(0).stdout()
    }

    /// Runs a script as the user, whatever it returns.
    ///
    /// # Panics
    /// When `docker` cannot be run.
    #[must_use]
    pub fn try_exec(&self, user: &str, script: &str) -> Output {
        let mut exec = Command::new("docker");
        exec.args(["exec", "-u", user, &self.name, "sh", "-c", script]);
        exec.output().unwrap()
    }

    /// How many processes have a command line that matches the extended regular expression.
    ///
    /// # Panics
    /// When the container does not run.
    #[track_caller]
    #[must_use]
    pub fn processes(&self, pattern: &str) -> usize {
        let script = format!("ps -eo args= | grep -E '{pattern}' | grep -v grep | wc -l");
        self.exec(&script).trim().parse().unwrap()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // A test that failed before may have nothing to remove.
        let _gone = Command::new("docker")
            .args(["rm", "--force", "--volumes", &self.name])
            .output();
    }
}
