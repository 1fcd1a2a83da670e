//! Forwarding of TCP ports and Unix sockets, both directions.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::server::{ChannelOpenHandle, Handle, Msg};
use russh::{Channel, ChannelOpenFailure};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::connection::Shared;
use crate::outflow::Outflow;
use crate::session::{feed, receive};

/// What listens in the container for the client. All of it ends with the connection.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    tcp: HashMap<(String, u32), Vec<AbortOnDropHandle<()>>>,
    unix: HashMap<String, UnixForward>,
}

#[derive(Debug)]
struct UnixForward {
    path: PathBuf,
    _accepting: AbortOnDropHandle<()>,
}

impl Drop for UnixForward {
    fn drop(&mut self) {
        // The user may have removed it.
        let _ = fs::remove_file(&self.path);
    }
}

/// `-L` to a TCP port: connects and carries.
pub(crate) fn connect_tcp(
    shared: Arc<Shared>,
    channel: Channel<Msg>,
    reply: ChannelOpenHandle,
    host: String,
    port: u32,
) {
    tokio::spawn(async move {
        let Ok(port) = u16::try_from(port) else {
            reply.reject(ChannelOpenFailure::ConnectFailed).await;
            return;
        };
        match TcpStream::connect((host.as_str(), port)).await {
            Ok(stream) => {
                reply.accept().await;
                relay_tcp(channel, stream, &shared).await;
            }
            Err(error) => {
                shared
                    .reporter
                    .warn(format!("forwarding to {host}:{port}: {error}"));
                reply.reject(ChannelOpenFailure::ConnectFailed).await;
            }
        }
    });
}

/// `-L` to a Unix socket: connects and carries.
pub(crate) fn connect_unix(
    shared: Arc<Shared>,
    channel: Channel<Msg>,
    reply: ChannelOpenHandle,
    path: String,
) {
    tokio::spawn(async move {
        match UnixStream::connect(&path).await {
            Ok(stream) => {
                reply.accept().await;
                relay_unix(channel, stream, &shared).await;
            }
            Err(error) => {
                shared.reporter.warn(format!("forwarding to {path}: {error}"));
                reply.reject(ChannelOpenFailure::ConnectFailed).await;
            }
        }
    });
}

impl Listeners {
    /// `-R` of a TCP port, on loopback only whatever address is asked for, as sshd does by default
    /// (`GatewayPorts no`). Gives the port.
    pub(crate) async fn listen_tcp(
        &mut self,
        shared: &Arc<Shared>,
        handle: &Handle,
        address: &str,
        port: u32,
    ) -> io::Result<u32> {
        let wanted = u16::try_from(port).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, wanted)).await?;
        let bound = first.local_addr()?.port();
        let key = (address.to_owned(), u32::from(bound));
        // A container without IPv6 is common.
        let second = TcpListener::bind((Ipv6Addr::LOCALHOST, bound)).await.ok();
        let accepting = [Some(first), second]
            .into_iter()
            .flatten()
            .map(|listener| {
                let (shared, handle, key) = (Arc::clone(shared), handle.clone(), key.clone());
                AbortOnDropHandle::new(tokio::spawn(accept_tcp(shared, handle, key, listener)))
            })
            .collect();
        self.tcp.insert(key, accepting);
        Ok(u32::from(bound))
    }

    /// Ends `-R` of a TCP port; whether there was one.
    pub(crate) fn unlisten_tcp(&mut self, address: &str, port: u32) -> bool {
        self.tcp.remove(&(address.to_owned(), port)).is_some()
    }

    /// `-R` of a Unix socket, for the user only. A socket that is in the way stays, as with sshd's default
    /// (`StreamLocalBindUnlink no`).
    pub(crate) fn listen_unix(
        &mut self,
        shared: &Arc<Shared>,
        handle: &Handle,
        path: &str,
    ) -> io::Result<()> {
        let listener = UnixListener::bind(path)?;
        let guard = |accepting| UnixForward {
            path: PathBuf::from(path),
            _accepting: accepting,
        };
        let restricted = fs::set_permissions(Path::new(path), fs::Permissions::from_mode(0o600));
        let accepting = tokio::spawn(accept_unix(
            Arc::clone(shared),
            handle.clone(),
            path.to_owned(),
            listener,
        ));
        let forward = guard(AbortOnDropHandle::new(accepting));
        restricted?;
        self.unix.insert(path.to_owned(), forward);
        Ok(())
    }

    /// Ends `-R` of a Unix socket; whether there was one.
    pub(crate) fn unlisten_unix(&mut self, path: &str) -> bool {
        self.unix.remove(path).is_some()
    }
}

async fn accept_tcp(
    shared: Arc<Shared>,
    handle: Handle,
    (address, port): (String, u32),
    listener: TcpListener,
) {
    while let Ok((stream, peer)) = listener.accept().await {
        let (shared, handle, address) = (Arc::clone(&shared), handle.clone(), address.clone());
        tokio::spawn(async move {
            let (origin, origin_port) = (peer.ip().to_string(), u32::from(peer.port()));
            match handle
                .channel_open_forwarded_tcpip(address, port, origin, origin_port)
                .await
            {
                Ok(channel) => relay_tcp(channel, stream, &shared).await,
                Err(error) => shared
                    .reporter
                    .warn(format!("forwarding of port {port}: {error}")),
            }
        });
    }
}

async fn accept_unix(shared: Arc<Shared>, handle: Handle, path: String, listener: UnixListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let (shared, handle, path) = (Arc::clone(&shared), handle.clone(), path.clone());
        tokio::spawn(async move {
            match handle.channel_open_forwarded_streamlocal(path.clone()).await {
                Ok(channel) => relay_unix(channel, stream, &shared).await,
                Err(error) => shared.reporter.warn(format!("forwarding of {path}: {error}")),
            }
        });
    }
}

async fn relay_tcp(channel: Channel<Msg>, stream: TcpStream, shared: &Shared) {
    // Small answers must not wait for more; a socket that refuses works, only slower.
    let _ = stream.set_nodelay(true);
    let (reader, writer) = stream.into_split();
    relay(channel, reader, writer, shared).await;
}

/// Carries a Unix socket's bytes both ways.
pub(crate) async fn relay_unix(channel: Channel<Msg>, stream: UnixStream, shared: &Shared) {
    let (reader, writer) = stream.into_split();
    relay(channel, reader, writer, shared).await;
}

/// Carries bytes both ways until both directions have ended, or the client closes the channel.
async fn relay<W: AsyncWrite + Unpin>(
    channel: Channel<Msg>,
    reader: impl AsyncRead + Unpin,
    writer: W,
    shared: &Shared,
) {
    let (read, write) = channel.split();
    let (inlet, input) = shared.inflow.queue();
    let closed = CancellationToken::new();
    let _receiving = AbortOnDropHandle::new(tokio::spawn(receive(read, inlet, closed.clone())));
    let outflow = Outflow::new(write, Arc::clone(&shared.inflow));
    let to_client = async {
        // When one of these fails the connection is gone.
        let _ = outflow.carry(reader, None).await;
        let _ = outflow.channel().eof().await;
    };
    tokio::select! {
        ((), ()) = async { tokio::join!(to_client, feed(input, writer)) } => {
            let _ = outflow.channel().close().await;
        }
        () = closed.cancelled() => {}
    }
}
