//! Becomes a command that has the secrets in its environment: they come out of memory, and never were among the
//! arguments or the variables that the engine was told.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use devctl_agent_protocol::{SECRETS_FOLDER, SECRETS_VARIABLE, SecretValue};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::tools::deliver::ENVIRONMENT;
use crate::tools::{ToolError, spawn};

const USAGE: &str = "run [--keep NAME]… -- COMMAND ARGUMENTS…";

/// Reads what was delivered and becomes the command.
pub(crate) fn run(arguments: &[OsString]) -> Result<ExitCode, ToolError> {
    let (kept, words) = parse(arguments)?;
    let (program, words) = words.split_first().ok_or(ToolError::Usage(USAGE))?;
    let mut command = Command::new(program);
    command.args(words);
    give(&mut command, &read(Path::new(SECRETS_FOLDER))?, &kept);
    let core = getrlimit(Resource::Core);
    let silent = Rlimit {
        current: Some(0),
        maximum: core.maximum,
    };
    setrlimit(Resource::Core, silent).map_err(|errno| ToolError::System {
        what: "switching core dumps off",
        source: errno.into(),
    })?;
    // Only a failure comes back.
    let error = command.exec();
    Err(spawn::refused(&command, error))
}

fn parse(arguments: &[OsString]) -> Result<(Vec<&OsStr>, &[OsString]), ToolError> {
    let mut kept = Vec::new();
    let mut rest = arguments;
    loop {
        match rest {
            [dashes, words @ ..] if dashes == "--" => return Ok((kept, words)),
            [option, name, more @ ..] if option == "--keep" => {
                kept.push(name.as_os_str());
                rest = more;
            }
            _ => return Err(ToolError::Usage(USAGE)),
        }
    }
}

fn read(folder: &Path) -> Result<BTreeMap<String, SecretValue>, ToolError> {
    let path: PathBuf = folder.join(ENVIRONMENT);
    let mut text = match std::fs::read(&path) {
        Ok(text) => text,
        // Only files were delivered.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(source) => {
            return Err(ToolError::System {
                what: "reading the secrets",
                source,
            });
        }
    };
    let variables = serde_json::from_slice(&text);
    text.fill(0);
    // What the reader of JSON says may show what it read.
    variables.map_err(|_| ToolError::Secrets {
        what: "the variables are damaged",
    })
}

fn give(command: &mut Command, variables: &BTreeMap<String, SecretValue>, kept: &[&OsStr]) {
    command.env(SECRETS_VARIABLE, SECRETS_FOLDER);
    for (name, value) in variables {
        if !kept.contains(&OsStr::new(name)) {
            command.env(name, OsStr::from_bytes(value.expose()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn what_is_kept_stands_before_the_dashes() {
        let line = words(&["--keep", "A", "--", "--keep", "x"]);
        let (kept, command) = parse(&line).unwrap();
        assert_eq!((kept, command), (vec![OsStr::new("A")], &line[3..]));
        for wrong in [vec![], vec!["--keep"], vec!["sh"], vec!["--keep", "--"]] {
            assert!(parse(&words(&wrong)).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_command_gets_what_was_delivered_but_for_what_it_keeps() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap().is_empty());
        std::fs::write(folder.path().join(ENVIRONMENT), r#"{"A":"bmV3","B":"eA=="}"#).unwrap();
        let variables = read(folder.path()).unwrap();
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "printf '%s %s %s' \"$A\" \"$B\" \"$DEVCTL_SECRETS\""]);
        command.env("A", "old");
        give(&mut command, &variables, &[OsStr::new("A")]);
        let said = command.output().unwrap().stdout;
        assert_eq!(String::from_utf8(said).unwrap(), "old x /run/devctl-secrets");
    }
}
