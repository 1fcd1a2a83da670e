//! Certificates of people and containers: their records, issue to others, and why one would be accepted or not.

use crate::authorities::{of_model, to_model};
use crate::caller::Caller;
use crate::clock;
use crate::core::Core;
use crate::error::OrProblem;
use crate::record::Target;
use crate::revocations::parsed;
use crate::signer::{Signer, Wanted, fingerprint, kind_of, public_key};
use devctl_model::{
    CertificateCheck, CertificateList, CertificateRecord, CertificateRef, CertificateState,
    CertificateVerdict, CertificateWay, Done, ErrorCode, IssueCertificate, IssuedCertificate,
    ListCertificates, Problem, VerifyCertificate,
};
use devctl_ssh::{
    AuthorityKind, Certificate, Cidr, Extensions, Principal, PublicKey, Purpose, Question, Revocation,
    RevocationList, Transport, explain, read_revocation_list, read_trusted_authorities,
};
use devctl_store::{
    Authority as Recorded, AuthorityKind as StoredKind, Certificate as Record, CertificateFilter,
};
use std::sync::Arc;

/// Certificates in a list, where nobody says how many.
const LISTED: u32 = 100;

/// A container that a certificate is to enter.
struct Entered {
    alias: String,
    id: String,
    user: String,
}

impl Core {
    /// The records of certificates, newest first.
    pub(crate) async fn certificate_list(
        self: &Arc<Self>,
        request: ListCertificates,
    ) -> Result<CertificateList, Problem> {
        let now = self.config.now_seconds();
        let filter = CertificateFilter {
            kind: request.kind.map(|kind| crate::signer::stored(of_model(kind))),
            valid_at: (!request.expired).then_some(now),
            limit: Some(request.limit.unwrap_or(LISTED)),
            ..CertificateFilter::default()
        };
        self.certificate_records(filter).await
    }

    /// The record of one certificate.
    pub(crate) async fn certificate_record(
        self: &Arc<Self>,
        asked: CertificateRef,
    ) -> Result<CertificateRecord, Problem> {
        let kind = of_model(asked.kind);
        let authority = self
            .signing(move |signer| signer.found(kind, asked.generation))
            .await?;
        let filter = CertificateFilter {
            authority: Some(authority.fingerprint),
            serial: Some(asked.serial),
            ..CertificateFilter::default()
        };
        let found = self
            .certificate_records(filter)
            .await?
            .certificates
            .into_iter()
            .next();
        found.ok_or_else(|| {
            Problem::new(
                ErrorCode::CertificateNotFound,
                format!(
                    "the {kind} authority {} signed no certificate {}",
                    authority.generation, asked.serial
                ),
            )
            .fix_command("See them all", "devctl cert list --all")
        })
    }

