//! A connection: its table of streams, and the two tasks that read and write.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::error::{MuxError, StreamError};
use crate::frame::{HEADER, Header, Kind, cut_reason};
use crate::outbound::Outbound;
use crate::stream::{Inner, Stream};
use crate::{MAX_MESSAGE, MAX_OPEN};

/// What is read at once.
const READ: usize = 256 * 1024;

/// What the windows of all streams together may have beyond their first.
const EXTRA_WINDOWS: usize = 64 * 1024 * 1024;

/// How long what is in line may take to be written when the connection is over.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Which end this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Opens streams with odd numbers.
    Host,
    /// Opens streams with even numbers.
    Container,
}

/// What the other side may do.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Streams that it has opened and that are not over.
    pub incoming: usize,
}

/// One end of a connection. Cheap to clone; it lives as long as its [`Events`].
#[derive(Debug, Clone)]
pub struct Mux {
    shared: Arc<Shared>,
}

/// What comes from the other side beside data. Dropping it ends the connection and resets every stream.
#[derive(Debug)]
pub struct Events {
    receiver: mpsc::Receiver<Event>,
    shared: Arc<Shared>,
    _reading: AbortOnDropHandle<()>,
}

/// Something that the other side wants.
#[derive(Debug)]
pub enum Event {
    /// A stream.
    Open(Asked),
    /// To say something.
    Message(Bytes),
}

/// A stream that the other side asks for. Dropping it refuses it.
#[derive(Debug)]
pub struct Asked {
    /// What it is to be connected with.
    pub target: Bytes,
    stream: Stream,
}

impl Asked {
    /// Opens it.
    pub fn accept(self) -> Stream {
        self.stream.inner.state().is_open = true;
        self.stream.shared.answer(Kind::Opened, self.stream.id, &[]);
        self.stream
    }

    /// Refuses it and says why.
    pub fn refuse(self, reason: &str) {
        self.stream.reset(reason);
    }
}

#[derive(Debug)]
pub(crate) struct Shared {
    side: Side,
    limits: Limits,
    pub(crate) outbound: Outbound,
    table: Mutex<Table>,
    extra: AtomicUsize,
    end: OnceLock<MuxError>,
    ended: CancellationToken,
}

#[derive(Debug, Default)]
struct Table {
    streams: HashMap<u32, Arc<Inner>>,
    incoming: usize,
    /// The last number that was used here, and there.
    last_own: u32,
    last_other: u32,
}

/// Begins a connection. It needs a tokio runtime.
///
/// Whoever waits for a new stream must not keep [`Events`] from being read meanwhile.
pub fn start<R, W>(side: Side, limits: Limits, reader: R, writer: W) -> (Mux, Events)
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let shared = Arc::new(Shared {
        side,
        limits,
        outbound: Outbound::new(),
        table: Mutex::default(),
        extra: AtomicUsize::new(0),
        end: OnceLock::new(),
        ended: CancellationToken::new(),
    });
    let (sender, receiver) = mpsc::channel(64);
    let writing = Arc::clone(&shared);
    tokio::spawn(async move {
        let given_up = async {
            writing.ended.cancelled().await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        tokio::select! {
            written = writing.outbound.write_to(writer) => {
                if let Err(error) = written {
                    writing.fail(MuxError::Broken { kind: error.kind() });
                }
            }
            () = given_up => {}
        }
    });
    let reading = Arc::clone(&shared);
    let reading = AbortOnDropHandle::new(tokio::spawn(async move {
        tokio::select! {
            error = reading.read_from(reader, sender) => reading.fail(error),
            () = reading.ended.cancelled() => {}
        }
    }));
    let events = Events {
        receiver,
        shared: Arc::clone(&shared),
        _reading: reading,
    };
    (Mux { shared }, events)
}

