//! Watches the engines and the event log for a door that stays open, tells the bus what changes, and keeps certificates
//! fresh meanwhile.

use crate::core::Core;
use crate::engines::{host, state_of};
use crate::error::IntoProblem;
use crate::labels;
use devctl_engine::{Endpoint, EngineEvent, EventFilter, ObjectKind};
use devctl_model::{Change, ContainerId, HostState};
use futures_util::StreamExt as _;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// How long to wait before an engine that is silent is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// Starts watching, once for a process.
pub(crate) fn start(core: &Arc<Core>) {
    if core.watching.set(()).is_err() {
        return;
    }
    crate::record::follow(core);
    crate::renewal::follow(core);
    if crate::service::STAYS_OPEN.contains(&core.config.door) {
        crate::idle::background::follow(core);
    }
    for endpoint in core.engines.endpoints().to_vec() {
        tokio::spawn(watch(Arc::downgrade(core), endpoint));
    }
}

/// Follows one engine until the core is gone. An engine that does not answer is asked again; when it is back, every
/// door reads anew.
async fn watch(core: Weak<Core>, endpoint: Endpoint) {
    let mut last = None;
    loop {
        let Some(strong) = core.upgrade() else { return };
        let events = match strong.engines.engine(&endpoint).await {
            Ok(engine) => {
                let filter = EventFilter {
                    since: None,
                    // Containers that were adopted bear no label of ours.
                    labels: Vec::new(),
                };
                engine.events(filter).await.map_err(IntoProblem::into_problem)
            }
            Err(problem) => Err(problem),
        };
        match events {
            Ok(mut events) => {
                announce(&strong, &endpoint, HostState::Ready, None, &mut last);
                drop(strong);
                while let Some(event) = events.next().await {
                    let Some(strong) = core.upgrade() else { return };
                    match event {
                        EngineEvent::Object(event)
                            if event.kind == Some(ObjectKind::Container)
                                && (event.attributes.contains_key(labels::MANAGED)
                                    || crate::adopted::is_known(&strong.config, &event.id)) =>
                        {
                            // Nobody listening is no failure.
                            let _ = strong.changes.send(Change::Container {
                                id: ContainerId(event.id),
                            });
                        }
                        EngineEvent::Object(_) => {}
                        EngineEvent::Lost { reason } => {
                            announce(
                                &strong,
                                &endpoint,
                                HostState::NotAnswering,
                                Some(reason),
                                &mut last,
                            );
                        }
                        EngineEvent::Resync => {
                            announce(&strong, &endpoint, HostState::Ready, None, &mut last);
                            let _ = strong.changes.send(Change::Resync);
                        }
                    }
                }
            }
            Err(problem) => {
                strong.engines.forget(&endpoint).await;
                announce(
                    &strong,
                    &endpoint,
                    state_of(&problem),
                    Some(problem.message),
                    &mut last,
                );
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

fn announce(
    core: &Arc<Core>,
    endpoint: &Endpoint,
    state: HostState,
    detail: Option<String>,
    last: &mut Option<HostState>,
) {
    if last.replace(state) == Some(state) {
        return;
    }
    let host = devctl_model::Host {
        state,
        detail,
        ..host(endpoint)
    };
    // Nobody listening is no failure.
    let _ = core.changes.send(Change::Host { host });
}
