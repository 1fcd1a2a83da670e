//! Lifecycle commands: on this computer and in the container, in the contract's order and forms.
//!
//! What has run once is noted inside the container itself, so that the note lives exactly as long as what the command
//! did, whatever happens to our own state.

use crate::agent::{Entry, archive};
use crate::config::CoreConfig;
use crate::error::OrProblem;
use crate::jobs::{JobHandle, cancelled};
use crate::user;
use devctl_agent_protocol::{GUARD_ARGUMENT, PROBE_ARGUMENT, ProbeReport};
use devctl_engine::{Engine, ExecRequest, OutputStream};
use devctl_model::{ErrorCode, LogStream, Problem};
use devctl_spec::config::UserEnvProbe;
use devctl_spec::hooks::{Hook, HookCommand, HookKind, SimpleCommand};
use devctl_spec::local::Platform;
use futures_util::StreamExt as _;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;

/// Notes of what has run, one file for each command, with the time that it ran for.
const NOTES: &str = "var/lib/devctl";
/// A note is a time.
const NOTE_AT_MOST: usize = 256;

/// The exit code of what was killed (128 and SIGKILL).
const KILLED: i64 = 137;

/// A container in which commands run.
pub(crate) struct Inside<'a> {
    pub(crate) engine: &'a Arc<dyn Engine>,
    pub(crate) container: &'a str,
    /// Where the agent lies in it.
    pub(crate) agent: &'a str,
    pub(crate) user: &'a str,
    pub(crate) folder: &'a str,
    /// Whether it was given secrets, which its commands are to have.
    pub(crate) with_secrets: bool,
    pub(crate) job: &'a JobHandle,
}

/// When a note counts: once for the life of the container, or once for each start.
pub(crate) struct Moments {
    pub(crate) created: String,
    pub(crate) started: String,
}