    async fn certificate_records(
        self: &Arc<Self>,
        filter: CertificateFilter,
    ) -> Result<CertificateList, Problem> {
        let core = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            let store = core.store()?;
            let mut authorities = store.authorities(StoredKind::User).or_problem()?;
            authorities.extend(store.authorities(StoredKind::Host).or_problem()?);
            let list = read_revocation_list(&core.config.revocation_list()).or_problem()?;
            let now = core.config.now_seconds();
            let certificates = store.certificates(&filter).or_problem()?;
            Ok(CertificateList {
                certificates: certificates
                    .into_iter()
                    .map(|one| shown(one, &authorities, list.as_ref(), now))
                    .collect(),
            })
        });
        task.await.map_err(|error| {
            Problem::new(ErrorCode::Internal, "the certificates could not be listed").why(error.to_string())
        })?
    }

    /// Signs a public key that somebody sent, and says how they use the certificate.
    pub(crate) async fn issue(
        self: &Arc<Self>,
        caller: &Caller,
        request: IssueCertificate,
    ) -> Result<IssuedCertificate, Problem> {
        self.ensure_identity().await?;
        check_name(&request.name)?;
        let subject = parsed(&request.public_key)?;
        // A role is a word, as the setting that accepts it has it.
        if let Some(role) = request
            .roles
            .iter()
            .find(|role| devctl_ssh::Alias::new(role).is_err())
        {
            let shown: String = role.chars().take(64).collect();
            return Err(
                Problem::new(ErrorCode::CertificateRefused, format!("{shown:?} is no role"))
                    .fix("A role is small letters, digits and hyphens: ci, night-build")
                    .safe("nothing was signed"),
            );
        }
        let mut entered = Vec::new();
        for name in &request.containers {
            let found = self.find(name).await?;
            entered.push(Entered {
                alias: found.alias().to_owned(),
                id: found.id().to_owned(),
                user: match &request.user {
                    Some(user) => user.clone(),
                    None => found
                        .label(crate::labels::REMOTE_USER)
                        .unwrap_or("root")
                        .to_owned(),
                },
            });
        }
        for container in &entered {
            // It stands in a line that a shell reads, and in another that sshd does.
            crate::ssh_proxy::check_user(&container.user)?;
        }
        let mut principals = Vec::new();
        for container in &entered {
            principals
                .push(Principal::new(format!("ct-{}", crate::ssh_proxy::short(&container.id))).or_problem()?);
        }
        for role in &request.roles {
            principals.push(Principal::new(format!("role-{role}")).or_problem()?);
        }
        if principals.is_empty() {
            return Err(Problem::new(
                ErrorCode::CertificateRefused,
                "a certificate has to be for something",
            )
            .fix("Name containers (--container) or roles (--role)")
            .safe("nothing was signed"));
        }
        let ranges: Result<Vec<Cidr>, Problem> = request
            .source_addresses
            .iter()
            .map(|text| text.parse().or_problem())
            .collect();
        let ranges = ranges?;
        let asked_by = caller.who.clone();
        let target = Target::other(
            "certificate",
            &format!("{} {}", request.name, fingerprint(&subject)),
        );
        let act = self.signing(move |signer| {
            let wanted = Wanted {
                kind: AuthorityKind::User,
                subject: &subject,
                key_id: format!("user:{}", request.name),
                principals,
                valid_seconds: request.valid_seconds,
                // A certificate for containers is used through the engine. One of roles alone may be for servers of
                // others.
                transport: if entered.is_empty() {
                    Transport::Network
                } else {
                    Transport::Exec
                },
                extensions: Extensions {
                    pty: request.pty,
                    port_forwarding: request.port_forwarding,
                    agent_forwarding: request.agent_forwarding,
                },
                force_command: request.force_command.clone(),
                source_addresses: ranges,
                asked_by,
                reason: request.reason.clone(),
            };
            let (certificate, record) = signer.sign(&wanted)?;
            signer.handed_out(&certificate, record, &entered)
        });
        self.recorded(caller, "issue_certificate", target, act).await
    }

    /// Signs the owner's certificate anew, and those of containers that are due.
    pub(crate) async fn renew_now(self: &Arc<Self>, caller: &Caller) -> Result<Done, Problem> {
        let target = Target::other("certificate", &self.config.owner_principal());
        let act = async {
            self.ensure_identity().await?;
            self.signing(|signer| signer.certify_user("asked for")).await?;
            self.renew_all().await
        };
        self.recorded(caller, "renew_certificates", target, act).await?;
        Ok(Done { changed: true })
    }

    /// Whether a certificate would be accepted, and why.
    pub(crate) async fn verdict(
        self: &Arc<Self>,
        request: VerifyCertificate,
    ) -> Result<CertificateVerdict, Problem> {
        let certificate = Certificate::from_openssh(request.certificate.trim()).map_err(|error| {
            Problem::new(ErrorCode::SshKeyUnreadable, "this is no certificate of OpenSSH's form")
                .why(error.to_string())
                .fix("It is one line that begins like ssh-ed25519-cert-v01@openssh.com AAAA…, often in a file *-cert.pub")
        })?;
        let container = match &request.container {
            Some(name) => Some(self.find(name).await?),
            None => None,
        };
        let config = &self.config;
        let revocation = if crate::revocations::is_current(config) || !config.revocation_list().is_file() {
            revocation_of(&certificate, read_revocation_list(&config.revocation_list()))
        } else {
            Revocation::Unknown {
                why: "the revocation list is an older copy; devctl cert renew writes it anew".to_owned(),
            }
        };
        let host = certificate.cert_type().is_host();
        let trusted = if host {
            config.host_authorities()
        } else {
            config.user_authorities()
        };
        let authorities = read_trusted_authorities(&trusted).or_problem()?;
        let user = match (&request.user, &container) {
            (Some(user), _) => user.clone(),
            (None, Some(found)) => found
                .label(crate::labels::REMOTE_USER)
                .unwrap_or("root")
                .to_owned(),
            (None, None) => "its user".to_owned(),
        };
        let principals = match &container {
            Some(found) => crate::ssh_proxy::accepted_principals(config, found.id(), found.alias()),
            // Of no container in particular: whatever any of ours accepts.
            None => crate::identity::known(config)
                .iter()
                .flat_map(|access| {
                    crate::ssh_proxy::accepted_principals(config, &access.container, &access.alias)
                })
                .chain([config.owner_principal()])
                .collect(),
        };
        let alias = container.as_ref().map_or("a container", |found| found.alias());
        let name = config.ssh_host(alias);
        let host_name = match &container {
            Some(_) => name.as_str(),
            None => certificate.valid_principals().first().map_or("", String::as_str),
        };
        let purpose = if host {
            Purpose::Host { name: host_name }
        } else {
            Purpose::Login {
                container: alias,
                user: &user,
                principals: &principals,
            }
        };
        let explanation = explain(
            &certificate,
            &Question {
                now: config.now_seconds(),
                purpose,
                authorities: &authorities,
                revocation: &revocation,
                transport: Transport::Exec,
            },
        );
        Ok(CertificateVerdict {
            accepted: explanation.accepted,
            verdict: explanation.first_broken().map_or_else(
                || "It would be accepted.".to_owned(),
                |check| format!("It would be refused. {}", check.words),
            ),
            checks: explanation
                .checks
                .iter()
                .map(|check| CertificateCheck {
                    rule: check.rule.as_str().to_owned(),
                    ok: check.kept,
                    words: check.words.clone(),
                })
                .collect(),
        })
    }
}

