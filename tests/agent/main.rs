//! The agent in real containers, spoken to by the real OpenSSH client.
//!
//! Needs a Docker engine, the image `devctl-base:bookworm`, `ssh`, `scp`, `sftp` and `ssh-keygen`. Without an engine the
//! tests say so and pass, unless `DEVCTL_REQUIRE_ENGINE=1`.

#[cfg(test)]
mod bed;
#[cfg(test)]
mod endings;
#[cfg(test)]
mod forwards;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod logins;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod odd_images;
#[cfg(test)]
mod protection;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod transfers;
