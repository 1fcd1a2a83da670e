//! Containers that have the agent where `devctl` puts it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use devctl_agent_protocol::AGENT_PATH;
use tempfile::TempDir;

/// The image with what a usual development image has.
pub(crate) const IMAGE: &str = "devctl-base:bookworm";

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Whether the tests can run; says loudly when not.
pub(crate) fn engine() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let inspected = Command::new("docker").args(["image", "inspect", IMAGE]).output();
        let found = inspected.is_ok_and(|output| output.status.success());
        let required = std::env::var_os("DEVCTL_REQUIRE_ENGINE").is_some_and(|value| value == "1");
        assert!(found || !required, "no Docker engine with the image {IMAGE}");
        if !found {
            eprintln!("SKIPPED: no Docker engine with the image {IMAGE}; run `cargo xtask fixtures`");
        }
        found
    })
}

/// Skips the test where there is no engine.
macro_rules! need_engine {
    () => {
        if !crate::bed::engine() {
            return;
        }
    };
}
pub(crate) use need_engine;

/// The agent for this machine, built once.
fn agent_binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(path) = std::env::var_os("DEVCTL_AGENT_BINARY") {
            return path.into();
        }
        let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
        let output = Command::new(env!("CARGO"))
            .args([
                "build",
                "--quiet",
                "-p",
                "devctl-agent",
                "--profile",
                "agent",
                "--target",
                &target,
            ])
            .args(["--message-format", "json-render-diagnostics"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(output.status.success(), "the agent did not build");
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .find_map(|message| message["executable"].as_str().map(PathBuf::from))
            .unwrap()
    })
}

/// Runs `docker`, which must end well, and gives what it printed on standard output.
pub(crate) fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "docker {arguments:?}: {}\n{complaint}",
        output.status
    );
    String::from_utf8(output.stdout).unwrap()
}

/// An image without a single file.
pub(crate) fn empty_image() -> &'static str {
    static MADE: OnceLock<()> = OnceLock::new();
    const NAME: &str = "devctl-tools-test:empty";
    MADE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("empty.tar");
        // The end of a tar archive: two blocks of zeros.
        fs::write(&archive, [0; 1024]).unwrap();
        docker(&["import", archive.to_str().unwrap(), NAME]);
    });
    NAME
}

/// Waits until the condition holds.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "waited 30 s for {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// A container whose main process is `hold`; it goes with its value.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) name: String,
    _agent: TempDir,
}

impl Container {
    /// The usual image without a network.
    pub(crate) fn new() -> Self {
        Self::start(IMAGE, &[], &[])
    }

    /// As [`Container::new`], with a user `dev` whose login shell is bash.
    pub(crate) fn with_user() -> Self {
        let container = Self::new();
        container.sh("useradd -m -u 1000 -s /bin/bash dev && rm -f /home/dev/.bash* /home/dev/.profile");
        container
    }

    /// Starts `hold` with the words after it in a container of the image, with more arguments of `docker run`.
    pub(crate) fn start(image: &str, arguments: &[&str], words: &[&str]) -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("devctl-tools-test-{}-{number}", std::process::id());
        let agent = tempfile::tempdir().unwrap();
        fs::set_permissions(agent.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let file = agent.path().join(Path::new(AGENT_PATH).file_name().unwrap());
        fs::copy(agent_binary(), &file).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o111)).unwrap();
        let inside = Path::new(AGENT_PATH).parent().unwrap().display();
        let mount = format!("{}:{inside}:ro", agent.path().display());
        let head = [
            "run",
            "-d",
            "--name",
            &name,
            "-v",
            &mount,
            "--network",
            "none",
            "--entrypoint",
            AGENT_PATH,
        ];
        docker(&[&head, arguments, &[image, "hold"], words].concat());
        Self { name, _agent: agent }
    }

    /// Runs a script as root, which must end well.
    pub(crate) fn sh(&self, script: &str) -> String {
        docker(&["exec", &self.name, "sh", "-c", script])
    }

    /// The agent with these arguments, with standard input that stays open, ready to be started.
    pub(crate) fn tool(&self, user: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command
            .args(["exec", "-i", "-u", user, &self.name, AGENT_PATH])
            .args(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the agent to its end while its standard input stays open.
    pub(crate) fn run(&self, user: &str, arguments: &[&str]) -> Output {
        let mut child = self.tool(user, arguments).spawn().unwrap();
        // Waiting would close it.
        let lifeline = child.stdin.take();
        let output = child.wait_with_output().unwrap();
        drop(lifeline);
        output
    }

    /// Processes whose command line matches the extended regular expression.
    pub(crate) fn processes(&self, pattern: &str) -> usize {
        self.sh(&format!(
            "ps -eo args= | grep -E '{pattern}' | grep -v grep | wc -l"
        ))
        .trim()
        .parse()
        .unwrap()
    }

    /// One field of the engine's description.
    pub(crate) fn inspect(&self, field: &str) -> String {
        docker(&["inspect", "-f", &format!("{{{{{field}}}}}"), &self.name])
            .trim()
            .to_owned()
    }

    /// What the main process printed: standard output and standard error.
    pub(crate) fn log(&self) -> (String, String) {
        let output = Command::new("docker")
            .args(["logs", &self.name])
            .output()
            .unwrap();
        (
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let removed = Command::new("docker")
            .args(["rm", "-f", "-v", &self.name])
            .output();
        if let Err(error) = removed {
            eprintln!("{} was not removed: {error}", self.name);
        }
    }
}
