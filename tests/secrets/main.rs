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
    use devctl_tests::programs::{Ran, ran, wait_until};
    use devctl_tests::sandbox::{Sandbox, devctl_program};
    use std::fs;
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;
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

    /// Runs a command line of `devctl` at a terminal, and types each answer after its question has come; what was on the
    /// screen. It has to work.
    #[track_caller]
    pub(crate) fn at_terminal(home: &Sandbox, words: &str, answers: &[(&str, &str)]) -> String {
        let mut terminal = home.command("script");
        let device = home.home().join("terminal");
        let line = format!(
            "tty > {}; exec {} {words}",
            device.display(),
            devctl_program().display()
        );
        terminal.args(["-qefc", &line, "/dev/null"]);
        let mut child = terminal
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut keyboard = child.stdin.take().unwrap();
        let mut screen = child.stdout.take().unwrap();
        let mut seen = String::new();
        let mut bytes = [0; 4096];
        let mut answers = answers.iter();
        let mut next = answers.next();
        loop {
            let count = screen.read(&mut bytes).unwrap();
            if count == 0 {
                break;
            }
            seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
            if let Some((question, answer)) = next
                && seen.contains(question)
            {
                // The question comes a moment before the terminal stops to show what is typed.
                let device = fs::read_to_string(&device).unwrap();
                wait_until("the terminal to hide what is typed", || {
                    let settings = ran(Command::new("stty").args(["-a", "-F", device.trim()]));
                    settings.split_whitespace().any(|word| word == "-echo")
                });
                keyboard.write_all(format!("{answer}\n").as_bytes()).unwrap();
                next = answers.next();
            }
        }
        assert!(child.wait().unwrap().success(), "{seen}");
        assert!(next.is_none(), "it was not asked for {next:?}: {seen}");
        seen
    }

    /// A folder for a container whose user is not root, and who may write there.
    pub(crate) fn folder_for_dev(home: &Sandbox, word: &str, more: &str) -> PathBuf {
        let image = home.image("secrets", "RUN useradd --create-home --shell /bin/bash dev");
        let config = format!(r#"{{ "image": "{image}", "remoteUser": "dev"{more} }}"#);
        let folder = home.folder(word, &config);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        folder
    }

    /// Sets a secret, which has to work.
    #[track_caller]
    pub(crate) fn set(home: &Sandbox, words: &[&str], value: &[u8]) {
        let words = [&["secret", "set", "--from", "-"], words].concat();
        let _set = fed(home.devctl(&words), value).expect(0);
    }
}
