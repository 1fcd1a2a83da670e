//! `forward`: carries connections between the host and what listens in the container, and tells of new listeners.
//!
//! It connects only with what the host names, and listens only where the host asks for it. It ends with its input.

mod listeners;
mod pipes;
mod reverse;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use devctl_agent_protocol::{FORWARD_GREETING, HostSaid, Target};
use devctl_mux::{Asked, CarryError, Event, Limits, Mux, MuxError, Side, carry, start};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UnixStream};
use tokio_util::task::AbortOnDropHandle;

use crate::ports::reverse::Reverses;

/// How long a connection may take to come about.
const CONNECT_TIME: Duration = Duration::from_secs(20);

/// Streams that the host may have open at once. Each is a descriptor.
const STREAMS: usize = 16 * 1024;

/// Why forwarding ended.
#[derive(Debug, thiserror::Error)]
enum ForwardError {
    #[error("standard input or output cannot be used")]
    Pipes(#[source] io::Error),
    #[error("no runtime could be made")]
    Runtime(#[source] io::Error),
    #[error(transparent)]
    Connection(MuxError),
    #[error("the host said what nobody understands")]
    Message(#[source] serde_json::Error),
}

/// Carries until the host goes away.
pub(crate) fn run() -> ExitCode {
    match carry_all() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            crate::tools::complain(&crate::tools::chain(&error));
            ExitCode::FAILURE
        }
    }
}

fn carry_all() -> Result<(), ForwardError> {
    raise_descriptors();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(ForwardError::Runtime)?;
    let result = runtime.block_on(serve());
    // A thread may wait for a name that nobody knows.
    runtime.shutdown_background();
    result
}

/// As many descriptors as this process may have: each connection is one.
fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let raised = rustix::process::Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    // With fewer, later connections are refused one by one, and say why.
    let _ = setrlimit(Resource::Nofile, raised);
}

async fn serve() -> Result<(), ForwardError> {
    let (reader, mut writer) = pipes::standard().map_err(ForwardError::Pipes)?;
    writer
        .write_all(FORWARD_GREETING.as_bytes())
        .await
        .map_err(ForwardError::Pipes)?;
    let (mux, mut events) = start(Side::Container, Limits { incoming: STREAMS }, reader, writer);
    let mut reverses = Reverses::new(mux.clone());
    let mut watching = None;
    while let Some(event) = events.next().await {
        match event {
            Event::Open(asked) => {
                tokio::spawn(connect(asked));
            }
            Event::Message(message) => {
                match serde_json::from_slice(&message).map_err(ForwardError::Message)? {
                    HostSaid::Watch => {
                        let task = tokio::spawn(listeners::watch(mux.clone(), reverses.own_ports()));
                        watching = Some(AbortOnDropHandle::new(task));
                    }
                    HostSaid::Listen { reverse, at } => reverses.listen(reverse, at).await,
                    HostSaid::Unlisten { reverse } => reverses.unlisten(reverse),
                }
            }
        }
    }
    drop(watching);
    match mux.ended().await {
        MuxError::Ended => Ok(()),
        // The host was killed: what it wrote last may be cut off.
        MuxError::Broken { .. } => Ok(()),
        error => Err(ForwardError::Connection(error)),
    }
}

/// Connects with what the host names, and carries.
async fn connect(asked: Asked) {
    let target: Target = match serde_json::from_slice(&asked.target) {
        Ok(target) => target,
        Err(error) => return asked.refuse(&format!("not understood: {error}")),
    };
    let connecting = async {
        match &target {
            Target::Port { port } => Ok(Socket::Tcp(own_port(*port).await?)),
            Target::Tcp { host, port } => Ok(Socket::Tcp(TcpStream::connect((host.as_str(), *port)).await?)),
            Target::Unix { path } => Ok(Socket::Unix(UnixStream::connect(path).await?)),
        }
    };
    let connected: io::Result<Socket> = match tokio::time::timeout(CONNECT_TIME, connecting).await {
        Ok(connected) => connected,
        Err(_elapsed) => Err(io::ErrorKind::TimedOut.into()),
    };
    match connected {
        Ok(Socket::Tcp(socket)) => carry_tcp(&asked.accept(), socket).await,
        Ok(Socket::Unix(socket)) => carry_unix(&asked.accept(), socket).await,
        Err(error) => asked.refuse(&format!("{target}: {error}")),
    }
}

enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A port of our own loopback, in either family.
async fn own_port(port: u16) -> io::Result<TcpStream> {
    match TcpStream::connect((std::net::Ipv4Addr::LOCALHOST, port)).await {
        Ok(socket) => Ok(socket),
        Err(first) => TcpStream::connect((std::net::Ipv6Addr::LOCALHOST, port))
            .await
            .map_err(|_| first),
    }
}

/// Carries a TCP connection; one that was broken off is broken off on the other side too.
async fn carry_tcp(stream: &devctl_mux::Stream, mut socket: TcpStream) {
    // Small answers must not wait for more; a socket that refuses works, only slower.
    let _ = socket.set_nodelay(true);
    let (reader, writer) = socket.split();
    if let Err(CarryError::Stream(_)) = carry(stream, reader, writer).await {
        // Whoever reads from it must not take this for a proper end.
        let _ = socket.set_zero_linger();
    }
}

/// Carries a connection of a Unix socket.
async fn carry_unix(stream: &devctl_mux::Stream, mut socket: UnixStream) {
    let (reader, writer) = socket.split();
    // How it ended, each side sees by itself.
    let _ = carry(stream, reader, writer).await;
}

/// A message to the host. When it cannot be sent the connection is over, and so are we.
fn tell(mux: &Mux, message: &devctl_agent_protocol::AgentSaid) {
    if let Ok(text) = serde_json::to_vec(message) {
        let _ = mux.say(&text);
    }
}
