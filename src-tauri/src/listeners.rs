//! The streams that the page listens to.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tauri::async_runtime::JoinHandle;

/// Running streams by the number that the page gave them.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    running: Mutex<HashMap<u32, JoinHandle<()>>>,
}

impl Listeners {
    /// Keeps a stream until it is stopped. One with the same number is stopped first.
    pub(crate) fn add(&self, id: u32, task: JoinHandle<()>) {
        let mut running = self.lock();
        running.retain(|_, task| !task.inner().is_finished());
        if let Some(previous) = running.insert(id, task) {
            previous.abort();
        }
    }

    /// Stops a stream. One that has ended already is no error.
    pub(crate) fn stop(&self, id: u32) {
        if let Some(task) = self.lock().remove(&id) {
            task.abort();
        }
    }

    /// Stops all streams.
    pub(crate) fn stop_all(&self) {
        for (_, task) in self.lock().drain() {
            task.abort();
        }
    }

    /// A panic elsewhere leaves the map whole: each change to it is one call.
    fn lock(&self) -> MutexGuard<'_, HashMap<u32, JoinHandle<()>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
