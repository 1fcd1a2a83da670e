//! The use cases of the launcher, behind one list of operations.
//!
//! Doors open a [`Core`] and call [`operations::dispatch`] and [`operations::open_stream`], or the traits directly. The
//! core reads no environment variable, no home directory and no clock: they come in with [`CoreConfig`], which
//! `devctl-platform` makes from the process.

mod access;
mod adopted;
mod agent;
mod authorities;
pub mod caller;
mod certificates;
mod clock;
mod config;
mod containers;
mod copy;
mod core;
mod create;
mod doctor;
mod engines;
mod error;
mod exec;
#[cfg(feature = "schema")]
pub mod generate;
mod handlers;
mod identity;
mod idle;
mod image;
mod inspect;
mod jobs;
mod keys;
mod labels;
mod life;
mod lifecycle;
mod login_path;
mod logs;
mod look;
mod naming;
mod network;
pub mod operations;
mod ports;
mod record;
mod remove;
mod renewal;
mod revocations;
mod roles;
mod secrets;
mod service;
mod settings;
mod signer;
mod source;
mod ssh_files;
pub mod ssh_proxy;
pub mod ssh_renew;
mod stats;
mod storage;
mod terminals;
#[cfg(test)]
mod testing;
mod trust;
mod up;
mod user;
mod vault;
mod watch;

pub use crate::caller::Caller;
pub use crate::config::{Clock, CoreConfig, LocalTime};
pub use crate::copy::CopyProgress;
pub use crate::core::Core;
pub use crate::exec::{ExecCommand, ExecHandle, ExecOutput};
pub use crate::logs::{LogBatch, LogText};
pub use crate::vault::{AskPassphrase, VaultPassphrase};
pub use devctl_engine::{EngineEnv, HostPlatform};
pub use devctl_secrets::{KeySources, Keychain, SecretBytes, SecretText};
pub use devctl_store::Process;
