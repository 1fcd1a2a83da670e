//! Two people on one machine: one has a container, the other a certificate for it, and a way in through the real OpenSSH
//! server. Nothing of ours listens, and the other cannot reach the engine.

use crate::holder::{SOON, begun};
use devctl_tests::accounts::Made;
use devctl_tests::programs::{Background, Ran, ran};
use devctl_tests::sandbox::{Sandbox, Up, config};
use devctl_tests::sshd::Sshd;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Who has the container, and who is let in.
struct Two {
    alice: Sandbox,
    bob: Sandbox,
    up: Up,
    other: Up,
    // Accounts and server go last.
    _sshd: Sshd,
    _folder: tempfile::TempDir,
    accounts: [Made; 2],
}

impl Two {
    /// With accounts of these two ids, which no other test uses.
    fn new(ids: [u32; 2]) -> Option<Self> {
        let alice = Sandbox::new()?;
        let bob = Sandbox::new()?;
        let accounts = [
            Made::with_home(ids[0], &["docker"], alice.home())?,
            Made::with_home(ids[1], &[], bob.home())?,
        ];
        let alice = alice.owned_by(accounts[0].0.clone());
        let bob = bob.owned_by(accounts[1].0.clone());
        let up = alice.up(&alice.folder("shown", &config("")));
        let other = alice.up(&alice.folder("other", &config("")));
        let folder = tempfile::tempdir().unwrap();
        // What a login of the machine has in its environment anyway; the tests' own places in its stead.
        let variables = [
            ("DEVCTL_STATE_DIR", alice.state()),
            ("DEVCTL_SSH_DIR", alice.ssh_dir()),
            ("DEVCTL_KEYCHAIN", "off".into()),
        ];
        let set: Vec<String> = variables
            .iter()
            .map(|(name, value)| format!("{name}={}", value.display()))
            .collect();
        let sshd = Sshd::start(folder.path(), &format!("SetEnv {}", set.join(" ")))?;
        let machine = ran(&mut Command::new("hostname"));
        let inner = format!(
            "Host {}\n  HostName 127.0.0.1\n  Port {}\n  StrictHostKeyChecking yes\n  BatchMode yes\n",
            machine.trim(),
            sshd.port
        );
        fs::write(bob.home().join(".ssh/config"), inner).unwrap();
        fs::write(bob.home().join(".ssh/known_hosts"), &sshd.known_hosts).unwrap();
        let two = Self {
            alice,
            bob,
            up,
            other,
            _sshd: sshd,
            _folder: folder,
            accounts,
        };
        two.key_of_bob();
        Some(two)
    }

    fn key(&self) -> PathBuf {
        self.bob.home().join("id_ed25519")
    }

    fn key_of_bob(&self) {
        let mut keygen = self.bob.command("ssh-keygen");
        ran(keygen
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(self.key()));
    }

    /// Alice signs what Bob sent, and hands him what comes out; the document of `cert issue`.
    fn issue(&self, name: &str, options: &[&str]) -> Value {
        let sent = self.alice.home().join("bob.pub");
        copy(&self.key().with_extension("pub"), &sent);
        let folder = self.alice.home().join(format!("for-{name}"));
        ran(self.alice.command("mkdir").arg(&folder));
        let mut words = vec!["cert", "issue", sent.to_str().unwrap(), "--json", "--name", name];
        words.extend(["-o", folder.to_str().unwrap()]);
        words.extend(options);
        let issued = self.alice.run(&words).expect(0).json();
        for file in ["cert.pub", "known_hosts"] {
            let file = format!("{name}-{file}");
            copy(&folder.join(&file), &self.bob.home().join(&file));
        }
        issued
    }

    /// Alice lets Bob's key carry one connection, by the lines that were printed for it.
    fn admit(&self, lines: &[&str]) {
        let file = self.alice.home().join(".ssh/authorized_keys");
        fs::write(&file, lines.join("\n") + "\n").unwrap();
    }

    /// The line that was printed for Bob, as he types it, with the names of his files.
    fn line(&self, name: &str, way: &Value) -> String {
        let file = |end: &str| {
            self.bob
                .home()
                .join(format!("{name}-{end}"))
                .display()
                .to_string()
        };
        way["ssh"]
            .as_str()
            .unwrap()
            .replace("-i KEY", &format!("-i {}", self.key().display()))
            .replace(
                "CertificateFile=CERT",
                &format!("CertificateFile={}", file("cert.pub")),
            )
            .replace(
                "UserKnownHostsFile=KNOWN",
                &format!("UserKnownHostsFile={}", file("known_hosts")),
            )
    }

    fn as_bob(&self, line: &str) -> Command {
        let mut shell = self.bob.command("sh");
        shell.args(["-c", line]);
        shell
    }

    fn bob_runs(&self, line: &str, what: &str) -> Ran {
        Ran(self.as_bob(&format!("{line} '{what}'")).output().unwrap())
    }
}

/// A file that everybody may read.
fn copy(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
    fs::set_permissions(to, fs::Permissions::from_mode(0o644)).unwrap();
}

