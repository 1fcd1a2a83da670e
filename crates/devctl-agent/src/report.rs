use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use devctl_agent_protocol::AgentReport;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// A pipe that is ready for writing has room for this many bytes at least (`PIPE_BUF`).
const ATOMIC_BYTES: usize = 4096;

/// Writes reports to standard error. A report that nobody reads is dropped and counted: it must not hold up the
/// connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reporter {
    dropped: Arc<AtomicU64>,
}

impl Reporter {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn send(&self, report: &AgentReport) {
        let dropped = self.dropped.load(Ordering::Relaxed);
        if dropped > 0 {
            let warning = AgentReport::Warning {
                message: format!("{dropped} reports were lost"),
            };
            if self.write(&warning) {
                self.dropped.fetch_sub(dropped, Ordering::Relaxed);
            }
        }
        if !self.write(report) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn warn(&self, message: impl Into<String>) {
        self.send(&AgentReport::Warning {
            message: message.into(),
        });
    }

    fn write(&self, report: &AgentReport) -> bool {
        let Ok(mut line) = report.to_line() else {
            return false;
        };
        if line.len() > ATOMIC_BYTES {
            let Ok(short) = (AgentReport::Warning {
                message: format!("a report of {} bytes was too long to send", line.len()),
            })
            .to_line() else {
                return false;
            };
            line = short;
        }
        let stderr = rustix::stdio::stderr();
        let mut ready = [PollFd::new(&stderr, PollFlags::OUT)];
        let at_once = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        matches!(poll(&mut ready, Some(&at_once)), Ok(1))
            && ready.iter().all(|fd| fd.revents().contains(PollFlags::OUT))
            && rustix::io::write(stderr, line.as_bytes()) == Ok(line.len())
    }
}