impl Mux {
    /// Asks for a stream and waits until the other side has opened it.
    ///
    /// # Errors
    /// It was refused, or the connection is over.
    pub async fn open(&self, target: &[u8]) -> Result<Stream, StreamError> {
        within(target, MAX_OPEN)?;
        let stream = {
            let mut table = self.shared.table();
            // Under the lock of the table, so that numbers go out in their order.
            let id = match (table.last_own, self.shared.side) {
                (0, Side::Host) => Some(1),
                (0, Side::Container) => Some(2),
                (last, _) => last.checked_add(2),
            };
            let Some(id) = id else {
                drop(table);
                self.shared.fail(MuxError::Exhausted);
                return Err(self.shared.ended());
            };
            if self.shared.end.get().is_some() {
                return Err(self.shared.ended());
            }
            table.last_own = id;
            let inner = Arc::new(Inner::new(false));
            table.streams.insert(id, Arc::clone(&inner));
            let asked = self.shared.outbound.answer(Kind::Open, id, target);
            drop(table);
            let stream = Stream {
                id,
                inner,
                shared: Arc::clone(&self.shared),
            };
            if let Err(error) = asked {
                self.shared.fail(error);
            }
            stream
        };
        loop {
            {
                let state = stream.inner.state();
                if let Some(failure) = &state.failure {
                    return Err(failure.clone());
                }
                if state.is_open {
                    break;
                }
            }
            stream.inner.readable.notified().await;
        }
        // Data may have come behind the answer.
        stream.inner.wake();
        Ok(stream)
    }

    /// Says something to the other side.
    ///
    /// # Errors
    /// It is too long, or the connection is over.
    pub fn say(&self, message: &[u8]) -> Result<(), StreamError> {
        within(message, MAX_MESSAGE)?;
        if self.shared.end.get().is_some() {
            return Err(self.shared.ended());
        }
        self.shared.answer(Kind::Message, 0, message);
        Ok(())
    }

    /// Waits for the end of the connection and says why it ended.
    pub async fn ended(&self) -> MuxError {
        self.shared.ended.cancelled().await;
        self.shared.end.get().cloned().unwrap_or(MuxError::Closed)
    }

    /// Streams that are not over.
    pub fn streams(&self) -> usize {
        self.shared.table().streams.len()
    }
}

impl Events {
    /// The next; none when the connection is over.
    pub async fn next(&mut self) -> Option<Event> {
        self.receiver.recv().await
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.shared.fail(MuxError::Closed);
    }
}

