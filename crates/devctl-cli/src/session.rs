//! One run of the command line: the core, who asks it, and the printer.

use crate::core;
use crate::failure::Failure;
use crate::output::Printer;
use devctl_core::{Caller, Core};
use std::sync::Arc;

/// What commands work with.
#[derive(Debug)]
pub(crate) struct Session {
    /// The core.
    pub core: Arc<Core>,
    /// Who asks.
    pub caller: Caller,
    /// Where answers go.
    pub printer: Printer,
}

impl Session {
    /// Opens the core.
    pub(crate) async fn open(printer: &Printer) -> Result<Self, Failure> {
        let (core, caller) = core::open().await?;
        Ok(Self {
            core,
            caller,
            printer: printer.clone(),
        })
    }
}
