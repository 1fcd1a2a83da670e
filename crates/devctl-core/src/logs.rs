//! The log of a container's main process, line by line.

mod lines;

use crate::containers::Found;
use crate::core::Core;
use crate::error::{IntoProblem as _, OrProblem as _};
use devctl_engine::{EngineError, LogFrame, LogOptions, LogTail};
use devctl_model::{ErrorCode, FollowLogs, LogChunk, LogLine, Problem};
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _};
use lines::{Lines, Wanted};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::mpsc;

pub use lines::{LogBatch, LogText};

/// Bytes of lines that are passed on together at most.
const TOGETHER: usize = 128 * 1024;
/// Batches that wait for a reader: more would only be more memory.
const WAITING: usize = 2;
/// Lines that are passed on to a window together at most.
const CHUNK: usize = 500;
/// How far before the last line a log is read again that broke off: the two streams of a container are written by two
/// hands, so that their lines may be out of order by a little.
const BEFORE_BREAK: time::Duration = time::Duration::seconds(10);
/// How long to wait before an engine is asked again: first, and at most.
const AGAIN: [Duration; 2] = [Duration::from_millis(50), Duration::from_secs(1)];

type Frames = BoxStream<'static, Result<LogFrame, EngineError>>;

impl Core {
    /// Reads the log of a container as the bytes that the process wrote, with the engine's times where `times` says so.
    ///
    /// A log that is followed survives the rotation of its file and a restart of its engine: nothing is lost or told
    /// twice. It ends with the container.
    ///
    /// # Errors
    /// `request.invalid` for a time or an expression that is none, `container.not_found`, and what the engine answers;
    /// as an item of the stream when that happens later.
    pub async fn read_logs(
        self: &Arc<Self>,
        _caller: &crate::caller::Caller,
        request: FollowLogs,
        times: bool,
    ) -> Result<mpsc::Receiver<Result<LogBatch, Problem>>, Problem> {
        let until = request.until.as_deref().map(moment).transpose()?;
        let options = LogOptions {
            follow: request.follow,
            since: request.since.as_deref().map(moment).transpose()?,
            until,
            tail: request
                .tail
                .map_or(LogTail::All, |lines| LogTail::Lines(u64::from(lines))),
            // The place of a line is its time.
            timestamps: times || request.follow,
        };
        let grep = request.grep.as_deref().map(expression).transpose()?;
        let found = self.find(&request.container).await?;
        let frames = found
            .engine
            .container_logs(found.id(), &options)
            .await
            .at("Read the log")?;
        let (sender, receiver) = mpsc::channel(WAITING);
        let reading = Reading {
            lines: Lines::new(Wanted {
                timed: options.timestamps,
                times,
                grep,
            }),
            core: self.clone(),
            found,
            options,
            sender,
        };
        tokio::spawn(reading.run(frames));
        Ok(receiver)
    }

    pub(crate) async fn container_logs(
        self: &Arc<Self>,
        caller: &crate::caller::Caller,
        request: FollowLogs,
    ) -> Result<mpsc::Receiver<LogChunk>, Problem> {
        let mut batches = self.read_logs(caller, request, true).await?;
        let (sender, receiver) = mpsc::channel(16);
        tokio::spawn(async move {
            loop {
                let batch = tokio::select! {
                    () = sender.closed() => return,
                    batch = batches.recv() => batch,
                };
                let batch = match batch {
                    Some(Ok(batch)) => batch,
                    Some(Err(problem)) => LogBatch::note(&problem.message),
                    None => return,
                };
                let mut lines = batch.lines().map(line).peekable();
                while lines.peek().is_some() {
                    let chunk = LogChunk {
                        lines: lines.by_ref().take(CHUNK).collect(),
                    };
                    if sender.send(chunk).await.is_err() {
                        return;
                    }
                }
            }
        });
        Ok(receiver)
    }
}

/// A line as a window shows it.
fn line(text: LogText<'_>) -> LogLine {
    LogLine {
        at: text.at.map(str::to_owned),
        stream: text.stream,
        text: String::from_utf8_lossy(text.text()).into_owned(),
    }
}

fn moment(text: &str) -> Result<OffsetDateTime, Problem> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|error| {
        Problem::new(ErrorCode::RequestInvalid, format!("{text:?} is no time"))
            .why(error.to_string())
            .fix("Write it as 2026-11-23T14:00:00Z")
    })
}

fn expression(text: &str) -> Result<regex_lite::Regex, Problem> {
    regex_lite::Regex::new(text).map_err(|error| {
        Problem::new(
            ErrorCode::RequestInvalid,
            format!("{text:?} is no regular expression"),
        )
        .why(error.to_string())
        .fix("Write a backslash before a character that is meant as it stands")
    })
}

