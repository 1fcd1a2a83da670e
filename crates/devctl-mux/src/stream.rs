//! One stream.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::FIRST_WINDOW;
use crate::connection::Shared;
use crate::error::{MuxError, StreamError};
use crate::frame::{Kind, MAX_DATA, cut_reason};

/// The largest window: so much may be on its way to a reader that keeps up.
const MAX_WINDOW: usize = 2 * 1024 * 1024;

/// More than any window; a peer that grants more is up to something.
const MAX_CREDIT: usize = 1 << 30;

/// One stream. Dropping it before both directions have ended resets it.
///
/// One task may send while another receives; each direction is for one task at a time.
#[derive(Debug)]
pub struct Stream {
    pub(crate) id: u32,
    pub(crate) inner: Arc<Inner>,
    pub(crate) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    state: Mutex<State>,
    pub(crate) readable: Notify,
    pub(crate) writable: Notify,
}

#[derive(Debug)]
pub(crate) struct State {
    /// What came and was not fetched.
    inbound: Vec<u8>,
    /// What the other side may still send.
    admitted: usize,
    /// What was fetched and not yet granted anew.
    fetched: usize,
    window: usize,
    /// What we may still send.
    credit: usize,
    pub(crate) is_open: bool,
    /// No more comes.
    pub(crate) has_ended: bool,
    /// No more is sent.
    pub(crate) is_finished: bool,
    pub(crate) failure: Option<StreamError>,
}

impl Inner {
    pub(crate) fn new(is_open: bool) -> Self {
        Self {
            state: Mutex::new(State {
                inbound: Vec::new(),
                admitted: FIRST_WINDOW,
                fetched: 0,
                window: FIRST_WINDOW,
                credit: FIRST_WINDOW,
                is_open,
                has_ended: false,
                is_finished: false,
                failure: None,
            }),
            readable: Notify::new(),
            writable: Notify::new(),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn wake(&self) {
        self.readable.notify_one();
        self.writable.notify_one();
    }

    pub(crate) fn fail(&self, error: StreamError) {
        self.state().failure.get_or_insert(error);
        self.wake();
    }

    /// What lies beyond the first window, to be given back to the connection when the stream is over.
    pub(crate) fn extra_window(&self) -> usize {
        self.state().window - FIRST_WINDOW
    }

    /// Takes data in.
    pub(crate) fn receive(&self, bytes: &[u8]) -> Result<(), MuxError> {
        let mut state = self.state();
        let refused = |what| Err(MuxError::Protocol { what });
        if !state.is_open {
            return refused("data on a stream that is not open");
        }
        if state.has_ended {
            return refused("data after its end");
        }
        let Some(admitted) = state.admitted.checked_sub(bytes.len()) else {
            return refused("more data than the window lets in");
        };
        state.admitted = admitted;
        state.inbound.extend_from_slice(bytes);
        drop(state);
        self.readable.notify_one();
        Ok(())
    }

    /// Takes a grant in.
    pub(crate) fn grant(&self, count: usize) -> Result<(), MuxError> {
        let mut state = self.state();
        state.credit = state.credit.saturating_add(count);
        if state.credit > MAX_CREDIT {
            return Err(MuxError::Protocol {
                what: "a window beyond all bounds",
            });
        }
        drop(state);
        self.writable.notify_one();
        Ok(())
    }
}

impl Stream {
    /// What came since the last time; none when the other side has ended its direction. Can be given up at any time.
    ///
    /// # Errors
    /// The stream was reset, or its connection ended: what was not fetched by then is lost.
    pub async fn receive(&self) -> Result<Option<Vec<u8>>, StreamError> {
        loop {
            {
                let mut state = self.inner.state();
                if let Some(failure) = &state.failure {
                    return Err(failure.clone());
                }
                if !state.inbound.is_empty() {
                    let bytes = std::mem::take(&mut state.inbound);
                    let grant = self.grant_for(&mut state, bytes.len());
                    drop(state);
                    if grant > 0 {
                        let count = u32::try_from(grant).unwrap_or(u32::MAX);
                        self.shared.answer(Kind::Window, self.id, &count.to_be_bytes());
                    }
                    return Ok(Some(bytes));
                }
                if state.has_ended {
                    return Ok(None);
                }
            }
            self.inner.readable.notified().await;
        }
    }

    /// What to grant anew, half a window at a time. A reader that keeps up gets a larger window.
    fn grant_for(&self, state: &mut State, fetched: usize) -> usize {
        state.fetched += fetched;
        if state.fetched < state.window / 2 || state.has_ended {
            return 0;
        }
        let growth = state.window.min(MAX_WINDOW - state.window);
        let growth = if growth > 0 && self.shared.take_extra(growth) {
            growth
        } else {
            0
        };
        state.window += growth;
        let grant = std::mem::take(&mut state.fetched) + growth;
        state.admitted += grant;
        grant
    }

    /// Sends all of it, as the other side's window lets it. Given up in the middle, the stream must be dropped.
    ///
    /// # Errors
    /// The stream was reset, or its connection ended.
    pub async fn send(&self, mut bytes: &[u8]) -> Result<(), StreamError> {
        while !bytes.is_empty() {
            let count = {
                let mut state = self.inner.state();
                if let Some(failure) = &state.failure {
                    return Err(failure.clone());
                }
                let count = state.credit.min(bytes.len()).min(MAX_DATA);
                state.credit -= count;
                count
            };
            if count == 0 {
                self.inner.writable.notified().await;
                continue;
            }
            let (now, later) = bytes.split_at(count);
            if !self.shared.outbound.data(self.id, now).await {
                return Err(self.shared.ended());
            }
            bytes = later;
        }
        Ok(())
    }

    /// Ends our direction; the other one goes on.
    pub fn finish(&self) {
        let mut state = self.inner.state();
        if state.is_finished || state.failure.is_some() {
            return;
        }
        state.is_finished = true;
        let is_over = state.has_ended;
        drop(state);
        self.shared.answer(Kind::End, self.id, &[]);
        if is_over {
            self.shared.forget(self.id);
        }
    }

    /// Ends both directions at once, and says why.
    pub fn reset(self, reason: &str) {
        self.shared.reset(self.id, cut_reason(reason));
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.shared.reset(self.id, "closed");
    }
}