fn within(bytes: &[u8], limit: usize) -> Result<(), StreamError> {
    if bytes.len() > limit {
        return Err(StreamError::TooLong {
            length: bytes.len(),
            limit,
        });
    }
    Ok(())
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a stream is told when its connection is over.
    pub(crate) fn ended(&self) -> StreamError {
        let reason = self.end.get().unwrap_or(&MuxError::Closed);
        StreamError::ConnectionEnded {
            reason: reason.to_string(),
        }
    }

    pub(crate) fn answer(&self, kind: Kind, stream: u32, payload: &[u8]) {
        if let Err(error) = self.outbound.answer(kind, stream, payload) {
            self.fail(error);
        }
    }

    /// Ends the connection: the first reason counts.
    fn fail(&self, error: MuxError) {
        if self.end.set(error).is_err() {
            return;
        }
        let streams = {
            let mut table = self.table();
            table.incoming = 0;
            std::mem::take(&mut table.streams)
        };
        let ended = self.ended();
        for stream in streams.into_values() {
            stream.fail(ended.clone());
        }
        self.outbound.close();
        self.ended.cancel();
    }

    /// Forgets a stream that is over; whether it was known.
    pub(crate) fn forget(&self, id: u32) -> bool {
        let mut table = self.table();
        let Some(inner) = table.streams.remove(&id) else {
            return false;
        };
        if !self.is_own(id) {
            table.incoming = table.incoming.saturating_sub(1);
        }
        drop(table);
        self.extra.fetch_sub(inner.extra_window(), Ordering::Relaxed);
        true
    }

    /// Resets a stream, unless it is over.
    pub(crate) fn reset(&self, id: u32, reason: &str) {
        if self.forget(id) {
            self.answer(Kind::Reset, id, reason.as_bytes());
        }
    }

    /// Takes a part of what the windows may have beyond their first, where that much is left.
    pub(crate) fn take_extra(&self, count: usize) -> bool {
        let taken = self
            .extra
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
                let taken = taken.checked_add(count)?;
                (taken <= EXTRA_WINDOWS).then_some(taken)
            });
        taken.is_ok()
    }

    fn is_own(&self, id: u32) -> bool {
        (id % 2 == 1) == (self.side == Side::Host)
    }

    /// The stream; none where it is over already. A number that nobody has used is refused.
    fn find(&self, id: u32) -> Result<Option<Arc<Inner>>, MuxError> {
        let table = self.table();
        if let Some(inner) = table.streams.get(&id) {
            return Ok(Some(Arc::clone(inner)));
        }
        let last = if self.is_own(id) {
            table.last_own
        } else {
            table.last_other
        };
        if id > last {
            return Err(MuxError::Protocol {
                what: "a frame on a stream that was never opened",
            });
        }
        Ok(None)
    }

    /// Reads until the connection is over, and says why it is.
    async fn read_from<R: AsyncRead + Unpin>(
        self: &Arc<Self>,
        mut reader: R,
        events: mpsc::Sender<Event>,
    ) -> MuxError {
        let mut buffer = vec![0; READ];
        let (mut begin, mut end) = (0, 0);
        loop {
            // Every whole frame that is here.
            while let Some(header) = buffer.get(begin..end).and_then(<[u8]>::first_chunk::<HEADER>) {
                let header = match Header::read(*header) {
                    Ok(header) => header,
                    Err(error) => return error,
                };
                let from = begin + HEADER;
                let Some(payload) = buffer.get(from..end).and_then(|rest| rest.get(..header.length)) else {
                    let needed = HEADER + header.length;
                    if buffer.len() < needed {
                        buffer.resize(needed, 0);
                    }
                    break;
                };
                match self.take(header, payload) {
                    Ok(None) => {}
                    Ok(Some(event)) => {
                        if events.send(event).await.is_err() {
                            return MuxError::Closed;
                        }
                    }
                    Err(error) => return error,
                }
                begin = from + header.length;
            }
            buffer.copy_within(begin..end, 0);
            end -= begin;
            begin = 0;
            match reader.read(buffer.get_mut(end..).unwrap_or_default()).await {
                Ok(0) if end == 0 => return MuxError::Ended,
                Ok(0) => {
                    return MuxError::Broken {
                        kind: std::io::ErrorKind::UnexpectedEof,
                    };
                }
                Ok(count) => end += count,
                Err(error) => return MuxError::Broken { kind: error.kind() },
            }
        }
    }

    /// Does what a frame says; gives back what somebody else has to do.
    fn take(self: &Arc<Self>, header: Header, payload: &[u8]) -> Result<Option<Event>, MuxError> {
        let id = header.stream;
        match header.kind {
            Kind::Message => return Ok(Some(Event::Message(Bytes::copy_from_slice(payload)))),
            Kind::Open => return self.asked(id, payload),
            Kind::Data => {
                if let Some(inner) = self.find(id)? {
                    inner.receive(payload)?;
                }
            }
            Kind::Window => {
                let count = payload.first_chunk::<4>().copied().map_or(0, u32::from_be_bytes);
                if let Some(inner) = self.find(id)? {
                    inner.grant(count as usize)?;
                }
            }
            Kind::Opened => {
                let found = self.find(id)?;
                if !self.is_own(id) {
                    return Err(MuxError::Protocol {
                        what: "an answer to what was not asked",
                    });
                }
                if let Some(inner) = found {
                    if std::mem::replace(&mut inner.state().is_open, true) {
                        return Err(MuxError::Protocol {
                            what: "a second answer",
                        });
                    }
                    inner.wake();
                }
            }
            Kind::End => {
                if let Some(inner) = self.find(id)? {
                    let mut state = inner.state();
                    if !state.is_open || std::mem::replace(&mut state.has_ended, true) {
                        return Err(MuxError::Protocol {
                            what: "an end where there is nothing to end",
                        });
                    }
                    let is_over = state.is_finished;
                    drop(state);
                    inner.wake();
                    if is_over {
                        self.forget(id);
                    }
                }
            }
            Kind::Reset => {
                if let Some(inner) = self.find(id)? {
                    inner.fail(StreamError::Reset {
                        reason: String::from_utf8_lossy(payload).into_owned(),
                    });
                    self.forget(id);
                }
            }
        }
        Ok(None)
    }

    fn asked(self: &Arc<Self>, id: u32, target: &[u8]) -> Result<Option<Event>, MuxError> {
        let mut table = self.table();
        if self.is_own(id) || id <= table.last_other {
            return Err(MuxError::Protocol {
                what: "a stream with a number that is not free",
            });
        }
        table.last_other = id;
        if table.incoming >= self.limits.incoming {
            drop(table);
            let reason = cut_reason("too many streams are open");
            self.outbound.answer(Kind::Reset, id, reason.as_bytes())?;
            return Ok(None);
        }
        table.incoming += 1;
        let inner = Arc::new(Inner::new(false));
        table.streams.insert(id, Arc::clone(&inner));
        Ok(Some(Event::Open(Asked {
            target: Bytes::copy_from_slice(target),
            stream: Stream {
                id,
                inner,
                shared: Arc::clone(self),
            },
        })))
    }
}

#[cfg(test)]
mod tests;
