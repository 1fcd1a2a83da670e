//! Fakes, fixtures and the real-engine harness of the tests.

#[cfg(unix)]
pub mod engines;
pub mod registry;
#[cfg(unix)]
pub mod rootless;
