//! What the person's ssh-agent holds, gets and gives back. An agent that is not there fails nothing but what was asked of
//! the agent.

use super::{ACCESS, target};
use crate::caller::Caller;
use crate::config::CoreConfig;
use crate::core::Core;
use crate::error::OrProblem;
use crate::revocations::parsed;
use crate::signer::{Signer, fingerprint};
use crate::ssh_files::certificate_info;
use devctl_model::{AddAgentKey, AgentKey, AgentKeyList, Done, ErrorCode, Problem};
use devctl_ssh::{
    AgentConstraints, AgentIdentity, Certificate, IdentityKey, KeyName, SshAgent, SshError, UserKey, key_type,
};
use devctl_store::{KeyState, PassphraseOf};
use std::collections::BTreeMap;
use std::sync::Arc;

/// For how long an agent holds a key, in seconds, where nobody says otherwise.
const LIFETIME: u32 = 8 * 60 * 60;

impl Core {
    /// What the agent holds.
    pub(crate) async fn agent_keys(self: &Arc<Self>) -> Result<AgentKeyList, Problem> {
        let names = self.key_names().await?;
        let config = self.config.clone();
        asking(move || list(&config, &agent(&config)?, &names)).await
    }

    /// Gives a key, and a fresh certificate for it, to the agent.
    pub(crate) async fn lend_key(
        self: &Arc<Self>,
        caller: &Caller,
        request: AddAgentKey,
    ) -> Result<AgentKeyList, Problem> {
        self.ensure_identity().await?;
        let subject = target(&request.name);
        let act = async {
            let config = self.config.clone();
            // Nothing is signed for an agent that is not there.
            asking(move || agent(&config)?.list().or_problem()).await?;
            let constraints = AgentConstraints {
                lifetime: Some(request.lifetime_seconds.unwrap_or(LIFETIME)),
                confirm: request.confirm,
            };
            let (key, certificate) = self.signing(move |signer| signer.key_to_lend(&request)).await?;
            let config = self.config.clone();
            asking(move || lend(&agent(&config)?, &key, &certificate, constraints)).await?;
            self.agent_keys().await
        };
        self.recorded(caller, "add_agent_key", subject, act).await
    }

    /// Takes a key and its certificates from the agent.
    pub(crate) async fn call_key_back(
        self: &Arc<Self>,
        caller: &Caller,
        name: String,
    ) -> Result<Done, Problem> {
        self.ensure_identity().await?;
        let subject = target(&name);
        let act = async {
            let record = self.stored_key(name).await?;
            let config = self.config.clone();
            let gone =
                asking(move || agent(&config)?.forget(&parsed(&record.public_key)?).or_problem()).await?;
            Ok(Done { changed: gone > 0 })
        };
        self.recorded(caller, "remove_agent_key", subject, act).await
    }

    /// The names of our keys by fingerprint.
    async fn key_names(self: &Arc<Self>) -> Result<BTreeMap<String, String>, Problem> {
        let records = self.key_list().await?.keys;
        Ok(records
            .into_iter()
            .map(|one| (one.fingerprint, one.name))
            .collect())
    }
}

