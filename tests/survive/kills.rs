//! `kill -9` at each step of `up`, and two of them at once.

use devctl_tests::programs::{Background, Ran, wait_until};
use devctl_tests::sandbox::{IMAGE, Sandbox, Up, config, full};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Commands whose traces in the workspace tell what has run.
const HOOKS: &str = r#", "onCreateCommand": "echo created >> ran",
    "postCreateCommand": "echo began >> ran; sleep 0.3; echo ended >> ran""#;

/// Starts `up` in a way that ends with the test.
fn start(home: &Sandbox, folder: &Path) -> Background {
    let mut up = home.devctl(&["up", "--json", folder.to_str().unwrap()]);
    Background::start(up.stdout(Stdio::null()).stderr(Stdio::null()))
}

fn lines(folder: &Path) -> Vec<String> {
    let ran = fs::read_to_string(folder.join("ran")).unwrap_or_default();
    ran.lines().map(str::to_owned).collect()
}

fn count(lines: &[String], line: &str) -> usize {
    lines.iter().filter(|one| *one == line).count()
}

/// What has to hold after an `up` that was killed, once the next one was carried out. Says whether the killed one had
/// begun to change something.
fn recovers(home: &Sandbox, folder: &Path, when: &str) -> bool {
    let at_kill = lines(folder);
    let up = home.up(folder);
    let ran = lines(folder);
    assert_eq!(ran.last().map(String::as_str), Some("ended"), "{when}: {ran:?}");
    if at_kill.iter().any(|line| line == "began") {
        assert_eq!(
            count(&ran, "created"),
            1,
            "{when}: what had ended before is not run again: {ran:?}"
        );
    }
    is_alone(home, folder, &up, when)
}

/// What `up` made is there and works, and nothing else is left over. Says whether something was interrupted.
fn is_alone(home: &Sandbox, folder: &Path, up: &Up, when: &str) -> bool {
    assert_eq!(home.containers_of(folder), [up.container()], "{when}");
    let name = up.name();
    assert_eq!(
        home.traces(),
        [format!("container {name}"), format!("network devctl-{name}")],
        "{when}"
    );
    assert_eq!(home.ssh(up.host(), "echo in"), "in", "{when}");
    // The helper that fills the agent's volume is named after the state directory.
    let helpers = home.docker(&[
        "ps",
        "--all",
        "--filter",
        "label=dev.devctl.helper",
        "--format",
        "{{.Names}}",
    ]);
    let mut digest = Command::new("sh");
    digest
        .arg("-c")
        .arg(format!("printf %s '{}' | sha256sum", home.state().display()));
    let digest = devctl_tests::programs::ran(&mut digest);
    assert!(!helpers.contains(&digest[..12]), "{when}: {helpers}");

    let events = home
        .run(&["events", "--json", "--limit", "1000"])
        .expect(0)
        .json();
    let events = events["events"].as_array().unwrap().clone();
    let of = |outcome: &str| events.iter().filter(|event| event["outcome"] == outcome).count();
    assert_eq!(
        of("begun"),
        of("done") + of("interrupted"),
        "{when}: everything that began has an end: {events:?}"
    );
    of("interrupted") > 0
}

