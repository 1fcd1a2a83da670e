//! One run: protect, read the document, serve the connection, leave nothing behind.

use std::error::Error;
use std::io::{self, Read, Write as _};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use devctl_agent_protocol::{AGENT_PATH, AgentReport, FatalCode, PROBE_ARGUMENT, RefusalCode, read_config};
use russh::server::{Config, run_stream};
use tokio::signal::unix::{SignalKind, signal};

use crate::connection::{Agent, Openings, Shared};
use crate::inflow::Inflow;
use crate::report::Reporter;
use crate::setup::{Setup, SetupError, prepare};
use crate::terminate::Leaders;
use crate::transport::{Transport, hangup};
use crate::{protect, russh_log};

/// How long a client has to log in (sshd's `LoginGraceTime`).
const LOGIN_TIME: Duration = Duration::from_secs(120);

/// What a connection whose other side is gone may take to come to its own end: what is still in the pipe is read.
const HANGUP_GRACE: Duration = Duration::from_millis(500);

/// Serves one connection on standard input and output. With `probe`, says the user's environment first.
pub(crate) fn run(probe: Option<&str>) -> ExitCode {
    let reporter = Reporter::new();
    if let Some(mode) = probe
        && let Err(error) = say_environment(mode)
    {
        reporter.warn(format!("the environment could not be said: {error}"));
    }
    match start(&reporter) {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, error)) => {
            reporter.send(&AgentReport::Fatal {
                code,
                message: chain(&*error),
            });
            ExitCode::FAILURE
        }
    }
}

/// Lets the small tool answer on our standard output, as one line; an empty one where it has no answer.
///
/// Nothing secret is in this process yet: the document comes when the proxy has read the line.
fn say_environment(mode: &str) -> io::Result<()> {
    let own = std::env::current_exe().unwrap_or_else(|_| PathBuf::from(AGENT_PATH));
    let mut tool = Command::new(own);
    tool.args([PROBE_ARGUMENT, mode])
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    if tool.status().is_ok_and(|status| status.success()) {
        return Ok(());
    }
    let mut output = io::stdout();
    output.write_all(b"\n")?;
    output.flush()
}

fn start(reporter: &Reporter) -> Result<(), (FatalCode, Box<dyn Error>)> {
    let failed = |error: SetupError| -> (FatalCode, Box<dyn Error>) { (error.code(), Box::new(error)) };
    let system = |what| move |source| failed(SetupError::System { what, source });
    let protection = protect::harden().map_err(|error| failed(error.into()))?;
    let document = read_config(&mut StandardInput).map_err(|error| failed(error.into()))?;
    let (setup, config) = prepare(document, protection).map_err(failed)?;
    russh_log::listen();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(system("threads"))?;
    let result = runtime
        .block_on(serve(setup, config, reporter.clone()))
        .map_err(|error| (FatalCode::Connection, Box::new(error).into()));
    // A thread may sit in a read of a file system that does not answer; nothing waits for it.
    runtime.shutdown_background();
    result
}

async fn serve(setup: Setup, config: Arc<Config>, reporter: Reporter) -> Result<(), russh::Error> {
    let inflow = Arc::new(Inflow::default());
    let shared = Arc::new(Shared {
        setup,
        reporter,
        inflow: Arc::clone(&inflow),
        leaders: Leaders::default(),
        grant: Mutex::new(None),
        openings: tokio::sync::Mutex::default(),
    });
    let result = connection(&shared, config, inflow).await;
    shared.report_silent_refusal();
    if !shared.is_authenticated() {
        shared.reporter.send(&AgentReport::LoginRefused {
            user: shared.setup.policy.user.clone(),
            code: RefusalCode::Unauthenticated,
            reason: "the connection ended before anybody was logged in".into(),
            serial: None,
            key_id: None,
            fingerprint: None,
        });
    }
    *shared.openings.lock().await = Openings::default();
    shared.leaders.end_all().await;
    result
}

