use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::agent_error::AgentError;
use crate::client_config::Platform;

/// The pipe of Windows' own agent.
const WINDOWS_PIPE: &str = r"\\.\pipe\openssh-ssh-agent";

/// Where an agent listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentAddress {
    /// A Unix socket.
    Socket(PathBuf),
    /// A named pipe of Windows.
    Pipe(PathBuf),
}

impl AgentAddress {
    /// The agent that `ssh` would use, or `None` where it would use none. `identity_agent` is the value of that
    /// setting in the user's ssh configuration, `environment` looks up a variable. Without either Windows has one
    /// agent at a fixed place.
    ///
    /// # Errors
    /// [`AgentError::Address`] for a value with `%` tokens other than `%d` and `%%`, and for a relative path.
    pub fn choose(
        identity_agent: Option<&str>,
        environment: impl Fn(&str) -> Option<OsString>,
        home: &Path,
        platform: Platform,
    ) -> Result<Option<Self>, AgentError> {
        let variable = |name: &str| {
            environment(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let path = match identity_agent {
            Some(value) if value.eq_ignore_ascii_case("none") => return Ok(None),
            Some("SSH_AUTH_SOCK") | None => variable("SSH_AUTH_SOCK"),
            Some(value) => match value.strip_prefix('$') {
                Some(name) if !name.starts_with('{') => variable(name),
                _ => Some(expand(value, home)?),
            },
        };
        Ok(match (path, platform) {
            (Some(path), Platform::Windows) => Some(Self::Pipe(path)),
            (Some(path), Platform::Unix) => Some(Self::Socket(path)),
            (None, Platform::Windows) if identity_agent.is_none() => Some(Self::Pipe(WINDOWS_PIPE.into())),
            (None, _) => None,
        })
    }
}

impl fmt::Display for AgentAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(path) | Self::Pipe(path) => path.display().fmt(f),
        }
    }
}

fn expand(value: &str, home: &Path) -> Result<PathBuf, AgentError> {
    let unusable = |why| AgentError::Address {
        value: value.to_owned(),
        why,
    };
    let home = home
        .to_str()
        .ok_or_else(|| unusable("the home directory is not text"))?;
    let mut path = String::new();
    let mut rest = value;
    if let Some(below) = value.strip_prefix("~/") {
        path.push_str(home);
        path.push('/');
        rest = below;
    }
    let mut characters = rest.chars();
    while let Some(character) = characters.next() {
        match character {
            '%' => match characters.next() {
                Some('d') => path.push_str(home),
                Some('%') => path.push('%'),
                _ => return Err(unusable("of the tokens only %d and %% are followed")),
            },
            '$' if characters.as_str().starts_with('{') => {
                return Err(unusable("variables within a path are not followed"));
            }
            other => path.push(other),
        }
    }
    let path = PathBuf::from(path);
    if path.has_root() || value.starts_with(r"\\") {
        Ok(path)
    } else {
        Err(unusable("it is not an absolute path"))
    }
}
