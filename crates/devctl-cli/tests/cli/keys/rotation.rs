//! Keys that make way for others.

use super::{Agent, OWN, file, keys, names, opens, outside, refused, ssh_dir};
use crate::sandbox::Sandbox;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;

/// Lets the overlap of every old key end, and the renewal before the next login see it.
fn let_overlaps_end(home: &Sandbox) {
    let path = home.home().join("state/retiring_keys.json");
    let mut times: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    for time in times.as_object_mut().unwrap().values_mut() {
        *time = 1.into();
    }
    fs::write(&path, times.to_string()).unwrap();
    home.run(&["ssh-renew"]).expect(0);
}

#[test]
fn the_access_key_makes_way_for_another_under_its_own_name() {
    let home = Sandbox::without_engine();
    let shown = || home.run(&["key", "show", "--json"]).expect(0).json();
    let first = shown();
    let rotated = home.run(&["key", "rotate", "--json"]).expect(0).json();
    assert_eq!(rotated["oldFingerprint"], first["fingerprint"]);
    assert!(rotated["retiresAt"].is_string());
    let second = shown();
    assert_eq!(
        second["path"],
        ssh_dir(&home).join("id_ed25519-2").display().to_string()
    );
    assert_eq!(second["certificate"]["valid"], true);
    let config = || fs::read_to_string(ssh_dir(&home).join("config")).unwrap();
    assert!(config().contains("/id_ed25519-2\"") && config().contains("/id_ed25519-2-cert.pub\""));
    assert_eq!(names(&home), ["access", "access-1"]);
    let old = ssh_dir(&home).join("id_ed25519");
    assert!(old.exists(), "who has begun with the old key can go on with it");
    home.run(&["ssh-renew"]).expect(0);
    assert!(old.exists(), "the overlap has not ended");

    let revocations = || {
        let report = home.run(&["cert", "revocations", "--json"]).expect(0).json();
        report["revocations"].as_array().unwrap().len()
    };
    assert_eq!(revocations(), 0);
    let_overlaps_end(&home);
    assert_eq!(revocations(), 1);
    assert_eq!(names(&home), ["access"]);
    assert!(!old.exists() && !old.with_extension("pub").exists());
    assert!(!home.home().join("state/retiring_keys.json").exists());
    let verdict = home
        .run(&[
            "cert",
            "verify",
            &format!("{}-cert.pub", second["path"].as_str().unwrap()),
        ])
        .expect(0);
    assert!(
        verdict.stdout().contains("would be accepted"),
        "{}",
        verdict.stdout()
    );

    let now = home
        .run(&["key", "rotate", "--now", "--yes", "--json"])
        .expect(0)
        .json();
    assert_eq!(now["retiresAt"], Value::Null);
    assert_eq!((revocations(), names(&home).len()), (2, 1));
}

#[test]
fn a_revoked_access_key_is_replaced_by_itself() {
    let home = Sandbox::without_engine();
    let first = home.run(&["key", "show", "--json"]).expect(0).json();
    let public = ssh_dir(&home).join("id_ed25519.pub").display().to_string();
    home.run(&["cert", "revoke", "--key", &public, "--yes"]).expect(0);
    let second = home.run(&["key", "show", "--json"]).expect(0).json();
    assert_ne!(second["fingerprint"], first["fingerprint"]);
    assert_eq!(names(&home), ["access"]);
    let print = second["fingerprint"].as_str().unwrap();
    home.run(&["cert", "revoke", "--fingerprint", print, "--yes"])
        .expect(0);
    let third = home.run(&["key", "show", "--json"]).expect(0).json();
    assert_ne!(third["fingerprint"], second["fingerprint"]);
    let certificate = format!("{}-cert.pub", third["path"].as_str().unwrap());
    home.run(&["cert", "verify", &certificate]).expect(0);
}

