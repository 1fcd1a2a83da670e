use std::convert::Infallible;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::authority::{Authority, AuthorityKind};
use crate::certificate::{Principal, UserCertRequest, issue_user_certificate};
use crate::key;
use crate::user_key::KeyAlgorithm;

fn made() -> UserKey {
    UserKey::generate(KeyAlgorithm::Ed25519, "work", Path::new("ssh-keygen")).unwrap()
}

fn name(name: &str) -> KeyName {
    KeyName::new(name).unwrap()
}

fn certificate(key: &UserKey) -> Certificate {
    let authority = Authority::generate(AuthorityKind::User, 1).unwrap();
    let request = UserCertRequest::at(
        1_800_000_000,
        1,
        "dev/1".to_owned(),
        vec![Principal::new("owner-1").unwrap()],
    );
    issue_user_certificate(&authority, key.public_key(), &request).unwrap()
}

struct Store {
    _home: tempfile::TempDir,
    dir: KeyStoreDir,
}

impl Store {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let dir = KeyStoreDir::new(home.path().join("keys"));
        Self { _home: home, dir }
    }

    fn add(&self, name: &KeyName, key: &UserKey, passphrase: &[u8]) -> Result<(), SshError> {
        let added = self.dir.add(name, key, passphrase, || Ok::<_, Infallible>(()));
        added.map(|Ok(())| ())
    }

    /// One word for each finding, and the file.
    fn findings(&self) -> Vec<(&'static str, String)> {
        let contents = self.dir.contents().unwrap();
        contents
            .findings
            .iter()
            .map(|finding| {
                let (word, path) = match finding {
                    KeyStoreFinding::LooseMode { path, .. } => ("loose", path),
                    KeyStoreFinding::UnknownFile { path } => ("unknown", path),
                    KeyStoreFinding::Plain { path } => ("plain", path),
                    KeyStoreFinding::Unreadable { path, .. } => ("unreadable", path),
                    KeyStoreFinding::OfAnotherKey { path } => ("other", path),
                };
                (word, path.file_name().unwrap().to_str().unwrap().to_owned())
            })
            .collect()
    }
}

#[test]
fn a_key_is_kept_encrypted_and_private_and_read_again() {
    let store = Store::new();
    let (key, work) = (made(), name("work"));
    assert!(store.dir.contents().unwrap().keys.is_empty());
    store.add(&work, &key, b"secret words").unwrap();
    store.dir.write_certificate(&work, &certificate(&key)).unwrap();
    for path in [
        store.dir.private_path(&work),
        store.dir.public_path(&work),
        store.dir.certificate_path(&work),
    ] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(
        fs::metadata(store.dir.path()).unwrap().permissions().mode() & 0o777,
        0o700
    );
    let contents = store.dir.contents().unwrap();
    assert!(contents.findings.is_empty(), "{:?}", contents.findings);
    let [stored] = contents.keys.as_slice() else {
        panic!("{contents:?}");
    };
    assert!(stored.encrypted && stored.certificate.is_some());
    assert_eq!(stored.public_key.key_data(), key.public_key().key_data());

    assert_eq!(
        store.dir.load(&work, None).unwrap_err().code(),
        "ssh.passphrase_needed"
    );
    let read = store.dir.load(&work, Some(b"secret words")).unwrap();
    assert_eq!((read.fingerprint(), read.comment()), (key.fingerprint(), "work"));
}

#[test]
fn a_name_that_is_taken_is_not_overwritten() {
    let store = Store::new();
    let key = made();
    store.add(&name("work"), &key, b"one").unwrap();
    let error = store.add(&name("work"), &made(), b"two").unwrap_err();
    assert_eq!(error.code(), "ssh.key_exists");
    let held = store.dir.load(&name("work"), Some(b"one")).unwrap();
    assert_eq!(held.fingerprint(), key.fingerprint());
    let error = store.dir.replace(&name("home"), &key, b"one").unwrap_err();
    assert_eq!(error.code(), "ssh.key_unknown");
    assert_eq!(
        store.dir.load(&name("home"), None).unwrap_err().code(),
        "ssh.key_unknown"
    );
}

