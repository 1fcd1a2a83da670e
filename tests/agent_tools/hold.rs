use std::time::{Duration, Instant};

use crate::bed::Container;
use devctl_tests::agent::{docker, empty_image};
use devctl_tests::need_engine;
use devctl_tests::programs::wait_until;
use devctl_tests::sandbox::IMAGE;

#[test]
fn it_stops_at_once_and_well() {
    need_engine!();
    let variants: [(&str, &[&str]); 4] = [
        (IMAGE, &[]),
        (empty_image(), &[]),
        (
            empty_image(),
            &["--user", "1000:1000", "--read-only", "--cap-drop", "ALL"],
        ),
        (IMAGE, &["--init", "--user", "1000"]),
    ];
    for (image, arguments) in variants {
        let container = Container::start(image, arguments, &[]);
        wait_until("the first line", || container.log().0 == "Container started\n");
        let begun = Instant::now();
        docker(&["stop", &container.name]);
        // The engine would wait for ten seconds.
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "{arguments:?}: {:?}",
            begun.elapsed()
        );
        assert_eq!(container.inspect(".State.ExitCode"), "0", "{arguments:?}");
        // And it can be started again.
        docker(&["start", &container.name]);
        assert_eq!(container.inspect(".State.Running"), "true");
    }
}

#[test]
fn every_signal_that_stops_a_container_ends_it() {
    need_engine!();
    let container = Container::new();
    for signal in ["TERM", "INT", "HUP", "QUIT", "RTMIN+3"] {
        docker(&["kill", "--signal", signal, &container.name]);
        assert_eq!(docker(&["wait", &container.name]).trim(), "0", "{signal}");
        docker(&["start", &container.name]);
    }
    docker(&["kill", "--signal", "USR1", &container.name]);
    assert_eq!(container.inspect(".State.Running"), "true");
}

#[test]
fn orphans_are_reaped() {
    need_engine!();
    let container = Container::new();
    container.exec("for i in 1 2 3 4 5 6 7 8 9; do (sleep 0.1 &); done");
    wait_until("the orphans", || container.processes("sleep|defunct") == 0);
}

#[test]
fn orphans_are_reaped_where_it_is_not_the_first_process() {
    need_engine!();
    let script = "(sleep 0.2 &); (sleep 4721 &); sleep 4722";
    let container = Container::start(IMAGE, &["--init"], &["--", "sh", "-c", script]);
    wait_until("the command", || container.processes("^sleep 472[12]") == 2);
    wait_until("the orphans", || container.processes("^sleep 0.2|defunct") == 0);
    let parent = container.exec("ps -o args= -p $(ps -o ppid= -p $(pgrep -f '^sleep 4721'))");
    assert!(parent.contains("hold"), "{parent}");
}

#[test]
fn the_container_outlives_the_command() {
    need_engine!();
    let container = Container::start(
        IMAGE,
        &[],
        &["--", "sh", "-c", "echo from the entrypoint; exit 3"],
    );
    wait_until("the end of the command", || {
        container.log().1.contains("ended with 3")
    });
    assert_eq!(container.log().0, "Container started\nfrom the entrypoint\n");
    assert_eq!(container.inspect(".State.Running"), "true");

    let container = Container::start(empty_image(), &[], &["--", "/no/such/entrypoint"]);
    wait_until("the complaint", || {
        container.log().1 == "devctl-agent: /no/such/entrypoint: not found\n"
    });
    assert_eq!(container.inspect(".State.Running"), "true");
}

#[test]
fn a_wrong_command_line_is_refused() {
    need_engine!();
    let container = Container::new();
    for arguments in [
        &["hold", "sleep"][..],
        &["hold", "--"],
        &["guard", "sleep", "1"],
        &["own", "1:1"],
        &["probe"],
    ] {
        let output = container.run("root", arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(
            complaint.starts_with("devctl-agent: usage: devctl-agent ") && complaint.lines().count() == 1
        );
    }
}
