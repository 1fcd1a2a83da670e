//! Jobs: long operations with steps, progress, log and cancellation.

use crate::id::JobId;
use crate::problem::Problem;
use serde::{Deserialize, Serialize};

/// Names a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JobRef {
    /// Its id.
    pub job: JobId,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It runs.
    Running,
    /// It ended well.
    Done,
    /// It ended with a problem.
    Failed,
    /// It was stopped on request.
    Cancelled,
}

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// Not begun.
    Waiting,
    /// Runs.
    Running,
    /// Ended well.
    Done,
    /// Had nothing to do.
    Skipped,
    /// Ended with a problem.
    Failed,
}

/// A step of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// What it does ("Create container").
    pub title: String,
    /// More about it ("246 MB, 7 of 9 layers here").
    pub detail: Option<String>,
    /// Where it stands.
    pub state: StepState,
    /// How long it took or has taken, in milliseconds.
    pub duration_ms: Option<u64>,
    /// Share that is done, 0 to 1, where it is known.
    pub progress: Option<f64>,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The operation that it carries out.
    pub operation: String,
    /// What it is about ("hello").
    pub subject: String,
    /// Where it stands.
    pub state: JobState,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// When it began.
    pub started_at: String,
    /// When it ended.
    pub finished_at: Option<String>,
    /// Why it failed.
    pub problem: Option<Problem>,
    /// What it brought about, in the shape of the operation's outcome.
    pub result: Option<serde_json::Value>,
    /// What cancelling does now ("Removes what was made, keeps the image cache").
    pub cancel_effect: Option<String>,
}

/// Jobs of this process, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct JobList {
    /// The jobs.
    pub jobs: Vec<Job>,
}

/// Which stream a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Said by the launcher itself.
    Note,
}

/// A line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct JobLogLine {
    /// Number of the line, from 0.
    pub number: u64,
    /// When it was read.
    pub at: String,
    /// Index of the step it belongs to.
    pub step: u32,
    /// Where it came from.
    pub stream: LogStream,
    /// The text, without its line end; longer lines are cut at 16 KiB.
    pub text: String,
}

/// What a follower of a job is told. The first one is always the whole job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum JobUpdate {
    /// The job as it is now.
    Job {
        /// The job.
        job: Job,
    },
    /// Lines were written.
    Log {
        /// The lines, oldest first.
        lines: Vec<JobLogLine>,
    },
}
