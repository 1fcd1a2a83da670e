//! The log of record of one installation: events, consents, authorities, serials, settings (SQLite).
//!
//! One file, `state.db`, shared by every door that is open: the window, several command-line runs, the proxies of
//! running logins. All calls are synchronous and short; an asynchronous caller wraps them in a blocking task.
//! Nothing here reads a clock, an environment variable or a home directory: the path and the clock are passed in.
//!
//! The engine stays the truth about what runs: a container carries its name and what has run in it with it. What is
//! kept here is what the engine cannot know: who did what, what was agreed to, and which serial numbers were handed out.

mod authorities;
mod certificates;
mod chain;
mod consents;
mod error;
mod event;
mod keys;
mod log;
mod revocations;
mod schema;
mod settings;
mod store;

pub use authorities::{Authority, AuthorityKind, AuthorityPhase, KeptIn, NewAuthority};
pub use certificates::{Certificate, CertificateFilter};
pub use chain::{ChainFault, ChainStatus};
pub use consents::Consent;
pub use error::{StoreError, UnwritableCause};
pub use event::{Actor, Door, EventFilter, EventId, EventRecord, Intent, Outcome, Phase, Process, Subject};
pub use keys::{Key, KeyOrigin, KeyState, PassphraseOf};
pub use revocations::{Revocation, RevocationMeans};
pub use schema::SCHEMA_VERSION;
pub use store::{Clock, Store, UnixMillis};
