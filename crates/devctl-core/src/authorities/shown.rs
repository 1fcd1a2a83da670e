//! What doors see of authorities, their rotations and policies.

use super::{Lives, to_model};
use crate::clock;
use crate::error::OrProblem;
use crate::signer::{Signer, kind_of, policy_of};
use devctl_model::{
    AuthorityHome, AuthorityInfo, AuthorityList, AuthorityPhase as ShownPhase, CertificatePolicy, ErrorCode,
    Problem, RotationState, RotationStep,
};
use devctl_ssh::{AuthorityKind, CertPolicy, Extensions, Principal, PrincipalRule, SubjectType};
use devctl_store::{Authority as Recorded, AuthorityPhase, Certificate as Record, CertificateFilter, KeptIn};

impl Signer<'_> {
    /// The certificates of an authority that somebody still needs, in words.
    pub(super) fn needed(&self, authority: &Recorded) -> Result<Vec<String>, Problem> {
        let now = self.config.now_seconds();
        let valid = self
            .store
            .certificates(&CertificateFilter {
                kind: Some(authority.kind),
                valid_at: Some(now),
                ..CertificateFilter::default()
            })
            .or_problem()?;
        let list = devctl_ssh::read_revocation_list(&self.config.revocation_list()).or_problem()?;
        let by_authority = self.store.authorities(authority.kind).or_problem()?;
        let trusted = |one: &Record| {
            by_authority
                .iter()
                .any(|known| known.fingerprint == one.authority && known.phase.is_trusted())
        };
        // Nobody waits for our own: the access key has its next certificate by then, and those that it has replaced end.
        let mut ours = Vec::new();
        if kind_of(authority.kind) == AuthorityKind::User {
            for files in self.config.ssh().access_keys().or_problem()? {
                let key = files.public_key().or_problem()?;
                ours.extend(key.map(|key| crate::signer::fingerprint(&key)));
            }
            // The last one is in use.
            ours.pop();
        }
        let needed = valid.iter().filter(|one| {
            one.authority == authority.fingerprint
                && !ours.contains(&one.subject_fingerprint)
                && !crate::certificates::is_revoked(one, &by_authority, list.as_ref())
                // Followed by a certificate of another authority for the same key: nobody uses this one any more.
                && !valid.iter().any(|later| {
                    later.subject_fingerprint == one.subject_fingerprint
                        && later.authority != one.authority
                        && later.issued_at >= one.issued_at
                        && trusted(later)
                })
        });
        Ok(needed
            .map(|one| format!("{} until {}", one.key_id, clock::seconds_text(one.valid_before)))
            .collect())
    }

    pub(super) fn authority_list(&mut self) -> Result<AuthorityList, Problem> {
        let mut authorities = Vec::new();
        let mut rotations = Vec::new();
        for kind in [AuthorityKind::User, AuthorityKind::Host] {
            // Also where the record of them was lost.
            self.signing_authority(kind)?;
            let lives = self.lives(kind)?;
            for recorded in &lives.all {
                authorities.push(self.shown(recorded)?);
            }
            rotations.push(self.rotation(&lives)?);
        }
        Ok(AuthorityList {
            authorities,
            rotations,
            kept_in: self.vault()?.key_source().to_string(),
        })
    }

    fn rotation(&self, lives: &Lives) -> Result<RotationState, Problem> {
        let kind = lives.kind;
        let step = lives.step();
        let (next, waits_for, back) = match step {
            RotationStep::Idle => (
                format!("make the next {kind} authority; nobody accepts it yet"),
                Vec::new(),
                None,
            ),
            RotationStep::Made => (
                "let the next authority be accepted beside the present one".to_owned(),
                Vec::new(),
                Some("forget the next authority".to_owned()),
            ),
            RotationStep::Trusted => (
                "let the next authority sign, and sign everything of ours anew".to_owned(),
                Vec::new(),
                Some("no longer accept the next authority".to_owned()),
            ),
            RotationStep::Signing => {
                let waits = lives.outgoing().map(|last| self.needed(last)).transpose()?;
                (
                    "retire the last authority: nothing that it signed is accepted any more".to_owned(),
                    waits.unwrap_or_default(),
                    Some("let the last authority sign again".to_owned()),
                )
            }
        };
        Ok(RotationState {
            kind: to_model(kind),
            step,
            next,
            waits_for,
            back,
        })
    }

    pub(super) fn shown(&self, recorded: &Recorded) -> Result<AuthorityInfo, Problem> {
        let needed_by = if recorded.phase.is_trusted() {
            self.needed(recorded)?
        } else {
            Vec::new()
        };
        Ok(AuthorityInfo {
            kind: to_model(kind_of(recorded.kind)),
            generation: recorded.generation,
            algorithm: recorded
                .public_line
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_owned(),
            fingerprint: recorded.fingerprint.clone(),
            public_key: recorded.public_line.clone(),
            phase: match recorded.phase {
                AuthorityPhase::New => ShownPhase::New,
                AuthorityPhase::Trusted => ShownPhase::Trusted,
                AuthorityPhase::Signing => ShownPhase::Signing,
                AuthorityPhase::Retired => ShownPhase::Retired,
                AuthorityPhase::Revoked => ShownPhase::Revoked,
            },
            changed_at: clock::millis_text(recorded.changed_at),
            kept_in: match recorded.kept_in {
                KeptIn::Vault => AuthorityHome::Vault,
                KeptIn::Agent => AuthorityHome::Agent,
            },
            created_at: clock::millis_text(recorded.created_at),
            issued: self
                .store
                .count_certificates(&recorded.fingerprint)
                .or_problem()?,
            needed_by,
            policy: policy_shown(&policy_of(recorded)?),
        })
    }
}

