//! Processes in running containers, over a connection of our own.

use std::sync::Arc;

use async_trait::async_trait;
use bollard::Docker;
use bollard::exec::ResizeExecOptions;
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{PATIENCE, Subject, from_bollard};
use super::containers::within;
use super::{DockerEngine, checked};
use crate::demux::{StdoutReader, frames, pieces};
use crate::error::{EngineError, ObjectKind};
use crate::exec::{
    ExecControl, ExecFrame, ExecRequest, ExecSession, Input, RawExec, RawExecRequest, StderrSink,
    TerminalSize,
};
use crate::info::ApiVersion;
use crate::wire::{Call, Upgraded};

/// The first API that takes the terminal's size together with the process.
const SIZE_AT_START: ApiVersion = ApiVersion { major: 1, minor: 42 };

/// The engine's answer to the creation of a process.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ExecAnswer {
    id: String,
}

impl DockerEngine {
    pub(super) async fn start_exec(
        &self,
        container: &str,
        request: &ExecRequest,
    ) -> Result<ExecSession, EngineError> {
        let sized = request.tty.filter(|_| self.facts.api_version >= SIZE_AT_START);
        let size = sized.map(|size| [size.rows, size.columns]);
        let mut create = json!({
            "AttachStdin": request.stdin, "AttachStdout": true, "AttachStderr": request.tty.is_none(),
            "Tty": request.tty.is_some(), "Privileged": request.privileged,
            "Cmd": request.cmd, "Env": environment(&request.env),
        });
        add(&mut create, "User", request.user.as_deref());
        add(&mut create, "WorkingDir", request.workdir.as_deref());
        let mut start = json!({"Detach": false, "Tty": request.tty.is_some()});
        if let Some(size) = size {
            create["ConsoleSize"] = json!(size);
            start["ConsoleSize"] = json!(size);
        }
        let (id, Upgraded { stream, first }) = self.launch(container, &create, &start).await?;
        let control = self.control(&id);
        if let (Some(size), None) = (request.tty, sized) {
            // The process may not be there yet, or not any more: neither is a reason to give it up.
            if let Err(error) = control.resize(size).await {
                tracing::debug!(exec = %id, %error, "terminal not resized at start");
            }
        }
        let (reader, writer) = stream.into_halves();
        // Without a standard input the writer is still needed: shutting it down would look like a caller who has gone.
        let (input, kept) = if request.stdin {
            (Some(Input::new(writer)), None)
        } else {
            (None, Some(writer))
        };
        let frames = if request.tty.is_some() {
            pieces(reader, first).boxed()
        } else {
            frames(reader, first).boxed()
        };
        let output = frames.map(move |frame| {
            let _writer = &kept;
            frame
                .map(|piece| ExecFrame {
                    stream: piece.stream,
                    bytes: piece.bytes,
                })
                .map_err(|source| EngineError::Broken {
                    operation: "read the output of a process".into(),
                    source,
                })
        });
        Ok(ExecSession {
            id,
            input,
            output: output.boxed(),
            control,
        })
    }

    /// Two round trips on one connection, which is then the process's own.
    pub(super) async fn start_raw_exec(
        &self,
        container: &str,
        request: &RawExecRequest,
        stderr: StderrSink,
    ) -> Result<RawExec, EngineError> {
        let mut create = json!({
            "AttachStdin": true, "AttachStdout": true, "AttachStderr": true,
            "Cmd": request.cmd, "Env": environment(&request.env),
        });
        add(&mut create, "User", request.user.as_deref());
        add(&mut create, "WorkingDir", request.workdir.as_deref());
        let start = json!({"Detach": false, "Tty": false});
        let (exec_id, Upgraded { stream, first }) = self.launch(container, &create, &start).await?;
        let control = self.control(&exec_id);
        let (reader, writer) = stream.into_halves();
        Ok(RawExec {
            exec_id,
            reader: Box::new(StdoutReader::new(reader, &first, stderr)),
            writer,
            control,
        })
    }

    async fn launch(
        &self,
        container: &str,
        create: &Value,
        start: &Value,
    ) -> Result<(String, Upgraded), EngineError> {
        let subject = Subject::new(
            "start a process in",
            ObjectKind::Container,
            checked(ObjectKind::Container, container)?,
        );
        let work = async {
            let mut connection = self.wire.open().await?;
            let call = Call::post(format!("/containers/{container}/exec"), subject).json(create);
            let ExecAnswer { id } = connection.ask(call).await?;
            checked(ObjectKind::Exec, &id)?;
            let call = Call::post(format!("/exec/{id}/start"), subject).json(start);
            let upgraded = connection.upgrade("tcp", call).await?;
            Ok((id, upgraded))
        };
        within(subject, PATIENCE, work).await
    }

    fn control(&self, id: &str) -> Arc<dyn ExecControl> {
        Arc::new(Control {
            client: self.client.clone(),
            endpoint: self.endpoint.url.clone(),
            id: id.to_owned(),
        })
    }
}

fn environment(env: &[(String, String)]) -> Vec<String> {
    env.iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

fn add(body: &mut Value, field: &str, value: Option<&str>) {
    if let Some(value) = value {
        body[field] = Value::String(value.to_owned());
    }
}

/// A started process, known by its id.
struct Control {
    client: Docker,
    endpoint: String,
    id: String,
}

#[async_trait]
impl ExecControl for Control {
    async fn resize(&self, size: TerminalSize) -> Result<(), EngineError> {
        let subject = Subject::new("resize", ObjectKind::Exec, &self.id);
        let options = ResizeExecOptions {
            height: size.rows,
            width: size.columns,
        };
        let resized = self.client.resize_exec(&self.id, options).await;
        resized.map_err(|error| from_bollard(error, &self.endpoint, &subject))
    }

    async fn exit_code(&self) -> Result<Option<i64>, EngineError> {
        let subject = Subject::new("inspect", ObjectKind::Exec, &self.id);
        let inspected = self.client.inspect_exec(&self.id).await;
        let state = inspected.map_err(|error| from_bollard(error, &self.endpoint, &subject))?;
        Ok(state.exit_code.filter(|_| !state.running.unwrap_or_default()))
    }
}
