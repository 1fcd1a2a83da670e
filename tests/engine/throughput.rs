//! How fast the raw path is against the docker client, on the same engine and container.

use std::process::Stdio;
use std::time::{Duration, Instant};

use devctl_engine::{Engine, RawExecRequest};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Bench, docker};

/// Bytes of one run.
const SIZE: usize = 512 << 20;

fn request(cmd: &[&str]) -> RawExecRequest {
    RawExecRequest {
        cmd: cmd.iter().map(|&word| word.to_owned()).collect(),
        ..RawExecRequest::default()
    }
}

async fn down(engine: &dyn Engine, id: &str) -> Duration {
    let size = SIZE.to_string();
    let begin = Instant::now();
    let mut raw = engine
        .exec_raw(
            id,
            &request(&["head", "-c", &size, "/dev/zero"]),
            Box::new(|_| {}),
        )
        .await
        .unwrap();
    let mut buffer = vec![0; 256 << 10];
    let mut read = 0;
    while let count @ 1.. = raw.reader.read(&mut buffer).await.unwrap() {
        read += count;
    }
    assert_eq!(read, SIZE);
    begin.elapsed()
}

async fn up(engine: &dyn Engine, id: &str) -> Duration {
    let begin = Instant::now();
    let mut raw = engine
        .exec_raw(id, &request(&["sh", "-c", "wc -c"]), Box::new(|_| {}))
        .await
        .unwrap();
    let piece = vec![0; 256 << 10];
    for _ in 0..SIZE / piece.len() {
        raw.writer.write_all(&piece).await.unwrap();
    }
    raw.writer.shutdown().await.unwrap();
    let mut answer = String::new();
    raw.reader.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer.trim(), SIZE.to_string());
    begin.elapsed()
}

/// The same through the docker client, with plain files at its ends so that nothing else is measured.
fn client(id: &str, script: &str, input: bool) -> Duration {
    let begin = Instant::now();
    let mut command = std::process::Command::new("docker");
    command
        .args(["exec", "-i", id, "sh", "-c", script])
        .stdout(Stdio::null())
        .stdin(Stdio::null());
    if input {
        let mut head = std::process::Command::new("head")
            .args(["-c", &SIZE.to_string(), "/dev/zero"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        command.stdin(head.stdout.take().unwrap());
        assert!(command.status().unwrap().success());
        assert!(head.wait().unwrap().success());
    } else {
        assert!(command.status().unwrap().success());
    }
    begin.elapsed()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

#[ignore = "half a gigabyte in each direction, five times: run it on a machine that does nothing else"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_raw_path_is_not_slower_than_the_docker_client() {
    let Some(engine) = docker().await else { return };
    let bench = Bench {
        engine,
        prefix: format!("devctl-test-throughput-{}", std::process::id()),
    };
    let id = bench.start(&bench.sleeper()).await;
    let [
        mut ours_down,
        mut ours_up,
        mut theirs_down,
        mut theirs_up,
        mut ours_true,
        mut theirs_true,
    ] = [const { Vec::new() }; 6];
    for _ in 0..5 {
        ours_down.push(down(&*bench.engine, &id).await);
        theirs_down.push(client(&id, &format!("head -c {SIZE} /dev/zero"), false));
        ours_up.push(up(&*bench.engine, &id).await);
        theirs_up.push(client(&id, "wc -c", true));
        let begin = Instant::now();
        let mut raw = bench
            .engine
            .exec_raw(&id, &request(&["true"]), Box::new(|_| {}))
            .await
            .unwrap();
        raw.reader.read_to_end(&mut Vec::new()).await.unwrap();
        ours_true.push(begin.elapsed());
        theirs_true.push(client(&id, "true", false));
    }
    bench.tidy().await;
    let rate = |seconds: f64| SIZE as f64 / seconds / 1e6;
    let (ours_down, theirs_down) = (rate(median(ours_down)), rate(median(theirs_down)));
    let (ours_up, theirs_up) = (rate(median(ours_up)), rate(median(theirs_up)));
    println!("down {ours_down:.0} MB/s, docker exec {theirs_down:.0} MB/s");
    println!("up {ours_up:.0} MB/s, docker exec {theirs_up:.0} MB/s");
    println!(
        "true {:.0} ms, docker exec {:.0} ms",
        median(ours_true) * 1e3,
        median(theirs_true) * 1e3
    );
    assert!(ours_down > 0.9 * theirs_down && ours_up > 0.9 * theirs_up);
}
