//! The lives of the authorities: made, trusted, signing, retired, revoked. Each step is one change of the record, then what
//! logins and clients read is published, then what is ours is signed anew; a crash in between is made good by the next
//! step, or by the next renewal.
//!
//! At every instant each certificate that is in use was signed by an authority that both sides trust: the next authority
//! is trusted before it signs, and the last one is trusted until nobody needs what it signed.

use crate::caller::Caller;
use crate::clock;
use crate::core::Core;
use crate::error::OrProblem;
use crate::record::Target;
use crate::signer::{Signer, fingerprint, kind_of, policy_of, public_key, stored, unreachable, vault_name};
use devctl_model::{
    AuthorityHome, AuthorityInfo, AuthorityKind as Shown, AuthorityList, AuthorityPhase as ShownPhase,
    AuthorityRef, CertificatePolicy, ErrorCode, ExportAuthority, ExportedKey, ImportAuthority, Problem,
    RetireAuthority, RotationState, RotationStep, SetAuthorityPolicy,
};
use devctl_ssh::{Authority, AuthorityKind, CertPolicy, Extensions, Principal, PrincipalRule, SubjectType};
use devctl_store::{
    Authority as Recorded, AuthorityPhase, Certificate as Record, CertificateFilter, KeptIn, NewAuthority,
    RevocationMeans,
};
use std::sync::Arc;

/// The authorities of one kind, and where their rotation is.
struct Lives {
    kind: AuthorityKind,
    all: Vec<Recorded>,
}

impl Lives {
    fn in_phase(&self, phase: AuthorityPhase) -> Option<&Recorded> {
        self.all.iter().find(|one| one.phase == phase)
    }

    fn signing(&self) -> Option<&Recorded> {
        self.in_phase(AuthorityPhase::Signing)
    }

    /// Trusted, and to sign next.
    fn incoming(&self) -> Option<&Recorded> {
        let signing = self.signing()?.generation;
        let trusted = |one: &&Recorded| one.phase == AuthorityPhase::Trusted && one.generation > signing;
        self.all.iter().find(trusted)
    }

    /// Trusted, and followed by the one that signs; the youngest of them.
    fn outgoing(&self) -> Option<&Recorded> {
        let signing = self.signing()?.generation;
        let trusted = |one: &&Recorded| one.phase == AuthorityPhase::Trusted && one.generation < signing;
        self.all.iter().rev().find(trusted)
    }

    fn step(&self) -> RotationStep {
        if self.in_phase(AuthorityPhase::New).is_some() {
            RotationStep::Made
        } else if self.incoming().is_some() {
            RotationStep::Trusted
        } else if self.outgoing().is_some() {
            RotationStep::Signing
        } else {
            RotationStep::Idle
        }
    }
}

impl Core {
    /// The authorities, how far their rotations are, and where their private halves are kept.
    pub(crate) async fn authority_list(self: &Arc<Self>) -> Result<AuthorityList, Problem> {
        self.ensure_identity().await?;
        self.signing(|signer| signer.authority_list()).await
    }

    /// One authority.
    pub(crate) async fn authority(self: &Arc<Self>, asked: AuthorityRef) -> Result<AuthorityInfo, Problem> {
        self.ensure_identity().await?;
        self.signing(move |signer| {
            let recorded = signer.found(of_model(asked.kind), asked.generation)?;
            signer.shown(&recorded)
        })
        .await
    }

    /// Makes the next authority of a kind. Nobody accepts it yet.
    pub(crate) async fn make_authority(
        self: &Arc<Self>,
        caller: &Caller,
        kind: Shown,
    ) -> Result<AuthorityInfo, Problem> {
        self.ensure_identity().await?;
        let act = self.signing(move |signer| {
            let made = signer.make_next(of_model(kind))?;
            signer.shown(&made)
        });
        self.recorded(caller, "create_authority", target(kind), act).await
    }

    /// Brings an authority here that exists elsewhere, as the next of its kind.
    pub(crate) async fn bring_authority(
        self: &Arc<Self>,
        caller: &Caller,
        request: ImportAuthority,
    ) -> Result<AuthorityInfo, Problem> {
        self.ensure_identity().await?;
        let kind = request.kind;
        let act = self.signing(move |signer| {
            let brought = signer.bring(&request)?;
            signer.shown(&brought)
        });
        self.recorded(caller, "import_authority", target(kind), act).await
    }

