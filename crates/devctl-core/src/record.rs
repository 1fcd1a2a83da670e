//! Writes to the event log around every act: the intent before it, the outcome after it. No log, no act.

use crate::caller::Caller;
use crate::core::Core;
use crate::error::OrProblem;
use devctl_model::{Change, ErrorCode, EventRecord, OutcomeKind, Problem};
use devctl_store::{Actor, Door, EventFilter, EventId, Intent, Outcome, Phase, Store, Subject};
use std::future::Future;
use std::sync::Arc;
use std::time::Instant;

/// What an act is done to.
pub(crate) struct Target {
    kind: &'static str,
    id: String,
    name: Option<String>,
}

impl Target {
    /// A container by id and name.
    pub(crate) fn container(id: &str, name: &str) -> Self {
        Self {
            kind: "container",
            id: id.to_owned(),
            name: Some(name.to_owned()),
        }
    }

    /// A workspace folder or an image that becomes a container of this name.
    pub(crate) fn source(source: &str, name: &str) -> Self {
        Self {
            kind: "workspace",
            id: source.to_owned(),
            name: Some(name.to_owned()),
        }
    }

    /// Anything else.
    pub(crate) fn other(kind: &'static str, id: &str) -> Self {
        Self {
            kind,
            id: id.to_owned(),
            name: None,
        }
    }
}

impl Target {
    fn subject(self) -> Subject {
        Subject {
            kind: self.kind.to_owned(),
            id: self.id,
            name: self.name,
        }
    }
}

impl Core {
    /// Does `act` between an intent and an outcome in the event log.
    pub(crate) async fn recorded<T>(
        self: &Arc<Self>,
        caller: &Caller,
        operation: &'static str,
        target: Target,
        act: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        self.recorded_as(caller, operation, target, act, || None).await
    }

    /// The same for an act that finds out only on the way what it is done to: `became` says so after it, whether it
    /// went well or not.
    pub(crate) async fn recorded_as<T>(
        self: &Arc<Self>,
        caller: &Caller,
        operation: &'static str,
        target: Target,
        act: impl Future<Output = Result<T, Problem>>,
        became: impl FnOnce() -> Option<Target>,
    ) -> Result<T, Problem> {
        let began = Instant::now();
        let id = EventId(uuid::Uuid::now_v7());
        let subject = target.subject();
        let intent = Intent {
            id,
            who: Actor {
                user: caller.who.clone(),
                uid: Some(self.config.uid),
                host: self.config.machine.clone(),
            },
            door: door(caller.door),
            operation: operation.to_owned(),
            subject: Some(subject),
            detail: serde_json::Value::Object(serde_json::Map::new()),
            process: self.config.process,
        };
        self.with_store(move |store| store.begin(intent)).await?;
        let result = act.await;
        let outcome = match &result {
            Ok(_) => Outcome::Ok,
            Err(problem) if problem.code == ErrorCode::Cancelled => Outcome::Cancelled,
            Err(problem) => Outcome::Failed {
                code: problem.code.as_str().to_owned(),
                message: problem.message.clone(),
            },
        };
        let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let became = became().map(Target::subject);
        let finished = self
            .with_store(move |store| {
                let detail = serde_json::Value::Object(serde_json::Map::new());
                match became {
                    Some(subject) => store.finish_with_subject(id, subject, outcome, took, detail),
                    None => store.finish(id, outcome, took, detail),
                }
            })
            .await;
        if let Err(problem) = finished {
            // The act is done and cannot be taken back; the next start will find an intent without an outcome.
            tracing::error!(%problem, operation, "the outcome could not be recorded");
            if result.is_ok() {
                return Err(problem.safe("what was asked for has been done"));
            }
        }
        result
    }

    /// Runs `work` on the store, away from the threads that wait for others.
    pub(crate) async fn with_store<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Store) -> Result<T, devctl_store::StoreError> + Send + 'static,
    ) -> Result<T, Problem> {
        let core = self.clone();
        let task = tokio::task::spawn_blocking(move || work(core.store()?).or_problem());
        task.await.map_err(|error| {
            Problem::new(ErrorCode::Internal, "the event log could not be reached").why(error.to_string())
        })?
    }
}

fn door(door: &str) -> Door {
    match door {
        "desktop" => Door::Desktop,
        "service" => Door::Service,
        "ssh-proxy" => Door::Proxy,
        _ => Door::Cli,
    }
}

/// The records as doors show them.
pub(crate) fn shown(record: devctl_store::EventRecord) -> EventRecord {
    let (outcome, code) = match (&record.phase, &record.outcome) {
        (Phase::Started, _) | (_, None) => (OutcomeKind::Begun, None),
        (_, Some(Outcome::Ok)) => (OutcomeKind::Done, None),
        (_, Some(Outcome::Failed { code, .. })) => (OutcomeKind::Failed, Some(code.clone())),
        (_, Some(Outcome::Cancelled)) => (OutcomeKind::Cancelled, None),
        (_, Some(Outcome::Interrupted)) => (OutcomeKind::Interrupted, None),
    };
    let subject = record
        .subject
        .map(|subject| subject.name.unwrap_or(subject.id))
        .unwrap_or_default();
    EventRecord {
        seq: record.seq,
        id: record.id.0.to_string().into(),
        at: crate::clock::millis_text(record.at),
        who: record.who.user,
        door: format!("{:?}", record.door).to_lowercase(),
        operation: record.operation,
        subject,
        outcome,
        duration_ms: record.duration_ms,
        code,
        detail: match record.detail {
            serde_json::Value::Object(map) if map.is_empty() => None,
            serde_json::Value::Null => None,
            detail => Some(detail),
        },
    }
}

/// Tells the bus of every row that any process writes, until the core is gone.
pub(crate) fn follow(core: &Arc<Core>) {
    let weak = Arc::downgrade(core);
    std::thread::Builder::new()
        .name("events".into())
        .spawn(move || {
            let mut after = None;
            while let Some(core) = weak.upgrade() {
                let Ok(store) = core.store() else { return };
                let since = match after {
                    Some(seq) => seq,
                    None => {
                        let newest = EventFilter {
                            limit: Some(1),
                            latest: true,
                            ..EventFilter::default()
                        };
                        store
                            .events(&newest)
                            .ok()
                            .and_then(|rows| rows.last().map(|row| row.seq))
                            .unwrap_or(0)
                    }
                };
                after = Some(since);
                let changed = store.wait_for_events(since, std::time::Duration::from_millis(500));
                match changed {
                    Ok(false) => continue,
                    Ok(true) => {}
                    Err(error) => {
                        tracing::warn!(%error, "the event log cannot be followed");
                        return;
                    }
                }
                let filter = EventFilter {
                    since_seq: Some(since),
                    ..EventFilter::default()
                };
                match store.events(&filter) {
                    Ok(rows) => {
                        for row in rows {
                            after = Some(row.seq);
                            // Nobody listening is no failure.
                            let _ = core.changes.send(Change::Event { event: shown(row) });
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the event log cannot be followed");
                        return;
                    }
                }
            }
        })
        .map(drop)
        .unwrap_or_else(|error| tracing::warn!(%error, "the event log is not followed"));
}
