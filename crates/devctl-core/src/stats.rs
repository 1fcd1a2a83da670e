//! What containers use, for those who look: one question to the engine for each container that somebody looks at, however
//! many they are, and none when nobody does.

use crate::containers::Found;
use crate::core::Core;
use crate::look::not_running;
use devctl_engine::{EngineError, StatsReading};
use devctl_model::{
    Change, ContainerId, ContainerStats, Problem, StatsList, StatsOf, StatsSample, StatsUpdate,
};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::{Notify, broadcast, mpsc};

/// How far back the history goes.
const HISTORY: time::Duration = time::Duration::HOUR;
/// Seconds that one sample of the history stands for.
const COARSE: i64 = 10;
/// How long a reading is waited for where one answer is wanted. Engines read once a second.
const PATIENCE: Duration = Duration::from_secs(10);
/// Containers that are asked at once.
const AT_ONCE: usize = 32;
/// Changes that come within this time are looked at together.
const SETTLE: Duration = Duration::from_millis(100);

/// What an engine says of one container.
type Readings = BoxStream<'static, Result<StatsReading, EngineError>>;

/// The containers that somebody looks at, and what was seen of those that somebody has looked at.
#[derive(Default, Clone)]
pub(crate) struct Stats {
    seen: Arc<Mutex<HashMap<String, Seen>>>,
}

/// What is known of one container.
#[derive(Default)]
struct Seen {
    /// Open while somebody looks.
    feed: Option<broadcast::Sender<StatsReading>>,
    history: History,
}

/// The last hour, coarsely.
#[derive(Default)]
struct History {
    points: VecDeque<StatsReading>,
    /// Readings in the newest point.
    merged: u32,
}

impl History {
    fn add(&mut self, reading: &StatsReading) {
        let slot = |at: OffsetDateTime| at.unix_timestamp().div_euclid(COARSE);
        match self.points.back_mut() {
            Some(last) if slot(last.at) == slot(reading.at) => {
                let cpu_percent = match (last.cpu_percent, reading.cpu_percent) {
                    (Some(mean), Some(new)) => {
                        let count = f64::from(self.merged);
                        self.merged += 1;
                        Some((mean * count + new) / (count + 1.0))
                    }
                    (mean, new) => mean.or(new),
                };
                *last = StatsReading {
                    cpu_percent,
                    ..reading.clone()
                };
            }
            _ => {
                self.points.push_back(reading.clone());
                self.merged = 1;
            }
        }
        while self
            .points
            .front()
            .is_some_and(|first| first.at < reading.at - HISTORY)
        {
            self.points.pop_front();
        }
    }

    fn newest(&self) -> Option<OffsetDateTime> {
        self.points.back().map(|point| point.at)
    }
}

impl Stats {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to look at a container: what was seen of it before, and what it uses from now on. It ends when the
    /// container stops.
    fn look(&self, found: &Found) -> (Vec<StatsReading>, broadcast::Receiver<StatsReading>) {
        let (engine, id) = (found.engine.clone(), found.id().to_owned());
        self.look_at(found.id(), async move { engine.container_stats(&id).await })
    }

    fn look_at(
        &self,
        id: &str,
        question: impl Future<Output = Result<Readings, EngineError>> + Send + 'static,
    ) -> (Vec<StatsReading>, broadcast::Receiver<StatsReading>) {
        let mut all = self.lock();
        let newest = all.values().filter_map(|seen| seen.history.newest()).max();
        all.retain(|_, seen| {
            let recent = seen.history.newest() > newest.map(|newest| newest - HISTORY);
            seen.feed.is_some() || recent
        });
        let seen = all.entry(id.to_owned()).or_default();
        let history = seen.history.points.iter().cloned().collect();
        if let Some(feed) = &seen.feed {
            return (history, feed.subscribe());
        }
        let (feed, readings) = broadcast::channel(16);
        seen.feed = Some(feed.clone());
        tokio::spawn(self.clone().ask(id.to_owned(), question, feed));
        (history, readings)
    }

