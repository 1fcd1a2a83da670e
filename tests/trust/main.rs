//! Who is let in, and for how long: certificates for others, revocation of open sessions, and authorities that change while
//! people log in. With the real OpenSSH client and server, the real `devctl` and a real engine.
//!
//! Needs what the tests of `ssh` need, and root, which makes accounts and starts an OpenSSH server. What is missing is said,
//! and fails where `DEVCTL_REQUIRE_ALL=1`.

#![cfg(unix)]

#[cfg(test)]
mod claims;
#[cfg(test)]
mod holder;
#[cfg(test)]
mod numbers;
#[cfg(test)]
mod people;
#[cfg(test)]
mod revocation;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod stolen;
