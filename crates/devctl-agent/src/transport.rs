//! Standard input and output as one stream.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustix::event::{PollFd, PollFlags};
use rustix::pipe::fcntl_setpipe_size;
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::oneshot;

use crate::async_fd::register;
use crate::inflow::Inflow;

/// russh reads four bytes and then a packet. Reading this much at once saves most of the system calls.
const READ_BUFFER: usize = 256 << 10;

/// What the pipes to the engine may hold, where the kernel grants it (`/proc/sys/fs/pipe-max-size`).
const PIPE_BYTES: usize = 1 << 20;

/// The stream that SSH runs on.
#[derive(Debug)]
pub(crate) struct Transport {
    input: AsyncFd<OwnedFd>,
    output: AsyncFd<OwnedFd>,
    buffer: Box<[u8]>,
    filled: std::ops::Range<usize>,
    inflow: Arc<Inflow>,
}

impl Transport {
    /// Takes over standard input and output.
    pub(crate) fn new(inflow: Arc<Inflow>) -> io::Result<Self> {
        Ok(Self {
            input: prepare(rustix::stdio::stdin())?,
            output: prepare(rustix::stdio::stdout())?,
            buffer: vec![0; READ_BUFFER].into_boxed_slice(),
            filled: 0..0,
            inflow,
        })
    }
}

/// A descriptor of our own for the same pipe, ready for asynchronous use.
pub(crate) fn prepare(fd: BorrowedFd<'_>) -> io::Result<AsyncFd<OwnedFd>> {
    let own = rustix::io::fcntl_dupfd_cloexec(fd, 3)?;
    // Not granted, or not a pipe: it works with what there is.
    let _ = fcntl_setpipe_size(&own, PIPE_BYTES);
    register(own)
}

/// Resolves when the other side is gone, also while nothing is read or written: the engine closes our standard input
/// when its client vanishes.
pub(crate) fn hangup() -> io::Result<oneshot::Receiver<()>> {
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new().name("hangup".into()).spawn(move || {
        let (input, output) = (rustix::stdio::stdin(), rustix::stdio::stdout());
        // Hangup and error are reported without being asked for.
        let mut fds = [
            PollFd::new(&input, PollFlags::RDHUP),
            PollFd::from_borrowed_fd(output.as_fd(), PollFlags::empty()),
        ];
        while matches!(
            rustix::event::poll(&mut fds, None),
            Ok(0) | Err(rustix::io::Errno::INTR)
        ) {}
        // The receiver is gone when the connection ended by itself.
        let _ = sender.send(());
    })?;
    Ok(receiver)
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.filled.is_empty() {
            ready!(this.inflow.poll_admit(cx));
            loop {
                let mut guard = ready!(this.input.poll_read_ready(cx))?;
                let buffer = &mut *this.buffer;
                match guard.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut *buffer)?)) {
                    Ok(Ok(n)) => {
                        this.filled = 0..n;
                        break;
                    }
                    Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                    Ok(Err(error)) => return Poll::Ready(Err(error)),
                    Err(_would_block) => {}
                }
            }
        }
        let taken = this.filled.len().min(out.remaining());
        if let Some(bytes) = this.buffer.get(this.filled.start..this.filled.start + taken) {
            out.put_slice(bytes);
        }
        this.filled.start += taken;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.output.poll_write_ready(cx))?;
            match guard.try_io(|fd| Ok(rustix::io::write(fd.get_ref(), data)?)) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(result) => return Poll::Ready(result),
                Err(_would_block) => {}
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
