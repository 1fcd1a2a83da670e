//! Containers that have the agent where `devctl` puts it, and it as their main process.

use std::ops::Deref;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use devctl_agent_protocol::AGENT_PATH;
use devctl_tests::agent::{Container as Plain, docker, staged};
use devctl_tests::sandbox::IMAGE;
use tempfile::TempDir;

/// A container whose main process is `hold`; it goes with its value.
#[derive(Debug)]
pub(crate) struct Container {
    plain: Plain,
    /// What is mounted has to stay as long as the container.
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
        container.exec("useradd -m -u 1000 -s /bin/bash dev && rm -f /home/dev/.bash* /home/dev/.profile");
        container
    }

    /// Starts `hold` with the words after it in a container of the image, with more arguments of `docker run`.
    pub(crate) fn start(image: &str, arguments: &[&str], words: &[&str]) -> Self {
        let agent = staged();
        let inside = Path::new(AGENT_PATH).parent().unwrap().display();
        let mount = format!("{}:{inside}:ro", agent.path().display());
        let head = ["-v", &mount, "--network", "none", "--entrypoint", AGENT_PATH];
        let plain = Plain::create(&[&head, arguments, &[image, "hold"], words].concat());
        plain.start();
        Self { plain, _agent: agent }
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

impl Deref for Container {
    type Target = Plain;

    fn deref(&self) -> &Plain {
        &self.plain
    }
}
