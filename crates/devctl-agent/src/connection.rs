//! What russh asks, and what the agent answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use devctl_agent_protocol::{AgentReport, RefusalCode, SessionKind};
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, Session as Connection, VerifiedPublicKey};
use russh::{Channel, ChannelId, Pty, Sig};
use ssh_key::{Certificate, HashAlg};

use crate::agent_socket::AgentSocket;
use crate::environment::client_may_set;
use crate::forward::{Listeners, connect_tcp, connect_unix};
use crate::inflow::Inflow;
use crate::login::{Grant, Refusal};
use crate::process::Program;
use crate::pty::{TerminalRequest, window_size};
use crate::report::Reporter;
use crate::session::Session;
use crate::setup::Setup;
use crate::terminate::Leaders;
use crate::{russh_log, sftp};

/// The file transfer server, and the command line that asks for it when a certificate forces it.
const SFTP: &str = "sftp";
const INTERNAL_SFTP: &str = "internal-sftp";

/// What every part of a connection shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) setup: Setup,
    pub(crate) reporter: Reporter,
    pub(crate) inflow: Arc<Inflow>,
    pub(crate) leaders: Leaders,
    /// Set once somebody is logged in.
    pub(crate) grant: Mutex<Option<Grant>>,
    /// Here and not with the handler, so that it can be closed while russh is stuck.
    pub(crate) openings: tokio::sync::Mutex<Openings>,
}

/// What listens in the container for the client. Dropping it leaves no socket behind.
#[derive(Debug, Default)]
pub(crate) struct Openings {
    listeners: Listeners,
    agent_socket: Option<AgentSocket>,
}

impl Shared {
    /// Whether somebody is logged in.
    pub(crate) fn is_authenticated(&self) -> bool {
        self.grant
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }

    /// Tells of a certificate that russh refused without asking, if it did.
    pub(crate) fn report_silent_refusal(&self) {
        let (code, reason) = match russh_log::take() {
            Some(russh_log::SilentRefusal::NotValidNow) => {
                (RefusalCode::NotValidNow, "its validity has not begun or is over")
            }
            Some(russh_log::SilentRefusal::BadSignature) => (
                RefusalCode::UnknownAuthority,
                "the authority's signature is wrong",
            ),
            None => return,
        };
        self.refused(&self.setup.policy.user, &Refusal::new(code, reason), None, None);
    }

    fn refused(
        &self,
        user: &str,
        refusal: &Refusal,
        certificate: Option<&Certificate>,
        fingerprint: Option<String>,
    ) {
        self.reporter.send(&AgentReport::LoginRefused {
            user: user.to_owned(),
            code: refusal.code,
            reason: refusal.reason.clone(),
            serial: certificate.map(Certificate::serial),
            key_id: certificate.map(|certificate| certificate.key_id().to_owned()),
            fingerprint,
        });
    }
}

/// The state of one connection.
#[derive(Debug)]
pub(crate) struct Agent {
    shared: Arc<Shared>,
    /// A copy of [`Shared::grant`]: only the handler needs what is in it.
    grant: Option<Grant>,
    sessions: HashMap<ChannelId, Session>,
}

impl Agent {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            grant: None,
            sessions: HashMap::new(),
        }
    }

    fn may(&self, what: impl Fn(&Grant) -> bool) -> bool {
        self.grant.as_ref().is_some_and(what)
    }

    /// The session of the channel, if nothing was started on it.
    fn fresh(&mut self, channel: ChannelId) -> Option<&mut Session> {
        self.sessions
            .get_mut(&channel)
            .filter(|session| !session.has_started())
    }

    /// Starts what was asked for, or what the certificate forces in its place.
    fn start(
        &mut self,
        channel: ChannelId,
        connection: &mut Connection,
        kind: SessionKind,
        program: Program,
    ) -> Result<(), russh::Error> {
        let forced = self.grant.as_ref().and_then(|grant| grant.forced_command.clone());
        let sftp_allowed = self.may(|grant| grant.sftp);
        let shared = Arc::clone(&self.shared);
        let Some(session) = self.fresh(channel) else {
            return connection.channel_failure(channel);
        };
        let wants_sftp = match &forced {
            Some(command) => command == INTERNAL_SFTP,
            None => kind == SessionKind::Sftp,
        };
        if wants_sftp {
            if !sftp_allowed {
                return connection.channel_failure(channel);
            }
            connection.channel_success(channel)?;
            if let Some((outflow, input, closed)) = session.take_streams() {
                sftp::serve(shared, outflow, input, closed);
            }
            return Ok(());
        }
        connection.channel_success(channel)?;
        let handle = connection.handle();
        match forced {
            Some(command) => {
                let original = match &program {
                    Program::LoginShell => None,
                    Program::Command(line) => Some(line.as_slice()),
                };
                let program = Program::Command(command.into_bytes());
                session.start(&shared, handle, SessionKind::ForcedCommand, &program, original);
            }
            None => session.start(&shared, handle, kind, &program, None),
        }
        Ok(())
    }
}

