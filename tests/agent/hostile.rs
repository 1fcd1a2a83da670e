//! What somebody tries who wants in, or who wants others out. The table names every case of this room, with the test that
//! tries it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use crate::bed::{Bed, HOST};
use devctl_agent_protocol::{AgentReport, RefusalCode};
use devctl_tests::need_engine;
use devctl_tests::programs::{Background, wait_until};
use devctl_tests::sandbox::full;

/// Each case, and the test that tries it.
const CASES: [(&str, &str); 49] = [
    ("a plain key", "the_agent_answers_as_openssh_does"),
    ("no key at all", "nothing_but_a_key_is_asked_for"),
    ("a password", "nothing_but_a_key_is_asked_for"),
    ("answers to questions", "nothing_but_a_key_is_asked_for"),
    (
        "the trust of the client's own host",
        "nothing_but_a_key_is_asked_for",
    ),
    ("a certificate of another authority", "the_matrix_of_certificates"),
    (
        "a certificate that was changed after it was signed",
        "a_changed_certificate_is_refused",
    ),
    (
        "the certificate of somebody else's key",
        "a_certificate_without_its_key_is_refused",
    ),
    ("a host's certificate", "the_agent_answers_as_openssh_does"),
    ("an expired certificate", "the_matrix_of_certificates"),
    (
        "a certificate that is not valid yet",
        "the_matrix_of_certificates",
    ),
    ("another principal", "the_matrix_of_certificates"),
    ("a pattern as a principal", "the_matrix_of_certificates"),
    ("no principal", "the_matrix_of_certificates"),
    ("an unknown critical option", "the_matrix_of_certificates"),
    (
        "a source address, which nobody can check",
        "the_matrix_of_certificates",
    ),
    (
        "another login name",
        "another_login_name_than_the_agents_user_is_refused",
    ),
    (
        "revoked by serial",
        "what_is_revoked_stays_out_and_the_rest_gets_in",
    ),
    (
        "revoked by a range of serials",
        "what_is_revoked_stays_out_and_the_rest_gets_in",
    ),
    (
        "revoked by key id",
        "what_is_revoked_stays_out_and_the_rest_gets_in",
    ),
    ("revoked by key", "what_is_revoked_stays_out_and_the_rest_gets_in"),
    (
        "revoked by fingerprint",
        "what_is_revoked_stays_out_and_the_rest_gets_in",
    ),
    (
        "its authority revoked",
        "what_is_revoked_stays_out_and_the_rest_gets_in",
    ),
    (
        "a list that was emptied or damaged",
        "a_revocation_list_that_cannot_be_read_refuses_everybody",
    ),
    (
        "another command than the forced one",
        "a_forced_command_runs_instead",
    ),
    (
        "file transfer past a forced command",
        "a_forced_command_stands_before_every_way_in",
    ),
    (
        "a shell past a forced command",
        "a_forced_command_stands_before_every_way_in",
    ),
    ("a terminal that is not permitted", "extensions_are_permissions"),
    (
        "a port that is not permitted",
        "what_a_certificate_does_not_permit_is_not_forwarded",
    ),
    (
        "a port of the container that is not permitted",
        "what_a_certificate_does_not_permit_is_not_forwarded",
    ),
    (
        "a socket that is not permitted",
        "what_a_certificate_does_not_permit_is_not_forwarded",
    ),
    (
        "a key agent that is not permitted",
        "what_a_certificate_does_not_permit_is_not_forwarded",
    ),
    (
        "LD_PRELOAD, BASH_ENV, PATH and their like",
        "no_variable_of_the_client_changes_what_runs",
    ),
    (
        "commands in ~/.ssh/rc, variables in ~/.ssh/environment",
        "files_of_the_user_do_not_run_before_the_session",
    ),
    (
        "`..` and links by sftp",
        "sftp_reaches_what_its_user_reaches_and_no_more",
    ),
    (
        "another protocol",
        "broken_bytes_end_the_connection_and_nothing_else",
    ),
    (
        "a version line without an end",
        "broken_bytes_end_the_connection_and_nothing_else",
    ),
    (
        "a truncated packet",
        "broken_bytes_end_the_connection_and_nothing_else",
    ),
    (
        "a packet of four gigabytes",
        "broken_bytes_end_the_connection_and_nothing_else",
    ),
    (
        "a packet of no length, and one of padding only",
        "broken_bytes_end_the_connection_and_nothing_else",
    ),
    (
        "a login before the keys are agreed on",
        "broken_bytes_end_the_connection_and_nothing_else",
    ),
    (
        "algorithms that lie about their length",
        "broken_bytes_end_the_connection_and_nothing_else",
    ),
    (
        "a flood of packets that say nothing",
        "broken_bytes_end_the_connection_and_nothing_else",
    ),
    ("old and weak algorithms", "weak_algorithms_are_not_spoken"),
    ("a flood of keys", "a_flood_of_keys_is_cut_off"),
    ("a slow client", "a_slow_client_holds_up_nobody"),
    (
        "200 half-open logins at once",
        "two_hundred_half_open_logins_hold_up_nobody",
    ),
    (
        "10,000 half-open logins, one after another",
        "half_open_logins_one_after_another_leave_nothing",
    ),
    (
        "10,000 half-open logins at once",
        "ten_thousand_half_open_logins_at_once_hold_up_nobody_and_leave_nothing",
    ),
];

