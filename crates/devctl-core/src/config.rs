//! What the core is told about the machine and the person it works for. It looks at neither by itself.

use crate::error::OrProblem;
use devctl_engine::EngineEnv;
use devctl_model::{ErrorCode, Problem};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// Tells the time of day.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// A moment as the wall clock of this computer shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    /// Day of the week, Monday is 0.
    pub weekday: u8,
    /// Minutes since midnight.
    pub minute: u16,
}

/// Everything that the core knows about its surroundings.
#[derive(Clone)]
pub struct CoreConfig {
    /// The door that this process is (`cli`, `desktop`).
    pub door: &'static str,
    /// The account name.
    pub user: String,
    /// The numeric user id; 0 where the platform has none.
    pub uid: u32,
    /// The numeric group id; 0 where the platform has none.
    pub gid: u32,
    /// The machine's host name.
    pub machine: String,
    /// The person's home directory.
    pub home: PathBuf,
    /// Our state: `state.db`, the vault, host keys, locks (0700).
    pub state_dir: PathBuf,
    /// Our directory beside the user's ssh files, `~/.ssh/devctl` (0700).
    pub ssh_dir: PathBuf,
    /// The user's own ssh configuration, `~/.ssh/config`.
    pub ssh_user_config: PathBuf,
    /// The environment of the process, for `${localEnv:…}`, engines and credentials.
    pub env: BTreeMap<String, String>,
    /// Where relative paths start.
    pub working_directory: PathBuf,
    /// The `devctl` program that configurations point at.
    pub devctl: PathBuf,
    /// This process and its start time, to tell interrupted operations from running ones.
    pub process: devctl_store::Process,
    /// Says whether another process still runs.
    pub is_alive: fn(devctl_store::Process) -> bool,
    /// What engine discovery looks at.
    pub engine_env: EngineEnv,
    /// The routing table of this machine, as `/proc/net/route` prints it; empty where there is none.
    pub routes: String,
    /// Where the vault's master key may come from.
    pub key_sources: devctl_secrets::KeySources,
    /// Where the passphrase of the vault comes from, where nothing else opens it.
    pub passphrase: crate::vault::VaultPassphrase,
    /// The time of day.
    pub clock: Clock,
    /// The time of day where this computer is.
    pub local_time: fn(SystemTime) -> LocalTime,
}

impl std::fmt::Debug for CoreConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CoreConfig")
            .field("door", &self.door)
            .field("user", &self.user)
            .field("state_dir", &self.state_dir)
            .field("ssh_dir", &self.ssh_dir)
            .finish_non_exhaustive()
    }
}

impl CoreConfig {
    /// Seconds since 1970.
    pub(crate) fn now_seconds(&self) -> u64 {
        (self.clock)()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    }

    /// Makes a path that a person typed absolute: `~` is their home, the rest starts where they are.
    pub(crate) fn absolute(&self, text: &str) -> PathBuf {
        let path = match text.strip_prefix("~/") {
            Some(rest) => self.home.join(rest),
            None if text == "~" => self.home.clone(),
            None => self.working_directory.join(text),
        };
        // Dots are taken out, links are kept: a linked folder is another folder for its owner.
        let mut clean = PathBuf::new();
        for part in path.components() {
            match part {
                std::path::Component::CurDir => {}
                std::path::Component::ParentDir => {
                    clean.pop();
                }
                part => clean.push(part),
            }
        }
        clean
    }

    pub(crate) fn locks(&self) -> PathBuf {
        self.state_dir.join("locks")
    }

    /// What each process that forwards ports says of itself.
    pub(crate) fn forwards(&self) -> PathBuf {
        self.state_dir.join("forwards")
    }

    pub(crate) fn host_keys(&self) -> devctl_ssh::HostKeys {
        devctl_ssh::HostKeys::new(self.state_dir.join("hosts"))
    }

