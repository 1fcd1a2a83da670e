//! The file transfer server: SFTP version 3 (draft-ietf-secsh-filexfer-02) with the extensions of OpenSSH's `PROTOCOL`
//! that `sftp`, `scp` and `sshfs` use.
//!
//! It is in the agent because an image may have none. It runs on a thread of its own, as file systems block, and
//! answers in order; clients keep many requests on the way.

mod files;
mod listing;
mod wire;

use std::sync::Arc;

use bytes::{Buf as _, Bytes, BytesMut};
use devctl_agent_protocol::{AgentReport, SessionKind};
use tokio_util::sync::CancellationToken;

use crate::connection::Shared;
use crate::inflow::Outlet;
use crate::outflow::Outflow;
use crate::process::working_directory;
use crate::session::refuse;
use crate::sftp::files::Files;
use crate::sftp::wire::{MAX_PACKET, Reply};

/// Answers are sent together until they have this size.
const BATCH: usize = 256 << 10;

/// Serves the channel until the client ends it.
pub(crate) fn serve(shared: Arc<Shared>, outflow: Arc<Outflow>, input: Outlet, closed: CancellationToken) {
    let channel = outflow.channel().id().into();
    shared.reporter.send(&AgentReport::SessionOpened {
        channel,
        kind: SessionKind::Sftp,
        pty: false,
    });
    let runtime = tokio::runtime::Handle::current();
    let (for_thread, thread_outflow, thread_closed) = (Arc::clone(&shared), Arc::clone(&outflow), closed);
    let thread = std::thread::Builder::new().name("sftp".into()).spawn(move || {
        let folder = working_directory(
            for_thread.setup.working_directory.as_deref(),
            &for_thread.setup.account.home,
        );
        let home = for_thread.setup.account.home.clone();
        let send = |answers: Vec<u8>| {
            runtime.block_on(async {
                tokio::select! {
                    sent = thread_outflow.send(None, Bytes::from(answers)) => sent.is_ok(),
                    () = thread_closed.cancelled() => false,
                }
            })
        };
        let ended_well = converse(Files::new(folder, home), input, send);
        let (status, channel) = (u32::from(!ended_well), thread_outflow.channel());
        // Before the client hears of it: with the client goes the proxy.
        for_thread.reporter.send(&AgentReport::SessionClosed {
            channel: channel.id().into(),
            exit_status: Some(status),
            exit_signal: None,
        });
        runtime.block_on(async {
            if !thread_closed.is_cancelled() {
                // When one of these fails the connection is gone.
                let _ = channel.eof().await;
                let _ = channel.exit_status(status).await;
                let _ = channel.close().await;
            }
        });
    });
    if let Err(error) = thread {
        let text = format!("devctl: the file transfer server could not be started: {error}\n");
        tokio::spawn(refuse(shared, outflow, text, 1));
    }
}

/// Answers requests until the input ends; false when the client broke the protocol or is gone.
fn converse(mut files: Files, mut input: Outlet, send: impl Fn(Vec<u8>) -> bool) -> bool {
    let mut buffer = BytesMut::new();
    let mut answers = Vec::new();
    loop {
        while let Some(packet) = match next_packet(&mut buffer) {
            Ok(packet) => packet,
            Err(TooLarge) => return false,
        } {
            let mut reply = Reply::into_end_of(&mut answers);
            if !files.answer(&packet, &mut reply) {
                return false;
            }
            reply.finish();
            if answers.len() >= BATCH && !send(std::mem::take(&mut answers)) {
                return false;
            }
        }
        if !answers.is_empty() && !send(std::mem::take(&mut answers)) {
            return false;
        }
        match input.next_blocking() {
            Some(data) => buffer.extend_from_slice(&data),
            None => return buffer.is_empty(),
        }
    }
}

struct TooLarge;

/// The next whole packet without its length, if it has arrived.
fn next_packet(buffer: &mut BytesMut) -> Result<Option<Bytes>, TooLarge> {
    let Some(length) = buffer
        .first_chunk::<4>()
        .map(|bytes| u32::from_be_bytes(*bytes) as usize)
    else {
        return Ok(None);
    };
    if length > MAX_PACKET {
        return Err(TooLarge);
    }
    if buffer.len() < 4 + length {
        buffer.reserve(4 + length - buffer.len());
        return Ok(None);
    }
    buffer.advance(4);
    Ok(Some(buffer.split_to(length).freeze()))
}

#[cfg(test)]
mod tests;