impl Signer<'_> {
    /// A private half, and a certificate for it that is valid as long as the agent holds it.
    fn key_to_lend(&mut self, request: &AddAgentKey) -> Result<(UserKey, Certificate), Problem> {
        let lifetime = request.lifetime_seconds.unwrap_or(LIFETIME);
        if lifetime == 0 {
            return Err(
                Problem::new(ErrorCode::RequestInvalid, "a lifetime of nothing lends nothing")
                    .fix("Say for how long: 30m, 8h"),
            );
        }
        let reason = "for the ssh-agent";
        if request.name == ACCESS {
            let held = self.access_key()?;
            let text = devctl_files::read_optional(held.path())
                .or_problem()?
                .map(zeroize::Zeroizing::new)
                .unwrap_or_default();
            let key = UserKey::import(&text, None).or_problem()?;
            let (certificate, _) = self.sign_for_owner(key.public_key(), Some(lifetime.into()), reason)?;
            return Ok((key, certificate));
        }
        self.settle_records()?;
        let stored = self.stored_for_change(&request.name)?;
        if stored.state == KeyState::Revoked && stored.passphrase != PassphraseOf::Nobody {
            return Err(Problem::new(
                ErrorCode::CertificateRefused,
                format!("{} is revoked", request.name),
            )
            .fix_command("Make another key", "devctl key generate NAME"));
        }
        let (key, _) = self.open_key(&stored, request.passphrase.as_deref())?;
        let (certificate, _) = self.sign_for_owner(key.public_key(), Some(lifetime.into()), reason)?;
        let name = KeyName::new(&stored.name).map_err(SshError::from).or_problem()?;
        self.config
            .ssh()
            .keys()
            .write_certificate(&name, &certificate)
            .or_problem()?;
        Ok((key, certificate))
    }
}

/// The agent that `ssh` would use for a container.
fn agent(config: &CoreConfig) -> Result<SshAgent, Problem> {
    config.ssh_agent().map_err(|problem| Problem {
        code: ErrorCode::KeyAgent,
        ..problem
    })
}

/// Both the key alone and the key with its certificate: `ssh` takes a certificate from an agent only where it finds its
/// key there, too.
fn lend(
    agent: &SshAgent,
    key: &UserKey,
    certificate: &Certificate,
    constraints: AgentConstraints,
) -> Result<(), Problem> {
    agent.forget(key.public_key()).or_problem()?;
    agent.add(key, None, constraints).or_problem()?;
    if let Err(error) = agent.add(key, Some(certificate), constraints) {
        // Half of it would be a key that enters nothing.
        agent.forget(key.public_key()).or_problem()?;
        return Err(error).or_problem();
    }
    Ok(())
}

/// Takes a key from the agent, where there is one; says how many entries went. What keeps the agent from it is told to
/// the log: what the key was revoked or removed for does not wait for an agent.
pub(super) fn forget(config: &CoreConfig, line: &str) -> u32 {
    let Ok(agent) = agent(config) else {
        return 0;
    };
    let forgotten = parsed(line).and_then(|key| agent.forget(&key).or_problem());
    match forgotten {
        Ok(gone) => u32::try_from(gone).unwrap_or(u32::MAX),
        Err(problem) => {
            tracing::warn!(%problem, "a key may still be in the ssh-agent");
            0
        }
    }
}

fn list(
    config: &CoreConfig,
    agent: &SshAgent,
    names: &BTreeMap<String, String>,
) -> Result<AgentKeyList, Problem> {
    let held = agent.list().or_problem()?;
    Ok(AgentKeyList {
        agent: agent.address().to_owned(),
        keys: held.iter().map(|one| shown(config, one, names)).collect(),
    })
}

fn shown(config: &CoreConfig, held: &AgentIdentity, names: &BTreeMap<String, String>) -> AgentKey {
    let (kind, print, certificate) = match &held.key {
        IdentityKey::Key(key) => (key_type(key), Some(fingerprint(key)), None),
        IdentityKey::Certificate(certificate) => {
            let key = devctl_ssh::PublicKey::new(certificate.public_key().clone(), "");
            let shown = certificate_info(config, certificate);
            (key_type(&key), Some(fingerprint(&key)), Some(shown))
        }
        IdentityKey::Unknown { algorithm } => (algorithm.clone(), None, None),
    };
    AgentKey {
        key_type: kind,
        name: print.as_ref().and_then(|print| names.get(print)).cloned(),
        fingerprint: print,
        comment: held.comment.clone(),
        certificate,
    }
}

/// Runs what waits for an agent, and perhaps for its person, away from the threads that wait for others.
async fn asking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        Problem::new(ErrorCode::Internal, "the ssh-agent could not be asked").why(error.to_string())
    })?
}
