//! What the tests of ports have in common: a `devctl ports forward` that runs, and services to be reached.

use devctl_tests::programs::Background;
use devctl_tests::sandbox::Sandbox;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Stdio;
use std::time::Duration;

/// Longer than anything here takes on the slowest machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Sends back what comes, one process for each connection, on a port of the container's own loopback.
pub(crate) const ECHO: &str = r#"$SIG{CHLD} = "IGNORE";
my $server = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ARGV[0], Listen => 128, ReuseAddr => 1) or die;
open(my $own, ">", "/tmp/pid-$ARGV[0]"); print $own $$; close $own;
open(my $ready, ">", "/tmp/ready-$ARGV[0]"); printf $ready "%.3f", Time::HiRes::time(); close $ready;
while (1) {
    my $client = $server->accept or next;
    if (!fork) {
        close $server;
        while (sysread($client, my $bytes, 65536)) {
            my $done = 0;
            $done += syswrite($client, $bytes, length($bytes) - $done, $done) while $done < length $bytes;
        }
        exit;
    }
    close $client;
}"#;

/// Starts [`ECHO`] in a container and waits until it listens; when it began to, in seconds.
pub(crate) fn echo_in(home: &Sandbox, container: &str, port: u16) -> f64 {
    let number = port.to_string();
    home.docker(&[
        "exec",
        "--detach",
        container,
        "perl",
        "-MIO::Socket::INET",
        "-MTime::HiRes",
        "-e",
        ECHO,
        &number,
    ]);
    let mut since = 0.0;
    devctl_tests::programs::wait_until("a server in the container", || {
        let path = format!("cat /tmp/ready-{port} 2>/dev/null || true");
        let said = home.docker(&["exec", container, "sh", "-c", &path]);
        since = said.trim().parse().unwrap_or(0.0);
        since > 0.0
    });
    since
}

/// A `devctl ports forward` that runs, and says everything as JSON.
pub(crate) struct Forwarding {
    pub(crate) process: Background,
    /// The forwards that it began with.
    pub(crate) first: Vec<Value>,
}

impl Forwarding {
    #[track_caller]
    pub(crate) fn start(home: &Sandbox, container: &str, arguments: &[&str]) -> Self {
        let words = [&["--json", "ports", "forward", "--no-open", container], arguments].concat();
        let mut process =
            Background::start(home.devctl(&words).stdout(Stdio::piped()).stderr(Stdio::piped()));
        let line = process.read_until("\n");
        let said: Value = serde_json::from_str(&line).unwrap();
        let first = said["forwards"].as_array();
        let first = first.unwrap_or_else(|| panic!("{said}")).clone();
        Self { process, first }
    }

    /// The next update of this kind.
    #[track_caller]
    pub(crate) fn update(&mut self, kind: &str) -> Value {
        loop {
            let update: Value = serde_json::from_str(&self.process.read_until("\n")).unwrap();
            if update["kind"] == kind {
                return update;
            }
        }
    }

    /// The local port of the forward to `target`.
    #[track_caller]
    pub(crate) fn port_to(&self, target: &str) -> u16 {
        port_of(&self.first, target)
    }

    pub(crate) fn descriptors(&mut self) -> usize {
        let folder = format!("/proc/{}/fd", self.process.child().id());
        std::fs::read_dir(folder).unwrap().count()
    }
}

/// The local port of the forward to `target`.
#[track_caller]
pub(crate) fn port_of(forwards: &[Value], target: &str) -> u16 {
    let forward = forwards
        .iter()
        .find(|forward| forward["target"] == target && forward["direction"] == "intoContainer");
    let forward = forward.unwrap_or_else(|| panic!("{target}: {forwards:?}"));
    let (_, port) = forward["listen"].as_str().unwrap().rsplit_once(':').unwrap();
    port.parse().unwrap()
}

pub(crate) fn connect(port: u16) -> TcpStream {
    let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Sends all of it, ends that direction, and gives back what comes until the other side ends its own.
#[track_caller]
pub(crate) fn there_and_back(port: u16, sent: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut socket = connect(port);
    let mut writer = socket.try_clone().unwrap();
    std::thread::scope(|threads| {
        threads.spawn(move || {
            // What could not be sent is missed in what comes back.
            let _ = writer.write_all(sent);
            let _ = writer.shutdown(Shutdown::Write);
        });
        let mut back = Vec::new();
        socket.read_to_end(&mut back)?;
        Ok(back)
    })
}

/// A service of this computer, one thread for each connection.
pub(crate) fn service(serve: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let serve = serve.clone();
            let thread = std::thread::Builder::new().stack_size(128 * 1024);
            thread.spawn(move || serve(socket)).unwrap();
        }
    });
    port
}

/// Sends back what comes.
pub(crate) fn echo(mut socket: TcpStream) {
    let mut reader = socket.try_clone().unwrap();
    // A client that is gone is no failure.
    let _ = std::io::copy(&mut reader, &mut socket);
    let _ = socket.shutdown(Shutdown::Write);
}

/// A port of this computer that is free now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
