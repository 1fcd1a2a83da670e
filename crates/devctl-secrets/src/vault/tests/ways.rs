//! Ways in, recovery, older copies.

use super::*;
use crate::{RecoveryKey, SecretText};
use std::collections::BTreeMap;
use std::path::PathBuf;

pub(super) fn passphrase(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

pub(super) fn by_passphrase(text: &str) -> Unlock {
    Unlock {
        passphrase: Some(passphrase(text)),
        ..Unlock::default()
    }
}

pub(super) fn by_recovery_key(key: &RecoveryKey) -> Unlock {
    Unlock {
        recovery_key: Some(key.clone()),
        ..Unlock::default()
    }
}

/// All the machine's ways at once, over a keychain in memory.
pub(super) fn everything(home: &Path) -> (KeySources, FakeStore) {
    let credentials = home.join("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::write(credentials.join("devctl-master-key"), [9u8; 32]).unwrap();
    fs::write(home.join("given.key"), [7u8; 32]).unwrap();
    let store = FakeStore::default();
    let shared = FakeStore {
        state: Arc::clone(&store.state),
        entries: Arc::clone(&store.entries),
        gate: Arc::clone(&store.gate),
        forgets: false,
    };
    let sources = KeySources {
        keychain: Some(Keychain::with_store(store, PATIENT)),
        key_file: Some(home.join("given.key")),
        credentials_directory: Some(credentials),
    };
    (sources, shared)
}

fn kinds(vault: &Vault) -> Vec<WayKind> {
    vault.ways().unwrap().iter().map(KeySource::kind).collect()
}

fn code<T: std::fmt::Debug>(result: Result<T, VaultError>) -> &'static str {
    result.unwrap_err().code()
}

fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(dir).unwrap();
    let read = entries.map(|entry| entry.unwrap().path());
    read.filter(|path| path.is_file())
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .collect()
}

#[test]
fn every_way_opens_the_same_entries_and_goes_again() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("vault");
    let (sources, store) = everything(home.path());
    let vault = Vault::create(&dir, &sources, &NewWay::OwnFile).unwrap();
    vault.put("a", &bytes("one")).unwrap();
    let words = passphrase("correct horse");
    for way in [
        NewWay::Keychain,
        NewWay::KeyFile,
        NewWay::SystemdCredential,
        NewWay::Passphrase(words),
    ] {
        assert!(vault.add_way(&way).unwrap().left_behind.is_none());
        assert_eq!(code(vault.add_way(&way)), "secrets.way_exists");
    }
    let recovery = vault.make_recovery_key().unwrap();
    assert_eq!(kinds(&vault).len(), 6);
    let one = |unlock: &Unlock, sources: &KeySources, by: WayKind| {
        let vault = Vault::open_with(&dir, sources, unlock).unwrap();
        assert_eq!(
            (vault.key_source().kind(), text(&vault, "a").as_deref()),
            (by, Some("one"))
        );
    };
    one(&by_passphrase("correct horse"), &own_file(), WayKind::Passphrase);
    one(&by_recovery_key(&recovery), &own_file(), WayKind::RecoveryKey);
    one(&Unlock::default(), &own_file(), WayKind::OwnFile);
    for (kind, next) in [
        (WayKind::KeyFile, WayKind::SystemdCredential),
        (WayKind::SystemdCredential, WayKind::OwnFile),
        (WayKind::OwnFile, WayKind::Keychain),
    ] {
        one(&Unlock::default(), &sources, kind);
        assert!(vault.remove_way(kind).unwrap().left_behind.is_none());
        one(&Unlock::default(), &sources, next);
    }
    assert!(!dir.join("master.key").exists() && home.path().join("given.key").exists());
    assert!(vault.remove_way(WayKind::Keychain).unwrap().left_behind.is_none());
    assert!(store.entries.lock().unwrap().is_empty());
    assert_eq!(code(Vault::open(&dir, &sources)), "secrets.passphrase_needed");
    assert_eq!(code(vault.remove_way(WayKind::Keychain)), "secrets.no_such_way");
    assert_eq!(code(vault.remove_way(WayKind::Passphrase)), "secrets.last_way");
    assert_eq!(kinds(&vault), [WayKind::Passphrase, WayKind::RecoveryKey]);
    assert!(
        vault
            .remove_way(WayKind::RecoveryKey)
            .unwrap()
            .left_behind
            .is_none()
    );
    assert_eq!(
        code(Vault::open_with(&dir, &sources, &by_recovery_key(&recovery))),
        "secrets.no_such_way"
    );
}

