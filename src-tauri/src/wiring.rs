//! Where the window gets its core from.

use crate::door::Opened;
use devctl_core::{Caller, Core, operations::Role};
use devctl_model::Problem;
use futures_util::{FutureExt, future::BoxFuture};
use std::sync::Arc;

/// Opens the core of this installation for the person who started the window.
pub(crate) fn open_core() -> BoxFuture<'static, Result<Opened, Problem>> {
    async {
        let config = devctl_platform::core_config("desktop")?;
        let caller = Caller {
            who: config.user.clone(),
            door: "desktop",
            // Whoever sits in front of the window owns this installation.
            role: Role::Admin,
        };
        let core = Core::open(config).await?;
        Ok(Opened {
            operations: Arc::new(core.clone()),
            streams: Arc::new(core),
            caller,
        })
    }
    .boxed()
}
