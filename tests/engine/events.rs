//! The stream of events.

use std::time::Duration;

use devctl_engine::{Endpoint, EngineEvent, EventFilter, ObjectKind, RemoveOptions, connect};
use devctl_testkit::engines::OwnEngine;
use futures_util::StreamExt as _;

use crate::support::{Bench, skip};

pub(crate) async fn heard(bench: Bench) {
    let filter = EventFilter {
        labels: bench.filter(),
        ..EventFilter::default()
    };
    let mut events = bench.engine.events(filter.clone()).await.unwrap();
    let id = bench.start(&bench.sleeper()).await;
    bench
        .engine
        .container_remove(
            &id,
            RemoveOptions {
                force: true,
                volumes: true,
            },
        )
        .await
        .unwrap();
    let mut seen = Vec::new();
    let mut first = None;
    let last = if bench.podman() { "remove" } else { "destroy" };
    while seen.last().is_none_or(|action| action != last) {
        let event = tokio::time::timeout(Duration::from_secs(20), events.next()).await;
        let Some(EngineEvent::Object(event)) = event.unwrap_or_else(|_| panic!("only {seen:?} came")) else {
            panic!("the stream was interrupted");
        };
        if event.kind == Some(ObjectKind::Container) {
            assert_eq!(event.id, id);
            assert_eq!(event.attributes.get("devctl.test"), Some(&bench.prefix));
            first.get_or_insert(event.at);
            seen.push(event.action);
        }
    }
    for action in ["create", "start"] {
        assert!(seen.iter().any(|seen| seen == action), "{action} in {seen:?}");
    }
    // From the cursor of the first event on, everything but that one comes again.
    let filter = EventFilter {
        since: first,
        ..filter
    };
    let mut again = bench.engine.events(filter).await.unwrap();
    let Ok(Some(EngineEvent::Object(event))) =
        tokio::time::timeout(Duration::from_secs(20), again.next()).await
    else {
        panic!("no event since the cursor");
    };
    assert_eq!(event.action, seen[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stream_survives_a_restart_of_the_engine() {
    let mut own = match OwnEngine::docker() {
        Ok(own) => own,
        Err(error) => return skip(&format!("dockerd cannot be started: {error}")),
    };
    let engine = connect(&Endpoint::explicit(own.url())).await.unwrap();
    let mut events = engine.events(EventFilter::default()).await.unwrap();
    let volume = |name: &str| devctl_engine::VolumeCreate {
        name: name.into(),
        ..Default::default()
    };
    engine.volume_create(&volume("before")).await.unwrap();
    let next = async |events: &mut futures_util::stream::BoxStream<'static, EngineEvent>| {
        tokio::time::timeout(Duration::from_secs(60), events.next())
            .await
            .unwrap()
            .unwrap()
    };
    let EngineEvent::Object(event) = next(&mut events).await else {
        panic!("an event was expected")
    };
    assert_eq!((event.action.as_str(), event.id.as_str()), ("create", "before"));

    own.stop().unwrap();
    assert!(matches!(next(&mut events).await, EngineEvent::Lost { .. }));
    let error = engine.ping().await.unwrap_err();
    assert_eq!(error.code(), "engine.unreachable", "{error}");
    own.start().unwrap();
    assert_eq!(next(&mut events).await, EngineEvent::Resync);
    engine.volume_create(&volume("after")).await.unwrap();
    loop {
        match next(&mut events).await {
            EngineEvent::Object(event) if event.id == "after" => break,
            EngineEvent::Object(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_hangs_is_given_up() {
    let own = match OwnEngine::docker() {
        Ok(own) => own,
        Err(error) => return skip(&format!("dockerd cannot be started: {error}")),
    };
    let endpoint = Endpoint::explicit(own.url());
    let engine = connect(&endpoint).await.unwrap();
    own.freeze().unwrap();
    let health = devctl_engine::probe(&endpoint).await;
    assert!(
        matches!(&health, devctl_engine::EngineHealth::NotAnswering(error) if error.code() == "engine.timeout"),
        "{health:?}"
    );
    assert_eq!(engine.ping().await.unwrap_err().code(), "engine.timeout");
    own.resume().unwrap();
    engine.ping().await.unwrap();
}
