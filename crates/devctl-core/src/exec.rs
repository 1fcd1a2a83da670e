//! Running a command in a container, for a person: with or without a terminal.

use crate::access::Access;
use crate::containers::Found;
use crate::core::Core;
use crate::error::OrProblem;
use crate::idle::activity::InUse;
use crate::labels;
use crate::lifecycle;
use crate::secrets::give;
use crate::source::{self, Definition};
use bytes::Bytes;
use devctl_agent_protocol::GUARD_ARGUMENT;
use devctl_engine::{ExecControl, ExecRequest, OutputStream, TerminalSize};
use devctl_model::Problem;
use devctl_spec::plan::ContainerPlan;
use devctl_ssh::Alias;
use futures_util::StreamExt as _;
use std::pin::Pin;
use std::sync::Arc;
use tokio::io::AsyncWrite;
use tokio::sync::mpsc;

/// A command to run in a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecCommand {
    /// Name, id, beginning of an id, or folder.
    pub container: String,
    /// Program and arguments.
    pub command: Vec<String>,
    /// Runs as this user instead of the remote user.
    pub user: Option<String>,
    /// Starts here instead of in the workspace folder.
    pub workdir: Option<String>,
    /// Set on top of the remote user's environment.
    pub env: Vec<(String, String)>,
    /// Columns and rows of a terminal; none for pipes.
    pub terminal: Option<(u16, u16)>,
    /// Whether input is given.
    pub stdin: bool,
}

/// What a command says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecOutput {
    /// On its standard output; with a terminal everything comes here.
    Stdout(Bytes),
    /// On its standard error.
    Stderr(Bytes),
}

/// A command that runs.
pub struct ExecHandle {
    /// Its input; closing it is the end of input. With none asked for, a sink.
    pub input: Pin<Box<dyn AsyncWrite + Send>>,
    /// Its output, until it ends.
    pub output: mpsc::Receiver<ExecOutput>,
    /// What the person should know about it, such as secrets that could not be given.
    pub notices: Vec<String>,
    control: Arc<dyn ExecControl>,
    /// Held open while somebody waits for a command that takes no input: when it closes, the command is ended.
    _lifeline: Option<devctl_engine::Input>,
}

impl std::fmt::Debug for ExecHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExecHandle").finish_non_exhaustive()
    }
}

impl ExecHandle {
    /// Tells its terminal how large it is.
    ///
    /// # Errors
    /// What the engine answers.
    pub async fn resize(&self, columns: u16, rows: u16) -> Result<(), Problem> {
        self.control
            .resize(TerminalSize { columns, rows })
            .await
            .or_problem()
    }

    /// Its exit code, once its output has ended.
    ///
    /// # Errors
    /// What the engine answers.
    pub async fn wait(&self) -> Result<i32, Problem> {
        let code = self.control.wait_for_exit().await.or_problem()?;
        Ok(i32::try_from(code).unwrap_or(255))
    }

    pub(crate) fn control(&self) -> Arc<dyn ExecControl> {
        self.control.clone()
    }
}

