//! Authorities, certificates and revocations, with `ssh-keygen` as the second opinion.

use crate::containers::{config, up};
use crate::sandbox::Sandbox;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

fn phases(list: &Value, kind: &str) -> Vec<String> {
    let all = list["authorities"].as_array().unwrap();
    all.iter()
        .filter(|one| one["kind"] == kind)
        .map(|one| one["phase"].as_str().unwrap().to_owned())
        .collect()
}

fn rotated(home: &Sandbox, words: &[&str]) -> Vec<String> {
    let mut all = vec!["ca"];
    all.extend(words);
    all.push("--json");
    phases(&home.run(&all).expect(0).json(), words[1])
}

/// A key of somebody else.
pub(crate) fn key(home: &Sandbox, words: &[&str]) -> PathBuf {
    let path = home.home().join(format!("key{}", words.join("")));
    let made = Command::new("ssh-keygen")
        .args(["-q", "-N", "", "-f"])
        .arg(&path)
        .args(words)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    path.with_extension("pub")
}

pub(crate) fn keygen(words: &[&str], file: &Path) -> (bool, String) {
    let said = Command::new("ssh-keygen").args(words).arg(file).output().unwrap();
    (
        said.status.success(),
        String::from_utf8_lossy(&said.stdout).into_owned(),
    )
}

#[test]
fn a_rotation_goes_step_by_step_and_back_until_something_is_retired() {
    let home = Sandbox::without_engine();
    assert_eq!(
        phases(&home.run(&["ca", "list", "--json"]).expect(0).json(), "user"),
        ["signing"]
    );
    let own = || home.run(&["key", "show", "--json"]).expect(0).json()["certificate"]["authority"].clone();
    let first = own();

    assert_eq!(rotated(&home, &["rotate", "user"]), ["signing", "new"]);
    assert_eq!(rotated(&home, &["rollback", "user"]), ["signing"]);
    let nothing = home.run(&["ca", "rollback", "user", "--json"]).expect(1);
    assert_eq!(nothing.json()["error"]["code"], "authority.step");

    for (words, expected) in [
        (["rotate", "user"], ["signing", "new"]),
        (["rotate", "user"], ["signing", "trusted"]),
        (["rollback", "user"], ["signing", "new"]),
        (["rotate", "user"], ["signing", "trusted"]),
        (["rotate", "user"], ["trusted", "signing"]),
        (["rollback", "user"], ["signing", "trusted"]),
        (["rotate", "user"], ["trusted", "signing"]),
    ] {
        assert_eq!(rotated(&home, &words), expected, "{words:?}");
    }
    assert_ne!(own(), first, "ours is signed anew by the authority that signs");
    assert_eq!(rotated(&home, &["rotate", "user"]), ["retired", "signing"]);
    home.run(&["ca", "rollback", "user"]).expect(1);
    let refused = home
        .run(&["ca", "retire", "user", "--revoke", "--json"])
        .expect(4);
    assert_eq!(refused.json()["error"]["code"], "consent.required");
    assert_eq!(
        rotated(&home, &["retire", "user", "--revoke", "--yes"]),
        ["revoked", "signing"]
    );
    assert_eq!(
        phases(&home.run(&["ca", "list", "--json"]).expect(0).json(), "host"),
        ["signing"]
    );
}

#[test]
fn an_authority_does_not_wait_for_access_keys_that_were_replaced() {
    let home = Sandbox::without_engine();
    home.run(&["key", "rotate"]).expect(0);
    for expected in [["signing", "new"], ["signing", "trusted"], ["trusted", "signing"]] {
        assert_eq!(rotated(&home, &["rotate", "user"]), expected);
    }
    let retiring = home.run(&["key", "show", "access-1", "--json"]).expect(0).json();
    assert_eq!(retiring["state"], "retiring");
    assert_eq!(rotated(&home, &["rotate", "user"]), ["retired", "signing"]);
}

