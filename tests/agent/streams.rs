//! Many bytes, both ways.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::Stdio;

use crate::bed::{Bed, HOST, run};
use devctl_tests::need_engine;

/// 1 GB in the long run, 200 MB else.
fn megabytes() -> usize {
    if std::env::var_os("DEVCTL_TEST_FULL").is_some_and(|value| value == "1") {
        1000
    } else {
        200
    }
}

/// Random bytes, their file and hash.
fn random_file(bed: &Bed) -> (std::path::PathBuf, String) {
    let path = bed.path("random");
    run(
        "dd",
        &[
            "if=/dev/urandom",
            &format!("of={}", path.display()),
            "bs=1M",
            &format!("count={}", megabytes()),
            "status=none",
        ],
    );
    let hash = hash_of(&run("sha256sum", &[path.to_str().unwrap()]));
    (path, hash)
}

fn hash_of(line: &str) -> String {
    line.split(' ').next().unwrap().to_owned()
}

#[test]
fn what_goes_in_comes_out() {
    need_engine!();
    let bed = Bed::new();
    let (path, hash) = random_file(&bed);
    let up = bed
        .client("ssh")
        .args([HOST, "tee /work/copy | sha256sum"])
        .stdin(File::open(&path).unwrap())
        .output()
        .unwrap();
    assert_eq!(hash_of(&String::from_utf8(up.stdout).unwrap()), hash);
    let down = bed.path("down");
    let status = bed
        .client("ssh")
        .args([HOST, "cat /work/copy"])
        .stdout(File::create(&down).unwrap())
        .status();
    assert!(status.unwrap().success());
    assert_eq!(hash_of(&run("sha256sum", &[down.to_str().unwrap()])), hash);
}

#[test]
fn a_command_that_answers_while_it_reads_does_not_stop() {
    need_engine!();
    let bed = Bed::new();
    let (path, hash) = random_file(&bed);
    // Everything goes through the command and back on one connection.
    let echoed = bed.path("echoed");
    let status = bed
        .client("ssh")
        .args([HOST, "cat"])
        .stdin(File::open(path).unwrap())
        .stdout(File::create(&echoed).unwrap())
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(hash_of(&run("sha256sum", &[echoed.to_str().unwrap()])), hash);
}

#[test]
fn a_command_that_gives_more_than_it_takes_does_not_stop() {
    need_engine!();
    let bed = Bed::new();
    // 40 MB of text that become 160 MB: the answer's window is full while the input waits.
    let mut child = bed
        .client("ssh")
        .args([HOST, "sed 's/.*/&&&&/'"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        let line = [[b'x'; 79].as_slice(), b"\n"].concat().repeat(1000);
        for _ in 0..500 {
            stdin.write_all(&line).unwrap();
        }
    });
    let mut total = 0;
    let mut stdout = child.stdout.take().unwrap();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = stdout.read(&mut buffer).unwrap();
        if count == 0 {
            break;
        }
        total += count;
    }
    writer.join().unwrap();
    assert_eq!(total, 500 * 1000 * (79 * 4 + 1));
    assert!(child.wait().unwrap().success());
}

#[test]
fn input_that_nobody_takes_is_held_back() {
    need_engine!();
    let bed = Bed::new();
    let mut client = bed.started(&[], "sleep 1000");
    let mut stdin = client.0.stdin.take().unwrap();
    let (sender, progress) = std::sync::mpsc::channel();
    let writer = std::thread::spawn(move || {
        let block = vec![0; 1 << 20];
        while stdin.write_all(&block).is_ok() && sender.send(()).is_ok() {}
    });
    // It stops by itself: no progress for two seconds.
    let mut megabytes = 0;
    while progress.recv_timeout(std::time::Duration::from_secs(2)).is_ok() {
        megabytes += 1;
        assert!(megabytes < 200, "nothing holds the client back");
    }
    // What the agent holds is bounded.
    let resident = bed
        .container
        .exec("ps -C devctl-agent -o rss= | sort -n | tail -1");
    assert!(
        resident.trim().parse::<usize>().unwrap() < 120_000,
        "{resident} KiB"
    );
    drop(client);
    writer.join().unwrap();
}