impl Handler for Agent {
    type Error = russh::Error;

    async fn authentication_banner(&mut self) -> Result<Option<String>, Self::Error> {
        Ok(self.shared.setup.banner.clone())
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        self.shared.report_silent_refusal();
        let refusal = Refusal::new(RefusalCode::NotACertificate, "it is a key without a certificate");
        let fingerprint = key.public_key.fingerprint(HashAlg::Sha256).to_string();
        self.shared.refused(user, &refusal, None, Some(fingerprint));
        Ok(Auth::reject())
    }

    async fn auth_openssh_certificate(
        &mut self,
        user: &str,
        certificate: &Certificate,
    ) -> Result<Auth, Self::Error> {
        self.shared.report_silent_refusal();
        // A clock before 1970 makes every certificate "not yet valid".
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        match self.shared.setup.policy.check(user, certificate, now) {
            Ok(grant) => {
                self.shared.reporter.send(&AgentReport::LoginAccepted {
                    user: user.to_owned(),
                    serial: grant.serial,
                    key_id: grant.key_id.clone(),
                    principal: grant.principal.clone(),
                    fingerprint: grant.fingerprint.clone(),
                    authority: grant.authority.clone(),
                });
                *self.shared.grant.lock().unwrap_or_else(PoisonError::into_inner) = Some(grant.clone());
                self.grant = Some(grant);
                Ok(Auth::Accept)
            }
            Err(refusal) => {
                let fingerprint = certificate.public_key().fingerprint(HashAlg::Sha256).to_string();
                self.shared
                    .refused(user, &refusal, Some(certificate), Some(fingerprint));
                Ok(Auth::reject())
            }
        }
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _connection: &mut Connection,
    ) -> Result<(), Self::Error> {
        self.sessions
            .insert(channel.id(), Session::open(channel, &self.shared));
        reply.accept().await;
        Ok(())
    }

    async fn channel_close(
        &mut self,
        channel: ChannelId,
        _connection: &mut Connection,
    ) -> Result<(), Self::Error> {
        self.sessions.remove(&channel);
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        term: &str,
        columns: u32,
        rows: u32,
        width: u32,
        height: u32,
        modes: &[(Pty, u32)],
        connection: &mut Connection,
    ) -> Result<(), Self::Error> {
        if !self.may(|grant| grant.pty) {
            return connection.channel_failure(channel);
        }
        match self.fresh(channel) {
            Some(session) => {
                session.request_terminal(TerminalRequest {
                    name: term.to_owned(),
                    size: window_size(columns, rows, width, height),
                    modes: modes.to_vec(),
                });
                connection.channel_success(channel)
            }
            None => connection.channel_failure(channel),
        }
    }

    async fn x11_request(
        &mut self,
        channel: ChannelId,
        _single_connection: bool,
        _protocol: &str,
        _cookie: &str,
        _screen: u32,
        connection: &mut Connection,
    ) -> Result<(), Self::Error> {
        connection.channel_failure(channel)
    }

