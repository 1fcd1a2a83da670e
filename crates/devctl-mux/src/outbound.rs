//! What waits to be written.

use std::sync::{Mutex, PoisonError};

use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{Notify, Semaphore};

use crate::error::MuxError;
use crate::frame::{HEADER, Header, Kind};

/// Data that may wait: streams queue up for it, first come, first served.
const ROOM: usize = 256 * 1024;

/// Answers that may wait. They are not held up, since that could hold up the reading of what makes room.
const ANSWERS_AT_MOST: usize = 4 * 1024 * 1024;

/// The frames that the writer takes with it the next time.
#[derive(Debug)]
pub(crate) struct Outbound {
    waiting: Mutex<Waiting>,
    wake: Notify,
    room: Semaphore,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// How much of it took room.
    data: usize,
    closed: bool,
}

impl Outbound {
    pub(crate) fn new() -> Self {
        Self {
            waiting: Mutex::default(),
            wake: Notify::new(),
            room: Semaphore::new(ROOM),
        }
    }

    /// Puts data in line, when there is room; false when the connection is over.
    pub(crate) async fn data(&self, stream: u32, payload: &[u8]) -> bool {
        let cost = HEADER + payload.len();
        // A payload is at most 64 KiB long.
        let Ok(permit) = self.room.acquire_many(u32::try_from(cost).unwrap_or(1)).await else {
            return false;
        };
        permit.forget();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.data += cost;
        put(&mut waiting, Kind::Data, stream, payload);
        drop(waiting);
        self.wake.notify_one();
        true
    }

    /// Puts anything else in line, at once.
    ///
    /// # Errors
    /// [`MuxError::NotReading`] where too much waits already.
    pub(crate) fn answer(&self, kind: Kind, stream: u32, payload: &[u8]) -> Result<(), MuxError> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.bytes.len() > ANSWERS_AT_MOST {
            return Err(MuxError::NotReading);
        }
        put(&mut waiting, kind, stream, payload);
        drop(waiting);
        self.wake.notify_one();
        Ok(())
    }

    /// Lets nobody wait any more; what is in line is still written.
    pub(crate) fn close(&self) {
        self.room.close();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.wake.notify_one();
    }

    /// Writes until the connection is closed.
    pub(crate) async fn write_to<W: AsyncWrite + Unpin>(&self, mut writer: W) -> std::io::Result<()> {
        let mut batch = Vec::new();
        loop {
            let (data, closed) = {
                let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                std::mem::swap(&mut waiting.bytes, &mut batch);
                (std::mem::take(&mut waiting.data), waiting.closed)
            };
            if batch.is_empty() {
                if closed {
                    return writer.shutdown().await;
                }
                self.wake.notified().await;
                continue;
            }
            // The next batch is put together while this one is written.
            self.room.add_permits(data);
            writer.write_all(&batch).await?;
            writer.flush().await?;
            batch.clear();
            batch.shrink_to(2 * ROOM);
        }
    }
}

fn put(waiting: &mut Waiting, kind: Kind, stream: u32, payload: &[u8]) {
    if waiting.closed {
        return;
    }
    let header = Header {
        kind,
        length: payload.len(),
        stream,
    };
    header.write(&mut waiting.bytes);
    waiting.bytes.extend_from_slice(payload);
}
