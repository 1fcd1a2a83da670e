//! A container with the agent in it, keys and certificates made by `ssh-keygen`, and a client configuration whose
//! ProxyCommand hands the agent its document and then carries bytes.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use devctl_agent_protocol::{
    AGENT_PATH, AgentConfig, AgentReport, Allow, HostPrivateKey, PROTOCOL_VERSION, RevocationList,
    encode_config,
};
use tempfile::TempDir;

/// The image with what a usual development image has.
pub(crate) const IMAGE: &str = "devctl-base:bookworm";

/// The name that the client types; the container has nothing to do with it.
pub(crate) const HOST: &str = "bed.devctl";

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Whether the tests can run; says loudly when not.
pub(crate) fn engine() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let found = Command::new("docker")
            .args(["image", "inspect", IMAGE])
            .output()
            .is_ok_and(|output| output.status.success());
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

/// Runs a program and gives what it printed; it must end well.
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}\n{text}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// Waits until the condition holds.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "waited 30 s for {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// A container that goes with its value.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) name: String,
}

impl Container {
    /// Starts the image with the agent in it.
    pub(crate) fn start(image: &str, arguments: &[&str], command: &[&str]) -> Self {
        let name = format!(
            "devctl-agent-test-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let mut all = vec!["create", "--name", &name];
        all.extend_from_slice(arguments);
        all.push(image);
        all.extend_from_slice(command);
        run("docker", &all);
        let container = Self { name };
        let staged = tempfile::tempdir().unwrap();
        let file = staged.path().join(AGENT_PATH.trim_start_matches('/'));
        fs::create_dir(file.parent().unwrap()).unwrap();
        fs::copy(agent_binary(), &file).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o111)).unwrap();
        let folder = file.parent().unwrap().to_str().unwrap();
        run("docker", &["cp", folder, &format!("{}:/", container.name)]);
        run("docker", &["start", &container.name]);
        container
    }

    /// Runs something as root beside the agent.
    pub(crate) fn exec(&self, script: &str) -> String {
        run("docker", &["exec", &self.name, "sh", "-c", script])
    }

    /// As [`Container::exec`], as the user, whatever it returns.
    pub(crate) fn try_exec(&self, user: &str, script: &str) -> Output {
        Command::new("docker")
            .args(["exec", "-u", user, &self.name, "sh", "-c", script])
            .output()
            .unwrap()
    }

    /// Processes whose command line matches the extended regular expression.
    pub(crate) fn processes(&self, pattern: &str) -> usize {
        self.exec(&format!(
            "ps -eo args= | grep -E '{pattern}' | grep -v grep | wc -l"
        ))
        .trim()
        .parse()
        .unwrap()
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let removed = Command::new("docker").args(["rm", "-f", &self.name]).output();
        if let Err(error) = removed {
            eprintln!("{} was not removed: {error}", self.name);
        }
    }
}

/// Keys, certificates, the agent's document and the client's configuration.
#[derive(Debug)]
pub(crate) struct Bed {
    pub(crate) container: Container,
    pub(crate) config: AgentConfig,
    folder: TempDir,
}

impl Bed {
    /// The usual image without a network, with a user `dev`.
    pub(crate) fn new() -> Self {
        Self::with(&["--network", "none", "--init"])
    }

