//! Somebody who holds a certificate that the owner of a container has signed.

use devctl_tests::programs::{Background, Ran, ran};
use devctl_tests::sandbox::{Sandbox, Up, devctl_program};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How soon a session has to end after its certificate was revoked.
pub(crate) const SOON: Duration = Duration::from_secs(1);

/// A key, and what the owner handed back for it.
#[derive(Debug)]
pub(crate) struct Holder {
    folder: PathBuf,
    name: String,
    /// The document of `cert issue --json`.
    pub(crate) issued: Value,
}

impl Holder {
    /// Makes a key, and has it signed for a container.
    pub(crate) fn new(home: &Sandbox, name: &str, up: &Up, options: &[&str]) -> Self {
        let folder = home.home().join(format!("holder-{name}"));
        std::fs::create_dir(&folder).unwrap();
        let key = folder.join("key");
        ran(Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&key));
        let public = folder.join("key.pub");
        let mut words = vec![
            "cert",
            "issue",
            public.to_str().unwrap(),
            "--json",
            "--name",
            name,
        ];
        words.extend(["--container", up.name(), "-o", folder.to_str().unwrap()]);
        words.extend(options);
        let issued = home.run(&words).expect(0).json();
        Self {
            folder,
            name: name.to_owned(),
            issued,
        }
    }

    pub(crate) fn serial(&self) -> String {
        self.issued["record"]["serial"].to_string()
    }

    pub(crate) fn text(&self, field: &str) -> &str {
        self.issued["record"][field].as_str().unwrap()
    }

    /// A file of theirs: `key`, `key.pub`, `NAME-cert.pub`, `NAME-known_hosts`.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// `ssh` as this holder, who has nothing but the key and the two files.
    pub(crate) fn ssh(&self, home: &Sandbox, up: &Up) -> Command {
        let file = |end: &str| self.folder.join(format!("{}-{end}", self.name));
        let mut ssh = home.command("ssh");
        ssh.args([
            "-F",
            "none",
            "-o",
            "BatchMode=yes",
            "-o",
            "IdentitiesOnly=yes",
            "-i",
        ])
        .arg(self.folder.join("key"))
        .arg("-o")
        .arg(format!("CertificateFile={}", file("cert.pub").display()))
        .arg("-o")
        .arg(format!("UserKnownHostsFile={}", file("known_hosts").display()))
        .args(["-o", "StrictHostKeyChecking=yes", "-o"])
        .arg(format!(
            "ProxyCommand={} ssh-proxy %n %r",
            devctl_program().display()
        ))
        .arg(format!("root@{}", up.host()));
        ssh
    }

    /// Runs one command line.
    pub(crate) fn try_ssh(&self, home: &Sandbox, up: &Up, line: &str) -> Ran {
        Ran(self.ssh(home, up).arg(line).output().unwrap())
    }

    /// A session that has begun, and would last.
    pub(crate) fn session(&self, home: &Sandbox, up: &Up) -> Background {
        begun(&mut self.ssh(home, up))
    }
}

/// Starts a session that has begun before this returns, and would last.
pub(crate) fn begun(ssh: &mut Command) -> Background {
    let mut session = Background::start(
        ssh.arg("echo begun; exec sleep 4711")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped()),
    );
    session.read_until("begun");
    session
}

/// Fails unless the session ends soon after that moment.
#[track_caller]
pub(crate) fn ends_soon(what: &str, session: &mut Background, since: Instant) {
    let _code = session.end();
    let took = since.elapsed();
    assert!(took <= SOON, "{what}: the session ended after {took:?}");
}

#[track_caller]
pub(crate) fn lives(what: &str, session: &mut Background) {
    assert!(
        session.child().try_wait().unwrap().is_none(),
        "{what}: the session has ended: {}",
        session.stderr()
    );
}
