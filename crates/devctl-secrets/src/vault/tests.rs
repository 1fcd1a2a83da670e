use super::*;
use crate::Keychain;
use crate::keychain::KeychainState;
use crate::keychain::tests::FakeStore;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Duration;

mod hostile;
mod model;
mod ways;

const PATIENT: Duration = Duration::from_secs(30);

fn bytes(text: &str) -> SecretBytes {
    SecretBytes::new(text.as_bytes().to_vec())
}

fn text(vault: &Vault, name: &str) -> Option<String> {
    vault
        .get(name)
        .unwrap()
        .map(|value| String::from_utf8(value.expose().clone()).unwrap())
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn own_file() -> KeySources {
    KeySources::default()
}

#[test]
fn entries_survive_and_names_need_no_values() {
    let home = tempfile::tempdir().unwrap();
    let vault = Vault::open(home.path(), &own_file()).unwrap();
    assert_eq!(vault.names().unwrap(), Vec::<String>::new());
    vault.put("b", &bytes("two")).unwrap();
    vault.put("a", &bytes("one")).unwrap();
    vault.put("b", &bytes("three")).unwrap();
    let again = Vault::open(home.path(), &own_file()).unwrap();
    assert_eq!(again.names().unwrap(), ["a", "b"]);
    assert_eq!(
        (text(&again, "a").as_deref(), text(&again, "b").as_deref()),
        (Some("one"), Some("three"))
    );
    assert_eq!(text(&again, "c"), None);
    assert!(again.delete("a").unwrap() && !again.delete("a").unwrap());
    assert_eq!(
        (text(&vault, "a"), text(&vault, "b").as_deref()),
        (None, Some("three"))
    );
    assert_eq!(vault.counter().unwrap(), 5);
}

#[test]
fn the_file_shows_neither_names_nor_values() {
    let home = tempfile::tempdir().unwrap();
    let vault = Vault::open(home.path(), &own_file()).unwrap();
    vault.put("authority/user", &bytes("private half")).unwrap();
    let file = fs::read(home.path().join("vault")).unwrap();
    for hidden in [&b"authority"[..], b"private half"] {
        assert!(!file.windows(hidden.len()).any(|window| window == hidden));
    }
    assert!(!format!("{vault:?}").contains("private"));
}

#[test]
fn modes_are_private_and_corrected() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("state/vault");
    Vault::open(&dir, &own_file()).unwrap();
    let loosen = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    loosen(&dir);
    loosen(&dir.join("vault"));
    loosen(&dir.join("master.key"));
    Vault::open(&dir, &own_file()).unwrap();
    assert_eq!(
        (
            mode(&dir),
            mode(&dir.join("vault")),
            mode(&dir.join("master.key"))
        ),
        (0o700, 0o600, 0o600)
    );
}

#[test]
fn every_changed_byte_and_every_cut_is_noticed() {
    let home = tempfile::tempdir().unwrap();
    let vault = Vault::open(home.path(), &own_file()).unwrap();
    vault.put("a", &bytes("one")).unwrap();
    vault.put("b", &bytes("two")).unwrap();
    let path = home.path().join("vault");
    let good = fs::read(&path).unwrap();
    let read = || -> Result<(), VaultError> {
        let vault = Vault::open(home.path(), &own_file())?;
        let (a, b) = (vault.get("a")?, vault.get("b")?);
        assert_eq!(
            (a.unwrap().expose().as_slice(), b.unwrap().expose().as_slice()),
            (&b"one"[..], &b"two"[..])
        );
        Ok(())
    };
    read().unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, &bad).unwrap();
        let error = read().expect_err(&format!("byte {at}"));
        let codes = [
            "secrets.vault_tampered",
            "secrets.vault_newer",
            "secrets.wrong_key",
            "secrets.no_key",
            "files.not_found",
        ];
        assert!(codes.contains(&error.code()), "byte {at}: {error:?}");
        fs::write(&path, &good[..at]).unwrap();
        assert_eq!(
            read().expect_err(&format!("cut at {at}")).code(),
            "secrets.vault_tampered"
        );
    }
    // A damaged vault is never replaced.
    assert_eq!(fs::read(&path).unwrap(), &good[..good.len() - 1]);
}