#[test]
fn an_authority_waits_for_those_who_still_need_it() {
    let home = Sandbox::without_engine();
    let bob = key(&home, &["-t", "ed25519"]);
    let issue = [
        "cert",
        "issue",
        bob.to_str().unwrap(),
        "--name",
        "bob",
        "--role",
        "ci",
        "--json",
    ];
    let issued = home.run(&issue).expect(0).json();
    assert_eq!(issued["record"]["state"], "valid");
    for _ in 0..3 {
        home.run(&["ca", "rotate", "user"]).expect(0);
    }
    let needed = home.run(&["ca", "rotate", "user", "--json"]).expect(1).json();
    assert_eq!(needed["error"]["code"], "authority.needed");
    assert!(
        needed["error"]["lines"][0]
            .as_str()
            .unwrap()
            .starts_with("user:bob/"),
        "{needed}"
    );
    // The next one for the same key takes its place.
    home.run(&issue).expect(0);
    assert_eq!(rotated(&home, &["rotate", "user"]), ["retired", "signing"]);
    let list = home.run(&["cert", "list", "--json"]).expect(0).json();
    let states: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["keyId"].as_str().unwrap().starts_with("user:bob"))
        .map(|one| one["state"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(states, ["valid", "untrusted"]);
}

#[test]
fn a_certificate_is_issued_explained_and_revoked() {
    let home = Sandbox::without_engine();
    let bob = key(&home, &["-t", "ecdsa", "-b", "384"]);
    let out = home.home().join("out");
    std::fs::create_dir(&out).unwrap();
    let (bob, out_text) = (bob.to_str().unwrap(), out.to_str().unwrap());
    let said = home
        .run(&[
            "cert",
            "issue",
            bob,
            "--name",
            "bob b.",
            "--role",
            "ci",
            "--valid",
            "1h",
            "--force-command",
            "make test",
            "--no-pty",
            "--reason",
            "nightly",
            "-o",
            out_text,
            "--json",
        ])
        .expect(0)
        .json();
    let record = &said["record"];
    assert_eq!(record["serial"], 2, "the first is the owner's own");
    assert_eq!(record["criticalOptions"][0], "force-command=make test");
    assert_eq!(
        (&record["principals"][0], &record["reason"]),
        (&"role-ci".into(), &"nightly".into())
    );
    let certificate = out.join("bob-b.-cert.pub");
    let (_, shown) = keygen(&["-L", "-f"], &certificate);
    for expected in [
        "Serial: 2",
        "\"user:bob b./2\"",
        "role-ci",
        "force-command make test",
        "Extensions: (none)",
    ] {
        assert!(shown.contains(expected), "{expected} in {shown}");
    }
    assert!(
        std::fs::read_to_string(out.join("bob-b.-known_hosts"))
            .unwrap()
            .starts_with("@cert-authority *.devctl")
    );
    home.run(&[
        "cert", "issue", bob, "--name", "bob b.", "--role", "ci", "-o", out_text,
    ])
    .expect(1);

    let file = certificate.to_str().unwrap();
    let verdict = home.run(&["cert", "verify", file, "--json"]).expect(4).json();
    let broken = |verdict: &Value| {
        let checks = verdict["checks"].as_array().unwrap().clone();
        checks
            .iter()
            .filter(|one| one["ok"] == false)
            .map(|one| one["rule"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(broken(&verdict), ["principal"], "no container accepts the role");

    let list = home.run(&["cert", "revocations", "--json"]).expect(0).json();
    let path = PathBuf::from(list["path"].as_str().unwrap());
    assert_eq!(
        (
            &list["version"],
            keygen(&["-Q", "-f", path.to_str().unwrap()], &certificate).0
        ),
        (&1.into(), true)
    );
    let refused = home.run(&["cert", "revoke", "--serial", "2", "--json"]).expect(4);
    assert_eq!(refused.json()["error"]["code"], "consent.required");
    let revoked = home
        .run(&[
            "cert", "revoke", "--serial", "2", "--reason", "left", "--yes", "--json",
        ])
        .expect(0)
        .json();
    assert_eq!(
        (&revoked["changed"], &revoked["revocation"]["version"]),
        (&true.into(), &2.into())
    );
    assert_eq!(
        home.run(&["cert", "revoke", "--serial", "2", "--yes", "--json"])
            .expect(0)
            .json()["changed"],
        false
    );
    assert!(
        !keygen(&["-Q", "-f", path.to_str().unwrap()], &certificate).0,
        "ssh-keygen says it is revoked"
    );
    let verdict = home.run(&["cert", "verify", file, "--json"]).expect(4).json();
    assert_eq!(broken(&verdict), ["revocation", "principal"]);
    assert_eq!(
        home.run(&["cert", "show", "user", "2", "--json"])
            .expect(0)
            .json()["state"],
        "revoked"
    );

    // One's own is followed by another at once.
    let revoked = home
        .run(&["cert", "revoke", "--serials", "1-1", "--yes", "--json"])
        .expect(0)
        .json();
    assert!(
        revoked["note"].as_str().unwrap().contains("another one already"),
        "{revoked}"
    );
    let own = home.run(&["key", "show", "--json"]).expect(0).json();
    assert!(own["certificate"]["serial"].as_u64().unwrap() > 2, "{own}");
}

#[test]
fn an_authority_comes_from_elsewhere_and_goes_there() {
    let home = Sandbox::without_engine();
    let elsewhere = key(&home, &["-t", "ecdsa", "-b", "256", "-C", "old"]).with_extension("");
    let brought = home
        .run(&["ca", "import", "host", elsewhere.to_str().unwrap(), "--json"])
        .expect(0)
        .json();
    assert_eq!(
        (&brought["phase"], &brought["algorithm"]),
        (&"new".into(), &"ecdsa-sha2-nistp256".into())
    );
    let again = home
        .run(&["ca", "import", "user", elsewhere.to_str().unwrap(), "--json"])
        .expect(1)
        .json();
    assert_eq!(
        again["error"]["code"], "authority.step",
        "one key is one authority"
    );
    for _ in 0..2 {
        home.run(&["ca", "rotate", "host"]).expect(0);
    }

    let (file, words) = (home.home().join("exported"), home.home().join("words"));
    std::fs::write(&words, "correct horse\n").unwrap();
    home.run(&[
        "ca",
        "export",
        "host",
        "--private",
        file.to_str().unwrap(),
        "--passphrase-file",
        words.to_str().unwrap(),
    ])
    .expect(0);
    let (opened, public) = keygen(&["-y", "-P", "correct horse", "-f"], &file);
    assert!(opened && public.starts_with("ecdsa-sha2-nistp256 "), "{public}");
    assert!(!keygen(&["-y", "-P", "wrong", "-f"], &file).0);
    let other = Sandbox::without_engine();
    let needs = other
        .run(&["ca", "import", "host", file.to_str().unwrap(), "--json"])
        .expect(4)
        .json();
    assert_eq!(needs["error"]["code"], "key.passphrase");
    other
        .run(&[
            "ca",
            "import",
            "host",
            file.to_str().unwrap(),
            "--passphrase-file",
            words.to_str().unwrap(),
        ])
        .expect(0);
}

#[test]
fn the_key_of_an_authority_may_stay_in_an_agent() {
    let mut home = Sandbox::without_engine();
    let socket = home.home().join("agent");
    let mut agent = Command::new("ssh-agent")
        .arg("-D")
        .arg("-a")
        .arg(&socket)
        .spawn()
        .unwrap();
    while !socket.exists() {
        std::thread::yield_now();
    }
    let token = key(&home, &["-t", "ed25519"]).with_extension("");
    let added = Command::new("ssh-add")
        .arg("-q")
        .arg(&token)
        .env("SSH_AUTH_SOCK", &socket)
        .status()
        .unwrap();
    assert!(added.success());
    let (_, said) = keygen(&["-l", "-f"], &token);
    let fingerprint = said.split(' ').nth(1).unwrap().to_owned();
    home.set("SSH_AUTH_SOCK", &socket);
    home.run(&["ca", "import", "user", "--agent-key", &fingerprint])
        .expect(0);
    home.run(&["ca", "rotate", "user"]).expect(0);
    assert_eq!(rotated(&home, &["rotate", "user"]), ["trusted", "signing"]);
    let own = home.run(&["key", "show", "--json"]).expect(0).json();
    assert_eq!(own["certificate"]["authority"], fingerprint);
    agent.kill().unwrap();
    agent.wait().unwrap();
    let gone = home.run(&["cert", "renew", "--json"]).expect(1).json();
    assert_eq!(gone["error"]["code"], "key.agent");
}

#[test]
fn what_the_policy_does_not_allow_is_refused_by_its_rule() {
    let home = Sandbox::without_engine();
    let bob = key(&home, &["-t", "ed25519"]);
    home.run(&[
        "ca",
        "policy",
        "user",
        "--max-validity",
        "2h",
        "--principal",
        "role-",
        "--principal",
        "owner-",
        "--extension",
        "permit-pty",
        "--extension",
        "permit-agent-forwarding",
        "--extension",
        "permit-port-forwarding",
    ])
    .expect(0);
    let refused = |words: &[&str]| {
        let mut all = vec!["cert", "issue", bob.to_str().unwrap(), "--name", "bob", "--json"];
        all.extend(words);
        let said = home.run(&all).expect(4).json();
        assert_eq!(said["error"]["code"], "certificate.refused", "{said}");
        said["error"]["message"].as_str().unwrap().to_owned()
    };
    assert!(refused(&["--role", "ci", "--valid", "3h"]).contains("maxValiditySeconds"));
    assert!(refused(&[]).contains("for something"));
    for bad in ["*", "a,b", "a b", "a?"] {
        refused(&["--role", bad]);
    }
    // Our own renewals keep within it.
    home.run(&["cert", "renew"]).expect(0);
    home.run(&[
        "cert",
        "issue",
        bob.to_str().unwrap(),
        "--name",
        "bob",
        "--role",
        "ci",
        "--valid",
        "2h",
    ])
    .expect(0);
    home.run(&["ca", "policy", "user", "--extension", "permit-x11-forwarding"])
        .expect(2);
    home.run(&["ca", "policy", "host", "--force-command", "true"])
        .expect(4);
    home.run(&["ca", "policy", "user", "--default"]).expect(0);
    home.run(&[
        "cert",
        "issue",
        bob.to_str().unwrap(),
        "--name",
        "bob",
        "--role",
        "ci",
        "--valid",
        "20h",
    ])
    .expect(0);
    let weak = key(&home, &["-t", "rsa", "-b", "2048"]);
    let said = home
        .run(&[
            "cert",
            "issue",
            weak.to_str().unwrap(),
            "--name",
            "bob",
            "--role",
            "ci",
            "--json",
        ])
        .expect(4);
    assert!(
        said.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("weak key")
    );
}

#[test]
fn what_is_refused_leaves_no_certificate_behind() {
    let home = Sandbox::without_engine();
    let bob = key(&home, &["-t", "ed25519"]);
    let count = || {
        home.run(&["cert", "list", "--json"])
            .expect(0)
            .json()
            .as_array()
            .unwrap()
            .len()
    };
    home.run(&["ca", "list"]).expect(0);
    let before = count();
    for words in [
        ["--force-command", ""],
        ["--force-command", "a\nb"],
        ["--role", ""],
        ["--role", "../x"],
    ] {
        let mut all = vec![
            "cert",
            "issue",
            bob.to_str().unwrap(),
            "--name",
            "bob",
            "--role",
            "ci",
        ];
        all.extend(words);
        let code = home.run(&all).code();
        assert!([2, 4].contains(&code), "{words:?} ends with {code}");
    }
    let taken = home.home().join("out");
    std::fs::create_dir(&taken).unwrap();
    std::fs::write(taken.join("bob-cert.pub"), "").unwrap();
    let taken = taken.to_str().unwrap();
    home.run(&[
        "cert",
        "issue",
        bob.to_str().unwrap(),
        "--name",
        "bob",
        "--role",
        "ci",
        "-o",
        taken,
    ])
    .expect(1);
    assert_eq!(count(), before);
    let words = home.home().join("words");
    std::fs::write(&words, "short\n").unwrap();
    let file = home.home().join("exported");
    home.run(&[
        "ca",
        "export",
        "user",
        "--private",
        file.to_str().unwrap(),
        "--passphrase-file",
        words.to_str().unwrap(),
    ])
    .expect(2);
    assert!(!file.exists());
}

#[test]
fn another_ending_and_the_lines_in_force() {
    let mut home = Sandbox::without_engine();
    let config = home.home().join(".ssh/config");
    std::fs::write(&config, "Host web\n  Port 7\nHost *\n  Port 9\n").unwrap();
    home.run(&["settings", "set", "ssh.suffix", "box"]).expect(0);
    let text = home.run(&["ssh", "config", "--print"]).expect(0).stdout();
    assert!(text.contains("*.box") && !text.contains("*.devctl"), "{text}");
    for bad in ["com", "*", "a b", "", "dev"] {
        home.run(&["settings", "set", "ssh.suffix", bad]).expect(2);
    }
    let lines = home.run(&["ssh", "status", "web", "--json"]).expect(0).json();
    let line = &lines["lines"][0];
    assert_eq!(
        (&line["keyword"], &line["value"], &line["line"]),
        (&"port".into(), &"7".into(), &2.into())
    );

    // VS Code uses another file: the line goes there, too, and comes out of both.
    let editors = home.home().join(".config/Code/User");
    std::fs::create_dir_all(&editors).unwrap();
    std::fs::write(
        editors.join("settings.json"),
        "{ // mine\n \"remote.SSH.configFile\": \"~/.ssh/code\", }",
    )
    .unwrap();
    home.run(&["ssh", "install", "--yes"]).expect(0);
    let code = home.home().join(".ssh/code");
    for file in [&config, &code] {
        assert!(
            std::fs::read_to_string(file).unwrap().starts_with("Include "),
            "{}",
            file.display()
        );
    }
    let status = home.run(&["ssh", "status", "--json"]).expect(0).json();
    assert_eq!(
        (&status["installed"], &status["editorConfig"]["installed"]),
        (&true.into(), &true.into())
    );
    assert_eq!(status["damage"], serde_json::json!([]));
    home.run(&["ssh", "uninstall"]).expect(0);
    assert_eq!(
        std::fs::read_to_string(&config).unwrap(),
        "Host web\n  Port 7\nHost *\n  Port 9\n"
    );
    assert!(!code.exists(), "a file that we made goes with the line");

    // Another program's block is cut in half, and ssh reads nothing at all.
    std::fs::write(&config, "# DevPod Start web\nHost web\n  NoSuchOption yes\n").unwrap();
    let status = home.run(&["ssh", "status", "--json"]).expect(0).json();
    let tools: Vec<_> = status["damage"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["tool"].clone())
        .collect();
    assert!(tools.contains(&"DevPod".into()), "{status}");
    home.set("NO_COLOR", "1");
    let told = home.run(&["doctor"]).stdout();
    assert!(told.contains("DevPod"), "{told}");
}

#[test]
fn a_printed_line_holds_no_name_that_a_shell_reads_otherwise() {
    let Some(mut home) = Sandbox::with_engine() else {
        return;
    };
    let folder = home.folder(&config(""));
    let made = up(&home, folder.to_str().unwrap());
    let name = made["name"].as_str().unwrap();
    let bob = key(&home, &["-t", "ed25519"]);
    let issue = |user: &str| {
        let bob = bob.to_str().unwrap();
        let user = format!("--user={user}");
        home.run(&[
            "cert",
            "issue",
            bob,
            "--name",
            "bob",
            "--container",
            name,
            &user,
            "--json",
        ])
    };
    for user in [
        "dev;touch${IFS}x",
        "$(id)",
        "`id`",
        "a'b",
        "a\"b",
        "a\nb",
        "a b",
        "*",
        "",
        "-oProxyCommand=x",
    ] {
        let refused = issue(user).expect(2).json();
        assert_eq!(refused["error"]["code"], "ssh.name_invalid", "{user:?}");
    }
    let way = &issue("dev").expect(0).json()["ways"][0];
    let line = way["authorizedKeys"].as_str().unwrap();
    assert!(
        line.starts_with("restrict,command=\"") && line.matches('"').count() == 2,
        "{line}"
    );
    assert!(!line.contains(['\n', '\'', ';', '$', '`']), "{line}");
    // The login that runs it has another environment, and finds this home all the same.
    let state = home.home().join("state");
    let moved = format!(
        "command=\"env DEVCTL_STATE_DIR={} DEVCTL_SSH_DIR=",
        state.display()
    );
    assert!(line.contains(&moved), "{line}");
    let ssh = way["ssh"].as_str().unwrap();
    assert!(
        ssh.contains(&format!(" env DEVCTL_STATE_DIR={} ", state.display())),
        "{ssh}"
    );
}