    /// Asks the engine as long as somebody looks.
    async fn ask(
        self,
        id: String,
        question: impl Future<Output = Result<Readings, EngineError>>,
        feed: broadcast::Sender<StatsReading>,
    ) {
        let mut readings = match question.await {
            Ok(readings) => readings,
            Err(error) => {
                tracing::warn!(container = id, %error, "what a container uses cannot be read");
                return self.end(&id);
            }
        };
        loop {
            let reading = tokio::select! {
                () = feed.closed() => {
                    let mut all = self.lock();
                    // Somebody may have come since.
                    if feed.receiver_count() > 0 {
                        continue;
                    }
                    if let Some(seen) = all.get_mut(&id) {
                        seen.feed = None;
                    }
                    return;
                }
                reading = readings.next() => reading,
            };
            match reading {
                Some(Ok(reading)) => {
                    if let Some(seen) = self.lock().get_mut(&id) {
                        seen.history.add(&reading);
                    }
                    // That all have just gone is seen above.
                    let _ = feed.send(reading);
                }
                Some(Err(error)) => {
                    tracing::debug!(container = id, %error, "what a container uses broke off");
                    return self.end(&id);
                }
                None => return self.end(&id),
            }
        }
    }

    fn end(&self, id: &str) {
        if let Some(seen) = self.lock().get_mut(id) {
            seen.feed = None;
        }
    }

    /// How many containers the engine is asked about.
    #[cfg(test)]
    fn asked(&self) -> usize {
        self.lock().values().filter(|seen| seen.feed.is_some()).count()
    }
}

impl Core {
    pub(crate) async fn stats_now(self: &Arc<Self>, request: StatsOf) -> Result<StatsList, Problem> {
        let found = self.looked_at(&request).await?;
        let mut containers: Vec<ContainerStats> = futures_util::stream::iter(found)
            .map(|found| async move {
                let sample = self.settled(&found).await?;
                Some(ContainerStats {
                    container: ContainerId(found.id().to_owned()),
                    name: found.alias().to_owned(),
                    sample: shown(&sample),
                })
            })
            .buffer_unordered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect()
            .await;
        containers.sort_by(|left, right| left.name.cmp(&right.name));
        Ok(StatsList { containers })
    }

