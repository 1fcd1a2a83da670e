//! Serial numbers, when several processes sign and some of them are killed.

use devctl_tests::programs::{Background, Ran, ran};
use devctl_tests::sandbox::{Sandbox, skip};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

/// Signs until as many certificates were handed out, and kills each third `devctl` at some point of its work.
fn issue(home: &Sandbox, key: &Path, process: u32) -> Vec<u64> {
    let mut handed_out = Vec::new();
    for number in 0..6_u32 {
        let name = format!("p{process}-{number}");
        let words = [
            "cert",
            "issue",
            key.to_str().unwrap(),
            "--json",
            "--role",
            "dev",
            "--name",
            &name,
        ];
        let mut devctl = home.devctl(&words);
        devctl.stdout(Stdio::piped()).stderr(Stdio::piped());
        if (number + process).is_multiple_of(3) {
            let mut killed = Background::start(&mut devctl);
            // Somewhere between its start and its end, at another place each time.
            std::thread::park_timeout(std::time::Duration::from_millis(u64::from(
                20 * (number + process),
            )));
            let _ended = killed.child().kill();
            continue;
        }
        let issued = Ran(devctl.output().unwrap()).expect(0).json();
        handed_out.push(issued["record"]["serial"].as_u64().unwrap());
    }
    handed_out
}

#[test]
fn eight_processes_that_are_killed_now_and_then_never_give_a_number_twice() {
    if !Path::new("/usr/bin/ssh-keygen").is_file() {
        return skip("there is no ssh-keygen");
    }
    // No engine is asked for a certificate of a role.
    let home = Sandbox::on("unix:///nonexistent/docker.sock");
    let key = home.home().join("key");
    ran(Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key));
    let key = key.with_extension("pub");
    let _made = home.run(&["ca", "list"]).expect(0);
    let handed_out: Vec<Vec<u64>> = std::thread::scope(|scope| {
        let processes: Vec<_> = (0..8)
            .map(|process| {
                let (home, key) = (&home, &key);
                scope.spawn(move || issue(home, key, process))
            })
            .collect();
        processes.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for one in &handed_out {
        assert!(one.is_sorted(), "the numbers of one process went back: {one:?}");
    }
    let all: Vec<u64> = handed_out.concat();
    let unique: BTreeSet<u64> = all.iter().copied().collect();
    assert_eq!(unique.len(), all.len(), "a number was given twice: {all:?}");
    assert_eq!(all.len(), 32);

    // The record knows each of them, and in the order of the time at which they were signed.
    let listed = home
        .run(&["cert", "list", "user", "--all", "--limit", "1000", "--json"])
        .expect(0)
        .json();
    let records = listed.as_array().unwrap();
    let mut recorded: Vec<(u64, &str)> = records
        .iter()
        .map(|one| (one["serial"].as_u64().unwrap(), one["issuedAt"].as_str().unwrap()))
        .collect();
    recorded.sort_unstable();
    assert!(
        recorded.windows(2).all(|pair| pair[0].0 < pair[1].0),
        "{recorded:?}"
    );
    assert!(
        recorded.windows(2).all(|pair| pair[0].1 <= pair[1].1),
        "{recorded:?}"
    );
    let recorded: BTreeSet<u64> = recorded.into_iter().map(|(serial, _)| serial).collect();
    assert!(unique.is_subset(&recorded));
    assert_eq!(recorded.first(), Some(&1), "numbers start at 1");
}
