//! Listens in the container for services of the host.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use devctl_agent_protocol::{AgentSaid, ReverseAt, ReverseStream};
use devctl_mux::{Mux, Stream};
use tokio::net::{TcpListener, UnixListener};
use tokio_util::task::AbortOnDropHandle;

use super::{carry_tcp, carry_unix, tell};

/// A pause after a connection that could not be taken, such as when no descriptor is left.
const PAUSE: Duration = Duration::from_millis(50);

/// Ports on which the agent itself listens.
pub(super) type OwnPorts = Arc<Mutex<BTreeSet<u16>>>;

/// The places where the agent listens for the host.
pub(super) struct Reverses {
    mux: Mux,
    places: HashMap<u32, Place>,
    own_ports: OwnPorts,
}

struct Place {
    path: Option<PathBuf>,
    port: Option<u16>,
    own_ports: OwnPorts,
    _accepting: Vec<AbortOnDropHandle<()>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // Somebody may have removed it.
            let _ = fs::remove_file(path);
        }
        if let Some(port) = self.port {
            let mut own = self.own_ports.lock().unwrap_or_else(PoisonError::into_inner);
            own.remove(&port);
        }
    }
}

impl Reverses {
    pub(super) fn new(mux: Mux) -> Self {
        Self {
            mux,
            places: HashMap::new(),
            own_ports: OwnPorts::default(),
        }
    }

    pub(super) fn own_ports(&self) -> OwnPorts {
        Arc::clone(&self.own_ports)
    }

    /// Begins to listen, and tells the host whether it does.
    pub(super) async fn listen(&mut self, reverse: u32, at: ReverseAt) {
        self.places.remove(&reverse);
        let said = match self.place(reverse, &at).await {
            Ok(place) => {
                self.places.insert(reverse, place);
                AgentSaid::Listening { reverse }
            }
            Err(error) => AgentSaid::NotListening {
                reverse,
                reason: format!("{at}: {error}"),
            },
        };
        tell(&self.mux, &said);
    }

    pub(super) fn unlisten(&mut self, reverse: u32) {
        self.places.remove(&reverse);
    }

    async fn place(&self, reverse: u32, at: &ReverseAt) -> io::Result<Place> {
        match at {
            ReverseAt::Port { port } => {
                // Noted first, so that no look at the listeners comes in between.
                let own = || self.own_ports.lock().unwrap_or_else(PoisonError::into_inner);
                let noted = own().insert(*port);
                let first = match TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).await {
                    Ok(first) => first,
                    Err(error) => {
                        if noted {
                            own().remove(port);
                        }
                        return Err(error);
                    }
                };
                // A container without IPv6 is common.
                let second = TcpListener::bind((Ipv6Addr::LOCALHOST, *port)).await.ok();
                let accepting = [Some(first), second].into_iter().flatten();
                let accepting = accepting
                    .map(|listener| tokio::spawn(accept_tcp(self.mux.clone(), reverse, listener)))
                    .map(AbortOnDropHandle::new);
                Ok(Place {
                    path: None,
                    port: Some(*port),
                    own_ports: self.own_ports(),
                    _accepting: accepting.collect(),
                })
            }
            ReverseAt::Unix { path } => {
                let listener = UnixListener::bind(path)?;
                let mut place = Place {
                    path: Some(path.into()),
                    port: None,
                    own_ports: self.own_ports(),
                    _accepting: Vec::new(),
                };
                fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
                let accepting = tokio::spawn(accept_unix(self.mux.clone(), reverse, listener));
                place._accepting.push(AbortOnDropHandle::new(accepting));
                Ok(place)
            }
        }
    }
}

async fn accept_tcp(mux: Mux, reverse: u32, listener: TcpListener) {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                let mux = mux.clone();
                tokio::spawn(async move {
                    match opened(&mux, reverse).await {
                        Some(stream) => carry_tcp(&stream, socket).await,
                        // Refused: the client sees a connection that is broken off.
                        None => drop(socket.set_zero_linger()),
                    }
                });
            }
            Err(_refused) => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn accept_unix(mux: Mux, reverse: u32, listener: UnixListener) {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                let mux = mux.clone();
                tokio::spawn(async move {
                    if let Some(stream) = opened(&mux, reverse).await {
                        carry_unix(&stream, socket).await;
                    }
                });
            }
            Err(_refused) => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn opened(mux: &Mux, reverse: u32) -> Option<Stream> {
    let target = serde_json::to_vec(&ReverseStream { reverse }).ok()?;
    mux.open(&target).await.ok()
}
