//! The keychain in each of its states, and the vault's key in it: against the real gnome-keyring, in a session bus and a
//! home of its own, cross-checked with `secret-tool`.

#![cfg(test)]
#![cfg(all(unix, not(target_os = "macos")))]

mod prompter;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use devctl_secrets::{
    KeySources, Keychain, KeychainState, NewWay, RecoveryKey, RollbackWatch, SecretBytes, SecretText, Unlock,
    Vault, WayKind,
};
use prompter::{Manner, Prompter};

const SERVICE: &str = "devctl-test";
const PATIENT: Duration = Duration::from_secs(20);

/// A program that a test needs and does not find is said, and the test ends; with `DEVCTL_REQUIRE_ALL` it fails.
fn tools() -> bool {
    ["dbus-run-session", "gnome-keyring-daemon", "secret-tool"]
        .iter()
        .all(|program| {
            let look = format!("command -v {program}");
            let found = Command::new("sh")
                .args(["-c", &look])
                .output()
                .unwrap()
                .status
                .success();
            if !found {
                assert!(
                    std::env::var_os("DEVCTL_REQUIRE_ALL").is_none(),
                    "{program} is needed and not installed"
                );
                println!("SKIPPED: no {program} here");
            }
            found
        })
}

/// Runs a line of shell in a session of its own; `scene NAME` in it runs that scene of the test `inside`.
fn session(home: &Path, line: &str) -> String {
    let script = format!("scene() {{ DEVCTL_TEST_SCENE=\"$*\" \"$0\" --exact inside --nocapture; }}\n{line}");
    let runtime = tempfile::tempdir().unwrap();
    let mut command = Command::new("dbus-run-session");
    if home.join("bus.conf").exists() {
        command.arg("--config-file").arg(home.join("bus.conf"));
    }
    let output = command
        .args(["--", "sh", "-c"])
        .arg(script)
        .arg(std::env::current_exe().unwrap())
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("XDG_DATA_HOME")
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", runtime.path())
        .env("DEVCTL_TEST_KEYCHAIN", home)
        .output()
        .unwrap();
    said(&output)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn unlocked_with(password: &str) -> String {
    format!("printf {password} | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1")
}

/// Plays the scene in `$DEVCTL_TEST_SCENE` and says what came of it; does nothing by itself.
#[test]
fn inside() {
    let Some(home) = std::env::var_os("DEVCTL_TEST_KEYCHAIN") else {
        return;
    };
    let scene = std::env::var("DEVCTL_TEST_SCENE").unwrap();
    let (scene, argument) = scene.split_once(' ').unwrap_or((&scene, ""));
    let keychain = Keychain::of_the_os(SERVICE).patience(PATIENT);
    match scene {
        "open" => {
            println!("state: {:?}", keychain.probe());
            open(&Path::new(&home).join("vault"), keychain, &Unlock::default());
        }
        "password" => {
            let password = SecretText::new(argument.to_owned());
            println!("unlock: {:?}", keychain.unlock(Some(password)).wait(PATIENT));
            println!("state: {:?}", keychain.probe());
        }
        "prompt" => prompt(&keychain, argument),
        "cost" => cost(&Path::new(&home).join("vault"), keychain),
        "switch" => switch(&Path::new(&home).join("vault"), keychain),
        "recover" => {
            let unlock = Unlock {
                recovery_key: Some(RecoveryKey::parse(argument).unwrap()),
                ..Unlock::default()
            };
            open(&Path::new(&home).join("vault"), keychain, &unlock);
        }
        other => panic!("no scene {other}"),
    }
}

fn open(vault: &Path, keychain: Keychain, unlock: &Unlock) {
    let sources = KeySources {
        keychain: Some(keychain),
        ..KeySources::default()
    };
    let begun = Instant::now();
    let vault = match Vault::open_with(vault, &sources, unlock) {
        Ok(vault) => vault,
        Err(error) => return println!("vault: {}: {:?}", error.code(), error.fix()),
    };
    println!("opened in {:?}", begun.elapsed());
    let kept = vault
        .get("kept")
        .unwrap()
        .map(|value| String::from_utf8(value.expose().clone()).unwrap());
    println!("vault: {}; kept: {kept:?}", vault.key_source());
    vault.put("kept", &SecretBytes::new(b"yes".to_vec())).unwrap();
    println!("watch: {:?}", vault.rollback_watch());
    if vault.key_source().kind() == WayKind::RecoveryKey {
        let change = vault.replace_way(WayKind::Keychain, &NewWay::Keychain).unwrap();
        println!("recovered; left behind: {:?}", change.left_behind);
    }
}

/// From the keychain to a passphrase and back, with a recovery key at the end.
fn switch(vault: &Path, keychain: Keychain) {
    let sources = KeySources {
        keychain: Some(keychain),
        ..KeySources::default()
    };
    let opened = Vault::open(vault, &sources).unwrap();
    let passphrase = SecretText::new("correct horse".to_owned());
    let change = opened
        .replace_way(WayKind::Keychain, &NewWay::Passphrase(passphrase.clone()))
        .unwrap();
    println!("to a passphrase; left behind: {:?}", change.left_behind);
    println!("vault: {}", Vault::open(vault, &sources).unwrap_err().code());
    println!("in the keychain: {}", accounts().len());
    let unlock = Unlock {
        passphrase: Some(passphrase),
        ..Unlock::default()
    };
    let opened = Vault::open_with(vault, &sources, &unlock).unwrap();
    let change = opened
        .replace_way(WayKind::Passphrase, &NewWay::Keychain)
        .unwrap();
    assert!(change.left_behind.is_none());
    let opened = Vault::open(vault, &sources).unwrap();
    println!(
        "recovery: {}",
        opened.make_recovery_key().unwrap().printable().expose()
    );
    println!("watch: {:?}", opened.rollback_watch() == RollbackWatch::Keychain);
    println!("in the keychain: {}", accounts().len());
}

/// What opening costs beyond the two entries that the keychain is asked for, the key and the count.
fn cost(vault: &Path, keychain: Keychain) {
    let sources = KeySources {
        keychain: Some(keychain),
        ..KeySources::default()
    };
    let middle = |act: &mut dyn FnMut()| {
        let mut times: Vec<Duration> = (0..9)
            .map(|_| {
                let begun = Instant::now();
                act();
                begun.elapsed()
            })
            .collect();
        times.sort();
        times[4]
    };
    let account = accounts().into_iter().find(|name| !name.ends_with("-counter"));
    let entry = keyring::v1::Entry::new(SERVICE, &account.unwrap()).unwrap();
    let alone = middle(&mut || drop(entry.get_password().unwrap()));
    let opened = middle(&mut || {
        let vault = Vault::open(vault, &sources).unwrap();
        assert!(vault.get("kept").unwrap().is_some());
    });
    println!("one get: {alone:.1?}; open and read one: {opened:.1?}");
    println!("in time: {}", opened < alone + 10 * Duration::from_millis(20));
}

/// The accounts of our entries, as `secret-tool` says them.
fn accounts() -> Vec<String> {
    let found = Command::new("secret-tool")
        .args(["search", "--all", "service", SERVICE])
        .output()
        .unwrap();
    let text = said(&found);
    let names = text
        .lines()
        .filter_map(|line| Some(line.split_once("username = ")?.1));
    names.map(str::to_owned).collect()
}

fn prompt(keychain: &Keychain, manner: &str) {
    let manner = match manner {
        "refuses" => Manner::Refuses,
        _ => Manner::WaitsForever,
    };
    let prompter = Prompter::start(manner);
    let begun = Instant::now();
    let waiting = keychain.unlock(None);
    prompter.shown(PATIENT);
    println!("while it is up: {:?}", keychain.probe());
    let state = match manner {
        Manner::Refuses => waiting.wait(PATIENT),
        Manner::WaitsForever => {
            let canceller = waiting.canceller();
            let cancelled = std::thread::spawn(move || canceller.cancel());
            let state = waiting.wait(PATIENT);
            cancelled.join().unwrap();
            let impatient = keychain.unlock(None).wait(Duration::from_millis(300));
            assert_eq!(impatient, KeychainState::TimedOut);
            state
        }
    };
    // The keychain is there as before.
    assert_eq!(keychain.probe(), KeychainState::Locked);
    println!("prompt: {state:?}; in time: {}", begun.elapsed() < PATIENT);
}

/// A keyring with the password `pw` is in the home, and locked.
fn home_with_a_keyring() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let made = session(home.path(), &format!("{}; scene open", unlocked_with("pw")));
    assert!(made.contains("state: Ready"), "{made}");
    home
}

