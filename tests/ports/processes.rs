//! Containers and processes that stop, are killed, and come back.

use crate::bed::{Forwarding, connect, echo_in, there_and_back};
use devctl_tests::programs::wait_until;
use devctl_tests::sandbox::{Sandbox, config};
use std::io::{Read as _, Write as _};

#[test]
fn a_container_that_stops_breaks_connections_off_and_works_again_when_it_is_back() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("back", &config("")));
    echo_in(&home, up.container(), 7400);
    let mut forwarding = Forwarding::start(&home, up.name(), &["7400"]);
    let port = forwarding.port_to("7400");
    let mut open = connect(port);
    open.write_all(b"x").unwrap();
    open.read_exact(&mut [0]).unwrap();
    let _ran = home.run(&["stop", "--timeout", "0", up.name()]).expect(0);
    forwarding.update("waiting");
    assert!(open.read(&mut [0]).is_err(), "it must not look like a proper end");

    let _ran = home.run(&["start", up.name()]).expect(0);
    home.docker(&["exec", up.container(), "rm", "-f", "/tmp/ready-7400"]);
    echo_in(&home, up.container(), 7400);
    forwarding.update("connected");
    assert_eq!(there_and_back(port, b"again").unwrap(), b"again");

    let _ran = home.run(&["remove", "--yes", up.name()]).expect(0);
    forwarding.update("ended");
    assert_eq!(forwarding.process.end(), 0);
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn others_see_what_is_forwarded_end_it_and_clean_up_after_the_dead() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("seen", &config("")));
    echo_in(&home, up.container(), 7500);
    let list = || {
        let list = home.run(&["ports", "list", "--json"]).expect(0).json();
        let first = &list["containers"][0]["forwards"];
        first.as_array().cloned().unwrap_or_default()
    };
    let detached = home
        .run(&[
            "ports",
            "forward",
            "--json",
            "--detach",
            up.name(),
            "7500",
            "7501",
        ])
        .expect(0)
        .json();
    let forwards = detached["forwards"].as_array().unwrap();
    assert_eq!(&list(), forwards);
    let port = crate::bed::port_of(forwards, "7500");
    assert_eq!(there_and_back(port, b"detached").unwrap(), b"detached");
    let _ran = home.run(&["ports", "stop", up.name(), "7501"]).expect(0);
    assert_eq!(list().len(), 1);
    let table = home.run(&["ports", "list", up.name()]).expect(0).stdout();
    assert!(
        table.contains("7500") && table.contains(&format!("127.0.0.1:{port}")),
        "{table}"
    );
    let _ran = home.run(&["ports", "stop", up.name()]).expect(0);
    assert!(list().is_empty());
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());

    let mut killed = Forwarding::start(&home, up.name(), &["7500"]);
    assert_eq!(list().len(), 1);
    killed.process.signal("KILL");
    assert_eq!(killed.process.end(), -1);
    assert!(list().is_empty());
    assert_eq!(
        std::fs::read_dir(home.state().join("forwards")).unwrap().count(),
        0
    );
    wait_until("the agent to go with its host", || {
        !home
            .docker(&["top", up.container(), "-eo", "pid,args"])
            .contains("devctl-agent forward")
    });
    let events = home
        .run(&["events", "--json", "--container", up.name()])
        .expect(0)
        .json();
    let operations: Vec<&str> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|event| event["operation"].as_str())
        .collect();
    assert!(operations.contains(&"forward_ports") && operations.contains(&"stop_forwards"));
}