#[test]
fn an_older_value_put_back_does_not_open() {
    let home = tempfile::tempdir().unwrap();
    let vault = Vault::open(home.path(), &own_file()).unwrap();
    vault.put("a", &bytes("old")).unwrap();
    let path = home.path().join("vault");
    let old = fs::read(&path).unwrap();
    vault.put("a", &bytes("new")).unwrap();
    let mut mixed = fs::read(&path).unwrap();
    assert_eq!(mixed.len(), old.len());
    let value = mixed.len() - ("new".len() + 16);
    mixed[value..].copy_from_slice(&old[value..]);
    fs::write(&path, mixed).unwrap();
    assert_eq!(vault.get("a").unwrap_err().code(), "secrets.vault_tampered");
}

#[test]
fn another_key_is_told_from_damage() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("key");
    let dir = home.path().join("vault");
    fs::write(&file, [7u8; 32]).unwrap();
    let sources = KeySources {
        key_file: Some(file.clone()),
        ..KeySources::default()
    };
    Vault::open(&dir, &sources)
        .unwrap()
        .put("a", &bytes("one"))
        .unwrap();
    assert!(!dir.join("master.key").exists());
    let error = Vault::open(&dir, &own_file()).unwrap_err();
    assert_eq!(error.code(), "secrets.no_key");
    assert!(error.fix().unwrap().contains("DEVCTL_MASTER_KEY_FILE"));
    fs::write(&file, [8u8; 32]).unwrap();
    assert_eq!(
        Vault::open(&dir, &sources).unwrap_err().code(),
        "secrets.wrong_key"
    );
    fs::write(&file, "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n").unwrap();
    assert_eq!(
        text(&Vault::open(&dir, &sources).unwrap(), "a").as_deref(),
        Some("one")
    );
    fs::write(&file, "short").unwrap();
    assert_eq!(Vault::open(&dir, &sources).unwrap_err().code(), "secrets.no_key");
}

#[test]
fn a_systemd_credential_is_used_where_there_is_one() {
    let home = tempfile::tempdir().unwrap();
    let credentials = home.path().join("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::write(credentials.join("devctl-master-key"), [9u8; 32]).unwrap();
    let sources = KeySources {
        credentials_directory: Some(credentials.clone()),
        ..KeySources::default()
    };
    let vault = Vault::open(&home.path().join("vault"), &sources).unwrap();
    let expected = credentials.join("devctl-master-key");
    assert_eq!(*vault.key_source(), KeySource::SystemdCredential(Some(expected)));
}

#[test]
fn the_keychain_comes_first_and_holds_one_key() {
    let home = tempfile::tempdir().unwrap();
    let store = FakeStore::default();
    let (state, entries) = (Arc::clone(&store.state), Arc::clone(&store.entries));
    let sources = KeySources {
        keychain: Some(Keychain::with_store(store, PATIENT)),
        key_file: Some("/nonexistent".into()),
        ..KeySources::default()
    };
    let vault = Vault::open(home.path(), &sources).unwrap();
    vault.put("a", &bytes("one")).unwrap();
    assert_eq!(*vault.key_source(), KeySource::Keychain);
    assert_eq!(
        (
            entries.lock().unwrap().len(),
            home.path().join("master.key").exists()
        ),
        // The key, and how often the vault was written.
        (2, false)
    );
    assert_eq!(
        text(&Vault::open(home.path(), &sources).unwrap(), "a").as_deref(),
        Some("one")
    );

    *state.lock().unwrap() = KeychainState::Locked;
    assert_eq!(
        Vault::open(home.path(), &sources).unwrap_err().code(),
        "secrets.keychain_locked"
    );
    *state.lock().unwrap() = KeychainState::Ready;
    entries.lock().unwrap().clear();
    assert_eq!(
        Vault::open(home.path(), &sources).unwrap_err().code(),
        "secrets.no_key"
    );
    assert_eq!(
        Vault::open(home.path(), &own_file()).unwrap_err().code(),
        "secrets.no_key"
    );
}

#[test]
fn a_locked_keychain_is_not_passed_over_in_silence() {
    let home = tempfile::tempdir().unwrap();
    let store = FakeStore::default();
    *store.state.lock().unwrap() = KeychainState::Locked;
    let mut sources = KeySources {
        keychain: Some(Keychain::with_store(store, PATIENT)),
        ..KeySources::default()
    };
    assert_eq!(
        Vault::open(home.path(), &sources).unwrap_err().code(),
        "secrets.keychain_locked"
    );
    assert!(!home.path().join("vault").exists() && !home.path().join("master.key").exists());
    // A key that somebody gave on purpose is another matter.
    let file = home.path().join("key");
    fs::write(&file, [7u8; 32]).unwrap();
    sources.key_file = Some(file);
    assert!(matches!(
        Vault::open(home.path(), &sources).unwrap().key_source(),
        KeySource::KeyFile(Some(_))
    ));
}

#[test]
fn without_a_keychain_service_a_file_of_our_own_is_the_last_resort() {
    for state in [KeychainState::NoService, KeychainState::NoCollection] {
        let home = tempfile::tempdir().unwrap();
        let store = FakeStore::default();
        *store.state.lock().unwrap() = state;
        let sources = KeySources {
            keychain: Some(Keychain::with_store(store, PATIENT)),
            ..KeySources::default()
        };
        let vault = Vault::open(home.path(), &sources).unwrap();
        assert_eq!(
            *vault.key_source(),
            KeySource::OwnFile(home.path().join("master.key"))
        );
        assert!(vault.key_source().to_string().contains("without a keychain"));
    }
}

#[test]
fn entries_that_cannot_be_kept_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let vault = Vault::open(home.path(), &own_file()).unwrap();
    let too_large = SecretBytes::new(vec![0; LARGEST_VALUE + 1]);
    for (name, value) in [
        ("", bytes("x")),
        ("a\nb", bytes("x")),
        ("a\u{202e}b", bytes("x")),
        ("/a", bytes("x")),
        ("a//b", bytes("x")),
        ("a/", bytes("x")),
        (&"n".repeat(256), bytes("x")),
        ("a", too_large),
    ] {
        assert_eq!(
            vault.put(name, &value).unwrap_err().code(),
            "secrets.entry_refused"
        );
    }
    vault.put(&"n".repeat(255), &bytes("")).unwrap();
    assert_eq!(text(&vault, &"n".repeat(255)).as_deref(), Some(""));
}

