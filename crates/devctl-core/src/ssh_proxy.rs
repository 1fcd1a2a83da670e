//! `ssh-proxy`: carries one SSH connection to the agent of a container.
//!
//! A login opens no database and no keychain, and asks the engine two things: to make an exec and to start it. What is
//! needed beyond that is read from small files of ours. Only where a file is missing or the container does not run is
//! more done.

use crate::access::Access;
use crate::caller::Caller;
use crate::config::CoreConfig;
use crate::core::Core;
use crate::error::OrProblem;
use crate::identity;
use crate::idle::activity::InUse;
use crate::labels;
use crate::lifecycle;
use crate::operations::Role;
use crate::secrets::give::not_given;
use crate::secrets::login::Secrets;
use devctl_agent_protocol::{
    AgentConfig, Allow, HostPrivateKey, PROTOCOL_VERSION, ProbeReport, RevocationList, SERVE_ARGUMENT,
    encode_config,
};
use devctl_engine::{EngineError, RawExec, RawExecRequest};
use devctl_files::FileLock;
use devctl_model::{ErrorCode, JobState, Problem};
use devctl_ssh::Alias;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt as _};

mod reports;
mod revoked;

use reports::Reports;
use revoked::Watch;

/// What a connection left behind.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Served {
    /// Serials of the certificates that were let in.
    pub serials: Vec<u64>,
}

/// Carries one connection between `client` and the agent of the container `name` (`hello.devctl`), as `user`.
///
/// # Errors
/// Before the first byte of SSH: everything that keeps the agent from being started, with its fix. After it, what the
/// agent says when it gives up, or [`ErrorCode::CertificateRevoked`] where the connection was ended because its
/// certificate is not good any more.
pub async fn run<R, W>(
    config: CoreConfig,
    name: &str,
    user: &str,
    input: R,
    output: W,
) -> Result<Served, Problem>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    // The client passes the name on as it was typed, and names of hosts have no case.
    let name = name.to_ascii_lowercase();
    let alias = Alias::new(config.alias_in(&name)).or_problem()?;
    check_user(user)?;
    // The client hangs up on its proxy as soon as it has what it wants. The agent's last words are still heard: the end
    // of input ends us, not the signal.
    #[cfg(unix)]
    let _heard = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok();
    let reports = Reports::default();
    let login = Login {
        config: &config,
        user,
        reports: reports.clone(),
    };
    // Before the agent is told what is revoked, so that nothing changes unseen in between.
    let watch = Watch::begin(&config);
    let (exec, used) = login.open(&alias).await?;
    tokio::select! {
        () = pump(exec, input, output, &reports) => {}
        never = going_on(used.as_ref()) => match never {},
        // What carries the bytes is dropped: the agent and the client both see the end of the connection.
        why = watch.until_revoked(&reports) => return Err(why),
    }
    reports.served(user, &config.revocation_list())
}

/// A user name that no shell, no file and no engine can misread.
pub(crate) fn check_user(user: &str) -> Result<(), Problem> {
    let plain = |c: char| c.is_alphanumeric() || "._-@+".contains(c);
    if user.is_empty() || user.len() > 256 || user.starts_with('-') || !user.chars().all(plain) {
        return Err(Problem::new(
            ErrorCode::SshNameInvalid,
            format!("{user:?} is no name of a user"),
        )
        .fix("Use letters, digits and . _ - @ +"));
    }
    Ok(())
}

struct Login<'a> {
    config: &'a CoreConfig,
    user: &'a str,
    reports: Reports,
}