    /// Takes the next step of a rotation.
    pub(crate) async fn step_authority(
        self: &Arc<Self>,
        caller: &Caller,
        kind: Shown,
    ) -> Result<AuthorityList, Problem> {
        self.ensure_identity().await?;
        let who = caller.who.clone();
        let act = self.signing(move |signer| {
            signer.step(of_model(kind), &who)?;
            signer.authority_list()
        });
        self.recorded(caller, "rotate_authority", target(kind), act).await
    }

    /// Takes the last step of a rotation back.
    pub(crate) async fn step_authority_back(
        self: &Arc<Self>,
        caller: &Caller,
        kind: Shown,
    ) -> Result<AuthorityList, Problem> {
        self.ensure_identity().await?;
        let act = self.signing(move |signer| {
            signer.step_back(of_model(kind))?;
            signer.authority_list()
        });
        self.recorded(caller, "rollback_authority", target(kind), act)
            .await
    }

    /// Ends the life of the last authority of a kind.
    pub(crate) async fn end_authority(
        self: &Arc<Self>,
        caller: &Caller,
        request: RetireAuthority,
    ) -> Result<AuthorityList, Problem> {
        self.ensure_identity().await?;
        let who = caller.who.clone();
        let act = self.signing(move |signer| {
            signer.end(of_model(request.kind), request.now, request.revoke, &who)?;
            signer.authority_list()
        });
        self.recorded(caller, "retire_authority", target(request.kind), act)
            .await
    }

    /// Gives the key of an authority out.
    pub(crate) async fn give_authority(
        self: &Arc<Self>,
        caller: &Caller,
        request: ExportAuthority,
    ) -> Result<ExportedKey, Problem> {
        self.ensure_identity().await?;
        let kind = request.kind;
        let act = self.signing(move |signer| signer.give(&request));
        self.recorded(caller, "export_authority", target(kind), act).await
    }

    /// Sets what the authority of a kind that signs may sign.
    pub(crate) async fn choose_policy(
        self: &Arc<Self>,
        caller: &Caller,
        request: SetAuthorityPolicy,
    ) -> Result<AuthorityInfo, Problem> {
        self.ensure_identity().await?;
        let kind = request.kind;
        let act = self.signing(move |signer| {
            let recorded = signer.found(of_model(kind), None)?;
            let policy = request.policy.map(policy_from).transpose()?;
            if let Some(policy) = &policy {
                policy.check(of_model(kind)).or_problem()?;
            }
            let stored = policy.map(serde_json::to_value).transpose().map_err(|error| {
                Problem::new(ErrorCode::Internal, "the policy could not be written").why(error.to_string())
            })?;
            signer
                .store
                .set_authority_policy(&recorded.fingerprint, stored.as_ref())
                .or_problem()?;
            let recorded = signer.found(of_model(kind), None)?;
            signer.shown(&recorded)
        });
        self.recorded(caller, "set_authority_policy", target(kind), act)
            .await
    }
}

