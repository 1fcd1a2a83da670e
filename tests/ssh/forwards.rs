//! Ports both ways, a SOCKS proxy, and the key agent.

use devctl_tests::programs::{Background, ran, wait_until};
use devctl_tests::sandbox::{Sandbox, Up, config};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::process::{Command, Stdio};

/// Answers each connection inside with its input turned to capitals. Perl is in every Debian image.
const SHOUT: &str = r#"perl -MIO::Socket -e '
    my $s = IO::Socket::INET->new(Listen => 9, LocalAddr => "127.0.0.1", LocalPort => 7070, ReuseAddr => 1) or die $!;
    $| = 1; print "listening\n";
    while (my $c = $s->accept) { local $/; my $t = <$c>; print $c uc $t; close $c }'"#;

fn shout(home: &Sandbox, up: &Up) -> Background {
    let mut command = home.client("ssh");
    command
        .args(["-tt", up.host(), SHOUT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut running = Background::start(&mut command);
    running.read_until("listening");
    running
}

/// A port that nobody listens on now.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn ask(mut stream: TcpStream, text: &[u8]) -> String {
    stream.write_all(text).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn connected(port: u16) -> TcpStream {
    let mut stream = None;
    wait_until("the forwarded port", || {
        stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok();
        stream.is_some()
    });
    stream.unwrap()
}

#[test]
fn ports_lead_in_and_out() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("ports", &config("")));
    let _server = shout(&home, &up);
    let (local, socks) = (free_port(), free_port());
    let outside = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut ssh = home.client("ssh");
    ssh.args(["-N", "-o", "ExitOnForwardFailure=yes"])
        .arg("-L")
        .arg(format!("127.0.0.1:{local}:127.0.0.1:7070"))
        .arg("-D")
        .arg(format!("127.0.0.1:{socks}"))
        .arg("-R")
        .arg(format!(
            "127.0.0.1:7171:127.0.0.1:{}",
            outside.local_addr().unwrap().port()
        ))
        .arg(up.host());
    let _forwards = Background::start(&mut ssh);

    assert_eq!(ask(connected(local), b"in by a port"), "IN BY A PORT");

    let mut proxied = connected(socks);
    // SOCKS 5 without a login, then: connect to 127.0.0.1 port 7070.
    proxied.write_all(&[5, 1, 0]).unwrap();
    proxied.read_exact(&mut [0; 2]).unwrap();
    proxied
        .write_all(&[5, 1, 0, 1, 127, 0, 0, 1, 0x1b, 0x9e])
        .unwrap();
    let mut answer = [0; 10];
    proxied.read_exact(&mut answer).unwrap();
    assert_eq!(answer[1], 0, "the proxy refuses");
    assert_eq!(ask(proxied, b"in by socks"), "IN BY SOCKS");

    let out = std::thread::spawn(move || {
        let mut stream = outside.accept().unwrap().0;
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    });
    home.ssh(
        up.host(),
        "bash -c 'echo out by a port > /dev/tcp/127.0.0.1/7171'",
    );
    assert_eq!(out.join().unwrap(), "out by a port\n");
}

#[test]
fn the_key_agent_is_reached_only_when_asked() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("agent", &config("")));
    let (socket, key) = (home.home().join("agent.sock"), home.home().join("key"));
    let mut agent = Command::new("ssh-agent");
    let _agent = Background::start(agent.arg("-D").arg("-a").arg(&socket).stdout(Stdio::null()));
    wait_until("the key agent", || socket.exists());
    ran(Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "the forwarded one", "-f"])
        .arg(&key));
    ran(Command::new("ssh-add")
        .arg("-q")
        .arg(&key)
        .env("SSH_AUTH_SOCK", &socket));
    let list = |options: &[&str]| {
        let mut ssh = home.client("ssh");
        ssh.env("SSH_AUTH_SOCK", &socket)
            .args(options)
            .args([up.host(), "ssh-add -l 2>&1 || true"]);
        ran(&mut ssh)
    };
    assert!(list(&["-A"]).contains("the forwarded one"));
    assert!(!list(&[]).contains("the forwarded one"));
}
