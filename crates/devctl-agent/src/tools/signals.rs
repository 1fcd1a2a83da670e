//! Signals as something that can be polled for.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, WaitOptions, WaitStatus, wait};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::low_level::pipe;

/// `SIGRTMIN+3` of glibc, by which containers of systemd are stopped. musl would count from another number.
const SIGRTMIN_3: i32 = 37;

/// What ends a tool.
const ENDING: [i32; 5] = [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGRTMIN_3];

/// The signals that a tool waits for. A signal that comes before [`Signals::wait`] is not lost.
#[derive(Debug)]
pub(crate) struct Signals {
    ending: UnixStream,
    children: UnixStream,
}

/// What woke a tool up. Several can be true, or none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Woken {
    /// The tool is asked to end.
    pub(crate) ending: bool,
    /// The extra file can be read, or is at its end.
    pub(crate) readable: bool,
}

impl Signals {
    /// Listens from now on for what ends a tool and for the end of children.
    pub(crate) fn listen() -> io::Result<Self> {
        let (ending, written) = UnixStream::pair()?;
        for signal in ENDING {
            pipe::register(signal, written.try_clone()?)?;
        }
        let (children, written) = UnixStream::pair()?;
        pipe::register(SIGCHLD, written)?;
        ending.set_nonblocking(true)?;
        children.set_nonblocking(true)?;
        Ok(Self { ending, children })
    }

    /// Sleeps until a signal came, a child ended, one of the files can be read or the deadline is over.
    pub(crate) fn wait(&self, files: &[BorrowedFd<'_>], deadline: Option<Instant>) -> io::Result<Woken> {
        let mut fds = vec![
            PollFd::from_borrowed_fd(self.ending.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.children.as_fd(), PollFlags::IN),
        ];
        fds.extend(
            files
                .iter()
                .map(|file| PollFd::from_borrowed_fd(*file, PollFlags::IN)),
        );
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let timeout = left
            .map(Timespec::try_from)
            .transpose()
            .map_err(io::Error::other)?;
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {}
            // By a signal: its byte is there at the next turn.
            Err(rustix::io::Errno::INTR) => return Ok(Woken::default()),
            Err(error) => return Err(error.into()),
        }
        let happened = |index: usize| {
            fds.get(index)
                .is_some_and(|fd: &PollFd<'_>| !fd.revents().is_empty())
        };
        if happened(1) {
            drain(&self.children)?;
        }
        Ok(Woken {
            ending: happened(0),
            readable: (2..fds.len()).any(happened),
        })
    }
}

fn drain(stream: &UnixStream) -> io::Result<()> {
    let mut bytes = [0; 256];
    loop {
        match rustix::io::read(stream, &mut bytes) {
            Ok(0) | Err(rustix::io::Errno::AGAIN) => return Ok(()),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Takes the next child that has ended out of the kernel's table, if there is one.
pub(crate) fn reap() -> io::Result<Option<(Pid, WaitStatus)>> {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(ended) => return Ok(ended),
            Err(rustix::io::Errno::CHILD) => return Ok(None),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The exit status as a shell shows it: 128 + the signal that ended it.
pub(crate) fn exit_status(status: WaitStatus) -> u8 {
    let code = status
        .exit_status()
        .or_else(|| status.terminating_signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}
