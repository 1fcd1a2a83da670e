//! Differential test of the configuration: what we read is what the reference implementation reads.
//!
//! The reference is the npm package `@devcontainers/cli`, pinned by the lock file beside this file
//! (`npm ci --prefix tests/conformance`); a stub stands in for the engine on its side, and the same image on ours. Inputs
//! are public configurations (`DEVCTL_CONFORMANCE_DIR`) and a few of our own that hold the traps.

#[cfg(test)]
mod inputs;
#[cfg(test)]
mod lanes;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod table;
