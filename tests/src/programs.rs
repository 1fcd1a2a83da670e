//! Programs that tests run: to their end, or beside the test.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a program that cannot be run fails its test, and says where"
)]

use serde_json::Value;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

/// A run that ended.
#[derive(Debug)]
pub struct Ran(pub Output);

impl Ran {
    /// The exit code; -1 for a signal.
    #[must_use]
    pub fn code(&self) -> i32 {
        self.0.status.code().unwrap_or(-1)
    }

    /// What it printed.
    #[must_use]
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout).into_owned()
    }

    /// What it complained.
    #[must_use]
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr).into_owned()
    }

    /// Standard output as one document.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.0.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The code of the error that `--json` ended with; it has to come with a fix, and never with a defect of ours.
    ///
    /// # Panics
    /// When it ended without one.
    #[track_caller]
    #[must_use]
    pub fn error(&self) -> String {
        let error = &self.json()["error"];
        let code = error["code"]
            .as_str()
            .unwrap_or_else(|| panic!("no error: {self:?}"));
        assert_ne!(code, "internal", "{error}");
        assert!(
            error["fixes"].as_array().is_some_and(|fixes| !fixes.is_empty()),
            "no fix: {error}"
        );
        code.to_owned()
    }

    /// Fails the test unless it ended with that code.
    ///
    /// # Panics
    /// When it ended with another one.
    #[track_caller]
    #[must_use]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code(),
            code,
            "stdout: {}\nstderr: {}",
            self.stdout(),
            self.stderr()
        );
        self
    }
}

/// A program that runs beside the test, and ends with it.
#[derive(Debug)]
pub struct Background(Child);

impl Background {
    /// Starts it in a process group of its own.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        Self(command.process_group(0).spawn().unwrap())
    }

    /// The child itself.
    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Reads its output until that text was there; everything that was read.
    ///
    /// # Panics
    /// When its output ends before.
    #[track_caller]
    pub fn read_until(&mut self, text: &str) -> String {
        let output = self.0.stdout.as_mut().expect("its output is piped");
        let (mut seen, mut byte) = (Vec::new(), [0]);
        while !String::from_utf8_lossy(&seen).contains(text) {
            let read = output.read(&mut byte).unwrap();
            assert!(
                read > 0,
                "{text:?} never came: {}",
                String::from_utf8_lossy(&seen)
            );
            seen.push(byte[0]);
        }
        String::from_utf8_lossy(&seen).into_owned()
    }

    /// What it complained until it ended.
    ///
    /// # Panics
    /// When it is asked for twice, or was not piped.
    #[track_caller]
    pub fn stderr(&mut self) -> String {
        let mut said = String::new();
        let mut complaint = self.0.stderr.take().expect("its complaints are piped");
        complaint.read_to_string(&mut said).unwrap();
        said
    }

    /// Sends it a signal, by name: `INT`.
    ///
    /// # Panics
    /// When it has ended already.
    pub fn signal(&self, name: &str) {
        ran(Command::new("kill")
            .arg(format!("-{name}"))
            .arg(self.0.id().to_string()));
    }

    /// Waits for its end, for a minute at most; the exit code, -1 for a signal.
    ///
    /// # Panics
    /// When it does not end in time.
    #[track_caller]
    pub fn end(&mut self) -> i32 {
        wait_until("the end of a program", || self.0.try_wait().unwrap().is_some());
        self.0.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // One that has ended is waited for all the same, so that no zombie stays.
        let _ended = self.0.kill();
        let _status = self.0.wait();
    }
}

/// Waits until the condition holds, for a minute at most.
///
/// # Panics
/// When it does not hold in time.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "waited a minute for {what}"
        );
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Runs a command that has to work; what it printed.
///
/// # Panics
/// When it does not work.
#[track_caller]
pub fn ran(command: &mut Command) -> String {
    Ran(command.output().unwrap()).expect(0).stdout()
}