impl Inside<'_> {
    /// The remote user's environment, as their shell makes it.
    pub(crate) async fn probe(&self, mode: UserEnvProbe) -> Result<BTreeMap<String, String>, Problem> {
        let report = probe(self.engine, self.container, self.agent, self.user, mode).await?;
        for warning in &report.warnings {
            self.job.note(warning);
        }
        Ok(report.environment)
    }

    /// Runs the commands that have not run yet. Says after which of them a tool may be let in.
    pub(crate) async fn run(
        &self,
        hooks: &[Hook],
        wait_for: HookKind,
        moments: &Moments,
        environment: &[(String, String)],
        secrets: &Masks,
    ) -> Result<(), Problem> {
        let mut told_ready = false;
        for kind in HookKind::IN_CONTAINER {
            let of_kind: Vec<&Hook> = hooks.iter().filter(|hook| hook.kind == kind).collect();
            let moment = match kind {
                HookKind::PostStartCommand => Some(&moments.started),
                HookKind::PostAttachCommand | HookKind::InitializeCommand => None,
                _ => Some(&moments.created),
            };
            if !of_kind.is_empty() && !self.has_run(kind, moment).await? {
                for hook in of_kind {
                    self.job.step(&format!("Run {}", kind.property()));
                    self.job.detail(summary(&hook.command));
                    self.one(hook, environment, secrets).await?;
                }
                if let Some(moment) = moment {
                    self.note(kind, moment).await?;
                }
            }
            if kind >= wait_for && !told_ready {
                told_ready = true;
                self.job.note("The container can be used now");
            }
        }
        Ok(())
    }

    async fn has_run(&self, kind: HookKind, moment: Option<&String>) -> Result<bool, Problem> {
        let Some(moment) = moment else { return Ok(false) };
        let path = format!("/{NOTES}/{}", kind.property());
        let note = crate::agent::read_file(self.engine, self.container, &path, NOTE_AT_MOST).await?;
        Ok(note.is_some_and(|note| note.bytes == moment.as_bytes()))
    }

    async fn note(&self, kind: HookKind, moment: &str) -> Result<(), Problem> {
        let path = format!("{NOTES}/{}", kind.property());
        let files = archive(&[Entry {
            path: &path,
            bytes: moment.as_bytes(),
            mode: 0o644,
            uid: 0,
            gid: 0,
        }])?;
        self.engine
            .copy_in(self.container, "/", files)
            .await
            .at("Note what has run")
    }

    async fn one(
        &self,
        hook: &Hook,
        environment: &[(String, String)],
        secrets: &Masks,
    ) -> Result<(), Problem> {
        let branches: Vec<(Option<&str>, Vec<String>)> = match &hook.command {
            HookCommand::Shell(line) => vec![(None, shell(line))],
            HookCommand::Exec(words) => vec![(None, words.clone())],
            HookCommand::Parallel(branches) => branches
                .iter()
                .map(|(name, command)| {
                    let words = match command {
                        SimpleCommand::Shell(line) => shell(line),
                        SimpleCommand::Exec(words) => words.clone(),
                    };
                    (Some(name.as_str()), words)
                })
                .collect(),
        };
        let runs = branches
            .iter()
            .filter(|(_, words)| !words.is_empty())
            .map(|(name, words)| async move {
                let code = self.command(words, environment, *name, secrets).await?;
                Ok::<_, Problem>((*name, code))
            });
        // All of them end, so that none is left running beside the report of another's failure.
        for result in futures_util::future::join_all(runs).await {
            let (name, code) = result?;
            if code == KILLED {
                self.wait_for_the_end().await;
            }
            if code != 0 {
                return Err(self.failed(hook, name, code));
            }
        }
        Ok(())
    }

    /// A command that was killed may be the first of a container that is being stopped or removed: a moment later the
    /// engine says so.
    async fn wait_for_the_end(&self) {
        for _ in 0..10 {
            match self.engine.container_inspect(self.container).await {
                Ok(details) if details.state.is_running() => {}
                Ok(_) | Err(_) => return,
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn failed(&self, hook: &Hook, name: Option<&str>, code: i64) -> Problem {
        let what = name.map_or_else(String::new, |name| format!(" ({name})"));
        let mut problem = Problem::new(
            ErrorCode::HookFailed,
            format!("{}{what} ended with exit code {code}", hook.kind.property()),
        )
        .at(hook.origin.clone())
        .fix("Mend the command, then run devctl up again: it goes on with this command")
        .safe("the container is there and can be entered with ssh")
        .safe("commands before this one will not run again");
        problem.lines = self.job.last_lines(20);
        problem
    }

    /// Runs one command under the agent's guard: when we are gone, so is the command.
    async fn command(
        &self,
        words: &[String],
        environment: &[(String, String)],
        name: Option<&str>,
        secrets: &Masks,
    ) -> Result<i64, Problem> {
        let mut cmd = vec![self.agent.to_owned(), GUARD_ARGUMENT.to_owned(), "--".to_owned()];
        if self.with_secrets {
            cmd.extend(crate::secrets::give::before(self.agent, []));
        }
        cmd.extend_from_slice(words);
        let request = ExecRequest {
            cmd,
            env: environment.to_vec(),
            user: Some(user::for_engine(self.user).to_owned()),
            workdir: Some(self.folder.to_owned()),
            stdin: true,
            ..ExecRequest::default()
        };
        let mut session = self
            .engine
            .exec(self.container, &request)
            .await
            .at("Run the command")?;
        let mut lines = MaskedLines::new(secrets, name);
        let cancel = self.job.cancelled();
        loop {
            let frame = tokio::select! {
                biased;
                // Dropping the session closes the guard's lifeline, and the guard ends the command.
                () = cancel.cancelled() => return Err(cancelled()),
                frame = session.output.next() => frame,
            };
            let Some(frame) = frame else { break };
            let frame = frame.at("Run the command")?;
            let stream = match frame.stream {
                OutputStream::Stdout => LogStream::Stdout,
                OutputStream::Stderr => LogStream::Stderr,
            };
            lines.output(stream, &frame.bytes, |stream, line| self.job.output(stream, line));
        }
        lines.end(|stream, line| self.job.output(stream, line));
        match session.exit_code().await.at("Run the command")? {
            Some(code) => Ok(code),
            // The engine says so a moment after the output ended.
            None => session.control.wait_for_exit().await.at("Run the command"),
        }
    }
}

/// Notes of a container that was made with the files of another that what runs once has run.
pub(crate) async fn note_made(engine: &Arc<dyn Engine>, container: &str) -> Result<(), Problem> {
    const STEP: &str = "Note what has run";
    let created = engine.container_inspect(container).await.at(STEP)?.created;
    let moment = created.map(crate::clock::offset_text).unwrap_or_default();
    for kind in [
        HookKind::OnCreateCommand,
        HookKind::UpdateContentCommand,
        HookKind::PostCreateCommand,
    ] {
        let path = format!("{NOTES}/{}", kind.property());
        let note = crate::agent::one_file(&path, moment.as_bytes(), 0o644)?;
        engine.copy_in(container, "/", note).await.at(STEP)?;
    }
    Ok(())
}

/// Asks the agent for the environment that a user's shell makes.
pub(crate) async fn probe(
    engine: &Arc<dyn Engine>,
    container: &str,
    agent: &str,
    user: &str,
    mode: UserEnvProbe,
) -> Result<ProbeReport, Problem> {
    const AT_MOST: usize = 4 * 1024 * 1024;
    let request = ExecRequest {
        cmd: vec![
            agent.to_owned(),
            PROBE_ARGUMENT.to_owned(),
            mode_name(mode).to_owned(),
        ],
        user: Some(user::for_engine(user).to_owned()),
        ..ExecRequest::default()
    };
    let session = engine
        .exec(container, &request)
        .await
        .at("Probe the environment")?;
    let finished = session.finish(&[], AT_MOST).await.at("Probe the environment")?;
    serde_json::from_slice(&finished.stdout).map_err(|error| {
        let mut problem = Problem::new(
            ErrorCode::AgentFailed,
            format!(
                "the environment of {user} could not be found out (exit code {})",
                finished.code
            ),
        )
        .at("Probe the environment")
        .why(error.to_string())
        .fix(format!("Check that the user {user} exists in the image"));
        problem.lines = String::from_utf8_lossy(&finished.stderr)
            .lines()
            .take(20)
            .map(str::to_owned)
            .collect();
        problem
    })
}

/// The name of a probe, as in the configuration.
pub(crate) fn mode_name(mode: UserEnvProbe) -> &'static str {
    match mode {
        UserEnvProbe::None => "none",
        UserEnvProbe::LoginShell => "loginShell",
        UserEnvProbe::InteractiveShell => "interactiveShell",
        UserEnvProbe::LoginInteractiveShell => "loginInteractiveShell",
    }
}

/// The probe of that name.
pub(crate) fn mode_of(name: &str) -> UserEnvProbe {
    match name {
        "none" => UserEnvProbe::None,
        "loginShell" => UserEnvProbe::LoginShell,
        "interactiveShell" => UserEnvProbe::InteractiveShell,
        _ => UserEnvProbe::LoginInteractiveShell,
    }
}

/// The environment of commands: what the shell makes, then `remoteEnv`, where null takes a name out.
pub(crate) fn environment(
    probed: &BTreeMap<String, String>,
    remote: &indexmap::IndexMap<String, Option<String>>,
) -> (BTreeMap<String, String>, Vec<String>) {
    let mut all = probed.clone();
    let mut unset = Vec::new();
    for (name, value) in remote {
        match value {
            Some(value) => {
                // A variable that cannot be filled in stays as it is written, as in the reference.
                let filled =
                    devctl_spec::variables::container_env_substitute_text(value, probed, Platform::Linux);
                all.insert(name.clone(), filled.unwrap_or_else(|_| value.clone()));
            }
            None => {
                all.remove(name);
                unset.push(name.clone());
            }
        }
    }
    (all, unset)
}

/// Runs `initializeCommand` on this computer, in the workspace folder.
pub(crate) async fn on_host(
    config: &CoreConfig,
    hook: &Hook,
    folder: &Path,
    job: &JobHandle,
    secrets: &Masks,
) -> Result<(), Problem> {
    job.step("Run initializeCommand");
    job.detail(format!("on this computer: {}", summary(&hook.command)));
    let branches: Vec<(Option<&str>, Vec<String>)> = match &hook.command {
        HookCommand::Shell(line) => vec![(None, host_shell(line))],
        HookCommand::Exec(words) => vec![(None, words.clone())],
        HookCommand::Parallel(branches) => branches
            .iter()
            .map(|(name, command)| match command {
                SimpleCommand::Shell(line) => (Some(name.as_str()), host_shell(line)),
                SimpleCommand::Exec(words) => (Some(name.as_str()), words.clone()),
            })
            .collect(),
    };
    let runs = branches
        .iter()
        .filter(|(_, words)| !words.is_empty())
        .map(|(name, words)| async move {
            let code = host_command(config, words, folder, *name, job, secrets).await?;
            Ok::<_, Problem>((*name, code))
        });
    for result in futures_util::future::join_all(runs).await {
        let (name, code) = result?;
        if code != Some(0) {
            let what = name.map_or_else(String::new, |name| format!(" ({name})"));
            let how = code.map_or_else(
                || "was killed".to_owned(),
                |code| format!("ended with exit code {code}"),
            );
            let mut problem = Problem::new(ErrorCode::HookFailed, format!("initializeCommand{what} {how}"))
                .at(hook.origin.clone())
                .fix("Mend the command, then run devctl up again")
                .safe("no container was made or started");
            problem.lines = job.last_lines(20);
            return Err(problem);
        }
    }
    Ok(())
}

async fn host_command(
    config: &CoreConfig,
    words: &[String],
    folder: &Path,
    name: Option<&str>,
    job: &JobHandle,
    secrets: &Masks,
) -> Result<Option<i32>, Problem> {
    let Some((program, arguments)) = words.split_first() else {
        return Ok(Some(0));
    };
    let failed = |error: std::io::Error| {
        Problem::new(
            ErrorCode::HookFailed,
            format!("initializeCommand: {program} could not be run"),
        )
        .why(error.to_string())
    };
    let mut command = tokio::process::Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(&config.env)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // A group of its own: what it starts is ended with it.
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn().map_err(failed)?;
    let group = child.id();
    let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    let mut lines = MaskedLines::new(secrets, name);
    let (mut out, mut err) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let reading = async {
        while stdout.is_some() || stderr.is_some() {
            let (stream, read, buffer) = tokio::select! {
                read = read_some(&mut stdout, &mut out) => (LogStream::Stdout, read, &out),
                read = read_some(&mut stderr, &mut err) => (LogStream::Stderr, read, &err),
            };
            match read {
                Ok(0) | Err(_) => match stream {
                    LogStream::Stdout => stdout = None,
                    _ => stderr = None,
                },
                Ok(count) => lines.output(stream, &buffer[..count], |stream, line| job.output(stream, line)),
            }
        }
        lines.end(|stream, line| job.output(stream, line));
    };
    let cancel = job.cancelled();
    let status = tokio::select! {
        biased;
        () = cancel.cancelled() => {
            end_group(group);
            return Err(cancelled());
        }
        (status, ()) = async {
            let status = async { child.wait().await };
            futures_util::future::join(status, reading).await
        } => status.map_err(failed)?,
    };
    Ok(status.code())
}

async fn read_some<R: tokio::io::AsyncRead + Unpin>(
    source: &mut Option<R>,
    buffer: &mut [u8],
) -> std::io::Result<usize> {
    match source {
        Some(source) => source.read(buffer).await,
        None => std::future::pending().await,
    }
}

#[cfg(unix)]
fn end_group(group: Option<u32>) {
    let pid = group
        .and_then(|group| i32::try_from(group).ok())
        .and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid
        && let Err(error) = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL)
    {
        tracing::debug!(%error, "the command had ended already");
    }
}

