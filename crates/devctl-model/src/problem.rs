//! What went wrong, in the one shape that every door shows.

use crate::trust::TrustSheet;
use serde::{Deserialize, Serialize};

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $exit:literal;)*) => {
        /// A stable name of a kind of failure. Front ends branch on it, never on a text.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
        pub enum ErrorCode {
            $($(#[$doc])* #[serde(rename = $code)] $name,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The dotted name, as written in error messages and in the API.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The exit code of the command line: 1 failed, 2 usage, 3 not found, 4 refused, 5 engine unreachable,
            /// 130 interrupted.
            pub const fn exit_code(self) -> u8 {
                match self { $(Self::$name => $exit,)* }
            }

            /// The code with this dotted name.
            pub fn parse(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|c| c.as_str() == code)
            }
        }
    };
}

error_codes! {
    /// A request that cannot be understood.
    RequestInvalid = "request.invalid", 2;
    /// A defect of ours: a panic, or a state that should not exist. The log says more.
    Internal = "internal", 1;
    /// The user asked to stop, and it was stopped.
    Cancelled = "cancelled", 130;
    /// Another operation on the same container has not ended in time.
    Busy = "busy", 1;

    /// No engine answers.
    EngineUnreachable = "engine.unreachable", 5;
    /// The engine's socket is there but may not be opened by this user.
    EngineNoRights = "engine.no_rights", 5;
    /// The engine's API is older than what is needed.
    EngineTooOld = "engine.too_old", 5;
    /// The engine did not answer in time.
    EngineTimeout = "engine.timeout", 5;
    /// The engine refused for a reason that has no code of its own.
    EngineRefused = "engine.refused", 1;
    /// The engine's answer could not be read.
    EngineAnswer = "engine.answer", 1;
    /// This engine lacks what was asked for.
    EngineUnsupported = "engine.unsupported", 1;
    /// The engine has no space left.
    EngineNoSpace = "engine.no_space", 1;
    /// An object of that name is already there.
    EngineConflict = "engine.conflict", 1;
    /// A port of this computer is taken.
    EnginePortTaken = "engine.port_taken", 1;
    /// No free subnet is left in the configured range.
    EngineNoSubnet = "engine.no_subnet", 1;

    /// There is no container of that name.
    ContainerNotFound = "container.not_found", 3;
    /// A name fits several containers.
    ContainerAmbiguous = "container.ambiguous", 2;
    /// The container could not be started.
    ContainerStartFailed = "container.start_failed", 1;
    /// The container is not running.
    ContainerNotRunning = "container.not_running", 1;
    /// The container exists but was not made by this launcher.
    ContainerNotOurs = "container.not_ours", 4;

    /// The image is neither here nor in its registry.
    ImageNotFound = "image.not_found", 3;
    /// The image could not be pulled.
    ImagePullFailed = "image.pull_failed", 1;
    /// The image could not be sent to its registry.
    ImagePushFailed = "image.push_failed", 1;
    /// The engine does not trust the registry's certificate, or its plain HTTP.
    ImageRegistryTransport = "image.registry_transport", 1;
    /// There is no volume of that name.
    VolumeNotFound = "volume.not_found", 3;
    /// The volume has data in it.
    VolumeHasData = "volume.has_data", 4;
    /// A file in a volume is not there, or is no folder.
    VolumePath = "volume.path", 3;
    /// An archive of a volume is damaged, or is another one.
    VolumeArchive = "volume.archive", 1;
    /// There is no network of that name.
    NetworkNotFound = "network.not_found", 3;
    /// The registry wants other credentials.
    ImageRegistryAuth = "image.registry_auth", 4;
    /// A step of the image build failed.
    BuildStepFailed = "build.step_failed", 1;
    /// The build could not be started: Dockerfile, context or ignore file.
    BuildInvalid = "build.invalid", 1;

    /// A file or folder that is to be copied, or that a copy goes to, is not there.
    PathNotFound = "path.not_found", 3;
    /// A copy does not fit what is there, or would be written outside of what was named.
    PathRefused = "path.refused", 4;
    /// The folder is not there, or is no folder.
    FolderNotFound = "folder.not_found", 3;
    /// There is no devcontainer.json in the folder.
    ConfigNotFound = "config.not_found", 3;
    /// There are several configurations and none was chosen.
    ConfigAmbiguous = "config.ambiguous", 2;
    /// The file is not valid JSON with comments.
    ConfigSyntax = "config.syntax", 1;
    /// A property has a value that it may not have.
    ConfigInvalid = "config.invalid", 1;
    /// The file is larger or deeper than a configuration can be.
    ConfigTooLarge = "config.too_large", 1;
    /// The configuration could not be read.
    ConfigUnreadable = "config.unreadable", 1;
    /// A variable of the configuration cannot be resolved.
    ConfigVariable = "config.variable", 1;
    /// The image's own metadata label cannot be understood.
    MetadataInvalid = "metadata.invalid", 1;
    /// The configuration uses Features, which this version does not build.
    UnsupportedFeatures = "unsupported.features", 1;
    /// The configuration uses Compose, which this version does not run.
    UnsupportedCompose = "unsupported.compose", 1;
    /// A flag in runArgs or build.options cannot be honoured.
    UnsupportedRunArg = "unsupported.run_arg", 1;
    /// The host has less than hostRequirements asks for.
    HostRequirements = "host.requirements", 1;

    /// The configuration asks for rights that were not allowed yet.
    ConsentRequired = "consent.required", 4;
    /// A lifecycle command failed.
    HookFailed = "hook.failed", 1;
    /// The user of the configuration does not exist in the container.
    UserNotFound = "user.not_found", 1;
    /// The container's user ids could not be aligned with yours.
    UserAlignFailed = "user.align_failed", 1;

    /// The static SSH server is not in this build of devctl.
    AgentMissing = "agent.missing", 1;
    /// The static SSH server could not be started in the container.
    AgentFailed = "agent.failed", 1;
    /// The client configuration cannot be changed; the line to add is shown.
    SshConfigReadonly = "ssh.config_readonly", 1;
    /// The client configuration is not valid for ssh itself.
    SshConfigInvalid = "ssh.config_invalid", 1;
    /// A name or user in an ssh command line is not allowed.
    SshNameInvalid = "ssh.name_invalid", 2;
    /// The access key cannot be read or written.
    SshKeyUnreadable = "ssh.key_unreadable", 1;
    /// The revocation list is damaged, so that nobody is let in until it is written anew.
    SshRevocationList = "ssh.revocation_list", 1;
    /// A certificate could not be signed.
    SshSignFailed = "ssh.sign_failed", 1;
    /// The key is encrypted and its passphrase was not given, or is another one.
    KeyPassphrase = "key.passphrase", 4;
    /// A key of this format or type is not taken.
    KeyFormatRefused = "key.format_refused", 1;
    /// There is no key of that name.
    KeyNotFound = "key.not_found", 3;
    /// A key of that name is already there.
    KeyExists = "key.exists", 1;
    /// The ssh-agent cannot be reached, or does not do what was asked.
    KeyAgent = "key.agent", 1;
    /// A request for a certificate breaks a rule of the authority.
    CertificateRefused = "certificate.refused", 4;
    /// The connection was ended: its certificate was revoked, or its authority retired.
    CertificateRevoked = "certificate.revoked", 4;
    /// There is no certificate of that number.
    CertificateNotFound = "certificate.not_found", 3;
    /// There is no such authority.
    AuthorityNotFound = "authority.not_found", 3;
    /// The step cannot be taken yet, or not any more.
    AuthorityStep = "authority.step", 1;
    /// Somebody still needs a certificate of that authority.
    AuthorityNeeded = "authority.needed", 1;
    /// The private half of the authority is not within reach.
    AuthorityUnreachable = "authority.unreachable", 1;
    /// The ssh client is not installed.
    SshClientMissing = "ssh.client_missing", 1;

    /// The keychain is locked, and nobody is here to unlock it.
    SecretsKeychainLocked = "secrets.keychain_locked", 1;
    /// The vault was changed by somebody else, or its key is not the right one.
    SecretsVaultTampered = "secrets.vault_tampered", 1;
    /// The vault cannot be opened.
    SecretsUnavailable = "secrets.unavailable", 1;
    /// The vault opens with a passphrase or a recovery key only, and none was given, or another one.
    SecretsPassphrase = "secrets.passphrase", 4;
    /// The ways into the vault cannot be changed like this.
    SecretsVaultWay = "secrets.vault_way", 1;
    /// There is no secret of that name.
    SecretNotFound = "secrets.not_found", 3;
    /// No secret can have this name, value or way of delivery.
    SecretRefused = "secrets.refused", 1;
    /// A forward cannot be understood.
    PortInvalid = "port.invalid", 2;
    /// The local port that is required is taken, or may not be listened on.
    PortTaken = "port.taken", 1;
    /// There is no such forward.
    PortNotForwarded = "port.not_forwarded", 3;
    /// Nothing can listen there, in the container or on this computer.
    PortNotListening = "port.not_listening", 1;

    /// A container could not be given its secrets.
    SecretsNotDelivered = "secrets.not_delivered", 1;

    /// The event log cannot be written, so nothing was changed.
    StoreUnwritable = "store.unwritable", 1;
    /// The state file was written by a newer version.
    StoreTooNew = "store.too_new", 1;
    /// The state file cannot be read.
    StoreUnreadable = "store.unreadable", 1;
    /// A file of ours could not be written or read.
    FileFailed = "file.failed", 1;
    /// No space is left on a disk of this computer.
    FileNoSpace = "file.no_space", 1;
    /// A file of ours may not be written by this user.
    FileNoRights = "file.no_rights", 1;

    /// There is no setting of that name.
    SettingUnknown = "setting.unknown", 3;
    /// A setting may not have that value.
    SettingInvalid = "setting.invalid", 2;
    /// There is no job of that id.
    JobNotFound = "job.not_found", 3;
    /// The background service is running already.
    ServiceRunning = "service.running", 1;
    /// What starts services on this computer cannot be reached.
    ServiceUnavailable = "service.unavailable", 1;
    /// The command to run in the container could not be started.
    ExecFailed = "exec.failed", 1;
}

