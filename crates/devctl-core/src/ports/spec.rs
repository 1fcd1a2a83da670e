//! What a person writes for a forward.

use devctl_agent_protocol::{ReverseAt, Target};
use devctl_model::{ErrorCode, Problem};

/// One side of a forward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A port of the loopback.
    Port(u16),
    /// A port of another host, as seen from that side.
    Tcp(String, u16),
    /// A Unix socket.
    Unix(String),
}

/// `[LISTEN:]CONNECT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spec {
    /// Where connections are taken; none chooses what fits the other side.
    pub(super) listen: Option<Place>,
    /// Where they go.
    pub(super) connect: Place,
}

impl Spec {
    /// Reads `3000`, `8080:80`, `db:5432`, `15432:db:5432`, `/run/x.sock`, `8080:/run/x.sock`, `/tmp/y.sock:/run/x.sock`,
    /// `[::1]:3000`.
    pub(super) fn read(text: &str) -> Result<Self, Problem> {
        let refused = || {
            Problem::new(ErrorCode::PortInvalid, format!("{text:?} is no forward")).fix(
                "Write 3000, 8080:80, db:5432, 15432:db:5432, /run/x.sock, or /tmp/here.sock:/run/x.sock",
            )
        };
        if text.is_empty() || text.len() > 1024 || text.chars().any(char::is_control) {
            return Err(refused());
        }
        if let Some(rest) = text.strip_prefix('/') {
            // A path takes everything, up to where another side begins.
            let split = rest.match_indices(':').find_map(|(at, _)| {
                let connect = Place::read(&rest[at + 1..])?;
                Some((format!("/{}", &rest[..at]), connect))
            });
            return match split {
                Some((listen, connect)) => Ok(Self {
                    listen: Some(Place::Unix(listen)),
                    connect,
                }),
                None => Ok(Self {
                    listen: None,
                    connect: Place::Unix(text.to_owned()),
                }),
            };
        }
        if let Some((first, rest)) = text.split_once(':')
            && let Some(listen) = port(first)
        {
            return Ok(Self {
                listen: Some(Place::Port(listen)),
                connect: Place::read(rest).ok_or_else(refused)?,
            });
        }
        Ok(Self {
            listen: None,
            connect: Place::read(text).ok_or_else(refused)?,
        })
    }
}

impl Place {
    /// A port, `host:port`, `[address]:port` or an absolute path.
    pub(super) fn read(text: &str) -> Option<Self> {
        if let Some(port) = port(text) {
            return Some(Self::Port(port));
        }
        if text.starts_with('/') {
            return Some(Self::Unix(text.to_owned()));
        }
        let (host, number) = text.rsplit_once(':')?;
        let number = port(number)?;
        let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(address) => address.parse::<std::net::Ipv6Addr>().ok()?.to_string(),
            None => {
                let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
                let is_number = host.bytes().all(|byte| byte.is_ascii_digit());
                if is_number || host.len() > 255 || host.starts_with('-') || !host.chars().all(plain) {
                    return None;
                }
                host.to_owned()
            }
        };
        if host.eq_ignore_ascii_case("localhost") {
            return Some(Self::Port(number));
        }
        Some(Self::Tcp(host, number))
    }

    /// The same as a target in the container.
    pub(super) fn target(&self) -> Target {
        match self {
            Self::Port(port) => Target::Port { port: *port },
            Self::Tcp(host, port) => Target::Tcp {
                host: host.clone(),
                port: *port,
            },
            Self::Unix(path) => Target::Unix { path: path.clone() },
        }
    }

    /// The same as a place in the container to listen at; none where nobody can listen there.
    pub(super) fn reverse_at(&self) -> Option<ReverseAt> {
        match self {
            Self::Port(port) => Some(ReverseAt::Port { port: *port }),
            Self::Unix(path) => Some(ReverseAt::Unix { path: path.clone() }),
            Self::Tcp(..) => None,
        }
    }

    /// Its port, where it has one.
    pub(super) fn port(&self) -> Option<u16> {
        match self {
            Self::Port(port) | Self::Tcp(_, port) => Some(*port),
            Self::Unix(_) => None,
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.target().fmt(f)
    }
}

fn port(text: &str) -> Option<u16> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse::<u16>().ok().filter(|port| digits && *port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let read = |text: &str| Spec::read(text).unwrap();
        let unix = |path: &str| Place::Unix(path.into());
        let of = |listen: Option<Place>, connect: Place| Spec { listen, connect };
        assert_eq!(read("3000"), of(None, Place::Port(3000)));
        assert_eq!(read("8080:80"), of(Some(Place::Port(8080)), Place::Port(80)));
        assert_eq!(read("db:5432"), of(None, Place::Tcp("db".into(), 5432)));
        assert_eq!(read("LocalHost:1"), of(None, Place::Port(1)));
        assert_eq!(
            read("15432:db:5432"),
            of(Some(Place::Port(15432)), Place::Tcp("db".into(), 5432))
        );
        assert_eq!(
            read("80:[::1]:81"),
            of(Some(Place::Port(80)), Place::Tcp("::1".into(), 81))
        );
        assert_eq!(read("/run/x.sock"), of(None, unix("/run/x.sock")));
        assert_eq!(
            read("8080:/run/x:y"),
            of(Some(Place::Port(8080)), unix("/run/x:y"))
        );
        assert_eq!(read("/a:/b"), of(Some(unix("/a")), unix("/b")));
        assert_eq!(read("/a:80"), of(Some(unix("/a")), Place::Port(80)));
        for bad in [
            "",
            "0",
            "70000",
            "x",
            "-1",
            "+1",
            "80:",
            ":80",
            "80:x",
            "a b:1",
            "-o:1",
            "1:2:3",
            "db:5432:1",
            "x\n:1",
        ] {
            assert_eq!(
                Spec::read(bad).unwrap_err().code,
                ErrorCode::PortInvalid,
                "{bad:?}"
            );
        }
    }
}
