//! Terminals in containers, for doors that draw them.

use crate::caller::Caller;
use crate::core::Core;
use crate::error::OrProblem;
use crate::exec::{ExecCommand, ExecOutput};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use devctl_engine::{ExecControl, TerminalSize};
use devctl_model::{ErrorCode, OpenTerminal, Problem, TerminalOutput};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;

/// Terminals that are open.
#[derive(Default, Clone)]
pub(crate) struct Terminals {
    open: Arc<Mutex<HashMap<String, Terminal>>>,
}

#[derive(Clone)]
struct Terminal {
    input: Arc<tokio::sync::Mutex<Pin<Box<dyn AsyncWrite + Send>>>>,
    control: Arc<dyn ExecControl>,
    close: tokio_util::sync::CancellationToken,
}

impl Terminals {
    fn get(&self, id: &str) -> Result<Terminal, Problem> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(id).cloned().ok_or_else(|| {
            Problem::new(
                ErrorCode::RequestInvalid,
                format!("there is no open terminal {id}"),
            )
            .fix("Open one")
        })
    }

    pub(crate) async fn write(&self, id: &str, data: &str) -> Result<(), Problem> {
        let terminal = self.get(id)?;
        let mut input = terminal.input.lock().await;
        let written = async {
            input.write_all(data.as_bytes()).await?;
            input.flush().await
        };
        written.await.map_err(|error| {
            Problem::new(ErrorCode::ContainerNotRunning, "the terminal has ended").why(error.to_string())
        })
    }

    pub(crate) async fn resize(&self, id: &str, columns: u16, rows: u16) -> Result<(), Problem> {
        self.get(id)?
            .control
            .resize(TerminalSize { columns, rows })
            .await
            .or_problem()
    }

    /// Ends a terminal: its shell gets a hang-up. Says whether it was open.
    pub(crate) fn close(&self, id: &str) -> bool {
        let terminal = self
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(id);
        terminal.map(|terminal| terminal.close.cancel()).is_some()
    }
}

impl Core {
    /// Opens a login shell of the remote user.
    pub(crate) async fn terminal(
        self: &Arc<Self>,
        caller: &Caller,
        request: OpenTerminal,
    ) -> Result<mpsc::Receiver<TerminalOutput>, Problem> {
        // The shell is found as a login finds it; an image without the user's shell has at least sh.
        let script = "exec \"${SHELL:-/bin/sh}\" -l";
        let handle = self
            .exec(
                caller,
                ExecCommand {
                    container: request.container,
                    command: vec!["/bin/sh".to_owned(), "-c".to_owned(), script.to_owned()],
                    terminal: Some((request.columns, request.rows)),
                    stdin: true,
                    ..ExecCommand::default()
                },
            )
            .await?;
        let id = uuid::Uuid::now_v7().to_string();
        let close = tokio_util::sync::CancellationToken::new();
        let control = handle.control();
        let crate::exec::ExecHandle {
            input,
            mut output,
            notices,
            ..
        } = handle;
        let terminal = Terminal {
            input: Arc::new(tokio::sync::Mutex::new(input)),
            control: control.clone(),
            close: close.clone(),
        };
        let open = self.terminals.clone();
        open.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.clone(), terminal);
        let (sender, receiver) = mpsc::channel(64);
        tokio::spawn(async move {
            let mut listening = sender
                .send(TerminalOutput::Opened { terminal: id.clone() })
                .await
                .is_ok();
            for notice in notices {
                let line = format!("devctl: {notice}\r\n");
                listening = listening
                    && sender
                        .send(TerminalOutput::Data {
                            base64: STANDARD.encode(line),
                        })
                        .await
                        .is_ok();
            }
            while listening {
                let said = tokio::select! {
                    () = close.cancelled() => break,
                    () = sender.closed() => break,
                    output = output.recv() => output,
                };
                let (ExecOutput::Stdout(bytes) | ExecOutput::Stderr(bytes)) = match said {
                    Some(said) => said,
                    None => break,
                };
                listening = sender
                    .send(TerminalOutput::Data {
                        base64: STANDARD.encode(&bytes),
                    })
                    .await
                    .is_ok();
            }
            open.close(&id);
            // Dropping the input closes the connection, and the shell gets its hang-up.
            let ending = tokio::time::timeout(std::time::Duration::from_secs(1), control.wait_for_exit());
            let exit_code = match ending.await {
                Ok(Ok(code)) => i32::try_from(code).ok(),
                Ok(Err(_)) | Err(_) => None,
            };
            // Nobody listening is no failure.
            let _ = sender.send(TerminalOutput::Closed { exit_code }).await;
        });
        Ok(receiver)
    }
}
