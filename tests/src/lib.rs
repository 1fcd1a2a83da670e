//! What the tests that cross crates share.

#[cfg(unix)]
pub mod accounts;
#[cfg(unix)]
pub mod agent;
#[cfg(unix)]
pub mod programs;
#[cfg(unix)]
pub mod sandbox;
#[cfg(unix)]
pub mod sshd;