    pub(crate) fn ssh(&self) -> devctl_ssh::SshDir {
        devctl_ssh::SshDir::new(self.ssh_dir.clone())
    }

    /// Public halves of the trusted user authorities: read at each login.
    pub(crate) fn user_authorities(&self) -> PathBuf {
        self.state_dir.join("user_authorities.pub")
    }

    /// Public halves of the trusted host authorities.
    pub(crate) fn host_authorities(&self) -> PathBuf {
        self.state_dir.join("host_authorities.pub")
    }

    /// What is revoked: read at each login.
    pub(crate) fn revocation_list(&self) -> PathBuf {
        self.state_dir.join("revoked.krl")
    }

    /// The ssh-agent of this person: the one that `ssh` would use for a container, by `IdentityAgent` of the user's
    /// configuration, else by `SSH_AUTH_SOCK`, else where Windows has its own.
    pub(crate) fn ssh_agent(&self) -> Result<devctl_ssh::SshAgent, Problem> {
        let user_config =
            devctl_ssh::UserConfig::read(&self.ssh_user_config, &self.home, &self.user).or_problem()?;
        let effective = user_config.effective(&format!("any.{}", self.suffix()), None);
        let address = devctl_ssh::AgentAddress::choose(
            effective.get("identityagent").map(|line| line.value.as_str()),
            |name| self.env.get(name).map(std::ffi::OsString::from),
            &self.home,
            devctl_ssh::Platform::current(),
        );
        match address.or_problem()? {
            Some(address) => Ok(devctl_ssh::SshAgent::new(&address)),
            None => Err(Problem::new(
                ErrorCode::AuthorityUnreachable,
                "no ssh-agent is named by SSH_AUTH_SOCK or IdentityAgent",
            )
            .fix_command("Start one", "eval \"$(ssh-agent)\"")),
        }
    }

    /// What SSH names end in, without a leading dot: the setting `ssh.suffix`, kept in a small file beside it, since a
    /// login opens no database. What cannot be read is the default.
    pub(crate) fn suffix(&self) -> devctl_ssh::Suffix {
        let chosen = std::fs::read_to_string(self.suffix_file()).ok();
        chosen
            .and_then(|text| devctl_ssh::Suffix::new(text.trim()).ok())
            .unwrap_or_default()
    }

    /// Where the suffix is kept.
    pub(crate) fn suffix_file(&self) -> PathBuf {
        self.state_dir.join("ssh_suffix")
    }

    /// The SSH name of a container: `hello.devctl`.
    pub(crate) fn ssh_host(&self, alias: &str) -> String {
        format!("{alias}.{}", self.suffix())
    }

    /// The alias in an SSH name; a name without the suffix is one already.
    pub(crate) fn alias_in<'a>(&self, name: &'a str) -> &'a str {
        let suffix = self.suffix();
        name.strip_suffix(suffix.as_str())
            .and_then(|rest| rest.strip_suffix('.'))
            .unwrap_or(name)
    }

    /// The version of the list that was published last: an older one is a copy that somebody put back.
    pub(crate) fn revocation_version(&self) -> PathBuf {
        self.state_dir.join("revoked.version")
    }

    /// The principal that enters everything of this person.
    pub(crate) fn owner_principal(&self) -> String {
        format!("owner-{}", self.uid)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_typed_path_is_made_absolute_without_following_links() {
        let mut config = crate::testing::config(std::path::Path::new("/nonexistent"));
        config.home = "/home/ann".into();
        config.working_directory = "/src/app".into();
        assert_eq!(config.absolute("."), std::path::Path::new("/src/app"));
        assert_eq!(config.absolute("../lib/./x"), std::path::Path::new("/src/lib/x"));
        assert_eq!(config.absolute("~/a b"), std::path::Path::new("/home/ann/a b"));
        assert_eq!(config.absolute("/tmp"), std::path::Path::new("/tmp"));
        assert_eq!(config.absolute("../../../../x"), std::path::Path::new("/x"));
    }
}