#[test]
fn a_new_passphrase_keeps_the_certificate_and_a_new_key_does_not() {
    let store = Store::new();
    let (key, work) = (made(), name("work"));
    store.add(&work, &key, b"one").unwrap();
    store.dir.write_certificate(&work, &certificate(&key)).unwrap();
    store.dir.replace(&work, &key, b"two").unwrap();
    assert!(store.dir.contents().unwrap().keys[0].certificate.is_some());
    assert_eq!(
        store.dir.load(&work, Some(b"one")).unwrap_err().code(),
        "ssh.passphrase_wrong"
    );
    store.dir.load(&work, Some(b"two")).unwrap();
    let next = made();
    store.dir.replace(&work, &next, b"three").unwrap();
    let contents = store.dir.contents().unwrap();
    assert!(contents.keys[0].certificate.is_none() && contents.findings.is_empty());
    let error = store
        .dir
        .write_certificate(&work, &certificate(&key))
        .unwrap_err();
    assert_eq!(error.code(), "ssh.certificate_refused");
}

#[test]
fn what_is_removed_leaves_nothing() {
    let store = Store::new();
    let (key, work) = (made(), name("work"));
    store.add(&work, &key, b"one").unwrap();
    store.dir.write_certificate(&work, &certificate(&key)).unwrap();
    assert!(store.dir.remove(&work).unwrap());
    assert!(!store.dir.remove(&work).unwrap());
    let left: Vec<_> = fs::read_dir(store.dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, [".lock"]);
}

#[test]
fn of_those_that_add_a_name_at_once_one_wins() {
    let store = Store::new();
    let won = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let key = made();
                    let added = store.add(&name("work"), &key, b"one");
                    added.is_ok().then(|| key.fingerprint())
                })
            })
            .collect();
        threads
            .into_iter()
            .filter_map(|thread| thread.join().unwrap())
            .collect::<Vec<_>>()
    });
    assert_eq!(won.len(), 1);
    let held = store.dir.load(&name("work"), Some(b"one")).unwrap();
    assert_eq!(held.fingerprint(), won[0]);
    assert_eq!(store.findings(), []);
}

#[test]
fn loose_modes_are_found_and_corrected() {
    let store = Store::new();
    store.add(&name("work"), &made(), b"one").unwrap();
    let loosen = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    loosen(&store.dir.private_path(&name("work")), 0o644);
    loosen(store.dir.path(), 0o755);
    let found = [("loose", "keys".to_owned()), ("loose", "work".to_owned())];
    assert_eq!(store.findings(), found);
    assert_eq!(store.dir.correct_modes().unwrap().len(), 2);
    assert_eq!(store.findings(), []);
    assert!(store.dir.correct_modes().unwrap().is_empty());
}

#[test]
fn what_does_not_belong_is_found() {
    let store = Store::new();
    let (work, home) = (name("work"), name("home"));
    store.add(&work, &made(), b"one").unwrap();
    store.add(&home, &made(), b"one").unwrap();
    let put = |name: &str, content: &str| {
        devctl_files::write_atomic(&store.dir.path().join(name), content.as_bytes(), Mode::PRIVATE).unwrap();
    };
    put("notes.txt", "hello");
    put("orphan.pub", "ssh-ed25519 AAAA");
    put("plain", &made().to_openssh_plain().unwrap());
    put("plain.pub", "rubbish");
    put("rubbish", "no key");
    put("home-cert.pub", "rubbish");
    put("work-cert.pub", &certificate(&made()).to_openssh().unwrap());
    fs::copy(store.dir.public_path(&home), store.dir.public_path(&work)).unwrap();
    let mut found = store.findings();
    found.sort();
    assert_eq!(
        found,
        [
            ("other", "plain.pub".to_owned()),
            ("other", "work-cert.pub".to_owned()),
            ("other", "work.pub".to_owned()),
            ("plain", "plain".to_owned()),
            ("unknown", "notes.txt".to_owned()),
            ("unknown", "orphan.pub".to_owned()),
            ("unreadable", "home-cert.pub".to_owned()),
            ("unreadable", "rubbish".to_owned()),
        ]
    );
    let names: Vec<String> = store
        .dir
        .contents()
        .unwrap()
        .keys
        .iter()
        .map(|key| key.name.to_string())
        .collect();
    assert_eq!(names, ["home", "plain", "work"]);
}

