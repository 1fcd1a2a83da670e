//! Random courses of a vault's life, against a map.

use super::ways::{by_passphrase, by_recovery_key, everything, passphrase};
use super::*;
use crate::RecoveryKey;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone)]
enum Step {
    Put(u8, Vec<u8>),
    PutMany(Vec<(u8, Vec<u8>)>),
    Delete(u8),
    Add(u8),
    Remove(u8),
    Replace(u8, u8),
    Recovery,
    Reopen(u8),
    WithoutKeychain,
}

fn step() -> impl Strategy<Value = Step> {
    let value = || prop::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        6 => (0u8..5, value()).prop_map(|(name, value)| Step::Put(name, value)),
        1 => prop::collection::vec((0u8..5, value()), 0..4).prop_map(Step::PutMany),
        2 => (0u8..5).prop_map(Step::Delete),
        2 => (0u8..6).prop_map(Step::Add),
        2 => (0u8..6).prop_map(Step::Remove),
        2 => (0u8..6, 0u8..6).prop_map(|(old, new)| Step::Replace(old, new)),
        1 => Just(Step::Recovery),
        4 => (0u8..6).prop_map(Step::Reopen),
        1 => Just(Step::WithoutKeychain),
    ]
}

const WORDS: &str = "correct horse";

/// The derivation takes a tenth of a second, so the passphrase is the rarest.
fn way(number: u8) -> NewWay {
    match number {
        0 | 4 => NewWay::Keychain,
        1 => NewWay::KeyFile,
        2 => NewWay::SystemdCredential,
        3 => NewWay::OwnFile,
        _ => NewWay::Passphrase(passphrase(WORDS)),
    }
}

struct Course {
    dir: PathBuf,
    sources: KeySources,
    vault: Vault,
    entries: BTreeMap<String, Vec<u8>>,
    ways: BTreeSet<&'static str>,
    recovery: Option<RecoveryKey>,
}

impl Course {
    fn begin(home: &Path) -> Self {
        let (sources, _store) = everything(home);
        let dir = home.join("vault");
        Self {
            vault: Vault::create(&dir, &sources, &NewWay::KeyFile).unwrap(),
            dir,
            sources,
            entries: BTreeMap::new(),
            ways: BTreeSet::from([WayKind::KeyFile.as_str()]),
            recovery: None,
        }
    }

    fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        let name = |number: u8| format!("scope/{number}");
        match step {
            Step::Put(number, value) => {
                self.vault.put(&name(number), &value).unwrap();
                self.entries.insert(name(number), value);
            }
            Step::PutMany(many) => {
                let named: Vec<_> = many
                    .into_iter()
                    .map(|(number, value)| (name(number), value))
                    .collect();
                let slices = named
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_slice()));
                self.vault.put_all(slices).unwrap();
                self.entries.extend(named);
            }
            Step::Delete(number) => {
                let was = self.entries.remove(&name(number)).is_some();
                prop_assert_eq!(self.vault.delete(&name(number)).unwrap(), was);
            }
            Step::Add(new) => self.change(None, Some(&way(new)))?,
            Step::Remove(old) => self.change(Some(way(old).kind()), None)?,
            Step::Replace(old, new) => self.change(Some(way(old).kind()), Some(&way(new)))?,
            Step::Recovery => {
                self.recovery = Some(self.vault.make_recovery_key().unwrap());
                self.ways.insert(WayKind::RecoveryKey.as_str());
            }
            Step::Reopen(number) => self.reopen(number)?,
            Step::WithoutKeychain => {
                let without = KeySources {
                    keychain: None,
                    ..self.sources.clone()
                };
                let opened = Vault::open(&self.dir, &without);
                let others = ["key-file", "systemd-credential", "own-file"];
                prop_assert_eq!(opened.is_ok(), others.iter().any(|way| self.ways.contains(way)));
            }
        }
        Ok(())
    }

    /// What the vault says is what the rules say: one of each kind, never without one that is no recovery key.
    fn change(&mut self, old: Option<WayKind>, new: Option<&NewWay>) -> Result<(), TestCaseError> {
        let mut ways = self.ways.clone();
        let there = old.is_none_or(|old| ways.remove(old.as_str()));
        let free = new.is_none_or(|new| ways.insert(new.kind().as_str()));
        let left = ways.iter().any(|way| *way != WayKind::RecoveryKey.as_str());
        let changed = match (old, new) {
            (Some(old), Some(new)) => self.vault.replace_way(old, new),
            (None, Some(new)) => self.vault.add_way(new),
            (Some(old), None) => self.vault.remove_way(old),
            (None, None) => return Ok(()),
        };
        let code = changed.as_ref().err().map(VaultError::code);
        match (there, free, left) {
            (false, _, _) => prop_assert_eq!(code, Some("secrets.no_such_way")),
            (true, false, _) => prop_assert_eq!(code, Some("secrets.way_exists")),
            (true, true, false) => prop_assert_eq!(code, Some("secrets.last_way")),
            (true, true, true) => {
                prop_assert!(changed.unwrap().left_behind.is_none());
                self.ways = ways;
            }
        }
        Ok(())
    }

    fn reopen(&mut self, number: u8) -> Result<(), TestCaseError> {
        let unlock = match (number, &self.recovery) {
            (0, Some(recovery)) => by_recovery_key(recovery),
            (1, _) if self.ways.contains("passphrase") => by_passphrase(WORDS),
            _ => Unlock::default(),
        };
        let asks = unlock.recovery_key.is_none() && unlock.passphrase.is_none();
        let by_itself = self.vault.ways().unwrap();
        match Vault::open_with(&self.dir, &self.sources, &unlock) {
            Ok(vault) => self.vault = vault,
            Err(VaultError::PassphraseNeeded { .. }) => {
                let needed = asks && !by_itself.iter().any(|way| way.kind().opens_by_itself());
                prop_assert!(needed);
            }
            Err(error) => prop_assert!(false, "{error:?}"),
        }
        Ok(())
    }

    fn agrees(&self) -> Result<(), TestCaseError> {
        let names: Vec<String> = self.entries.keys().cloned().collect();
        prop_assert_eq!(self.vault.names().unwrap(), names);
        for (name, value) in &self.entries {
            let kept = self.vault.get(name).unwrap();
            prop_assert_eq!(kept.as_ref().map(|kept| kept.expose()), Some(value));
        }
        let ways: BTreeSet<&str> = self
            .vault
            .ways()
            .unwrap()
            .iter()
            .map(|way| way.kind().as_str())
            .collect();
        prop_assert_eq!(&ways, &self.ways);
        Ok(())
    }
}

#[test]
fn any_course_agrees_with_a_map() {
    super::hostile::fuzz(16, &prop::collection::vec(step(), 1..25), |steps| {
        let home = tempfile::tempdir().unwrap();
        let mut course = Course::begin(home.path());
        for step in steps {
            course.take(step)?;
            course.agrees()?;
        }
        Ok(())
    });
}
