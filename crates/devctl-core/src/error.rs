//! The one place where the errors of the rooms below become [`Problem`]s.
//!
//! Each room names its failures with stable dotted codes; here each gets the code that doors branch on, the sentence,
//! the chain of causes, and what can be done.

use devctl_engine::EngineError;
use devctl_files::FilesError;
use devctl_model::{ErrorCode, Problem};
use devctl_secrets::VaultError;
use devctl_spec::SpecError;
use devctl_ssh::{AgentError, PolicyRefusal, SshError};
use devctl_store::StoreError;
use std::error::Error;

/// Turns an error of a room below into what doors show.
pub(crate) trait IntoProblem {
    fn into_problem(self) -> Problem;
}

/// `?` for the errors of the rooms below.
pub(crate) trait OrProblem<T> {
    /// The error as a problem.
    fn or_problem(self) -> Result<T, Problem>;
    /// The error as a problem of that step.
    fn at(self, step: &str) -> Result<T, Problem>;
}

impl<T, E: IntoProblem> OrProblem<T> for Result<T, E> {
    fn or_problem(self) -> Result<T, Problem> {
        self.map_err(IntoProblem::into_problem)
    }

    fn at(self, step: &str) -> Result<T, Problem> {
        self.map_err(|error| error.into_problem().at(step))
    }
}

fn with_causes(mut problem: Problem, error: &dyn Error) -> Problem {
    let mut cause = error.source();
    while let Some(error) = cause {
        problem = problem.why(error.to_string());
        cause = error.source();
    }
    problem
}

/// A fix is a command when it reads like one; else it is advice.
fn with_fix(problem: Problem, fix: String) -> Problem {
    let command = [
        "devctl ", "docker ", "sudo ", "ls ", "chmod ", "chown ", "podman ",
    ];
    if fix.is_empty() {
        problem
    } else if command.iter().any(|start| fix.starts_with(start)) && !fix.contains(", then") {
        let text = fix.clone();
        problem.fix_command(format!("Run {text}"), fix)
    } else {
        problem.fix(fix)
    }
}

impl IntoProblem for EngineError {
    fn into_problem(self) -> Problem {
        let code = engine_code(self.code());
        let mut problem = Problem::new(code, self.to_string());
        if let Self::Build(failure) = &self {
            problem.lines.clone_from(&failure.last_lines);
            problem.at = (!failure.step.is_empty()).then(|| failure.step.clone());
        }
        let problem = with_causes(problem, &self);
        match self {
            Self::Unreachable { .. } => problem
                .fix_command("Start the engine", "sudo systemctl start docker")
                .fix_command("See which engines were found", "devctl doctor"),
            Self::Silent { .. } => problem
                .fix("Look at the load of the engine's machine")
                .fix_command("Restart the engine", "sudo systemctl restart docker")
                .fix_command("See which engines were found", "devctl doctor"),
            Self::NoRights { .. } => problem.fix_command(
                "Join the group docker, then log in again",
                "sudo usermod -aG docker \"$USER\"",
            ),
            error => with_fix(problem, error.fix()),
        }
    }
}

fn engine_code(code: &str) -> ErrorCode {
    match code {
        "engine.unreachable" => ErrorCode::EngineUnreachable,
        "engine.no_rights" => ErrorCode::EngineNoRights,
        "engine.too_old" => ErrorCode::EngineTooOld,
        "engine.not_found.container" | "engine.not_found.exec" => ErrorCode::ContainerNotFound,
        "engine.not_found.image" => ErrorCode::ImageNotFound,
        "engine.conflict" => ErrorCode::EngineConflict,
        "engine.not_found.volume" => ErrorCode::VolumeNotFound,
        "engine.not_found.network" => ErrorCode::NetworkNotFound,
        "engine.image_push" => ErrorCode::ImagePushFailed,
        "engine.registry_transport" => ErrorCode::ImageRegistryTransport,
        "engine.image_pull" => ErrorCode::ImagePullFailed,
        "engine.registry_auth" => ErrorCode::ImageRegistryAuth,
        "engine.build_failed" => ErrorCode::BuildStepFailed,
        "engine.build_context" => ErrorCode::BuildInvalid,
        "engine.unsupported" => ErrorCode::EngineUnsupported,
        "engine.timeout" => ErrorCode::EngineTimeout,
        "engine.no_space" => ErrorCode::EngineNoSpace,
        "engine.port_taken" => ErrorCode::EnginePortTaken,
        "engine.no_subnet" => ErrorCode::EngineNoSubnet,
        "engine.start_failed" | "engine.limit_refused" => ErrorCode::ContainerStartFailed,
        "engine.connection_lost" => ErrorCode::EngineUnreachable,
        "engine.answer" => ErrorCode::EngineAnswer,
        _ => ErrorCode::EngineRefused,
    }
}

