//! Secrets, with the real `devctl` in real containers: they reach everything that is to have them, and lie nowhere.
//!
//! Needs a Docker engine with the image `devctl-base:bookworm` and a built `devctl` with its agents (`DEVCTL_BIN`, else
//! beside the test). What cannot run says so and passes, unless `DEVCTL_REQUIRE_ALL=1`.

#![cfg(target_os = "linux")]

#[cfg(test)]
mod asked;
#[cfg(test)]
mod given;
#[cfg(test)]
mod nowhere;
#[cfg(test)]
mod vault;

/// Helpers of these tests.
#[cfg(test)]
mod home {
    use devctl_tests::programs::Ran;
    use devctl_tests::sandbox::Sandbox;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    /// Runs a command with this on its standard input.
    #[track_caller]
    pub(crate) fn fed(mut command: Command, input: &[u8]) -> Ran {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Ran(child.wait_with_output().unwrap())
    }

    /// Sets a secret, which has to work.
    #[track_caller]
    pub(crate) fn set(home: &Sandbox, words: &[&str], value: &[u8]) {
        let words = [&["secret", "set", "--from", "-"], words].concat();
        let _set = fed(home.devctl(&words), value).expect(0);
    }
}
