//! Keeps the way into a container open: hears the agent, and starts another one when the container is back.

use super::forwarder::Forwarder;
use super::link::{self, Link, say};
use crate::core::Core;
use devctl_agent_protocol::{AgentSaid, HostSaid, ReverseStream};
use devctl_model::ErrorCode;
use devctl_mux::Event;
use std::sync::Weak;
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// The pauses between two attempts.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How often the wish of another process is looked for.
const EVERY: Duration = Duration::from_millis(250);

/// Goes on until the container is gone, or nobody holds the forwarder any more.
pub(super) async fn keep(core: Weak<Core>, forwarder: Weak<Forwarder>, first: Link) {
    let mut next = Some(first);
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(link) = next.take() {
            pause = FIRST_PAUSE;
            let Some(why) = hear(&core, &forwarder, link).await else {
                return;
            };
            let Some(forwarder) = forwarder.upgrade() else {
                return;
            };
            forwarder.lost(why);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        let (Some(core), Some(forwarder)) = (core.upgrade(), forwarder.upgrade()) else {
            return;
        };
        if is_over(&core, &forwarder) {
            return;
        }
        match link::connect(&core, &forwarder.container).await {
            Ok(link) => {
                forwarder.reached(&link);
                next = Some(link);
            }
            Err(problem) if problem.code == ErrorCode::ContainerNotFound => {
                forwarder.end(format!("the container is gone: {}", problem.message));
                core.forget_forwarder(&forwarder);
                return;
            }
            Err(problem) => tracing::debug!(%problem, "the container cannot be reached yet"),
        }
    }
}

/// Hears one agent to its end, and says why it ended; none when nobody holds the forwarder any more.
async fn hear(core: &Weak<Core>, forwarder: &Weak<Forwarder>, mut link: Link) -> Option<String> {
    say(&link.mux, &HostSaid::Watch);
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let event = tokio::select! {
            event = link.events.next() => event,
            _ = ticks.tick() => {
                if is_over(&*core.upgrade()?, &*forwarder.upgrade()?) {
                    return None;
                }
                continue;
            }
        };
        let forwarder = forwarder.upgrade()?;
        match event {
            None => return Some(link.mux.ended().await.to_string()),
            Some(Event::Open(asked)) => {
                let stream = serde_json::from_slice::<ReverseStream>(&asked.target);
                forwarder.connect(stream.ok().map(|stream| stream.reverse), asked);
            }
            Some(Event::Message(message)) => match serde_json::from_slice(&message) {
                Ok(AgentSaid::Listeners { listeners }) => forwarder.heard(listeners).await,
                Ok(AgentSaid::Listening { reverse }) => forwarder.answered(reverse, Ok(())),
                Ok(AgentSaid::NotListening { reverse, reason }) => {
                    forwarder.answered(reverse, Err(reason));
                }
                Err(error) => return Some(format!("the agent said what nobody understands: {error}")),
            },
        }
    }
}

/// Stops what another process asks to stop; whether nothing is left to carry.
fn is_over(core: &Core, forwarder: &Forwarder) -> bool {
    let Some(listens) = forwarder.asked_to_stop() else {
        return false;
    };
    forwarder.stop(|forward| listens.is_empty() || listens.contains(&forward.listen));
    let is_over = listens.is_empty() || !forwarder.is_wanted();
    if is_over {
        forwarder.end("its forwards were stopped".to_owned());
        core.forget_forwarder(forwarder);
    }
    is_over
}
