//! Where the window gets its core from.

use crate::door::Opened;
use devctl_model::{ErrorCode, Problem};
use futures_util::{FutureExt, future::BoxFuture};

/// Opens the core of this installation.
pub(crate) fn open_core() -> BoxFuture<'static, Result<Opened, Problem>> {
    async {
        Err(Problem::new(
            ErrorCode::Internal,
            "this build of the window has no core yet",
        ))
    }
    .boxed()
}
