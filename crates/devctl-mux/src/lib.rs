//! Many streams over the two pipes of one process: how ports of a container are reached through one exec.
//!
//! Each stream has a window of its own: whoever does not read holds up nobody else. A stream ends in each direction by
//! itself (half-close), or at once in both (reset). Beside the streams go messages, which belong to nobody.
//!
//! # The wire
//!
//! A frame is a kind (one byte), the length of its payload (three bytes, big endian), the stream (four bytes) and the
//! payload. The host opens streams with odd numbers, the container with even ones, each number once.
//!
//! | kind | payload | meaning |
//! | --- | --- | --- |
//! | 1 open | what is wanted | asks for a stream; nothing else may come on it before the answer |
//! | 2 opened | | the answer; the other one is a reset |
//! | 3 data | bytes | at most what the receiver's window still lets in |
//! | 4 end | | no more data comes this way |
//! | 5 reset | why | the stream is over, both ways |
//! | 6 window | count (4 bytes) | so much more may be sent |
//! | 7 message | bytes | on stream 0 |
//!
//! Neither side trusts the other: whatever breaks these rules ends the connection with a [`MuxError`], and what a peer
//! can make us keep is bounded.

mod carry;
mod connection;
mod error;
mod frame;
mod outbound;
mod stream;

pub use carry::{CarryError, carry};
pub use connection::{Asked, Event, Events, Limits, Mux, Side, start};
pub use error::{MuxError, StreamError};
pub use stream::Stream;

/// What a stream may receive before it is read from for the first time, in bytes.
pub const FIRST_WINDOW: usize = 128 * 1024;

/// The largest message, in bytes.
pub const MAX_MESSAGE: usize = 1024 * 1024;

/// The largest description of a stream that is asked for, in bytes.
pub const MAX_OPEN: usize = 4 * 1024;
