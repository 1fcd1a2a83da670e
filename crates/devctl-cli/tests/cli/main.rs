//! Runs the real `devctl` in a home of its own.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot be set up has to fail, and one that is skipped has to say so"
)]

mod completion;
mod consent;
mod containers;
mod contract;
mod copying;
mod keys;
mod looking;
mod manual;
mod revocations;
mod sandbox;
mod service;
mod storage;
mod terminal;
mod trust;
