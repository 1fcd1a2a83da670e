//! What must survive: kills at every step, engines that go, full disks, missing rights, and hostile configurations, with
//! the real `devctl` on a real engine.
//!
//! Needs a Docker engine with the image `devctl-base:bookworm` and a built `devctl` with its agents (`DEVCTL_BIN`, else
//! beside the test). Some make an account or mount a small disk, so they need root. What cannot run says so and passes,
//! unless `DEVCTL_REQUIRE_ALL=1`. `DEVCTL_TEST_FULL=1` kills more often, and waits for an engine that does not answer.

#![cfg(target_os = "linux")]

#[cfg(test)]
mod configurations;
#[cfg(test)]
mod consent;
#[cfg(test)]
mod disks;
#[cfg(test)]
mod engines;
#[cfg(test)]
mod folders;
#[cfg(test)]
mod hooks;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod lives;
#[cfg(test)]
mod people;
