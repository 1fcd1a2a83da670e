//! A gRPC server on the connection that the engine hands over at `/session`.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::services::{FORWARD_AGENT, METHODS, Services, Status};
use crate::docker::answer::Subject;
use crate::error::EngineError;
use crate::wire::{Call, Upgraded, Wire};

/// The largest message that is taken; BuildKit's requests to us are names.
const LARGEST_MESSAGE: usize = 4 << 20;

/// Length of the head of a message: a flag for compression and four bytes of length.
const HEAD: usize = 5;

type ResponseBody = StreamBody<stream::BoxStream<'static, Result<Frame<Bytes>, Infallible>>>;

/// A session that answers while it is kept.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    _server: AbortOnDropHandle<()>,
}

impl Session {
    /// Opens a session and serves it until it is dropped.
    pub(crate) async fn open(wire: &Wire, services: Services) -> Result<Self, EngineError> {
        let id = new_id()?;
        let mut call = Call::post("/session".into(), Subject::engine("open a build session"))
            .header("x-docker-expose-session-uuid", id.clone())
            .header("x-docker-expose-session-name", "devctl")
            .header("x-docker-expose-session-sharedkey", "");
        for method in METHODS {
            call = call.header("x-docker-expose-session-grpc-method", method);
        }
        let Upgraded { stream, first } = wire.open().await?.upgrade("h2c", call).await?;
        let (reader, writer) = stream.into_halves();
        let connection = tokio::io::join(AsyncReadExt::chain(io::Cursor::new(first), reader), writer);
        let services = Arc::new(services);
        let serve = service_fn(move |request| {
            let services = Arc::clone(&services);
            async move { Ok::<_, Infallible>(respond(services, request).await) }
        });
        let server =
            http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(connection), serve);
        let server = tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::debug!(%error, "the build session ended");
            }
        });
        Ok(Self {
            id,
            _server: AbortOnDropHandle::new(server),
        })
    }
}

/// An id that no other session has.
pub(crate) fn new_id() -> Result<String, EngineError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| EngineError::Broken {
        operation: "make up a session id".into(),
        source: io::Error::other(error.to_string()),
    })?;
    Ok(hex::encode(bytes))
}

async fn respond(services: Arc<Services>, request: Request<Incoming>) -> Response<ResponseBody> {
    let method = request.uri().path().to_owned();
    if method == FORWARD_AGENT {
        return forward(services, request);
    }
    let body = http_body_util::Limited::new(request.into_body(), LARGEST_MESSAGE)
        .collect()
        .await;
    let answer = match body {
        Ok(body) => match unframe(&mut BytesMut::from(&body.to_bytes()[..])) {
            Some(message) => services.answer(&method, &message).await,
            None => Err(Status::new(
                Status::INTERNAL,
                "the request is not one whole message",
            )),
        },
        Err(error) => Err(Status::new(Status::INTERNAL, error.to_string())),
    };
    let frames = match answer {
        Ok(message) => vec![Frame::data(framed(&message)), Frame::trailers(trailers(None))],
        Err(status) => vec![Frame::trailers(trailers(Some(&status)))],
    };
    response(stream::iter(frames).map(Ok).boxed())
}

/// Carries an agent's bytes in both directions until one side ends.
fn forward(services: Arc<Services>, request: Request<Incoming>) -> Response<ResponseBody> {
    /// In messages; the protocol of an agent is question and answer.
    const WAITING: usize = 16;
    let id = request
        .headers()
        .get("buildkit.ssh.id")
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let (from_build, received) = mpsc::channel(WAITING);
    let (to_build, answers) = mpsc::channel::<Vec<u8>>(WAITING);
    let mut body = request.into_body().into_data_stream();
    let reading = async move {
        let mut buffer = BytesMut::new();
        while let Some(Ok(piece)) = body.next().await {
            buffer.extend_from_slice(&piece);
            while let Some(message) = unframe(&mut buffer) {
                if from_build.send(message).await.is_err() {
                    return;
                }
            }
        }
    };
    let work = async move {
        let forwarding = services.forward(&id, received, to_build);
        // Reading ends with the build's side, which ends the forwarding; a refusal ends both.
        let (outcome, ()) = futures_util::future::join(forwarding, reading).await;
        outcome
    };
    let outcome = AbortOnDropHandle::new(tokio::spawn(work));
    let messages = stream::unfold(answers, |mut answers| async move {
        answers
            .recv()
            .await
            .map(|message| (Ok(Frame::data(framed(&message))), answers))
    });
    let end = stream::once(async move {
        let status = match outcome.await {
            Ok(Ok(())) => None,
            Ok(Err(status)) => Some(status),
            Err(error) => Some(Status::new(Status::INTERNAL, error.to_string())),
        };
        Ok(Frame::trailers(trailers(status.as_ref())))
    });
    response(messages.chain(end).boxed())
}

fn response(frames: stream::BoxStream<'static, Result<Frame<Bytes>, Infallible>>) -> Response<ResponseBody> {
    let mut response = Response::new(StreamBody::new(frames));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

fn trailers(status: Option<&Status>) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert(
        "grpc-status",
        HeaderValue::from(status.map_or(0, |status| u16::from(status.code))),
    );
    if let Some(status) = status {
        // gRPC wants the message percent-encoded.
        let mut message = String::new();
        crate::wire::percent_encode(&status.message, &mut message);
        if let Ok(message) = HeaderValue::from_str(&message) {
            trailers.insert("grpc-message", message);
        }
    }
    trailers
}

fn framed(message: &[u8]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(HEAD + message.len());
    bytes.put_u8(0);
    // Messages of ours are far below four gigabytes: a secret has half a megabyte.
    bytes.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    bytes.put_slice(message);
    bytes.freeze()
}

/// Takes the first message out of `buffer`; `None` while it is not whole. A compressed one never comes: we offer no
/// compression.
fn unframe(buffer: &mut BytesMut) -> Option<Vec<u8>> {
    let length = usize::try_from(u32::from_be_bytes(buffer.get(1..HEAD)?.try_into().ok()?)).ok()?;
    if buffer.len() < HEAD + length {
        return None;
    }
    buffer.advance(HEAD);
    Some(buffer.split_to(length).to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_framed_and_unframed() {
        let mut buffer = BytesMut::from(&[framed(b"one"), framed(b""), framed(b"two")].concat()[..]);
        buffer.truncate(buffer.len() - 1);
        assert_eq!(unframe(&mut buffer).unwrap(), b"one");
        assert_eq!(unframe(&mut buffer).unwrap(), b"");
        assert_eq!(unframe(&mut buffer), None);
        buffer.extend_from_slice(b"o");
        assert_eq!(unframe(&mut buffer).unwrap(), b"two");
        assert!(buffer.is_empty());
    }

    #[test]
    fn ids_differ() {
        assert_ne!(new_id().unwrap(), new_id().unwrap());
    }
}
