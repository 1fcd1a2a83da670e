//! The engine's framing of two output streams on one connection.
//!
//! Each frame has a head of eight bytes (which stream, three zeros, the length in network order) and its bytes; Docker
//! calls it "raw stream" and Podman speaks it too.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::stream::{self, Stream};
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};

use crate::exec::{OutputStream, StderrSink};

/// Length of the head of a frame.
const HEAD: usize = 8;

/// How much is read at once. Docker's frames hold up to 32 KiB and the kernel keeps about 208 KiB of a Unix socket, so
/// that one system call brings several frames.
const CHUNK: usize = 256 << 10;

/// The head of a frame: the stream and the number of bytes that follow.
fn parse_head(head: [u8; HEAD]) -> io::Result<(OutputStream, usize)> {
    let [kind, zero @ .., a, b, c, d] = head;
    let stream = match (kind, zero) {
        // Zero is the echo of a standard input, which Docker counts to the output.
        (0 | 1, [0, 0, 0]) => OutputStream::Stdout,
        (2, [0, 0, 0]) => OutputStream::Stderr,
        (3, [0, 0, 0]) => {
            return Err(io::Error::other(
                "the engine reports an error of its own in the stream",
            ));
        }
        _ => {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the engine's framing is broken",
            ));
        }
    };
    let length = u32::from_be_bytes([a, b, c, d]);
    Ok((stream, usize::try_from(length).map_err(io::Error::other)?))
}

/// The standard output of a framed connection as plain bytes; what belongs to the standard error goes to a sink.
pub(crate) struct StdoutReader<R> {
    inner: R,
    /// Bytes that were read and not yet given out lie in `start..end`.
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// The frame at `start`, and how many of its bytes are still to come.
    stream: OutputStream,
    left: usize,
    stderr: StderrSink,
}

impl<R: AsyncRead + Unpin> StdoutReader<R> {
    /// `first` are bytes that were read before.
    pub(crate) fn new(inner: R, first: &[u8], stderr: StderrSink) -> Self {
        let mut buffer = vec![0; CHUNK.max(first.len())].into_boxed_slice();
        buffer[..first.len()].copy_from_slice(first);
        Self {
            inner,
            buffer,
            start: 0,
            end: first.len(),
            stream: OutputStream::Stdout,
            left: 0,
            stderr,
        }
    }

    /// Reads more behind what is there; false at the end of the connection.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.start > 0 {
            // Only the piece of a head is ever left over.
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let mut free = ReadBuf::new(&mut self.buffer[self.end..]);
        ready!(Pin::new(&mut self.inner).poll_read(context, &mut free))?;
        let count = free.filled().len();
        self.end += count;
        Poll::Ready(Ok(count > 0))
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for StdoutReader<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = out.filled().len();
        loop {
            let available = this.end - this.start;
            if this.left == 0 && available >= HEAD {
                let mut head = [0; HEAD];
                head.copy_from_slice(&this.buffer[this.start..this.start + HEAD]);
                (this.stream, this.left) = parse_head(head)?;
                this.start += HEAD;
                continue;
            }
            let piece = this.left.min(available);
            if piece > 0 && this.stream == OutputStream::Stderr {
                (this.stderr)(&this.buffer[this.start..this.start + piece]);
                this.start += piece;
                this.left -= piece;
                continue;
            }
            if out.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            if piece > 0 {
                let piece = piece.min(out.remaining());
                out.put_slice(&this.buffer[this.start..this.start + piece]);
                this.start += piece;
                this.left -= piece;
                continue;
            }
            // Nothing more without waiting: what there is goes out first.
            if out.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
            if !ready!(this.poll_fill(context))? {
                let whole = this.left == 0 && this.start == this.end;
                return Poll::Ready(if whole {
                    Ok(())
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                });
            }
        }
    }
}

/// A piece of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) stream: OutputStream,
    /// Whether the frame begins here.
    pub(crate) begins: bool,
    pub(crate) bytes: Bytes,
}

