//! The life of a container between its making and its end: the real `devctl`, the real `ssh`, a real engine.
//!
//! Needs what the tests of `ssh` need. Without an engine the tests say so and pass, unless `DEVCTL_REQUIRE_ALL=1`.

#![cfg(unix)]

#[cfg(test)]
mod adopt;
#[cfg(test)]
mod clone;
#[cfg(test)]
mod drift;
#[cfg(test)]
mod gone;
#[cfg(test)]
mod pause;
#[cfg(test)]
mod prune;
#[cfg(test)]
mod rename;
