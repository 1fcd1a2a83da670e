//! What the tests that cross crates share.

#[cfg(unix)]
pub mod agent;
#[cfg(unix)]
pub mod programs;
#[cfg(unix)]
pub mod sandbox;
