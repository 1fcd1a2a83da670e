//! The work of the background, done by one process of those that stay open: containers that nobody uses are announced,
//! and stopped a while later.

use super::record;
use super::rules::{Rules, Verdict};
use super::{Record, activity};
use crate::caller::Caller;
use crate::config::CoreConfig;
use crate::containers::Found;
use crate::core::Core;
use crate::operations::Role;
use crate::record::Target;
use devctl_files::{FileLock, Mode};
use devctl_model::{Problem, StopContainer};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, MissedTickBehavior};

/// How often is looked.
const EVERY: Duration = Duration::from_secs(20);

/// Who does the work of the background.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Watcher {
    /// Its door (`service`, `desktop`).
    pub(crate) door: String,
    /// Its process.
    pub(crate) pid: u32,
}

fn lock_path(config: &CoreConfig) -> PathBuf {
    config.locks().join("background.lock")
}

fn note_path(config: &CoreConfig) -> PathBuf {
    config.state_dir.join("background.json")
}

/// Who does the work of the background now; nobody where the lock is free.
pub(crate) fn watcher(config: &CoreConfig) -> Option<Watcher> {
    let path = lock_path(config);
    if !path.is_file() || !matches!(FileLock::try_acquire(&path), Ok(None)) {
        return None;
    }
    let text = std::fs::read(note_path(config)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Does the work until the core is gone, as soon as no other process does.
pub(crate) fn follow(core: &Arc<Core>) {
    tokio::spawn(work(Arc::downgrade(core)));
}

async fn work(core: Weak<Core>) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut alone = None;
    let mut announced = Announced::default();
    loop {
        ticks.tick().await;
        let Some(core) = core.upgrade() else { return };
        if alone.is_none() {
            alone = take(&core.config);
        }
        if alone.is_some() {
            core.stop_idle(&mut announced).await;
        }
    }
}

fn take(config: &CoreConfig) -> Option<FileLock> {
    let taken = devctl_files::ensure_private_dir(&config.locks())
        .and_then(|()| FileLock::try_acquire(&lock_path(config)));
    let lock = match taken {
        Ok(lock) => lock?,
        Err(error) => {
            tracing::warn!(%error, "the work of the background cannot be taken up");
            return None;
        }
    };
    let watcher = Watcher {
        door: config.door.to_owned(),
        pid: config.process.pid,
    };
    let noted = serde_json::to_vec(&watcher)
        .map_err(|error| error.to_string())
        .and_then(|text| {
            devctl_files::write_if_changed(&note_path(config), &text, Mode::PRIVATE)
                .map_err(|error| error.to_string())
        });
    if let Err(error) = noted {
        tracing::warn!(error, "who does the work of the background could not be noted");
    }
    Some(lock)
}

/// Containers whose stop was announced by this process, and when; by a clock that nobody sets.
#[derive(Debug, Default)]
pub(super) struct Announced(HashMap<String, Instant>);

impl Core {
    /// Announces what will be stopped, and stops what was announced long enough ago.
    async fn stop_idle(self: &Arc<Self>, announced: &mut Announced) {
        let rules = self.idle_rules().await;
        let has_own = |one: &Found| Record::read(&self.config, one.alias()).stop_after_minutes;
        // Without a rule no engine is asked anything.
        if rules.after_minutes == 0 && !record::any(&self.config) {
            announced.0.clear();
            return;
        }
        let (found, _) = self.ours().await;
        announced
            .0
            .retain(|id, _| found.iter().any(|one| one.id() == id && one.is_running()));
        for one in found.iter().filter(|one| one.is_running()) {
            if rules.after_minutes == 0 && has_own(one).is_none_or(|minutes| minutes == 0) {
                announced.0.remove(one.id());
                continue;
            }
            if let Err(problem) = self.look_at(one, &rules, announced).await {
                tracing::warn!(%problem, container = one.alias(), "an idle container could not be stopped");
            }
        }
    }

    async fn look_at(
        self: &Arc<Self>,
        one: &Found,
        rules: &Rules,
        announced: &mut Announced,
    ) -> Result<(), Problem> {
        let record = Record::read(&self.config, one.alias());
        let now = (self.config.clock)();
        let verdict = self.idleness(one, rules, &record).await;
        let due = match verdict {
            Verdict::Idle { due: Some(due), .. }
                if now + rules.grace >= due && !self.is_busy(one, rules).await =>
            {
                due
            }
            _ => {
                if announced.0.remove(one.id()).is_some() || record.stops_at.is_some() {
                    self.say_stop(one, None)?;
                }
                return Ok(());
            }
        };
        // Kept by another process, or taken back by a person: it counts from when this one said it.
        let told = announced.0.get(one.id()).filter(|_| record.stops_at.is_some());
        let Some(told) = told else {
            announced.0.insert(one.id().to_owned(), Instant::now());
            let at = due.max(now + rules.grace);
            return self.announce(one, at).await;
        };
        if told.elapsed() < rules.grace || now < due {
            return Ok(());
        }
        let stopped = self.stop_alone(one).await?;
        if stopped {
            announced.0.remove(one.id());
        }
        self.say_stop(one, None)
    }

    /// Whether something works in a container that nobody is in; then that counts as a use.
    async fn is_busy(self: &Arc<Self>, one: &Found, rules: &Rules) -> bool {
        let Some(percent) = rules.cpu_percent else {
            return false;
        };
        // Where the engine does not say, nobody can know that it is idle.
        let busy = self
            .settled(one)
            .await
            .and_then(|reading| reading.cpu_percent)
            .is_none_or(|used| used > f64::from(percent));
        if busy {
            drop(activity::InUse::begin(&self.config, one.id()).await);
        }
        busy
    }

    /// Stops a container unless somebody has come in. Whoever comes now waits, and starts it again.
    async fn stop_alone(self: &Arc<Self>, one: &Found) -> Result<bool, Problem> {
        let Some(_alone) = activity::alone(&self.config, one.id())? else {
            return Ok(false);
        };
        let request = StopContainer {
            container: one.id().to_owned(),
            timeout: None,
        };
        tracing::info!(container = one.alias(), "stopped, as nobody used it");
        self.stop(&self.background_caller(), &request).await?;
        Ok(true)
    }

    async fn announce(self: &Arc<Self>, one: &Found, at: SystemTime) -> Result<(), Problem> {
        let act = async { self.say_stop(one, Some(at)) };
        let target = Target::container(one.id(), one.alias());
        self.recorded(&self.background_caller(), "announce_idle_stop", target, act)
            .await
    }

    fn say_stop(self: &Arc<Self>, one: &Found, at: Option<SystemTime>) -> Result<(), Problem> {
        let at = at.and_then(|at| {
            let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
            Some(since.as_secs())
        });
        record::change(&self.config, one.alias(), |record| record.stops_at = at)?;
        // Nobody listening is no failure.
        let _ = self.changes.send(devctl_model::Change::Container {
            id: devctl_model::ContainerId(one.id().to_owned()),
        });
        Ok(())
    }

    fn background_caller(&self) -> Caller {
        Caller {
            who: self.config.user.clone(),
            door: self.config.door,
            role: Role::Developer,
        }
    }
}