impl Login<'_> {
    /// Starts the agent, and gives it its configuration.
    async fn open(&self, alias: &Alias) -> Result<(RawExec, Option<InUse>), Problem> {
        if let Some(access) = Access::read(self.config, alias).filter(|access| self.is_ready(access)) {
            // First, so that it is not stopped for idleness in between.
            let used = InUse::begin(self.config, &access.container).await;
            match self.enter(&access).await {
                Ok(exec) => return Ok((exec, used)),
                // Gone, stopped, or another engine at that address: look again, more closely.
                Err(Entry::Elsewhere) => {}
                Err(Entry::Failed(problem)) => return Err(problem),
            }
        }
        let access = self.bring_up(alias).await?;
        let used = InUse::begin(self.config, &access.container).await;
        match self.enter(&access).await {
            Ok(exec) => Ok((exec, used)),
            Err(Entry::Failed(problem)) => Err(problem),
            Err(Entry::Elsewhere) => Err(Problem::new(
                ErrorCode::ContainerNotRunning,
                format!("{alias} was started and does not run"),
            )
            .fix_command("See why it ended", format!("devctl logs {alias}"))),
        }
    }

    /// Whether a login can begin at once: the container has our version of the agent, and all is here that proves the
    /// container to the client, and the client to it. What is gone or due is made anew on the longer way.
    fn is_ready(&self, access: &Access) -> bool {
        if !access.agent.is_current() {
            return false;
        }
        if access.secrets_of.is_empty() {
            return false;
        }
        let certified = |key| !identity::host_due(self.config, &key, &access.alias);
        // What keeps the key from being read is told when it is needed.
        let certified = self
            .config
            .host_keys()
            .ensure(&access.container)
            .map_or(true, certified);
        certified && crate::revocations::is_current(self.config) && self.config.user_authorities().is_file()
    }

    async fn enter(&self, access: &Access) -> Result<RawExec, Entry> {
        let endpoint = access.endpoint();
        let engine = devctl_engine::connect_known(&endpoint, access.facts)
            .or_problem()
            .map_err(Entry::Failed)?;
        let known = access
            .environment
            .clone()
            .filter(|_| self.user == access.remote_user);
        let mut cmd = vec![access.agent.path().to_owned(), SERVE_ARGUMENT.to_owned()];
        if known.is_none() {
            cmd.push(access.probe.clone());
        }
        let request = RawExecRequest {
            cmd,
            user: Some(crate::user::for_engine(self.user).to_owned()),
            ..RawExecRequest::default()
        };
        // A copy, since what is in the container's memory is noted in it.
        let mut access = access.clone();
        let opening = engine.exec_raw(&access.container, &request, self.reports.sink());
        let (opened, secrets) = futures_util::future::join(
            opening,
            Secrets::of(self.config, &engine, access.clone(), self.user),
        )
        .await;
        access.has_secrets = secrets.has_secrets;
        let access = &access;
        let mut exec = match opened {
            Ok(exec) => exec,
            Err(EngineError::NotFound { .. } | EngineError::Conflict { .. } | EngineError::TooOld { .. }) => {
                return Err(Entry::Elsewhere);
            }
            Err(error) => return Err(Entry::Failed(crate::engines::unreachable(&endpoint, error))),
        };
        let environment = match known {
            Some(environment) => environment,
            None => self.probed(&mut exec, access).await,
        };
        let document = self
            .document(access, environment, &secrets)
            .map_err(Entry::Failed)?;
        let sent = async {
            exec.writer.write_all(document.as_ref()).await?;
            exec.writer.flush().await
        };
        // A broken pipe means that the agent did not start; what it said is told after the connection ends.
        if let Err(error) = sent.await {
            tracing::debug!(%error, "the agent took no configuration");
        }
        Ok(exec)
    }

    /// The user's environment, which the agent says before it is told anything; kept for the next login. Where it has
    /// none to say, the agent itself tells what is wrong with the user or the container, and better.
    async fn probed(&self, exec: &mut RawExec, access: &Access) -> BTreeMap<String, String> {
        let line = match first_line(&mut exec.reader).await {
            Ok(line) => line,
            Err(error) => {
                tracing::debug!(%error, "the agent says no environment");
                return BTreeMap::new();
            }
        };
        if !line.starts_with(b"{") {
            // Nothing, or what the engine says when it cannot start the agent.
            self.reports.sink()(&line);
            return BTreeMap::new();
        }
        let environment = match serde_json::from_slice::<ProbeReport>(&line) {
            Ok(report) => report.environment,
            Err(error) => {
                tracing::debug!(%error, "the environment cannot be read");
                return BTreeMap::new();
            }
        };
        if self.user == access.remote_user {
            let kept = Access {
                environment: Some(environment.clone()),
                ..access.clone()
            };
            if let Err(problem) = kept.write(self.config) {
                tracing::debug!(%problem, "the environment could not be kept");
            }
        }
        environment
    }

    fn document(
        &self,
        access: &Access,
        probed: BTreeMap<String, String>,
        secrets: &Secrets,
    ) -> Result<impl AsRef<[u8]> + use<>, Problem> {
        let key = self.config.host_keys().ensure(&access.container).or_problem()?;
        let certificate = key.certificate_line().or_problem()?.ok_or_else(|| {
            Problem::new(
                ErrorCode::SshSignFailed,
                format!("{} has no host certificate", access.alias),
            )
            .fix_command(
                "Sign one",
                format!("devctl ssh-renew && ssh {}", self.config.ssh_host(&access.alias)),
            )
        })?;
        let authorities =
            devctl_ssh::read_trusted_authorities(&self.config.user_authorities()).or_problem()?;
        let authorities: Result<Vec<String>, _> = authorities
            .iter()
            .map(devctl_ssh::PublicKey::to_openssh)
            .collect();
        let authorities = authorities.map_err(|error| {
            Problem::new(ErrorCode::SshSignFailed, "a user authority cannot be read").why(error.to_string())
        })?;
        let list = crate::revocations::read_list(self.config).map_err(|error| {
            Problem::new(
                ErrorCode::FileFailed,
                format!("{} cannot be read", self.config.revocation_list().display()),
            )
            .why(error.to_string())
            .fix_command("Write it anew from the record", "devctl cert renew")
            .safe("nobody is let in without it")
        })?;
        if crate::revocations::is_stale(self.config, &list) {
            return Err(crate::revocations::stale());
        }
        let (mut environment, mut unset) = lifecycle::environment(&probed, &access.remote_env);
        if let Some(given) = &secrets.given {
            environment.extend(given.login());
            unset.retain(|name| !given.sets(name));
        }
        let problem = secrets.problem.as_ref();
        let banner = problem.map(|problem| format!("devctl: {}\n", not_given(problem)));
        let principals = accepted_principals(self.config, &access.container, &access.alias);
        let private = key.private_openssh().or_problem()?;
        let document = AgentConfig {
            protocol: PROTOCOL_VERSION,
            host_private_key: HostPrivateKey::new(private.to_string()),
            host_certificate: certificate,
            user_authorities: authorities,
            revocation_list: RevocationList::new(list),
            accepted_principals: BTreeMap::from([(self.user.to_owned(), principals)]),
            environment,
            unset_environment: unset,
            working_directory: Some(access.workspace_folder.clone()),
            user: self.user.to_owned(),
            banner,
            allow: Allow::ALL,
        };
        encode_config(&document).map_err(|error| {
            Problem::new(
                ErrorCode::AgentFailed,
                "the agent's configuration could not be written",
            )
            .why(error.to_string())
        })
    }

    /// Starts a container that does not run, or finds one that is not known here, one process at a time.
    async fn bring_up(&self, alias: &Alias) -> Result<Access, Problem> {
        let core = Core::open(self.config.clone()).await?;
        let locks = self.config.locks();
        devctl_files::ensure_private_dir(&locks).or_problem()?;
        let path = locks.join(format!("connect-{alias}.lock"));
        let lock = tokio::task::spawn_blocking(move || FileLock::acquire(&path))
            .await
            .map_err(|error| {
                Problem::new(ErrorCode::Internal, "a lock could not be taken").why(error.to_string())
            })?
            .or_problem()?;
        let found = core.find(alias.as_str()).await?;
        if found.alias() != alias.as_str() {
            // A folder of that name is there, and its container is called otherwise.
            return Err(Problem::new(
                ErrorCode::ContainerNotFound,
                format!("there is no container {:?}", alias.as_str()),
            )
            .fix_command("See what there is", "devctl list"));
        }
        let known = Access::read(self.config, alias).filter(|access| access.container == found.id());
        if found.is_paused() {
            // Somebody froze it on purpose: a login of an editor that tries again and again must not undo that.
            return Err(crate::life::paused(&found));
        }
        if !found.is_running() {
            self.may_start(&core, alias, known.as_ref()).await?;
            let caller = Caller {
                who: self.config.user.clone(),
                door: "ssh-proxy",
                role: Role::Developer,
            };
            let job = core.start_again(&caller, found.id(), None, None).await?;
            let job = core.jobs.wait(&job).await?;
            if job.state != JobState::Done {
                return Err(job
                    .problem
                    .unwrap_or_else(|| Problem::new(ErrorCode::Internal, "the start did not end")));
            }
        } else if known.is_none_or(|access| !access.agent.is_current() || access.secrets_of.is_empty()) {
            core.adopt_record(&found).await?;
        }
        core.ensure_identity().await?;
        core.ensure_host_identity(found.id(), alias.as_str()).await?;
        drop(lock);
        Access::read(self.config, alias).ok_or_else(|| {
            Problem::new(ErrorCode::ContainerNotFound, format!("{alias} cannot be entered"))
                .fix_command("Bring it up", format!("devctl start {alias}"))
        })
    }

    /// A connection starts a container only where that was not switched off, and never runs anything on this computer.
    async fn may_start(
        &self,
        core: &Arc<Core>,
        alias: &Alias,
        known: Option<&Access>,
    ) -> Result<(), Problem> {
        let refused = |why: &str| {
            Err(Problem::new(
                ErrorCode::ContainerNotRunning,
                format!("{alias} is stopped, and {why}"),
            )
            .fix_command("Bring it up", format!("devctl start {alias}")))
        };
        if core.chosen(crate::settings::START_ON_CONNECT).await == serde_json::Value::Bool(false) {
            return refused("ssh may not start containers (setting ssh.startOnConnect)");
        }
        if known.is_none_or(|access| access.starts_on_host) {
            // What a start needs is known from the record; without one the configuration decides.
            let found = core.find(alias.as_str()).await?;
            if core.starts_on_host(&found).await? {
                return refused("its start runs a command on this computer, which a login never does");
            }
        }
        Ok(())
    }
}

