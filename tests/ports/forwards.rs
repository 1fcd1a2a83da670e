//! What is forwarded, to where, and how it ends.

use crate::bed::{Forwarding, connect, echo, echo_in, free_port, port_of, service, there_and_back};
use devctl_tests::programs::wait_until;
use devctl_tests::sandbox::{Sandbox, config};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener};
use std::os::unix::net::UnixStream;

#[test]
fn a_service_of_the_loopback_is_reached_in_a_container_without_a_network() {
    let Some(home) = Sandbox::new() else { return };
    let folder = home.folder("ports", &config(r#", "runArgs": ["--network", "none"]"#));
    let up = home.up(&folder);
    echo_in(&home, up.container(), 7000);
    let forwarding = Forwarding::start(&home, up.name(), &["7000"]);
    assert!(
        forwarding.first[0]["listen"]
            .as_str()
            .unwrap()
            .starts_with("127.0.0.1:"),
        "{:?}",
        forwarding.first
    );
    let port = forwarding.port_to("7000");
    // Every byte, in its place, and the end of one direction does not end the other.
    let sent: Vec<u8> = (0..16_u32 << 20)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    assert!(there_and_back(port, &sent).unwrap() == sent);
    assert_eq!(there_and_back(port, b"").unwrap(), b"");

    let shown = home.run(&["show", "--json", up.name()]).expect(0).json();
    assert_eq!(shown["ports"], serde_json::json!([]), "nothing is published");
    let listed = || home.run(&["ports", "list", "--json", up.name()]).expect(0).json();
    // Who forwards looks about once a second.
    wait_until("the listener", || {
        listed()["containers"][0]["listeners"][0]["port"] == 7000
    });
    let list = listed();
    let ports = &list["containers"][0];
    assert_eq!(ports["listeners"][0]["address"], "127.0.0.1");
    assert_eq!(ports["listeners"][0]["process"], "perl");
    assert_eq!(ports["forwards"][0]["target"], "7000");
}

#[test]
fn what_nobody_listens_on_breaks_off_and_says_why() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("nobody", &config("")));
    let mut forwarding = Forwarding::start(&home, up.name(), &["7999"]);
    let port = forwarding.port_to("7999");
    let mut socket = connect(port);
    assert!(
        socket.read(&mut [0]).is_err(),
        "an end would look like an empty answer"
    );
    let refused = forwarding.update("refused");
    assert!(refused["why"].as_str().unwrap().contains("refused"), "{refused}");
    for (words, code) in [
        (&["ports", "forward", up.name(), "70000"][..], 2),
        (&["ports", "forward", up.name(), "--reverse", "x"], 2),
        (&["ports", "stop", up.name(), "1"], 3),
        (&["ports", "open", up.name(), "1"], 3),
        (&["ports", "list", "no-such-container"], 3),
    ] {
        let _ran = home.run(words).expect(code);
    }
}