impl Signer<'_> {
    /// What the receiver of a certificate gets.
    fn handed_out(
        &self,
        certificate: &Certificate,
        record: Record,
        entered: &[Entered],
    ) -> Result<IssuedCertificate, Problem> {
        let line = certificate.to_openssh().map_err(|error| {
            Problem::new(ErrorCode::SshSignFailed, "the certificate cannot be written").why(error.to_string())
        })?;
        let subject = PublicKey::new(certificate.public_key().clone(), "");
        let key = crate::revocations::written(&subject)?;
        let trusted = read_trusted_authorities(&self.config.host_authorities()).or_problem()?;
        let known_hosts = devctl_ssh::render_known_hosts(&self.config.suffix(), &trusted).or_problem()?;
        let devctl =
            devctl_ssh::point_stable_link(&self.config.state_dir, &self.config.devctl).or_problem()?;
        // What stands in the lines below is read by two shells and by sshd: only what needs no quotes comes in.
        let plain = |text: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || "/._-@+".contains(c);
            !text.is_empty() && !text.starts_with('-') && text.chars().all(plain)
        };
        let or = |text: &str, placeholder: &str| {
            if plain(text) {
                text.to_owned()
            } else {
                placeholder.to_owned()
            }
        };
        let devctl = or(&devctl.display().to_string(), "devctl");
        let home = self.home_of_its_own(&or);
        let owner = or(&self.config.user, "OWNER");
        let machine = or(&self.config.machine, "COMPUTER");
        let ways = entered
            .iter()
            .map(|container| {
                let host = self.config.ssh_host(&container.alias);
                let user = &container.user;
                let proxy = format!("{home}{devctl} ssh-proxy {host} {user}");
                CertificateWay {
                    ssh: format!(
                        "ssh -F none -i KEY -o CertificateFile=CERT -o IdentitiesOnly=yes -o UserKnownHostsFile=KNOWN -o \
                         StrictHostKeyChecking=yes -o 'ProxyCommand=ssh -i KEY -o IdentitiesOnly=yes {owner}@{machine} \
                         {proxy}' {user}@{host}"
                    ),
                    authorized_keys: format!("restrict,command=\"{proxy}\" {key}"),
                    host,
                    user: user.clone(),
                }
            })
            .collect();
        let mut authorities = self.store.authorities(StoredKind::User).or_problem()?;
        authorities.extend(self.store.authorities(StoredKind::Host).or_problem()?);
        let list = read_revocation_list(&self.config.revocation_list()).or_problem()?;
        Ok(IssuedCertificate {
            record: shown(record, &authorities, list.as_ref(), self.config.now_seconds()),
            certificate: line,
            known_hosts,
            ways,
        })
    }

    /// What a line that another login runs has to begin with, so that it finds the state of this process: nothing where
    /// that is where everybody's is.
    fn home_of_its_own(&self, or: &impl Fn(&str, &str) -> String) -> String {
        let ssh = self.config.ssh();
        let places = [
            ("DEVCTL_STATE_DIR", self.config.state_dir.as_path()),
            ("DEVCTL_SSH_DIR", ssh.path()),
        ];
        let is_moved = |name: &str| self.config.env.get(name).is_some_and(|value| !value.is_empty());
        let moved = places.into_iter().filter(|(name, _)| is_moved(name));
        let words: String = moved
            .map(|(name, place)| {
                let whole = std::path::absolute(place).unwrap_or_else(|_| place.to_path_buf());
                format!("{name}={} ", or(&whole.display().to_string(), "FOLDER"))
            })
            .collect();
        if words.is_empty() {
            words
        } else {
            format!("env {words}")
        }
    }
}