#[test]
fn every_case_has_its_test() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    // What OpenSSH's client would not send, or what takes too much of a machine, is tried inside the agent.
    let own = ["serve", "login"].map(|room| root.join(format!("../crates/devctl-agent/src/{room}.rs")));
    let mut sources = own.map(|file| fs::read_to_string(file).unwrap()).concat();
    for entry in fs::read_dir(root.join("agent")).unwrap() {
        sources += &fs::read_to_string(entry.unwrap().path()).unwrap();
    }
    for (case, test) in CASES {
        assert!(
            sources.contains(&format!("fn {test}(")),
            "{case}: there is no test {test}"
        );
    }
}

/// A connection below SSH. What is sent goes to the agent as it is.
struct Raw {
    proxy: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
}

impl Raw {
    fn open(bed: &Bed) -> Self {
        let mut proxy = Command::new(bed.path("proxy"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            input: proxy.stdin.take(),
            output: proxy.stdout.take().unwrap(),
            proxy,
        }
    }

    /// Reads the beginning of the agent's version line: it serves.
    fn is_answered(&mut self) {
        let mut said = [0; 4];
        self.output.read_exact(&mut said).unwrap();
        assert_eq!(&said, b"SSH-");
    }

    /// Sends; an agent that has ended already takes nothing, and that is an answer too.
    fn send(&mut self, bytes: &[u8]) {
        if let Some(input) = &mut self.input {
            let _taken = input.write_all(bytes).and_then(|()| input.flush());
        }
    }

    /// Waits for the end of the agent; its exit code.
    fn ended(&mut self) -> Option<i32> {
        let mut rest = Vec::new();
        let _rest = self.output.read_to_end(&mut rest);
        self.proxy.wait().unwrap().code()
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ended = self.proxy.kill();
        let _status = self.proxy.wait();
    }
}

fn agents(bed: &Bed) -> usize {
    bed.container.processes("devctl-agent serve")
}

/// A packet before any encryption (RFC 4253, 6).
fn packet(payload: &[u8]) -> Vec<u8> {
    let padding = 8 - (payload.len() + 5) % 8 + 8;
    let mut packet = u32::try_from(payload.len() + padding + 1)
        .unwrap()
        .to_be_bytes()
        .to_vec();
    packet.push(u8::try_from(padding).unwrap());
    packet.extend(payload);
    packet.extend(vec![0; padding]);
    packet
}

fn after_version(bytes: &[u8]) -> Vec<u8> {
    [b"SSH-2.0-hostile\r\n", bytes].concat()
}

#[test]
fn broken_bytes_end_the_connection_and_nothing_else() {
    need_engine!();
    let bed = Bed::new();
    let text = |words: &str| {
        let mut field = u32::try_from(words.len()).unwrap().to_be_bytes().to_vec();
        field.extend(words.as_bytes());
        field
    };
    // SSH_MSG_USERAUTH_REQUEST, SSH_MSG_CHANNEL_OPEN, SSH_MSG_KEXINIT, SSH_MSG_IGNORE.
    let login = [&[50][..], &text("dev"), &text("ssh-connection"), &text("none")].concat();
    let channel = [&[90][..], &text("session"), &[0; 12]].concat();
    let lying = [&[20][..], &[0; 16], &[0xff; 4], b"curve25519"].concat();
    let nothing = [&[20][..], &[0; 16], &[0; 45]].concat();
    let ignored = packet(&[&[2][..], &text("x")].concat()).repeat(10_000);
    // The agent ends the first ones by itself; it cannot know of the others that nothing more comes.
    let by_itself: [(&str, Vec<u8>); 8] = [
        ("version 1", b"SSH-1.5-old\r\n".to_vec()),
        ("four gigabytes", after_version(&[0xff; 64])),
        (
            "a megabyte",
            after_version(&[&[0, 0x10, 0, 0, 4][..], &vec![0; 1 << 20]].concat()),
        ),
        (
            "padding only",
            after_version(&[&[0, 0, 0, 12, 255][..], &[0; 64]].concat()),
        ),
        ("a login", after_version(&packet(&login))),
        ("a channel", after_version(&packet(&channel))),
        ("a list that lies", after_version(&packet(&lying))),
        ("no algorithm", after_version(&packet(&nothing))),
    ];
    let at_the_end: [(&str, Vec<u8>); 7] = [
        ("nothing", Vec::new()),
        ("another protocol", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec()),
        ("no end of the line", vec![b'x'; 1 << 20]),
        ("zeros", vec![0; 1 << 20]),
        ("no length", after_version(&[0; 64])),
        ("half a packet", after_version(&packet(&nothing)[..20])),
        ("what says nothing", after_version(&ignored)),
    ];
    for (cases, close) in [(&by_itself[..], false), (&at_the_end[..], true)] {
        for (name, bytes) in cases {
            let mut raw = Raw::open(&bed);
            raw.is_answered();
            raw.send(bytes);
            if close {
                drop(raw.input.take());
            }
            let code = raw.ended();
            // Not by a panic (101) or a signal (128 and more).
            assert!(matches!(code, Some(0 | 1)), "{name}: {code:?}");
        }
    }
    wait_until("the agents' end", || agents(&bed) == 0);
    assert_eq!(bed.sh("echo in"), "in");
}

#[test]
fn nothing_but_a_key_is_asked_for() {
    need_engine!();
    let bed = Bed::new();
    let asked = bed.path("askpass");
    fs::write(
        &asked,
        format!(
            "#!/bin/sh\necho asked >> {}\necho dev\n",
            bed.path("was-asked").display()
        ),
    )
    .unwrap();
    fs::set_permissions(&asked, fs::Permissions::from_mode(0o755)).unwrap();
    bed.container.exec("echo dev:dev | chpasswd");
    for methods in ["password", "keyboard-interactive", "hostbased", "none"] {
        let output = bed
            .client("ssh")
            .args(["-o", "PubkeyAuthentication=no", "-o"])
            .arg(format!("PreferredAuthentications={methods}"))
            .args([HOST, "echo in"])
            .env("SSH_ASKPASS", &asked)
            .env("SSH_ASKPASS_REQUIRE", "force")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(255), "{methods}");
        // The methods that the server offers.
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("Permission denied (publickey)."),
            "{methods}: {}",
            bed.trouble(&output)
        );
    }
    assert!(
        !bed.path("was-asked").exists(),
        "somebody was asked for a password"
    );
}

