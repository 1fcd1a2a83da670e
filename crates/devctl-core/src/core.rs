//! The core of one process: configuration, store, engines, jobs and the bus of changes.

use crate::config::CoreConfig;
use crate::engines::Engines;
use crate::error::OrProblem;
use crate::jobs::Jobs;
use crate::stats::Stats;
use crate::terminals::Terminals;
use devctl_model::{Change, Problem};
use devctl_store::Store;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::broadcast;

/// The core of one process. Doors call it through [`crate::operations::Operations`] and
/// [`crate::operations::Streams`].
pub struct Core {
    pub(crate) config: CoreConfig,
    pub(crate) engines: Engines,
    pub(crate) jobs: Jobs,
    pub(crate) changes: broadcast::Sender<Change>,
    pub(crate) terminals: Terminals,
    pub(crate) stats: Stats,
    pub(crate) forwarders: crate::ports::Forwarders,
    pub(crate) watching: OnceLock<()>,
    store: OnceLock<Store>,
    /// Whether this process has found operations that were cut off.
    follows_a_crash: AtomicBool,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Core {
    /// Opens the core. Nothing is written and no engine is asked until an operation needs it, so this succeeds on a
    /// machine where nothing works yet.
    ///
    /// # Errors
    /// None today; doors are ready for them.
    pub async fn open(config: CoreConfig) -> Result<Arc<Self>, Problem> {
        let (changes, _) = broadcast::channel(1024);
        let engines = Engines::discover(&config);
        let jobs = Jobs::new(changes.clone(), config.clock.clone());
        Ok(Arc::new(Self {
            config,
            engines,
            jobs,
            changes,
            terminals: Terminals::default(),
            stats: Stats::default(),
            forwarders: crate::ports::Forwarders::default(),
            watching: OnceLock::new(),
            store: OnceLock::new(),
            follows_a_crash: AtomicBool::new(false),
        }))
    }

    /// What the core was told about its surroundings.
    pub fn config(&self) -> &CoreConfig {
        &self.config
    }

    /// Whether this is the first process after one that was killed: the engine may still be at work for that one.
    pub(crate) fn follows_a_crash(&self) -> bool {
        self.follows_a_crash.load(Ordering::Relaxed)
    }

    /// The log of record, opened when it is first needed. What was cut off by a crash is marked then.
    pub(crate) fn store(&self) -> Result<&Store, Problem> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        devctl_files::ensure_private_dir(&self.config.state_dir).or_problem()?;
        let store =
            Store::open(self.config.state_dir.join("state.db"), self.config.clock.clone()).or_problem()?;
        match store.reconcile_interrupted(&self.config.machine, self.config.is_alive) {
            Ok(found) => {
                self.follows_a_crash
                    .fetch_or(!found.is_empty(), Ordering::Relaxed);
                for event in found {
                    tracing::info!(operation = %event.operation, "an operation of an earlier process was interrupted");
                }
            }
            // Reading goes on without; writing will say what is wrong.
            Err(error) => tracing::warn!(%error, "interrupted operations could not be marked"),
        }
        Ok(self.store.get_or_init(|| store))
    }
}