#[test]
fn a_kill_at_any_moment_is_made_good_by_the_next_up() {
    if Sandbox::new().is_none() {
        return;
    }
    let kills = if full() { 60 } else { 6 };
    for number in 0..kills {
        let Some(home) = Sandbox::new() else { return };
        let folder = home.folder("kill", &config(HOOKS));
        let delay = Duration::from_millis(2000) * number / kills;
        let mut up = start(&home, &folder);
        let deadline = Instant::now() + delay;
        while Instant::now() < deadline && up.child().try_wait().unwrap().is_none() {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        // It may have ended before, and then there is nobody to kill.
        let _gone = up.child().kill();
        let _status = up.child().wait();
        recovers(&home, &folder, &format!("killed after {delay:?}"));
    }
}

#[test]
fn a_kill_at_each_step_is_made_good_by_the_next_up() {
    if Sandbox::new().is_none() {
        return;
    }
    // What the engine tells of at each step of ours, the number of the time that counts, and the words.
    let points = [
        ("network create", 1),
        ("container create", 1),
        ("network connect", 1),
        ("container start", 1),
        ("container exec_start", 1),
        ("container exec_start", 2),
        ("container exec_start", 3),
    ];
    for (words, number) in points {
        let Some(home) = Sandbox::new() else { return };
        let folder = home.folder("step", &config(HOOKS));
        let unique = home.unique("step");
        let mut watch = Watch::begin(&home);
        let mut up = start(&home, &folder);
        watch.wait_for(words, &unique, number);
        let _gone = up.child().kill();
        let _status = up.child().wait();
        let when = format!("killed at {words} {number}");
        assert!(
            recovers(&home, &folder, &when),
            "{when}: the event log says that it was interrupted"
        );
    }
}

#[test]
fn a_kill_during_a_build_is_made_good_by_the_next_up() {
    let Some(home) = Sandbox::new() else { return };
    let folder = home.folder("built", r#"{ "build": { "dockerfile": "Dockerfile" } }"#);
    // A duration that no other process sleeps for, so that the step is seen from here.
    let step = format!("sleep 0.9{}", std::process::id());
    let dockerfile = format!("FROM {IMAGE}\nRUN {step}; {step}\nRUN echo built > /built\n");
    fs::write(folder.join(".devcontainer/Dockerfile"), dockerfile).unwrap();
    let mut up = start(&home, &folder);
    wait_until("the step", || {
        let running = Command::new("pgrep").args(["-xf", &step]).output().unwrap();
        running.status.success()
    });
    let _gone = up.child().kill();
    let _status = up.child().wait();
    assert_eq!(home.traces(), [""; 0]);
    let up = home.up(&folder);
    assert_eq!(home.ssh(up.host(), "cat /built"), "built");
    assert_eq!(home.containers_of(&folder), [up.container()]);
}

#[test]
fn a_kill_during_a_rebuild_or_a_removal_loses_nothing_that_was_to_stay() {
    if Sandbox::new().is_none() {
        return;
    }
    for (verb, words) in [
        ("rebuild", "container kill"),
        ("rebuild", "container destroy"),
        ("rebuild", "container create"),
        ("rebuild", "container start"),
        ("remove", "container kill"),
        ("remove", "container destroy"),
    ] {
        let Some(home) = Sandbox::new() else { return };
        let when = format!("{verb} killed at {words}");
        let volume = home.unique("data");
        let mounts = format!(r#", "mounts": ["source={volume},target=/data,type=volume"]"#);
        let folder = home.folder("step", &config(&mounts));
        let up = home.up(&folder);
        home.ssh(up.host(), "echo kept > /data/kept; echo kept > kept");
        let mut watch = Watch::begin(&home);
        let mut act = home.devctl(&[verb, "--yes", up.name()]);
        let mut act = Background::start(act.stdout(Stdio::null()).stderr(Stdio::null()));
        watch.wait_for(words, &home.unique("step"), 1);
        let _gone = act.child().kill();
        let _status = act.child().wait();
        // What the engine was asked for it carries out, whether the one who asked still lives or not: the next `up` waits
        // for that.
        let old = up.container().to_owned();
        let up = home.up(&folder);
        assert!(
            verb != "remove" || up.container() != old,
            "{when}: it was removed"
        );
        is_alone(&home, &folder, &up, &when);
        assert_eq!(home.ssh(up.host(), "cat /data/kept kept"), "kept\nkept", "{when}");
        let _removed = home.run(&["remove", "--yes", "--volumes", up.name()]).expect(0);
        assert_eq!(home.traces(), [""; 0], "{when}");
    }
}

/// What the engine tells of, from now on.
pub(crate) struct Watch(Background);

impl Watch {
    pub(crate) fn begin(home: &Sandbox) -> Self {
        let mut events = home.command("docker");
        events.args([
            "events",
            "--format",
            "{{.Type}} {{.Action}} {{.Actor.ID}} {{json .Actor.Attributes}} ;",
        ]);
        let mut events = Background::start(events.stdout(Stdio::piped()));
        // It listens once it has told of something that was done for just that.
        let (probe, heard) = (home.unique("probe"), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                wait_until("the engine to tell", || {
                    home.docker(&["volume", "create", &probe]);
                    home.docker(&["volume", "rm", &probe]);
                    heard.load(Ordering::Relaxed)
                });
            });
            events.read_until(&probe);
            heard.store(true, Ordering::Relaxed);
        });
        Self(events)
    }

    /// Waits until it has told so many times of something that begins with these words and is about `subject`.
    pub(crate) fn wait_for(&mut self, words: &str, subject: &str, times: usize) {
        let mut seen = 0;
        while seen < times {
            let event = self.0.read_until(";\n");
            if event.starts_with(words) && event.contains(subject) {
                seen += 1;
            }
        }
    }
}

#[test]
fn ctrl_c_takes_back_what_was_made_or_says_what_stays() {
    if Sandbox::new().is_none() {
        return;
    }
    for (words, stays) in [("network create", false), ("container exec_start", true)] {
        let Some(home) = Sandbox::new() else { return };
        let folder = home.folder("stop", &config(HOOKS));
        let mut watch = Watch::begin(&home);
        let mut up = home.devctl(&["up", folder.to_str().unwrap()]);
        let mut up = Background::start(up.stdout(Stdio::null()).stderr(Stdio::piped()));
        watch.wait_for(words, &home.unique("stop"), if stays { 2 } else { 1 });
        up.signal("INT");
        assert_eq!(up.end(), 130, "at {words}");
        let said = up.stderr();
        assert!(
            said.contains(if stays { "next up" } else { "removed" }),
            "at {words}: {said}"
        );
        assert_eq!(home.traces().is_empty(), !stays, "at {words}: {said}");
        let again = home.up(&folder);
        assert_eq!(home.containers_of(&folder), [again.container()]);
        assert_eq!(lines(&folder).last().map(String::as_str), Some("ended"));
    }
}

#[test]
fn two_at_once_make_one_container() {
    let Some(home) = Sandbox::new() else { return };
    let folder = home.folder("twice", &config(HOOKS));
    let both: Vec<_> = (0..2)
        .map(|_| {
            let mut up = home.devctl(&["up", "--json", folder.to_str().unwrap()]);
            up.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let ids: Vec<_> = both
        .into_iter()
        .map(|up| Ran(up.wait_with_output().unwrap()).expect(0).json()["container"].clone())
        .collect();
    assert_eq!(ids[0], ids[1]);
    assert_eq!(home.containers_of(&folder).len(), 1);
    assert_eq!(lines(&folder), ["created", "began", "ended"]);
}