impl Core {
    /// Starts a command in a container, with the environment that a login has.
    ///
    /// # Errors
    /// `container.not_found`, `container.not_running`, `user.not_found`, and what the engine answers.
    pub async fn exec(
        self: &Arc<Self>,
        _caller: &crate::caller::Caller,
        command: ExecCommand,
    ) -> Result<ExecHandle, Problem> {
        let (found, mut access) = self.entered(&command.container).await?;
        let used = InUse::begin(&self.config, found.id()).await;
        let user = command.user.clone().unwrap_or_else(|| access.remote_user.clone());
        let is_remote_user = user == access.remote_user;
        let probed = match access.environment.clone().filter(|_| is_remote_user) {
            Some(environment) => environment,
            None => {
                let mode = lifecycle::mode_of(&access.probe);
                let report =
                    lifecycle::probe(&found.engine, found.id(), access.agent.path(), &user, mode).await?;
                if is_remote_user {
                    let kept = Access {
                        environment: Some(report.environment.clone()),
                        ..access.clone()
                    };
                    kept.write(&self.config)?;
                }
                report.environment
            }
        };
        let (mut environment, unset) = lifecycle::environment(&probed, &access.remote_env);
        environment.extend(unset.into_iter().map(|name| (name, String::new())));
        let said: Vec<String> = command.env.iter().map(|(name, _)| name.clone()).collect();
        environment.extend(command.env);
        if command.terminal.is_some() {
            environment
                .entry("TERM".to_owned())
                .or_insert_with(|| "xterm-256color".to_owned());
        }
        let mut notices = Vec::new();
        let mut cmd = command.command;
        if is_remote_user && self.give_or_tell(&found, &mut access, &mut notices).await {
            let kept = said.into_iter().filter(|name| !name.is_empty());
            cmd.splice(0..0, give::before(access.agent.path(), kept));
        }
        // Without a terminal and without input nobody could end a command but by its lifeline.
        let guarded = command.terminal.is_none() && !command.stdin;
        if guarded {
            let guard = [access.agent.path(), GUARD_ARGUMENT, "--"].map(str::to_owned);
            cmd.splice(0..0, guard);
        }
        let request = ExecRequest {
            cmd,
            env: environment.into_iter().collect(),
            user: Some(crate::user::for_engine(&user).to_owned()),
            workdir: Some(command.workdir.unwrap_or_else(|| access.workspace_folder.clone())),
            tty: command
                .terminal
                .map(|(columns, rows)| TerminalSize { columns, rows }),
            stdin: command.stdin || guarded,
            privileged: false,
        };
        let session = found
            .engine
            .exec(found.id(), &request)
            .await
            .at("Run the command")?;
        let (sender, output) = mpsc::channel(64);
        let mut frames = session.output;
        tokio::spawn(async move {
            // In use until its output ends.
            let _used = used;
            while let Some(frame) = frames.next().await {
                let item = match frame {
                    Ok(frame) if frame.stream == OutputStream::Stderr => ExecOutput::Stderr(frame.bytes),
                    Ok(frame) => ExecOutput::Stdout(frame.bytes),
                    Err(error) => {
                        tracing::warn!(%error, "the output of a command broke off");
                        return;
                    }
                };
                if sender.send(item).await.is_err() {
                    return;
                }
            }
        });
        let (input, lifeline): (Pin<Box<dyn AsyncWrite + Send>>, _) = match session.input {
            Some(input) if guarded => (Box::pin(tokio::io::sink()), Some(input)),
            Some(input) => (Box::pin(input), None),
            None => (Box::pin(tokio::io::sink()), None),
        };
        Ok(ExecHandle {
            input,
            output,
            notices,
            control: session.control,
            _lifeline: lifeline,
        })
    }

    /// Gives the container its secrets and says whether it has any. Where they cannot be given, the command runs without
    /// them: a locked keychain must not keep anybody out of their container.
    async fn give_or_tell(
        self: &Arc<Self>,
        found: &Found,
        access: &mut Access,
        notices: &mut Vec<String>,
    ) -> bool {
        match self.give(&found.engine, access).await {
            Ok(given) => given.is_some(),
            Err(problem) => {
                notices.push(give::not_given(&problem));
                false
            }
        }
    }

    /// A container that runs, and what is known for entering it. What is known is found out where nothing is.
    pub(crate) async fn entered(self: &Arc<Self>, name: &str) -> Result<(Found, Access), Problem> {
        let found = self.find(name).await?;
        if found.is_paused() {
            return Err(crate::life::paused(&found));
        }
        if !found.is_running() {
            return Err(crate::look::not_running(found.alias()));
        }
        let alias = Alias::new(found.alias()).or_problem()?;
        let known = Access::read(&self.config, &alias)
            .filter(|access| access.container == found.id())
            .filter(|access| access.agent.is_current());
        let mut access = match known {
            Some(access) => access,
            None => self.adopt_record(&found).await?,
        };
        if access.secrets_of.is_empty() {
            access.secrets_of = crate::secrets::subject_of(&found);
            access.write(&self.config)?;
        }
        Ok((found, access))
    }

    /// What the configuration of a container that exists says now.
    pub(crate) async fn plan_of(self: &Arc<Self>, found: &Found) -> Result<ContainerPlan, Problem> {
        let definition = self.definition_of(found).await?;
        let label = found.label(labels::REFERENCE_METADATA);
        let entries = source::entries(&definition, &found.summary.image, label)?;
        source::plan_existing(&definition, &entries)
    }

    /// What a container was made from, read again.
    pub(crate) async fn definition_of(self: &Arc<Self>, found: &Found) -> Result<Definition, Problem> {
        let (source, config) = found.source();
        self.read_source(source, config).await
    }
}
