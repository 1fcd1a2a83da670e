//! Who we are to our containers, and they to us: the access key, the two authorities, certificates and their renewal,
//! and the client configuration that is generated from them.
//!
//! The private halves of the authorities lie in the vault, which is opened only when something has to be signed.

use crate::access::Access;
use crate::config::CoreConfig;
use crate::core::Core;
use crate::error::OrProblem;
use crate::signer::{Signer, Wanted};
use devctl_files::Mode;
use devctl_model::{ErrorCode, Problem};
use devctl_ssh::{
    AccessKey, Alias, AuthorityKind, Certificate, ClientConfig, Extensions, HostEntry, HostKey, Platform,
    Principal, PublicKey, Transport, host_renewal_due, read_trusted_authorities, renewal_due,
};
use devctl_store::Certificate as Record;
use std::path::PathBuf;
use std::sync::Arc;

/// Says that a host key's certificate has to be signed anew, without looking further than the file.
pub(crate) fn host_due(config: &CoreConfig, key: &HostKey, alias: &str) -> bool {
    let name = config.ssh_host(alias);
    host_renewal_due(key, &name, &config.host_authorities(), config.now_seconds()).is_some()
}

/// Says that the user's own certificate has to be signed anew.
pub(crate) fn user_due(config: &CoreConfig) -> bool {
    renewal_due(&config.ssh(), &config.user_authorities(), config.now_seconds()).is_some()
}

/// The time at which the first host certificate will be due; absent when that is not known.
fn hosts_due_at(config: &CoreConfig) -> PathBuf {
    config.state_dir.join("renew_at")
}

/// Says whether anything is due, by the user's certificate, one number, and files that only have to be there: this runs
/// before each `ssh`.
pub(crate) fn anything_due(config: &CoreConfig) -> bool {
    let hosts_at = std::fs::read_to_string(hosts_due_at(config))
        .ok()
        .and_then(|text| text.trim().parse::<u64>().ok());
    user_due(config)
        || !crate::revocations::is_current(config)
        || !config.ssh().known_hosts().is_file()
        || crate::keys::retirement_due(config)
        || hosts_at.is_none_or(|at| {
            let now = config.now_seconds();
            // A clock that went far back is noticed too.
            now >= at || at > now + devctl_ssh::HOST_VALIDITY
        })
}

impl Core {
    /// Makes the access key, the authorities, the user's certificate, and what a login reads, where they are missing
    /// or due. Cheap when all is there.
    pub(crate) async fn ensure_identity(self: &Arc<Self>) -> Result<(), Problem> {
        let config = self.config.clone();
        if !user_due(&config)
            && crate::revocations::is_current(&config)
            && config.host_authorities().is_file()
        {
            return Ok(());
        }
        self.signing(|signer| signer.renew_user()).await
    }

    /// The certified host key of a container.
    pub(crate) async fn ensure_host_identity(
        self: &Arc<Self>,
        container: &str,
        alias: &str,
    ) -> Result<(), Problem> {
        let (container, alias) = (container.to_owned(), alias.to_owned());
        let (config, container_in, alias_in) = (self.config.clone(), container.clone(), alias.clone());
        let due = blocking(move || {
            let key = config.host_keys().ensure(&container_in).or_problem()?;
            Ok(host_due(&config, &key, &alias_in))
        });
        if !due.await? {
            return Ok(());
        }
        self.signing(move |signer| signer.renew_host(&container, &alias))
            .await
    }

    /// Writes all that a login to a container reads: its certified host key, its access record, and the client's
    /// configuration. Holds up no thread of others, so that it can run beside the start of the container.
    pub(crate) async fn let_in(self: &Arc<Self>, access: &Access) -> Result<(), Problem> {
        let (config, kept) = (self.config.clone(), access.clone());
        let written = blocking(move || {
            kept.write(&config)?;
            write_client_config(&config).map(drop)
        });
        let certified = self.ensure_host_identity(&access.container, &access.alias);
        let (written, certified) = futures_util::future::join(written, certified).await;
        certified.and(written)
    }

    /// Renews everything that is due: the user's certificate and those of all containers that are known here.
    pub(crate) async fn renew_all(self: &Arc<Self>) -> Result<(), Problem> {
        self.signing(|signer| {
            signer.renew_user()?;
            let who = signer.config.user.clone();
            signer.follow_revocations(&who)?;
            signer.finish_rotations(&who)?;
            if !signer.config.ssh().known_hosts().is_file() {
                write_client_config(&signer.config)?;
            }
            let mut earliest = signer.config.now_seconds() + devctl_ssh::HOST_VALIDITY * 2 / 3;
            for access in known(&signer.config) {
                let key = signer.config.host_keys().ensure(&access.container).or_problem()?;
                if host_due(&signer.config, &key, &access.alias) {
                    signer.renew_host(&access.container, &access.alias)?;
                } else if let Some(at) = due_at(&key) {
                    earliest = earliest.min(at);
                }
            }
            write_due(&signer.config, earliest)
        })
        .await
    }