/// Why the agent could not be started with what is known.
enum Entry {
    /// The container is not there, does not run, or the engine is another one.
    Elsewhere,
    Failed(Problem),
}

/// The use of a container, for as long as it goes on.
async fn going_on(used: Option<&InUse>) -> std::convert::Infallible {
    match used {
        Some(used) => used.goes_on().await,
        None => std::future::pending().await,
    }
}

/// Carries bytes both ways until the agent's side ends. Where the agent was not started at all, the engine's complaint
/// comes in its place: that is heard as a report, and is not the client's.
async fn pump<R, W>(exec: RawExec, mut input: R, mut output: W, reports: &Reports)
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    const BUFFER: usize = 256 * 1024;
    let RawExec {
        mut reader,
        mut writer,
        ..
    } = exec;
    let up = AbortOnDrop(tokio::spawn(async move {
        let mut from = tokio::io::BufReader::with_capacity(BUFFER, &mut input);
        if let Err(error) = tokio::io::copy_buf(&mut from, &mut writer).await {
            tracing::debug!(%error, "the way to the container ended");
        }
        // The client is gone: the agent sees the end of its input, and ends.
        if let Err(error) = writer.shutdown().await {
            tracing::debug!(%error, "the agent's input was closed already");
        }
    }));
    let carried = async {
        let begin = beginning(&mut reader).await?;
        if !begin.starts_with(SSH) {
            reports.sink()(&begin);
            return Ok(());
        }
        output.write_all(&begin).await?;
        output.flush().await?;
        let mut from = tokio::io::BufReader::with_capacity(BUFFER, &mut reader);
        tokio::io::copy_buf(&mut from, &mut output).await?;
        output.flush().await
    };
    if let Err(error) = carried.await {
        tracing::debug!(%error, "the way to the client ended");
    }
    drop(up);
}

