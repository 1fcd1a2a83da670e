//! Settings: a small table of named values with documented defaults.

use serde::{Deserialize, Serialize};

/// Names a setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SettingKey {
    /// Its name (`ssh.startOnConnect`).
    pub key: String,
}

/// A setting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Setting {
    /// Its name.
    pub key: String,
    /// What it does, one sentence.
    pub about: String,
    /// Its value now.
    pub value: serde_json::Value,
    /// Its value when nobody chose one.
    pub default: serde_json::Value,
    /// What it may be, in words ("true or false", "1 to 512").
    pub allowed: String,
}

/// All settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct SettingList {
    /// The settings, by name.
    pub settings: Vec<Setting>,
}

/// Asks for a setting to be changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetSetting {
    /// Its name.
    pub key: String,
    /// Its new value; null brings the default back.
    pub value: serde_json::Value,
}