#[test]
fn a_certificate_without_its_key_is_refused() {
    need_engine!();
    let bed = Bed::new();
    // Certificates are public: the thief has it, and a key of their own.
    bed.keygen(&["-q", "-t", "ed25519", "-N", "", "-f", "thief"]);
    fs::copy(bed.path("thief"), bed.path("user")).unwrap();
    fs::remove_file(bed.path("user.pub")).unwrap();
    let output = bed.ssh(&[HOST, "echo in"]);
    assert_eq!(output.status.code(), Some(255));
    assert!(output.stdout.is_empty());
}

#[test]
fn a_forced_command_stands_before_every_way_in() {
    need_engine!();
    let bed = Bed::new();
    bed.certify(&["-O", "force-command=echo forced"]);
    assert_eq!(bed.sh("id"), "forced");
    let shell = bed.ssh(&["-T", HOST]);
    assert_eq!(String::from_utf8_lossy(&shell.stdout), "forced\n");
    let transfer = bed.ssh(&["-s", HOST, "sftp"]);
    assert_eq!(String::from_utf8_lossy(&transfer.stdout), "forced\n");
    let copied = bed
        .client("scp")
        .args([
            "-q",
            &format!("{HOST}:/etc/passwd"),
            bed.path("passwd").to_str().unwrap(),
        ])
        .output()
        .unwrap();
    assert!(!copied.status.success() && !bed.path("passwd").exists());
}

