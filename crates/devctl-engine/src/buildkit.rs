//! BuildKit's side channel: what a build asks of the client while it runs, and what it tells about its steps.
//!
//! bollard's own session answers for registry passwords only, so that `RUN --mount=type=secret` and `type=ssh` fail. The
//! few services of a session are spoken here, over the connection that the engine hands over at `/session`: the engine
//! is the client on it.

mod messages;
mod services;
mod session;
mod trace;

pub(crate) use services::Services;
pub(crate) use session::{Session, new_id};
pub(crate) use trace::Trace;
