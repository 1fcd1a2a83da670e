//! Signs certificates: with the authorities at hand, one process at a time, and never without a record.
//!
//! The private halves of the authorities lie in the vault, which is opened only when something has to be signed, or in an
//! agent of the person, which is asked for each signature.

use crate::config::CoreConfig;
use crate::core::Core;
use crate::error::OrProblem;
use crate::identity;
use devctl_files::FileLock;
use devctl_model::{ErrorCode, Problem};
use devctl_secrets::Vault;
use devctl_ssh::{
    Authority, AuthorityKind, CertPolicy, Certificate, Cidr, Extensions, HostCertRequest, Issue, Principal,
    PublicKey, Transport, UserCertRequest, issue_host_certificate, issue_user_certificate,
    write_trusted_authorities,
};
use devctl_store::{
    Authority as Recorded, AuthorityKind as StoredKind, AuthorityPhase, Certificate as Record, KeptIn,
    NewAuthority, Store,
};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A certificate to be signed by the authority that signs now.
pub(crate) struct Wanted<'a> {
    /// By which kind of authority.
    pub(crate) kind: AuthorityKind,
    /// The key.
    pub(crate) subject: &'a PublicKey,
    /// What the key id says before the serial.
    pub(crate) key_id: String,
    /// What it may enter, or be called.
    pub(crate) principals: Vec<Principal>,
    /// For how many seconds; the default of its kind where absent.
    pub(crate) valid_seconds: Option<u64>,
    /// How its holder will come.
    pub(crate) transport: Transport,
    /// What it permits; hosts permit nothing.
    pub(crate) extensions: Extensions,
    /// The one command that it may run.
    pub(crate) force_command: Option<String>,
    /// Networks that it may be used from.
    pub(crate) source_addresses: Vec<Cidr>,
    /// Who asked for it.
    pub(crate) asked_by: String,
    /// What for.
    pub(crate) reason: String,
}

/// Signs, while holding the lock that lets one process sign at a time.
pub(crate) struct Signer<'a> {
    pub(crate) config: CoreConfig,
    pub(crate) store: &'a Store,
    vault: Option<Vault>,
    /// Whether a revocation list was there before anything was done.
    pub(crate) had_list: bool,
    /// Authorities whose private half was opened, by fingerprint.
    open: BTreeMap<String, Authority>,
}

impl Core {
    /// Runs `work` with the authorities at hand, one process at a time, away from the threads that wait for others.
    pub(crate) async fn signing<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Signer<'_>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let core = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            devctl_files::ensure_private_dir(&core.config.locks()).or_problem()?;
            let _lock = FileLock::acquire(&core.config.locks().join("identity.lock")).or_problem()?;
            let mut signer = Signer {
                config: core.config.clone(),
                store: core.store()?,
                vault: None,
                had_list: core.config.revocation_list().is_file(),
                open: BTreeMap::new(),
            };
            work(&mut signer)
        });
        task.await.map_err(|error| {
            Problem::new(ErrorCode::Internal, "nothing could be signed").why(error.to_string())
        })?
    }
}

