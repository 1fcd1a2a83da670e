//! A container that nobody uses is stopped by the service; one that is used is not, and who comes later starts it again.

use devctl_tests::programs::{Background, wait_until};
use devctl_tests::sandbox::{Sandbox, config};
use serde_json::Value;
use std::process::Stdio;
use std::time::{Duration, Instant};

fn idle(home: &Sandbox, name: &str) -> Value {
    let list = home.run(&["idle", "list", "--json"]).expect(0).json();
    let containers = list["containers"].as_array().unwrap();
    containers
        .iter()
        .find(|one| one["container"] == name)
        .unwrap()
        .clone()
}

/// A session in which nothing happens.
fn session(home: &Sandbox, host: &str) -> Background {
    let mut ssh = home.client("ssh");
    ssh.args([host, "echo in; sleep 1000"]).stdout(Stdio::piped());
    let mut session = Background::start(&mut ssh);
    session.read_until("in");
    session
}

#[test]
fn what_nobody_uses_is_announced_and_stopped_and_a_login_starts_it_again() {
    let Some(home) = Sandbox::new() else { return };
    let empty = home.up(&home.folder("empty", &config("")));
    let used = home.up(&home.folder("used", &config("")));
    let exempt = home.up(&home.folder("exempt", &config("")));
    let busy = home.up(&home.folder("busy", &config("")));
    let _done = home
        .run(&["settings", "set", "idle.stopAfterMinutes", "1"])
        .expect(0);
    let _done = home.run(&["settings", "set", "idle.graceMinutes", "1"]).expect(0);
    let _done = home.run(&["idle", "set", exempt.name(), "--never"]).expect(0);
    assert_eq!(idle(&home, exempt.name())["stopAfterMinutes"], Value::Null);
    assert_eq!(idle(&home, empty.name())["stopAfterMinutes"], 1);
    // Something works in one, and nobody is in it.
    let _done = home.run(&["settings", "set", "idle.cpuPercent", "20"]).expect(0);
    let worker = "nohup sh -c 'while :; do :; done' >/dev/null 2>&1 & echo started";
    assert_eq!(home.ssh(busy.host(), worker), "started");
    let mut service = Background::start(&mut home.devctl(&["service", "run"]));
    wait_until("the service", || {
        home.run(&["service", "status", "--json"]).expect(0).json()["watchedBy"] == "service"
    });
    // There is one service.
    let second = home.run(&["service", "run"]);
    assert_eq!(second.code(), 1);
    assert!(second.stderr().contains("service.running"), "{}", second.stderr());
    // A session in which nothing happens is a use all the same.
    let mut session = session(&home, used.host());
    assert_eq!(idle(&home, used.name())["state"], "inUse");
    let begin = Instant::now();
    let mut was_announced = false;
    while idle(&home, empty.name())["state"] != "stopped" {
        was_announced |= idle(&home, empty.name())["stopsAt"].is_string();
        assert!(begin.elapsed() < Duration::from_secs(240), "it was not stopped");
        std::thread::park_timeout(Duration::from_millis(500));
    }
    assert!(was_announced);
    assert_eq!(idle(&home, used.name())["state"], "inUse");
    assert_eq!(idle(&home, exempt.name())["state"], "idle");
    assert_eq!(idle(&home, busy.name())["state"], "idle");
    assert!(idle(&home, busy.name())["stopsAt"].is_string());
    let events = home
        .run(&["events", "--json", "--container", empty.name()])
        .expect(0)
        .json();
    let by_service: Vec<(&str, &str)> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["door"] == "service")
        .map(|event| {
            (
                event["operation"].as_str().unwrap(),
                event["outcome"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        by_service,
        [
            ("announce_idle_stop", "begun"),
            ("announce_idle_stop", "done"),
            ("stop_container", "begun"),
            ("stop_container", "done"),
        ]
    );
    // Nothing was lost but what ran: a login starts it again.
    assert_eq!(home.ssh(empty.host(), "echo back"), "back");
    // What is kept awake stays; and no longer, when that is taken back.
    let kept = home
        .run(&["keep-awake", empty.name(), "3h", "--json"])
        .expect(0)
        .json();
    assert_eq!(kept["state"], "keptAwake");
    assert!(
        kept["stopsAt"].is_null() && kept["awakeUntil"].is_string(),
        "{kept}"
    );
    let awake_no_more = home
        .run(&["keep-awake", empty.name(), "--off", "--json"])
        .expect(0)
        .json();
    assert_eq!(awake_no_more["state"], "idle");
    // The service ends when it is asked to, and leaves nothing that counts as running.
    service.signal("TERM");
    assert_eq!(service.end(), 0);
    let status = home.run(&["service", "status", "--json"]).expect(0).json();
    assert!(
        status["pid"].is_null() && status["watchedBy"].is_null(),
        "{status}"
    );
    session.signal("TERM");
    let _ = session.end();
    // What was kept of a container goes with it.
    let _done = home.run(&["remove", exempt.name(), "--yes"]).expect(0);
    let rules = home.state().join("idle").join(format!("{}.json", exempt.name()));
    assert!(!rules.exists());
}

#[test]
fn a_service_that_was_killed_leaves_nothing_in_the_way() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("killed", &config("")));
    for _ in 0..3 {
        let mut service = Background::start(&mut home.devctl(&["service", "run"]));
        wait_until("the service", || {
            home.run(&["service", "status", "--json"]).expect(0).json()["watchedBy"] == "service"
        });
        service.signal("KILL");
        let _ = service.end();
        let mut session = session(&home, up.host());
        assert_eq!(idle(&home, up.name())["state"], "inUse");
        session.signal("KILL");
        let _ = session.end();
        wait_until("the end of the use", || idle(&home, up.name())["state"] == "idle");
    }
    let status = home.run(&["service", "status", "--json"]).expect(0).json();
    assert!(
        status["pid"].is_null() && status["watchedBy"].is_null(),
        "{status}"
    );
}
