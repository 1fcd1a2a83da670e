//! devcontainer.json: read, substitute, merge, plan. Pure: files come through [`files::Files`], the environment and the
//! platform are passed in.

pub mod config;
pub mod discover;
pub mod dockerfile;
pub mod document;
pub mod error;
pub mod files;
pub mod forwarding;
pub mod hooks;
pub mod host;
pub mod identity;
pub mod image_build;
pub mod local;
pub mod merge;
pub mod metadata;
pub mod mounts;
pub mod origins;
pub mod parse;
pub mod plan;
pub mod ports;
pub mod quantities;
pub mod read;
pub mod run;
pub mod run_args;
#[cfg(test)]
mod testing;
pub mod trust;
pub mod variables;
pub mod workspace;

pub use error::{Place, SpecError};