impl Signer<'_> {
    /// The vault, opened once.
    pub(crate) fn vault(&mut self) -> Result<&Vault, Problem> {
        if self.vault.is_none() {
            self.vault = Some(crate::vault::open(&self.config)?);
        }
        self.vault
            .as_ref()
            .ok_or_else(|| Problem::new(ErrorCode::Internal, "the vault could not be opened"))
    }

    /// The authority of a kind that signs; made, where there is none or its private half is lost.
    pub(crate) fn signing_authority(&mut self, kind: AuthorityKind) -> Result<Recorded, Problem> {
        let recorded = self.store.authorities(stored(kind)).or_problem()?;
        let signing = recorded.iter().find(|one| one.phase == AuthorityPhase::Signing);
        if let Some(signing) = signing
            && self.is_within_reach(signing)?
        {
            let signing = signing.clone();
            self.publish(kind)?;
            return Ok(signing);
        }
        let generation = recorded.last().map_or(1, |last| last.generation + 1);
        // A state file that was lost leaves the authority in the vault: it goes on. Of several, the last one made; what
        // the others signed is signed anew.
        let kept = if recorded.is_empty() {
            self.last_in_vault(kind)?
        } else {
            None
        };
        let (kept, generation) = match kept {
            // What it signed may be revoked, and neither the record nor the list is left to say so: it signs no more, and
            // is trusted no more.
            Some(authority) if !self.had_list => (None, authority.generation() + 1),
            kept => (kept, generation),
        };
        let authority = match kept {
            Some(authority) => {
                // Which numbers were used is lost, too. They counted up from 1, so that no one of them reaches the seconds
                // since 1970.
                self.store
                    .raise_serials(&authority.fingerprint(), self.config.now_seconds())
                    .or_problem()?;
                authority
            }
            None => self.make(kind, generation)?,
        };
        let lost = signing.map(|one| one.fingerprint.clone());
        if let Some(lost) = &lost {
            tracing::warn!(
                kind = kind.as_str(),
                fingerprint = lost,
                "the private half of the authority is lost; another one signs"
            );
        }
        self.record(&authority, KeptIn::Vault, AuthorityPhase::New)?;
        let fingerprint = authority.fingerprint();
        self.open.insert(fingerprint.clone(), authority);
        let seen = self.store.authorities(stored(kind)).or_problem()?;
        let mut moves = vec![(fingerprint.as_str(), AuthorityPhase::Signing)];
        // What it signed is still accepted until it ends: the key is lost, not stolen.
        moves.extend(lost.as_deref().map(|lost| (lost, AuthorityPhase::Trusted)));
        self.store.move_authorities(&seen, &moves).or_problem()?;
        self.publish(kind)?;
        let recorded = self.store.authorities(stored(kind)).or_problem()?;
        recorded
            .into_iter()
            .find(|one| one.fingerprint == fingerprint)
            .ok_or_else(|| Problem::new(ErrorCode::Internal, "an authority was not recorded"))
    }

    /// Makes an authority and keeps its private half in the vault. It is not recorded yet.
    pub(crate) fn make(&mut self, kind: AuthorityKind, generation: u32) -> Result<Authority, Problem> {
        let authority = Authority::generate(kind, generation).or_problem()?;
        self.keep(&authority)?;
        Ok(authority)
    }

    /// Keeps the private half of an authority in the vault.
    pub(crate) fn keep(&mut self, authority: &Authority) -> Result<(), Problem> {
        let private = authority.to_openssh().or_problem()?;
        let name = vault_name(authority.kind(), authority.generation());
        self.vault()?.put(&name, &private).or_problem()
    }

    /// Records an authority.
    pub(crate) fn record(
        &mut self,
        authority: &Authority,
        kept_in: KeptIn,
        phase: AuthorityPhase,
    ) -> Result<(), Problem> {
        let recorded = NewAuthority {
            fingerprint: authority.fingerprint(),
            kind: stored(authority.kind()),
            generation: authority.generation(),
            public_line: authority.public_line().or_problem()?,
            kept_in,
            phase,
        };
        self.store.record_authority(&recorded).or_problem()
    }

    fn is_within_reach(&mut self, recorded: &Recorded) -> Result<bool, Problem> {
        match recorded.kept_in {
            KeptIn::Agent => Ok(true),
            KeptIn::Vault => Ok(self.private(recorded)?.is_some()),
        }
    }

    /// The private half of a recorded authority; `None` where the vault has none for it.
    pub(crate) fn private(&mut self, recorded: &Recorded) -> Result<Option<&Authority>, Problem> {
        if !self.open.contains_key(&recorded.fingerprint) {
            let kind = kind_of(recorded.kind);
            let name = vault_name(kind, recorded.generation);
            let Some(private) = self.vault()?.get(&name).or_problem()? else {
                return Ok(None);
            };
            let authority = Authority::from_openssh(kind, private.expose()).or_problem()?;
            if authority.fingerprint() != recorded.fingerprint {
                return Ok(None);
            }
            self.open.insert(recorded.fingerprint.clone(), authority);
        }
        Ok(self.open.get(&recorded.fingerprint))
    }

    /// Whether no authority is recorded: at the first start, and after the record was lost.
    pub(crate) fn has_no_authorities(&self) -> Result<bool, Problem> {
        let users = self.store.authorities(StoredKind::User).or_problem()?;
        Ok(users.is_empty() && self.store.authorities(StoredKind::Host).or_problem()?.is_empty())
    }

    fn last_in_vault(&mut self, kind: AuthorityKind) -> Result<Option<Authority>, Problem> {
        let prefix = vault_name(kind, 1);
        let vault = self.vault()?;
        let mut generations: Vec<u32> = vault
            .names()
            .or_problem()?
            .iter()
            .filter_map(|name| match name.strip_prefix(&prefix)? {
                "" => Some(1),
                rest => rest.strip_prefix('/')?.parse().ok(),
            })
            .collect();
        generations.sort_unstable();
        let Some(generation) = generations.last() else {
            return Ok(None);
        };
        let Some(private) = vault.get(&vault_name(kind, *generation)).or_problem()? else {
            return Ok(None);
        };
        Authority::from_openssh(kind, private.expose())
            .or_problem()
            .map(Some)
    }

    /// Writes the public halves of the authorities that are trusted: what each login, and each client, reads.
    pub(crate) fn publish(&self, kind: AuthorityKind) -> Result<(), Problem> {
        let mut trusted: Vec<Recorded> = self.store.authorities(stored(kind)).or_problem()?;
        trusted.retain(|one| one.phase.is_trusted());
        // The one that signs first, then the newest: the order in which they are likely to be met.
        trusted.sort_by_key(|one| {
            (
                one.phase != AuthorityPhase::Signing,
                std::cmp::Reverse(one.generation),
            )
        });
        let keys: Result<Vec<PublicKey>, Problem> = trusted.iter().map(public_key).collect();
        write_trusted_authorities(&trust_file(&self.config, kind), &keys?).or_problem()?;
        if kind == AuthorityKind::Host {
            identity::write_client_config(&self.config)?;
        }
        Ok(())
    }

    /// Signs a certificate, after its record is on the disk.
    pub(crate) fn sign(&mut self, wanted: &Wanted<'_>) -> Result<(Certificate, Record), Problem> {
        let authority = self.signing_authority(wanted.kind)?;
        let now = self.config.now_seconds();
        let policy = policy_of(&authority)?;
        let issue = Issue {
            now,
            clip_validity: wanted.valid_seconds.is_none(),
            transport: wanted.transport,
        };
        let mut asked = asked(wanted, &policy, issue)?;
        let line = wanted.subject.to_openssh().map_err(|error| {
            Problem::new(ErrorCode::SshKeyUnreadable, "the key cannot be written").why(error.to_string())
        })?;
        let mut recorded = self
            .store
            .open_certificates(&authority.fingerprint, 1, |serial| {
                asked.number(serial, &wanted.key_id);
                Record {
                    authority: authority.fingerprint.clone(),
                    serial,
                    kind: stored(wanted.kind),
                    subject_fingerprint: fingerprint(wanted.subject),
                    subject_line: line.clone(),
                    issued_at: i64::try_from(now).unwrap_or(i64::MAX).saturating_mul(1000),
                    asked_by: wanted.asked_by.clone(),
                    reason: wanted.reason.clone(),
                    ..asked.record()
                }
            })
            .or_problem()?;
        let record = recorded
            .pop()
            .ok_or_else(|| Problem::new(ErrorCode::Internal, "a certificate was not recorded"))?;
        let certificate = match authority.kept_in {
            KeptIn::Vault => {
                let own = self.private(&authority)?.ok_or_else(|| unreachable(&authority))?;
                asked.issue(own.into(), wanted.subject)?
            }
            KeptIn::Agent => {
                let agent = self.config.ssh_agent()?;
                let public = public_key(&authority)?;
                let signer = devctl_ssh::Signer::Agent {
                    agent: &agent,
                    public: &public,
                    kind: wanted.kind,
                };
                asked.issue(signer, wanted.subject)?
            }
        };
        Ok((certificate, record))
    }
}

