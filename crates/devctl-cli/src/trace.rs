//! What devctl tells about its own work, for those who look for a fault.

use std::io;
use tracing_subscriber::EnvFilter;

/// Tells on standard error what goes on inside, from `-vv` or the variable `DEVCTL_LOG` on.
pub(crate) fn start(verbose: u8, color: bool) {
    let asked = std::env::var("DEVCTL_LOG").ok().filter(|text| !text.is_empty());
    let filter = match (asked, verbose) {
        (Some(asked), _) => EnvFilter::new(asked),
        (None, 0 | 1) => return,
        (None, 2) => EnvFilter::new("warn,devctl=debug"),
        (None, _) => EnvFilter::new("debug,devctl=trace"),
    };
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(color)
        .try_init();
    if let Err(error) = started {
        tracing::debug!(%error, "somebody listens already");
    }
}
