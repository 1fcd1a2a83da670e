//! Descriptors of the transport and of terminals, for asynchronous use.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use tokio::io::unix::AsyncFd;

/// Makes the descriptor non-blocking and registers it.
pub(crate) fn register(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    fcntl_setfl(&fd, fcntl_getfl(&fd)? | OFlags::NONBLOCK)?;
    #[expect(
        unsafe_code,
        reason = "tokio has no safe way to register a descriptor that it does not know"
    )]
    // SAFETY: an `OwnedFd` is open, nobody else closes it, it always gives the same number, and the `AsyncFd` owns it
    // until one of the two is dropped; nobody here takes it out.
    let registered = unsafe { AsyncFd::register(fd) };
    registered.map_err(io::Error::from)
}