/// A request that the policy let through.
enum Asked {
    User(UserCertRequest),
    Host(HostCertRequest),
}

/// What is asked of the authority, after the policy has filled in and judged it. It has no number yet.
fn asked(wanted: &Wanted<'_>, policy: &CertPolicy, issue: Issue) -> Result<Asked, Problem> {
    let principals = wanted.principals.clone();
    match wanted.kind {
        AuthorityKind::User => {
            let mut request = UserCertRequest::at(issue.now, 1, wanted.key_id.clone(), principals);
            if let Some(seconds) = wanted.valid_seconds {
                request.valid_before = issue.now.saturating_add(seconds);
            }
            if wanted
                .force_command
                .as_deref()
                .is_some_and(|command| command.trim().is_empty() || command.chars().any(char::is_control))
            {
                return Err(Problem::new(
                    ErrorCode::CertificateRefused,
                    "a forced command is one line that is not empty",
                )
                .safe("nothing was signed"));
            }
            request.extensions = wanted.extensions;
            request.force_command.clone_from(&wanted.force_command);
            request.source_address.clone_from(&wanted.source_addresses);
            policy
                .apply_to_user(wanted.subject, &request, issue)
                .map(Asked::User)
                .or_problem()
        }
        AuthorityKind::Host => {
            let request = HostCertRequest::at(issue.now, 1, wanted.key_id.clone(), principals);
            policy
                .apply_to_host(wanted.subject, &request, issue)
                .map(Asked::Host)
                .or_problem()
        }
    }
}

impl Asked {
    fn number(&mut self, number: u64, name: &str) {
        let (serial, key_id) = match self {
            Self::User(request) => (&mut request.serial, &mut request.key_id),
            Self::Host(request) => (&mut request.serial, &mut request.key_id),
        };
        *serial = number;
        *key_id = format!("{name}/{number}");
    }

