use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::secret::SecretText;
pub(crate) use unlock::Stop;
pub use unlock::{Canceller, Unlocking};

mod os;
#[cfg(all(unix, not(target_os = "macos")))]
mod secret_service;
mod unlock;

/// How long the OS keychain may take when the caller says nothing: it may have to be started first.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a keychain can do right now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeychainState {
    /// A secret can be kept and read.
    Ready,
    /// There is no session bus to ask on.
    NoBus,
    /// There is a bus, and no keychain service on it.
    NoService,
    /// There is a service, but no collection to put a secret into.
    NoCollection,
    /// There is one, and it is locked.
    Locked,
    /// The keychain's own prompt was refused, cancelled, or had no screen to be shown on.
    PromptRefused,
    /// The password that was given to unlock it is wrong.
    WrongPassword,
    /// It gave no answer in time.
    TimedOut,
    /// It failed; in its own words.
    Failed(String),
}

impl KeychainState {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Ready => "secrets.keychain_ready",
            Self::NoBus => "secrets.keychain_no_bus",
            Self::NoService => "secrets.keychain_no_service",
            Self::NoCollection => "secrets.keychain_no_collection",
            Self::Locked => "secrets.keychain_locked",
            Self::PromptRefused => "secrets.keychain_prompt_refused",
            Self::WrongPassword => "secrets.keychain_wrong_password",
            Self::TimedOut => "secrets.keychain_timeout",
            Self::Failed(_) => "secrets.keychain_failed",
        }
    }

    /// What a person can do about it; `None` if nothing is wrong.
    #[must_use]
    pub fn fix(&self) -> Option<String> {
        let fix = match self {
            Self::Ready => return None,
            Self::NoBus => {
                "log in to a desktop session, or run under `dbus-run-session`; on a server, use a passphrase or a key file"
            }
            Self::NoService => {
                "install and start a keychain service (gnome-keyring, KeePassXC or KWallet), or use a passphrase or a key file"
            }
            Self::NoCollection => {
                "make a default keyring in the desktop's password manager (in Passwords and Keys: File > New > Keyring, then set as default)"
            }
            Self::Locked => {
                "unlock the login keychain (log in to the desktop, or use its password manager) and repeat; if it is locked after each login, its password is not the one of the account any more: change it in the password manager"
            }
            Self::PromptRefused => {
                "repeat and answer the prompt; without a screen, give the keychain's password"
            }
            Self::WrongPassword => {
                "type the keychain's password again: it is the account's password of the time when the keychain was made"
            }
            Self::TimedOut => "look for a keychain prompt on the screen, answer it and repeat",
            Self::Failed(_) => "restart the desktop's keychain service and repeat",
        };
        Some(fix.to_owned())
    }
}

impl fmt::Display for KeychainState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("the keychain works"),
            Self::NoBus => f.write_str("there is no session bus, so no keychain can be asked"),
            Self::NoService => f.write_str("there is no keychain service"),
            Self::NoCollection => f.write_str("the keychain service has no collection"),
            Self::Locked => f.write_str("the keychain is locked"),
            Self::PromptRefused => f.write_str("the keychain's prompt was refused"),
            Self::WrongPassword => f.write_str("the password does not unlock the keychain"),
            Self::TimedOut => f.write_str("the keychain gives no answer"),
            Self::Failed(message) => write!(f, "the keychain failed: {message}"),
        }
    }
}

/// What the thread asks: the OS keychain, or a stand-in of the tests.
pub(crate) trait Store: Send + Sync + 'static {
    /// Whether a secret can be asked for without a prompt.
    fn state(&self) -> KeychainState;
    fn get(&self, account: &str) -> Result<Option<Zeroizing<String>>, String>;
    fn set(&self, account: &str, value: &str) -> Result<(), String>;
    fn delete(&self, account: &str) -> Result<(), String>;
    /// Unlocks with this password, or raises the keychain's own prompt; ends early when `stop` is stopped.
    fn unlock(&self, password: Option<&SecretText>, stop: &Stop) -> KeychainState;
}

/// The OS keychain, asked from one thread of its own, with a time limit: no answer is an error, never a wait without
/// end. Clones share the thread.
#[derive(Clone)]
pub struct Keychain {
    store: Arc<dyn Store>,
    worker: Arc<Mutex<Worker>>,
    patience: Duration,
}

impl Keychain {
    /// The keychain of this user. `service` is the name that our entries are filed under. Nothing is asked yet.
    #[must_use]
    pub fn of_the_os(service: &str) -> Self {
        Self::with_store(os::OsStore::new(service), PATIENCE)
    }