#[test]
fn what_a_crash_left_of_a_rotation_is_made_good_before_the_next_login() {
    let home = Sandbox::without_engine();
    home.run(&["key", "show"]).expect(0);
    let config = || fs::read_to_string(ssh_dir(&home).join("config")).unwrap();
    // Killed after the private half of the next key was written.
    let next = ssh_dir(&home).join("id_ed25519-2");
    outside(&home, ".ssh/devctl/id_ed25519-2", &["-t", "ed25519", "-N", ""]);
    fs::remove_file(next.with_extension("pub")).unwrap();
    home.run(&["ssh-renew"]).expect(0);
    assert!(ssh_dir(&home).join("id_ed25519-2-cert.pub").exists());
    assert!(config().contains("/id_ed25519-2\""), "{}", config());
    // That nobody knows any more when the old one was to end makes it end now.
    assert_eq!(names(&home), ["access"]);

    // Lost in the middle of an overlap, the key in use comes back, and the old one ends in its time.
    home.run(&["key", "rotate"]).expect(0);
    fs::remove_file(ssh_dir(&home).join("id_ed25519-3")).unwrap();
    home.run(&["ssh-renew"]).expect(0);
    assert_eq!(names(&home), ["access", "access-2"]);
    assert!(config().contains("/id_ed25519-3\""));

    // A file of times that cannot be read lets no old key live on.
    fs::write(home.home().join("state/retiring_keys.json"), "{").unwrap();
    home.run(&["ssh-renew"]).expect(0);
    assert_eq!(names(&home), ["access"]);
}

#[test]
fn a_key_of_ones_own_is_rotated_and_the_old_one_ends_with_the_overlap() {
    let home = Sandbox::without_engine();
    let agent = Agent::start(&home);
    let own = file(&home, "own", OWN);
    home.run(&["key", "generate", "work", "--passphrase-file", &own])
        .expect(0);
    let weak = outside(&home, "weak", &["-t", "rsa", "-b", "2048", "-N", ""]);
    home.run(&["key", "import", "weak", &weak]).expect(0);
    agent
        .devctl(&home, &["key", "agent", "add", "work", "--passphrase-file", &own])
        .expect(0);
    let rotated = home
        .run(&["key", "rotate", "work", "--passphrase-file", &own, "--json"])
        .expect(0)
        .json();
    let path = PathBuf::from(rotated["key"]["path"].as_str().unwrap());
    assert!(opens(&path, OWN), "the passphrase is the same");
    assert_eq!(
        rotated["key"]["certificate"]["valid"], true,
        "it had a certificate, so it has one"
    );
    assert!(path.with_file_name("work-1").exists());
    let weak = home
        .run(&["key", "rotate", "weak", "--now", "--yes", "--json"])
        .expect(0)
        .json();
    assert_eq!(
        weak["key"]["keyType"], "ed25519",
        "what is weak is not made again"
    );
    let print = rotated["oldFingerprint"].as_str().unwrap();
    assert!(agent.held().iter().any(|line| line.contains(print)));

    let_overlaps_end(&home);
    let states: Vec<(String, String)> = keys(&home)
        .into_iter()
        .map(|(name, key)| (name, key["state"].as_str().unwrap().to_owned()))
        .collect();
    let expected = [
        ("access", "active"),
        ("weak", "active"),
        ("weak-1", "revoked"),
        ("work", "active"),
        ("work-1", "revoked"),
    ];
    assert_eq!(
        states,
        expected.map(|(name, state)| (name.to_owned(), state.to_owned()))
    );
    assert!(!path.with_file_name("work-1").exists());
    refused(
        home.run(&["key", "rotate", "work-1", "--json"]),
        2,
        "request.invalid",
    );
    home.run(&["key", "remove", "work-1", "--yes"]).expect(0);
}

#[test]
fn a_key_that_nobody_certifies_takes_no_place() {
    let home = Sandbox::without_engine();
    let first = home.run(&["key", "show", "--json"]).expect(0).json();
    home.run(&["ca", "policy", "user", "--key-type", "ecdsa-p256"])
        .expect(0);
    let before = fs::read_to_string(ssh_dir(&home).join("config")).unwrap();
    refused(home.run(&["key", "rotate", "--json"]), 4, "certificate.refused");
    assert_eq!(names(&home), ["access"]);
    assert_eq!(
        home.run(&["key", "show", "--json"]).expect(0).json()["fingerprint"],
        first["fingerprint"]
    );
    assert_eq!(fs::read_to_string(ssh_dir(&home).join("config")).unwrap(), before);
    assert!(!home.home().join("state/retiring_keys.json").exists());
    home.run(&["ca", "policy", "user", "--default"]).expect(0);
    home.run(&["key", "rotate"]).expect(0);
}