#[test]
fn a_full_disk_loses_nothing() {
    let home = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
        .arg(home.path())
        .output()
        .unwrap();
    if !mounted.status.success() {
        println!("SKIPPED: no tmpfs can be mounted here");
        return;
    }
    let vault = Vault::open(home.path(), &own_file()).unwrap();
    vault.put("a", &bytes("one")).unwrap();
    let full = vault.put("b", &SecretBytes::new(vec![1; 500_000]));
    let kept = text(&vault, "a");
    Command::new("umount").arg(home.path()).status().unwrap();
    assert_eq!(
        (full.unwrap_err().code(), kept.as_deref()),
        ("files.no_space", Some("one"))
    );
}

/// Runs the test `writer` below in a process of its own.
fn begin_writer(dir: &Path, name: &str, rounds: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "vault::tests::writer", "--nocapture"])
        .env("DEVCTL_TEST_VAULT", dir)
        .env("DEVCTL_TEST_WRITER", format!("{name} {rounds}"))
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

/// Does nothing by itself: the other half of the tests with several processes.
#[test]
fn writer() {
    let Some(dir) = std::env::var_os("DEVCTL_TEST_VAULT") else {
        return;
    };
    let told = std::env::var("DEVCTL_TEST_WRITER").unwrap();
    let (name, rounds) = told.split_once(' ').unwrap();
    let vault = Vault::open(Path::new(&dir), &with_key_file(Path::new(&dir))).unwrap();
    let made = || Ok::<_, VaultError>(bytes(name));
    vault.get_or_insert_with("shared", made).unwrap();
    for round in 0..rounds.parse().unwrap() {
        if name == "changer" {
            change_there_and_back(&vault);
        }
        vault.put(&format!("{name}/{round}"), &bytes(name)).unwrap();
    }
}

/// A key file beside the vault, if it is there.
fn with_key_file(dir: &Path) -> KeySources {
    KeySources {
        key_file: Some(dir.join("given.key")).filter(|path| path.exists()),
        ..KeySources::default()
    }
}

fn change_there_and_back(vault: &Vault) {
    for (old, new) in [
        (WayKind::OwnFile, NewWay::KeyFile),
        (WayKind::KeyFile, NewWay::OwnFile),
    ] {
        let change = vault.replace_way(old, &new).unwrap();
        assert!(change.left_behind.is_none());
    }
}

