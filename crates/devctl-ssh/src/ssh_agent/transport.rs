use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use zeroize::Zeroizing;

use super::AgentAddress;
use crate::agent_error::AgentError;

/// The longest message of the agent protocol (OpenSSH: `AGENT_MAX_LEN`).
const LONGEST_MESSAGE: usize = 256 * 1024;

/// Carries one request to an agent and its answer back.
pub trait AgentTransport: Send + Sync {
    /// Sends a message and reads the answer; both without the length that goes before them on the wire.
    ///
    /// # Errors
    /// [`AgentError::Unreachable`], [`AgentError::TimedOut`] after `patience`, [`AgentError::Protocol`] for an answer
    /// without content or longer than 256 KiB.
    fn exchange(&self, request: &[u8], patience: Duration) -> Result<Vec<u8>, AgentError>;
}

pub(super) fn to(address: &AgentAddress) -> Box<dyn AgentTransport> {
    match address {
        #[cfg(unix)]
        AgentAddress::Socket(path) => Box::new(Socket { path: path.clone() }),
        #[cfg(not(unix))]
        AgentAddress::Socket(path) => Box::new(Pipe { path: path.clone() }),
        AgentAddress::Pipe(path) => Box::new(Pipe { path: path.clone() }),
    }
}

#[cfg(unix)]
struct Socket {
    path: PathBuf,
}

#[cfg(unix)]
impl AgentTransport for Socket {
    fn exchange(&self, request: &[u8], patience: Duration) -> Result<Vec<u8>, AgentError> {
        let address = self.path.display().to_string();
        let request = framed(request, &address)?;
        let started = std::time::Instant::now();
        let outcome = std::os::unix::net::UnixStream::connect(&self.path).and_then(|stream| {
            converse(
                &mut Hurried {
                    stream,
                    started,
                    patience,
                },
                &request,
            )
        });
        settle(outcome, address, patience)
    }
}

/// A socket whose every read and write ends when the patience with the whole exchange does.
#[cfg(unix)]
struct Hurried {
    stream: std::os::unix::net::UnixStream,
    started: std::time::Instant,
    patience: Duration,
}

#[cfg(unix)]
impl Hurried {
    fn left(&self) -> io::Result<Option<Duration>> {
        match self.patience.checked_sub(self.started.elapsed()) {
            Some(left) if !left.is_zero() => Ok(Some(left)),
            _ => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

#[cfg(unix)]
impl Read for Hurried {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.left()?)?;
        self.stream.read(buffer)
    }
}

#[cfg(unix)]
impl Write for Hurried {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.left()?)?;
        self.stream.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// A named pipe knows no timeouts, so a thread waits for it; it ends with the pipe.
struct Pipe {
    path: PathBuf,
}

impl AgentTransport for Pipe {
    fn exchange(&self, request: &[u8], patience: Duration) -> Result<Vec<u8>, AgentError> {
        let address = self.path.display().to_string();
        let request = framed(request, &address)?;
        let path = self.path.clone();
        let (give, receive) = mpsc::channel();
        let thread = std::thread::Builder::new().name("ssh-agent-pipe".to_owned());
        let started = thread.spawn(move || {
            let outcome = OpenOptions::new()
                .read(true)
                .write(true)
                .open(path)
                .and_then(|mut pipe| converse(&mut pipe, &request));
            // Nobody listens any more where the patience has ended.
            drop(give.send(outcome));
        });
        let outcome = started.and_then(|_| match receive.recv_timeout(patience) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout) => Err(io::ErrorKind::TimedOut.into()),
            Err(RecvTimeoutError::Disconnected) => Err(io::ErrorKind::BrokenPipe.into()),
        });
        settle(outcome, address, patience)
    }
}

fn framed(request: &[u8], address: &str) -> Result<Zeroizing<Vec<u8>>, AgentError> {
    let length = u32::try_from(request.len())
        .ok()
        .filter(|_| request.len() <= LONGEST_MESSAGE)
        .ok_or_else(|| AgentError::Protocol {
            address: address.to_owned(),
            why: "the request is longer than a message can be",
        })?;
    let mut framed = Zeroizing::new(Vec::with_capacity(4 + request.len()));
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(request);
    Ok(framed)
}

fn converse(stream: &mut (impl Read + Write), request: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(request)?;
    stream.flush()?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length == 0 || length > LONGEST_MESSAGE {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

fn settle(outcome: io::Result<Vec<u8>>, address: String, patience: Duration) -> Result<Vec<u8>, AgentError> {
    outcome.map_err(|source| match source.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => AgentError::TimedOut { address, patience },
        io::ErrorKind::InvalidData => AgentError::Protocol {
            address,
            why: "its answer is empty or longer than a message can be",
        },
        io::ErrorKind::UnexpectedEof => AgentError::Protocol {
            address,
            why: "it hung up in the middle of an answer",
        },
        _ => AgentError::Unreachable { address, source },
    })
}
