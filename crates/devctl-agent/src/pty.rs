//! Terminals.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use russh::Pty;
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, ptsname, unlockpt};
use rustix::termios::{
    ControlModes, InputModes, LocalModes, OptionalActions, OutputModes, SpecialCodeIndex, Termios, Winsize,
    tcgetattr, tcsetattr, tcsetwinsize,
};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::async_fd::register;

/// What the client asked for.
#[derive(Debug, Clone)]
pub(crate) struct TerminalRequest {
    pub(crate) name: String,
    pub(crate) size: Winsize,
    pub(crate) modes: Vec<(Pty, u32)>,
}

/// Our side of a terminal.
#[derive(Debug, Clone)]
pub(crate) struct Terminal {
    master: Arc<AsyncFd<OwnedFd>>,
    draining: Arc<AtomicBool>,
}

/// The other side, for the process, and its path.
#[derive(Debug)]
pub(crate) struct Slave {
    pub(crate) fd: OwnedFd,
    pub(crate) path: String,
}

impl Terminal {
    /// Opens a terminal with the size and modes of the client's.
    pub(crate) fn open(request: &TerminalRequest) -> io::Result<(Self, Slave)> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let slave = ioctl_tiocgptpeer(&master, flags)?;
        let path = ptsname(&master, Vec::new())?.to_string_lossy().into_owned();
        let mut termios = tcgetattr(&slave)?;
        for (mode, value) in &request.modes {
            apply(&mut termios, *mode, *value);
        }
        tcsetattr(&slave, OptionalActions::Now, &termios)?;
        tcsetwinsize(&slave, request.size)?;
        let terminal = Self {
            master: Arc::new(register(master)?),
            draining: Arc::new(AtomicBool::new(false)),
        };
        Ok((terminal, Slave { fd: slave, path }))
    }

    /// Tells the foreground processes that the window changed.
    pub(crate) fn resize(&self, size: Winsize) -> io::Result<()> {
        Ok(tcsetwinsize(self.master.get_ref(), size)?)
    }

    /// From now on reading ends when nothing is there: a process in the background may hold the terminal open.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }
}

