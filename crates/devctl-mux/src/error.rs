use std::io;

/// Why a connection ended.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum MuxError {
    /// The other side closed it, between two frames.
    #[error("the other side closed the connection")]
    Ended,
    /// It was given up here.
    #[error("the connection was closed here")]
    Closed,
    /// The pipes broke.
    #[error("the connection broke ({kind})")]
    Broken {
        /// How.
        kind: io::ErrorKind,
    },
    /// The other side broke a rule of the protocol.
    #[error("the other side does not keep to the protocol: {what}")]
    Protocol {
        /// The rule.
        what: &'static str,
    },
    /// The other side does not read, while it makes us answer.
    #[error("the other side asks and does not read the answers")]
    NotReading,
    /// All numbers of streams were used.
    #[error("the connection has carried as many streams as it can")]
    Exhausted,
}

/// Why a stream cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The other side reset it, or did not open it.
    #[error("{reason}")]
    Reset {
        /// What the other side says of it.
        reason: String,
    },
    /// The connection that carries it is over.
    #[error("the connection ended: {reason}")]
    ConnectionEnded {
        /// Why.
        reason: String,
    },
    /// A stream cannot be asked for with so long a description, or a message be so long.
    #[error("{length} bytes are more than the {limit} that may be said at once")]
    TooLong {
        /// Bytes.
        length: usize,
        /// The most.
        limit: usize,
    },
}