#[test]
fn what_a_certificate_does_not_permit_is_not_forwarded() {
    need_engine!();
    let bed = Bed::new();
    bed.certify(&["-O", "clear", "-O", "permit-pty"]);
    let port = bed.ssh(&["-W", "127.0.0.1:1", HOST]);
    assert!(String::from_utf8_lossy(&port.stderr).contains("administratively prohibited"));
    let remote = bed.ssh(&[
        "-o",
        "ExitOnForwardFailure=yes",
        "-R",
        "0:127.0.0.1:1",
        HOST,
        "true",
    ]);
    assert_eq!(remote.status.code(), Some(255), "{}", bed.trouble(&remote));
    let socket = format!("{}:/work/x.sock", bed.path("none").display());
    let remote = bed.ssh(&["-o", "ExitOnForwardFailure=yes", "-R", &socket, HOST, "true"]);
    assert_eq!(remote.status.code(), Some(255), "{}", bed.trouble(&remote));
    let local = bed.path("local.sock");
    let _client = bed.background(&[
        "-N",
        "-L",
        &format!("{}:/work/inside.sock", local.display()),
        HOST,
    ]);
    wait_until("the socket", || local.exists());
    let mut answer = Vec::new();
    // Closed without a word; whether with a reset depends on the moment.
    let _closed = UnixStream::connect(&local).unwrap().read_to_end(&mut answer);
    assert!(answer.is_empty());
    // The client is told that its agent is not forwarded, and there is none.
    let held = bed.path("agent.sock");
    let _agent = Background::start(
        Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(&held)
            .stdout(Stdio::null()),
    );
    wait_until("the key agent", || held.exists());
    let inside = bed
        .client("ssh")
        .args(["-A", HOST, "echo ${SSH_AUTH_SOCK-none}"])
        .env("SSH_AUTH_SOCK", &held)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&inside.stdout), "none\n");
}

#[test]
fn no_variable_of_the_client_changes_what_runs() {
    need_engine!();
    let bed = Bed::new();
    let path = bed.sh("echo $PATH");
    let names = [
        "PATH",
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "LD_AUDIT",
        "BASH_ENV",
        "ENV",
        "IFS",
        "SHELLOPTS",
        "PS4",
        "PROMPT_COMMAND",
        "PYTHONSTARTUP",
        "PERL5OPT",
        "NODE_OPTIONS",
        "GIT_SSH_COMMAND",
        "HOME",
        "SHELL",
        "SSH_AUTH_SOCK",
        "SSH_ORIGINAL_COMMAND",
        "DEVCTL_X",
    ];
    for name in names {
        let output = bed
            .client("ssh")
            .args([
                "-o",
                &format!("SetEnv={name}=/evil"),
                HOST,
                "/usr/bin/env; echo $PATH",
            ])
            .output()
            .unwrap();
        assert!(output.status.success(), "{name}: {}", bed.trouble(&output));
        let seen = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!seen.contains("/evil"), "{name}: {seen}");
        assert!(seen.ends_with(&format!("{path}\n")), "{name}: {seen}");
    }
}

#[test]
fn files_of_the_user_do_not_run_before_the_session() {
    need_engine!();
    let bed = Bed::new();
    bed.container.exec(
        "mkdir -p /home/dev/.ssh && echo EVIL=yes > /home/dev/.ssh/environment && \
         echo 'touch /tmp/rc-ran' > /home/dev/.ssh/rc && chown -R dev /home/dev/.ssh",
    );
    assert_eq!(
        bed.sh("echo ${EVIL-none}; ls /tmp/rc-ran 2>/dev/null || echo none"),
        "none\nnone"
    );
}

#[test]
fn sftp_reaches_what_its_user_reaches_and_no_more() {
    need_engine!();
    let bed = Bed::new();
    bed.sh("ln -s /etc/shadow /work/link");
    fs::write(bed.path("evil"), "evil").unwrap();
    let evil = bed.path("evil").display().to_string();
    for line in [
        "get ../etc/shadow /tmp/devctl-agent-test-stolen".to_owned(),
        "get ../../../../../../etc/shadow /tmp/devctl-agent-test-stolen".to_owned(),
        "get /work/../proc/self/../../etc/shadow /tmp/devctl-agent-test-stolen".to_owned(),
        "get link /tmp/devctl-agent-test-stolen".to_owned(),
        format!("put {evil} ../etc/evil"),
        format!("put {evil} ../.devctl/devctl-agent"),
        "rename ../etc/passwd mine".to_owned(),
        "rm ../etc/passwd".to_owned(),
        "chmod 777 ../etc/shadow".to_owned(),
    ] {
        let mut sftp = bed
            .client("sftp")
            .args(["-q", "-b", "-", HOST])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        sftp.stdin
            .take()
            .unwrap()
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
        let ended = sftp.wait_with_output().unwrap();
        assert!(!ended.status.success(), "{line}");
        assert!(
            String::from_utf8_lossy(&ended.stderr)
                .to_lowercase()
                .contains("permission denied"),
            "{line}: {}",
            bed.trouble(&ended)
        );
    }
    assert!(!std::path::Path::new("/tmp/devctl-agent-test-stolen").exists());
    assert_eq!(
        bed.container.exec("ls /etc/evil 2>/dev/null || echo none").trim(),
        "none"
    );
}