    /// Gives all containers SSH names with another ending: their host certificates, the configuration of the client and
    /// its known hosts follow.
    pub(crate) async fn rename_hosts(self: &Arc<Self>, suffix: &str) -> Result<(), Problem> {
        let text = suffix.to_owned();
        self.signing(move |signer| {
            let path = signer.config.suffix_file();
            devctl_files::write_if_changed(&path, text.as_bytes(), Mode::PRIVATE).or_problem()?;
            Ok(())
        })
        .await?;
        self.renew_all().await?;
        let config = self.config.clone();
        blocking(move || write_client_config(&config).map(drop)).await
    }

    /// The text of the client configuration.
    pub(crate) fn client_config(&self) -> Result<String, Problem> {
        devctl_ssh::render_config(&client(&self.config)?).or_problem()
    }
}

/// Runs what waits for the disk away from the threads that wait for others.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let task = tokio::task::spawn_blocking(work);
    task.await.map_err(|error| {
        Problem::new(ErrorCode::Internal, "what a login reads could not be written").why(error.to_string())
    })?
}

/// The containers that can be entered, as the access records say.
pub(crate) fn known(config: &CoreConfig) -> Vec<Access> {
    let aliases = known_aliases(config);
    aliases
        .iter()
        .filter_map(|alias| Access::read(config, alias))
        .collect()
}

/// Their names alone, which cost one look at a folder.
pub(crate) fn known_aliases(config: &CoreConfig) -> Vec<Alias> {
    let Ok(folder) = std::fs::read_dir(config.state_dir.join("access")) else {
        return Vec::new();
    };
    let names = folder.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut aliases: Vec<Alias> = names
        .filter_map(|name| Alias::new(name.strip_suffix(".json")?).ok())
        .collect();
    aliases.sort();
    aliases
}

fn client(config: &CoreConfig) -> Result<ClientConfig, Problem> {
    // The path in the configuration is a link of ours, so that it survives updates and moves.
    let link = devctl_ssh::point_stable_link(&config.state_dir, &config.devctl).or_problem()?;
    let hosts = known(config)
        .iter()
        // A user whose name ssh cannot be told is entered by `ssh USER@NAME` only by the engine; it is left out.
        .filter_map(|access| HostEntry::new(Alias::new(&access.alias).ok()?, &access.remote_user).ok())
        .collect();
    Ok(ClientConfig {
        devctl_path: link,
        access_key: config.ssh().access_key().or_problem()?,
        ssh_dir: config.ssh(),
        suffix: config.suffix(),
        hosts,
        forward_agent: false,
        platform: Platform::current(),
    })
}

/// Generates the client configuration and the known hosts. Says whether they changed.
pub(crate) fn write_client_config(config: &CoreConfig) -> Result<bool, Problem> {
    let ssh = config.ssh();
    ssh.ensure().or_problem()?;
    // Read and written in one go: what another process published in between would be undone.
    let _lock = ssh.lock().or_problem()?;
    let text = devctl_ssh::render_config(&client(config)?).or_problem()?;
    let authorities = read_trusted_authorities(&config.host_authorities()).or_problem()?;
    let hosts = devctl_ssh::render_known_hosts(&config.suffix(), &authorities).or_problem()?;
    let known_changed = ssh.write_known_hosts(&hosts).or_problem()?;
    Ok(ssh.write_config(&text).or_problem()? || known_changed)
}

