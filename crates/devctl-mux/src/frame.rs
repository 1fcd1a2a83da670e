//! Frames on the wire.

use crate::error::MuxError;
use crate::{MAX_MESSAGE, MAX_OPEN};

/// Bytes before each payload.
pub(crate) const HEADER: usize = 8;

/// The largest payload of data: large enough to cost few frames, small enough that others get their turn.
pub(crate) const MAX_DATA: usize = 64 * 1024;

/// The longest reason of a reset.
pub(crate) const MAX_REASON: usize = 1024;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Open = 1,
    Opened = 2,
    Data = 3,
    End = 4,
    Reset = 5,
    Window = 6,
    Message = 7,
}

/// What comes before a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) length: usize,
    pub(crate) stream: u32,
}

impl Header {
    /// Reads a header, and refuses what no frame of its kind may be.
    pub(crate) fn read(bytes: [u8; HEADER]) -> Result<Self, MuxError> {
        let refused = |what| Err(MuxError::Protocol { what });
        let [kind, l2, l1, l0, s3, s2, s1, s0] = bytes;
        let kind = match kind {
            1 => Kind::Open,
            2 => Kind::Opened,
            3 => Kind::Data,
            4 => Kind::End,
            5 => Kind::Reset,
            6 => Kind::Window,
            7 => Kind::Message,
            _ => return refused("an unknown kind of frame"),
        };
        let header = Self {
            kind,
            length: u32::from_be_bytes([0, l2, l1, l0]) as usize,
            stream: u32::from_be_bytes([s3, s2, s1, s0]),
        };
        let fits = match kind {
            Kind::Open => header.length <= MAX_OPEN,
            Kind::Data => (1..=MAX_DATA).contains(&header.length),
            Kind::Reset => header.length <= MAX_REASON,
            Kind::Window => header.length == 4,
            Kind::Opened | Kind::End => header.length == 0,
            Kind::Message => header.length <= MAX_MESSAGE,
        };
        if !fits {
            return refused("a frame of the wrong length");
        }
        if (kind == Kind::Message) != (header.stream == 0) {
            return refused("a frame on the wrong stream");
        }
        Ok(header)
    }

    /// Writes the header. Lengths are checked by whoever makes a frame.
    pub(crate) fn write(self, into: &mut Vec<u8>) {
        let [_, l2, l1, l0] = u32::try_from(self.length).unwrap_or(0).to_be_bytes();
        into.extend_from_slice(&[self.kind as u8, l2, l1, l0]);
        into.extend_from_slice(&self.stream.to_be_bytes());
    }
}

/// A reason, cut to what a reset may carry.
pub(crate) fn cut_reason(reason: &str) -> &str {
    let mut end = reason.len().min(MAX_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_header_is_read_as_it_was_written_or_refused(bytes: [u8; HEADER]) {
            if let Ok(header) = Header::read(bytes) {
                let mut written = Vec::new();
                header.write(&mut written);
                prop_assert_eq!(&written[..], &bytes[..]);
            }
        }
    }

    #[test]
    fn what_no_frame_may_be_is_refused() {
        for bytes in [
            [0, 0, 0, 0, 0, 0, 0, 1],
            [8, 0, 0, 0, 0, 0, 0, 1],
            [3, 1, 0, 1, 0, 0, 0, 1],
            [3, 0, 0, 0, 0, 0, 0, 1],
            [6, 0, 0, 3, 0, 0, 0, 1],
            [7, 0, 0, 0, 0, 0, 0, 1],
            [1, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert!(Header::read(bytes).is_err(), "{bytes:?}");
        }
        assert_eq!(cut_reason(&"ü".repeat(600)).len(), MAX_REASON);
    }
}