    /// The first reading that says how much of the processors is used. None when the container stops meanwhile.
    pub(crate) async fn settled(&self, found: &Found) -> Option<StatsReading> {
        let (_, mut readings) = self.stats.look(found);
        let mut newest = None;
        let settled = async {
            loop {
                match readings.recv().await {
                    Ok(reading) if reading.cpu_percent.is_some() => return Some(reading),
                    Ok(reading) => newest = Some(reading),
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        };
        match tokio::time::timeout(PATIENCE, settled).await {
            Ok(settled) => settled,
            // An engine that has only one reading to give has given it.
            Err(_) => newest,
        }
    }

    /// The containers that are meant: those that are named, which must run, or all that run.
    async fn looked_at(self: &Arc<Self>, request: &StatsOf) -> Result<Vec<Found>, Problem> {
        if request.containers.is_empty() {
            let (found, mut failed) = self.ours().await;
            if found.is_empty()
                && let Some(current) = failed.iter().position(|(endpoint, _)| endpoint.current)
            {
                return Err(failed.swap_remove(current).1);
            }
            return Ok(found.into_iter().filter(Found::is_up).collect());
        }
        let mut wanted: Vec<Found> = Vec::new();
        for name in &request.containers {
            let found = self.find(name).await?;
            if !found.is_up() {
                return Err(not_running(found.alias()));
            }
            if wanted.iter().all(|one| one.id() != found.id()) {
                wanted.push(found);
            }
        }
        Ok(wanted)
    }

    pub(crate) async fn stats_from_now_on(
        self: &Arc<Self>,
        request: StatsOf,
    ) -> Result<mpsc::Receiver<StatsUpdate>, Problem> {
        // Listening comes before looking: nothing is missed in between.
        let changes = self.changes.subscribe();
        crate::watch::start(self);
        let found = self.looked_at(&request).await?;
        let ids = found.iter().map(|found| found.id().to_owned()).collect();
        let wanted = (!request.containers.is_empty()).then_some(ids);
        let (sender, receiver) = mpsc::channel(256);
        tokio::spawn(follow(self.clone(), found, wanted, changes, sender));
        Ok(receiver)
    }
}

/// Follows these containers, those that come when all are `wanted`, and those that come back.
async fn follow(
    core: Arc<Core>,
    mut found: Vec<Found>,
    wanted: Option<HashSet<String>>,
    mut changes: broadcast::Receiver<Change>,
    sender: mpsc::Sender<StatsUpdate>,
) {
    let followed: Arc<Mutex<HashSet<String>>> = Arc::default();
    let ended: Arc<Notify> = Arc::default();
    loop {
        for found in found.drain(..) {
            let is_wanted = wanted.as_ref().is_none_or(|wanted| wanted.contains(found.id()));
            if is_wanted && found.is_up() && locked(&followed).insert(found.id().to_owned()) {
                let passed_on = pass_on(core.stats.clone(), found, followed.clone(), sender.clone());
                let ended = ended.clone();
                tokio::spawn(async move {
                    passed_on.await;
                    ended.notify_one();
                });
            }
        }
        loop {
            let change = tokio::select! {
                () = sender.closed() => return,
                // It may run again already: its start was seen while it was still followed.
                () = ended.notified() => break,
                change = changes.recv() => change,
            };
            match change {
                Ok(Change::Container { .. } | Change::Resync)
                | Err(broadcast::error::RecvError::Lagged(_)) => break,
                Ok(_) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            }
        }
        tokio::time::sleep(SETTLE).await;
        changes = changes.resubscribe();
        found = core.ours().await.0;
    }
}

fn locked(set: &Mutex<HashSet<String>>) -> MutexGuard<'_, HashSet<String>> {
    set.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Passes on what one container uses until it stops or nobody listens.
async fn pass_on(
    stats: Stats,
    found: Found,
    followed: Arc<Mutex<HashSet<String>>>,
    sender: mpsc::Sender<StatsUpdate>,
) {
    let container = ContainerId(found.id().to_owned());
    let name = found.alias().to_owned();
    let (history, mut readings) = stats.look(&found);
    let begun = StatsUpdate::Begun {
        container: container.clone(),
        name: name.clone(),
        history: history.iter().map(shown).collect(),
    };
    if sender.send(begun).await.is_err() {
        return;
    }
    loop {
        let reading = tokio::select! {
            () = sender.closed() => return,
            reading = readings.recv() => reading,
        };
        let update = match reading {
            Ok(reading) => StatsUpdate::Sample {
                container: container.clone(),
                name: name.clone(),
                sample: shown(&reading),
            },
            // Who is slow gets the newest.
            Err(broadcast::error::RecvError::Lagged(_)) => continue,
            Err(broadcast::error::RecvError::Closed) => break,
        };
        if sender.send(update).await.is_err() {
            return;
        }
    }
    locked(&followed).remove(found.id());
    // That nobody listens any more is no failure.
    let _ = sender.send(StatsUpdate::Ended { container, name }).await;
}

fn shown(reading: &StatsReading) -> StatsSample {
    StatsSample {
        at: crate::clock::offset_text(reading.at),
        cpu_percent: reading.cpu_percent,
        cpus: reading.cpus,
        memory: reading.memory,
        memory_limit: reading.memory_limit,
        received: reading.received,
        sent: reading.sent,
        disk_read: reading.disk_read,
        disk_written: reading.disk_written,
        processes: reading.processes,
    }
}

#[cfg(test)]
mod tests;
