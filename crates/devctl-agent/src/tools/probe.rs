//! Finds the environment that the user's shell makes, as the reference implementation does (`userEnvProbe`).

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, ChildStdout, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use devctl_agent_protocol::{AGENT_PATH, ProbeMode, ProbeReport};
use rustix::process::{Pid, Signal, getegid, geteuid, kill_process};

use crate::account::Account;
use crate::tools::print_env::{MarkedOutput, PRINT_ENV_ARGUMENT, Progress};
use crate::tools::session::{end_session, members};
use crate::tools::signals::{Signals, exit_status, reap};
use crate::tools::{ToolError, answer, spawn};

const USAGE: &str = "probe none|loginShell|interactiveShell|loginInteractiveShell";

/// How long the shell may take; the reference waits as long.
const PATIENCE: Duration = Duration::from_secs(10);

/// From here on it is worth a word that every start pays for it (the reference's value).
const SLOW: Duration = Duration::from_secs(2);

/// How long the shell may take to end once its environment is known (`.bash_logout`).
const END_GRACE: Duration = Duration::from_millis(500);

/// How much of the end of what the shell complains is shown.
const COMPLAINT_BYTES: usize = 500;

/// Prints one [`ProbeReport`].
pub(crate) fn run(arguments: &[OsString]) -> Result<ExitCode, ToolError> {
    let [mode] = arguments else {
        return Err(ToolError::Usage(USAGE));
    };
    let mode: ProbeMode = mode.to_string_lossy().parse()?;
    let uid = geteuid().as_raw();
    let account = Account::of(&uid.to_string())?;
    let mut warnings = Vec::new();
    let mut timed_out = false;
    let mut found = None;
    match flags(mode) {
        None => {}
        Some(_) if !account.has_shell() => {
            warnings.push(format!(
                "the shell {} of the user {} is not in this image: the environment is the container's",
                account.shell.display(),
                account.name
            ));
        }
        Some(flags) => {
            let agent = env::current_exe().unwrap_or_else(|_| PathBuf::from(AGENT_PATH));
            let begun = Instant::now();
            match ask_shell(&account, flags, &agent, PATIENCE)? {
                Answer::Environment(environment) => {
                    found = Some(environment);
                    let took = begun.elapsed();
                    if took > SLOW {
                        let seconds = took.as_secs_f32();
                        warnings.push(format!(
                            "the shell needed {seconds:.1} seconds to show its environment"
                        ));
                    }
                }
                Answer::Nothing(warning) => warnings.push(warning),
                Answer::TimedOut(warning) => {
                    timed_out = true;
                    warnings.push(warning);
                }
            }
        }
    }
    let own = || {
        env::vars_os()
            .map(|(name, value)| (name.into_vec(), value.into_vec()))
            .collect()
    };
    let environment = session_variables(found.unwrap_or_else(own), &mut warnings);
    answer(&ProbeReport {
        environment,
        home: account.home.to_string_lossy().into_owned(),
        shell: account.shell.to_string_lossy().into_owned(),
        uid,
        gid: getegid().as_raw(),
        user: account.name,
        timed_out,
        warnings,
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Whether the shell is a login shell and whether it is interactive; none for no shell at all.
fn flags(mode: ProbeMode) -> Option<Flags> {
    let (login, interactive) = match mode {
        ProbeMode::None => return None,
        ProbeMode::LoginShell => (true, false),
        ProbeMode::InteractiveShell => (false, true),
        ProbeMode::LoginInteractiveShell => (true, true),
    };
    Some(Flags { login, interactive })
}

#[derive(Debug, Clone, Copy)]
struct Flags {
    login: bool,
    interactive: bool,
}

/// The variables that a session gets.
fn session_variables(
    found: BTreeMap<Vec<u8>, Vec<u8>>,
    warnings: &mut Vec<String>,
) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::new();
    for (name, value) in found {
        match (String::from_utf8(name), String::from_utf8(value)) {
            (Ok(name), _) if belongs_to_one_process(&name) => {}
            (Ok(name), Ok(value)) => {
                environment.insert(name, value);
            }
            (Ok(name), Err(_)) => {
                warnings.push(format!(
                    "the variable {name:?} is left out: its value is not UTF-8"
                ));
            }
            (Err(error), _) => {
                let name = String::from_utf8_lossy(error.as_bytes()).into_owned();
                warnings.push(format!(
                    "the variable {name:?} is left out: its name is not UTF-8"
                ));
            }
        }
    }
    environment
}

fn belongs_to_one_process(name: &str) -> bool {
    matches!(name, "" | "PWD" | "OLDPWD" | "SHLVL" | "_" | "TERM" | "HOSTNAME") || name.starts_with("DEVCTL_")
}

enum Answer {
    Environment(BTreeMap<Vec<u8>, Vec<u8>>),
    Nothing(String),
    TimedOut(String),
}

/// Lets the shell start, and start the agent, which prints what the shell handed down to it.
fn ask_shell(account: &Account, flags: Flags, agent: &Path, patience: Duration) -> Result<Answer, ToolError> {
    let failed = |what| move |source| ToolError::System { what, source };
    let mark = mark().map_err(failed("making a random mark"))?;
    let signals = Signals::listen().map_err(failed("listening for signals"))?;
    let mut command = Command::new(&account.shell);
    command.args(shell_arguments(&account.shell, flags, agent, &mark));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if env::var_os("HOME").is_none() {
        command.env("HOME", &account.home);
    }
    let (mut child, leader) = match spawn::in_own_session(&mut command) {
        Ok(started) => started,
        Err(error) => {
            return Ok(Answer::Nothing(format!(
                "{}, so the environment is the container's",
                error.chain()
            )));
        }
    };
    let mut shell = Shell {
        signals,
        leader,
        stdout: child.stdout.take(),
        stderr: child.stderr.take(),
        output: MarkedOutput::new(&mark),
        complaint: Vec::new(),
        ended: None,
    };
    let name = account.shell.display();
    let deadline = Instant::now() + patience;
    let answer = match shell.listen(deadline).map_err(failed("listening to the shell"))? {
        Heard::Environment(environment) => {
            shell.let_end().map_err(failed("waiting for the shell"))?;
            Answer::Environment(environment)
        }
        Heard::Nothing => {
            let complaint = shell.complaint();
            shell.let_end().map_err(failed("waiting for the shell"))?;
            let status = shell
                .ended
                .map_or_else(String::new, |status| format!(" with {status}"));
            Answer::Nothing(format!(
                "{name} ended{status} without showing its environment, so it is the container's{complaint}"
            ))
        }
        Heard::TooMuch => {
            end_session(leader);
            Answer::Nothing(format!(
                "{name} showed no end of its environment, so it is the container's"
            ))
        }
        Heard::DeadlineOver => {
            let ran = members(leader)
                .into_iter()
                .map(|member| member.1)
                .collect::<Vec<_>>()
                .join(", ");
            end_session(leader);
            let seconds = patience.as_secs();
            let complaint = shell.complaint();
            Answer::TimedOut(format!(
                "{name} was ended, as it did not show its environment within {seconds} seconds, so it is the \
                 container's; what ran: {ran}{complaint}"
            ))
        }
    };
    Ok(answer)
}

/// 128 random bits: no start-up file can print them.
fn mark() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Every shell but PowerShell takes the short options of `sh` in one word, and quotes alike what has no quote in it.
fn shell_arguments(shell: &Path, flags: Flags, agent: &Path, mark: &str) -> Vec<OsString> {
    let power_shell = matches!(
        shell.file_name().and_then(OsStr::to_str),
        Some("pwsh" | "pwsh-preview")
    );
    let quoted = |escaped: &[u8]| {
        let mut quoted = vec![b'\''];
        for byte in agent.as_os_str().as_bytes() {
            match byte {
                b'\'' => quoted.extend_from_slice(escaped),
                byte => quoted.push(*byte),
            }
        }
        quoted.push(b'\'');
        OsString::from_vec(quoted)
    };
    let mut line;
    let mut arguments: Vec<OsString> = Vec::new();
    if power_shell {
        if flags.login {
            arguments.push("-Login".into());
        }
        arguments.push("-Command".into());
        line = OsString::from("& ");
        line.push(quoted(b"''"));
    } else {
        let login = if flags.login { "l" } else { "" };
        let interactive = if flags.interactive { "i" } else { "" };
        arguments.push(format!("-{login}{interactive}c").into());
        line = quoted(b"'\\''");
    }
    line.push(format!(" {PRINT_ENV_ARGUMENT} {mark}"));
    arguments.push(line);
    arguments
}

enum Heard {
    Environment(BTreeMap<Vec<u8>, Vec<u8>>),
    Nothing,
    TooMuch,
    DeadlineOver,
}

struct Shell {
    signals: Signals,
    leader: Pid,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    output: MarkedOutput,
    complaint: Vec<u8>,
    ended: Option<u8>,
}

impl Shell {
    /// Reads until the environment is there or cannot come any more.
    fn listen(&mut self, deadline: Instant) -> io::Result<Heard> {
        let mut buffer = vec![0; 64 << 10];
        for fd in [
            self.stdout.as_ref().map(|file| file.as_fd()),
            self.stderr.as_ref().map(|file| file.as_fd()),
        ]
        .into_iter()
        .flatten()
        {
            rustix::io::ioctl_fionbio(fd, true)?;
        }
        loop {
            while let Some(bytes) = read(&mut self.stderr, &mut buffer)? {
                self.complaint.extend_from_slice(bytes);
                self.complaint
                    .drain(..self.complaint.len().saturating_sub(COMPLAINT_BYTES));
                if Instant::now() >= deadline {
                    return Ok(Heard::DeadlineOver);
                }
            }
            // Asked before the last look at the output: what it wrote before it ended is read.
            let ended = self.reap()?;
            while let Some(bytes) = read(&mut self.stdout, &mut buffer)? {
                match self.output.push(bytes) {
                    Progress::Incomplete => {}
                    Progress::Environment(environment) => return Ok(Heard::Environment(environment)),
                    Progress::TooLong => return Ok(Heard::TooMuch),
                }
                if Instant::now() >= deadline {
                    return Ok(Heard::DeadlineOver);
                }
            }
            // Somebody in the background may hold the pipe open for ever.
            if ended || self.stdout.is_none() {
                return Ok(Heard::Nothing);
            }
            if Instant::now() >= deadline {
                return Ok(Heard::DeadlineOver);
            }
            let files: Vec<_> = [
                self.stdout.as_ref().map(|file| file.as_fd()),
                self.stderr.as_ref().map(|file| file.as_fd()),
            ]
            .into_iter()
            .flatten()
            .collect();
            if self.signals.wait(&files, Some(deadline))?.ending {
                end_session(self.leader);
                return Err(io::Error::new(
                    io::ErrorKind::Interrupted,
                    "a signal ended the probe",
                ));
            }
        }
    }

    /// Gives the shell a moment to end by itself, so that its last files are read, and ends it then. What it started in
    /// the background lives on, as after a login.
    fn let_end(&mut self) -> io::Result<()> {
        // A shell that still writes must not wait for a reader.
        self.stdout = None;
        self.stderr = None;
        let deadline = Instant::now() + END_GRACE;
        while !self.reap()? {
            if Instant::now() >= deadline {
                // It may be gone by now.
                let _ = kill_process(self.leader, Signal::KILL);
                return Ok(());
            }
            self.signals.wait(&[], Some(deadline))?;
        }
        Ok(())
    }

    /// Whether the shell has ended.
    fn reap(&mut self) -> io::Result<bool> {
        while let Some((pid, status)) = reap()? {
            if pid == self.leader {
                self.ended = Some(exit_status(status));
            }
        }
        Ok(self.ended.is_some())
    }

    /// The end of what the shell complained, on one line.
    fn complaint(&self) -> String {
        let text = String::from_utf8_lossy(&self.complaint);
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if words.is_empty() {
            words
        } else {
            format!("; it said: {words}")
        }
    }
}

/// The bytes that are there; none when there are none now, and no file when it is at its end.
fn read<'a>(file: &mut Option<impl io::Read>, buffer: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
    let Some(open) = file else { return Ok(None) };
    loop {
        match open.read(buffer) {
            Ok(0) => {
                *file = None;
                return Ok(None);
            }
            Ok(count) => return Ok(buffer.get(..count)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(shell: &str, login: bool, interactive: bool) -> Vec<OsString> {
        shell_arguments(
            Path::new(shell),
            Flags { login, interactive },
            Path::new("/it's/agent"),
            "m",
        )
    }

    #[test]
    fn every_shell_is_asked_in_its_own_words() {
        assert_eq!(
            arguments("/bin/bash", true, true),
            ["-lic", "'/it'\\''s/agent' print-env m"]
        );
        assert_eq!(
            arguments("/usr/bin/fish", false, true),
            ["-ic", "'/it'\\''s/agent' print-env m"]
        );
        assert_eq!(
            arguments("/bin/odd", true, false),
            ["-lc", "'/it'\\''s/agent' print-env m"]
        );
        assert_eq!(
            arguments("/opt/pwsh", true, true),
            ["-Login", "-Command", "& '/it''s/agent' print-env m"]
        );
        assert_eq!(
            arguments("/opt/pwsh", false, true),
            ["-Command", "& '/it''s/agent' print-env m"]
        );
    }
}
