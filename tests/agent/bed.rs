//! A container with the agent in it, keys and certificates made by `ssh-keygen`, and a client configuration whose
//! ProxyCommand hands the agent its document and then carries bytes.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use devctl_agent_protocol::{
    AGENT_PATH, AgentConfig, AgentReport, Allow, HostPrivateKey, PROTOCOL_VERSION, RevocationList,
    encode_config,
};
use devctl_tests::agent::{Container, docker, staged};
use devctl_tests::programs::{ran, wait_until};
use devctl_tests::sandbox::IMAGE;
use tempfile::TempDir;

/// The name that the client types; the container has nothing to do with it.
pub(crate) const HOST: &str = "bed.devctl";

/// Runs a program, which has to work; what it printed.
#[track_caller]
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    ran(Command::new(program).args(arguments))
}

/// Starts the image with the agent in it.
pub(crate) fn start(image: &str, arguments: &[&str], command: &[&str]) -> Container {
    let container = Container::create(&[arguments, &[image], command].concat());
    let staged = staged();
    let inside = Path::new(AGENT_PATH).parent().unwrap().display();
    docker(&[
        "cp",
        &format!("{}/.", staged.path().display()),
        &format!("{}:{inside}", container.name),
    ]);
    container.start();
    container
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
        let container = start(IMAGE, arguments, &["sleep", "infinity"]);
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

    /// Starts `ssh` in the background with a command that has said so before this returns.
    pub(crate) fn started(&self, arguments: &[&str], script: &str) -> Background {
        let mut command = self.client("ssh");
        command
            .args(arguments)
            .args([HOST, &format!("echo started; {script}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut client = Background(command.spawn().unwrap());
        let output = client.0.stdout.as_mut().unwrap();
        let mut said = *b"started";
        output.read_exact(&mut said).unwrap();
        assert_eq!(said, *b"started");
        client
    }

    /// A connection for others to share, and the path of its socket.
    pub(crate) fn master(&self) -> (Background, String) {
        let socket = self.path("mux").to_str().unwrap().to_owned();
        let master = self.background(&["-MN", "-S", &socket, HOST]);
        wait_until("the master", || {
            self.ssh(&["-S", &socket, "-O", "check", HOST]).status.success()
        });
        (master, socket)
    }

    /// A port where nothing listens is refused as such.
    pub(crate) fn refuses_a_dead_port(&self) {
        let output = self.ssh(&["-W", "127.0.0.1:9", HOST]);
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("open failed"),
            "{}",
            self.trouble(&output)
        );
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
    ran(Command::new("ssh-keygen").args(arguments).current_dir(folder));
}