    async fn env_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        value: &str,
        connection: &mut Connection,
    ) -> Result<(), Self::Error> {
        match self.fresh(channel) {
            Some(session) if client_may_set(name) => {
                session.set_variable(name, value);
                connection.channel_success(channel)
            }
            _ => connection.channel_failure(channel),
        }
    }

    async fn shell_request(
        &mut self,
        channel: ChannelId,
        connection: &mut Connection,
    ) -> Result<(), Self::Error> {
        self.start(channel, connection, SessionKind::Shell, Program::LoginShell)
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        command: &[u8],
        connection: &mut Connection,
    ) -> Result<(), Self::Error> {
        self.start(
            channel,
            connection,
            SessionKind::Exec,
            Program::Command(command.to_vec()),
        )
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        connection: &mut Connection,
    ) -> Result<(), Self::Error> {
        if name == SFTP {
            self.start(
                channel,
                connection,
                SessionKind::Sftp,
                Program::Command(SFTP.into()),
            )
        } else {
            connection.channel_failure(channel)
        }
    }

    async fn window_change_request(
        &mut self,
        channel: ChannelId,
        columns: u32,
        rows: u32,
        width: u32,
        height: u32,
        connection: &mut Connection,
    ) -> Result<(), Self::Error> {
        let terminal = self.sessions.get(&channel).and_then(Session::terminal);
        match terminal.map(|terminal| terminal.resize(window_size(columns, rows, width, height))) {
            Some(Ok(())) => connection.channel_success(channel),
            _ => connection.channel_failure(channel),
        }
    }

    async fn signal(
        &mut self,
        channel: ChannelId,
        signal: Sig,
        _connection: &mut Connection,
    ) -> Result<(), Self::Error> {
        if let Some(session) = self.sessions.get(&channel) {
            session.signal(&signal);
        }
        Ok(())
    }

    async fn agent_request(
        &mut self,
        channel: ChannelId,
        connection: &mut Connection,
    ) -> Result<bool, Self::Error> {
        if !self.may(|grant| grant.agent_forwarding) {
            return Ok(false);
        }
        let shared = Arc::clone(&self.shared);
        let mut openings = shared.openings.lock().await;
        if openings.agent_socket.is_none() {
            match AgentSocket::open(Arc::clone(&shared), connection.handle()) {
                Ok(socket) => openings.agent_socket = Some(socket),
                Err(error) => {
                    shared
                        .reporter
                        .warn(format!("no socket for the client's agent: {error}"));
                    return Ok(false);
                }
            }
        }
        let path = openings
            .agent_socket
            .as_ref()
            .map(|socket| socket.path().to_owned());
        let (Some(session), Some(path)) = (self.fresh(channel), path) else {
            return Ok(false);
        };
        session.set_agent_socket(path);
        Ok(true)
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _originator: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _connection: &mut Connection,
    ) -> Result<(), Self::Error> {
        // Dropping the reply refuses.
        if self.may(|grant| grant.port_forwarding) {
            connect_tcp(Arc::clone(&self.shared), channel, reply, host.to_owned(), port);
        }
        Ok(())
    }

    async fn channel_open_direct_streamlocal(
        &mut self,
        channel: Channel<Msg>,
        path: &str,
        reply: ChannelOpenHandle,
        _connection: &mut Connection,
    ) -> Result<(), Self::Error> {
        if self.may(|grant| grant.port_forwarding) {
            connect_unix(Arc::clone(&self.shared), channel, reply, path.to_owned());
        }
        Ok(())
    }

    async fn tcpip_forward(
        &mut self,
        address: &str,
        port: &mut u32,
        connection: &mut Connection,
    ) -> Result<bool, Self::Error> {
        if !self.may(|grant| grant.port_forwarding) {
            return Ok(false);
        }
        let mut openings = self.shared.openings.lock().await;
        match openings
            .listeners
            .listen_tcp(&self.shared, &connection.handle(), address, *port)
            .await
        {
            Ok(bound) => {
                *port = bound;
                Ok(true)
            }
            Err(error) => {
                self.shared
                    .reporter
                    .warn(format!("forwarding of port {port}: {error}"));
                Ok(false)
            }
        }
    }

    async fn cancel_tcpip_forward(
        &mut self,
        address: &str,
        port: u32,
        _connection: &mut Connection,
    ) -> Result<bool, Self::Error> {
        Ok(self
            .shared
            .openings
            .lock()
            .await
            .listeners
            .unlisten_tcp(address, port))
    }

    async fn streamlocal_forward(
        &mut self,
        path: &str,
        connection: &mut Connection,
    ) -> Result<bool, Self::Error> {
        if !self.may(|grant| grant.port_forwarding) {
            return Ok(false);
        }
        let mut openings = self.shared.openings.lock().await;
        match openings
            .listeners
            .listen_unix(&self.shared, &connection.handle(), path)
        {
            Ok(()) => Ok(true),
            Err(error) => {
                self.shared
                    .reporter
                    .warn(format!("forwarding of {path}: {error}"));
                Ok(false)
            }
        }
    }

    async fn cancel_streamlocal_forward(
        &mut self,
        path: &str,
        _connection: &mut Connection,
    ) -> Result<bool, Self::Error> {
        Ok(self.shared.openings.lock().await.listeners.unlisten_unix(path))
    }
}
