//! The vault's master key in the real gnome-keyring, in a session bus and a home of its own.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use devctl_secrets::{KeySources, Keychain, SecretBytes, Vault};

use crate::has;

const SERVICE: &str = "devctl-test";

/// Runs the test `inside` in a session whose keyring was prepared by `prepare`.
fn session(home: &Path, prepare: &str) -> Output {
    let exe = std::env::current_exe().unwrap();
    let runtime = tempfile::tempdir().unwrap();
    Command::new("dbus-run-session")
        .args(["--", "sh", "-c"])
        .arg(format!(
            "{prepare}\nexec \"$0\" --exact keychain::inside --nocapture"
        ))
        .arg(exe)
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", runtime.path())
        .env_remove("XDG_DATA_HOME")
        .env("DEVCTL_TEST_KEYCHAIN", home)
        .output()
        .unwrap()
}

fn unlocked_with(password: &str) -> String {
    format!("printf {password} | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1")
}

/// Opens the vault in `$DEVCTL_TEST_KEYCHAIN` and says what came of it; does nothing by itself.
#[test]
fn inside() {
    let Some(home) = std::env::var_os("DEVCTL_TEST_KEYCHAIN") else {
        return;
    };
    let keychain = Keychain::of_the_os(SERVICE).patience(Duration::from_secs(20));
    println!("state: {:?}", keychain.probe());
    let sources = KeySources {
        keychain: Some(keychain),
        ..KeySources::default()
    };
    match Vault::open(&Path::new(&home).join("vault"), &sources) {
        Ok(vault) => {
            let kept = vault
                .get("kept")
                .unwrap()
                .map(|value| String::from_utf8(value.expose().clone()).unwrap());
            println!("vault: {}; kept: {kept:?}", vault.key_source());
            vault.put("kept", &SecretBytes::new(b"yes".to_vec())).unwrap();
        }
        Err(error) => println!("vault: {}", error.code()),
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn tools() -> bool {
    has("dbus-run-session") && has("gnome-keyring-daemon")
}

#[test]
fn the_master_key_lives_in_the_keychain_from_one_session_to_the_next() {
    if !tools() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let first = said(&session(home.path(), &unlocked_with("pw")));
    assert!(
        first.contains("state: Ready") && first.contains("vault: the OS keychain; kept: None"),
        "{first}"
    );
    assert!(!home.path().join("vault/master.key").exists());
    let second = said(&session(home.path(), &unlocked_with("pw")));
    assert!(second.contains("kept: Some(\"yes\")"), "{second}");

    // The keyring is there and locked: an error with a code, at once, and nothing falls back to a file.
    let begun = Instant::now();
    for prepare in [unlocked_with("wrong"), String::new()] {
        let locked = said(&session(home.path(), &prepare));
        assert!(
            locked.contains("state: Locked") && locked.contains("vault: secrets.keychain_locked"),
            "{locked}"
        );
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(!home.path().join("vault/master.key").exists());
}

#[test]
fn without_a_collection_a_file_takes_its_place() {
    if !tools() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let said = said(&session(home.path(), ""));
    assert!(
        said.contains("state: NoCollection") && said.contains("master.key, without a keychain"),
        "{said}"
    );
    assert_eq!(fs::read(home.path().join("vault/master.key")).unwrap().len(), 45);
}

#[test]
fn without_a_session_bus_a_file_takes_its_place() {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "keychain::inside", "--nocapture"])
        .env(
            "DBUS_SESSION_BUS_ADDRESS",
            format!("unix:path={}", home.path().join("none").display()),
        )
        .env("DEVCTL_TEST_KEYCHAIN", home.path())
        .output()
        .unwrap();
    let said = said(&output);
    assert!(
        said.contains("state: NoService") && said.contains("master.key, without a keychain"),
        "{said}"
    );
}
