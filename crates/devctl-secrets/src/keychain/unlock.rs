//! Unlocking, which may wait for a person, and giving that up.

use std::fmt;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::{KeychainState, Store};
use crate::secret::SecretText;

/// An unlocking that was begun. Dropping it gives it up: nobody waits any more, and a prompt that is on the screen may
/// stay there until a person answers it.
#[derive(Debug)]
#[must_use = "dropping it gives it up"]
pub struct Unlocking {
    answer: Receiver<KeychainState>,
    canceller: Canceller,
}

impl Unlocking {
    /// Waits for the answer; [`KeychainState::Ready`] if it is unlocked. After `patience` it is given up.
    #[must_use]
    pub fn wait(self, patience: Duration) -> KeychainState {
        match self.answer.recv_timeout(patience) {
            Ok(state) => state,
            Err(RecvTimeoutError::Timeout) => KeychainState::TimedOut,
            Err(RecvTimeoutError::Disconnected) => {
                KeychainState::Failed("its thread ended without an answer".to_owned())
            }
        }
    }

    /// What gives it up from another thread.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }
}

impl Drop for Unlocking {
    fn drop(&mut self) {
        self.canceller.cancel();
    }
}

/// Gives an unlocking up; who waits for it is told [`KeychainState::PromptRefused`].
#[derive(Clone)]
pub struct Canceller(Arc<Stop>);

impl Canceller {
    /// Ends the wait at once. Does nothing when all is over.
    pub fn cancel(&self) {
        self.0.stop();
    }

    /// Whether it was given up, or all is over.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(*self.0.lock(), Course::Stopped)
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Canceller").field(&self.is_cancelled()).finish()
    }
}

/// What ends a wait early.
pub(crate) struct Stop(Mutex<Course>);

enum Course {
    Running(Vec<Box<dyn FnOnce() + Send>>),
    Stopped,
}

impl Stop {
    /// Runs `act` when this is stopped: at once, if it is.
    #[cfg_attr(
        not(all(unix, not(target_os = "macos"))),
        allow(
            dead_code,
            reason = "only the Secret Service has a prompt of ours to wait for"
        )
    )]
    pub(crate) fn when_stopped(&self, act: impl FnOnce() + Send + 'static) {
        let mut course = self.lock();
        match &mut *course {
            Course::Running(acts) => acts.push(Box::new(act)),
            Course::Stopped => {
                drop(course);
                act();
            }
        }
    }

    fn stop(&self) {
        let course = std::mem::replace(&mut *self.lock(), Course::Stopped);
        if let Course::Running(acts) = course {
            for act in acts {
                act();
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Course> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn begin(store: Arc<dyn Store>, password: Option<SecretText>) -> Unlocking {
    let (done, answer) = channel();
    let stop = Arc::new(Stop(Mutex::new(Course::Running(Vec::new()))));
    let stopped = Arc::clone(&stop);
    let failed = done.clone();
    let begun = thread::Builder::new()
        .name("keychain prompt".to_owned())
        .spawn(move || {
            // Fails only when nobody waits any more.
            let _ = done.send(store.unlock(password.as_ref(), &stopped));
        });
    if let Err(error) = begun {
        // The receiver is at hand.
        let _ = failed.send(KeychainState::Failed(error.to_string()));
    }
    Unlocking {
        answer,
        canceller: Canceller(stop),
    }
}