fn way(issued: &Value) -> &Value {
    &issued["ways"][0]
}

fn admission(issued: &Value) -> &str {
    way(issued)["authorizedKeys"].as_str().unwrap()
}

#[test]
fn who_was_handed_a_certificate_enters_that_container_until_it_is_revoked() {
    let Some(two) = Two::new([61_241, 61_242]) else {
        return;
    };
    let engine = two.bob.run(&["list"]);
    assert_ne!(
        engine.code(),
        0,
        "Bob can reach the engine, and the test says nothing"
    );
    let issued = two.issue("bob", &["--container", two.up.name()]);
    let line = two.line("bob", way(&issued));
    let shut = two.bob_runs(&line, "echo in").expect(255);
    assert!(shut.stderr().contains("Permission denied"), "{shut:?}");
    two.admit(&[admission(&issued)]);
    let entered = two.bob_runs(&line, "hostname; echo in");
    let entered = entered.expect(0);
    assert!(entered.stdout().ends_with("in\n"), "{entered:?}");
    let inside = two.alice.docker(&["exec", two.up.container(), "hostname"]);
    assert_eq!(entered.stdout().lines().next(), Some(inside.as_str()));

    // The key carries that connection and nothing else.
    let machine = ran(&mut Command::new("hostname"));
    let account = format!("{}@{}", two.accounts[0].0.name, machine.trim());
    let direct = format!("ssh -i {} -o IdentitiesOnly=yes {account}", two.key().display());
    let shell = two.bob_runs(&direct, "id");
    assert!(!shell.stdout().contains("uid="), "{shell:?}");
    let forwarded = two.bob_runs(&format!("{direct} -W 127.0.0.1:22"), "");
    assert!(
        !forwarded.stdout().starts_with("SSH-2.0-OpenSSH"),
        "{forwarded:?}"
    );

    // The line for another container: the forced command decides, and the host does not prove that name.
    let elsewhere = line.replace(two.up.host(), two.other.host());
    let refused = two.bob_runs(&elsewhere, "echo in").expect(255);
    assert!(
        refused.stderr().contains("Host key verification failed"),
        "{refused:?}"
    );

    // What comes after the name of a script is its arguments.
    let mut session = begun(two.as_bob(&format!("exec {line} \"$@\"")).arg("bob"));
    let serial = issued["record"]["serial"].to_string();
    let _revoked = two
        .alice
        .run(&["cert", "revoke", "--serial", &serial, "--yes"])
        .expect(0);
    let since = Instant::now();
    ended(&mut session, since);
    let refused = two.bob_runs(&line, "echo in").expect(255);
    assert!(refused.stderr().contains("Permission denied"), "{refused:?}");
}

fn ended(session: &mut Background, since: Instant) {
    let _code = session.end();
    assert!(
        since.elapsed() <= SOON,
        "the session ended after {:?}",
        since.elapsed()
    );
    let said = session.stderr();
    assert!(said.contains("was revoked"), "{said}");
}

#[test]
fn a_certificate_for_one_container_does_not_enter_another() {
    let Some(two) = Two::new([61_243, 61_244]) else {
        return;
    };
    let here = two.issue("here", &["--container", two.up.name()]);
    let there = two.issue("there", &["--container", two.other.name()]);
    // Bob may reach the other container, but by a certificate for the first.
    two.admit(&[admission(&there)]);
    let line = two.line("here", way(&there));
    let refused = two.bob_runs(&line, "echo in").expect(255);
    assert!(refused.stderr().contains("Permission denied"), "{refused:?}");
    let line = two.line("there", way(&there));
    assert_eq!(two.bob_runs(&line, "echo in").expect(0).stdout(), "in\n");
    let verdict = |name: &str, up: &Up| {
        let file = two.alice.home().join(format!("for-{name}/{name}-cert.pub"));
        two.alice
            .run(&["cert", "verify", file.to_str().unwrap(), "--container", up.name()])
            .code()
    };
    assert_eq!((verdict("here", &two.up), verdict("here", &two.other)), (0, 4));
    drop(here);
}

#[test]
fn a_certificate_for_automation_runs_its_one_command() {
    let Some(two) = Two::new([61_245, 61_246]) else {
        return;
    };
    let command = "echo forced: $SSH_ORIGINAL_COMMAND";
    let issued = two.issue(
        "robot",
        &[
            "--container",
            two.up.name(),
            "--force-command",
            command,
            "--no-pty",
            "--valid",
            "10m",
        ],
    );
    two.admit(&[admission(&issued)]);
    let line = two.line("robot", way(&issued));
    assert_eq!(
        two.bob_runs(&line, "rm -rf /").expect(0).stdout(),
        "forced: rm -rf /\n"
    );
    let forwarding = two.bob_runs(&line.replacen("ssh ", "ssh -W 127.0.0.1:1 ", 1), "");
    assert!(
        forwarding.stderr().contains("administratively prohibited"),
        "{forwarding:?}"
    );
}
