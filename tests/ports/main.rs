//! Ports of containers: the real `devctl` and a real engine.
//!
//! Without an engine the tests say so and pass, unless `DEVCTL_REQUIRE_ALL=1`. `DEVCTL_TEST_FULL=1` makes 100,000
//! connections instead of 10,000.

#![cfg(unix)]

#[cfg(test)]
mod bed;
#[cfg(test)]
mod forwards;
#[cfg(test)]
mod many;
#[cfg(test)]
mod processes;