#[cfg(not(unix))]
fn end_group(_group: Option<u32>) {}

fn shell(line: &str) -> Vec<String> {
    vec!["/bin/sh".to_owned(), "-c".to_owned(), line.to_owned()]
}

fn host_shell(line: &str) -> Vec<String> {
    if cfg!(windows) {
        vec![
            "cmd.exe".to_owned(),
            "/d".to_owned(),
            "/c".to_owned(),
            line.to_owned(),
        ]
    } else {
        shell(line)
    }
}

/// A command in a few words.
fn summary(command: &HookCommand) -> String {
    let text = match command {
        HookCommand::Shell(line) => line.clone(),
        HookCommand::Exec(words) => words.join(" "),
        HookCommand::Parallel(branches) => branches.keys().cloned().collect::<Vec<_>>().join(", "),
    };
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(120) {
        Some((cut, _)) => format!("{}…", &line[..cut]),
        None => line.to_owned(),
    }
}

/// Values that must not be seen in any output.
#[derive(Default, Clone)]
pub(crate) struct Masks(Vec<String>);

impl Masks {
    /// The values of variables whose names say that they are secret. Short ones would hide ordinary words.
    pub(crate) fn of<'a>(variables: impl IntoIterator<Item = (&'a String, &'a String)>) -> Self {
        const SECRET: [&str; 7] = [
            "SECRET",
            "TOKEN",
            "PASSWORD",
            "PASSWD",
            "API_KEY",
            "APIKEY",
            "PRIVATE_KEY",
        ];
        let mut values: Vec<String> = variables
            .into_iter()
            .filter(|(name, value)| {
                let name = name.to_uppercase();
                value.len() >= 6 && SECRET.iter().any(|word| name.contains(word))
            })
            .map(|(_, value)| value.clone())
            .collect();
        longest_first(&mut values);
        Self(values)
    }

    /// These, and each line of secrets: output is looked at line by line.
    pub(crate) fn and<'a>(&self, secrets: impl IntoIterator<Item = &'a [u8]>) -> Self {
        const SHORTEST: usize = 4;
        let mut values = self.0.clone();
        for secret in secrets {
            let text = String::from_utf8_lossy(secret);
            let lines = text.lines().map(str::trim).filter(|line| line.len() >= SHORTEST);
            values.extend(lines.map(str::to_owned));
        }
        longest_first(&mut values);
        Self(values)
    }

    fn hide(&self, line: &str) -> String {
        self.0.iter().fold(line.to_owned(), |line, secret| {
            line.replace(secret.as_str(), "••••••")
        })
    }
}

