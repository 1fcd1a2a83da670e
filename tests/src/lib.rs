//! What the tests that cross crates share.

#[cfg(unix)]
pub mod sandbox;
