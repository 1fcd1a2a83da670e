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

    /// The password is `right`; the prompt waits until it is stopped.
    fn unlock(&self, password: Option<&SecretText>, stop: &Stop) -> KeychainState {
        match password {
            Some(password) if password.expose() == "right" => {
                *self.state.lock().unwrap() = KeychainState::Ready;
                KeychainState::Ready
            }
            Some(_) => KeychainState::WrongPassword,
            None => {
                let (dismiss, dismissed) = channel();
                stop.when_stopped(move || dismiss.send(()).unwrap());
                dismissed.recv().unwrap();
                KeychainState::PromptRefused
            }
        }
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

#[test]
fn a_password_unlocks_or_is_told_as_wrong() {
    let store = FakeStore::default();
    *store.state.lock().unwrap() = KeychainState::Locked;
    let keychain = Keychain::with_store(store, PATIENT);
    let try_with = |password: &str| {
        keychain
            .unlock(Some(SecretText::new(password.to_owned())))
            .wait(PATIENT)
    };
    assert_eq!(try_with("wrong"), KeychainState::WrongPassword);
    assert_eq!(keychain.probe(), KeychainState::Locked);
    assert_eq!(try_with("right"), KeychainState::Ready);
    assert_eq!(keychain.probe(), KeychainState::Ready);
}

#[test]
fn a_prompt_is_dismissed_by_cancelling_by_time_and_by_dropping() {
    let store = FakeStore::default();
    *store.state.lock().unwrap() = KeychainState::Locked;
    let keychain = Keychain::with_store(store, PATIENT);
    let waiting = keychain.unlock(None);
    let canceller = waiting.canceller();
    let other = thread::spawn(move || canceller.cancel());
    assert_eq!(waiting.wait(PATIENT), KeychainState::PromptRefused);
    other.join().unwrap();
    assert_eq!(
        keychain.unlock(None).wait(Duration::from_millis(20)),
        KeychainState::TimedOut
    );
    // While the prompt is up, questions are answered.
    let waiting = keychain.unlock(None);
    let canceller = waiting.canceller();
    assert_eq!(keychain.probe(), KeychainState::Locked);
    drop(waiting);
    assert!(canceller.is_cancelled());
}

#[test]
fn every_state_but_ready_has_a_code_of_its_own_and_a_fix() {
    let states = [
        KeychainState::NoBus,
        KeychainState::NoService,
        KeychainState::NoCollection,
        KeychainState::Locked,
        KeychainState::PromptRefused,
        KeychainState::WrongPassword,
        KeychainState::TimedOut,
        KeychainState::Failed("x".to_owned()),
    ];
    let codes: std::collections::HashSet<&str> = states.iter().map(KeychainState::code).collect();
    assert_eq!(codes.len(), states.len());
    assert!(states.iter().all(|state| state.fix().is_some()));
    assert_eq!(KeychainState::Ready.fix(), None);
}