/// So that one that holds another is hidden whole.
fn longest_first(values: &mut [String]) {
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
}

/// Puts output together into lines, so that a secret that comes in two pieces is found.
struct MaskedLines<'a> {
    masks: &'a Masks,
    prefix: String,
    partial: BTreeMap<u8, Vec<u8>>,
}

/// An unfinished line longer than this is passed on as it is.
const LONGEST: usize = 64 * 1024;

impl<'a> MaskedLines<'a> {
    fn new(masks: &'a Masks, name: Option<&str>) -> Self {
        Self {
            masks,
            prefix: name.map(|name| format!("[{name}] ")).unwrap_or_default(),
            partial: BTreeMap::new(),
        }
    }

    fn output(&mut self, stream: LogStream, bytes: &[u8], mut write: impl FnMut(LogStream, &[u8])) {
        if self.masks.0.is_empty() && self.prefix.is_empty() {
            write(stream, bytes);
            return;
        }
        let buffer = self.partial.entry(stream as u8).or_default();
        buffer.extend_from_slice(bytes);
        let Some(end) = buffer
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map(|at| at + 1)
            .or((buffer.len() > LONGEST).then_some(buffer.len()))
        else {
            return;
        };
        let whole: Vec<u8> = buffer.drain(..end).collect();
        for line in String::from_utf8_lossy(&whole).lines() {
            write(
                stream,
                format!("{}{}\n", self.prefix, self.masks.hide(line)).as_bytes(),
            );
        }
    }

