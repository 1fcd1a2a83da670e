//! How a command ends when it does not end well.

use devctl_model::{ErrorCode, Problem};
use std::io;

/// Why a command ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Something went wrong; it has not been said yet.
    #[error(transparent)]
    Problem(Box<Problem>),
    /// The user interrupted; what there was to say is said.
    #[error("interrupted")]
    Interrupted,
    /// Standard output or standard error does not take what is written.
    #[error("standard output cannot be written")]
    Output(#[from] io::Error),
}

impl Failure {
    /// A command line that cannot be understood, though its grammar is right.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Problem::new(ErrorCode::RequestInvalid, message).into()
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}