    /// As [`Bed::new`], with other arguments of `docker create`.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        let container = Container::start(IMAGE, arguments, &["sleep", "infinity"]);
        container.exec("useradd -m -s /bin/bash dev && mkdir /work && chown dev /work");
        Self::around(container, "dev")
    }

    /// Logins as the user into a container that is there.
    pub(crate) fn around(container: Container, user: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = ["user_ca", "host_ca", "host", "user"];
        for name in keys {
            keygen(&folder, &["-q", "-t", "ed25519", "-N", "", "-f", name]);
        }
        keygen(
            &folder,
            &[
                "-q", "-s", "host_ca", "-h", "-I", "host", "-n", HOST, "-z", "1", "host.pub",
            ],
        );
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        fs::write(
            folder.path().join("known_hosts"),
            format!("@cert-authority *.devctl {}", read("host_ca.pub")),
        )
        .unwrap();
        let config = AgentConfig {
            protocol: PROTOCOL_VERSION,
            host_private_key: HostPrivateKey::new(read("host")),
            host_certificate: read("host-cert.pub").trim().to_owned(),
            user_authorities: vec![read("user_ca.pub").trim().to_owned()],
            revocation_list: RevocationList::new(Vec::new()),
            accepted_principals: BTreeMap::from([(user.to_owned(), vec!["owner-1".to_owned()])]),
            environment: BTreeMap::from([("PROBED".to_owned(), "from the proxy".to_owned())]),
            unset_environment: Vec::new(),
            working_directory: Some("/work".to_owned()),
            user: user.to_owned(),
            banner: None,
            allow: Allow::ALL,
        };
        let mut bed = Self {
            container,
            config,
            folder,
        };
        bed.revoke("");
        bed.certify(&[]);
        bed.write();
        bed
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs `ssh-keygen` among the keys.
    pub(crate) fn keygen(&self, arguments: &[&str]) {
        keygen(&self.folder, arguments);
    }

    /// Signs a new certificate for the user: serial 42, principal `owner-1`, five minutes, unless the arguments say
    /// otherwise.
    pub(crate) fn certify(&self, arguments: &[&str]) {
        self.certify_by(
            "user_ca",
            &[&["-n", "owner-1", "-V", "-1m:+5m", "-z", "42"], arguments].concat(),
        );
    }

    /// Signs with an authority and exactly these arguments.
    pub(crate) fn certify_by(&self, authority: &str, arguments: &[&str]) {
        self.keygen(
            &[
                &["-q", "-s", authority, "-I", "id of the user"],
                arguments,
                &["user.pub"],
            ]
            .concat(),
        );
    }

    /// Makes the revocation list of the specification (ssh-keygen(1)).
    pub(crate) fn revoke(&mut self, specification: &str) {
        fs::write(self.path("specification"), specification).unwrap();
        self.keygen(&["-q", "-k", "-f", "krl", "-s", "user_ca.pub", "specification"]);
        self.config.revocation_list = RevocationList::new(fs::read(self.path("krl")).unwrap());
    }

    /// Writes the document and the client's configuration; to be called after a change of [`Bed::config`].
    pub(crate) fn write(&self) {
        fs::write(self.path("frame"), encode_config(&self.config).unwrap()).unwrap();
        let folder = self.folder.path().display();
        let (user, container) = (&self.config.user, &self.container.name);
        // `exec`, so that killing the ProxyCommand kills what carries the bytes. The client hangs up on its proxy when
        // it ends, and the agent's last reports would be lost.
        fs::write(
            self.path("proxy"),
            format!(
                "#!/bin/bash\ntrap '' HUP\nexec docker exec -i -u '{user}' {container} {AGENT_PATH} serve \
                 < <(cat '{folder}/frame'; exec cat) 2>>'{folder}/reports'\n"
            ),
        )
        .unwrap();
        fs::set_permissions(self.path("proxy"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(
            self.path("config"),
            format!(
                "Host {HOST}\n  User {user}\n  ProxyCommand {folder}/proxy\n  IdentitiesOnly yes\n  IdentityAgent none\n  \
                 IdentityFile {folder}/user\n  CertificateFile {folder}/user-cert.pub\n  \
                 UserKnownHostsFile {folder}/known_hosts\n  GlobalKnownHostsFile none\n  StrictHostKeyChecking yes\n"
            ),
        )
        .unwrap();
    }

    /// `ssh`, `scp` or `sftp` with our configuration.
    pub(crate) fn client(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .arg("-F")
            .arg(self.path("config"))
            .env_remove("SSH_AUTH_SOCK")
            .env_remove("LANG");
        command
    }

    /// `ssh` with these arguments, the host among them, to its end.
    pub(crate) fn ssh(&self, arguments: &[&str]) -> Output {
        self.client("ssh")
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Runs a command that must end well and gives its output without the last line end.
    pub(crate) fn sh(&self, script: &str) -> String {
        let output = self.ssh(&[HOST, script]);
        assert!(
            output.status.success(),
            "{script}: {}{}",
            output.status,
            self.trouble(&output)
        );
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end_matches('\n')
            .to_owned()
    }

    /// What the client and the agent said.
    pub(crate) fn trouble(&self, output: &Output) -> String {
        format!(
            "\n{}\n{:?}",
            String::from_utf8_lossy(&output.stderr),
            self.reports()
        )
    }

    /// Starts `ssh` in the background.
    pub(crate) fn background(&self, arguments: &[&str]) -> Background {
        let mut command = self.client("ssh");
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
        Background(command.spawn().unwrap())
    }

    /// What the agents reported so far.
    pub(crate) fn reports(&self) -> Vec<AgentReport> {
        fs::read_to_string(self.path("reports"))
            .unwrap_or_default()
            .lines()
            .filter_map(|line| AgentReport::from_line(line).ok())
            .collect()
    }

    /// Waits for a report that the function recognises. Reports come by another way than what the client says.
    pub(crate) fn wait_for_report<T>(&self, what: &str, recognise: impl Fn(AgentReport) -> Option<T>) -> T {
        let mut found = None;
        wait_until(what, || {
            found = self.reports().into_iter().find_map(&recognise);
            found.is_some()
        });
        found.unwrap()
    }

    /// Forgets the reports.
    pub(crate) fn clear_reports(&self) {
        fs::write(self.path("reports"), "").unwrap();
    }
}

/// A client that is killed with its value.
#[derive(Debug)]
pub(crate) struct Background(pub(crate) Child);

impl Drop for Background {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) && self.0.kill().is_ok() {
            let _ = self.0.wait();
        }
    }
}

fn keygen(folder: &TempDir, arguments: &[&str]) {
    let output = Command::new("ssh-keygen")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
