use crate::bed::Container;
use devctl_tests::agent::empty_image;
use devctl_tests::need_engine;
use devctl_tests::programs::wait_until;

#[test]
fn it_ends_as_the_command_does() {
    need_engine!();
    let container = Container::new();
    let cases: [(&[&str], i32, &str); 8] = [
        (&["sh", "-c", "exit 0"], 0, ""),
        (&["sh", "-c", "exit 7"], 7, ""),
        (&["sh", "-c", "exit 255"], 255, ""),
        (&["sh", "-c", "kill -9 $$"], 137, ""),
        (&["sh", "-c", "kill -TERM $$"], 143, ""),
        (
            &["no-such-command"],
            127,
            "devctl-agent: no-such-command: not found\n",
        ),
        (
            &["/no/such/command"],
            127,
            "devctl-agent: /no/such/command: not found\n",
        ),
        (
            &["/etc/passwd"],
            126,
            "devctl-agent: /etc/passwd: cannot be executed: Permission denied (os error 13)\n",
        ),
    ];
    for (command, code, complaint) in cases {
        let output = container.run("root", &[&["guard", "--"], command].concat());
        assert_eq!(output.status.code(), Some(code), "{command:?}");
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            complaint,
            "{command:?}"
        );
    }
}

#[test]
fn the_command_has_output_and_environment_and_no_input() {
    need_engine!();
    let container = Container::new();
    let output = container.run(
        "root",
        &[
            "guard",
            "--",
            "sh",
            "-c",
            "cat; echo out $HOME; echo err >&2; ls /dev/tty",
        ],
    );
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "out /root\n/dev/tty\n");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "err\n");
    // Waits for ever where there is a terminal.
    let output = container.run("root", &["guard", "--", "sh", "-c", "read line </dev/tty"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn nothing_is_left_when_the_connection_is_gone() {
    need_engine!();
    let container = Container::new();
    for script in [
        "sleep 4711",
        "sleep 4711 & sleep 4711",
        "(sleep 4711 &); sleep 4711; true",
        "trap : TERM; (trap '' TERM; sleep 4711; sleep 4711) & while :; do sleep 4711; done",
        "kill -STOP $$; sleep 4711",
    ] {
        let mut client = container
            .tool("root", &["guard", "--", "sh", "-c", script])
            .spawn()
            .unwrap();
        wait_until("the command", || container.processes("sleep 4711") > 0);
        // No signal reaches the container: the client has no time to send one.
        client.kill().unwrap();
        client.wait().unwrap();
        wait_until(script, || container.processes("sleep 4711|guard|defunct") == 0);
    }
}

#[test]
fn the_end_of_its_input_cancels() {
    need_engine!();
    let container = Container::new();
    let mut client = container
        .tool(
            "root",
            &["guard", "--", "sh", "-c", "trap 'exit 0' TERM; echo; sleep 4715"],
        )
        .spawn()
        .unwrap();
    wait_until("the command", || container.processes("^sleep 4715") == 1);
    drop(client.stdin.take());
    assert_eq!(client.wait().unwrap().code(), Some(129));
    assert_eq!(container.processes("sleep 4715"), 0);
}

#[test]
fn what_a_command_leaves_in_the_background_lives_on() {
    need_engine!();
    let container = Container::new();
    let output = container.run(
        "root",
        &["guard", "--", "sh", "-c", "sleep 4716 & echo started; exit 3"],
    );
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(output.stdout, b"started\n");
    assert_eq!(container.processes("^sleep 4716"), 1);
}

#[test]
fn it_needs_nothing_of_the_image() {
    need_engine!();
    let container = Container::start(empty_image(), &[], &[]);
    let output = container.run(
        "1000:1000",
        &["guard", "--", "/.devctl/devctl-agent", "probe", "none"],
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        container.run("0", &["guard", "--", "sh"]).status.code(),
        Some(127)
    );
}
