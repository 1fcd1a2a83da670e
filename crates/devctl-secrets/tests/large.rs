//! A vault of 1,000 entries of 64 KiB: what it costs to open it, to read one, to list, to write one.

#![cfg(test)]

use std::path::Path;
use std::time::{Duration, Instant};

use devctl_secrets::{KeySources, NewWay, SecretText, Unlock, Vault};

const ENTRIES: usize = 1_000;
const SIZE: usize = 64 << 10;

fn name(number: usize) -> String {
    format!("secret/container/some-container-{number}/TOKEN")
}

fn fill(dir: &Path, way: &NewWay) -> Vault {
    let vault = Vault::create(dir, &KeySources::default(), way).unwrap();
    let entries: Vec<(String, Vec<u8>)> = (0..ENTRIES)
        .map(|number| (name(number), vec![number as u8; SIZE]))
        .collect();
    let slices = entries
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()));
    vault.put_all(slices).unwrap();
    vault
}

/// The median of five.
fn median(mut act: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..5)
        .map(|_| {
            let begun = Instant::now();
            act();
            begun.elapsed()
        })
        .collect();
    times.sort();
    times[2]
}

fn read_one(dir: &Path, unlock: &Unlock) {
    let vault = Vault::open_with(dir, &KeySources::default(), unlock).unwrap();
    let value = vault.get(&name(777)).unwrap().unwrap();
    assert_eq!(*value.expose(), vec![777usize as u8; SIZE]);
}

/// The bars are those of an optimised build; another one gets ten times as long.
#[test]
#[cfg_attr(debug_assertions, ignore = "takes a minute where the cipher is not optimised")]
fn a_thousand_entries_open_fast_and_one_is_read_alone() {
    let slack = if cfg!(debug_assertions) { 10 } else { 1 };
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("vault");
    let vault = fill(&dir, &NewWay::OwnFile);
    assert_eq!(vault.names().unwrap().len(), ENTRIES);
    let by_file = median(|| read_one(&dir, &Unlock::default()));
    let listed = median(|| assert_eq!(vault.names().unwrap().len(), ENTRIES));
    let written = median(|| vault.put(&name(5), &[7; SIZE]).unwrap());
    let words = SecretText::new("correct horse".to_owned());
    assert!(
        vault
            .add_way(&NewWay::Passphrase(words.clone()))
            .unwrap()
            .left_behind
            .is_none()
    );
    let unlock = Unlock {
        passphrase: Some(words),
        ..Unlock::default()
    };
    let by_passphrase = median(|| read_one(&dir, &unlock));
    println!(
        "open and read one: {by_file:?}; with a passphrase: {by_passphrase:?}; list: {listed:?}; write one: {written:?}"
    );
    assert!(by_file < Duration::from_millis(20) * slack, "{by_file:?}");
    assert!(
        by_passphrase < Duration::from_millis(250) * slack,
        "{by_passphrase:?}"
    );
}