/// A log that is being read.
struct Reading {
    core: Arc<Core>,
    found: Found,
    options: LogOptions,
    lines: Lines,
    sender: mpsc::Sender<Result<LogBatch, Problem>>,
}

/// The reader has gone.
struct Gone;

/// How reading went on.
enum Then {
    /// There is more.
    More(Frames),
    /// That was all.
    End,
}

impl Reading {
    async fn run(mut self, frames: Frames) {
        let mut frames = frames;
        loop {
            let Ok(ended) = self.pass_on(&mut frames).await else {
                return;
            };
            let then = match ended {
                Err(error) if !self.options.follow => {
                    // That the reader has gone meanwhile is no failure.
                    let _ = self.sender.send(Err(error.into_problem())).await;
                    return;
                }
                Ok(()) if !self.options.follow => Then::End,
                Err(error) => {
                    tracing::debug!(%error, "a log that is followed broke off");
                    match self.go_on().await {
                        Ok(then) => then,
                        Err(Gone) => return,
                    }
                }
                Ok(()) => match self.go_on().await {
                    Ok(then) => then,
                    Err(Gone) => return,
                },
            };
            match then {
                Then::More(more) => frames = more,
                Then::End => {
                    self.lines.end();
                    let _ = self.flush().await;
                    return;
                }
            }
        }
    }

    /// Passes on what comes, in pieces as large as may be without waiting, until the engine has no more.
    async fn pass_on(&mut self, frames: &mut Frames) -> Result<Result<(), EngineError>, Gone> {
        loop {
            let frame = match frames.next().now_or_never() {
                Some(frame) => frame,
                None => {
                    self.flush().await?;
                    tokio::select! {
                        () = self.sender.closed() => return Err(Gone),
                        frame = frames.next() => frame,
                    }
                }
            };
            match frame {
                Some(Ok(frame)) => {
                    self.lines.take(&frame);
                    if self.lines.size() >= TOGETHER {
                        self.flush().await?;
                    }
                }
                Some(Err(error)) => {
                    self.flush().await?;
                    return Ok(Err(error));
                }
                None => {
                    self.flush().await?;
                    return Ok(Ok(()));
                }
            }
        }
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        let batch = self.lines.batch();
        if batch.is_empty() {
            return Ok(());
        }
        self.sender.send(Ok(batch)).await.map_err(|_| Gone)
    }

    /// A log that was followed has come to an end, or broke off: reads on where the container still runs. What a
    /// container said last is read once more when it does not, since an engine may end before it has told all.
    async fn go_on(&mut self) -> Result<Then, Gone> {
        let now = OffsetDateTime::from((self.core.config.clock)());
        if self.options.until.is_some_and(|until| until <= now) {
            return Ok(Then::End);
        }
        let heard = self.lines.heard;
        let mut pause = AGAIN[0];
        let mut told = false;
        loop {
            match self.found.engine.container_inspect(self.found.id()).await {
                Ok(details) => {
                    let runs = details.state.is_running();
                    if runs && !heard {
                        self.wait(pause).await?;
                    }
                    match self.again(runs).await {
                        Ok(frames) => return Ok(Then::More(frames)),
                        Err(error) => tracing::debug!(%error, "a log cannot be read again yet"),
                    }
                    if !runs {
                        return Ok(Then::End);
                    }
                }
                Err(EngineError::NotFound { .. }) => return Ok(Then::End),
                Err(error) => {
                    if !told {
                        told = true;
                        let note = format!("the log broke off: {error}; waiting for the engine");
                        let note = LogBatch::note(&note);
                        self.sender.send(Ok(note)).await.map_err(|_| Gone)?;
                    }
                }
            }
            self.wait(pause).await?;
            pause = (pause * 2).min(AGAIN[1]);
        }
    }

    async fn wait(&self, pause: Duration) -> Result<(), Gone> {
        tokio::select! {
            () = self.sender.closed() => Err(Gone),
            () = tokio::time::sleep(pause) => Ok(()),
        }
    }

    /// Reads from a little before the last line that was passed on; on and on while the container runs.
    async fn again(&mut self, runs: bool) -> Result<Frames, EngineError> {
        let newest = self.lines.newest().map(moment).and_then(Result::ok);
        let options = LogOptions {
            follow: runs,
            since: newest.map(|at| at - BEFORE_BREAK).max(self.options.since),
            // Lines that were asked for by number have come; without any, all that come are new.
            tail: match newest {
                Some(_) => LogTail::All,
                None => self.options.tail,
            },
            ..self.options.clone()
        };
        let frames = self
            .found
            .engine
            .container_logs(self.found.id(), &options)
            .await?;
        self.lines.resume();
        self.options.follow = runs;
        Ok(frames)
    }
}
