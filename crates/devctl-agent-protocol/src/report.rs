use serde::{Deserialize, Serialize};

/// One thing that the agent tells its proxy, as one JSON object on one line of standard error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum AgentReport {
    /// A certificate was accepted.
    LoginAccepted {
        /// The Unix user.
        user: String,
        /// The certificate's serial; 0 is "not numbered".
        serial: u64,
        /// The certificate's key id.
        key_id: String,
        /// The principal of the certificate that was accepted.
        principal: String,
        /// SHA-256 fingerprint of the user's key.
        fingerprint: String,
        /// SHA-256 fingerprint of the authority.
        authority: String,
    },
    /// A key or certificate was refused. A client may go on and offer another.
    LoginRefused {
        /// The login name that was asked for.
        user: String,
        /// Why, for programs.
        code: RefusalCode,
        /// Why, for people.
        reason: String,
        /// The certificate's serial, when a certificate was offered.
        serial: Option<u64>,
        /// The certificate's key id, when a certificate was offered.
        key_id: Option<String>,
        /// SHA-256 fingerprint of the offered key.
        fingerprint: Option<String>,
    },
    /// The client opened something.
    SessionOpened {
        /// Number of the channel, unique within this run of the agent while it is open.
        channel: u32,
        /// What was opened.
        kind: SessionKind,
        /// Whether it has a terminal.
        pty: bool,
    },
    /// What was opened has ended.
    SessionClosed {
        /// The channel of [`AgentReport::SessionOpened`].
        channel: u32,
        /// Exit status of the process, when it ended by itself.
        exit_status: Option<u32>,
        /// Name of the signal that ended it, without `SIG`.
        exit_signal: Option<String>,
    },
    /// Something was not done that somebody may look for; the connection goes on.
    Warning {
        /// For people.
        message: String,
    },
    /// The agent ends because of this.
    Fatal {
        /// For programs.
        code: FatalCode,
        /// For people.
        message: String,
    },
}

/// What a session channel runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionKind {
    /// The login shell.
    Shell,
    /// One command.
    Exec,
    /// The command that the certificate forces.
    ForcedCommand,
    /// File transfer.
    Sftp,
}

/// Why a login was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefusalCode {
    /// The login name is not the user that the agent runs as.
    WrongUser,
    /// A plain key was offered: only certificates are accepted.
    NotACertificate,
    /// It is a host certificate.
    NotAUserCertificate,
    /// No authority of ours signed it, or the signature is wrong.
    UnknownAuthority,
    /// Its validity has not begun or is over, by the clock of the container's kernel.
    NotValidNow,
    /// It names no principal.
    NoPrincipals,
    /// None of its principals may enter as this user.
    PrincipalNotAccepted,
    /// It carries a critical option that is not honoured here.
    CriticalOption,
    /// It, its key or its authority is revoked.
    Revoked,
    /// The client never proved that it holds the key, or the connection broke off before.
    Unauthenticated,
}

/// Why the agent ended before or beside serving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FatalCode {
    /// The command line is not one that the agent knows.
    Usage,
    /// The document on standard input is not valid.
    Config,
    /// The document is of another version of the protocol.
    ProtocolVersion,
    /// The host key or its certificate cannot be used.
    HostKey,
    /// An authority's line cannot be read, or there is none.
    Authority,
    /// The revocation list is empty or cannot be read.
    RevocationList,
    /// The process could not be protected, or somebody traces it.
    NotProtected,
    /// The transport failed or the client broke the protocol.
    Connection,
    /// The machine refused something that the agent cannot do without.
    System,
}

/// A line of standard error that is no report.
#[derive(Debug, thiserror::Error)]
#[error("not a report of the agent: {line:?}")]
pub struct ParseReportError {
    /// The line, cut to 200 characters.
    pub line: String,
    #[source]
    source: serde_json::Error,
}

impl AgentReport {
    /// The report as one line, with its line end.
    ///
    /// # Errors
    /// None that these types can cause; serde's signature has one.
    pub fn to_line(&self) -> Result<String, serde_json::Error> {
        let mut line = serde_json::to_string(self)?;
        line.push('\n');
        Ok(line)
    }

    /// Reads one line, with or without its line end.
    ///
    /// # Errors
    /// [`ParseReportError`] for everything else that may come out of standard error, such as the engine's own words.
    pub fn from_line(line: &str) -> Result<Self, ParseReportError> {
        serde_json::from_str(line.trim_end()).map_err(|source| ParseReportError {
            line: line.chars().take(200).collect(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_one_line_whatever_it_quotes() {
        let report = AgentReport::LoginRefused {
            user: "a\nb".into(),
            code: RefusalCode::NotValidNow,
            reason: "ended \"yesterday\"\n".into(),
            serial: Some(u64::MAX),
            key_id: Some("k".into()),
            fingerprint: None,
        };
        let line = report.to_line().unwrap();
        assert_eq!(line.matches('\n').count(), 1);
        assert_eq!(AgentReport::from_line(&line).unwrap(), report);
    }

    #[test]
    fn the_names_on_the_wire_are_these() {
        let line = AgentReport::SessionClosed {
            channel: 2,
            exit_status: Some(7),
            exit_signal: None,
        };
        assert_eq!(
            line.to_line().unwrap(),
            "{\"report\":\"session-closed\",\"channel\":2,\"exitStatus\":7,\"exitSignal\":null}\n"
        );
        let line = AgentReport::Fatal {
            code: FatalCode::RevocationList,
            message: "m".into(),
        };
        assert!(line.to_line().unwrap().contains("\"code\":\"revocation-list\""));
    }

    #[test]
    fn other_text_is_an_error_that_shows_it() {
        let error = AgentReport::from_line("OCI runtime exec failed").unwrap_err();
        assert!(error.to_string().contains("OCI runtime"));
    }
}