/// A task that ends with its value.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// How every SSH server begins.
const SSH: &[u8] = b"SSH-";

/// The first bytes of the agent: as many as tell whether it is one; of anything else all, up to a few lines.
async fn beginning<R: AsyncRead + Unpin>(reader: &mut R) -> std::io::Result<Vec<u8>> {
    const COMPLAINT_AT_MOST: usize = 4096;
    let mut begin = Vec::with_capacity(COMPLAINT_AT_MOST);
    while begin.len() < COMPLAINT_AT_MOST {
        if begin.len() >= SSH.len() && begin.starts_with(SSH) {
            break;
        }
        if reader.read_buf(&mut begin).await? == 0 {
            break;
        }
    }
    Ok(begin)
}

/// What comes up to the end of the first line, or of everything. The agent says no more before it is answered.
async fn first_line<R: AsyncRead + Unpin>(reader: &mut R) -> std::io::Result<Vec<u8>> {
    const AT_MOST: usize = 4 * 1024 * 1024;
    let mut line = Vec::with_capacity(16 * 1024);
    while line.len() < AT_MOST && line.last() != Some(&b'\n') {
        if reader.read_buf(&mut line).await? == 0 {
            break;
        }
    }
    Ok(line)
}

/// The principals that may enter a container: its owner, who was let in by name, and the roles that it accepts.
pub(crate) fn accepted_principals(config: &CoreConfig, container: &str, alias: &str) -> Vec<String> {
    let mut principals = vec![config.owner_principal(), format!("ct-{}", short(container))];
    principals.extend(crate::roles::accepted(config, alias));
    principals
}

