//! The terminal of the person, handed over to a command in a container.

use std::io::{self, IsTerminal};

/// Columns and rows of the terminal; what terminals have always had where it does not say.
pub(crate) fn size() -> (u16, u16) {
    terminal_size::terminal_size_of(io::stdout()).map_or((80, 24), |(width, height)| (width.0, height.0))
}

/// Whether both ends of the terminal are there: keys and screen.
pub(crate) fn is_there() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// The terminal without any treatment of keys of its own; as before when dropped.
#[derive(Debug)]
pub(crate) struct RawTerminal {
    #[cfg(unix)]
    before: rustix::termios::Termios,
}

impl RawTerminal {
    /// Hands the keys over as they are typed.
    #[cfg(unix)]
    pub(crate) fn enter() -> io::Result<Self> {
        use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        // What was typed ahead is kept: it is for the command.
        tcsetattr(io::stdin(), OptionalActions::Drain, &raw)?;
        Ok(Self { before })
    }

    /// Says that this system has no such terminal.
    #[cfg(not(unix))]
    pub(crate) fn enter() -> io::Result<Self> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "exec gives no terminal on this system; `devctl ssh` does",
        ))
    }
}

#[cfg(unix)]
impl Drop for RawTerminal {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Err(error) = tcsetattr(io::stdin(), OptionalActions::Drain, &self.before) {
            tracing::warn!(%error, "the terminal could not be brought back");
        }
    }
}

/// Tells when the size of the terminal changes.
#[derive(Debug)]
pub(crate) struct Resizes {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Resizes {
    /// Begins to listen.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            signal: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::window_change())?,
        })
    }

    /// Waits for the next change and says the new size.
    pub(crate) async fn next(&mut self) -> (u16, u16) {
        #[cfg(unix)]
        self.signal.recv().await;
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
        size()
    }
}
