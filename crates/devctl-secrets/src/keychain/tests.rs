use super::*;
use std::collections::HashMap;

/// A keychain in memory, in a state of the test's choice.
pub(crate) struct FakeStore {
    pub(crate) state: Arc<Mutex<KeychainState>>,
    pub(crate) entries: Arc<Mutex<HashMap<String, String>>>,
    /// Held by the test: every question waits for it.
    pub(crate) gate: Arc<Mutex<()>>,
    pub(crate) forgets: bool,
}

impl Default for FakeStore {
    fn default() -> Self {
        Self {
            state: Arc::new(Mutex::new(KeychainState::Ready)),
            entries: Arc::default(),
            gate: Arc::default(),
            forgets: false,
        }
    }
}

impl Store for FakeStore {
    fn state(&self) -> KeychainState {
        let _open = self.gate.lock().unwrap();
        self.state.lock().unwrap().clone()
    }

    fn get(&self, account: &str) -> Result<Option<Zeroizing<String>>, String> {
        Ok(self
            .entries
            .lock()
            .unwrap()
            .get(account)
            .cloned()
            .map(Zeroizing::new))
    }

    fn set(&self, account: &str, value: &str) -> Result<(), String> {
        if !self.forgets {
            self.entries
                .lock()
                .unwrap()
                .insert(account.to_owned(), value.to_owned());
        }
        Ok(())
    }

    fn delete(&self, account: &str) -> Result<(), String> {
        self.entries.lock().unwrap().remove(account);
        Ok(())
    }
}

const PATIENT: Duration = Duration::from_secs(30);

#[test]
fn a_probe_leaves_nothing_behind() {
    let store = FakeStore::default();
    let entries = Arc::clone(&store.entries);
    assert_eq!(Keychain::with_store(store, PATIENT).probe(), KeychainState::Ready);
    assert!(entries.lock().unwrap().is_empty());
}

#[test]
fn a_keychain_that_forgets_is_found_out() {
    let keychain = Keychain::with_store(
        FakeStore {
            forgets: true,
            ..FakeStore::default()
        },
        PATIENT,
    );
    assert!(matches!(keychain.probe(), KeychainState::Failed(_)));
    let error = keychain.set("a", &Zeroizing::new("b".to_owned())).unwrap_err();
    assert_eq!(error.code(), "secrets.keychain_failed");
}

#[test]
fn a_locked_keychain_is_told_by_its_code() {
    let store = FakeStore::default();
    *store.state.lock().unwrap() = KeychainState::Locked;
    let keychain = Keychain::with_store(store, PATIENT);
    assert_eq!(keychain.get("a").unwrap_err().code(), "secrets.keychain_locked");
    assert_eq!(keychain.probe(), KeychainState::Locked);
}

#[test]
fn a_keychain_that_hangs_ends_in_an_error_and_late_writes_are_not_begun() {
    let store = FakeStore::default();
    let (gate, entries) = (Arc::clone(&store.gate), Arc::clone(&store.entries));
    let keychain = Keychain::with_store(store, Duration::from_millis(20));
    let closed = gate.lock().unwrap();
    assert_eq!(keychain.get("a").unwrap_err().code(), "secrets.keychain_timeout");
    // The thread still waits at the gate, so this is queued behind it and given up.
    assert!(keychain.set("late", &Zeroizing::new("x".to_owned())).is_err());
    assert_eq!(keychain.probe(), KeychainState::TimedOut);
    drop(closed);
    assert_eq!(keychain.patience(PATIENT).probe(), KeychainState::Ready);
    assert!(entries.lock().unwrap().is_empty());
}
