//! Ports, sockets and the key agent.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Stdio};

use crate::bed::{Background, Bed, HOST};
use devctl_tests::need_engine;
use devctl_tests::programs::wait_until;

/// A port that nobody listens on now.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Answers each connection in the container with its input turned to capitals. Perl is in every Debian image.
const SHOUT: &str = r#"perl -MIO::Socket -e '
    my ($kind, $where) = @ARGV;
    my $s = $kind eq "tcp" ? IO::Socket::INET->new(Listen => 9, LocalAddr => "127.0.0.1", LocalPort => $where, ReuseAddr => 1)
                           : IO::Socket::UNIX->new(Listen => 9, Local => $where);
    die $! unless $s; $| = 1; print "listening\n";
    while (my $c = $s->accept) { local $/; my $t = <$c>; print $c uc $t; close $c }' "#;

fn shout_in_container(bed: &Bed, kind: &str, place: &str) -> Background {
    let mut child = Command::new("docker")
        .args([
            "exec",
            "-u",
            "dev",
            &bed.container.name,
            "sh",
            "-c",
            &format!("{SHOUT} {kind} {place}"),
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0; 10]).unwrap();
    Background(child)
}

/// What comes back for what goes in, with half a close in between.
fn ask(mut stream: impl std::io::Read + std::io::Write, close: impl FnOnce(), text: &str) -> String {
    stream.write_all(text.as_bytes()).unwrap();
    close();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn ask_tcp(port: u16, text: &str) -> Option<String> {
    let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    Some(ask(
        &stream,
        || stream.shutdown(std::net::Shutdown::Write).unwrap(),
        text,
    ))
}

fn ask_unix(path: &std::path::Path, text: &str) -> Option<String> {
    let stream = UnixStream::connect(path).ok()?;
    Some(ask(
        &stream,
        || stream.shutdown(std::net::Shutdown::Write).unwrap(),
        text,
    ))
}

#[test]
fn a_local_port_leads_into_a_container_without_a_network() {
    need_engine!();
    let bed = Bed::new();
    let _server = shout_in_container(&bed, "tcp", "7001");
    let port = free_port();
    let _client = bed.background(&["-N", "-L", &format!("{port}:localhost:7001"), HOST]);
    wait_until("the port", || {
        ask_tcp(port, "hello").is_some_and(|answer| answer == "HELLO")
    });
    // Many at once on one connection.
    let askers: Vec<_> = (0..20)
        .map(|number| {
            std::thread::spawn(move || ask_tcp(port, &format!("x{number}").repeat(20_000)).unwrap())
        })
        .collect();
    for (number, asker) in askers.into_iter().enumerate() {
        assert_eq!(asker.join().unwrap(), format!("X{number}").repeat(20_000));
    }
    bed.refuses_a_dead_port();
}

#[test]
fn a_socks_proxy_leads_into_the_container() {
    need_engine!();
    let bed = Bed::new();
    let _server = shout_in_container(&bed, "tcp", "7001");
    let port = free_port();
    let _client = bed.background(&["-N", "-D", &port.to_string(), HOST]);
    wait_until("the proxy", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    // SOCKS 5, no authentication, connect to the name "localhost", port 7001.
    stream.write_all(b"\x05\x01\x00").unwrap();
    stream.read_exact(&mut [0; 2]).unwrap();
    stream
        .write_all(b"\x05\x01\x00\x03\x09localhost\x1b\x59")
        .unwrap();
    let mut reply = [0; 10];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(reply[1], 0);
    assert_eq!(
        ask(
            &stream,
            || stream.shutdown(std::net::Shutdown::Write).unwrap(),
            "socks"
        ),
        "SOCKS"
    );
}

#[test]
fn a_port_of_the_container_leads_out() {
    need_engine!();
    let bed = Bed::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.write_all(b"from outside").unwrap();
        }
    });
    let mut command = bed.client("ssh");
    // Port 0: the agent chooses and the client says which.
    command.args([
        "-N",
        "-o",
        "LogLevel=INFO",
        "-R",
        &format!("0:127.0.0.1:{port}"),
        HOST,
    ]);
    let mut child = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    let mut stderr = child.stderr.take().unwrap();
    while !said.contains("Allocated port") || !said.ends_with('\n') {
        let mut byte = [0];
        assert_eq!(stderr.read(&mut byte).unwrap(), 1, "{said}");
        said.push(char::from(byte[0]));
    }
    let _client = Background(child);
    let inside = said
        .split("Allocated port ")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .to_owned();
    let fetch = format!("exec 3<>/dev/tcp/127.0.0.1/{inside}; cat <&3");
    assert_eq!(bed.sh(&fetch), "from outside");
    // Loopback only.
    let listening = bed.container.exec(&format!(
        "cat /proc/net/tcp | grep -c {:04X} || true",
        inside.parse::<u16>().unwrap()
    ));
    assert_ne!(listening.trim(), "0");
    let open = bed.container.exec(&format!(
        "grep -c '00000000:{:04X}' /proc/net/tcp || true",
        inside.parse::<u16>().unwrap()
    ));
    assert_eq!(open.trim(), "0");
}