#[test]
fn a_passphrase_is_asked_for_told_wrong_and_changed() {
    let home = tempfile::tempdir().unwrap();
    let sources = own_file();
    let short = NewWay::Passphrase(passphrase("short"));
    assert_eq!(
        code(Vault::create(home.path(), &sources, &short)),
        "secrets.passphrase_refused"
    );
    let first = NewWay::Passphrase(passphrase("first words"));
    let vault = Vault::create(home.path(), &sources, &first).unwrap();
    vault.put("a", &bytes("one")).unwrap();
    assert_eq!(
        code(Vault::create(home.path(), &sources, &first)),
        "secrets.vault_exists"
    );
    let asked = Vault::open(home.path(), &sources).unwrap_err();
    assert!(
        matches!(asked, VaultError::PassphraseNeeded { source: None, .. }),
        "{asked:?}"
    );
    assert_eq!(
        code(Vault::open_with(
            home.path(),
            &sources,
            &by_passphrase("first word")
        )),
        "secrets.wrong_passphrase"
    );
    let second = NewWay::Passphrase(passphrase("second words"));
    assert!(
        vault
            .replace_way(WayKind::Passphrase, &second)
            .unwrap()
            .left_behind
            .is_none()
    );
    assert_eq!(
        code(Vault::open_with(
            home.path(),
            &sources,
            &by_passphrase("first words")
        )),
        "secrets.wrong_passphrase"
    );
    let again = Vault::open_with(home.path(), &sources, &by_passphrase("second words")).unwrap();
    assert_eq!(text(&again, "a").as_deref(), Some("one"));
    assert!(!format!("{again:?} {second:?}").contains("words"));
}

#[test]
fn a_vault_of_one_way_is_of_version_1_and_becomes_2_with_the_second() {
    let home = tempfile::tempdir().unwrap();
    let version = || fs::read(home.path().join("vault")).unwrap()[8..10].to_vec();
    let vault = Vault::open(home.path(), &own_file()).unwrap();
    vault.put("a", &bytes("one")).unwrap();
    assert_eq!(version(), [0, 1]);
    let recovery = vault.make_recovery_key().unwrap();
    assert_eq!(version(), [0, 2]);
    // Who writes 1 over 2 is found out.
    let path = home.path().join("vault");
    let mut file = fs::read(&path).unwrap();
    file[9] = 1;
    let good = fs::read(&path).unwrap();
    fs::write(&path, file).unwrap();
    assert_eq!(
        code(Vault::open(home.path(), &own_file())),
        "secrets.vault_tampered"
    );
    fs::write(&path, good).unwrap();
    assert!(
        vault
            .remove_way(WayKind::RecoveryKey)
            .unwrap()
            .left_behind
            .is_none()
    );
    assert_eq!(version(), [0, 1]);
    assert_eq!(
        code(Vault::open_with(
            home.path(),
            &own_file(),
            &by_recovery_key(&recovery)
        )),
        "secrets.no_such_way"
    );
}

#[test]
fn the_recovery_key_opens_when_the_keychain_is_gone_and_sets_a_new_way() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("vault");
    let (sources, store) = everything(home.path());
    let vault = Vault::create(&dir, &sources, &NewWay::Keychain).unwrap();
    vault.put("a", &bytes("one")).unwrap();
    let old = vault.make_recovery_key().unwrap();
    let recovery = vault.make_recovery_key().unwrap();
    let printed = recovery.printable();
    store.entries.lock().unwrap().clear();

    let lost = Vault::open(&dir, &sources).unwrap_err();
    assert_eq!(lost.code(), "secrets.recovery_needed");
    assert!(lost.fix().unwrap().contains("recovery key"));
    assert_eq!(
        code(Vault::open_with(&dir, &sources, &by_recovery_key(&old))),
        "secrets.wrong_recovery_key"
    );
    let typed = RecoveryKey::parse(&printed.expose().to_lowercase()).unwrap();
    let found = Vault::open_with(&dir, &sources, &by_recovery_key(&typed)).unwrap();
    assert!(
        found
            .replace_way(WayKind::Keychain, &NewWay::Keychain)
            .unwrap()
            .left_behind
            .is_none()
    );
    assert_eq!(
        text(&Vault::open(&dir, &sources).unwrap(), "a").as_deref(),
        Some("one")
    );
    *store.state.lock().unwrap() = KeychainState::NoService;
    assert_eq!(code(Vault::open(&dir, &sources)), "secrets.recovery_needed");
    // Locked is not lost: the fix is to unlock it.
    *store.state.lock().unwrap() = KeychainState::Locked;
    assert_eq!(code(Vault::open(&dir, &sources)), "secrets.keychain_locked");
}

#[test]
fn a_key_that_cannot_be_deleted_is_told() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("vault");
    let (sources, store) = everything(home.path());
    let vault = Vault::create(&dir, &sources, &NewWay::Keychain).unwrap();
    assert!(vault.add_way(&NewWay::KeyFile).unwrap().left_behind.is_none());
    *store.state.lock().unwrap() = KeychainState::Locked;
    let change = vault.remove_way(WayKind::Keychain).unwrap();
    assert_eq!(change.left_behind.unwrap().code(), "secrets.keychain_locked");
    assert_eq!(kinds(&Vault::open(&dir, &sources).unwrap()), [WayKind::KeyFile]);
}

