//! Commands, shells and terminals.

use std::io::{Read as _, Write as _};
use std::process::Stdio;

use devctl_agent_protocol::AgentReport;

use crate::bed::{Bed, HOST};
use devctl_tests::need_engine;
use devctl_tests::programs::wait_until;

#[test]
fn every_exit_status_comes_back() {
    need_engine!();
    let bed = Bed::new();
    // One connection for all.
    let (_master, socket) = bed.master();
    for status in 0..=255 {
        let output = bed.ssh(&["-S", &socket, HOST, &format!("exit {status}")]);
        assert_eq!(output.status.code(), Some(status));
    }
}

#[test]
fn a_signal_comes_back_as_one() {
    need_engine!();
    let bed = Bed::new();
    for (signal, name) in [("TERM", "TERM"), ("KILL", "KILL"), ("USR2", "USR2")] {
        bed.clear_reports();
        let output = bed.ssh(&[HOST, &format!("kill -{signal} $$; sleep 100")]);
        assert_eq!(output.status.code(), Some(255), "{signal}");
        wait_until("the report", || {
            bed.reports().iter().any(|report| {
                matches!(
                    report,
                    AgentReport::SessionClosed { exit_signal: Some(signal), .. } if signal == name
                )
            })
        });
    }
}

#[test]
fn both_outputs_and_the_end_of_input_arrive() {
    need_engine!();
    let bed = Bed::new();
    let mut child = bed
        .client("ssh")
        .args([HOST, "tr a-z A-Z; echo behind the end; echo wrong >&2; exit 3"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"half close\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"HALF CLOSE\nbehind the end\n");
    assert_eq!(output.stderr, b"wrong\n");
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn the_environment_is_put_together_and_filtered() {
    need_engine!();
    let mut bed = Bed::new();
    bed.config.environment.insert("GONE".into(), "x".into());
    bed.config.unset_environment.push("GONE".into());
    bed.write();
    let output = bed
        .client("ssh")
        .args(["-o", "SendEnv=LANG LC_TEST LD_PRELOAD BASH_ENV", HOST])
        .arg("echo \"$PROBED|${GONE-unset}|$LANG|$LC_TEST|${LD_PRELOAD-none}|${BASH_ENV-none}|$HOME|$USER|$SHELL|$PWD\"")
        .env("LANG", "C.UTF-8")
        .env("LC_TEST", "t")
        .env("LD_PRELOAD", "")
        .env("BASH_ENV", "/evil")
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        "from the proxy|unset|C.UTF-8|t|none|none|/home/dev|dev|/bin/bash|/work"
    );
}

#[test]
fn a_working_directory_that_is_not_there_falls_back_to_the_home_and_says_so() {
    need_engine!();
    let mut bed = Bed::new();
    bed.config.working_directory = Some("/no/such/folder".into());
    bed.write();
    assert_eq!(bed.sh("pwd"), "/home/dev");
    bed.wait_for_report("the warning", |report| match report {
        AgentReport::Warning { message } => message.contains("/no/such/folder").then_some(()),
        _ => None,
    });
}

#[test]
fn the_shell_is_a_login_shell_and_a_command_is_not() {
    need_engine!();
    let bed = Bed::new();
    assert_eq!(bed.sh("echo $0; shopt -q login_shell; echo $?"), "bash\n1");
    let mut child = bed
        .client("ssh")
        .args(["-T", HOST])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"echo $0; shopt -q login_shell; echo $?\n")
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stdout, b"-bash\n0\n");
}

#[test]
fn a_terminal_has_its_size_its_name_and_its_modes() {
    need_engine!();
    let bed = Bed::new();
    let terminal = Terminal::open(&bed, "bash --norc");
    terminal.keys("stty size; echo $TERM; tty; echo $SSH_TTY; stty -a | grep -o ' isig'\n");
    terminal.wait_for("24 80");
    terminal.wait_for("/dev/pts/");
    terminal.wait_for(" isig");
    // The window changes while a program runs.
    terminal.keys("trap 'echo now $(stty size)' WINCH; echo ready-$((40+2))\n");
    terminal.wait_for("ready-42");
    terminal.resize(101, 37);
    terminal.keys("\n");
    terminal.wait_for("now 37 101");
    // A key is a signal.
    terminal.keys("sleep 1000; echo status $?\n");
    wait_until("sleep", || bed.container.processes("^sleep 1000$") == 1);
    terminal.keys("\u{3}");
    wait_until("the end of sleep", || {
        bed.container.processes("^sleep 1000$") == 0
    });
    terminal.keys("exit 9\n");
    terminal.wait_for("client ended with 9");
}