impl IntoProblem for SpecError {
    fn into_problem(self) -> Problem {
        let code = match self.code() {
            "config.not_found" => ErrorCode::ConfigNotFound,
            "config.ambiguous" => ErrorCode::ConfigAmbiguous,
            "config.too_large" => ErrorCode::ConfigTooLarge,
            "config.syntax" => ErrorCode::ConfigSyntax,
            "config.variable" => ErrorCode::ConfigVariable,
            "config.unreadable" => ErrorCode::ConfigUnreadable,
            "config.dockerfile" => ErrorCode::BuildInvalid,
            "metadata.invalid" => ErrorCode::MetadataInvalid,
            "unsupported.features" => ErrorCode::UnsupportedFeatures,
            "unsupported.compose" => ErrorCode::UnsupportedCompose,
            code if code.starts_with("unsupported.") => ErrorCode::UnsupportedRunArg,
            _ => ErrorCode::ConfigInvalid,
        };
        let problem = with_causes(Problem::new(code, self.to_string()), &self);
        with_fix(problem, self.fix().unwrap_or_default())
    }
}

impl IntoProblem for FilesError {
    fn into_problem(self) -> Problem {
        let problem = with_causes(Problem::new(file_code(self.code()), self.to_string()), &self);
        with_fix(problem, self.fix().unwrap_or_default())
    }
}

fn file_code(code: &str) -> ErrorCode {
    match code {
        "files.no_space" => ErrorCode::FileNoSpace,
        "files.no_rights" | "files.read_only" => ErrorCode::FileNoRights,
        _ => ErrorCode::FileFailed,
    }
}

impl IntoProblem for SshError {
    fn into_problem(self) -> Problem {
        let code = match self.code() {
            code if code.starts_with("files.") => file_code(code),
            "ssh.key_unreadable" => ErrorCode::SshKeyUnreadable,
            "ssh.name_invalid" => ErrorCode::SshNameInvalid,
            "ssh.config_readonly" => ErrorCode::SshConfigReadonly,
            "ssh.path_unusable" | "ssh.config_invalid" | "ssh.config_would_change" => {
                ErrorCode::SshConfigInvalid
            }
            "ssh.config_busy" => ErrorCode::Busy,
            "ssh.client_failed" => ErrorCode::SshClientMissing,
            "ssh.revocation_list_unusable" => ErrorCode::SshRevocationList,
            "ssh.policy_refused" | "ssh.certificate_refused" | "ssh.principal_invalid" => {
                ErrorCode::CertificateRefused
            }
            "ssh.passphrase_needed" | "ssh.passphrase_wrong" | "ssh.passphrase_empty" => {
                ErrorCode::KeyPassphrase
            }
            "ssh.key_format_refused" | "ssh.key_type_refused" => ErrorCode::KeyFormatRefused,
            "ssh.key_exists" => ErrorCode::KeyExists,
            "ssh.key_unknown" => ErrorCode::KeyNotFound,
            code if code.starts_with("ssh.agent_") => ErrorCode::KeyAgent,
            _ => ErrorCode::SshSignFailed,
        };
        let problem = with_causes(Problem::new(code, self.to_string()), &self);
        with_fix(problem, self.fix().unwrap_or_default())
    }
}

