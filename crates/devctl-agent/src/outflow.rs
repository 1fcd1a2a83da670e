//! From a process, a socket or a file to the client.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use russh::ChannelWriteHalf;
use russh::server::Msg;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::inflow::Inflow;

/// How much is read at once: a few SSH packets, so that several leave in one write.
const CHUNK: usize = 128 << 10;

/// Extended data of this type is standard error (RFC 4254 section 5.2).
pub(crate) const STDERR: u32 = 1;

/// The sending side of a channel.
#[derive(Debug)]
pub(crate) struct Outflow {
    channel: ChannelWriteHalf<Msg>,
    inflow: Arc<Inflow>,
}

impl Outflow {
    pub(crate) fn new(channel: ChannelWriteHalf<Msg>, inflow: Arc<Inflow>) -> Self {
        Self { channel, inflow }
    }

    pub(crate) fn channel(&self) -> &ChannelWriteHalf<Msg> {
        &self.channel
    }

    /// Sends when the client's window allows it; each channel waits for its own window only.
    pub(crate) async fn send(&self, extended: Option<u32>, mut data: Bytes) -> Result<(), russh::Error> {
        while !data.is_empty() {
            let room = self.channel.writable_packet_size().await;
            let starved = (room == 0).then(|| self.inflow.starve());
            let piece = data.split_to(if room == 0 { 1 } else { room.min(data.len()) });
            match extended {
                None => self.channel.data_bytes(piece).await?,
                Some(kind) => self.channel.extended_data_bytes(kind, piece).await?,
            }
            drop(starved);
        }
        Ok(())
    }

    /// Sends everything that the source has. A source that fails has ended, as a terminal does when its last process
    /// goes.
    pub(crate) async fn carry(
        &self,
        mut source: impl AsyncRead + Unpin,
        extended: Option<u32>,
    ) -> Result<(), russh::Error> {
        let mut buffer = BytesMut::new();
        loop {
            buffer.reserve(CHUNK);
            match source.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return Ok(()),
                Ok(_) => self.send(extended, buffer.split().freeze()).await?,
            }
        }
    }
}
