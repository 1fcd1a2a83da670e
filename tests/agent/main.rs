//! The agent in real containers, spoken to by the real OpenSSH client.
//!
//! Needs a Docker engine, the image `devctl-base:bookworm`, `ssh`, `scp`, `sftp` and `ssh-keygen`. Without an engine the
//! tests say so and pass, unless `DEVCTL_REQUIRE_ENGINE=1`.

mod bed;
mod endings;
mod forwards;
mod logins;
mod odd_images;
mod protection;
mod sessions;
mod streams;
mod transfers;
