//! Keys through the real `devctl`, with `ssh-keygen`, `ssh-add` and `ssh-agent` as the second opinion.

mod refusals;
mod rotation;

use crate::sandbox::{Ran, Sandbox};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const OWN: &str = "correct horse battery staple";

fn ssh_dir(home: &Sandbox) -> PathBuf {
    home.home().join(".ssh/devctl")
}

/// A file in the home with that text.
fn file(home: &Sandbox, name: &str, text: &str) -> String {
    let path = home.home().join(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn keygen(arguments: &[&str]) -> std::process::Output {
    Command::new("ssh-keygen")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Makes a key with `ssh-keygen`.
fn outside(home: &Sandbox, name: &str, arguments: &[&str]) -> String {
    let path = home.home().join(name).display().to_string();
    let made = keygen(&[&["-q", "-C", "me", "-f", &path], arguments].concat());
    assert!(made.status.success(), "{made:?}");
    path
}

/// Whether a passphrase opens a key file, as `ssh-keygen` sees it.
fn opens(path: &Path, passphrase: &str) -> bool {
    keygen(&["-y", "-P", passphrase, "-f", path.to_str().unwrap()])
        .status
        .success()
}

fn fingerprint(path: &str) -> String {
    let said = keygen(&["-l", "-f", path]);
    let said = String::from_utf8(said.stdout).unwrap();
    said.split(' ').nth(1).unwrap().to_owned()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The keys by name.
fn keys(home: &Sandbox) -> Vec<(String, Value)> {
    let list = home.run(&["key", "list", "--json"]).expect(0).json();
    let list = list.as_array().unwrap().clone();
    list.into_iter()
        .map(|key| (key["name"].as_str().unwrap().to_owned(), key))
        .collect()
}

fn names(home: &Sandbox) -> Vec<String> {
    keys(home).into_iter().map(|(name, _)| name).collect()
}

/// Fails unless it ended with that code and that error, and says what to do.
#[track_caller]
fn refused(ran: Ran, exit: i32, code: &str) {
    let ran = ran.expect(exit);
    let error = &ran.json()["error"];
    assert_eq!(error["code"], code, "{error}");
    assert!(!error["fixes"].as_array().unwrap().is_empty(), "no fix: {error}");
}

/// The real ssh-agent, which ends with the test.
struct Agent {
    child: Child,
    socket: PathBuf,
}

impl Agent {
    fn start(home: &Sandbox) -> Self {
        let socket = home.home().join("agent.sock");
        let child = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&socket)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let begin = std::time::Instant::now();
        while !socket.exists() {
            assert!(begin.elapsed().as_secs() < 60, "the agent does not listen");
            std::thread::yield_now();
        }
        Self { child, socket }
    }

    fn devctl(&self, home: &Sandbox, arguments: &[&str]) -> Ran {
        Ran::of(home.devctl(arguments).env("SSH_AUTH_SOCK", &self.socket))
    }

    /// What `ssh-add -l` says: one line for each entry.
    fn held(&self) -> Vec<String> {
        let listed = Command::new("ssh-add")
            .arg("-l")
            .env("SSH_AUTH_SOCK", &self.socket)
            .output()
            .unwrap();
        let text = String::from_utf8(listed.stdout).unwrap();
        text.lines()
            .filter(|line| line.contains("SHA256:"))
            .map(str::to_owned)
            .collect()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It has ended already where the test could not start it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_key_is_made_shown_protected_given_out_and_removed() {
    let home = Sandbox::without_engine();
    let made = home.run(&["key", "generate", "work", "--json"]).expect(0).json();
    assert_eq!(
        (&made["keyType"], &made["protection"]),
        (&"ed25519".into(), &"vault".into())
    );
    let path = PathBuf::from(made["path"].as_str().unwrap());
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    assert!(!opens(&path, ""), "it is encrypted");
    assert_eq!(
        made["fingerprint"],
        fingerprint(&format!("{}.pub", path.display()))
    );
    assert_eq!(names(&home), ["access", "work"]);

    // One's own passphrase: it opens the file, and is kept nowhere.
    let own = file(&home, "own", &format!("{OWN}\nnot this line\n"));
    home.run(&["key", "passphrase", "work", "--new-passphrase-file", &own])
        .expect(0);
    assert!(opens(&path, OWN));
    refused(
        home.run(&["key", "rotate", "work", "--json"]),
        4,
        "key.passphrase",
    );
    let shown = home.run(&["key", "show", "work", "--json"]).expect(0).json();
    assert_eq!(shown["protection"], "passphrase");

    // Remembered, the vault opens it; typed by nobody, it is the vault's.
    home.run(&[
        "key",
        "passphrase",
        "work",
        "--new-passphrase-file",
        &own,
        "--remember",
        "--passphrase-file",
        &own,
    ])
    .expect(0);
    let out = home.home().join("out");
    let new = file(&home, "new", "another one");
    let out_text = out.display().to_string();
    home.run(&[
        "key",
        "export",
        "work",
        "--private",
        &out_text,
        "--new-passphrase-file",
        &new,
    ])
    .expect(0);
    assert!(opens(&out, "another one") && mode(&out) == 0o600);
    home.run(&["key", "passphrase", "work", "--vault"]).expect(0);
    assert!(!opens(&path, OWN));
    let public = home.run(&["key", "export", "work", "--json"]).expect(0).json();
    assert_eq!(public["publicKey"], made["publicKey"]);
    assert_eq!(public["privateKey"], Value::Null);

    refused(
        home.run(&["key", "remove", "work", "--json"]),
        4,
        "consent.required",
    );
    let removed = home
        .run(&["key", "remove", "work", "--yes", "--json"])
        .expect(0)
        .json();
    assert_eq!(removed["fingerprint"], made["fingerprint"]);
    assert!(!path.exists());
    assert_eq!(names(&home), ["access"]);
    assert_no_trace(&home, OWN);
}

/// Neither the state nor our ssh directory, nor what commands print, has the text.
fn assert_no_trace(home: &Sandbox, secret: &str) {
    let mut pending = vec![home.home().join("state"), ssh_dir(home)];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if let Ok(bytes) = fs::read(&path) {
                let found = bytes
                    .windows(secret.len())
                    .any(|window| window == secret.as_bytes());
                assert!(!found, "it is in {}", path.display());
            }
        }
    }
    for arguments in [&["events", "--json"][..], &["key", "list", "-vvv"]] {
        let ran = home.run(arguments).expect(0);
        assert!(!format!("{}{}", ran.stdout(), ran.stderr()).contains(secret));
    }
}

#[test]
fn keys_of_each_type_are_made_and_read_by_ssh_keygen() {
    let home = Sandbox::without_engine();
    let own = file(&home, "own", OWN);
    for name in ["ed25519", "ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa-3072"] {
        let made = home
            .run(&[
                "key",
                "generate",
                name,
                "-t",
                name,
                "--passphrase-file",
                &own,
                "--json",
            ])
            .expect(0)
            .json();
        assert_eq!(made["keyType"], name);
        assert!(opens(Path::new(made["path"].as_str().unwrap()), OWN), "{name}");
    }
}

#[test]
fn keys_come_from_elsewhere_and_public_ones_alone() {
    let home = Sandbox::without_engine();
    let own = file(&home, "own", OWN);
    let plain = outside(&home, "plain", &["-t", "ed25519", "-N", ""]);
    let pem = outside(&home, "pem", &["-t", "ecdsa", "-N", "", "-m", "PEM"]);
    let pkcs8 = outside(
        &home,
        "pkcs8",
        &["-t", "rsa", "-b", "3072", "-N", "", "-m", "PKCS8"],
    );
    for (name, path) in [("plain", &plain), ("pem", &pem), ("pkcs8", &pkcs8)] {
        let print = fingerprint(&format!("{path}.pub"));
        let brought = home
            .run(&["key", "import", name, path, "--json"])
            .expect(0)
            .json();
        assert_eq!(brought["fingerprint"], print.as_str(), "{name}");
        assert_eq!(
            (&brought["origin"], &brought["protection"]),
            (&"imported".into(), &"vault".into())
        );
        assert!(
            !opens(Path::new(brought["path"].as_str().unwrap()), ""),
            "{name} is encrypted"
        );
    }

    // One that is encrypted stays so, by the passphrase that its owner knows.
    let encrypted = outside(&home, "encrypted", &["-t", "ed25519", "-N", OWN]);
    refused(
        home.run(&["key", "import", "mine", &encrypted, "--json"]),
        4,
        "key.passphrase",
    );
    let wrong = file(&home, "wrong", "wrong");
    refused(
        home.run(&[
            "key",
            "import",
            "mine",
            &encrypted,
            "--passphrase-file",
            &wrong,
            "--json",
        ]),
        4,
        "key.passphrase",
    );
    assert!(
        !names(&home).contains(&"mine".to_owned()),
        "nothing is left of what failed"
    );
    let mine = home
        .run(&[
            "key",
            "import",
            "mine",
            &encrypted,
            "--passphrase-file",
            &own,
            "--json",
        ])
        .expect(0)
        .json();
    assert_eq!(mine["protection"], "passphrase");
    assert!(opens(Path::new(mine["path"].as_str().unwrap()), OWN));
    refused(
        home.run(&["key", "import", "again", &plain, "--json"]),
        1,
        "key.exists",
    );

    // A security key: its public half is a subject of certificates.
    let line = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIKDWKHSZFu3wSVsiH0jlxgnsfxlkV4ry\
                p6p1yYVvIQHPAAAABHNzaDo= token";
    let token = file(&home, "token.pub", line);
    let token = home
        .run(&["key", "import", "token", &token, "--json"])
        .expect(0)
        .json();
    assert_eq!(
        (&token["keyType"], &token["protection"]),
        (&"sk-ed25519".into(), &"notHere".into())
    );
    assert_eq!(token["path"], Value::Null);
    refused(
        home.run(&["key", "rotate", "token", "--json"]),
        3,
        "key.not_found",
    );
}

#[test]
fn what_is_no_key_or_no_name_is_refused_with_what_to_do() {
    let home = Sandbox::without_engine();
    let own = file(&home, "own", OWN);
    let empty = file(&home, "empty", "\n");
    let putty = file(
        &home,
        "putty.ppk",
        "PuTTY-User-Key-File-2: ssh-ed25519\nEncryption: none\n",
    );
    let dsa = file(
        &home,
        "dsa",
        "-----BEGIN DSA PRIVATE KEY-----\nMIIB\n-----END DSA PRIVATE KEY-----\n",
    );
    let junk = file(&home, "junk", "not a key at all");
    let weak = outside(&home, "short", &["-t", "rsa", "-b", "2048", "-N", ""]);
    home.run(&["key", "generate", "work"]).expect(0);
    home.run(&["key", "import", "short", &weak]).expect(0);
    home.run(&["key", "show"]).expect(0);
    let certificate = ssh_dir(&home).join("id_ed25519-cert.pub");
    let certificate = certificate.to_str().unwrap();
    for (arguments, exit, code) in [
        (&["key", "generate", "work"][..], 1, "key.exists"),
        (&["key", "generate", "access"], 2, "ssh.name_invalid"),
        (&["key", "generate", "access-7"], 2, "ssh.name_invalid"),
        (&["key", "generate", "../x"], 2, "ssh.name_invalid"),
        (&["key", "generate", "Work"], 2, "ssh.name_invalid"),
        (&["key", "generate", "a-cert"], 2, "ssh.name_invalid"),
        (
            &["key", "generate", "a", "--comment", "a\nb"],
            2,
            "request.invalid",
        ),
        (&["key", "generate", "a", "--remember"], 2, "request.invalid"),
        (
            &["key", "generate", "a", "--passphrase-file", &empty],
            4,
            "key.passphrase",
        ),
        (
            &["key", "generate", "a", "--passphrase-file", "/nowhere"],
            1,
            "file.failed",
        ),
        (&["key", "import", "a", &putty], 1, "key.format_refused"),
        (&["key", "import", "a", &dsa], 1, "key.format_refused"),
        (&["key", "import", "a", certificate], 1, "key.format_refused"),
        (&["key", "import", "a", &junk], 1, "ssh.key_unreadable"),
        (&["key", "import", "a", "/nowhere"], 1, "file.failed"),
        (&["key", "show", "nobody"], 3, "key.not_found"),
        (&["key", "show", "No/body"], 2, "ssh.name_invalid"),
        (&["key", "export", "nobody"], 3, "key.not_found"),
        (&["key", "remove", "nobody", "--yes"], 3, "key.not_found"),
        (&["key", "remove", "access", "--yes"], 2, "request.invalid"),
        (&["key", "passphrase", "access", "--vault"], 2, "request.invalid"),
        (&["key", "passphrase", "work", "--vault"], 2, "request.invalid"),
        (
            &[
                "key",
                "export",
                "access",
                "--private",
                "/tmp/never",
                "--new-passphrase-file",
                &own,
            ],
            2,
            "request.invalid",
        ),
        (
            &["key", "rotate", "work", "--overlap", "1000w"],
            2,
            "request.invalid",
        ),
        (&["key", "rotate", "work", "--now"], 4, "consent.required"),
        (&["key", "rotate", "nobody"], 3, "key.not_found"),
        (&["key", "agent", "add", "work"], 1, "key.agent"),
        (&["key", "agent", "list"], 1, "key.agent"),
        (&["key", "agent", "remove", "work"], 1, "key.agent"),
    ] {
        let ran = home.run(&[arguments, &["--json"]].concat());
        assert_eq!(
            ran.code(),
            exit,
            "{arguments:?}: {} {}",
            ran.stdout(),
            ran.stderr()
        );
        refused(ran, exit, code);
    }
    assert_eq!(
        names(&home),
        ["access", "short", "work"],
        "nothing of it was done"
    );
}

#[test]
fn the_agent_gets_a_key_and_a_certificate_and_loses_them_with_the_key() {
    let home = Sandbox::without_engine();
    let agent = Agent::start(&home);
    for name in ["work", "other", "third"] {
        home.run(&["key", "generate", name]).expect(0);
    }
    let held = agent
        .devctl(
            &home,
            &["key", "agent", "add", "work", "--lifetime", "30m", "--json"],
        )
        .expect(0)
        .json();
    let certificate = &held["keys"].as_array().unwrap()[1]["certificate"];
    assert_eq!(
        certificate["principals"][0].as_str().unwrap().split('-').next(),
        Some("owner")
    );
    agent.devctl(&home, &["key", "agent", "add", "work"]).expect(0);
    assert_eq!(
        agent.held().len(),
        2,
        "lent again, it is there once: {:?}",
        agent.held()
    );
    agent.devctl(&home, &["key", "agent", "add", "other"]).expect(0);
    agent
        .devctl(&home, &["key", "agent", "add", "third", "--confirm"])
        .expect(0);
    assert_eq!(agent.held().len(), 6);

    // Longer than the policy lets certificates live: nothing is lent.
    refused(
        agent.devctl(
            &home,
            &["key", "agent", "add", "work", "--lifetime", "30d", "--json"],
        ),
        4,
        "certificate.refused",
    );
    assert_eq!(agent.held().len(), 6);

    let removed = agent
        .devctl(&home, &["key", "remove", "work", "--yes", "--json"])
        .expect(0)
        .json();
    assert_eq!(removed["takenFromAgent"], 2);
    let (_, other) = keys(&home).into_iter().find(|(name, _)| name == "other").unwrap();
    let print = other["fingerprint"].as_str().unwrap();
    agent
        .devctl(&home, &["cert", "revoke", "--fingerprint", print, "--yes"])
        .expect(0);
    assert!(
        agent.held().iter().all(|line| !line.contains(print)),
        "{:?}",
        agent.held()
    );
    let shown = home.run(&["key", "show", "other", "--json"]).expect(0).json();
    assert_eq!(shown["state"], "revoked");
    refused(
        agent.devctl(&home, &["key", "agent", "add", "other", "--json"]),
        4,
        "certificate.refused",
    );
    let gone = agent
        .devctl(&home, &["key", "agent", "remove", "third", "--json"])
        .expect(0);
    assert_eq!(gone.json()["changed"], true);
    assert!(agent.held().is_empty());

    // The agent that the configuration names wins over the environment's.
    fs::write(
        home.home().join(".ssh/config"),
        format!("Host *\n  IdentityAgent {}\n", agent.socket.display()),
    )
    .unwrap();
    home.run(&["key", "agent", "add", "third"]).expect(0);
    assert_eq!(agent.held().len(), 2);
}

#[test]
fn the_doctor_tells_of_keys_and_corrects_modes() {
    let home = Sandbox::without_engine();
    let checks = |arguments: &[&str]| -> Vec<(String, String)> {
        // The engine that is not there fails, too.
        let report = home.run(&[&["doctor", "--json"], arguments].concat()).json();
        let checks = report["checks"].as_array().unwrap().clone();
        let ours = checks.into_iter().filter(|check| {
            let id = check["id"].as_str().unwrap();
            id.starts_with("key-") || id == "keys" || id == "certificate-ends"
        });
        ours.map(|check| {
            assert!(check["id"] == "keys" || check["fix"].is_object(), "{check}");
            let text = |field: &str| check[field].as_str().unwrap().to_owned();
            (text("id"), text("state"))
        })
        .collect()
    };
    home.run(&["key", "generate", "work"]).expect(0);
    home.run(&["key", "show"]).expect(0);
    assert_eq!(checks(&[]), [("keys".to_owned(), "ok".to_owned())]);

    let weak = outside(&home, "weak", &["-t", "rsa", "-b", "2048", "-N", ""]);
    home.run(&["key", "import", "weak", &weak]).expect(0);
    let loose = [ssh_dir(&home).join("config"), ssh_dir(&home).join("keys/work")];
    for path in &loose {
        fs::set_permissions(path, fs::Permissions::from_mode(0o644)).unwrap();
    }
    fs::write(ssh_dir(&home).join("notes.txt"), "").unwrap();
    fs::copy(&weak, ssh_dir(&home).join("keys/plain")).unwrap();
    let agent = Agent::start(&home);
    agent
        .devctl(&home, &["key", "agent", "add", "work", "--lifetime", "30m"])
        .expect(0);
    let found = checks(&[]);
    for (id, state, times) in [
        ("key-mode", "failed", 2),
        ("key-unknown-file", "warning", 1),
        ("key-plain", "warning", 1),
        ("key-weak", "warning", 1),
        ("certificate-ends", "warning", 1),
    ] {
        let count = found
            .iter()
            .filter(|one| **one == (id.to_owned(), state.to_owned()))
            .count();
        assert_eq!(count, times, "{id} in {found:?}");
    }
    let mended = checks(&["--fix"]);
    assert!(mended.iter().all(|(id, _)| id != "key-mode"), "{mended:?}");
    assert!(loose.iter().all(|path| mode(path) == 0o600));
}