#[test]
fn full_screen_programs_work() {
    need_engine!();
    let bed = Bed::new();
    let terminal = Terminal::open(&bed, "top");
    terminal.wait_for("load average");
    terminal.keys("q");
    terminal.wait_for("client ended with 0");
    let terminal = Terminal::open(&bed, "vi /work/written");
    terminal.wait_for("written");
    terminal.keys("ihello from vi\u{1b}:wq\n");
    terminal.wait_for("client ended with 0");
    assert_eq!(bed.sh("cat /work/written"), "hello from vi");
}

/// `ssh -tt` in a terminal of tmux.
struct Terminal {
    socket: String,
}

impl Terminal {
    fn open(bed: &Bed, command: &str) -> Self {
        let socket = format!("{}-{}", bed.container.name, command.len());
        let config = bed.path("config");
        let line = format!(
            "ssh -tt -F '{}' {HOST} '{command}'; echo client ended with $?; exec sleep 1000",
            config.display()
        );
        let terminal = Self { socket };
        terminal.tmux(&[
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-x",
            "80",
            "-y",
            "24",
            &line,
        ]);
        terminal
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        crate::bed::run("tmux", &[&["-L", &self.socket], arguments].concat())
    }

    fn keys(&self, text: &str) {
        self.tmux(&["send-keys", "-l", text]);
    }

    fn resize(&self, columns: u16, rows: u16) {
        self.tmux(&[
            "resize-window",
            "-x",
            &columns.to_string(),
            "-y",
            &rows.to_string(),
        ]);
    }

    fn wait_for(&self, text: &str) {
        wait_until(text, || self.tmux(&["capture-pane", "-p"]).contains(text));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = std::process::Command::new("tmux")
            .args(["-L", &self.socket, "kill-server"])
            .output();
    }
}

#[test]
fn many_sessions_share_one_connection() {
    need_engine!();
    let bed = Bed::new();
    let (_master, socket) = bed.master();
    let mut children: Vec<_> = (0..9)
        .map(|number| {
            bed.client("ssh")
                .args([
                    "-S",
                    &socket,
                    HOST,
                    &format!("head -c 1000000 /dev/zero; exit {number}"),
                ])
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for (number, child) in children.iter_mut().enumerate() {
        let mut output = Vec::new();
        child.stdout.take().unwrap().read_to_end(&mut output).unwrap();
        assert_eq!(output.len(), 1_000_000);
        assert_eq!(child.wait().unwrap().code(), i32::try_from(number).ok());
    }
    let logins = bed
        .reports()
        .iter()
        .filter(|report| matches!(report, AgentReport::LoginAccepted { .. }))
        .count();
    assert_eq!(logins, 1);
}

#[test]
fn a_session_whose_client_does_not_read_holds_up_no_other() {
    need_engine!();
    let bed = Bed::new();
    let (_master, socket) = bed.master();
    let mut stuck = bed
        .client("ssh")
        .args(["-S", &socket, HOST, "cat /dev/zero"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The first bytes are here: from now on nobody reads.
    stuck.stdout.as_mut().unwrap().read_exact(&mut [0; 10]).unwrap();
    let output = bed.ssh(&["-S", &socket, HOST, "head -c 5000000 /dev/zero"]);
    assert_eq!(output.stdout.len(), 5_000_000);
    stuck.kill().unwrap();
    stuck.wait().unwrap();
}

#[test]
fn fifty_connections_at_once() {
    need_engine!();
    let bed = Bed::new();
    let children: Vec<_> = (0..50)
        .map(|number| {
            bed.client("ssh")
                .args([HOST, &format!("echo {number}")])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for (number, child) in children.into_iter().enumerate() {
        assert_eq!(
            child.wait_with_output().unwrap().stdout,
            format!("{number}\n").into_bytes()
        );
    }
    wait_until("the agents to end", || {
        bed.container.processes("devctl-agent serve") == 0
    });
}
