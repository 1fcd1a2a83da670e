//! Processes in running containers.

use std::sync::{Arc, Mutex};

use devctl_engine::{ExecRequest, OutputStream, RawExecRequest, TerminalSize};
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::Bench;

fn shell(script: &str) -> Vec<String> {
    ["sh", "-c", script].map(String::from).to_vec()
}

pub(crate) async fn streams(bench: Bench) {
    let id = bench.start(&bench.sleeper()).await;
    let request = ExecRequest {
        cmd: shell("cat; echo \"$A $PWD $(id -un)\" >&2; exit 7"),
        env: vec![("A".into(), "b c".into())],
        user: Some("nobody".into()),
        workdir: Some("/usr/bin".into()),
        stdin: true,
        ..ExecRequest::default()
    };
    let session = bench.engine.exec(&id, &request).await.unwrap();
    let input = vec![b'x'; 300_000];
    let done = session.finish(&input, usize::MAX).await.unwrap();
    assert_eq!(done.stdout, input);
    assert_eq!(String::from_utf8(done.stderr).unwrap(), "b c /usr/bin nobody\n");
    assert_eq!(done.code, 7);

    let quiet = ExecRequest {
        cmd: shell("wc -c"),
        ..ExecRequest::default()
    };
    let done = bench
        .engine
        .exec(&id, &quiet)
        .await
        .unwrap()
        .finish(b"", 100)
        .await
        .unwrap();
    assert_eq!(done.stdout, b"0\n", "no standard input means an empty one");
}

pub(crate) async fn half_close(bench: Bench) {
    let id = bench.start(&bench.sleeper()).await;
    let request = ExecRequest {
        cmd: shell("sort; echo after"),
        stdin: true,
        ..ExecRequest::default()
    };
    let mut session = bench.engine.exec(&id, &request).await.unwrap();
    let mut input = session.input.take().unwrap();
    input.write_all(b"b\na\n").await.unwrap();
    assert_eq!(session.exit_code().await.unwrap(), None, "it waits for more");
    input.shutdown().await.unwrap();
    let frames: Vec<_> = session.output.by_ref().try_collect().await.unwrap();
    let text: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes.to_vec()).collect();
    assert_eq!(String::from_utf8(text).unwrap(), "a\nb\nafter\n");
    assert_eq!(session.control.wait_for_exit().await.unwrap(), 0);
}

pub(crate) async fn terminal(bench: Bench) {
    let id = bench.start(&bench.sleeper()).await;
    let mut seen = resized_terminal(&bench, &id).await;
    // Podman 4.3 now and then loses the last words of a terminal whose process has ended, and says so in the output.
    for _ in 0..3 {
        if bench.podman() && seen.contains("connection reset by peer") {
            seen = resized_terminal(&bench, &id).await;
        }
    }
    assert!(seen.contains("37 101"), "{seen}");
    assert!(seen.contains("43 132"), "{seen}");
}

/// What a terminal says that is opened with one size and then given another.
async fn resized_terminal(bench: &Bench, id: &str) -> String {
    let request = ExecRequest {
        cmd: shell(
            "read go; stty size; trap 'stty size; exit' WINCH; echo ready; while :; do read again; done",
        ),
        tty: Some(TerminalSize {
            columns: 101,
            rows: 37,
        }),
        stdin: true,
        ..ExecRequest::default()
    };
    let mut session = bench.engine.exec(id, &request).await.unwrap();
    let mut input = session.input.take().unwrap();
    input.write_all(b"go\n").await.unwrap();
    let mut seen = String::new();
    let mut resized = false;
    while let Some(frame) = session.output.next().await {
        let frame = match frame {
            Ok(frame) => frame,
            // The same, said by the connection.
            Err(error) if bench.podman() => return format!("connection reset by peer: {error}"),
            Err(error) => panic!("{error}"),
        };
        assert_eq!(frame.stream, OutputStream::Stdout);
        seen.push_str(&String::from_utf8_lossy(&frame.bytes));
        if seen.contains("ready") && !resized {
            resized = true;
            session
                .resize(TerminalSize {
                    columns: 132,
                    rows: 43,
                })
                .await
                .unwrap();
        }
        // dash runs a trap when the read ends.
        if resized {
            input.write_all(b"x\n").await.ok();
        }
    }
    seen
}

pub(crate) async fn exit_codes(bench: Bench) {
    let id = bench.start(&bench.sleeper()).await;
    for (script, code) in [
        ("exit 0", 0),
        ("exit 1", 1),
        ("exit 255", 255),
        ("kill -9 $$", 137),
        ("kill -TERM $$", 143),
    ] {
        assert_eq!(bench.shell(&id, script).await.code, code, "{script}");
    }
    let request = ExecRequest {
        cmd: vec!["/no/such/program".into()],
        ..ExecRequest::default()
    };
    match bench.engine.exec(&id, &request).await {
        // Docker starts and ends it with 126 or 127, Podman may refuse at once.
        Ok(session) => assert!([126, 127].contains(&session.finish(b"", 1000).await.unwrap().code)),
        Err(error) => assert!(error.to_string().contains("no such file"), "{error}"),
    }
}

pub(crate) async fn raw_bytes(bench: Bench) {
    const SIZE: usize = 20 << 20;
    let id = bench.start(&bench.sleeper()).await;
    let request = RawExecRequest {
        cmd: shell("echo to-stderr >&2; cat"),
        ..RawExecRequest::default()
    };
    let heard = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&heard);
    let sink = Box::new(move |bytes: &[u8]| sink.lock().unwrap().extend_from_slice(bytes));
    let raw = bench.engine.exec_raw(&id, &request, sink).await.unwrap();
    let (mut reader, mut writer) = (raw.reader, raw.writer);
    let mut state = 1_u64;
    let sent: Vec<u8> = (0..SIZE)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        })
        .collect();
    let copy = sent.clone();
    let writing = tokio::spawn(async move {
        writer.write_all(&copy).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let mut received = Vec::with_capacity(SIZE);
    reader.read_to_end(&mut received).await.unwrap();
    writing.await.unwrap();
    assert!(
        received == sent,
        "{} of {} bytes came back",
        received.len(),
        sent.len()
    );
    assert_eq!(*heard.lock().unwrap(), b"to-stderr\n");
    assert_eq!(raw.control.wait_for_exit().await.unwrap(), 0);
}