impl Signer<'_> {
    fn lives(&self, kind: AuthorityKind) -> Result<Lives, Problem> {
        let all = self.store.authorities(stored(kind)).or_problem()?;
        Ok(Lives { kind, all })
    }

    /// The recorded authority of a generation, or the one that signs.
    pub(crate) fn found(
        &mut self,
        kind: AuthorityKind,
        generation: Option<u32>,
    ) -> Result<Recorded, Problem> {
        let Some(generation) = generation else {
            return self.signing_authority(kind);
        };
        let all = self.lives(kind)?.all;
        let found = all.into_iter().find(|one| one.generation == generation);
        found.ok_or_else(|| not_found(kind, Some(generation)))
    }

    fn next_generation(lives: &Lives) -> Result<u32, Problem> {
        if let Some(next) = lives.in_phase(AuthorityPhase::New).or_else(|| lives.incoming()) {
            return Err(Problem::new(
                ErrorCode::AuthorityStep,
                format!(
                    "{} authority {} is on its way already",
                    lives.kind, next.generation
                ),
            )
            .fix_command("Go on with it", format!("devctl ca rotate {}", lives.kind))
            .fix_command("Take it back", format!("devctl ca rollback {}", lives.kind)));
        }
        Ok(lives.all.last().map_or(1, |last| last.generation + 1))
    }

    fn make_next(&mut self, kind: AuthorityKind) -> Result<Recorded, Problem> {
        let generation = Self::next_generation(&self.lives(kind)?)?;
        let authority = self.make(kind, generation)?;
        self.record(&authority, KeptIn::Vault, AuthorityPhase::New)?;
        self.found(kind, Some(generation))
    }

    fn bring(&mut self, request: &ImportAuthority) -> Result<Recorded, Problem> {
        let kind = of_model(request.kind);
        let lives = self.lives(kind)?;
        let generation = Self::next_generation(&lives)?;
        match (&request.private_key, &request.agent_key) {
            (Some(text), None) => {
                let passphrase = request.passphrase.as_deref().map(str::as_bytes);
                let authority =
                    Authority::import(kind, generation, text.as_bytes(), passphrase).or_problem()?;
                self.refuse_known(&authority.fingerprint())?;
                self.keep(&authority)?;
                self.record(&authority, KeptIn::Vault, AuthorityPhase::New)?;
            }
            (None, Some(asked)) => {
                self.refuse_known(asked)?;
                let agent = self.config.ssh_agent()?;
                let held = agent.list().or_problem()?;
                let key = held
                    .iter()
                    .filter_map(plain_key)
                    .find(|key| fingerprint(key) == *asked)
                    .ok_or_else(|| {
                        Problem::new(
                            ErrorCode::AuthorityUnreachable,
                            format!("the ssh-agent at {} holds no key {asked}", agent.address()),
                        )
                        .fix_command("See what it holds", "ssh-add -l")
                    })?;
                let recorded = NewAuthority {
                    fingerprint: asked.clone(),
                    kind: stored(kind),
                    generation,
                    public_line: crate::revocations::written(key)?,
                    kept_in: KeptIn::Agent,
                    phase: AuthorityPhase::New,
                };
                self.store.record_authority(&recorded).or_problem()?;
            }
            _ => {
                return Err(Problem::new(
                    ErrorCode::RequestInvalid,
                    "an authority comes as a private key or from an agent, one of the two",
                ));
            }
        }
        self.found(kind, Some(generation))
    }

    /// The two authorities are never the same key, and a key never comes twice.
    fn refuse_known(&self, fingerprint: &str) -> Result<(), Problem> {
        for kind in [AuthorityKind::User, AuthorityKind::Host] {
            if let Some(known) = self
                .lives(kind)?
                .all
                .iter()
                .find(|one| one.fingerprint == fingerprint)
            {
                return Err(Problem::new(
                    ErrorCode::AuthorityStep,
                    format!("that key is {kind} authority {} already", known.generation),
                )
                .fix("Each authority has a key of its own"));
            }
        }
        Ok(())
    }

    /// One step forward.
    fn step(&mut self, kind: AuthorityKind, who: &str) -> Result<(), Problem> {
        let lives = self.lives(kind)?;
        match lives.step() {
            RotationStep::Idle => self.make_next(kind).map(drop),
            RotationStep::Made => {
                let next = lives
                    .in_phase(AuthorityPhase::New)
                    .map(|one| one.fingerprint.clone());
                self.moved(&lives, &[(next.as_deref(), AuthorityPhase::Trusted)])?;
                self.publish(kind)
            }
            RotationStep::Trusted => {
                let (Some(last), Some(next)) = (lives.signing(), lives.incoming()) else {
                    return Err(not_found(kind, None));
                };
                self.within_reach(next)?;
                self.moved(
                    &lives,
                    &[
                        (Some(&last.fingerprint), AuthorityPhase::Trusted),
                        (Some(&next.fingerprint), AuthorityPhase::Signing),
                    ],
                )?;
                self.publish(kind)?;
                self.certify_all(kind)
            }
            RotationStep::Signing => self.end(kind, false, false, who),
        }
    }

    /// One step back.
    fn step_back(&mut self, kind: AuthorityKind) -> Result<(), Problem> {
        let lives = self.lives(kind)?;
        match lives.step() {
            RotationStep::Idle => Err(Problem::new(
                ErrorCode::AuthorityStep,
                format!("no rotation of the {kind} authority is under way"),
            )
            .fix("What is retired is never trusted again; a new rotation makes a new authority")),
            RotationStep::Made => {
                let Some(next) = lives.in_phase(AuthorityPhase::New).cloned() else {
                    return Err(not_found(kind, None));
                };
                self.store.forget_authority(&next.fingerprint).or_problem()?;
                if next.kept_in == KeptIn::Vault {
                    self.vault()?
                        .delete(&vault_name(kind, next.generation))
                        .or_problem()?;
                }
                Ok(())
            }
            RotationStep::Trusted => {
                let Some(next) = lives.incoming() else {
                    return Err(not_found(kind, None));
                };
                self.refuse_needed(next, false)?;
                self.moved(&lives, &[(Some(&next.fingerprint), AuthorityPhase::New)])?;
                self.publish(kind)
            }
            RotationStep::Signing => {
                let (Some(next), Some(last)) = (lives.signing(), lives.outgoing()) else {
                    return Err(not_found(kind, None));
                };
                self.within_reach(last)?;
                self.moved(
                    &lives,
                    &[
                        (Some(&next.fingerprint), AuthorityPhase::Trusted),
                        (Some(&last.fingerprint), AuthorityPhase::Signing),
                    ],
                )?;
                self.publish(kind)?;
                self.certify_all(kind)
            }
        }
    }

    /// Ends the life of the last authority.
    fn end(&mut self, kind: AuthorityKind, now: bool, revoke: bool, who: &str) -> Result<(), Problem> {
        let lives = self.lives(kind)?;
        let retired = lives
            .all
            .iter()
            .rev()
            .find(|one| one.phase == AuthorityPhase::Retired);
        let Some(last) = lives.outgoing().or(if revoke { retired } else { None }) else {
            return Err(Problem::new(
                ErrorCode::AuthorityStep,
                format!("no {kind} authority is there that another has followed"),
            )
            .fix_command(
                "Let another take its place first",
                format!("devctl ca rotate {kind}"),
            ));
        };
        if last.phase == AuthorityPhase::Trusted {
            self.refuse_needed(last, now)?;
            self.moved(&lives, &[(Some(&last.fingerprint), AuthorityPhase::Retired)])?;
            self.publish(kind)?;
        }
        if revoke {
            let key = devctl_ssh::PublicKey::new(public_key(last)?.key_data().clone(), "");
            let line = crate::revocations::written(&key)?;
            let reason = format!("{kind} authority {} was retired", last.generation);
            self.revoke_recorded(RevocationMeans::Key, "", &line, who, &reason)?;
            let lives = self.lives(kind)?;
            self.moved(&lives, &[(Some(&last.fingerprint), AuthorityPhase::Revoked)])?;
        }
        Ok(())
    }

    fn moved(&self, lives: &Lives, moves: &[(Option<&str>, AuthorityPhase)]) -> Result<(), Problem> {
        let moves: Vec<(&str, AuthorityPhase)> = moves
            .iter()
            .filter_map(|(one, phase)| Some(((*one)?, *phase)))
            .collect();
        self.store.move_authorities(&lives.all, &moves).or_problem()
    }

    fn within_reach(&mut self, authority: &Recorded) -> Result<(), Problem> {
        match authority.kept_in {
            KeptIn::Vault => match self.private(authority)? {
                Some(_) => Ok(()),
                None => Err(unreachable(authority)),
            },
            KeptIn::Agent => {
                let agent = self.config.ssh_agent()?;
                let held = agent.list().or_problem()?;
                let mut keys = held.iter().filter_map(plain_key);
                if keys.any(|key| fingerprint(key) == authority.fingerprint) {
                    return Ok(());
                }
                Err(Problem::new(
                    ErrorCode::AuthorityUnreachable,
                    format!(
                        "the {} authority {} is in an ssh-agent, and the one at {} does not hold it",
                        authority.kind.as_str(),
                        authority.generation,
                        agent.address()
                    ),
                )
                .fix_command("Load it, or put the token in, and see", "ssh-add -l"))
            }
        }
    }

    fn refuse_needed(&self, authority: &Recorded, anyway: bool) -> Result<(), Problem> {
        let needed = self.needed(authority)?;
        if anyway || needed.is_empty() {
            return Ok(());
        }
        let kind = kind_of(authority.kind);
        let mut problem = Problem::new(
            ErrorCode::AuthorityNeeded,
            format!(
                "{} of the {kind} authority {} {} still needed",
                if needed.len() == 1 {
                    "a certificate".to_owned()
                } else {
                    format!("{} certificates", needed.len())
                },
                authority.generation,
                if needed.len() == 1 { "is" } else { "are" }
            ),
        )
        .fix("Wait until they end, or issue them anew")
        .fix_command(
            "Or shut their holders out now",
            format!("devctl ca retire {kind} --now"),
        )
        .safe("nothing was changed");
        problem.lines = needed.into_iter().take(20).collect();
        Err(problem)
    }

    /// The certificates of an authority that somebody still needs, in words.
    fn needed(&self, authority: &Recorded) -> Result<Vec<String>, Problem> {
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
        let needed = valid.iter().filter(|one| {
            one.authority == authority.fingerprint
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

    fn give(&mut self, request: &ExportAuthority) -> Result<ExportedKey, Problem> {
        let recorded = self.found(of_model(request.kind), request.generation)?;
        let private_key = match &request.passphrase {
            None => None,
            Some(passphrase) => {
                if passphrase.is_empty() {
                    return Err(Problem::new(
                        ErrorCode::RequestInvalid,
                        "the private half of an authority is given out encrypted only",
                    )
                    .fix("Choose a passphrase that is not empty"));
                }
                if recorded.kept_in == KeptIn::Agent {
                    return Err(Problem::new(
                        ErrorCode::AuthorityUnreachable,
                        "the private half of this authority is in an agent and was never here",
                    )
                    .fix("Export it where it was made"));
                }
                let own = self.private(&recorded)?.ok_or_else(|| unreachable(&recorded))?;
                Some(
                    own.to_openssh_encrypted(passphrase.as_bytes())
                        .or_problem()?
                        .to_string(),
                )
            }
        };
        Ok(ExportedKey {
            public_key: recorded.public_line,
            private_key,
        })
    }

    fn authority_list(&mut self) -> Result<AuthorityList, Problem> {
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

    fn shown(&self, recorded: &Recorded) -> Result<AuthorityInfo, Problem> {
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

/// What an agent holds, where it is a key without a certificate.
fn plain_key(held: &devctl_ssh::AgentIdentity) -> Option<&devctl_ssh::PublicKey> {
    match &held.key {
        devctl_ssh::IdentityKey::Key(key) => Some(key),
        devctl_ssh::IdentityKey::Certificate(_) | devctl_ssh::IdentityKey::Unknown { .. } => None,
    }
}

/// As the rooms of SSH call it.
pub(crate) fn of_model(kind: Shown) -> AuthorityKind {
    match kind {
        Shown::User => AuthorityKind::User,
        Shown::Host => AuthorityKind::Host,
    }
}

/// As doors call it.
pub(crate) fn to_model(kind: AuthorityKind) -> Shown {
    match kind {
        AuthorityKind::User => Shown::User,
        AuthorityKind::Host => Shown::Host,
    }
}

pub(crate) fn not_found(kind: AuthorityKind, generation: Option<u32>) -> Problem {
    let what = match generation {
        Some(generation) => format!("there is no {kind} authority {generation}"),
        None => format!("no {kind} authority signs"),
    };
    Problem::new(ErrorCode::AuthorityNotFound, what).fix_command("See the authorities", "devctl ca list")
}

fn target(kind: Shown) -> Target {
    Target::other("authority", of_model(kind).as_str())
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

fn policy_from(policy: CertificatePolicy) -> Result<CertPolicy, Problem> {
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