impl AsyncRead for Terminal {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut read =
            |fd: &OwnedFd| -> io::Result<usize> { Ok(rustix::io::read(fd, out.initialize_unfilled())?) };
        let count = if self.draining.load(Ordering::SeqCst) {
            match read(self.master.get_ref()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                result => result?,
            }
        } else {
            loop {
                let mut guard = ready!(self.master.poll_read_ready(cx))?;
                if let Ok(result) = guard.try_io(|fd| read(fd.get_ref())) {
                    break result?;
                }
            }
        };
        out.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Terminal {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.master.poll_write_ready(cx))?;
            if let Ok(result) = guard.try_io(|fd| Ok(rustix::io::write(fd.get_ref(), data)?)) {
                return Poll::Ready(result);
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

/// The size of RFC 4254 section 6.2; more than a terminal can have is cut.
pub(crate) fn window_size(columns: u32, rows: u32, width: u32, height: u32) -> Winsize {
    let cut = |value: u32| u16::try_from(value).unwrap_or(u16::MAX);
    Winsize {
        ws_row: cut(rows),
        ws_col: cut(columns),
        ws_xpixel: cut(width),
        ws_ypixel: cut(height),
    }
}

/// Applies one encoded mode (RFC 4254 section 8). What Linux does not have stays as it is, and so do the speeds, which
/// mean nothing here.
fn apply(termios: &mut Termios, mode: Pty, value: u32) {
    let special = |termios: &mut Termios, index: SpecialCodeIndex| {
        // 255 is the RFC's "none", which is 0 on Linux.
        termios.special_codes[index] = u8::try_from(value).ok().filter(|code| *code != 255).unwrap_or(0);
    };
    let on = value != 0;
    match mode {
        Pty::VINTR => special(termios, SpecialCodeIndex::VINTR),
        Pty::VQUIT => special(termios, SpecialCodeIndex::VQUIT),
        Pty::VERASE => special(termios, SpecialCodeIndex::VERASE),
        Pty::VKILL => special(termios, SpecialCodeIndex::VKILL),
        Pty::VEOF => special(termios, SpecialCodeIndex::VEOF),
        Pty::VEOL => special(termios, SpecialCodeIndex::VEOL),
        Pty::VEOL2 => special(termios, SpecialCodeIndex::VEOL2),
        Pty::VSTART => special(termios, SpecialCodeIndex::VSTART),
        Pty::VSTOP => special(termios, SpecialCodeIndex::VSTOP),
        Pty::VSUSP => special(termios, SpecialCodeIndex::VSUSP),
        Pty::VREPRINT => special(termios, SpecialCodeIndex::VREPRINT),
        Pty::VWERASE => special(termios, SpecialCodeIndex::VWERASE),
        Pty::VLNEXT => special(termios, SpecialCodeIndex::VLNEXT),
        Pty::VDISCARD => special(termios, SpecialCodeIndex::VDISCARD),
        Pty::IGNPAR => termios.input_modes.set(InputModes::IGNPAR, on),
        Pty::PARMRK => termios.input_modes.set(InputModes::PARMRK, on),
        Pty::INPCK => termios.input_modes.set(InputModes::INPCK, on),
        Pty::ISTRIP => termios.input_modes.set(InputModes::ISTRIP, on),
        Pty::INLCR => termios.input_modes.set(InputModes::INLCR, on),
        Pty::IGNCR => termios.input_modes.set(InputModes::IGNCR, on),
        Pty::ICRNL => termios.input_modes.set(InputModes::ICRNL, on),
        Pty::IXON => termios.input_modes.set(InputModes::IXON, on),
        Pty::IXANY => termios.input_modes.set(InputModes::IXANY, on),
        Pty::IXOFF => termios.input_modes.set(InputModes::IXOFF, on),
        Pty::IMAXBEL => termios.input_modes.set(InputModes::IMAXBEL, on),
        Pty::IUTF8 => termios.input_modes.set(InputModes::IUTF8, on),
        Pty::ISIG => termios.local_modes.set(LocalModes::ISIG, on),
        Pty::ICANON => termios.local_modes.set(LocalModes::ICANON, on),
        Pty::ECHO => termios.local_modes.set(LocalModes::ECHO, on),
        Pty::ECHOE => termios.local_modes.set(LocalModes::ECHOE, on),
        Pty::ECHOK => termios.local_modes.set(LocalModes::ECHOK, on),
        Pty::ECHONL => termios.local_modes.set(LocalModes::ECHONL, on),
        Pty::NOFLSH => termios.local_modes.set(LocalModes::NOFLSH, on),
        Pty::TOSTOP => termios.local_modes.set(LocalModes::TOSTOP, on),
        Pty::IEXTEN => termios.local_modes.set(LocalModes::IEXTEN, on),
        Pty::ECHOCTL => termios.local_modes.set(LocalModes::ECHOCTL, on),
        Pty::ECHOKE => termios.local_modes.set(LocalModes::ECHOKE, on),
        Pty::OPOST => termios.output_modes.set(OutputModes::OPOST, on),
        Pty::ONLCR => termios.output_modes.set(OutputModes::ONLCR, on),
        Pty::OCRNL => termios.output_modes.set(OutputModes::OCRNL, on),
        Pty::ONOCR => termios.output_modes.set(OutputModes::ONOCR, on),
        Pty::ONLRET => termios.output_modes.set(OutputModes::ONLRET, on),
        Pty::CS7 | Pty::CS8 if on => {
            termios.control_modes.remove(ControlModes::CSIZE);
            termios.control_modes.insert(if matches!(mode, Pty::CS8) {
                ControlModes::CS8
            } else {
                ControlModes::CS7
            });
        }
        Pty::PARENB => termios.control_modes.set(ControlModes::PARENB, on),
        Pty::PARODD => termios.control_modes.set(ControlModes::PARODD, on),
        _ => {}
    }
}
