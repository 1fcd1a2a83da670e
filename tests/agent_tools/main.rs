//! The agent's small tools in real containers: `hold`, `guard`, `probe` and `own`.
//!
//! Needs a Docker engine on this machine and the image `devctl-base:bookworm`. Without them the tests say so and pass,
//! unless `DEVCTL_REQUIRE_ENGINE=1`.

#![cfg(test)]

mod bed;
mod guard;
mod hold;
mod own;
mod probe;