/// A failure: what happened, where, why, and what to do next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The kind of failure.
    pub code: ErrorCode,
    /// What happened, one sentence that names the thing.
    pub message: String,
    /// The step or the place (`file:line`) where it happened.
    pub at: Option<String>,
    /// Why, as far as it is known: the chain of causes, outermost first.
    pub why: Vec<String>,
    /// The last lines of output, oldest first, at most 20.
    pub lines: Vec<String>,
    /// What can be done, best first.
    pub fixes: Vec<Fix>,
    /// What was not harmed.
    pub safe: Vec<String>,
    /// With `consent.required`: what the configuration asks for.
    pub trust: Option<TrustSheet>,
}

impl Problem {
    /// A problem with nothing but a code and a sentence.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: shortened(message.into()),
            at: None,
            why: Vec::new(),
            lines: Vec::new(),
            fixes: Vec::new(),
            safe: Vec::new(),
            trust: None,
        }
    }

    /// Names the step or the place.
    #[must_use]
    pub fn at(mut self, at: impl Into<String>) -> Self {
        self.at = Some(shortened(at.into()));
        self
    }

    /// Adds a cause.
    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.why.push(shortened(why.into()));
        self
    }

    /// Adds something that can be done, in words.
    #[must_use]
    pub fn fix(mut self, text: impl Into<String>) -> Self {
        self.fixes.push(Fix {
            text: shortened(text.into()),
            command: None,
        });
        self
    }

    /// Adds something that can be done, with the command that does it.
    #[must_use]
    pub fn fix_command(mut self, text: impl Into<String>, command: impl Into<String>) -> Self {
        let command = command.into();
        self.fixes.push(Fix {
            text: shortened(text.into()),
            // Half of a command is another command.
            command: (command.len() <= LONGEST_SENTENCE).then_some(command),
        });
        self
    }

    /// Says what was not harmed.
    #[must_use]
    pub fn safe(mut self, text: impl Into<String>) -> Self {
        self.safe.push(text.into());
        self
    }
}

