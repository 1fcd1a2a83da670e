//! Fakes, fixtures and the real-engine harness of the tests.

#[cfg(unix)]
pub mod engines;
pub mod generated;
pub mod registry;
#[cfg(unix)]
pub mod rootless;
