//! The way into a container: one agent, started through the engine's exec as the container's remote user.

use crate::core::Core;
use crate::error::OrProblem as _;
use devctl_agent_protocol::{AgentSaid, FORWARD_ARGUMENT, FORWARD_GREETING, HostSaid, Listener};
use devctl_engine::{RawExec, RawExecRequest};
use devctl_model::{ErrorCode, Problem};
use devctl_mux::{Event, Events, Limits, Mux, Side, start};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// How long an agent may take to say its first word.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is kept of a complaint.
const COMPLAINT_AT_MOST: usize = 4096;

/// Streams that a container may open at once, all reverse forwards together.
const INCOMING: usize = 4096;

/// A connection with an agent.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) mux: Mux,
    pub(super) events: Events,
}

/// Starts an agent in a container that runs.
pub(super) async fn connect(core: &Arc<Core>, container: &str) -> Result<Link, Problem> {
    const STEP: &str = "Reach the ports of the container";
    let (found, access) = core.entered(container).await?;
    let request = RawExecRequest {
        cmd: vec![access.agent.path().to_owned(), FORWARD_ARGUMENT.to_owned()],
        user: Some(crate::user::for_engine(&access.remote_user).to_owned()),
        ..RawExecRequest::default()
    };
    let complaint = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&complaint);
    let sink = Box::new(move |bytes: &[u8]| {
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        let room = COMPLAINT_AT_MOST.saturating_sub(heard.len()).min(bytes.len());
        heard.extend_from_slice(bytes.get(..room).unwrap_or_default());
    });
    let RawExec {
        mut reader, writer, ..
    } = found.engine.exec_raw(found.id(), &request, sink).await.at(STEP)?;
    let said = match tokio::time::timeout(PATIENCE, greeting(&mut reader)).await {
        Ok(said) => said,
        Err(_elapsed) => b"it says nothing".to_vec(),
    };
    if said != FORWARD_GREETING.as_bytes() {
        let mut why = said;
        why.extend_from_slice(&complaint.lock().unwrap_or_else(PoisonError::into_inner));
        let why = String::from_utf8_lossy(&why).trim().to_owned();
        return Err(Problem::new(
            ErrorCode::AgentFailed,
            format!("the agent could not be started in {}", found.alias()),
        )
        .at(STEP)
        .why(why));
    }
    let (mux, events) = start(Side::Host, Limits { incoming: INCOMING }, reader, writer);
    Ok(Link { mux, events })
}

/// The first line, and not a byte more; of anything else, a few lines.
async fn greeting<R: AsyncRead + Unpin>(reader: &mut R) -> Vec<u8> {
    let mut said = Vec::new();
    while said.len() < COMPLAINT_AT_MOST {
        match reader.read_u8().await {
            Ok(byte) => said.push(byte),
            Err(_ended) => break,
        }
        if said == FORWARD_GREETING.as_bytes() {
            break;
        }
    }
    said
}

/// Says something to the agent. Where it cannot be said the connection is over, which is seen elsewhere.
pub(super) fn say(mux: &Mux, message: &HostSaid) {
    let said = serde_json::to_vec(message).map(|text| mux.say(&text));
    if let Ok(Err(error)) = said {
        tracing::debug!(%error, "the agent is gone");
    }
}

/// What listens in the container now.
pub(super) async fn listeners(core: &Arc<Core>, container: &str) -> Result<Vec<Listener>, Problem> {
    let mut link = connect(core, container).await?;
    say(&link.mux, &HostSaid::Watch);
    let heard = async {
        while let Some(event) = link.events.next().await {
            if let Event::Message(message) = event
                && let Ok(AgentSaid::Listeners { listeners }) = serde_json::from_slice(&message)
            {
                return Some(listeners);
            }
        }
        None
    };
    let heard = tokio::time::timeout(PATIENCE, heard).await;
    heard.ok().flatten().ok_or_else(|| {
        Problem::new(
            ErrorCode::AgentFailed,
            "the agent does not say what listens in the container",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_greeting_is_told_from_a_complaint_and_nothing_behind_it_is_taken() {
        let text = format!("{FORWARD_GREETING}x");
        let mut bytes = text.as_bytes();
        assert_eq!(greeting(&mut bytes).await, FORWARD_GREETING.as_bytes());
        assert_eq!(bytes, b"x");
        let mut complaint: &[u8] = b"OCI runtime exec failed";
        assert_eq!(greeting(&mut complaint).await, b"OCI runtime exec failed");
        let endless = [b'x'; 2 * COMPLAINT_AT_MOST];
        assert_eq!(greeting(&mut &endless[..]).await.len(), COMPLAINT_AT_MOST);
    }
}
