use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
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
    Box::new(Wire {
        address: address.clone(),
    })
}

/// A socket or pipe, which a thread waits for: connecting to a socket whose agent hangs takes no timeout, and a named
/// pipe takes none at all. A thread that nobody waits for any more ends with the agent.
struct Wire {
    address: AgentAddress,
}

impl AgentTransport for Wire {
    fn exchange(&self, request: &[u8], patience: Duration) -> Result<Vec<u8>, AgentError> {
        let name = self.address.to_string();
        let request = framed(request, &name)?;
        let address = self.address.clone();
        let (give, receive) = mpsc::channel();
        let started = thread::Builder::new()
            .name("ssh-agent".to_owned())
            .spawn(move || {
                // Nobody listens any more where the patience has ended.
                drop(give.send(talk(&address, &request)));
            });
        let outcome = started.and_then(|_| match receive.recv_timeout(patience) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout) => Err(io::ErrorKind::TimedOut.into()),
            Err(RecvTimeoutError::Disconnected) => Err(io::ErrorKind::BrokenPipe.into()),
        });
        settle(outcome, name, patience)
    }
}

fn talk(address: &AgentAddress, request: &[u8]) -> io::Result<Vec<u8>> {
    match address {
        #[cfg(unix)]
        AgentAddress::Socket(path) => converse(&mut std::os::unix::net::UnixStream::connect(path)?, request),
        #[cfg(not(unix))]
        AgentAddress::Socket(path) => converse(&mut pipe(path)?, request),
        AgentAddress::Pipe(path) => converse(&mut pipe(path)?, request),
    }
}

fn pipe(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
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
