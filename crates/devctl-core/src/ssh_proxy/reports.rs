//! What the agent says beside SSH.

use super::Served;
use devctl_agent_protocol::{AgentReport, FatalCode};
use devctl_model::{ErrorCode, Problem};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// What the agent has said so far, put together from pieces. Clones hear the same.
#[derive(Clone, Default)]
pub(super) struct Reports(Arc<Mutex<Heard>>);

/// A certificate that was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LoggedIn {
    pub(super) serial: u64,
    pub(super) key_id: String,
    /// SHA-256 fingerprint of the certified key.
    pub(super) fingerprint: String,
    /// SHA-256 fingerprint of the authority that signed it.
    pub(super) authority: String,
}

#[derive(Default)]
struct Heard {
    buffer: Vec<u8>,
    logins: Vec<LoggedIn>,
    fatal: Option<(FatalCode, String)>,
    other: Vec<String>,
}

impl Reports {
    /// Hears the agent's standard error.
    pub(super) fn sink(&self) -> devctl_engine::StderrSink {
        let heard = self.0.clone();
        Box::new(move |bytes| {
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.buffer.extend_from_slice(bytes);
            while let Some(end) = heard.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = heard.buffer.drain(..=end).collect();
                heard.line(&String::from_utf8_lossy(&line));
            }
        })
    }

    /// Who was let in so far.
    pub(super) fn logins(&self) -> Vec<LoggedIn> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .logins
            .clone()
    }

    /// What the connection left behind; the agent's own failure is ours. `list` is the revocation list that the agent was
    /// given.
    pub(super) fn served(&self, user: &str, list: &Path) -> Result<Served, Problem> {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = std::mem::take(&mut heard.buffer);
        if !rest.is_empty() {
            heard.line(&String::from_utf8_lossy(&rest));
        }
        let (code, said) = match &heard.fatal {
            Some((code, said)) => (Some(*code), said.clone()),
            // What the engine says when it cannot start the agent at all.
            None if heard.logins.is_empty() && !heard.other.is_empty() => (None, heard.other.join(" ")),
            None => {
                return Ok(Served {
                    serials: heard.logins.iter().map(|login| login.serial).collect(),
                });
            }
        };
        Err(failure(code, said, user, list))
    }
}

fn failure(code: Option<FatalCode>, said: String, user: &str, list: &Path) -> Problem {
    if said.contains("unable to find user") || said.contains("no matching entries in passwd") {
        return Problem::new(
            ErrorCode::UserNotFound,
            format!("there is no user {user} in the container"),
        )
        .fix("Log in as a user of the container: ssh USER@NAME.devctl");
    }
    match code {
        // The container was made with another version of the agent, which did not understand us.
        Some(FatalCode::Usage | FatalCode::ProtocolVersion) => Problem::new(
            ErrorCode::AgentFailed,
            "the container was made with another version of the agent",
        )
        .why(said)
        .fix_command("Make it anew with this one", "devctl rebuild NAME")
        .safe("the container is untouched; devctl exec still works"),
        Some(FatalCode::RevocationList) => Problem::new(
            ErrorCode::SshRevocationList,
            format!(
                "the revocation list {} cannot be used, and nobody is let in without it",
                list.display()
            ),
        )
        .why(said)
        .fix_command("Write it anew from the record", "devctl cert renew")
        .safe("open sessions go on"),
        _ => Problem::new(ErrorCode::AgentFailed, "the agent in the container gave up")
            .why(said)
            .fix_command("See what is wrong", "devctl doctor"),
    }
}

impl Heard {
    fn line(&mut self, line: &str) {
        match AgentReport::from_line(line) {
            Ok(AgentReport::LoginAccepted {
                serial,
                key_id,
                principal,
                fingerprint,
                authority,
                ..
            }) => {
                tracing::info!(serial, key_id, principal, "logged in");
                self.logins.push(LoggedIn {
                    serial,
                    key_id,
                    fingerprint,
                    authority,
                });
            }
            Ok(AgentReport::LoginRefused { reason, .. }) => tracing::warn!(reason, "a login was refused"),
            Ok(AgentReport::Fatal { code, message }) => self.fatal = Some((code, message)),
            Ok(AgentReport::Warning { message }) => tracing::warn!(message, "the agent warns"),
            Ok(other) => tracing::debug!(?other, "the agent reports"),
            Err(_) if line.trim().is_empty() => {}
            Err(_) => {
                if self.other.len() < 20 {
                    self.other.push(line.trim_end().to_owned());
                }
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Reports in which these were let in.
    pub(in crate::ssh_proxy) fn of(logins: Vec<LoggedIn>) -> Reports {
        Reports(Arc::new(Mutex::new(Heard {
            logins,
            ..Heard::default()
        })))
    }

    fn served(reports: &Reports, user: &str) -> Result<Served, Problem> {
        reports.served(user, Path::new("/state/revoked.krl"))
    }

    fn fatal(code: FatalCode) -> Problem {
        let reports = Reports::default();
        let message = "it is so".into();
        let line = AgentReport::Fatal { code, message }.to_line().unwrap();
        reports.sink()(line.as_bytes());
        served(&reports, "dev").unwrap_err()
    }

    #[test]
    fn an_agent_of_another_version_is_told_as_that() {
        let problem = fatal(FatalCode::Usage);
        assert_eq!(problem.fixes[0].command.as_deref(), Some("devctl rebuild NAME"));
    }

    #[test]
    fn a_list_that_the_agent_cannot_read_is_named_with_its_repair() {
        let problem = fatal(FatalCode::RevocationList);
        assert_eq!(problem.code, ErrorCode::SshRevocationList);
        assert!(problem.message.contains("/state/revoked.krl"), "{problem:?}");
        assert_eq!(problem.fixes[0].command.as_deref(), Some("devctl cert renew"));
    }

    #[test]
    fn what_the_agent_says_is_put_together_from_pieces() {
        let reports = Reports::default();
        let mut sink = reports.sink();
        let line = AgentReport::LoginAccepted {
            user: "dev".into(),
            serial: 7,
            key_id: "k".into(),
            principal: "owner-1000".into(),
            fingerprint: "SHA256:f".into(),
            authority: "SHA256:a".into(),
        }
        .to_line()
        .unwrap();
        let (first, second) = line.as_bytes().split_at(10);
        sink(first);
        sink(second);
        assert_eq!(served(&reports, "dev").unwrap().serials, [7]);
        assert_eq!(reports.logins()[0].authority, "SHA256:a");
        let other = Reports::default();
        other.sink()(b"unable to find user nobody2: no matching entries in passwd file\n");
        assert_eq!(
            served(&other, "nobody2").unwrap_err().code,
            ErrorCode::UserNotFound
        );
    }
}