#[test]
fn a_taken_port_is_told_and_two_containers_have_the_same_one() {
    let Some(home) = Sandbox::new() else { return };
    let port = free_port();
    let more = format!(r#", "forwardPorts": [{port}], "portsAttributes": {{"{port}": {{"label": "web"}}}}"#);
    let first = home.up(&home.folder("first", &config(&more)));
    let second = home.up(&home.folder("second", &config(&more)));
    for (container, name) in [(first.container(), "first"), (second.container(), "second")] {
        echo_in(&home, container, port);
        home.docker(&["exec", container, "sh", "-c", &format!("echo {name} > /tmp/name")]);
    }
    let one = Forwarding::start(&home, first.name(), &["--auto"]);
    let two = Forwarding::start(&home, second.name(), &["--auto"]);
    let target = port.to_string();
    let (here, beside) = (one.port_to(&target), two.port_to(&target));
    assert_ne!(here, beside);
    assert_eq!(one.first[0]["label"], "web");
    let note = two.first[0]["note"].as_str().unwrap();
    assert!(
        note.contains(&format!("port {here}")) && note.contains("taken"),
        "{note}"
    );
    assert_eq!(there_and_back(here, b"one").unwrap(), b"one");
    assert_eq!(there_and_back(beside, b"two").unwrap(), b"two");
    // A port that somebody names is that port or an error.
    let words = ["ports", "forward", second.name(), &format!("{here}:{port}")];
    let refused = home.run(&[&["--json"], &words[..]].concat()).expect(1).json();
    assert_eq!(refused["error"]["code"], "port.taken");
}

#[test]
fn a_required_port_is_that_port_or_an_error() {
    let Some(home) = Sandbox::new() else { return };
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let more = format!(
        r#", "forwardPorts": [{port}], "portsAttributes": {{"{port}": {{"requireLocalPort": true}}}}"#
    );
    let up = home.up(&home.folder("required", &config(&more)));
    let refused = home
        .run(&["ports", "forward", "--json", up.name()])
        .expect(1)
        .json();
    assert_eq!(refused["error"]["code"], "port.taken", "{refused}");
    let list = home.run(&["ports", "list", "--json"]).expect(0).json();
    assert_eq!(list["containers"], serde_json::json!([]), "nothing was left");
}

#[test]
fn services_of_this_computer_and_sockets_are_reached_and_go_with_their_forward() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("reverse", &config("")));
    let service = service(echo);
    let socket = home.home().join("here.sock");
    let reverse = format!("/tmp/there.sock:{service}");
    let into = format!("{}:/tmp/there.sock", socket.display());
    let mut forwarding = Forwarding::start(&home, up.name(), &["--reverse", &reverse, &into]);
    // Through the socket here, to the socket there, to the service here.
    let mut client = UnixStream::connect(&socket).unwrap();
    client.write_all(b"around").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut back = String::new();
    client.read_to_string(&mut back).unwrap();
    assert_eq!(back, "around");
    let there = [
        "exec",
        up.container(),
        "sh",
        "-c",
        "stat -c %a /tmp/there.sock 2>&1 || true",
    ];
    assert_eq!(home.docker(&there).trim(), "600");
    forwarding.process.signal("INT");
    assert_eq!(forwarding.process.end(), 0);
    assert!(!socket.exists());
    wait_until("the socket in the container to go", || {
        home.docker(&there).contains("No such file")
    });
    let left = std::fs::read_dir(home.state().join("forwards")).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn a_new_listener_is_found_within_a_second_and_its_end_is_noticed() {
    let Some(home) = Sandbox::new() else { return };
    let more = r#", "portsAttributes": {"7105": {"onAutoForward": "ignore"}, "(?s)^perl .* 7100$": {"label": "by command"}}"#;
    let up = home.up(&home.folder("found", &config(more)));
    let mut forwarding = Forwarding::start(&home, up.name(), &[]);
    let mut best = f64::MAX;
    echo_in(&home, up.container(), 7105);
    for number in 7100..7105_u16 {
        let container = up.container().to_owned();
        std::thread::scope(|threads| {
            let began = threads.spawn(|| echo_in(&home, &container, number));
            let found = forwarding.update("forwarded");
            let now = std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap();
            assert_eq!(found["forward"]["target"], number.to_string(), "{found}");
            assert_eq!(found["forward"]["origin"], "found");
            assert_eq!(found["tell"], true);
            if number == 7100 {
                assert_eq!(found["forward"]["label"], "by command");
            }
            let port = port_of(&[found["forward"].clone()], &number.to_string());
            assert_eq!(there_and_back(port, b"hello").unwrap(), b"hello");
            best = best.min(now.as_secs_f64() - began.join().unwrap());
        });
    }
    // The machine may be busy with other tests; once it was not.
    assert!(best < 1.0, "{best} seconds");
    home.docker(&["exec", up.container(), "sh", "-c", "kill $(cat /tmp/pid-7100)"]);
    let stopped = forwarding.update("stopped");
    assert_eq!(stopped["forward"]["target"], "7100");
}
