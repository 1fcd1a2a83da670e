//! Stops containers that nobody uses.
//!
//! Whoever uses a container (a login, a command, a terminal, a forwarded connection, a hook) holds a share of its
//! activity file's lock meanwhile; the file's time of change tells when the last one let go. What stops the container
//! takes the lock alone first. So a crash leaves nothing behind that keeps a container awake, and a login that comes in
//! that moment waits for the stop and starts the container again.

use crate::caller::Caller;
use crate::config::CoreConfig;
use crate::containers::Found;
use crate::core::Core;
use crate::record::Target;
use activity::Use;
use devctl_model::{ErrorCode, IdleInfo, IdleList, IdleState, KeepAwake, Problem, SetIdle};
use record::Record;
use rules::{Rules, Verdict};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub(crate) mod activity;
pub(crate) mod background;
mod record;
pub(crate) mod rules;

/// The longest that anything is kept awake, and the longest idleness that can be asked for: a year.
const LONGEST_MINUTES: u32 = 366 * 24 * 60;

impl Core {
    /// How idle the containers are.
    pub(crate) async fn idle_list(self: &Arc<Self>) -> Result<IdleList, Problem> {
        let rules = self.idle_rules().await;
        // An engine that is silent is told of by the list of containers.
        let (found, _) = self.ours().await;
        let mut containers = Vec::new();
        for one in &found {
            containers.push(self.idle_info(one, &rules).await);
        }
        containers.sort_by(|a, b| a.container.cmp(&b.container));
        Ok(IdleList {
            containers,
            watched: background::watcher(&self.config).is_some(),
        })
    }

    /// Chooses after how long a container is stopped that nobody uses.
    pub(crate) async fn choose_idle(
        self: &Arc<Self>,
        caller: &Caller,
        asked: SetIdle,
    ) -> Result<IdleInfo, Problem> {
        check_minutes(asked.stop_after_minutes.unwrap_or(0))?;
        let found = self.find(&asked.container).await?;
        let act = self.noted(&found, move |record| {
            record.stop_after_minutes = asked.stop_after_minutes;
        });
        self.recorded(
            caller,
            "set_idle",
            Target::container(found.id(), found.alias()),
            act,
        )
        .await
    }

    /// Keeps a container awake for a time, or no longer.
    pub(crate) async fn keep_awake(
        self: &Arc<Self>,
        caller: &Caller,
        asked: KeepAwake,
    ) -> Result<IdleInfo, Problem> {
        check_minutes(asked.minutes)?;
        let found = self.find(&asked.container).await?;
        let until = self.config.now_seconds() + u64::from(asked.minutes) * 60;
        let until = (asked.minutes > 0).then_some(until);
        let act = self.noted(&found, move |record| record.awake_until = until);
        self.recorded(
            caller,
            "keep_awake",
            Target::container(found.id(), found.alias()),
            act,
        )
        .await
    }

    /// Changes what is kept of a container, and shows how it is then. A stop that was announced is taken back.
    async fn noted(
        self: &Arc<Self>,
        found: &Found,
        change: impl FnOnce(&mut Record) + Send + 'static,
    ) -> Result<IdleInfo, Problem> {
        record::change(&self.config, found.alias(), |record| {
            change(record);
            record.stops_at = None;
        })?;
        // Nobody listening is no failure.
        let _ = self.changes.send(devctl_model::Change::Container {
            id: devctl_model::ContainerId(found.id().to_owned()),
        });
        let rules = self.idle_rules().await;
        Ok(self.idle_info(found, &rules).await)
    }

    /// What the settings say.
    pub(crate) async fn idle_rules(self: &Arc<Self>) -> Rules {
        let number = |value: serde_json::Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
        let after = self.chosen(crate::settings::IDLE_AFTER).await;
        let grace = self.chosen(crate::settings::IDLE_GRACE).await;
        let awake = self.chosen(crate::settings::AWAKE_HOURS).await;
        let cpu = self.chosen(crate::settings::IDLE_CPU).await;
        Rules {
            cpu_percent: number(cpu).filter(|percent| *percent > 0),
            after_minutes: number(after).unwrap_or(0),
            grace: Duration::from_secs(u64::from(number(grace).unwrap_or(5)) * 60),
            awake: rules::parse_week(awake.as_str().unwrap_or_default()).unwrap_or_default(),
        }
    }

    async fn idle_info(self: &Arc<Self>, found: &Found, rules: &Rules) -> IdleInfo {
        let record = Record::read(&self.config, found.alias());
        let verdict = self.idleness(found, rules, &record).await;
        let after = rules.after(&record);
        let (state, idle_since, stops_at) = match verdict {
            Verdict::Stopped => (IdleState::Stopped, None, None),
            Verdict::InUse => (IdleState::InUse, None, None),
            Verdict::KeptAwake { since } => (IdleState::KeptAwake, since, None),
            Verdict::AwakeHours { since } => (IdleState::AwakeHours, since, None),
            Verdict::Idle { since, due } => (
                IdleState::Idle,
                Some(since),
                // What was announced counts: nothing is stopped before.
                due.map(|due| {
                    record
                        .stops_at
                        .map_or(due, |announced| due.max(from_seconds(announced)))
                }),
            ),
        };
        IdleInfo {
            container: found.alias().to_owned(),
            state,
            stop_after_minutes: after,
            own_rule: record.stop_after_minutes.is_some(),
            idle_since: idle_since.map(crate::clock::text),
            awake_until: record
                .awake_until
                .filter(|until| *until > self.config.now_seconds())
                .map(crate::clock::seconds_text),
            stops_at: stops_at.map(crate::clock::text),
        }
    }

    /// Whether a container is idle, by what is known now.
    async fn idleness(self: &Arc<Self>, found: &Found, rules: &Rules, record: &Record) -> Verdict {
        if !found.is_running() {
            return Verdict::Stopped;
        }
        let since = match activity::last(&self.config, found.id()) {
            Use::Now => return Verdict::InUse,
            Use::Until(since) => Some(since),
            Use::Never => None,
        };
        // Nobody has used it yet: its own start counts.
        let started = match found.engine.container_inspect(found.id()).await {
            Ok(details) => details.state.started_at.map(SystemTime::from),
            // Without it nothing is known, and nothing is stopped.
            Err(error) => {
                tracing::debug!(%error, container = found.id(), "its start is not known");
                return Verdict::InUse;
            }
        };
        let Some(since) = since.into_iter().chain(started).max() else {
            return Verdict::InUse;
        };
        rules.judge(record, since, (self.config.clock)(), self.config.local_time)
    }
}

fn check_minutes(minutes: u32) -> Result<(), Problem> {
    if minutes <= LONGEST_MINUTES {
        return Ok(());
    }
    Err(Problem::new(
        ErrorCode::RequestInvalid,
        format!("{minutes} minutes are more than a year ({LONGEST_MINUTES})"),
    ))
}

pub(crate) fn from_seconds(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// Another name, the same rules.
pub(crate) fn renamed(config: &CoreConfig, from: &str, to: &str) {
    record::renamed(config, from, to);
}

/// Forgets the choices for a container that is gone.
pub(crate) fn forget(config: &CoreConfig, alias: &str) {
    record::remove(config, alias);
}

/// Forgets when a container was used that is gone.
pub(crate) fn forget_use(config: &CoreConfig, container: &str) {
    activity::remove(config, container);
}