#[test]
fn names_cannot_leave_the_directory_or_be_taken_for_another_file() {
    for bad in [
        "",
        ".",
        "..",
        "a/b",
        "../x",
        "a.pub",
        "A",
        "a b",
        "-x",
        "_x",
        "work-cert",
        "ä",
        "a\n",
        &"x".repeat(65),
    ] {
        assert_eq!(
            KeyName::new(bad).unwrap_err().code(),
            "ssh.name_invalid",
            "{bad:?}"
        );
    }
    for device in ["con", "nul", "aux", "prn", "com1", "lpt9", "com0"] {
        assert_eq!(KeyName::new(device).unwrap_err().code(), "ssh.name_invalid");
    }
    for good in [
        "a",
        "work_2026-11",
        "0",
        &"x".repeat(64),
        "console",
        "com10",
        "com",
    ] {
        assert_eq!(KeyName::new(good).unwrap().as_str(), good);
    }
}

#[test]
fn other_programs_read_the_public_half_without_the_passphrase() {
    let store = Store::new();
    let key = made();
    store.add(&name("work"), &key, b"one").unwrap();
    let line = fs::read_to_string(store.dir.public_path(&name("work"))).unwrap();
    assert_eq!(line.trim_end(), key::public_line(key.public_key()).unwrap());
    let output = std::process::Command::new("ssh-keygen")
        .arg("-l")
        .arg("-f")
        .arg(store.dir.private_path(&name("work")))
        .output()
        .unwrap();
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains(&key.fingerprint())
    );
}

#[test]
fn a_key_is_kept_under_a_second_name_as_it_is_and_over_none() {
    let store = Store::new();
    let (work, aside) = (name("work"), name("work-1"));
    let missing = store.dir.copy(&work, &aside).unwrap_err();
    assert_eq!(missing.code(), "ssh.key_unknown");
    let key = made();
    store.add(&work, &key, b"secret").unwrap();
    store.dir.write_certificate(&work, &certificate(&key)).unwrap();
    store.dir.copy(&work, &aside).unwrap();
    let second = store.dir.load(&aside, Some(b"secret")).unwrap();
    assert_eq!(second.fingerprint(), key.fingerprint());
    assert!(store.dir.certificate_path(&aside).exists());
    assert!(store.findings().is_empty());
    let taken = store.dir.copy(&work, &aside).unwrap_err();
    assert_eq!(taken.code(), "ssh.key_exists");
}

#[test]
fn a_key_whose_maker_was_killed_gets_its_place_or_goes() {
    let store = Store::new();
    let (key, work) = (made(), name("work"));
    // What a killed maker leaves: the key is recorded, or is about to be.
    let killed = || {
        let unfinished = store.dir.unfinished_path(&work);
        store
            .dir
            .add(&work, &key, b"one", || {
                fs::copy(&unfinished, unfinished.with_extension("kept")).map(drop)
            })
            .unwrap()
            .unwrap();
        store.dir.remove(&work).unwrap();
        fs::rename(unfinished.with_extension("kept"), &unfinished).unwrap();
    };
    killed();
    assert_eq!(store.dir.unfinished().unwrap(), std::slice::from_ref(&work));
    assert!(store.dir.contents().unwrap().keys.is_empty() && store.findings().is_empty());
    store.dir.give_up(&work).unwrap();
    assert!(store.dir.unfinished().unwrap().is_empty());

    killed();
    let line = key.public_line().unwrap();
    store.dir.finish(&work, &line).unwrap();
    assert!(store.dir.unfinished().unwrap().is_empty() && store.findings().is_empty());
    let held = store.dir.load(&work, Some(b"one")).unwrap();
    assert_eq!(held.fingerprint(), key.fingerprint());

    // Killed when all but the last was done; and with another key of the name in the meantime.
    fs::copy(store.dir.private_path(&work), store.dir.unfinished_path(&work)).unwrap();
    store.dir.finish(&work, &line).unwrap();
    fs::write(store.dir.unfinished_path(&work), "another").unwrap();
    let taken = store.dir.finish(&work, &line).unwrap_err();
    assert_eq!(taken.code(), "ssh.key_exists");
    assert_eq!(
        store.dir.load(&work, Some(b"one")).unwrap().fingerprint(),
        key.fingerprint()
    );
}

#[test]
fn a_key_that_is_not_recorded_is_not_kept() {
    let store = Store::new();
    let refused = store.dir.add(&name("work"), &made(), b"one", || Err("no room"));
    assert_eq!(refused.unwrap(), Err("no room"));
    assert!(store.dir.unfinished().unwrap().is_empty() && store.dir.contents().unwrap().keys.is_empty());
}
