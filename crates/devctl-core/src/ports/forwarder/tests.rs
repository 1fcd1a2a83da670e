use super::*;
use devctl_mux::{Event, Limits, Side, start};

/// A forwarder whose agent is in our hands.
fn hostile(home: &std::path::Path) -> (Arc<Forwarder>, Mux, devctl_mux::Events) {
    let (host, container) = tokio::io::duplex(64 * 1024);
    let (read, write) = tokio::io::split(host);
    let (mux, mut events) = start(Side::Host, Limits { incoming: 16 }, read, write);
    let (updates, _) = broadcast::channel(16);
    let (route, _) = latest::channel(Some(mux));
    let forwarder = Arc::new(Forwarder {
        container: "id".into(),
        name: "hello".into(),
        process: 1,
        rules: PortRules::default(),
        published: BTreeSet::new(),
        inner: Mutex::default(),
        updates,
        uses: Uses::of(&crate::testing::config(home), "id"),
        route,
        record: Record::begin(&crate::testing::config(home)).unwrap(),
        keeping: Mutex::default(),
    });
    let hearing = Arc::clone(&forwarder);
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            match event {
                Event::Open(asked) => {
                    let stream =
                        serde_json::from_slice::<devctl_agent_protocol::ReverseStream>(&asked.target);
                    hearing.connect(stream.ok().map(|stream| stream.reverse), asked);
                }
                Event::Message(_) => hearing.answered(1, Ok(())),
            }
        }
    });
    let (read, write) = tokio::io::split(container);
    let (agent, agent_events) = start(Side::Container, Limits { incoming: 16 }, read, write);
    (forwarder, agent, agent_events)
}

#[tokio::test]
async fn a_container_reaches_what_was_named_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let (forwarder, agent, mut events) = hostile(home.path());
    let named = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let secret = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, other) = (
        named.local_addr().unwrap().port(),
        secret.local_addr().unwrap().port(),
    );
    let saying = agent.clone();
    tokio::spawn(async move {
        // It was asked to listen, and says that it does.
        if let Some(Event::Message(_)) = events.next().await {
            saying.say(br#"{"say":"listening","reverse":1}"#).unwrap();
        }
        // It goes on living with its connection.
        events.next().await;
    });
    forwarder
        .out_of_container(Place::Port(9000), Place::Port(port))
        .await
        .unwrap();
    for target in [
        format!(r#"{{"reverse":{other}}}"#),
        r#"{"reverse":0}"#.to_owned(),
        r#"{"reverse":2}"#.to_owned(),
        format!(r#"{{"reverse":1,"port":{other}}}"#),
        format!(r#"{{"kind":"port","port":{other}}}"#),
        format!(r#"{{"kind":"tcp","host":"127.0.0.1","port":{other}}}"#),
        "garbage".to_owned(),
    ] {
        assert!(agent.open(target.as_bytes()).await.is_err(), "{target}");
    }
    let stream = agent.open(br#"{"reverse":1}"#).await.unwrap();
    named.accept().await.unwrap();
    drop(stream);
    forwarder.stop(|_| true);
    assert!(agent.open(br#"{"reverse":1}"#).await.is_err(), "it was stopped");
    let knocked = tokio::time::timeout(Duration::from_millis(50), secret.accept()).await;
    assert!(knocked.is_err(), "nobody came");
}

#[tokio::test]
async fn what_begins_to_listen_is_forwarded_up_to_a_bound_and_never_as_a_low_port() {
    let home = tempfile::tempdir().unwrap();
    let (forwarder, _agent, _events) = hostile(home.path());
    forwarder.automate(home.path()).await.unwrap();
    let listener = |port: u16| Listener {
        port,
        address: "0.0.0.0".into(),
        process: None,
        command: None,
    };
    let all = [22, 80].into_iter().chain(42_000..42_200).map(listener).collect();
    forwarder.heard(all).await;
    let forwards = forwarder.forwards();
    assert_eq!(forwards.len(), FOUND_AT_MOST);
    for forward in &forwards {
        let (_, port) = forward.listen.rsplit_once(':').unwrap();
        assert!(port.parse::<u16>().unwrap() >= 1024, "{forward:?}");
    }
    forwarder.heard(vec![listener(42_000)]).await;
    assert_eq!(forwarder.forwards().len(), 1);
}
