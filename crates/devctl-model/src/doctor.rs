//! The doctor: what must hold for the launcher to work, and how to mend it.

use crate::problem::Fix;
use serde::{Deserialize, Serialize};

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum CheckState {
    /// It holds.
    Ok,
    /// It works, but should be looked at.
    Warning,
    /// It does not hold.
    Failed,
    /// It could not be looked at, because another check failed.
    Skipped,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DoctorCheck {
    /// Stable name (`engine`, `socket`, `include`).
    pub id: String,
    /// What is looked at ("Engine").
    pub title: String,
    /// How it came out.
    pub state: CheckState,
    /// What was found.
    pub detail: String,
    /// What mends it.
    pub fix: Option<Fix>,
    /// True when the launcher can mend it itself without harm.
    pub can_fix: bool,
}

/// All checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct DoctorReport {
    /// In the order in which they depend on each other.
    pub checks: Vec<DoctorCheck>,
    /// True when no check failed.
    pub healthy: bool,
}

/// Asks for the checks to be made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunDoctor {
    /// Mends what can be mended without harm, then checks again.
    #[serde(default)]
    pub fix: bool,
}
