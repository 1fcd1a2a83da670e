//! The real OpenSSH client, through the real `devctl ssh-proxy`, into containers of a real engine.
//!
//! Needs a Docker engine with the image `devctl-base:bookworm`, a built `devctl` with its agents (`DEVCTL_BIN`, else
//! beside the test), the OpenSSH client, `git`, `rsync` and `script`. Without an engine the tests say so and pass,
//! unless `DEVCTL_REQUIRE_ALL=1`. `DEVCTL_TEST_FULL=1` carries a gigabyte each way instead of 100 MB.

#![cfg(unix)]

#[cfg(test)]
mod certificates;
#[cfg(test)]
mod containers;
#[cfg(test)]
mod crowds;
#[cfg(test)]
mod forwards;
#[cfg(test)]
mod idle;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod mounts;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod transfers;