    /// What of the record follows from the request.
    fn record(&self) -> Record {
        let (serial, key_id, principals, valid_after, valid_before) = match self {
            Self::User(asked) => (
                asked.serial,
                &asked.key_id,
                &asked.principals,
                asked.valid_after,
                asked.valid_before,
            ),
            Self::Host(asked) => (
                asked.serial,
                &asked.key_id,
                &asked.names,
                asked.valid_after,
                asked.valid_before,
            ),
        };
        let (extensions, critical_options) = match self {
            Self::User(asked) => (extension_names(asked.extensions), critical_options(asked)),
            Self::Host(_) => (Vec::new(), Vec::new()),
        };
        Record {
            authority: String::new(),
            serial,
            kind: StoredKind::User,
            key_id: key_id.clone(),
            subject_fingerprint: String::new(),
            subject_line: String::new(),
            principals: principals.iter().map(|one| one.as_str().to_owned()).collect(),
            extensions,
            critical_options,
            valid_after,
            valid_before,
            issued_at: 0,
            asked_by: String::new(),
            reason: String::new(),
        }
    }

    fn issue(&self, signer: devctl_ssh::Signer<'_>, subject: &PublicKey) -> Result<Certificate, Problem> {
        match self {
            Self::User(request) => issue_user_certificate(signer, subject, request).or_problem(),
            Self::Host(request) => issue_host_certificate(signer, subject, request).or_problem(),
        }
    }
}

/// The names of what is permitted, in the order of the certificate.
pub(crate) fn extension_names(extensions: Extensions) -> Vec<String> {
    [
        (extensions.agent_forwarding, "permit-agent-forwarding"),
        (extensions.port_forwarding, "permit-port-forwarding"),
        (extensions.pty, "permit-pty"),
    ]
    .into_iter()
    .filter(|(granted, _)| *granted)
    .map(|(_, name)| name.to_owned())
    .collect()
}

fn critical_options(asked: &UserCertRequest) -> Vec<(String, String)> {
    let command = asked
        .force_command
        .clone()
        .map(|command| ("force-command".to_owned(), command));
    let ranges: Vec<String> = asked.source_address.iter().map(Cidr::to_string).collect();
    let ranges = (!ranges.is_empty()).then(|| ("source-address".to_owned(), ranges.join(",")));
    command.into_iter().chain(ranges).collect()
}

/// What an authority may sign: as somebody chose, or the default of its kind.
pub(crate) fn policy_of(authority: &Recorded) -> Result<CertPolicy, Problem> {
    match &authority.policy {
        None => Ok(CertPolicy::default_for(kind_of(authority.kind))),
        Some(policy) => serde_json::from_value(policy.clone()).map_err(|error| {
            Problem::new(
                ErrorCode::StoreUnreadable,
                format!("the policy of authority {} cannot be read", authority.fingerprint),
            )
            .why(error.to_string())
        }),
    }
}

/// The private half of an authority is gone.
pub(crate) fn unreachable(authority: &Recorded) -> Problem {
    Problem::new(
        ErrorCode::AuthorityUnreachable,
        format!(
            "the private half of the {} authority {} is not in the vault",
            authority.kind.as_str(),
            authority.generation
        ),
    )
    .fix_command("See the authorities", "devctl ca list")
}

/// The name of an authority's private half in the vault. The first of a kind has none of a number.
pub(crate) fn vault_name(kind: AuthorityKind, generation: u32) -> String {
    match generation {
        1 => format!("authority/{}", kind.as_str()),
        later => format!("authority/{}/{later}", kind.as_str()),
    }
}

/// The file that says which authorities of a kind are trusted.
pub(crate) fn trust_file(config: &CoreConfig, kind: AuthorityKind) -> PathBuf {
    match kind {
        AuthorityKind::User => config.user_authorities(),
        AuthorityKind::Host => config.host_authorities(),
    }
}

/// The public key of a recorded authority.
pub(crate) fn public_key(recorded: &Recorded) -> Result<PublicKey, Problem> {
    PublicKey::from_openssh(&recorded.public_line).map_err(|error| {
        Problem::new(
            ErrorCode::StoreUnreadable,
            format!("authority {} cannot be read", recorded.fingerprint),
        )
        .why(error.to_string())
    })
}

/// `SHA256:…`
pub(crate) fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(devctl_ssh::HashAlg::Sha256).to_string()
}

/// As the store calls it.
pub(crate) fn stored(kind: AuthorityKind) -> StoredKind {
    match kind {
        AuthorityKind::User => StoredKind::User,
        AuthorityKind::Host => StoredKind::Host,
    }
}

/// As the rooms of SSH call it.
pub(crate) fn kind_of(kind: StoredKind) -> AuthorityKind {
    match kind {
        StoredKind::User => AuthorityKind::User,
        StoredKind::Host => AuthorityKind::Host,
    }
}