/// A framed connection as a stream of its frames. A frame that is longer than what was read comes in several pieces.
pub(crate) fn frames(
    reader: impl AsyncRead + Send + Unpin + 'static,
    first: Bytes,
) -> impl Stream<Item = io::Result<Piece>> + Send {
    struct State<R> {
        reader: R,
        buffer: BytesMut,
        stream: OutputStream,
        left: usize,
        begins: bool,
    }
    let state = State {
        reader,
        buffer: BytesMut::from(&first[..]),
        stream: OutputStream::Stdout,
        left: 0,
        begins: false,
    };
    stream::try_unfold(state, |mut state| async move {
        loop {
            if state.left == 0 && state.buffer.len() >= HEAD {
                let mut head = [0; HEAD];
                state.buffer.copy_to_slice(&mut head);
                (state.stream, state.left) = parse_head(head)?;
                state.begins = true;
                continue;
            }
            let piece = state.left.min(state.buffer.len());
            if piece > 0 {
                state.left -= piece;
                let piece = Piece {
                    stream: state.stream,
                    begins: std::mem::take(&mut state.begins),
                    bytes: state.buffer.split_to(piece).freeze(),
                };
                return Ok(Some((piece, state)));
            }
            state.buffer.reserve(32 << 10);
            if state.reader.read_buf(&mut state.buffer).await? == 0 {
                if state.left == 0 && state.buffer.is_empty() {
                    return Ok(None);
                }
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    })
}

/// An unframed connection (a terminal's) as a stream of pieces of standard output. Where its frames began is lost.
pub(crate) fn pieces(
    reader: impl AsyncRead + Send + Unpin + 'static,
    first: Bytes,
) -> impl Stream<Item = io::Result<Piece>> + Send {
    stream::try_unfold(
        (reader, BytesMut::from(&first[..])),
        |(mut reader, mut buffer)| async move {
            if buffer.is_empty() {
                buffer.reserve(32 << 10);
                if reader.read_buf(&mut buffer).await? == 0 {
                    return Ok(None);
                }
            }
            let piece = Piece {
                stream: OutputStream::Stdout,
                begins: false,
                bytes: buffer.split().freeze(),
            };
            Ok(Some((piece, (reader, buffer))))
        },
    )
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures_util::TryStreamExt as _;

    use super::*;

    fn frame(kind: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        [&[kind, 0, 0, 0][..], &length, bytes].concat()
    }

    /// Gives out a script in pieces of one size, so that heads and frames are cut everywhere.
    struct Dribble {
        script: Vec<u8>,
        at: usize,
        piece: usize,
    }

    impl AsyncRead for Dribble {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            out: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let end = self.script.len().min(self.at + self.piece.min(out.remaining()));
            out.put_slice(&self.script[self.at..end]);
            self.at = end;
            Poll::Ready(Ok(()))
        }
    }

    fn script() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let (mut script, mut stdout, mut stderr) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..40_usize {
            let bytes: Vec<u8> = (0..round * 7 % 101)
                .map(|byte| u8::try_from((byte + round) % 256).unwrap())
                .collect();
            let kind = if round % 3 == 0 { 2 } else { 1 };
            script.extend(frame(kind, &bytes));
            if kind == 1 { &mut stdout } else { &mut stderr }.extend(bytes);
        }
        (script, stdout, stderr)
    }

    #[tokio::test]
    async fn stdout_and_stderr_come_apart_wherever_they_are_cut() {
        let (script, stdout, stderr) = script();
        // An empty frame has no piece.
        let heads = (0..40_usize).filter(|round| round * 7 % 101 > 0).count();
        for piece in [1, 2, 3, 7, 8, 9, 64, 100_000] {
            for early in [0, 1, 8, 13, script.len()] {
                let heard = Arc::new(Mutex::new(Vec::new()));
                let sink = Arc::clone(&heard);
                let inner = Dribble {
                    script: script[early..].to_vec(),
                    at: 0,
                    piece,
                };
                let sink: StderrSink = Box::new(move |bytes| sink.lock().unwrap().extend_from_slice(bytes));
                let mut reader = StdoutReader::new(inner, &script[..early], sink);
                let mut read = Vec::new();
                reader.read_to_end(&mut read).await.unwrap();
                assert_eq!(read, stdout, "pieces of {piece}, {early} bytes early");
                assert_eq!(*heard.lock().unwrap(), stderr);

                let inner = Dribble {
                    script: script[early..].to_vec(),
                    at: 0,
                    piece,
                };
                let frames: Vec<_> = frames(inner, Bytes::copy_from_slice(&script[..early]))
                    .try_collect()
                    .await
                    .unwrap();
                let of = |wanted| {
                    frames
                        .iter()
                        .filter(|piece| piece.stream == wanted)
                        .flat_map(|piece| piece.bytes.to_vec())
                        .collect::<Vec<_>>()
                };
                assert_eq!(of(OutputStream::Stdout), stdout);
                assert_eq!(of(OutputStream::Stderr), stderr);
                let beginnings = frames.iter().filter(|piece| piece.begins).count();
                assert_eq!(beginnings, heads);
            }
        }
    }

    #[tokio::test]
    async fn a_connection_that_ends_inside_a_frame_is_an_error() {
        let whole = frame(1, b"hello");
        for length in [1, 7, 8, 12] {
            let inner = Dribble {
                script: whole[..length].to_vec(),
                at: 0,
                piece: 100,
            };
            let mut reader = StdoutReader::new(inner, &[], Box::new(|_| {}));
            let error = reader.read_to_end(&mut Vec::new()).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{length}");
        }
    }

    #[tokio::test]
    async fn what_is_not_framed_is_an_error() {
        let inner = Dribble {
            script: b"HTTP/1.1 500 no".to_vec(),
            at: 0,
            piece: 100,
        };
        let error = frames(inner, Bytes::new())
            .try_collect::<Vec<_>>()
            .await
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }
}
