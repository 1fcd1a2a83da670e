//! Bulk streams: logs and terminals. They never ride on the bus of changes.

use crate::job::LogStream;
use serde::{Deserialize, Serialize};

/// Asks for a container's log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(ts_rs::TS, schemars::JsonSchema),
    ts(optional_fields)
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FollowLogs {
    /// Name, id, beginning of an id, or folder.
    pub container: String,
    /// Goes on while the container runs.
    #[serde(default)]
    pub follow: bool,
    /// Only so many of the last lines.
    #[serde(default)]
    pub tail: Option<u32>,
    /// Only lines since this time (RFC 3339).
    #[serde(default)]
    pub since: Option<String>,
    /// Only lines up to this time (RFC 3339).
    #[serde(default)]
    pub until: Option<String>,
    /// Only lines that this regular expression finds something in.
    #[serde(default)]
    pub grep: Option<String>,
}

/// Some lines of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LogChunk {
    /// The lines, oldest first.
    pub lines: Vec<LogLine>,
}

/// A line of a container's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// When the engine read it.
    pub at: Option<String>,
    /// Where it came from.
    pub stream: LogStream,
    /// The text, without its line end.
    pub text: String,
}

/// Asks for a terminal in a container, as its remote user, in its workspace folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OpenTerminal {
    /// Name, id, beginning of an id, or folder.
    pub container: String,
    /// Width in characters.
    pub columns: u16,
    /// Height in lines.
    pub rows: u16,
}

/// What a terminal says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum TerminalOutput {
    /// It is open; input goes to this id.
    Opened {
        /// Its id.
        terminal: String,
    },
    /// Bytes to be shown, as base64.
    Data {
        /// The bytes.
        base64: String,
    },
    /// Its shell ended.
    #[serde(rename_all = "camelCase")]
    Closed {
        /// How.
        exit_code: Option<i32>,
    },
}

/// Gives input to a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WriteTerminal {
    /// Its id.
    pub terminal: String,
    /// What was typed or pasted.
    pub data: String,
}

/// Tells a terminal its size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResizeTerminal {
    /// Its id.
    pub terminal: String,
    /// Width in characters.
    pub columns: u16,
    /// Height in lines.
    pub rows: u16,
}

/// Names a terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TerminalRef {
    /// Its id.
    pub terminal: String,
}
