//! Where an engine can be reached.

use std::fmt;
use std::path::PathBuf;

use crate::error::EngineError;

/// What made an endpoint known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EndpointSource {
    /// The environment variable `DOCKER_HOST`.
    DockerHost,
    /// A docker context, by its name.
    Context(String),
    /// A place where an engine of that name is known to listen.
    WellKnown(&'static str),
    /// Given by the user.
    Explicit,
}

impl fmt::Display for EndpointSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DockerHost => f.write_str("DOCKER_HOST"),
            Self::Context(name) => write!(f, "context {name}"),
            Self::WellKnown(product) => write!(f, "{product}"),
            Self::Explicit => f.write_str("given"),
        }
    }
}

/// How bytes get to an engine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A Unix socket.
    Unix(PathBuf),
    /// A Windows named pipe, such as `\\.\pipe\docker_engine`.
    Pipe(String),
    /// Plain TCP, `host:port`.
    Tcp(String),
}

/// One place where an engine may answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// A short name that is unique in one discovery: "default", "rootless", the name of a context.
    pub name: String,
    pub source: EndpointSource,
    /// As the docker client writes it: `unix:///var/run/docker.sock`.
    pub url: String,
    /// The one that the docker client would use now.
    pub current: bool,
}

impl Endpoint {
    /// An endpoint that was named by hand.
    #[must_use]
    pub fn explicit(url: impl Into<String>) -> Self {
        let url = url.into();
        Self {
            name: url.clone(),
            source: EndpointSource::Explicit,
            url,
            current: true,
        }
    }

    /// How this endpoint is reached.
    ///
    /// # Errors
    /// [`EngineError::Unsupported`] for `ssh://` and for TLS, [`EngineError::Invalid`] for anything that is not an
    /// endpoint.
    pub fn transport(&self) -> Result<Transport, EngineError> {
        let invalid = |reason: &str| EngineError::Invalid {
            what: format!("the engine address {:?} ({})", self.url, self.source),
            reason: reason.into(),
        };
        let (scheme, rest) = self
            .url
            .split_once("://")
            .ok_or_else(|| invalid("it has no scheme such as unix://"))?;
        if rest.is_empty() {
            return Err(invalid("nothing follows the scheme"));
        }
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Transport::Unix(PathBuf::from(rest))),
            "unix" => Err(invalid("the path of a socket is absolute")),
            "npipe" => Ok(Transport::Pipe(rest.replace('/', "\\"))),
            "tcp" | "http" => {
                let host = rest.trim_end_matches('/');
                let port = host
                    .rsplit_once(':')
                    .filter(|(name, port)| !name.is_empty() && port.parse::<u16>().is_ok());
                match port {
                    Some(_) => Ok(Transport::Tcp(host.to_owned())),
                    None => Ok(Transport::Tcp(format!("{host}:2375"))),
                }
            }
            "ssh" | "https" => Err(EngineError::Unsupported {
                what: format!("the engine address {}", self.url),
                reason: "engines are reached over a local socket, a named pipe or plain TCP".into(),
                fix: format!(
                    "ssh -nNT -L /tmp/engine.sock:/var/run/docker.sock {}",
                    rest.trim_end_matches('/')
                ),
            }),
            _ => Err(invalid("the scheme is not one of unix, npipe, tcp")),
        }
    }
}