/// Whether a list has something against a recorded certificate. The record has all that a list asks for, except where it
/// is from the first version of the program, which kept no key.
pub(crate) fn is_revoked(one: &Record, authorities: &[Recorded], list: Option<&RevocationList>) -> bool {
    let Some(list) = list else {
        // Without a list everything is refused, but nothing is revoked.
        return false;
    };
    let authority = authorities
        .iter()
        .find(|known| known.fingerprint == one.authority);
    let Some(authority) = authority.and_then(|known| public_key(known).ok()) else {
        return false;
    };
    let subject = PublicKey::from_openssh(&one.subject_line).ok();
    let by_key = |key: &PublicKey| list.revokes_key(key).ok().flatten().is_some();
    by_key(&authority)
        || subject.as_ref().is_some_and(by_key)
        || list
            .revokes_numbered(&authority, one.serial, &one.key_id)
            .ok()
            .flatten()
            .is_some()
}

fn revocation_of(
    certificate: &Certificate,
    list: Result<Option<RevocationList>, devctl_ssh::SshError>,
) -> Revocation {
    let unknown = |why: String| Revocation::Unknown { why };
    match list {
        Err(error) => unknown(error.to_string()),
        Ok(None) => unknown("there is no revocation list".to_owned()),
        Ok(Some(list)) => match list.revokes(certificate) {
            Ok(None) => Revocation::NotRevoked,
            Ok(Some(means)) => Revocation::Revoked {
                by: match means {
                    devctl_ssh::Revoked::Serial => "its serial",
                    devctl_ssh::Revoked::KeyId => "its key id",
                    devctl_ssh::Revoked::Key => "its key",
                    devctl_ssh::Revoked::Authority => "its authority",
                }
                .to_owned(),
            },
            Err(error) => unknown(error.to_string()),
        },
    }
}

fn shown(
    one: Record,
    authorities: &[Recorded],
    list: Option<&RevocationList>,
    now: u64,
) -> CertificateRecord {
    let authority = authorities
        .iter()
        .find(|known| known.fingerprint == one.authority);
    let state = if is_revoked(&one, authorities, list) {
        CertificateState::Revoked
    } else if now >= one.valid_before {
        CertificateState::Expired
    } else if authority.is_none_or(|known| !known.phase.is_trusted()) {
        CertificateState::Untrusted
    } else if now < one.valid_after {
        CertificateState::NotYetValid
    } else {
        CertificateState::Valid
    };
    CertificateRecord {
        kind: to_model(kind_of(one.kind)),
        generation: authority.map_or(0, |known| known.generation),
        authority: one.authority,
        serial: one.serial,
        key_id: one.key_id,
        subject: one.subject_fingerprint,
        principals: one.principals,
        extensions: one.extensions,
        critical_options: one
            .critical_options
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect(),
        valid_after: clock::seconds_text(one.valid_after),
        valid_before: clock::seconds_text(one.valid_before),
        issued_at: clock::millis_text(one.issued_at),
        asked_by: one.asked_by,
        reason: one.reason,
        state,
    }
}

/// A name that can stand in a key id, and in a log, without being misread.
fn check_name(name: &str) -> Result<(), Problem> {
    let plain = |c: char| c.is_alphanumeric() || "._-@+ ".contains(c);
    if name.trim().is_empty() || name.len() > 128 || !name.chars().all(plain) {
        return Err(Problem::new(
            ErrorCode::RequestInvalid,
            format!("{name:?} is no name for a certificate"),
        )
        .fix("Use letters, digits, spaces and . _ - @ +"));
    }
    Ok(())
}