    /// The same with another time limit.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    pub(crate) fn with_store(store: impl Store, patience: Duration) -> Self {
        let store: Arc<dyn Store> = Arc::new(store);
        Self {
            worker: Arc::new(Mutex::new(Worker::Idle(Arc::clone(&store)))),
            store,
            patience,
        }
    }

    /// Begins to unlock it, on a thread of its own: with this password (gnome-keyring; it goes over the user's own
    /// session bus), or by the keychain's own prompt, which waits for a person. Nothing else of this crate raises a
    /// prompt.
    pub fn unlock(&self, password: Option<SecretText>) -> Unlocking {
        unlock::begin(Arc::clone(&self.store), password)
    }

    /// Sets, reads back and deletes a random value: opening a keychain proves nothing.
    #[must_use]
    pub fn probe(&self) -> KeychainState {
        let mut random = [0u8; 16];
        if let Err(error) = getrandom::fill(&mut random) {
            return KeychainState::Failed(error.to_string());
        }
        let value: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let probed = self.ask(move |store| {
            let account = format!("probe-{value}");
            match store.state() {
                KeychainState::Ready => {}
                other => return other,
            }
            let round_trip = store.set(&account, &value).and_then(|()| store.get(&account));
            let deleted = store.delete(&account);
            match (round_trip, deleted) {
                (Ok(Some(read)), Ok(())) if *read == value => KeychainState::Ready,
                (Ok(_), Ok(())) => {
                    KeychainState::Failed("it gave back another value than it was given".to_owned())
                }
                (Err(message), _) | (_, Err(message)) => KeychainState::Failed(message),
            }
        });
        probed.unwrap_or(KeychainState::TimedOut)
    }

    /// Reads an entry.
    pub(crate) fn get(&self, account: &str) -> Result<Option<Zeroizing<String>>, VaultError> {
        let account = account.to_owned();
        self.when_ready(move |store| store.get(&account))
    }

    /// Writes an entry, and reads it back: a keychain that forgets must be found out before the vault relies on it.
    pub(crate) fn set(&self, account: &str, value: &Zeroizing<String>) -> Result<(), VaultError> {
        let (account, value) = (account.to_owned(), value.clone());
        self.when_ready(move |store| {
            store.set(&account, &value)?;
            match store.get(&account)? {
                Some(read) if *read == *value => Ok(()),
                _ => Err("it forgot what it was given".to_owned()),
            }
        })
    }

    /// Removes an entry, if it is there.
    pub(crate) fn delete(&self, account: &str) -> Result<(), VaultError> {
        let account = account.to_owned();
        self.when_ready(move |store| store.delete(&account))
    }

    fn when_ready<T: Send + 'static>(
        &self,
        act: impl FnOnce(&dyn Store) -> Result<T, String> + Send + 'static,
    ) -> Result<T, VaultError> {
        let answer = self.ask(move |store| match store.state() {
            KeychainState::Ready => act(store).map_err(KeychainState::Failed),
            other => Err(other),
        });
        let timeout = || VaultError::KeychainTimeout {
            seconds: self.patience.as_secs(),
        };
        answer.ok_or_else(timeout)?.map_err(|state| match state {
            KeychainState::Locked => VaultError::KeychainLocked,
            KeychainState::TimedOut => timeout(),
            other => VaultError::KeychainUnusable(other),
        })
    }

    /// Runs `act` on the keychain's thread; `None` if it did not end in time. What nobody waits for any more is not
    /// begun.
    fn ask<T: Send + 'static>(&self, act: impl FnOnce(&dyn Store) -> T + Send + 'static) -> Option<T> {
        let (answer, answered) = channel();
        let given_up = Arc::new(AtomicBool::new(false));
        let is_given_up = Arc::clone(&given_up);
        let job: Job = Box::new(move |store| {
            if !is_given_up.load(Ordering::Acquire) {
                // Fails only when the asker is gone.
                let _ = answer.send(act(store));
            }
        });
        self.worker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .submit(job);
        match answered.recv_timeout(self.patience) {
            Ok(value) => Some(value),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                given_up.store(true, Ordering::Release);
                None
            }
        }
    }
}

impl fmt::Debug for Keychain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keychain")
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

type Job = Box<dyn FnOnce(&dyn Store) + Send>;

/// The thread is begun by the first question.
enum Worker {
    Idle(Arc<dyn Store>),
    Running(Sender<Job>),
}

impl Worker {
    fn submit(&mut self, job: Job) {
        if let Self::Idle(store) = self {
            let store = Arc::clone(store);
            let (jobs, queue) = channel();
            // If no thread can be begun, the queue is dropped and every question goes unanswered.
            let begun = thread::Builder::new()
                .name("keychain".to_owned())
                .spawn(move || serve(&*store, &queue));
            if begun.is_ok() {
                *self = Self::Running(jobs);
            }
        }
        if let Self::Running(jobs) = self {
            // Fails only when the thread is gone; the asker then gets no answer.
            let _ = jobs.send(job);
        }
    }
}

fn serve(store: &dyn Store, queue: &Receiver<Job>) {
    while let Ok(job) = queue.recv() {
        job(store);
    }
}

#[cfg(test)]
pub(crate) mod tests;