/// The beginning of a container's id, by which people know it.
pub(crate) fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

impl Core {
    /// Makes the access record of a container that is ours and not known here, from its labels and its configuration.
    pub(crate) async fn adopt_record(
        self: &Arc<Self>,
        found: &crate::containers::Found,
    ) -> Result<Access, Problem> {
        if found.is_adopted() {
            return self.access_of_adopted(found).await;
        }
        if let Ok(plan) = self.plan_of(found).await {
            return self.access_of(found, &plan).await;
        }
        // The folder is gone, or its configuration is broken: the labels are enough to get in.
        let alias = Alias::new(found.alias()).or_problem()?;
        let access = Access {
            alias: alias.as_str().to_owned(),
            container: found.id().to_owned(),
            url: found.endpoint.url.clone(),
            host: found.endpoint.name.clone(),
            facts: found.engine.facts(),
            remote_user: found.label(labels::REMOTE_USER).unwrap_or("root").to_owned(),
            workspace_folder: found.label(labels::WORKSPACE_FOLDER).unwrap_or("/").to_owned(),
            probe: "loginInteractiveShell".to_owned(),
            remote_env: indexmap::IndexMap::new(),
            environment: None,
            started_at: None,
            unowned_home: None,
            agent: self.agent_of(found, None).await?,
            secrets_of: crate::secrets::subject_of(found),
            has_secrets: true,
            set_up: false,
            starts_on_host: false,
            runs_on_start: false,
            made_from: crate::life::gone::MadeFrom::of(found),
        };
        access.write(&self.config)?;
        Ok(access)
    }

    /// Whether a start of this container runs a command on this computer.
    async fn starts_on_host(self: &Arc<Self>, found: &crate::containers::Found) -> Result<bool, Problem> {
        Ok(!found.is_adopted() && self.plan_of(found).await?.initialize.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_users_are_checked_before_anything_else() {
        for good in ["root", "dev", "1000", "müller", "a.b-c_d@e+f"] {
            assert!(check_user(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-oProxyCommand=x",
            "a b",
            "a;b",
            "a\nb",
            "$(id)",
            "a'b",
            "a/b",
            "a:b",
        ] {
            assert_eq!(
                check_user(bad).unwrap_err().code,
                ErrorCode::SshNameInvalid,
                "{bad}"
            );
        }
    }

    #[tokio::test]
    async fn an_agent_is_told_from_a_complaint_by_its_first_bytes() {
        let mut pieces = AsyncReadExt::chain(&b"SS"[..], &b"H-2.0-devctl\r\nmore"[..]);
        let begin = beginning(&mut pieces).await.unwrap();
        assert!(begin.starts_with(SSH));
        let mut complaint = AsyncReadExt::chain(&b"unable to find"[..], &b" user x"[..]);
        assert_eq!(beginning(&mut complaint).await.unwrap(), b"unable to find user x");
        assert!(beginning(&mut &b""[..]).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn the_environment_comes_on_the_first_line_and_a_complaint_is_not_lost() {
        let (mut agent, mut proxy) = tokio::io::duplex(8);
        let said = tokio::spawn(async move {
            agent.write_all(b"{\"environment\":{}}\n").await.unwrap();
            // It waits for the document now; nothing else comes, and the line is whole all the same.
            agent
        });
        assert_eq!(first_line(&mut proxy).await.unwrap(), b"{\"environment\":{}}\n");
        drop(said.await.unwrap());
        let mut complaint: &[u8] = b"OCI runtime exec failed";
        assert_eq!(
            first_line(&mut complaint).await.unwrap(),
            b"OCI runtime exec failed"
        );
    }
}