impl IntoProblem for AgentError {
    fn into_problem(self) -> Problem {
        let problem = with_causes(Problem::new(ErrorCode::KeyAgent, self.to_string()), &self);
        with_fix(problem, self.fix().unwrap_or_default())
    }
}

impl IntoProblem for PolicyRefusal {
    fn into_problem(self) -> Problem {
        Problem::new(ErrorCode::CertificateRefused, self.to_string())
            .fix_command("See what the authority may sign", "devctl ca policy user")
            .safe("nothing was signed")
    }
}

impl IntoProblem for VaultError {
    fn into_problem(self) -> Problem {
        let code = match self.code() {
            code if code.starts_with("files.") => file_code(code),
            "secrets.keychain_locked" | "secrets.keychain_timeout" => ErrorCode::SecretsKeychainLocked,
            "secrets.vault_tampered" | "secrets.wrong_key" | "secrets.vault_rolled_back" => {
                ErrorCode::SecretsVaultTampered
            }
            "secrets.passphrase_needed"
            | "secrets.wrong_passphrase"
            | "secrets.wrong_recovery_key"
            | "secrets.recovery_needed" => ErrorCode::SecretsPassphrase,
            "secrets.passphrase_refused"
            | "secrets.way_exists"
            | "secrets.no_such_way"
            | "secrets.last_way" => ErrorCode::SecretsVaultWay,
            "secrets.entry_refused" => ErrorCode::SecretRefused,
            _ => ErrorCode::SecretsUnavailable,
        };
        let problem = with_causes(Problem::new(code, self.to_string()), &self);
        let problem = with_fix(problem, self.fix().unwrap_or_default());
        match self {
            Self::KeychainLocked | Self::KeychainTimeout { .. } => {
                problem.fix_command("Unlock it from here", "devctl secret vault unlock")
            }
            Self::RecoveryNeeded { .. } => problem.fix_command(
                "Open the vault with its recovery key",
                "devctl secret vault recover",
            ),
            Self::RolledBack { .. } => problem.fix_command(
                "Accept the older copy, if you restored it yourself",
                "devctl secret vault change --accept-older",
            ),
            Self::PassphraseNeeded { .. }
            | Self::LastWay { .. }
            | Self::WayExists { .. }
            | Self::NoSuchWay { .. } => problem.fix_command("See the ways in", "devctl secret vault show"),
            _ => problem,
        }
    }
}

impl IntoProblem for StoreError {
    fn into_problem(self) -> Problem {
        let code = match self.code() {
            "store.unwritable" => ErrorCode::StoreUnwritable,
            "store.too_new" => ErrorCode::StoreTooNew,
            "authority.unknown" => ErrorCode::AuthorityNotFound,
            "key.exists" => ErrorCode::KeyExists,
            "key.unknown" => ErrorCode::KeyNotFound,
            "authority.conflict" | "authority.changed" => ErrorCode::AuthorityStep,
            _ => ErrorCode::StoreUnreadable,
        };
        let problem = with_causes(Problem::new(code, self.to_string()), &self);
        with_fix(problem, self.fix().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_offered_as_a_command_and_advice_as_advice() {
        let error = EngineError::NotFound {
            kind: devctl_engine::ObjectKind::Image,
            name: "debian:12".into(),
        };
        let problem = error.into_problem();
        assert_eq!(problem.code, ErrorCode::ImageNotFound);
        assert_eq!(problem.fixes[0].command.as_deref(), Some("docker pull debian:12"));
        let error = EngineError::NoSpace {
            message: "full".into(),
        };
        assert_eq!(
            error.into_problem().fixes[0].command,
            None,
            "two steps are no single command"
        );
    }

    #[test]
    fn causes_are_kept_in_order() {
        let source = std::io::Error::other("no route");
        let problem = EngineError::Unreachable {
            endpoint: "unix:///x".into(),
            source,
        }
        .into_problem();
        assert_eq!(problem.why, ["no route"]);
        assert_eq!(problem.code.exit_code(), 5);
    }
}
