//! The vault, and what opens it.

use crate::home::{at_terminal, fed, set};
use devctl_tests::sandbox::{Sandbox, config};
use std::fs;

#[test]
fn the_way_in_is_changed_without_losing_an_entry_and_a_recovery_key_opens_what_is_locked() {
    let home = Sandbox::on("unix:///nonexistent.sock");
    set(&home, &["TOKEN"], b"hunter2");
    let shown = home.run(&["secret", "vault", "show", "--json"]).expect(0).json();
    assert_eq!(shown["openedBy"], "own-file", "{shown}");
    let key = home
        .run(&["secret", "vault", "recovery-key", "--json"])
        .expect(0)
        .json();
    let key = key["recoveryKey"].as_str().unwrap().to_owned();
    let change = [
        "secret",
        "vault",
        "change",
        "--json",
        "--remove",
        "own-file",
        "--add",
        "passphrase",
        "--new-passphrase-file",
        "-",
    ];
    let changed = fed(home.devctl(&change), b"correct horse battery\n")
        .expect(0)
        .json();
    let ways = changed["vault"]["ways"].as_array().unwrap();
    let ways: Vec<&str> = ways.iter().map(|way| way["way"].as_str().unwrap()).collect();
    assert_eq!(ways, ["passphrase", "recovery-key"]);
    let reveal = ["secret", "get", "TOKEN", "--reveal", "--json"];
    assert_eq!(home.run(&reveal).expect(4).error(), "secrets.passphrase");
    assert!(home.run(&["secret", "list", "--json"]).expect(0).json()[0]["name"] == "TOKEN");
    // Typed at a terminal it opens.
    let question = ("passphrase of the vault: ", "correct horse battery");
    let said = at_terminal(&home, "secret get TOKEN --reveal", &[question]);
    assert!(said.contains("hunter2") && !said.contains("horse"), "{said}");
    let recover = [
        "secret",
        "vault",
        "recover",
        "--json",
        "--add",
        "own-file",
        "--key-file",
        "-",
    ];
    let wrong = fed(home.devctl(&recover), b"4G3DP-00000\n").expect(4);
    assert_eq!(wrong.error(), "secrets.passphrase");
    let _recovered = fed(home.devctl(&recover), key.as_bytes()).expect(0);
    assert_eq!(home.run(&reveal).expect(0).json()["value"], "hunter2");
}

#[test]
fn an_older_copy_of_the_vault_is_refused_until_it_is_accepted() {
    let home = Sandbox::on("unix:///nonexistent.sock");
    set(&home, &["TOKEN"], b"hunter2");
    let vault = home.state().join("vault/vault");
    let older = fs::read(&vault).unwrap();
    set(&home, &["TOKEN"], b"hunter3");
    fs::write(&vault, older).unwrap();
    let reveal = ["secret", "get", "TOKEN", "--reveal", "--json"];
    assert_eq!(home.run(&reveal).expect(1).error(), "secrets.vault_tampered");
    let _taken = home
        .run(&["secret", "vault", "change", "--accept-older"])
        .expect(0);
    assert_eq!(home.run(&reveal).expect(0).json()["value"], "hunter2");
}

#[test]
fn nobody_is_kept_out_by_a_vault_that_does_not_open() {
    let Some(home) = Sandbox::new() else { return };
    let folder = home.folder("locked", &config(""));
    home.up(&folder);
    let name = home.unique("locked");
    set(&home, &["TOKEN"], b"hunter2");
    fs::rename(home.state().join("vault/master.key"), home.home().join("key")).unwrap();
    let ran = home
        .try_ssh(&format!("{name}.devctl"), "echo ${TOKEN-none}")
        .expect(0);
    assert_eq!(ran.stdout(), "none\n");
    assert!(
        ran.stderr().contains("not all secrets are here"),
        "{}",
        ran.stderr()
    );
    let ran = home
        .run(&["exec", &name, "--", "sh", "-c", "echo ${TOKEN-none}"])
        .expect(0);
    assert_eq!(ran.stdout(), "none\n");
    assert!(
        ran.stderr().contains("not all secrets are here"),
        "{}",
        ran.stderr()
    );
}