async fn connection(
    shared: &Arc<Shared>,
    config: Arc<Config>,
    inflow: Arc<Inflow>,
) -> Result<(), russh::Error> {
    let mut hung_up = hangup()?;
    let mut sighup = signal(SignalKind::hangup())?;
    let mut sigterm = signal(SignalKind::terminate())?;
    let transport = Transport::new(inflow)?;
    let agent = Agent::new(Arc::clone(shared));
    let talk = async { run_stream(config, transport, agent).await?.await };
    tokio::pin!(talk);
    let login_time = tokio::time::sleep(LOGIN_TIME);
    tokio::pin!(login_time);
    let mut waits_for_login = true;
    loop {
        tokio::select! {
            result = &mut talk => return or_end_of_input(result),
            _ = &mut hung_up => {
                return match tokio::time::timeout(HANGUP_GRACE, &mut talk).await {
                    Ok(result) => or_end_of_input(result),
                    Err(_elapsed) => Ok(()),
                };
            }
            _ = sighup.recv() => return Ok(()),
            _ = sigterm.recv() => return Ok(()),
            () = &mut login_time, if waits_for_login => {
                waits_for_login = false;
                if !shared.is_authenticated() {
                    return Ok(());
                }
            }
        }
    }
}

/// A client that just goes away is the usual end of a connection.
fn or_end_of_input(result: Result<(), russh::Error>) -> Result<(), russh::Error> {
    match result {
        Err(russh::Error::IO(error))
            if matches!(
                error.kind(),
                io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe
            ) =>
        {
            Ok(())
        }
        Err(russh::Error::HUP | russh::Error::Disconnect) => Ok(()),
        result => result,
    }
}

/// Standard input without a buffer: what follows the document belongs to SSH.
struct StandardInput;

impl Read for StandardInput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(rustix::stdio::stdin(), buffer)?)
    }
}

/// The error and what caused it, on one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use devctl_agent_protocol::{AgentConfig, Allow, HostPrivateKey, PROTOCOL_VERSION, RevocationList};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

    use super::*;

    /// A document as the proxy writes it; nobody logs in with it here.
    fn document() -> AgentConfig {
        let folder = tempfile::tempdir().unwrap();
        for arguments in [
            &["-q", "-t", "ed25519", "-N", "", "-f", "host"][..],
            &[
                "-q",
                "-s",
                "host",
                "-h",
                "-I",
                "host",
                "-n",
                "bed.devctl",
                "host.pub",
            ],
        ] {
            let mut keygen = Command::new("ssh-keygen");
            let made = keygen.args(arguments).current_dir(&folder).status().unwrap();
            assert!(made.success());
        }
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        AgentConfig {
            protocol: PROTOCOL_VERSION,
            host_private_key: HostPrivateKey::new(read("host")),
            host_certificate: read("host-cert.pub").trim().to_owned(),
            user_authorities: vec![read("host.pub").trim().to_owned()],
            revocation_list: RevocationList::new(devctl_krl::RevocationList::new(1, 1).to_bytes()),
            accepted_principals: BTreeMap::new(),
            environment: BTreeMap::new(),
            unset_environment: Vec::new(),
            working_directory: None,
            user: "root".to_owned(),
            banner: None,
            allow: Allow::ALL,
        }
    }

    /// Begins a login and goes no further; the client's side.
    async fn half_open(
        config: &Arc<Config>,
        document: &AgentConfig,
    ) -> (DuplexStream, tokio::task::JoinHandle<()>) {
        let protection = protect::harden().unwrap();
        let (setup, _) = prepare(document.clone(), protection).unwrap();
        let shared = Arc::new(Shared {
            setup,
            reporter: Reporter::new(),
            inflow: Arc::new(Inflow::default()),
            leaders: Leaders::default(),
            grant: Mutex::new(None),
            openings: tokio::sync::Mutex::default(),
        });
        let (mut client, server) = tokio::io::duplex(16 * 1024);
        let config = Arc::clone(config);
        let served = tokio::spawn(async move {
            if let Ok(session) = run_stream(config, server, Agent::new(shared)).await {
                // How it ends is the client's choice.
                let _ended = session.await;
            }
        });
        client.write_all(b"SSH-2.0-half\r\n").await.unwrap();
        let mut said = [0; 8];
        client.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"SSH-2.0-");
        (client, served)
    }

    #[tokio::test]
    async fn ten_thousand_half_open_logins_at_once_hold_up_nobody_and_leave_nothing() {
        let document = document();
        let (_, config) = prepare(document.clone(), protect::harden().unwrap()).unwrap();
        let mut open = Vec::new();
        for _ in 0..10_000 {
            open.push(half_open(&config, &document).await);
        }
        // One more is answered at once.
        let answered = tokio::time::timeout(Duration::from_secs(1), half_open(&config, &document)).await;
        open.push(answered.unwrap());
        for (client, served) in open {
            assert!(!served.is_finished(), "it gave up before its time");
            drop(client);
            tokio::time::timeout(Duration::from_secs(10), served)
                .await
                .unwrap()
                .unwrap();
        }
    }
}
