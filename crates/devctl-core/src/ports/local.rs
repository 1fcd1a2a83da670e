//! Where connections are taken on this computer: its loopback, or a Unix socket of this person.

use super::spec::Place;
use devctl_model::{ErrorCode, Problem};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// Ports that are tried after the wanted one, before any free one is taken.
const NEXT: u16 = 100;

/// The first port that everybody may listen on, on most computers.
const FIRST_FREE_FOR_ALL: u16 = 1024;

/// What to add to a port that needs more rights: 80 becomes 8080.
const BESIDE: u16 = 8000;

/// What listens on this computer.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) listeners: Vec<Listener>,
    /// `127.0.0.1:3000`, or the path of the socket.
    pub(super) shown: String,
    pub(super) port: Option<u16>,
    /// Why it is another port than the wanted one.
    pub(super) note: Option<String>,
    /// Removed at the end.
    pub(super) socket: Option<PathBuf>,
}

/// One listener.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(tokio::net::UnixListener),
}

/// One connection of this computer.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(tokio::net::UnixStream),
}

/// A port that is wanted, and how much.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) port: u16,
    /// No other will do.
    pub(super) required: bool,
    /// The configuration says that it is worth more rights.
    pub(super) elevate: bool,
    /// Whether a port below 1024 may be taken at all: not for what merely began to listen.
    pub(super) low: bool,
}

impl Local {
    /// Listens on the loopback, on the wanted port or the next free one.
    pub(super) async fn bind(wanted: Wanted) -> Result<Self, Problem> {
        let Wanted { port, .. } = wanted;
        let first = if port < FIRST_FREE_FOR_ALL && !wanted.low && !wanted.required {
            Err(io::ErrorKind::PermissionDenied.into())
        } else {
            loopback(port).await
        };
        let error = match first {
            Ok(listeners) => return Self::on(listeners, None),
            Err(error) => error,
        };
        let refused = error.kind() == io::ErrorKind::PermissionDenied;
        let why = if refused {
            format!("port {port} of this computer needs more rights than you have")
        } else if error.kind() == io::ErrorKind::AddrInUse {
            format!("port {port} of this computer is taken")
        } else {
            return Err(not_listening(&format!("127.0.0.1:{port}"), &error));
        };
        if wanted.required {
            let problem = Problem::new(ErrorCode::PortTaken, why).why("the configuration requires this port");
            return Err(if refused {
                problem.fix("Run devctl with the rights to listen there, or take requireLocalPort out")
            } else {
                problem.fix("End what listens there, or take requireLocalPort out")
            });
        }
        let begin = if refused {
            port.saturating_add(BESIDE)
        } else {
            port.saturating_add(1)
        };
        let candidates = (begin..begin.saturating_add(NEXT)).filter(|port| *port >= FIRST_FREE_FOR_ALL);
        for candidate in candidates.chain([0]) {
            if let Ok(listeners) = loopback(candidate).await {
                let mut note = why.clone();
                if refused && wanted.elevate {
                    note.push_str("; devctl does not raise its rights by itself (elevateIfNeeded)");
                }
                return Self::on(listeners, Some(note));
            }
        }
        Err(not_listening(&format!("127.0.0.1:{port}"), &error))
    }

    fn on(listeners: Vec<TcpListener>, note: Option<String>) -> Result<Self, Problem> {
        let address = listeners.first().map(TcpListener::local_addr);
        let address = address
            .unwrap_or_else(|| Err(io::ErrorKind::AddrNotAvailable.into()))
            .map_err(|error| not_listening("127.0.0.1", &error))?;
        Ok(Self {
            listeners: listeners.into_iter().map(Listener::Tcp).collect(),
            shown: address.to_string(),
            port: Some(address.port()),
            note: note.map(|why| format!("{why}; it is {} here", address.port())),
            socket: None,
        })
    }

    /// Listens on a socket that only this person may use. What is at that path stays, unless it is a socket that nobody
    /// listens on any more.
    #[cfg(unix)]
    pub(super) async fn bind_unix(path: PathBuf) -> Result<Self, Problem> {
        use std::os::unix::fs::PermissionsExt as _;
        let shown = path.display().to_string();
        let failed = |error: io::Error| not_listening(&shown, &error);
        if is_left_behind(&path) {
            std::fs::remove_file(&path).map_err(failed)?;
        }
        let listener = tokio::net::UnixListener::bind(&path).map_err(failed)?;
        let restricted = std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600));
        let local = Self {
            listeners: vec![Listener::Unix(listener)],
            shown: shown.clone(),
            port: None,
            note: None,
            socket: Some(path),
        };
        restricted.map_err(failed)?;
        Ok(local)
    }

    #[cfg(not(unix))]
    pub(super) async fn bind_unix(path: PathBuf) -> Result<Self, Problem> {
        Err(
            not_listening(&path.display().to_string(), &io::ErrorKind::Unsupported.into())
                .fix("Forward it to a port: 8080:/path/of/the.sock"),
        )
    }
}

