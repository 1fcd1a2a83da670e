//! What the commands need of the core.

use bytes::Bytes;
use devctl_core::caller::Caller;
use devctl_core::operations::{Operations, Streams};
use devctl_model::{ErrorCode, Problem};
use std::pin::Pin;
use std::sync::Arc;
use tokio::io::AsyncWrite;
use tokio::sync::mpsc;

pub(crate) struct ExecCommand {
    pub container: String,
    pub command: Vec<String>,
    pub user: Option<String>,
    pub workdir: Option<String>,
    pub env: Vec<(String, String)>,
    pub terminal: Option<(u16, u16)>,
    pub stdin: bool,
}
pub(crate) enum ExecOutput {
    Stdout(Bytes),
    Stderr(Bytes),
}
pub(crate) struct ExecHandle {
    pub input: Pin<Box<dyn AsyncWrite + Send>>,
    pub output: mpsc::Receiver<ExecOutput>,
}
impl ExecHandle {
    pub(crate) async fn resize(&self, _cols: u16, _rows: u16) -> Result<(), Problem> {
        Ok(())
    }
    pub(crate) async fn wait(&mut self) -> Result<i32, Problem> {
        Ok(0)
    }
}
pub(crate) trait CoreX: Operations + Streams {}
pub(crate) type Core = dyn CoreX;
pub(crate) async fn exec(
    _core: &Core,
    _caller: &Caller,
    _command: ExecCommand,
) -> Result<ExecHandle, Problem> {
    Err(Problem::new(ErrorCode::Internal, "not wired"))
}
pub(crate) async fn open() -> Result<(Arc<Core>, Caller), Problem> {
    Err(Problem::new(ErrorCode::Internal, "not wired"))
}
pub(crate) async fn ssh_proxy(_name: &str, _user: &str) -> Result<(), Problem> {
    Err(Problem::new(ErrorCode::Internal, "not wired"))
}
pub(crate) async fn ssh_renew(_name: Option<&str>) -> Result<(), Problem> {
    Err(Problem::new(ErrorCode::Internal, "not wired"))
}