#[test]
fn weak_algorithms_are_not_spoken() {
    need_engine!();
    let bed = Bed::new();
    for weak in [
        "Ciphers=3des-cbc",
        "Ciphers=aes128-cbc",
        "KexAlgorithms=diffie-hellman-group1-sha1",
        "KexAlgorithms=diffie-hellman-group14-sha1",
        "HostKeyAlgorithms=ssh-rsa",
    ] {
        let output = bed.ssh(&["-o", weak, HOST, "true"]);
        assert_eq!(output.status.code(), Some(255), "{weak}");
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("no matching"),
            "{weak}: {}",
            bed.trouble(&output)
        );
    }
}

#[test]
fn a_flood_of_keys_is_cut_off() {
    need_engine!();
    let bed = Bed::new();
    let mut ssh = bed.client("ssh");
    ssh.args(["-o", "CertificateFile=none"]);
    for number in 0..40 {
        let name = format!("flood-{number}");
        bed.keygen(&["-q", "-t", "ed25519", "-N", "", "-f", &name]);
        ssh.arg("-i").arg(bed.path(&name));
    }
    // The right one comes first in the configuration; here it is not there.
    fs::remove_file(bed.path("user-cert.pub")).unwrap();
    bed.clear_reports();
    let output = ssh.args([HOST, "true"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(255));
    wait_until("the agent's end", || agents(&bed) == 0);
    let tried = bed
        .reports()
        .into_iter()
        .filter(|report| {
            matches!(
                report,
                AgentReport::LoginRefused {
                    code: RefusalCode::NotACertificate,
                    ..
                }
            )
        })
        .count();
    assert!((1..=12).contains(&tried), "{tried} keys were looked at");
}

#[test]
fn a_slow_client_holds_up_nobody() {
    need_engine!();
    let bed = Bed::new();
    let mut slow = Raw::open(&bed);
    slow.is_answered();
    for byte in b"SSH-2.0-slow" {
        slow.send(&[*byte]);
        assert_eq!(bed.sh("echo in"), "in");
    }
    slow.send(b"\r\n");
    assert_eq!(agents(&bed), 1, "it may take its time");
    if !full() {
        return;
    }
    let begin = Instant::now();
    assert_eq!(slow.ended(), Some(0));
    assert!(
        begin.elapsed() < Duration::from_secs(130),
        "{:?}",
        begin.elapsed()
    );
}

#[test]
fn two_hundred_half_open_logins_hold_up_nobody() {
    need_engine!();
    let bed = Bed::new();
    let mut open: Vec<Raw> = (0..200).map(|_| Raw::open(&bed)).collect();
    for raw in &mut open {
        raw.is_answered();
        raw.send(b"SSH-2.0-half\r\n");
    }
    assert_eq!(agents(&bed), 200);
    let begin = Instant::now();
    assert_eq!(bed.sh("echo in"), "in");
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    drop(open);
    wait_until("the end of all", || agents(&bed) == 0);
}

#[test]
fn half_open_logins_one_after_another_leave_nothing() {
    need_engine!();
    let bed = Bed::new();
    let count = if full() { 10_000 } else { 500 };
    crate::bed::run(
        "docker",
        &[
            "cp",
            bed.path("frame").to_str().unwrap(),
            &format!("{}:/tmp/frame", bed.container.name),
        ],
    );
    // Without the engine in between, which would take most of the time.
    let script = format!(
        "i=0; while [ $i -lt {count} ]; do \
         {{ cat /tmp/frame; printf 'SSH-2.0-half\\r\\n'; }} | /.devctl/devctl-agent serve 2>/dev/null | \
         head -c 4 | grep -q SSH- || exit 1; i=$((i+1)); done; echo $i"
    );
    let files = || bed.container.exec("find / -xdev 2>/dev/null | wc -l");
    let before = files();
    let output = bed.container.try_exec("dev", &script);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout).trim(),
        count.to_string(),
        "{output:?}"
    );
    wait_until("the end of all", || agents(&bed) == 0);
    assert_eq!(files(), before);
    assert_eq!(bed.sh("echo in"), "in");
}
