//! Nothing stays behind, however a connection ends.

use std::io::{Read as _, Write as _};
use std::process::Command;

use crate::bed::{Bed, HOST};
use devctl_tests::need_engine;
use devctl_tests::programs::wait_until;

fn kill_9(pid: u32) {
    crate::bed::run("kill", &["-9", &pid.to_string()]);
}

fn agents(bed: &Bed) -> usize {
    bed.container.processes("devctl-agent serve")
}

/// The pids of the ProxyCommand's processes that carry bytes for this container.
fn proxies(bed: &Bed) -> Vec<u32> {
    let output = Command::new("pgrep")
        .args(["-f", &format!("docker exec -i .*{}", bed.container.name)])
        .output()
        .unwrap();
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| line.parse().unwrap())
        .collect()
}

#[test]
fn a_killed_client_leaves_no_process() {
    need_engine!();
    let bed = Bed::new();
    let scripts = [
        "sleep 4711",
        "sleep 4711 & sleep 4711; wait",
        // Will not hear a hangup and has children.
        "trap : HUP TERM INT; (trap : HUP; sleep 4711; sleep 4711) & while :; do sleep 4711; done",
        // In the middle of a transfer.
        "cat /dev/zero & sleep 4711",
    ];
    for (arguments, script) in scripts
        .iter()
        .flat_map(|script| [(&[][..], script), (&["-tt"][..], script)])
    {
        let client = bed.started(arguments, script);
        wait_until("the command", || bed.container.processes("^sleep 4711") > 0);
        kill_9(client.0.id());
        wait_until(&format!("the end of {script:?} {arguments:?}"), || {
            agents(&bed) == 0 && bed.container.processes("^(sleep 4711|cat /dev/zero)") == 0
        });
    }
}

#[test]
fn a_killed_proxy_leaves_no_process_also_in_the_middle_of_a_transfer() {
    need_engine!();
    let bed = Bed::new();
    let client = bed.started(&[], "sleep 4711");
    for pid in proxies(&bed) {
        kill_9(pid);
    }
    wait_until("the end", || {
        agents(&bed) == 0 && bed.container.processes("^sleep 4711") == 0
    });
    drop(client);

    // Up: the client sends as fast as it can.
    let mut client = bed.started(&[], "cat > /dev/null; sleep 4711");
    let mut stdin = client.0.stdin.take().unwrap();
    for _ in 0..50 {
        stdin.write_all(&[0; 1 << 16]).unwrap();
    }
    for pid in proxies(&bed) {
        kill_9(pid);
    }
    wait_until("the end", || {
        agents(&bed) == 0 && bed.container.processes("^(sleep 4711|cat)") == 0
    });
    drop(client);

    // Down: the output has nowhere to go.
    let client = bed.started(&[], "cat /dev/zero");
    for pid in proxies(&bed) {
        kill_9(pid);
    }
    wait_until("the end", || {
        agents(&bed) == 0 && bed.container.processes("^cat /dev/zero") == 0
    });
    drop(client);
}

#[test]
fn a_killed_agent_takes_its_commands_with_it() {
    need_engine!();
    let bed = Bed::new();
    let _client = bed.started(&[], "sleep 4711");
    bed.container.exec("pkill -9 -x devctl-agent");
    wait_until("the end", || {
        agents(&bed) == 0 && bed.container.processes("sleep 4711") == 0
    });
}

#[test]
fn what_is_told_to_stay_stays() {
    need_engine!();
    let bed = Bed::new();
    // As with sshd: nohup, another session, and what a command left behind when it ended by itself.
    let client = bed.started(
        &[],
        "nohup sleep 4801 >/dev/null 2>&1 & setsid sleep 4802 >/dev/null 2>&1 & sleep 4803",
    );
    wait_until("the commands", || bed.container.processes("^sleep 480[123]") == 3);
    kill_9(client.0.id());
    wait_until("the agent's end", || {
        agents(&bed) == 0 && bed.container.processes("^sleep 4803") == 0
    });
    assert_eq!(bed.container.processes("^sleep 480[12]"), 2);
    bed.sh("sleep 4804 >/dev/null 2>&1 </dev/null &");
    wait_until("the agent's end", || agents(&bed) == 0);
    assert_eq!(bed.container.processes("^sleep 4804"), 1);
}

#[test]
fn a_closed_session_ends_its_command_while_the_connection_lives() {
    need_engine!();
    let bed = Bed::new();
    let (_master, socket) = bed.master();
    // Without input: while some is open, OpenSSH's master does not tell the other side that its client is gone.
    let session = bed.started(&["-n", "-S", &socket], "sleep 4711");
    kill_9(session.0.id());
    wait_until("the end of the command", || {
        bed.container.processes("sleep 4711") == 0
    });
    assert_eq!(agents(&bed), 1);
    assert_eq!(
        String::from_utf8_lossy(&bed.ssh(&["-S", &socket, HOST, "echo on"]).stdout),
        "on\n"
    );
}

#[test]
fn a_container_that_is_stopped_ends_its_clients() {
    need_engine!();
    let bed = Bed::new();
    let mut down = bed.started(&[], "cat /dev/zero");
    let mut stdout = down.0.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while stdout.read(&mut buffer).is_ok_and(|count| count > 0) {}
    });
    crate::bed::run("docker", &["kill", &bed.container.name]);
    reader.join().unwrap();
    wait_until("the client's end", || down.0.try_wait().unwrap().is_some());
    assert_eq!(down.0.wait().unwrap().code(), Some(255));
}
