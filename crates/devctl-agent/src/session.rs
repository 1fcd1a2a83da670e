//! One session channel: what the client asks for before the start, the process, its end.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;

use bytes::Bytes;
use devctl_agent_protocol::{AgentReport, SessionKind};
use russh::server::{Handle, Msg};
use russh::{Channel, ChannelMsg, ChannelReadHalf, Sig};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::process::Child;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::connection::Shared;
use crate::environment::compose;
use crate::inflow::{Inlet, Outlet};
use crate::outflow::{Outflow, STDERR};
use crate::process::{Program, StartError, command_for, spawn, working_directory};
use crate::pty::{Slave, Terminal, TerminalRequest};

/// A session channel that is open.
#[derive(Debug)]
pub(crate) struct Session {
    outflow: Arc<Outflow>,
    input: Option<Outlet>,
    closed: CancellationToken,
    environment: BTreeMap<String, String>,
    terminal_request: Option<TerminalRequest>,
    terminal: Option<Terminal>,
    agent_socket: Option<PathBuf>,
    leader: Option<Pid>,
}

/// Everything that the end of a session needs.
struct Running {
    shared: Arc<Shared>,
    handle: Handle,
    outflow: Arc<Outflow>,
    input: Option<Outlet>,
    closed: CancellationToken,
    child: Child,
    leader: Pid,
}

impl Session {
    /// Takes the channel over and begins to queue what arrives.
    pub(crate) fn open(channel: Channel<Msg>, shared: &Arc<Shared>) -> Self {
        let (read, write) = channel.split();
        let (inlet, input) = shared.inflow.queue();
        let closed = CancellationToken::new();
        tokio::spawn(receive(read, inlet, closed.clone()));
        Self {
            outflow: Arc::new(Outflow::new(write, Arc::clone(&shared.inflow))),
            input: Some(input),
            closed,
            environment: BTreeMap::new(),
            terminal_request: None,
            terminal: None,
            agent_socket: None,
            leader: None,
        }
    }

    pub(crate) fn has_started(&self) -> bool {
        self.input.is_none()
    }

