//! Containers whose main process is the image's own (`overrideCommand: false`).

use crate::error::OrProblem;
use devctl_engine::{Engine, LogOptions, LogTail};
use devctl_model::{ErrorCode, Problem};
use futures_util::StreamExt as _;
use std::sync::Arc;
use std::time::Duration;

/// How long a main process is watched. One that cannot stay (a shell without a terminal) ends within this.
const WATCHED: Duration = Duration::from_millis(250);
const LINES: u64 = 20;

/// Fails when the main process has ended already: nothing could be run in the container, and nobody could enter it.
pub(super) async fn require_stays(
    engine: &Arc<dyn Engine>,
    container: &str,
    alias: &str,
) -> Result<(), Problem> {
    let Ok(ended) = tokio::time::timeout(WATCHED, engine.container_wait(container)).await else {
        return Ok(());
    };
    let code = ended.at("Start container")?;
    let mut problem = Problem::new(
        ErrorCode::ContainerStartFailed,
        format!("the main process of {alias} ended at once, with exit code {code}"),
    )
    .at("Start container")
    .safe("the container is there, and stopped")
    .fix("Leave \"overrideCommand\": false out, or use an image whose command goes on running")
    .fix_command("Then make it anew", format!("devctl rebuild {alias}"));
    problem.lines = last_words(engine, container).await;
    Err(problem)
}

/// The last lines of the log; none where it cannot be read, for the end itself is the news.
async fn last_words(engine: &Arc<dyn Engine>, container: &str) -> Vec<String> {
    let options = LogOptions {
        tail: LogTail::Lines(LINES),
        ..LogOptions::default()
    };
    let Ok(mut frames) = engine.container_logs(container, &options).await else {
        return Vec::new();
    };
    let mut bytes = Vec::new();
    while let Some(Ok(frame)) = frames.next().await {
        bytes.extend_from_slice(&frame.bytes);
    }
    String::from_utf8_lossy(&bytes)
        .lines()
        .map(str::to_owned)
        .collect()
}
