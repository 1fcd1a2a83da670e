use super::*;
use crate::FIRST_WINDOW;
use crate::carry;
use proptest::prelude::*;
use tokio::io::{AsyncWriteExt as _, DuplexStream, duplex};

const LIMITS: Limits = Limits { incoming: 2_000 };

fn pair() -> ((Mux, Events), (Mux, Events)) {
    let (host, container) = duplex(64 * 1024);
    let (host_read, host_write) = tokio::io::split(host);
    let (read, write) = tokio::io::split(container);
    (
        start(Side::Host, LIMITS, host_read, host_write),
        start(Side::Container, LIMITS, read, write),
    )
}

/// Opens each stream that is asked for and sends back what comes.
fn echo(mut events: Events) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            if let Event::Open(asked) = event {
                let stream = asked.accept();
                tokio::spawn(async move {
                    while let Ok(Some(bytes)) = stream.receive().await {
                        if stream.send(&bytes).await.is_err() {
                            return;
                        }
                    }
                    stream.finish();
                });
            }
        }
    })
}

async fn all_of(stream: &Stream) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some(bytes) = stream.receive().await.unwrap() {
        all.extend_from_slice(&bytes);
    }
    all
}

async fn asked(events: &mut Events) -> Asked {
    match events.next().await {
        Some(Event::Open(asked)) => asked,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_thousand_streams_at_once_carry_their_own_bytes_both_ways() {
    let ((host, _events), (container, events)) = pair();
    let _echo = echo(events);
    let streams = (0..1_000_u32).map(|number| {
        let host = host.clone();
        tokio::spawn(async move {
            let stream = host.open(b"echo").await.unwrap();
            let sent = number.to_be_bytes().repeat(5_000);
            let (back, ()) = tokio::join!(all_of(&stream), async {
                stream.send(&sent).await.unwrap();
                stream.finish();
            });
            assert!(back == sent, "{number}");
        })
    });
    for stream in streams.collect::<Vec<_>>() {
        stream.await.unwrap();
    }
    assert_eq!((host.streams(), container.streams()), (0, 0), "none is kept");
}

#[tokio::test]
async fn whoever_does_not_read_holds_up_nobody_else_and_costs_a_window() {
    let ((host, _events), (_container, mut events)) = pair();
    let slow = tokio::spawn({
        let host = host.clone();
        async move { host.open(b"slow").await.unwrap() }
    });
    let unread = asked(&mut events).await.accept();
    let slow = slow.await.unwrap();
    slow.send(&vec![7; FIRST_WINDOW]).await.unwrap();
    // More than a window is not taken until somebody reads.
    let more = tokio::time::timeout(std::time::Duration::from_millis(50), slow.send(b"x")).await;
    assert!(more.is_err());
    let _echo = echo(events);
    let quick = host.open(b"quick").await.unwrap();
    let sent = vec![1; 4 * FIRST_WINDOW];
    let (back, ()) = tokio::join!(all_of(&quick), async {
        quick.send(&sent).await.unwrap();
        quick.finish();
    });
    assert!(back == sent);
    assert_eq!(unread.receive().await.unwrap().unwrap().len(), FIRST_WINDOW);
}

#[tokio::test]
async fn one_direction_ends_and_the_other_goes_on() {
    let ((host, _events), (_container, mut events)) = pair();
    let opening = tokio::spawn({
        let host = host.clone();
        async move { host.open(b"half").await.unwrap() }
    });
    let there = asked(&mut events).await;
    assert_eq!(&there.target[..], b"half");
    let there = there.accept();
    let here = opening.await.unwrap();
    here.finish();
    assert_eq!(there.receive().await.unwrap(), None);
    there.send(b"still").await.unwrap();
    assert_eq!(here.receive().await.unwrap().unwrap(), b"still");
    there.finish();
    assert_eq!(here.receive().await.unwrap(), None);
    assert_eq!(host.streams(), 0);
}

#[tokio::test]
async fn a_refusal_and_a_reset_say_why_and_a_blocked_sender_hears_it() {
    let ((host, _events), (container, mut events)) = pair();
    let opening = tokio::spawn({
        let host = host.clone();
        async move { (host.open(b"a").await, host.open(b"b").await) }
    });
    asked(&mut events).await.refuse("nobody listens");
    let there = asked(&mut events).await.accept();
    let (refused, here) = opening.await.unwrap();
    assert_eq!(refused.unwrap_err().to_string(), "nobody listens");
    let here = here.unwrap();
    let sending = tokio::spawn(async move { here.send(&vec![0; 2 * FIRST_WINDOW]).await });
    // It has sent a window and waits; the reader ends its own direction, and goes away.
    there.finish();
    drop(there);
    assert!(sending.await.unwrap().is_err());
    assert_eq!((host.streams(), container.streams()), (0, 0));
}

#[tokio::test]
async fn the_end_of_the_connection_reaches_every_stream() {
    let ((host, host_events), (container, mut events)) = pair();
    let opening = tokio::spawn(async move { (host.open(b"a").await.unwrap(), host) });
    let there = asked(&mut events).await.accept();
    let (here, host) = opening.await.unwrap();
    drop(host_events);
    assert!(here.receive().await.is_err());
    assert!(there.receive().await.is_err());
    assert!(matches!(container.ended().await, MuxError::Ended));
    assert!(host.open(b"b").await.is_err() && host.say(b"c").is_err());
}

#[tokio::test]
async fn a_socket_is_carried_with_its_half_close() {
    let ((host, _events), (_container, events)) = pair();
    let _echo = echo(events);
    let (mut client, server) = duplex(1024);
    let carrying = tokio::spawn(async move {
        let stream = host.open(b"echo").await.unwrap();
        let (reader, writer) = tokio::io::split(server);
        carry(&stream, reader, writer).await
    });
    let sent = (0..=255).collect::<Vec<u8>>().repeat(4_000);
    let (mut reader, mut writer) = tokio::io::split(&mut client);
    let mut back = Vec::new();
    let (read, ()) = tokio::join!(reader.read_to_end(&mut back), async {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    read.unwrap();
    assert!(back == sent);
    carrying.await.unwrap().unwrap();
}

/// A connection whose other side is in our hands.
fn hostile() -> (Mux, Events, DuplexStream) {
    let (ours, theirs) = duplex(1024 * 1024);
    let (read, write) = tokio::io::split(ours);
    let (mux, events) = start(Side::Host, Limits { incoming: 1 }, read, write);
    (mux, events, theirs)
}

fn frame(kind: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![kind, length[1], length[2], length[3]];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

#[tokio::test]
async fn each_broken_rule_ends_the_connection() {
    let window = u32::MAX.to_be_bytes();
    let bad = [
        frame(2, 1, b""),
        frame(2, 2, b""),
        frame(3, 2, b"x"),
        frame(4, 1, b""),
        frame(5, 4, b""),
        frame(6, 1, &window),
        frame(1, 1, b"ours"),
        [frame(1, 4, b""), frame(1, 2, b"")].concat(),
        [frame(1, 2, b""), frame(3, 2, b"early")].concat(),
        [frame(1, 2, b""), frame(6, 2, &window)].concat(),
        [frame(1, 2, b""), frame(4, 2, b"")].concat(),
        frame(9, 0, b""),
    ];
    for bytes in bad {
        let (mux, _events, mut theirs) = hostile();
        theirs.write_all(&bytes).await.unwrap();
        let ended = mux.ended().await;
        assert!(matches!(ended, MuxError::Protocol { .. }), "{bytes:?}: {ended}");
    }
    let (mux, _events, mut theirs) = hostile();
    theirs.write_all(&[3, 0]).await.unwrap();
    drop(theirs);
    assert!(matches!(mux.ended().await, MuxError::Broken { .. }));
}

#[tokio::test]
async fn more_than_the_window_lets_in_ends_the_connection() {
    let (mux, mut events, mut theirs) = hostile();
    theirs.write_all(&frame(1, 2, b"")).await.unwrap();
    let stream = asked(&mut events).await.accept();
    for _ in 0..FIRST_WINDOW / (32 * 1024) {
        theirs.write_all(&frame(3, 2, &[0; 32 * 1024])).await.unwrap();
    }
    theirs.write_all(&frame(3, 2, b"x")).await.unwrap();
    assert!(matches!(mux.ended().await, MuxError::Protocol { .. }));
    drop(stream);
}

#[tokio::test]
async fn too_many_streams_are_refused_one_by_one() {
    let (mux, mut events, mut theirs) = hostile();
    theirs.write_all(&frame(1, 2, b"")).await.unwrap();
    let first = asked(&mut events).await.accept();
    theirs.write_all(&frame(1, 4, b"")).await.unwrap();
    // Opened for the first, and a reset for the second.
    let mut said = [0; 17];
    theirs.read_exact(&mut said).await.unwrap();
    assert_eq!((said[0], said[7], said[8], said[15]), (2, 2, 5, 4));
    drop(first);
    let mut why = vec![0; usize::from(said[11]) - 1 + 8];
    theirs.read_exact(&mut why).await.unwrap();
    theirs.write_all(&frame(1, 6, b"")).await.unwrap();
    asked(&mut events).await.accept();
    drop(mux);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn garbage_is_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..4_096)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mux, mut events, mut theirs) = hostile();
            let reading = tokio::spawn(async move { while events.next().await.is_some() {} });
            theirs.write_all(&bytes).await.unwrap();
            drop(theirs);
            mux.ended().await;
            reading.await.unwrap();
        });
    }

    #[test]
    fn frames_in_any_order_are_taken_or_refused_without_a_panic(
        frames in proptest::collection::vec((0_u8..9, 0_u32..8, proptest::collection::vec(any::<u8>(), 0..6)), 0..64),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (mux, mut events, mut theirs) = hostile();
            let opening = tokio::spawn({
                let mux = mux.clone();
                async move { mux.open(b"x").await.map(drop) }
            });
            let reading = tokio::spawn(async move {
                while let Some(event) = events.next().await {
                    if let Event::Open(asked) = event {
                        let stream = asked.accept();
                        let _ = stream.receive().await;
                    }
                }
            });
            for (kind, stream, payload) in frames {
                theirs.write_all(&frame(kind, stream, &payload)).await.unwrap();
            }
            drop(theirs);
            mux.ended().await;
            let _ = opening.await.unwrap();
            reading.await.unwrap();
        });
    }
}