    pub(crate) fn set_variable(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn request_terminal(&mut self, request: TerminalRequest) {
        self.terminal_request = Some(request);
    }

    pub(crate) fn set_agent_socket(&mut self, path: PathBuf) {
        self.agent_socket = Some(path);
    }

    pub(crate) fn terminal(&self) -> Option<&Terminal> {
        self.terminal.as_ref()
    }

    /// Passes a signal on to the process group of the leader. Names that Linux does not have are not passed on.
    pub(crate) fn signal(&self, signal: &Sig) {
        if let (Some(leader), Some(signal)) = (self.leader, signal_number(signal)) {
            // Gone by now, or of another user: the client gets no answer to a signal in any case.
            let _ = kill_process_group(leader, signal);
        }
    }

    /// What the sftp server takes instead of a process.
    pub(crate) fn take_streams(&mut self) -> Option<(Arc<Outflow>, Outlet, CancellationToken)> {
        Some((Arc::clone(&self.outflow), self.input.take()?, self.closed.clone()))
    }

    /// Starts the program. When it cannot be started the client reads why on its standard error.
    pub(crate) fn start(
        &mut self,
        shared: &Arc<Shared>,
        handle: Handle,
        kind: SessionKind,
        program: &Program,
        original_command: Option<&[u8]>,
    ) {
        let Some(input) = self.input.take() else { return };
        shared.reporter.send(&AgentReport::SessionOpened {
            channel: self.outflow.channel().id().into(),
            kind,
            pty: self.terminal_request.is_some(),
        });
        match self.spawn(shared, program, original_command) {
            Ok((child, leader, terminal)) => {
                self.leader = Some(leader);
                self.terminal.clone_from(&terminal);
                shared.leaders.add(leader);
                let running = Running {
                    shared: Arc::clone(shared),
                    handle,
                    outflow: Arc::clone(&self.outflow),
                    input: Some(input),
                    closed: self.closed.clone(),
                    child,
                    leader,
                };
                tokio::spawn(running.finish(terminal));
            }
            Err(error) => {
                // What a shell answers for a command that it cannot find.
                let text = format!("devctl: {error}\n");
                tokio::spawn(refuse(Arc::clone(shared), Arc::clone(&self.outflow), text, 127));
            }
        }
    }

    fn spawn(
        &self,
        shared: &Shared,
        program: &Program,
        original_command: Option<&[u8]>,
    ) -> Result<(Child, Pid, Option<Terminal>), StartError> {
        let setup = &shared.setup;
        let command = command_for(&setup.account, program)?;
        let name = command.get_program().to_string_lossy().into_owned();
        let failed = |source| StartError::Spawn {
            program: name.clone(),
            source,
        };
        let (terminal, slave) = match &self.terminal_request {
            Some(request) => {
                let (terminal, slave) = Terminal::open(request).map_err(failed)?;
                (Some(terminal), Some(slave))
            }
            None => (None, None),
        };
        let mut own = Vec::new();
        if let (Some(request), Some(slave)) = (&self.terminal_request, &slave) {
            own.push(("TERM", request.name.clone()));
            own.push(("SSH_TTY", slave.path.clone()));
        }
        if let Some(path) = &self.agent_socket {
            own.push(("SSH_AUTH_SOCK", path.to_string_lossy().into_owned()));
        }
        if let Some(original) = original_command {
            own.push((
                "SSH_ORIGINAL_COMMAND",
                String::from_utf8_lossy(original).into_owned(),
            ));
        }
        let environment = compose(setup, &self.environment, own);
        let wanted = setup.working_directory.as_deref();
        let folder = working_directory(wanted, &setup.account.home);
        if wanted.is_some_and(|wanted| wanted != folder) {
            shared.reporter.warn(format!(
                "the working directory {} cannot be entered, {} is used",
                wanted.unwrap_or(&folder).display(),
                folder.display()
            ));
        }
        let child = spawn(
            command,
            &folder,
            &environment,
            slave.map(|Slave { fd, .. }| fd),
            setup.core_limit(),
        )?;
        let leader = child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
            .ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
        Ok((child, leader, terminal))
    }
}

impl Running {
    async fn finish(mut self, terminal: Option<Terminal>) {
        let closed = self.closed.clone();
        let status = tokio::select! {
            status = self.serve(terminal) => status,
            () = closed.cancelled() => None,
        };
        // It still runs when the client closed the channel or cannot be reached: nobody waits for it any more.
        self.shared.leaders.end(self.leader).await;
        let channel = self.outflow.channel();
        let exit_status = status
            .and_then(|status| status.code())
            .and_then(|code| u32::try_from(code).ok());
        let exit_signal = status.and_then(|status| status.signal()).map(signal_name);
        // Before the client hears of it: with the client goes the proxy.
        self.shared.reporter.send(&AgentReport::SessionClosed {
            channel: channel.id().into(),
            exit_status,
            exit_signal: exit_signal.clone(),
        });
        // When one of these fails the connection is gone, and with it whoever would want to know.
        if status.is_some() {
            let _ = channel.eof().await;
        }
        if let Some(status) = exit_status {
            let _ = channel.exit_status(status).await;
        }
        if let Some(name) = exit_signal {
            let dumped = status.is_some_and(|status| status.core_dumped());
            let (id, name) = (channel.id(), Sig::Custom(name));
            let _ = self
                .handle
                .exit_signal_request(id, name, dumped, String::new(), String::new())
                .await;
        }
        if !closed.is_cancelled() {
            let _ = channel.close().await;
        }
    }