#[test]
fn the_master_key_lives_in_the_keychain_from_one_session_to_the_next() {
    if !tools() {
        return;
    }
    let home = home_with_a_keyring();
    assert!(!home.path().join("vault/master.key").exists());
    let second = session(home.path(), &format!("{}; scene open", unlocked_with("pw")));
    assert!(second.contains("kept: Some(\"yes\")"), "{second}");
    assert!(second.contains("watch: Keychain"), "{second}");
    let cost = session(home.path(), &format!("{}; scene cost", unlocked_with("pw")));
    assert!(cost.contains("in time: true"), "{cost}");

    // The keyring is there and locked: an error with a code, at once, and nothing falls back to a file.
    let begun = Instant::now();
    for prepare in [unlocked_with("wrong"), "true".to_owned()] {
        let locked = session(home.path(), &format!("{prepare}; scene open"));
        assert!(
            locked.contains("state: Locked")
                && locked.contains("vault: secrets.keychain_locked: Some(\"unlock the login keychain"),
            "{locked}"
        );
    }
    assert!(begun.elapsed() < PATIENT);
    assert!(!home.path().join("vault/master.key").exists());
}

#[test]
fn a_locked_keychain_takes_its_password_and_tells_a_wrong_one() {
    if !tools() {
        return;
    }
    let home = home_with_a_keyring();
    let tried = session(home.path(), "scene password wrong; scene password pw; scene open");
    let states: Vec<&str> = tried
        .lines()
        .filter(|line| line.starts_with("unlock") || line.starts_with("state"))
        .collect();
    assert_eq!(
        states,
        [
            "unlock: WrongPassword",
            "state: Locked",
            "unlock: Ready",
            "state: Ready",
            "state: Ready"
        ],
        "{tried}"
    );
    assert!(tried.contains("kept: Some(\"yes\")"), "{tried}");
}

