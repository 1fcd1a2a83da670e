//! Processes that are started in a running container.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use crate::error::EngineError;

/// Which of the two output streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OutputStream {
    Stdout,
    Stderr,
}

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalSize {
    pub columns: u16,
    pub rows: u16,
}

/// A process to start in a running container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecRequest {
    /// Program and arguments; not run through a shell.
    pub cmd: Vec<String>,
    /// Added to the container's own environment.
    pub env: Vec<(String, String)>,
    /// `user`, `uid`, `user:group`; `None` for the container's own user.
    pub user: Option<String>,
    /// `None` for the container's own working directory.
    pub workdir: Option<String>,
    /// With a terminal there is one output stream only.
    pub tty: Option<TerminalSize>,
    /// Whether the process gets a standard input; without, it reads end of file at once.
    pub stdin: bool,
    /// All capabilities, for this process.
    pub privileged: bool,
}

/// A piece of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecFrame {
    pub stream: OutputStream,
    pub bytes: Bytes,
}

/// The output of a process, until both streams ended.
pub type ExecOutput = BoxStream<'static, Result<ExecFrame, EngineError>>;

/// What can be done to a started process besides reading and writing.
#[async_trait]
pub trait ExecControl: Send + Sync {
    /// Tells the process that its terminal has another size.
    async fn resize(&self, size: TerminalSize) -> Result<(), EngineError>;

    /// The exit code, `None` while the process runs. A process that was killed by signal N has the code 128 + N.
    async fn exit_code(&self) -> Result<Option<i64>, EngineError>;
}

/// Standard input of a process. [`AsyncWriteExt::shutdown`] is the end of file: output goes on after it.
pub struct Input(Pin<Box<dyn AsyncWrite + Send>>);

impl Input {
    /// Wraps the writing end.
    pub fn new(writer: impl AsyncWrite + Send + 'static) -> Self {
        Self(Box::pin(writer))
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Input")
    }
}

impl AsyncWrite for Input {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        self.0.as_mut().poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        self.0.as_mut().poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        self.0.as_mut().poll_shutdown(context)
    }
}

/// A started process.
///
/// Dropping it closes the connection. The engine does not end the process for that: a process that reads its standard
/// input sees the end of it, one that writes gets a broken pipe, others go on.
pub struct ExecSession {
    /// The engine's id of the process.
    pub id: String,
    /// `None` when it was not asked for, or was taken.
    pub input: Option<Input>,
    pub output: ExecOutput,
    pub control: Arc<dyn ExecControl>,
}

impl fmt::Debug for ExecSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecSession")
            .field("id", &self.id)
            .field("input", &self.input)
            .finish_non_exhaustive()
    }
}

impl ExecSession {
    /// Tells the process that its terminal has another size.
    ///
    /// # Errors
    /// What the engine answers; a process that ended already is [`EngineError::NotFound`] or a conflict.
    pub fn resize(&self, size: TerminalSize) -> impl Future<Output = Result<(), EngineError>> + Send + use<> {
        // The session itself is not shared between threads, so the future must not borrow it.
        let control = Arc::clone(&self.control);
        async move { control.resize(size).await }
    }

    /// The exit code, `None` while the process runs.
    ///
    /// # Errors
    /// What the engine answers.
    pub fn exit_code(&self) -> impl Future<Output = Result<Option<i64>, EngineError>> + Send + use<> {
        let control = Arc::clone(&self.control);
        async move { control.exit_code().await }
    }

    /// Writes `input`, ends the standard input, reads all output, and waits for the exit code.
    ///
    /// Of each stream the first `limit` bytes are kept and the rest is read and thrown away.
    ///
    /// # Errors
    /// A broken connection, or a process that the engine cannot tell the exit code of.
    pub async fn finish(mut self, input: &[u8], limit: usize) -> Result<Finished, EngineError> {
        use futures_util::StreamExt as _;
        let writer = self.input.take();
        let feed = async move {
            if let Some(mut writer) = writer {
                // A process that does not read its input is free to do so: its exit code tells the story.
                let written = writer.write_all(input).await;
                if written.is_ok() {
                    let _closed_by_peer = writer.shutdown().await;
                }
            }
        };
        let mut finished = Finished {
            code: 0,
            stdout: Vec::new(),
            stderr: Vec::new(),
        };
        let output = &mut self.output;
        let collect = async {
            while let Some(frame) = output.next().await {
                let frame = frame?;
                let kept = match frame.stream {
                    OutputStream::Stdout => &mut finished.stdout,
                    OutputStream::Stderr => &mut finished.stderr,
                };
                let room = limit.saturating_sub(kept.len()).min(frame.bytes.len());
                kept.extend_from_slice(&frame.bytes[..room]);
            }
            Ok::<(), EngineError>(())
        };
        // Both at once: a process may fill its output before it has read all of its input.
        let (_, collected) = futures_util::future::join(feed, collect).await;
        collected?;
        finished.code = self.control.wait_for_exit().await?;
        Ok(finished)
    }
}

impl dyn ExecControl {
    /// Waits until the process has an exit code. The engine publishes it a moment after the output ended.
    ///
    /// # Errors
    /// [`EngineError::Timeout`] after ten seconds in which output was over and the process still ran.
    pub async fn wait_for_exit(&self) -> Result<i64, EngineError> {
        const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);
        let polling = async {
            let mut pause = std::time::Duration::from_millis(1);
            loop {
                if let Some(code) = self.exit_code().await? {
                    return Ok(code);
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(std::time::Duration::from_millis(100));
            }
        };
        match tokio::time::timeout(PATIENCE, polling).await {
            Ok(code) => code,
            Err(_) => Err(EngineError::Timeout {
                operation: "waiting for the exit code".into(),
                after: PATIENCE,
            }),
        }
    }
}

/// A process that ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    pub code: i64,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// A process whose standard input and output carry bytes of a protocol.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawExecRequest {
    /// Program and arguments; not run through a shell.
    pub cmd: Vec<String>,
    /// Added to the container's own environment.
    pub env: Vec<(String, String)>,
    pub user: Option<String>,
    pub workdir: Option<String>,
}

/// Gets what a raw process writes to its standard error, piece by piece.
pub type StderrSink = Box<dyn FnMut(&[u8]) + Send>;

/// The two directions of a raw process.
///
/// The writer's shutdown is the end of file for the process. Dropping both closes the connection.
pub struct RawExec {
    pub exec_id: String,
    /// The process's standard output, without the engine's framing.
    pub reader: Box<dyn AsyncRead + Send + Unpin>,
    pub writer: Box<dyn AsyncWrite + Send + Unpin>,
    pub control: Arc<dyn ExecControl>,
}

impl fmt::Debug for RawExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawExec")
            .field("exec_id", &self.exec_id)
            .finish_non_exhaustive()
    }
}