fn policy_shown(policy: &CertPolicy) -> CertificatePolicy {
    CertificatePolicy {
        max_validity_seconds: policy.max_validity_seconds,
        clock_skew_seconds: policy.clock_skew_seconds,
        principals: policy
            .principals
            .iter()
            .map(|rule| match rule {
                PrincipalRule::Exact(principal) => principal.to_string(),
                PrincipalRule::Prefix(prefix) => prefix.to_string(),
            })
            .collect(),
        extensions: crate::signer::extension_names(policy.extensions),
        key_types: policy
            .key_types
            .iter()
            .map(|one| one.as_str().to_owned())
            .collect(),
        force_command: policy.force_command.clone(),
        source_addresses: policy.source_address.iter().map(ToString::to_string).collect(),
    }
}

pub(super) fn policy_from(policy: CertificatePolicy) -> Result<CertPolicy, Problem> {
    let invalid =
        |what: String| Problem::new(ErrorCode::RequestInvalid, what).safe("the policy was left as it was");
    let principals: Result<Vec<PrincipalRule>, Problem> = policy
        .principals
        .into_iter()
        .map(|text| {
            let is_beginning = text.ends_with('-');
            let principal = Principal::new(text).or_problem()?;
            Ok(if is_beginning {
                PrincipalRule::Prefix(principal)
            } else {
                PrincipalRule::Exact(principal)
            })
        })
        .collect();
    let mut extensions = Extensions::NONE;
    for name in &policy.extensions {
        match name.as_str() {
            "permit-pty" => extensions.pty = true,
            "permit-port-forwarding" => extensions.port_forwarding = true,
            "permit-agent-forwarding" => extensions.agent_forwarding = true,
            other => return Err(invalid(format!("{other:?} is no extension that can be granted"))),
        }
    }
    let key_types: Result<_, Problem> = policy
        .key_types
        .iter()
        .map(|name| {
            let known = SubjectType::ALL.into_iter().find(|one| one.as_str() == name);
            known.ok_or_else(|| invalid(format!("{name:?} is no type of key")))
        })
        .collect();
    let source_address: Result<_, Problem> = policy
        .source_addresses
        .iter()
        .map(|text| {
            text.parse()
                .map_err(|error| invalid(format!("{text:?} is no network: {error}")))
        })
        .collect();
    Ok(CertPolicy {
        max_validity_seconds: policy.max_validity_seconds,
        clock_skew_seconds: policy.clock_skew_seconds,
        principals: principals?,
        extensions,
        key_types: key_types?,
        force_command: policy.force_command,
        source_address: source_address?,
    })
}
