//! Holds back what the client sends when it arrives faster than it is used.
//!
//! russh gives a channel's window back on arrival, not on use, and holds back by stopping its whole loop, output
//! included; a command like `cat` that is waiting to get rid of its output would then never take its input. So what
//! arrives is queued here without limit per channel, and the *transport* stops being read while more than
//! [`SOFT_LIMIT`] bytes wait. A process that waits for the client to take its output is the exception: the client's
//! permission to send more may be behind what we do not read. Then reading goes on up to [`HARD_LIMIT`].
//!
//! The price: a command that takes no input holds back the input of the other channels of the same connection once
//! that much waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use tokio::sync::mpsc;

const SOFT_LIMIT: usize = 16 << 20;
const HARD_LIMIT: usize = 96 << 20;

/// The account of one connection.
#[derive(Debug, Default)]
pub(crate) struct Inflow {
    queued: AtomicUsize,
    starved: AtomicUsize,
    reader: AtomicWaker,
}

impl Inflow {
    /// Ready when the transport may be read.
    pub(crate) fn poll_admit(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.admits() {
            return Poll::Ready(());
        }
        self.reader.register(cx.waker());
        if self.admits() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Says for as long as the guard lives that output waits for the client.
    pub(crate) fn starve(self: &Arc<Self>) -> Starved {
        self.starved.fetch_add(1, Ordering::SeqCst);
        self.reader.wake();
        Starved(Arc::clone(self))
    }

    /// A queue for what one channel receives.
    pub(crate) fn queue(self: &Arc<Self>) -> (Inlet, Outlet) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (
            Inlet {
                sender,
                inflow: Arc::clone(self),
            },
            Outlet {
                receiver,
                inflow: Arc::clone(self),
            },
        )
    }

    fn admits(&self) -> bool {
        let queued = self.queued.load(Ordering::SeqCst);
        queued < SOFT_LIMIT || (queued < HARD_LIMIT && self.starved.load(Ordering::SeqCst) > 0)
    }

    fn add(&self, bytes: usize) {
        self.queued.fetch_add(bytes, Ordering::SeqCst);
    }

    fn remove(&self, bytes: usize) {
        let before = self.queued.fetch_sub(bytes, Ordering::SeqCst);
        if before >= SOFT_LIMIT {
            self.reader.wake();
        }
    }
}

/// See [`Inflow::starve`].
#[derive(Debug)]
pub(crate) struct Starved(Arc<Inflow>);

impl Drop for Starved {
    fn drop(&mut self) {
        self.0.starved.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Where a channel's bytes go in. Dropping it ends the queue.
#[derive(Debug)]
pub(crate) struct Inlet {
    sender: mpsc::UnboundedSender<Bytes>,
    inflow: Arc<Inflow>,
}

impl Inlet {
    /// Queues the bytes; when nobody takes them any more they are dropped, as a closed pipe would.
    pub(crate) fn push(&self, data: Bytes) {
        let length = data.len();
        self.inflow.add(length);
        if self.sender.send(data).is_err() {
            self.inflow.remove(length);
        }
    }
}

/// Where a channel's bytes come out.
#[derive(Debug)]
pub(crate) struct Outlet {
    receiver: mpsc::UnboundedReceiver<Bytes>,
    inflow: Arc<Inflow>,
}

impl Outlet {
    /// The next bytes; `None` at the end of the client's input.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        let data = self.receiver.recv().await?;
        self.inflow.remove(data.len());
        Some(data)
    }

    /// As [`Outlet::next`], for a thread that may block.
    pub(crate) fn next_blocking(&mut self) -> Option<Bytes> {
        let data = self.receiver.blocking_recv()?;
        self.inflow.remove(data.len());
        Some(data)
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.receiver.close();
        while let Ok(data) = self.receiver.try_recv() {
            self.inflow.remove(data.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn admits(inflow: &Inflow) -> bool {
        inflow
            .poll_admit(&mut Context::from_waker(Waker::noop()))
            .is_ready()
    }

    #[tokio::test]
    async fn reading_stops_at_the_limit_and_goes_on_below_it() {
        let inflow = Arc::new(Inflow::default());
        let (inlet, mut outlet) = inflow.queue();
        inlet.push(Bytes::from(vec![0; SOFT_LIMIT]));
        inlet.push(Bytes::from_static(b"x"));
        assert!(!admits(&inflow));
        outlet.next().await.unwrap();
        assert!(admits(&inflow));
    }

    #[test]
    fn a_process_that_waits_for_the_client_keeps_reading_going() {
        let inflow = Arc::new(Inflow::default());
        let (inlet, _outlet) = inflow.queue();
        inlet.push(Bytes::from(vec![0; SOFT_LIMIT]));
        let starved = inflow.starve();
        assert!(admits(&inflow));
        inlet.push(Bytes::from(vec![0; HARD_LIMIT - SOFT_LIMIT]));
        assert!(!admits(&inflow));
        drop(starved);
        assert!(!admits(&inflow));
    }

    #[test]
    fn a_queue_that_nobody_reads_any_more_holds_nothing_back() {
        let inflow = Arc::new(Inflow::default());
        let (inlet, outlet) = inflow.queue();
        inlet.push(Bytes::from(vec![0; SOFT_LIMIT]));
        drop(outlet);
        assert!(admits(&inflow));
        inlet.push(Bytes::from(vec![0; SOFT_LIMIT]));
        assert!(admits(&inflow));
    }
}