/// The longest sentence that a problem has, in bytes. What it names may come from anywhere, and be as long as it likes.
const LONGEST_SENTENCE: usize = 2000;

/// A sentence as it is, or its beginning and its end: what is wrong stands behind what it quotes.
fn shortened(text: String) -> String {
    if text.len() <= LONGEST_SENTENCE {
        return text;
    }
    let head = text.floor_char_boundary(LONGEST_SENTENCE / 2);
    let tail = text.ceil_char_boundary(text.len() - LONGEST_SENTENCE / 4);
    let (Some(head), Some(tail)) = (text.get(..head), text.get(tail..)) else {
        return text;
    };
    let left_out = text.len() - head.len() - tail.len();
    format!("{head} … ({left_out} bytes left out) … {tail}")
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for Problem {}

/// Something that mends a problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Fix {
    /// What to do and what it brings, one sentence.
    pub text: String,
    /// The command that does it, to be copied into a terminal.
    pub command: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_parses_back_and_is_written_as_its_name() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), Some(*code));
            assert_eq!(
                serde_json::to_value(code).unwrap(),
                serde_json::json!(code.as_str())
            );
        }
    }

    #[test]
    fn what_is_quoted_without_end_is_cut() {
        let name = "ü\"".repeat(50_000);
        let problem = Problem::new(
            ErrorCode::RequestInvalid,
            format!("{name:?} is no name: it is too long"),
        )
        .why(name.clone())
        .fix_command("See it", format!("devctl show {name}"));
        assert!(problem.message.len() < 2 * LONGEST_SENTENCE && problem.message.ends_with("too long"));
        assert!(problem.message.starts_with("\"ü"), "{}", problem.message);
        assert!(problem.why[0].len() < 2 * LONGEST_SENTENCE);
        assert_eq!(problem.fixes[0].command, None);
        let plain = Problem::new(ErrorCode::RequestInvalid, "x".repeat(LONGEST_SENTENCE));
        assert_eq!(plain.message.len(), LONGEST_SENTENCE);
    }

    #[test]
    fn exit_codes_are_those_of_the_contract() {
        for code in ErrorCode::ALL {
            assert!(matches!(code.exit_code(), 1..=5 | 130), "{code:?}");
        }
    }
}