/// Whether a socket is there on which nobody listens any more.
#[cfg(unix)]
pub(super) fn is_left_behind(path: &std::path::Path) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    std::fs::symlink_metadata(path).is_ok_and(|it| it.file_type().is_socket())
        && matches!(
            std::os::unix::net::UnixStream::connect(path),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused
        )
}

/// Both families, where there are two, on one port.
async fn loopback(port: u16) -> io::Result<Vec<TcpListener>> {
    let first = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let port = first.local_addr()?.port();
    match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
        Ok(second) => Ok(vec![first, second]),
        // Another program's: a browser that tries ::1 first would reach that one.
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
        // This computer has no IPv6.
        Err(_) => Ok(vec![first]),
    }
}

impl Listener {
    pub(super) async fn accept(&self) -> io::Result<Socket> {
        match self {
            Self::Tcp(listener) => Ok(Socket::Tcp(listener.accept().await?.0)),
            #[cfg(unix)]
            Self::Unix(listener) => Ok(Socket::Unix(listener.accept().await?.0)),
        }
    }
}

impl Socket {
    /// Connects with a service of this computer.
    pub(super) async fn connect(place: &Place) -> io::Result<Self> {
        match place {
            Place::Port(port) => match TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).await {
                Ok(socket) => Ok(Self::Tcp(socket)),
                Err(first) => TcpStream::connect((Ipv6Addr::LOCALHOST, *port))
                    .await
                    .map(Self::Tcp)
                    .map_err(|_| first),
            },
            Place::Tcp(host, port) => Ok(Self::Tcp(TcpStream::connect((host.as_str(), *port)).await?)),
            #[cfg(unix)]
            Place::Unix(path) => Ok(Self::Unix(tokio::net::UnixStream::connect(path).await?)),
            #[cfg(not(unix))]
            Place::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Carries the connection. One that is broken off on the other side is broken off here too: whoever reads must not
    /// take that for a proper end.
    pub(super) async fn carry(self, stream: devctl_mux::Stream) {
        match self {
            Self::Tcp(mut socket) => {
                // Small answers must not wait for more; a socket that refuses works, only slower.
                let _ = socket.set_nodelay(true);
                let (reader, writer) = socket.split();
                if let Err(devctl_mux::CarryError::Stream(error)) = both(&stream, reader, writer).await {
                    tracing::debug!(%error, "a forwarded connection broke");
                    Self::Tcp(socket).break_off();
                }
            }
            #[cfg(unix)]
            Self::Unix(mut socket) => {
                let (reader, writer) = socket.split();
                if let Err(error) = both(&stream, reader, writer).await {
                    tracing::debug!(%error, "a forwarded connection broke");
                }
            }
        }
    }

    /// Ends it so that the other side sees an error.
    pub(super) fn break_off(self) {
        if let Self::Tcp(socket) = self {
            // Without it the other side sees an ordinary end.
            let _ = socket.set_zero_linger();
        }
    }
}

async fn both<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    stream: &devctl_mux::Stream,
    reader: R,
    writer: W,
) -> Result<(), devctl_mux::CarryError> {
    devctl_mux::carry(stream, reader, writer).await
}

fn not_listening(place: &str, error: &io::Error) -> Problem {
    Problem::new(
        ErrorCode::PortNotListening,
        format!("{place} of this computer cannot be listened on"),
    )
    .why(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(port: u16) -> Wanted {
        Wanted {
            port,
            required: false,
            elevate: false,
            low: true,
        }
    }

    #[tokio::test]
    async fn a_taken_port_gives_the_next_free_one_and_says_so_or_an_error_where_it_is_required() {
        let taken = Local::bind(wanted(0)).await.unwrap();
        let port = taken.port.unwrap();
        let next = Local::bind(wanted(port)).await.unwrap();
        assert_ne!(next.port, taken.port);
        let note = next.note.unwrap();
        assert!(
            note.contains(&format!("port {port}")) && note.contains("taken"),
            "{note}"
        );
        let required = Wanted {
            required: true,
            ..wanted(port)
        };
        assert_eq!(
            Local::bind(required).await.unwrap_err().code,
            ErrorCode::PortTaken
        );
        drop(taken);
        let again = Local::bind(required).await.unwrap();
        assert_eq!((again.port, again.note), (Some(port), None));
    }

    #[tokio::test]
    async fn what_merely_began_to_listen_takes_no_low_port() {
        let found = Wanted {
            low: false,
            ..wanted(80)
        };
        let local = Local::bind(found).await.unwrap();
        assert!(local.port.unwrap() >= FIRST_FREE_FOR_ALL);
        assert!(local.note.unwrap().contains("rights"));
        assert!(local.shown.starts_with("127.0.0.1:"));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_socket_is_ours_alone_and_takes_no_place_of_another_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.sock");
        let local = Local::bind_unix(path.clone()).await.unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(Local::bind_unix(path.clone()).await.is_err(), "somebody listens");
        drop(local);
        assert!(Local::bind_unix(path).await.is_ok(), "nobody listens any more");
        let file = folder.path().join("file");
        std::fs::write(&file, "mine").unwrap();
        assert!(Local::bind_unix(file.clone()).await.is_err());
        assert_eq!(std::fs::read_to_string(file).unwrap(), "mine");
    }
}
