//! Bytes between a socket and a stream.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::error::StreamError;
use crate::stream::Stream;

/// A connection that says little gets little memory.
const FIRST_BUFFER: usize = 4 * 1024;

/// A connection that fills its buffer gets a larger one.
const LARGEST_BUFFER: usize = 256 * 1024;

/// Why carrying ended before both directions did.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// The stream's side.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The socket's side.
    #[error("the socket broke")]
    Socket(#[from] io::Error),
}

/// Carries bytes both ways until both directions have ended. The end of one is passed on and does not end the other.
///
/// # Errors
/// One of the sides broke; the stream should then be dropped, and the socket be closed as one that broke.
pub async fn carry<R, W>(stream: &Stream, mut reader: R, mut writer: W) -> Result<(), CarryError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let out = async {
        let mut buffer = vec![0; FIRST_BUFFER];
        loop {
            let count = reader.read(&mut buffer).await?;
            if count == 0 {
                stream.finish();
                return Ok::<(), CarryError>(());
            }
            stream.send(buffer.get(..count).unwrap_or_default()).await?;
            if count == buffer.len() && count < LARGEST_BUFFER {
                buffer.resize(count * 4, 0);
            }
        }
    };
    let back = async {
        while let Some(bytes) = stream.receive().await? {
            writer.write_all(&bytes).await?;
        }
        writer.shutdown().await?;
        Ok::<(), CarryError>(())
    };
    tokio::try_join!(out, back)?;
    Ok(())
}
