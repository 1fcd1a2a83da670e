//! The use cases of the launcher, behind one list of operations.

pub mod caller;
#[cfg(feature = "schema")]
pub mod generate;
pub mod operations;
