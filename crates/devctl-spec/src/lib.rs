//! devcontainer.json: read, substitute, merge, plan. Pure: files come through [`files::Files`], the environment and the
//! platform are passed in.

pub mod config;
pub mod error;
pub mod files;
pub mod hooks;
pub mod host;
pub mod mounts;
pub mod origins;
pub mod parse;
pub mod plan;
pub mod ports;
pub mod quantities;
pub mod run;
pub mod trust;

pub use error::{Place, SpecError};