    fn end(&mut self, mut write: impl FnMut(LogStream, &[u8])) {
        for (stream, rest) in std::mem::take(&mut self.partial) {
            if !rest.is_empty() {
                let stream = if stream == LogStream::Stdout as u8 {
                    LogStream::Stdout
                } else {
                    LogStream::Stderr
                };
                let line = format!(
                    "{}{}\n",
                    self.prefix,
                    self.masks.hide(&String::from_utf8_lossy(&rest))
                );
                write(stream, line.as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_even_when_it_comes_in_two_pieces() {
        let variables = BTreeMap::from([
            ("API_TOKEN".to_owned(), "hunter22".to_owned()),
            ("PIN_TOKEN".to_owned(), "1".to_owned()),
        ]);
        let masks = Masks::of(&variables);
        let mut seen = Vec::new();
        let mut lines = MaskedLines::new(&masks, Some("a"));
        lines.output(LogStream::Stdout, b"login hunt", |_, line| {
            seen.extend_from_slice(line);
        });
        lines.output(LogStream::Stdout, b"er22 1\nrest hunter22", |_, line| {
            seen.extend_from_slice(line);
        });
        lines.end(|_, line| seen.extend_from_slice(line));
        let seen = String::from_utf8(seen).unwrap();
        assert_eq!(seen, "[a] login •••••• 1\n[a] rest ••••••\n");
    }

    #[test]
    fn each_line_of_a_secret_is_hidden() {
        let masks = Masks::default().and([b"-----BEGIN-----\nabcdef\n".as_slice(), b"pw", b"abcdefgh"]);
        assert_eq!(
            masks.hide("x abcdefgh abcdef pw -----BEGIN-----"),
            "x •••••• •••••• pw ••••••"
        );
    }

    #[test]
    fn remote_env_wins_over_the_probe_and_null_takes_out() {
        let probed = BTreeMap::from([
            ("PATH".to_owned(), "/bin".to_owned()),
            ("PAGER".to_owned(), "less".to_owned()),
        ]);
        let remote = indexmap::IndexMap::from([
            (
                "PATH".to_owned(),
                Some("/opt/bin:${containerEnv:PATH}".to_owned()),
            ),
            ("PAGER".to_owned(), None),
        ]);
        let (all, unset) = environment(&probed, &remote);
        assert_eq!(
            all,
            BTreeMap::from([("PATH".to_owned(), "/opt/bin:/bin".to_owned())])
        );
        assert_eq!(unset, ["PAGER"]);
    }
}
