//! Between a thread that reads or writes an archive and the connection that carries it: a few pieces wait, no more.

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use std::io::{self, Read, Write};
use tokio::sync::mpsc;

/// Bytes of a piece.
const PIECE: usize = 256 * 1024;
/// Pieces that wait.
const WAITING: usize = 4;

type Piece = io::Result<Bytes>;

/// A writer for a thread, and what is written as a stream. The stream ends well only after [`PipeWriter::finish`].
pub(super) fn writer() -> (PipeWriter, BoxStream<'static, Piece>) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let stream = futures_util::stream::unfold(Some(receiver), |receiver| async {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Some(piece)) => Some((Ok(piece), Some(receiver))),
            Some(None) => None,
            // An archive that ends early must not look like a whole one.
            None => Some((Err(io::ErrorKind::UnexpectedEof.into()), None)),
        }
    });
    let writer = PipeWriter {
        sender,
        buffer: Vec::with_capacity(PIECE),
    };
    (writer, stream.boxed())
}

/// Writes from a thread of its own.
pub(super) struct PipeWriter {
    /// None marks the end.
    sender: mpsc::Sender<Option<Bytes>>,
    buffer: Vec<u8>,
}

impl PipeWriter {
    fn send(&self, piece: Option<Bytes>) -> io::Result<()> {
        self.sender
            .blocking_send(piece)
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// Says that this was all.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.flush()?;
        self.send(None)
    }
}

impl Write for PipeWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PIECE - self.buffer.len();
        let took = bytes.len().min(room);
        self.buffer.extend_from_slice(&bytes[..took]);
        if self.buffer.len() == PIECE {
            self.flush()?;
        }
        Ok(took)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let full = std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE));
        self.send(Some(full.into()))
    }
}

/// A reader for a thread, and the work of carrying the stream to it, which ends when the stream or the reader does.
#[cfg_attr(not(unix), expect(dead_code, reason = "files are not unpacked there"))]
pub(super) fn reader(mut stream: BoxStream<'static, Piece>) -> (PipeReader, impl Future<Output = ()>) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let carry = async move {
        while let Some(piece) = stream.next().await {
            if sender.send(piece).await.is_err() {
                return;
            }
        }
    };
    let reader = PipeReader {
        receiver,
        piece: Bytes::new(),
    };
    (reader, carry)
}

/// Reads in a thread of its own.
pub(super) struct PipeReader {
    receiver: mpsc::Receiver<Piece>,
    piece: Bytes,
}

impl Read for PipeReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.receiver.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let took = self.piece.len().min(into.len());
        into[..took].copy_from_slice(&self.piece.split_to(took));
        Ok(took)
    }
}
