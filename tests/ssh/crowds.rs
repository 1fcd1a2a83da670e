//! Fifty at once.

use devctl_tests::programs::Ran;
use devctl_tests::sandbox::{Sandbox, Up, config};
use std::process::Stdio;

fn fifty(home: &Sandbox, up: &Up) {
    let clients: Vec<_> = (0..50)
        .map(|number| {
            let line = format!("echo {number}");
            let mut ssh = home.client("ssh");
            ssh.args([up.host(), &line])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for (number, client) in clients.into_iter().enumerate() {
        let ended = Ran(client.wait_with_output().unwrap()).expect(0);
        assert_eq!(ended.stdout(), format!("{number}\n"));
    }
}

#[test]
fn fifty_at_once_enter_and_one_of_fifty_starts() {
    let Some(home) = Sandbox::new() else { return };
    let config = config(r#", "postStartCommand": "echo started >> /tmp/starts""#);
    let up = home.up(&home.folder("crowd", &config));
    fifty(&home, &up);
    let _stopped = home.run(&["stop", "--timeout", "0", up.name()]).expect(0);
    fifty(&home, &up);
    assert_eq!(
        home.ssh(up.host(), "cat /tmp/starts"),
        "started\nstarted",
        "it was started once more, not fifty times"
    );
    let events = home
        .run(&["events", "--json", "--limit", "1000"])
        .expect(0)
        .json();
    let starts = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["door"] == "proxy" && event["operation"] == "up" && event["outcome"] == "done")
        .count();
    assert_eq!(starts, 1, "{events}");
}