#[test]
fn an_older_copy_is_noticed_and_taken_when_it_is_wished() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("vault");
    let (sources, _store) = everything(home.path());
    for (way, watch) in [
        (NewWay::Keychain, RollbackWatch::Keychain),
        (NewWay::KeyFile, RollbackWatch::File(dir.join("vault.counter"))),
    ] {
        let vault = Vault::create(&dir, &sources, &way).unwrap();
        vault.put("a", &bytes("old")).unwrap();
        let older = files(&dir);
        vault.put("a", &bytes("new")).unwrap();
        assert_eq!(vault.rollback_watch(), watch);
        fs::write(dir.join("vault"), &older[&dir.join("vault")]).unwrap();
        assert_eq!(code(vault.get("a")), "secrets.vault_rolled_back");
        assert_eq!(code(vault.put("b", &bytes("x"))), "secrets.vault_rolled_back");
        let told = Vault::open(&dir, &sources).unwrap_err();
        assert!(
            matches!(
                told,
                VaultError::RolledBack {
                    found: 2,
                    seen: 3,
                    ..
                }
            ),
            "{told:?}"
        );
        // The whole directory put back: seen where the count is not in it.
        for (path, content) in &older {
            fs::write(path, content).unwrap();
        }
        let opened = Vault::open(&dir, &sources);
        assert_eq!(opened.is_err(), way.kind() == WayKind::Keychain);
        let accept = Unlock {
            accept_older: true,
            ..Unlock::default()
        };
        let accepted = Vault::open_with(&dir, &sources, &accept).unwrap();
        assert_eq!(text(&accepted, "a").as_deref(), Some("old"));
        assert_eq!(
            text(&Vault::open(&dir, &sources).unwrap(), "a").as_deref(),
            Some("old")
        );
        fs::remove_dir_all(&dir).unwrap();
    }
}

#[test]
fn a_vault_that_was_moved_away_leaves_room_for_a_new_one() {
    let home = tempfile::tempdir().unwrap();
    let vault = Vault::open(home.path(), &own_file()).unwrap();
    vault.put("a", &bytes("one")).unwrap();
    fs::rename(home.path().join("vault"), home.path().join("vault.damaged")).unwrap();
    let new = Vault::open(home.path(), &own_file()).unwrap();
    assert_eq!(text(&new, "a"), None);
    new.put("a", &bytes("two")).unwrap();
    Vault::open(home.path(), &own_file()).unwrap();
    // The one that was open is of the other vault.
    assert_eq!(code(vault.get("a")), "secrets.vault_tampered");
    fs::write(home.path().join("vault.counter"), "nonsense").unwrap();
    assert_eq!(
        code(Vault::open(home.path(), &own_file())),
        "secrets.vault_tampered"
    );
}

#[test]
fn a_count_that_cannot_be_noted_is_shown_and_made_good() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("vault");
    let (sources, store) = everything(home.path());
    let vault = Vault::create(&dir, &sources, &NewWay::Keychain).unwrap();
    *store.state.lock().unwrap() = KeychainState::Locked;
    vault.put("a", &bytes("one")).unwrap();
    assert_eq!(
        vault.rollback_watch(),
        RollbackWatch::Behind("the keychain is locked".to_owned())
    );
    *store.state.lock().unwrap() = KeychainState::Ready;
    vault.put("a", &bytes("two")).unwrap();
    assert_eq!(vault.rollback_watch(), RollbackWatch::Keychain);
}

/// A change writes: the new key, the file in part under another name, the file, the count, and deletes the old key.
/// After each of these the directory opens, and whole.
#[test]
fn every_moment_of_a_change_opens() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("vault");
    let (sources, _store) = everything(home.path());
    let vault = Vault::create(&dir, &sources, &NewWay::KeyFile).unwrap();
    vault.put("a", &bytes("one")).unwrap();
    let before = files(&dir);
    assert!(
        vault
            .replace_way(WayKind::KeyFile, &NewWay::OwnFile)
            .unwrap()
            .left_behind
            .is_none()
    );
    vault.put("a", &bytes("two")).unwrap();
    let after = files(&dir);
    let (file, key, count) = (
        dir.join("vault"),
        dir.join("master.key"),
        dir.join("vault.counter"),
    );
    let lay =
        |file_of: &BTreeMap<PathBuf, Vec<u8>>, with_key: bool, count_of: &BTreeMap<PathBuf, Vec<u8>>| {
            fs::write(&file, &file_of[&file]).unwrap();
            fs::write(&count, &count_of[&count]).unwrap();
            match with_key {
                true => fs::write(&key, &after[&key]).unwrap(),
                false => fs::remove_file(&key).unwrap(),
            }
        };
    let opens = |value: &str| {
        let vault = Vault::open(&dir, &sources).unwrap();
        assert_eq!(text(&vault, "a").as_deref(), Some(value));
    };
    lay(&before, false, &before);
    opens("one");
    lay(&before, true, &before);
    opens("one");
    let part = dir.join(".devctl-x.tmp");
    for cut in 0..=after[&file].len() {
        fs::write(&part, &after[&file][..cut]).unwrap();
        opens("one");
    }
    Vault::open(&dir, &sources)
        .unwrap()
        .put("b", &bytes("x"))
        .unwrap();
    assert!(!part.exists());
    lay(&after, true, &before);
    opens("two");
    lay(&after, true, &after);
    opens("two");
}