#[test]
fn unix_sockets_lead_both_ways() {
    need_engine!();
    let bed = Bed::new();
    let _server = shout_in_container(&bed, "unix", "/work/inside.sock");
    let local = bed.path("local.sock");
    let listener = UnixListener::bind(bed.path("outside.sock")).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            stream.unwrap().write_all(b"from outside").unwrap();
        }
    });
    let client = bed.background(&[
        "-N",
        "-L",
        &format!("{}:/work/inside.sock", local.display()),
        "-R",
        &format!("/work/remote.sock:{}", bed.path("outside.sock").display()),
        HOST,
    ]);
    wait_until("the socket", || {
        ask_unix(&local, "unix").is_some_and(|answer| answer == "UNIX")
    });
    wait_until("the other socket", || {
        bed.container.exec("ls /work").contains("remote.sock")
    });
    assert_eq!(bed.container.exec("stat -c %a /work/remote.sock").trim(), "600");
    let fetch = "perl -MIO::Socket -e 'my $c = IO::Socket::UNIX->new(Peer => \"/work/remote.sock\"); local $/; print <$c>'";
    assert_eq!(bed.sh(fetch), "from outside");
    drop(client);
    wait_until("the socket to go", || {
        !bed.container.exec("ls /work").contains("remote.sock")
    });
}

#[test]
fn the_key_agent_is_reached_and_its_socket_goes() {
    need_engine!();
    let bed = Bed::new();
    // A key agent of our own with the user's key in it.
    let socket = bed.path("agent.sock");
    let agent = Background(
        Command::new("ssh-agent")
            .args(["-D", "-a", socket.to_str().unwrap()])
            .stdout(Stdio::null())
            .spawn()
            .unwrap(),
    );
    wait_until("the key agent", || socket.exists());
    let added = Command::new("ssh-add")
        .arg("-q")
        .arg(bed.path("user"))
        .env("SSH_AUTH_SOCK", &socket)
        .output()
        .unwrap();
    assert!(added.status.success());
    let output = bed
        .client("ssh")
        .args([
            "-o",
            "IdentityAgent=SSH_AUTH_SOCK",
            "-A",
            HOST,
            "ssh-add -l; stat -c '%a %U' $SSH_AUTH_SOCK $(dirname $SSH_AUTH_SOCK); echo $SSH_AUTH_SOCK",
        ])
        .env("SSH_AUTH_SOCK", &socket)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("ED25519") && text.contains("600 dev\n700 dev\n"),
        "{text}{}",
        bed.trouble(&output)
    );
    let path = text.lines().last().unwrap();
    wait_until("the socket to go", || {
        bed.container
            .exec(&format!("ls {path} 2>/dev/null || true"))
            .is_empty()
    });
    assert_eq!(bed.sh("echo ${SSH_AUTH_SOCK-none}"), "none");
    drop(agent);
}

#[test]
fn what_the_host_forbids_is_refused() {
    need_engine!();
    let mut bed = Bed::new();
    bed.config.allow.port_forwarding = false;
    bed.config.allow.agent_forwarding = false;
    bed.write();
    let output = bed.ssh(&["-W", "127.0.0.1:1", HOST]);
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("prohibited"),
        "{}",
        bed.trouble(&output)
    );
    let local = bed.path("local.sock");
    let _client = bed.background(&[
        "-N",
        "-L",
        &format!("{}:/work/inside.sock", local.display()),
        HOST,
    ]);
    wait_until("the socket", || local.exists());
    let mut stream = UnixStream::connect(&local).unwrap();
    let mut answer = Vec::new();
    // Closed without a word; whether with a reset depends on the moment.
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty());
    let output = bed.ssh(&[
        "-o",
        "ExitOnForwardFailure=yes",
        "-R",
        "0:127.0.0.1:1",
        HOST,
        "true",
    ]);
    assert_eq!(output.status.code(), Some(255));
    let output = bed.ssh(&["-X", HOST, "echo ${DISPLAY-none}"]);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "none");
}