#[test]
fn a_refused_prompt_is_told_and_a_forgotten_one_is_not_waited_for() {
    if !tools() {
        return;
    }
    let home = home_with_a_keyring();
    for manner in ["refuses", "waits"] {
        let asked = session(home.path(), &format!("scene prompt {manner}"));
        assert!(
            asked.contains("while it is up: Locked")
                && asked.contains("prompt: PromptRefused; in time: true"),
            "{manner}: {asked}"
        );
    }
}

#[test]
fn secret_tool_sees_our_entries_and_what_it_changes_counts() {
    if !tools() {
        return;
    }
    let home = home_with_a_keyring();
    let unlocked = unlocked_with("pw");
    let seen = session(
        home.path(),
        &format!("{unlocked}; secret-tool search --all service {SERVICE}"),
    );
    assert_eq!(seen.matches("secret = ").count(), 2, "{seen}");
    assert!(seen.contains("secret = 2\n"), "{seen}");
    let mut accounts = seen
        .lines()
        .filter_map(|line| Some(line.split_once("username = ")?.1));
    let counter = accounts.find(|account| account.ends_with("-counter")).unwrap();
    let key = counter.strip_suffix("-counter").unwrap();
    let told = session(
        home.path(),
        &format!(
            "{unlocked}; printf 9 | secret-tool store --label x service {SERVICE} username {counter}; scene open
            secret-tool clear service {SERVICE} username {counter}; scene open
            secret-tool clear service {SERVICE} username {key}; scene open"
        ),
    );
    let codes: Vec<&str> = told
        .lines()
        .filter_map(|line| line.strip_prefix("vault: "))
        .map(|line| line.split_once([':', ';']).unwrap().0)
        .collect();
    assert_eq!(
        codes,
        ["secrets.vault_rolled_back", "the OS keychain", "secrets.no_key"],
        "{told}"
    );
}

#[test]
fn the_way_in_changes_and_a_recovery_key_stands_in_for_a_lost_keychain() {
    if !tools() {
        return;
    }
    let home = home_with_a_keyring();
    let switched = session(home.path(), &format!("{}; scene switch", unlocked_with("pw")));
    let wanted = [
        "to a passphrase; left behind: None",
        "vault: secrets.passphrase_needed",
        "in the keychain: 0",
        "watch: true",
        "in the keychain: 2",
    ];
    for line in wanted {
        assert!(switched.contains(line), "{line}: {switched}");
    }
    let recovery = switched
        .lines()
        .find_map(|line| line.strip_prefix("recovery: "))
        .unwrap();
    // Another keyring: all that was in the old one is gone.
    fs::remove_dir_all(home.path().join(".local/share/keyrings")).unwrap();
    let fresh = unlocked_with("new");
    let lost = session(
        home.path(),
        &format!("{fresh}; scene open; scene recover {recovery}; scene open"),
    );
    assert!(lost.contains("vault: secrets.recovery_needed"), "{lost}");
    assert!(
        lost.contains("vault: the recovery key; kept: Some(\"yes\")"),
        "{lost}"
    );
    assert!(lost.contains("recovered; left behind: None"), "{lost}");
    assert!(
        lost.contains("vault: the OS keychain; kept: Some(\"yes\")"),
        "{lost}"
    );
}

#[test]
fn without_a_collection_a_file_takes_its_place() {
    if !tools() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let said = session(home.path(), "scene open; scene password pw");
    assert!(
        said.contains("state: NoCollection") && said.contains("master.key, without a keychain"),
        "{said}"
    );
    assert!(said.contains("unlock: NoCollection"), "{said}");
    assert_eq!(fs::read(home.path().join("vault/master.key")).unwrap().len(), 45);
}

#[test]
fn a_bus_without_a_keychain_is_told_from_no_bus() {
    if !tools() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    // No service can be started on this bus.
    fs::write(
        home.path().join("bus.conf"),
        "<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><policy context=\"default\">\
         <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
    )
    .unwrap();
    let said = session(home.path(), "scene open");
    assert!(
        said.contains("state: NoService") && said.contains("master.key, without a keychain"),
        "{said}"
    );
}

#[test]
fn without_a_session_bus_a_file_takes_its_place() {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "inside", "--nocapture"])
        .env(
            "DBUS_SESSION_BUS_ADDRESS",
            format!("unix:path={}", home.path().join("none").display()),
        )
        .env("DEVCTL_TEST_KEYCHAIN", home.path())
        .env("DEVCTL_TEST_SCENE", "open")
        .output()
        .unwrap();
    let said = said(&output);
    assert!(
        said.contains("state: NoBus") && said.contains("master.key, without a keychain"),
        "{said}"
    );
}