impl Signer<'_> {
    /// Makes what of the user's own identity is missing or due; nothing, where all is there.
    pub(crate) fn renew_user(&mut self) -> Result<(), Problem> {
        // Valid from the first day, if without an entry: a login without a list is refused.
        self.publish_revocations()?;
        // With the record and the list lost, nobody knows what was revoked: other authorities take their place.
        let forgotten = !self.had_list && self.has_no_authorities()?;
        // Another process may have signed while we waited for the lock.
        if !forgotten && !user_due(&self.config) && self.config.host_authorities().is_file() {
            return Ok(());
        }
        self.config.ssh().ensure().or_problem()?;
        self.access_key()?;
        self.signing_authority(AuthorityKind::User)?;
        self.signing_authority(AuthorityKind::Host)?;
        // Reading the authorities has brought their public halves back: that may have been all that was missing.
        if !user_due(&self.config) {
            return Ok(());
        }
        self.certify_user("renewal")
    }

    /// The access key in use; made where there is none.
    pub(crate) fn access_key(&self) -> Result<AccessKey, Problem> {
        AccessKey::ensure(&self.config.ssh(), &self.access_comment()).or_problem()
    }

    /// What the access key says of itself.
    pub(crate) fn access_comment(&self) -> String {
        format!("devctl access key of {}", self.config.user)
    }

    /// Signs the access key's certificate anew, due or not.
    pub(crate) fn certify_user(&mut self, reason: &str) -> Result<(), Problem> {
        let key = self.access_key()?;
        let (certificate, _) = self.sign_for_owner(key.public_key(), None, reason)?;
        key.write_certificate(&certificate).or_problem()?;
        write_client_config(&self.config).map(drop)
    }

    /// Signs a certificate for a key of the owner's, which enters what the owner may enter.
    pub(crate) fn sign_for_owner(
        &mut self,
        subject: &PublicKey,
        valid_seconds: Option<u64>,
        reason: &str,
    ) -> Result<(Certificate, Record), Problem> {
        let wanted = Wanted {
            kind: AuthorityKind::User,
            subject,
            key_id: format!("user:{}@{}", self.config.user, self.config.machine),
            principals: vec![Principal::new(self.config.owner_principal()).or_problem()?],
            valid_seconds,
            transport: Transport::Exec,
            extensions: Extensions::OWNER,
            force_command: None,
            source_addresses: Vec::new(),
            asked_by: self.config.user.clone(),
            reason: reason.to_owned(),
        };
        self.sign(&wanted)
    }

    fn renew_host(&mut self, container: &str, alias: &str) -> Result<(), Problem> {
        let key = self.config.host_keys().ensure(container).or_problem()?;
        self.signing_authority(AuthorityKind::Host)?;
        if !host_due(&self.config, &key, alias) {
            return Ok(());
        }
        self.certify_host(&key, container, alias, "renewal")
    }

    /// Signs the certificate of a container's host key anew, due or not.
    pub(crate) fn certify_host(
        &mut self,
        key: &HostKey,
        container: &str,
        alias: &str,
        reason: &str,
    ) -> Result<(), Problem> {
        let wanted = Wanted {
            kind: AuthorityKind::Host,
            subject: key.public_key(),
            key_id: format!("host:{alias}/{}", container.get(..12).unwrap_or(container)),
            principals: vec![Principal::new(self.config.ssh_host(alias)).or_problem()?],
            valid_seconds: None,
            transport: Transport::Exec,
            extensions: Extensions::NONE,
            force_command: None,
            source_addresses: Vec::new(),
            asked_by: self.config.user.clone(),
            reason: reason.to_owned(),
        };
        let (certificate, record) = self.sign(&wanted)?;
        key.write_certificate(&certificate).or_problem()?;
        let due = record.valid_after + record.valid_before.saturating_sub(record.valid_after) / 3 * 2;
        let kept = std::fs::read_to_string(hosts_due_at(&self.config))
            .ok()
            .and_then(|text| text.trim().parse().ok());
        write_due(&self.config, kept.map_or(due, |kept: u64| kept.min(due)))
    }

    /// Signs everything of our own anew with the authority that signs now: after another took over.
    pub(crate) fn certify_all(&mut self, kind: AuthorityKind) -> Result<(), Problem> {
        match kind {
            AuthorityKind::User => self.certify_user("another authority signs"),
            AuthorityKind::Host => {
                for access in known(&self.config) {
                    let key = self.config.host_keys().ensure(&access.container).or_problem()?;
                    self.certify_host(&key, &access.container, &access.alias, "another authority signs")?;
                }
                Ok(())
            }
        }
    }
}

fn write_due(config: &CoreConfig, at: u64) -> Result<(), Problem> {
    devctl_files::write_if_changed(&hosts_due_at(config), at.to_string().as_bytes(), Mode::PRIVATE)
        .or_problem()?;
    Ok(())
}

/// The time at which the certificate of a host key will be due.
fn due_at(key: &HostKey) -> Option<u64> {
    let line = key.certificate_line().ok()??;
    let certificate = devctl_ssh::Certificate::from_openssh(&line).ok()?;
    let (after, before) = (certificate.valid_after(), certificate.valid_before());
    Some(after + before.saturating_sub(after) / 3 * 2)
}