    /// Carries bytes until the process has ended and its output is sent; `None` when the connection is gone.
    async fn serve(&mut self, terminal: Option<Terminal>) -> Option<ExitStatus> {
        let Self {
            shared,
            outflow,
            input,
            child,
            leader,
            ..
        } = self;
        let input = input.take()?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let ended = async {
            let status = child.wait().await;
            shared.leaders.remove(*leader);
            status.ok()
        };
        if let Some(terminal) = terminal {
            let _feed = AbortOnDropHandle::new(tokio::spawn(feed(input, terminal.clone())));
            let output = outflow.carry(terminal.clone(), None);
            tokio::pin!(output, ended);
            tokio::select! {
                status = &mut ended => {
                    terminal.drain();
                    output.await.ok()?;
                    status
                }
                sent = &mut output => {
                    sent.ok()?;
                    ended.await
                }
            }
        } else {
            let _feed = AbortOnDropHandle::new(tokio::spawn(feed(input, stdin?)));
            // All output comes before the end, also that of a process in the background which still holds the pipe.
            let (sent, also_sent, status) = tokio::join!(
                outflow.carry(stdout?, None),
                outflow.carry(stderr?, Some(STDERR)),
                ended
            );
            sent.and(also_sent).ok()?;
            status
        }
    }
}

/// Queues what the client sends; what belongs to the channel's requests comes through the connection's handler.
pub(crate) async fn receive(mut read: ChannelReadHalf, inlet: Inlet, closed: CancellationToken) {
    let mut inlet = Some(inlet);
    loop {
        let message = tokio::select! {
            message = read.wait() => message,
            () = closed.cancelled() => return,
        };
        match message {
            Some(ChannelMsg::Data { data }) => {
                if let Some(inlet) = &inlet {
                    inlet.push(data);
                }
            }
            // Ends the queue behind what is in it.
            Some(ChannelMsg::Eof) => inlet = None,
            Some(ChannelMsg::Close) | None => {
                closed.cancel();
                return;
            }
            Some(_) => {}
        }
    }
}

/// Gives a process its input, and the end of it.
pub(crate) async fn feed(mut input: Outlet, mut writer: impl AsyncWrite + Unpin) {
    while let Some(data) = input.next().await {
        if writer.write_all(&data).await.is_err() {
            return;
        }
    }
    // A reader that is gone needs no end.
    let _ = writer.shutdown().await;
}

/// Tells the client something and closes the channel with the status.
pub(crate) async fn refuse(shared: Arc<Shared>, outflow: Arc<Outflow>, text: String, status: u32) {
    let channel = outflow.channel();
    shared.reporter.send(&AgentReport::SessionClosed {
        channel: channel.id().into(),
        exit_status: Some(status),
        exit_signal: None,
    });
    // When one of these fails the connection is gone.
    let _ = outflow.send(Some(STDERR), Bytes::from(text)).await;
    let _ = channel.eof().await;
    let _ = channel.exit_status(status).await;
    let _ = channel.close().await;
}

/// The signals of RFC 4254 section 6.10, and those that OpenSSH adds.
const SIGNALS: [(&str, Signal); 16] = [
    ("ABRT", Signal::ABORT),
    ("ALRM", Signal::ALARM),
    ("BUS@openssh.com", Signal::BUS),
    ("FPE", Signal::FPE),
    ("HUP", Signal::HUP),
    ("ILL", Signal::ILL),
    ("INT", Signal::INT),
    ("KILL", Signal::KILL),
    ("PIPE", Signal::PIPE),
    ("QUIT", Signal::QUIT),
    ("SEGV", Signal::SEGV),
    ("SYS@openssh.com", Signal::SYS),
    ("TERM", Signal::TERM),
    ("TRAP@openssh.com", Signal::TRAP),
    ("USR1", Signal::USR1),
    ("USR2", Signal::USR2),
];

fn signal_number(signal: &Sig) -> Option<Signal> {
    let name = match signal {
        Sig::ABRT => "ABRT",
        Sig::ALRM => "ALRM",
        Sig::FPE => "FPE",
        Sig::HUP => "HUP",
        Sig::ILL => "ILL",
        Sig::INT => "INT",
        Sig::KILL => "KILL",
        Sig::PIPE => "PIPE",
        Sig::QUIT => "QUIT",
        Sig::SEGV => "SEGV",
        Sig::TERM => "TERM",
        Sig::USR1 => "USR1",
        Sig::Custom(name) => name.as_str(),
    };
    SIGNALS
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, signal)| *signal)
}

fn signal_name(number: i32) -> String {
    SIGNALS
        .iter()
        .find(|(_, signal)| signal.as_raw() == number)
        .map_or_else(|| format!("SIG{number}@devctl"), |(name, _)| (*name).to_owned())
}
