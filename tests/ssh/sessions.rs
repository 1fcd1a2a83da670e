//! Commands, terminals, and one connection for many of them.

use devctl_tests::programs::{Ran, ran, wait_until};
use devctl_tests::sandbox::{Sandbox, config};
use std::io::Write as _;
use std::process::Stdio;

#[test]
fn commands_have_their_input_output_exit_code_and_environment() {
    let Some(home) = Sandbox::new() else { return };
    let config = config(
        r#", "remoteEnv": { "MARK": "it is here" }, "workspaceFolder": "/workspaces/odd place",
        "workspaceMount": "source=${localWorkspaceFolder},target=/workspaces/odd place,type=bind""#,
    );
    let up = home.up(&home.folder("run", &config));
    for code in [0, 1, 7, 255] {
        let _ended = home.try_ssh(up.host(), &format!("exit {code}")).expect(code);
    }
    let both = home.try_ssh(up.host(), "echo out; echo err >&2").expect(0);
    assert_eq!(
        (both.stdout().as_str(), both.stderr().as_str()),
        ("out\n", "err\n")
    );
    assert_eq!(
        home.ssh(up.host(), "echo $MARK; pwd"),
        "it is here\n/workspaces/odd place"
    );

    let mut child = home
        .client("ssh")
        .args([up.host(), "wc -c"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&[b'x'; 300_000]).unwrap();
    assert_eq!(
        Ran(child.wait_with_output().unwrap()).expect(0).stdout().trim(),
        "300000"
    );

    // A command that kills itself is told as one.
    assert_ne!(home.try_ssh(up.host(), "kill -9 $$").code(), 0);
}

#[test]
fn a_terminal_runs_an_editor_and_a_full_screen_program() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("tty", &config("")));
    let inside = |line: &str| {
        let ssh = format!(
            "ssh -F {}/config -o BatchMode=yes -t {} {line}",
            home.ssh_dir().display(),
            up.host()
        );
        let mut script = home.command("script");
        script
            .env("TERM", "xterm")
            .args(["--quiet", "--return", "--command"]);
        script
            .arg(format!("stty rows 31 cols 97; {ssh}"))
            .arg("/dev/null");
        script
    };
    let size = ran(&mut inside("stty size"));
    assert!(size.contains("31 97"), "{size:?}");
    let top = ran(&mut inside("top -n 1"));
    assert!(top.contains("PID") && top.contains("COMMAND"), "{top:?}");

    let mut editor = inside("vi -u NONE /tmp/written")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    editor
        .stdin
        .take()
        .unwrap()
        .write_all(b"ihello from vi\x1b:wq\r")
        .unwrap();
    assert!(editor.wait().unwrap().success());
    assert_eq!(home.ssh(up.host(), "cat /tmp/written"), "hello from vi");
}

#[test]
fn one_connection_carries_many_sessions() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("mux", &config("")));
    let socket = home.home().join("mux");
    let through = |arguments: &[&str]| {
        let mut ssh = home.client("ssh");
        ssh.arg("-S").arg(&socket).args(arguments);
        ssh
    };
    // The master stays in the background, with the error output that it was given.
    let master = through(&["-M", "-N", "-f", up.host()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(master.unwrap().success());
    let agents = || {
        home.docker(&[
            "exec",
            up.container(),
            "sh",
            "-c",
            "pgrep -fc 'devctl-agent serv[e]' || true",
        ])
    };
    let sessions: Vec<_> = (0..8)
        .map(|number| {
            let line = format!("echo {number}");
            through(&[up.host(), &line])
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for (number, session) in sessions.into_iter().enumerate() {
        let ended = Ran(session.wait_with_output().unwrap()).expect(0);
        assert_eq!(ended.stdout(), format!("{number}\n"));
    }
    assert_eq!(agents(), "1", "one agent serves them all");
    let _closed = Ran(through(&["-O", "exit", up.host()]).output().unwrap()).expect(0);
    wait_until("the agent to end", || agents() == "0");
}
