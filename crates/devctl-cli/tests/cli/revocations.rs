//! What a revocation list once held stays in force, whatever becomes of its record or of the file.

use crate::sandbox::Sandbox;
use crate::trust::{key, keygen};
use std::path::PathBuf;

#[test]
fn what_a_list_once_held_stays_in_it() {
    let home = Sandbox::without_engine();
    let bob = key(&home, &["-t", "ed25519"]);
    home.run(&["ca", "list"]).expect(0);
    let list = || home.run(&["cert", "revocations", "--json"]).expect(0).json();
    home.run(&["cert", "revoke", "--key", bob.to_str().unwrap(), "--yes"])
        .expect(0);
    let path = PathBuf::from(list()["path"].as_str().unwrap());
    let is_revoked = || !keygen(&["-Q", "-f", path.to_str().unwrap()], &bob).0;
    assert!(is_revoked());
    // The record is lost: the list is not.
    for name in ["state.db", "state.db-wal", "state.db-shm"] {
        let _ = std::fs::remove_file(path.with_file_name(name));
    }
    home.run(&["cert", "revoke", "--key-id", "user:eve", "--yes"])
        .expect(0);
    assert!(is_revoked());
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
    let serial = home.run(&issue).expect(0).json()["record"]["serial"]
        .as_u64()
        .unwrap();
    assert!(
        serial > 1_000_000_000,
        "no number that may have been used is used again: {serial}"
    );
    // The list is damaged: it is told, and written anew from the record by the next step.
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert!(list()["problem"].is_string());
    home.run(&[
        "cert",
        "revoke",
        "--fingerprint",
        "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "--yes",
    ])
    .expect(0);
    assert!(list()["problem"].is_null());
}

#[test]
fn a_list_that_was_put_back_lets_nobody_in_and_is_written_anew() {
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
    let certificate = home.home().join("bob-cert.pub");
    std::fs::write(&certificate, issued["certificate"].as_str().unwrap()).unwrap();
    let list = PathBuf::from(
        home.run(&["cert", "revocations", "--json"]).expect(0).json()["path"]
            .as_str()
            .unwrap(),
    );
    let before = std::fs::read(&list).unwrap();
    home.run(&["cert", "revoke", "--serial", "2", "--yes"]).expect(0);
    let is_revoked = || !keygen(&["-Q", "-f", list.to_str().unwrap()], &certificate).0;
    assert!(is_revoked());

    std::fs::write(&list, before).unwrap();
    assert!(home.run(&["cert", "revocations", "--json"]).expect(0).json()["problem"].is_string());
    let verdict = home
        .run(&["cert", "verify", certificate.to_str().unwrap()])
        .expect(4)
        .stdout();
    assert!(verdict.contains("older copy"), "{verdict}");
    // What runs before each `ssh` writes it anew.
    home.run(&["ssh-renew"]).expect(0);
    assert!(is_revoked());

    // With the record gone as well, nobody knows what was revoked: other authorities take over.
    for name in ["state.db", "state.db-wal", "state.db-shm", "revoked.krl"] {
        let _ = std::fs::remove_file(list.with_file_name(name));
    }
    home.run(&["ssh-renew"]).expect(0);
    let all = home.run(&["ca", "list", "--json"]).expect(0).json();
    assert_eq!(all["authorities"][0]["generation"], 2, "{all}");
    home.run(&["cert", "verify", certificate.to_str().unwrap()])
        .expect(4);
}
