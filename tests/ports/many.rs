//! Many connections, slow ones, and none that is left.

use crate::bed::{Forwarding, connect, echo, service, there_and_back};
use devctl_tests::programs::wait_until;
use devctl_tests::sandbox::{Sandbox, config, full};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// Descriptors of the agents that forward, as this computer sees them; none where it may not look.
fn descriptors_of_agents(home: &Sandbox, container: &str) -> Option<usize> {
    let processes = home.docker(&["top", container, "-eo", "pid,args"]);
    let ids = processes
        .lines()
        .filter(|line| line.ends_with("devctl-agent forward"));
    let ids = ids.filter_map(|line| line.split_whitespace().next());
    ids.map(|id| Some(std::fs::read_dir(format!("/proc/{id}/fd")).ok()?.count()))
        .sum()
}

#[test]
fn a_thousand_connections_at_once_and_ten_thousand_after_another_leave_no_descriptor() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("many", &config("")));
    let service = service(echo);
    // Into the container, to the agent's own listener there, and out again: both ways at once.
    let reverse = format!("7200:{service}");
    let mut forwarding = Forwarding::start(&home, up.name(), &["--reverse", &reverse, "7200"]);
    let port = forwarding.port_to("7200");
    assert_eq!(there_and_back(port, b"warm").unwrap(), b"warm");
    let quiet = |forwarding: &mut Forwarding| {
        (
            forwarding.descriptors(),
            descriptors_of_agents(&home, up.container()),
        )
    };
    let before = quiet(&mut forwarding);

    let mut sockets: Vec<TcpStream> = (0..1_000).map(|_| connect(port)).collect();
    for (number, socket) in sockets.iter_mut().enumerate() {
        socket.write_all(&(number as u32).to_be_bytes()).unwrap();
    }
    for (number, socket) in sockets.iter_mut().enumerate() {
        let mut back = [0; 4];
        socket.read_exact(&mut back).unwrap();
        assert_eq!(u32::from_be_bytes(back) as usize, number);
    }
    assert!(forwarding.descriptors() >= 2_000, "all of them are open at once");
    drop(sockets);

    let (threads, each) = (20, if full() { 5_000 } else { 500 });
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                for number in 0..each {
                    let sent = format!("{thread} {number}");
                    assert_eq!(there_and_back(port, sent.as_bytes()).unwrap(), sent.as_bytes());
                }
            });
        }
    });
    wait_until("every descriptor to be closed", || {
        let after = quiet(&mut forwarding);
        after.0 <= before.0 + 8 && after.1 <= before.1.map(|count| count + 8)
    });
}

#[test]
fn whoever_does_not_read_holds_up_nobody_else() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("slow", &config("")));
    let endless = service(|mut socket| {
        let piece = [7; 64 * 1024];
        while socket.write_all(&piece).is_ok() {}
    });
    let service = service(echo);
    let arguments = [
        "--reverse",
        &format!("7300:{endless}"),
        "--reverse",
        &format!("7301:{service}"),
        "7300",
        "7301",
    ];
    let mut forwarding = Forwarding::start(&home, up.name(), &arguments);
    let deaf: Vec<TcpStream> = (0..10).map(|_| connect(forwarding.port_to("7300"))).collect();
    for mut socket in &deaf {
        socket.read_exact(&mut [0]).unwrap();
    }
    let sent = vec![1; 8 << 20];
    assert!(there_and_back(forwarding.port_to("7301"), &sent).unwrap() == sent);
    // What they do not read is not kept here either: ten windows, and not all that is sent.
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", forwarding.process.child().id())).unwrap();
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    let kilobytes: u64 = resident.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kilobytes < 256 * 1024, "{kilobytes} KiB");
}
