//! Files that somebody else wrote. Each target runs for `DEVCTL_FUZZ_SECONDS` (5 unless it is set).

use super::*;
use crate::vault::format;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use std::fmt::Debug;
use std::io::{Cursor, Seek, SeekFrom};
use std::time::Instant;

pub(super) fn fuzz<S: Strategy>(
    cases: u32,
    strategy: &S,
    test: impl Fn(S::Value) -> Result<(), TestCaseError>,
) where
    S::Value: Debug,
{
    let seconds = std::env::var("DEVCTL_FUZZ_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(5);
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        // A fresh runner has a fresh seed.
        let mut runner = TestRunner::new(Config {
            cases,
            failure_persistence: None,
            ..Config::default()
        });
        if let Err(failure) = runner.run(strategy, &test) {
            panic!("{failure}");
        }
        if Instant::now() >= end {
            return;
        }
    }
}

/// A file that knows how much room was ever reserved for one read.
struct Measured {
    bytes: Cursor<Vec<u8>>,
    largest: usize,
}

impl Read for Measured {
    fn read(&mut self, room: &mut [u8]) -> std::io::Result<usize> {
        self.largest = self.largest.max(room.len());
        self.bytes.read(room)
    }
}

impl Seek for Measured {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.bytes.seek(to)
    }
}

type Entries = Vec<(String, Vec<u8>)>;

/// A vault with every kind of way in, its file and the key of its entries.
fn whole(home: &Path) -> (Vec<u8>, Key) {
    let (sources, _store) = super::ways::everything(home);
    let dir = home.join("vault");
    let vault = Vault::create(&dir, &sources, &NewWay::Keychain).unwrap();
    for way in [NewWay::KeyFile, NewWay::OwnFile, NewWay::SystemdCredential] {
        assert!(vault.add_way(&way).unwrap().left_behind.is_none());
    }
    let words = super::ways::passphrase("correct horse");
    assert!(
        vault
            .add_way(&NewWay::Passphrase(words))
            .unwrap()
            .left_behind
            .is_none()
    );
    vault.make_recovery_key().unwrap();
    vault.put("a", &bytes("one")).unwrap();
    vault.put("b", &bytes("two")).unwrap();
    (fs::read(dir.join("vault")).unwrap(), vault.data_key)
}

/// Some bytes changed, cut off, put in or said twice.
fn damage() -> impl Strategy<Value = Vec<(u8, prop::sample::Index, Vec<u8>)>> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 1..9),
        Just(vec![0xff; 4]),
        Just(vec![0; 8]),
    ];
    prop::collection::vec((0u8..4, any::<prop::sample::Index>(), bytes), 1..4)
}

fn damaged(good: &[u8], damage: &[(u8, prop::sample::Index, Vec<u8>)]) -> Vec<u8> {
    let mut file = good.to_vec();
    for (how, place, bytes) in damage {
        let at = place.index(file.len() + 1);
        match how {
            0 => {
                for (byte, new) in file[at..].iter_mut().zip(bytes) {
                    *byte = *new;
                }
            }
            1 => file.truncate(at),
            2 => drop(file.splice(at..at, bytes.iter().copied())),
            _ => file.extend_from_within(at..),
        }
    }
    file
}

#[test]
fn no_file_panics_reserves_much_or_reads_as_something_else() {
    let home = tempfile::tempdir().unwrap();
    let (good, key) = whole(home.path());
    let path = Path::new("vault");
    let read = |file: Vec<u8>| {
        let mut file = Measured {
            bytes: Cursor::new(file),
            largest: 0,
        };
        let entries: Result<Entries, VaultError> =
            format::read_header(&mut file, path).and_then(|(header, raw)| {
                let contents = format::read_index(&mut file, &raw, &key, path)?;
                let one = |entry: &Entry| {
                    let sealed = format::read_value(&mut file, &contents, entry, path)?;
                    let value = entry.open(&header.id, &key, &sealed);
                    let value = value.ok_or_else(|| tampered(path, "a value"))?;
                    Ok((entry.name.clone(), value.to_vec()))
                };
                contents.entries.iter().map(one).collect()
            });
        (entries, file.largest)
    };
    let entries = read(good.clone()).0.unwrap();
    assert_eq!(entries.len(), 2);
    fuzz(512, &damage(), |damage| {
        let file = damaged(&good, &damage);
        let same_start = file.starts_with(&good);
        let (read, largest) = read(file);
        prop_assert!(largest <= 1 << 20, "{largest} bytes reserved");
        match read {
            // Bytes after the last value are not looked at.
            Ok(read) => prop_assert!(same_start && read == entries),
            Err(error) => prop_assert!(
                ["secrets.vault_tampered", "secrets.vault_newer", "files.io"].contains(&error.code()),
                "{error:?}"
            ),
        }
        Ok(())
    });
}

#[test]
fn no_index_panics() {
    fuzz(512, &prop::collection::vec(any::<u8>(), 0..200), |mut index| {
        // Few entries are said, so that they are read.
        for byte in index.iter_mut().take(3) {
            *byte = 0;
        }
        if let Some(contents) = format::parse_index(&index, 0) {
            let mut empty = Cursor::new(Vec::new());
            for entry in &contents.entries {
                prop_assert!(format::read_value(&mut empty, &contents, entry, Path::new("vault")).is_err());
            }
        }
        Ok(())
    });
}

#[test]
fn a_file_that_asks_for_an_endless_derivation_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let words = super::ways::passphrase("correct horse");
    Vault::create(home.path(), &own_file(), &NewWay::Passphrase(words)).unwrap();
    let path = home.path().join("vault");
    let mut file = fs::read(&path).unwrap();
    // Magic, version, id, counter, number of slots, kind, key id, length; then the memory.
    let memory = 8 + 2 + 16 + 8 + 1 + 1 + 16 + 2;
    assert_eq!(file[memory..memory + 4], (64u32 << 10).to_be_bytes());
    file[memory..memory + 4].copy_from_slice(&u32::MAX.to_be_bytes());
    fs::write(&path, file).unwrap();
    let unlock = super::ways::by_passphrase("correct horse");
    let error = Vault::open_with(home.path(), &own_file(), &unlock).unwrap_err();
    assert_eq!(error.code(), "secrets.vault_tampered");
}