#[test]
fn who_is_killed_while_changing_the_way_in_leaves_one() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("given.key"), [7; 32]).unwrap();
    let sources = with_key_file(home.path());
    let vault = Vault::create(home.path(), &sources, &NewWay::OwnFile).unwrap();
    vault.put("kept", &bytes("one")).unwrap();
    for round in 0..12 {
        let before = vault.counter().unwrap();
        let mut writer = begin_writer(home.path(), "changer", 100_000);
        while vault.counter().unwrap() < before + 3 + round {
            assert!(writer.try_wait().unwrap().is_none());
            std::thread::yield_now();
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        let again = Vault::open(home.path(), &sources).unwrap();
        assert_eq!(text(&again, "kept").as_deref(), Some("one"));
        if again.key_source().kind() == WayKind::KeyFile {
            let change = again.replace_way(WayKind::KeyFile, &NewWay::OwnFile).unwrap();
            assert!(change.left_behind.is_none());
        }
    }
}

#[test]
fn who_opens_while_the_way_in_changes_is_let_in() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("given.key"), [7; 32]).unwrap();
    let sources = with_key_file(home.path());
    let vault = Vault::create(home.path(), &sources, &NewWay::OwnFile).unwrap();
    let over = vault.counter().unwrap() + 60;
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while vault.counter().unwrap() < over {
                change_there_and_back(&vault);
            }
        });
        while vault.counter().unwrap() < over {
            Vault::open(home.path(), &sources).unwrap();
        }
    });
}

/// The kernel ends the writer in the middle of the write that passes the limit, at one block after the other.
#[test]
fn a_writer_that_is_cut_off_at_any_block_leaves_the_old_or_the_new_file() {
    use std::os::unix::process::ExitStatusExt;
    const SIGXFSZ: i32 = 25;
    let home = tempfile::tempdir().unwrap();
    let vault = Vault::open(home.path(), &own_file()).unwrap();
    vault.put("kept", &bytes(&"k".repeat(5_000))).unwrap();
    let (mut cut, mut done) = (0, 0);
    for blocks in 0..24 {
        let ended = Command::new("sh")
            .args([
                "-c",
                &format!("ulimit -c 0; ulimit -f {blocks}; exec \"$0\" \"$@\""),
            ])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "vault::tests::writer"])
            .env("DEVCTL_TEST_VAULT", home.path())
            .env("DEVCTL_TEST_WRITER", format!("b{blocks} 1"))
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        let again = Vault::open(home.path(), &own_file()).unwrap();
        assert_eq!(text(&again, "kept").unwrap().len(), 5_000);
        let written = text(&again, &format!("b{blocks}/0")).is_some();
        match ended.signal() {
            Some(SIGXFSZ) => cut += 1,
            other => {
                assert!(ended.success() && written, "{blocks}: {other:?}");
                done += 1;
            }
        }
    }
    assert!(cut > 5 && done > 5, "{cut} cut, {done} done");
    vault.put("after", &bytes("x")).unwrap();
    assert!(temporary_files(home.path()).is_empty());
}

#[test]
fn processes_that_write_at_once_lose_no_entry() {
    let home = tempfile::tempdir().unwrap();
    let writers: Vec<Child> = (0..8)
        .map(|n| begin_writer(home.path(), &format!("w{n}"), 10))
        .collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    let vault = Vault::open(home.path(), &own_file()).unwrap();
    assert_eq!(vault.names().unwrap().len(), 81);
    assert_eq!(vault.counter().unwrap(), 82);
    assert!(text(&vault, "shared").unwrap().starts_with('w'));
}

#[test]
fn a_writer_that_is_killed_leaves_a_whole_vault() {
    let home = tempfile::tempdir().unwrap();
    let vault = Vault::open(home.path(), &own_file()).unwrap();
    for round in 0..5 {
        let before = vault.counter().unwrap();
        let mut writer = begin_writer(home.path(), &format!("killed{round}"), 100_000);
        while vault.counter().unwrap() < before + 5 {
            assert!(writer.try_wait().unwrap().is_none());
            std::thread::yield_now();
        }
        writer.kill().unwrap();
        writer.wait().unwrap();
        for name in vault.names().unwrap() {
            assert!(text(&vault, &name).is_some());
        }
    }
    vault.put("after", &bytes("x")).unwrap();
    assert!(temporary_files(home.path()).is_empty());
}

fn temporary_files(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    names.filter(|name| name.ends_with(".tmp")).collect()
}
