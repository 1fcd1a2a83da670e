//! The core behind the window, opened once and shared by all commands.

use devctl_core::{
    caller::Caller,
    operations::{self, Operations, Streams},
};
use devctl_model::{ErrorCode, Problem};
use futures_util::{FutureExt, future::BoxFuture};
use serde_json::Value;
use std::{any::Any, panic::AssertUnwindSafe, sync::Arc};
use tokio::sync::{Mutex, mpsc};

/// The opened core, and as whom the window asks.
#[derive(Clone)]
pub(crate) struct Opened {
    /// Carries out operations.
    pub(crate) operations: Arc<dyn Operations>,
    /// Opens streams.
    pub(crate) streams: Arc<dyn Streams>,
    /// The person in front of the window.
    pub(crate) caller: Caller,
}

/// Opens the core; called again when a person asks to try again.
pub(crate) type OpenCore = fn() -> BoxFuture<'static, Result<Opened, Problem>>;

/// The way from the window to the core.
///
/// The core is opened on first use and not before the window: when it cannot be opened, the window still comes up and
/// shows why.
pub(crate) struct Door {
    open: OpenCore,
    opened: Mutex<Option<Result<Opened, Problem>>>,
}

impl Door {
    pub(crate) fn new(open: OpenCore) -> Self {
        Self {
            open,
            opened: Mutex::new(None),
        }
    }

    /// The core, opened by now.
    ///
    /// # Errors
    /// Why it could not be opened. The same answer comes back until `again` asks for another attempt.
    pub(crate) async fn opened(&self, again: bool) -> Result<Opened, Problem> {
        let mut opened = self.opened.lock().await;
        match opened.as_ref() {
            Some(Ok(core)) => return Ok(core.clone()),
            Some(Err(problem)) if !again => return Err(problem.clone()),
            Some(Err(_)) | None => {}
        }
        let outcome = guarded("startup", (self.open)()).await;
        *opened = Some(outcome.clone());
        outcome
    }

    /// Carries out the operation of that name.
    ///
    /// # Errors
    /// What the operation says, `request.invalid` for an unknown name, `internal` when it panicked.
    pub(crate) async fn call(&self, name: &str, request: Value) -> Result<Value, Problem> {
        let core = self.opened(false).await?;
        let operation = operations::dispatch(&*core.operations, &core.caller, name, request);
        guarded(name, operation).await
    }

    /// Opens the stream of that name.
    ///
    /// # Errors
    /// As for [`Door::call`].
    pub(crate) async fn listen(&self, name: &str, request: Value) -> Result<mpsc::Receiver<Value>, Problem> {
        let core = self.opened(false).await?;
        let stream = operations::open_stream(&*core.streams, &core.caller, name, request);
        guarded(name, stream).await
    }
}

/// A panic in one request becomes the answer to that request; the window and everything else live on.
async fn guarded<T>(name: &str, work: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(outcome) => outcome,
        Err(panic) => {
            let cause = panic_text(&*panic);
            tracing::error!(operation = name, cause, "an operation panicked");
            Err(Problem::new(
                ErrorCode::Internal,
                format!("{name} broke off because of a defect of the launcher"),
            )
            .at(name)
            .why(cause)
            .fix("Try again; if it happens again, report it with the details of this message"))
        }
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn a_panic_becomes_an_internal_problem_that_names_the_operation() {
        let outcome = guarded("up", async {
            if true {
                panic!("index out of bounds");
            }
            Ok(())
        })
        .await;
        let problem = outcome.unwrap_err();
        assert_eq!(problem.code, ErrorCode::Internal);
        assert_eq!(problem.at.as_deref(), Some("up"));
        assert_eq!(problem.why, ["index out of bounds"]);
    }

    #[tokio::test]
    async fn a_core_that_does_not_open_is_tried_again_only_when_asked() {
        static ATTEMPTS: AtomicU32 = AtomicU32::new(0);
        let door = Door::new(|| {
            async {
                ATTEMPTS.fetch_add(1, Ordering::SeqCst);
                Err(Problem::new(
                    ErrorCode::StoreUnwritable,
                    "the state folder is read-only",
                ))
            }
            .boxed()
        });
        for _ in 0..2 {
            let problem = door.call("list_containers", Value::Null).await.unwrap_err();
            assert_eq!(problem.code, ErrorCode::StoreUnwritable);
        }
        assert_eq!(ATTEMPTS.load(Ordering::SeqCst), 1);
        assert!(door.opened(true).await.is_err());
        assert_eq!(ATTEMPTS.load(Ordering::SeqCst), 2);
    }
}
