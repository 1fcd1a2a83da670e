//! What happens in the engine, as one stream that outlives its connection.

use std::collections::HashMap;
use std::time::Duration;

use bollard::models::{EventMessage, EventMessageTypeEnum};
use bollard::query_parameters::EventsOptions;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};

use super::answer::Subject;
use super::{DockerEngine, label_filter};
use crate::error::{EngineError, ObjectKind};
use crate::event::{EngineEvent, EventCursor, EventFilter, ObjectEvent};

/// The pause before the first new try; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

const NANOSECONDS: i64 = 1_000_000_000;

/// Where the stream stands between two items.
struct Follower {
    client: bollard::Docker,
    endpoint: String,
    filters: HashMap<String, Vec<String>>,
    /// The latest event that was given out, or where to begin.
    cursor: EventCursor,
    /// Where the present connection begins: asked for by the second, events before that have been given out already.
    /// Later ones may come a little out of order and all count.
    resumed_at: EventCursor,
    connection: Option<BoxStream<'static, Result<EventMessage, bollard::errors::Error>>>,
    /// The connection was lost, and that was said.
    lost: bool,
    pause: Duration,
}

impl DockerEngine {
    pub(super) async fn follow_events(
        &self,
        filter: EventFilter,
    ) -> Result<BoxStream<'static, EngineEvent>, EngineError> {
        // The engine's own clock is the one that its events are stamped with.
        let cursor = match filter.since {
            Some(cursor) => cursor,
            None => self.engine_time().await?,
        };
        let follower = Follower {
            client: self.client.clone(),
            endpoint: self.endpoint.url.clone(),
            filters: label_filter(&filter.labels),
            cursor,
            resumed_at: cursor,
            connection: None,
            lost: false,
            pause: FIRST_PAUSE,
        };
        Ok(stream::unfold(follower, |mut follower| async move {
            let item = follower.next().await;
            Some((item, follower))
        })
        .boxed())
    }

    /// The engine's present time.
    async fn engine_time(&self) -> Result<EventCursor, EngineError> {
        let info = self
            .client
            .info()
            .await
            .map_err(self.failed(Subject::engine("ask for the engine's time")))?;
        let text = info.system_time.unwrap_or_default();
        let at = time::OffsetDateTime::parse(&text, &time::format_description::well_known::Rfc3339).map_err(
            |error| EngineError::Unreadable {
                operation: "ask for the engine's time".into(),
                reason: format!("{text:?}: {error}"),
            },
        )?;
        Ok(EventCursor(
            at.unix_timestamp() * NANOSECONDS + i64::from(at.nanosecond()),
        ))
    }
}

impl Follower {
    async fn next(&mut self) -> EngineEvent {
        loop {
            let Some(connection) = &mut self.connection else {
                if self.lost {
                    tokio::time::sleep(self.pause).await;
                    self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                    if self.client.ping().await.is_err() {
                        continue;
                    }
                }
                self.connect();
                if std::mem::take(&mut self.lost) {
                    self.pause = FIRST_PAUSE;
                    return EngineEvent::Resync;
                }
                continue;
            };
            match connection.next().await {
                Some(Ok(message)) => {
                    let event = object_event(message);
                    if event.at > self.resumed_at {
                        self.cursor = self.cursor.max(event.at);
                        return EngineEvent::Object(event);
                    }
                }
                Some(Err(error)) => return self.lose(error.to_string()),
                None => return self.lose("the engine closed the connection".into()),
            }
        }
    }

    fn connect(&mut self) {
        self.resumed_at = self.cursor;
        let since = (self.cursor.0 / NANOSECONDS).to_string();
        let options = EventsOptions {
            since: Some(since),
            until: None,
            filters: Some(self.filters.clone()),
        };
        // The answer begins with the first event, which may take for ever.
        let client = self
            .client
            .clone()
            .with_timeout(Duration::from_secs(u64::from(u32::MAX)));
        self.connection = Some(client.events(Some(options)).boxed());
    }

    fn lose(&mut self, reason: String) -> EngineEvent {
        tracing::debug!(endpoint = %self.endpoint, %reason, "events interrupted");
        self.connection = None;
        self.lost = true;
        EngineEvent::Lost { reason }
    }
}

fn object_event(message: EventMessage) -> ObjectEvent {
    let actor = message.actor.unwrap_or_default();
    let nanoseconds = message
        .time_nano
        .or(message.time.map(|seconds| seconds.saturating_mul(NANOSECONDS)));
    ObjectEvent {
        kind: match message.typ {
            Some(EventMessageTypeEnum::CONTAINER) => Some(ObjectKind::Container),
            Some(EventMessageTypeEnum::IMAGE) => Some(ObjectKind::Image),
            Some(EventMessageTypeEnum::NETWORK) => Some(ObjectKind::Network),
            Some(EventMessageTypeEnum::VOLUME) => Some(ObjectKind::Volume),
            _ => None,
        },
        action: message.action.unwrap_or_default(),
        id: actor.id.unwrap_or_default(),
        attributes: actor.attributes.unwrap_or_default().into_iter().collect(),
        at: EventCursor(nanoseconds.unwrap_or_default()),
    }
}
