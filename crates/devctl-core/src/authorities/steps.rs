//! The steps of a rotation, forward and back, and how an authority comes and goes.

use super::{LOGIN_UNDER_WAY, Lives, not_found, of_model};
use crate::error::OrProblem;
use crate::identity;
use crate::keys::refuse_short_passphrase;
use crate::signer::{Signer, fingerprint, kind_of, public_key, stored, trust_file, unreachable, vault_name};
use devctl_model::{ErrorCode, ExportAuthority, ExportedKey, ImportAuthority, Problem, RotationStep};
use devctl_ssh::{Authority, AuthorityKind};
use devctl_store::{Authority as Recorded, AuthorityPhase, KeptIn, NewAuthority, RevocationMeans};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

impl Signer<'_> {
    pub(super) fn lives(&self, kind: AuthorityKind) -> Result<Lives, Problem> {
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

    pub(super) fn make_next(&mut self, kind: AuthorityKind) -> Result<Recorded, Problem> {
        let generation = Self::next_generation(&self.lives(kind)?)?;
        let authority = self.make(kind, generation)?;
        self.record(&authority, KeptIn::Vault, AuthorityPhase::New)?;
        self.found(kind, Some(generation))
    }

    pub(super) fn bring(&mut self, request: &ImportAuthority) -> Result<Recorded, Problem> {
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

    /// For how long the logins are still waited for that began before the last step of a rotation.
    pub(super) fn logins_rest(&self, kind: AuthorityKind) -> Result<Duration, Problem> {
        let all = self.lives(kind)?.all;
        let trusted = all.iter().filter(|one| one.phase.is_trusted());
        // A single authority is not in the middle of a rotation.
        if trusted.clone().count() < 2 {
            return Ok(Duration::ZERO);
        }
        let changed = trusted.map(|one| one.changed_at).max();
        let changed = changed
            .and_then(|at| u64::try_from(at).ok())
            .map(|at| SystemTime::UNIX_EPOCH + Duration::from_millis(at));
        // A step is over once what it published is there, which is later than its record.
        let files = self.published(kind);
        let written = files
            .iter()
            .filter_map(|file| std::fs::metadata(file).ok()?.modified().ok());
        let Some(last) = changed.into_iter().chain(written).max() else {
            return Ok(Duration::ZERO);
        };
        // A step of the future is one of a clock that was wrong then: it may have been a moment ago.
        let passed = (self.config.clock)().duration_since(last).unwrap_or_default();
        Ok(LOGIN_UNDER_WAY.saturating_sub(passed))
    }

    /// What a step of a rotation writes for logins and clients to read.
    fn published(&self, kind: AuthorityKind) -> Vec<PathBuf> {
        let config = &self.config;
        let mut files = vec![trust_file(config, kind)];
        match kind {
            AuthorityKind::User => files.extend(config.ssh().access_key().ok().map(|key| key.certificate)),
            AuthorityKind::Host => files.extend(
                identity::known(config)
                    .iter()
                    .filter_map(|access| config.host_keys().ensure(&access.container).ok())
                    .map(|key| key.certificate_path().to_owned()),
            ),
        }
        files
    }

    /// One step forward.
    pub(super) fn step(&mut self, kind: AuthorityKind, who: &str) -> Result<(), Problem> {
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
    pub(super) fn step_back(&mut self, kind: AuthorityKind) -> Result<(), Problem> {
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
    pub(super) fn end(
        &mut self,
        kind: AuthorityKind,
        now: bool,
        revoke: bool,
        who: &str,
    ) -> Result<(), Problem> {
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

    pub(super) fn give(&mut self, request: &ExportAuthority) -> Result<ExportedKey, Problem> {
        let recorded = self.found(of_model(request.kind), request.generation)?;
        let private_key = match &request.passphrase {
            None => None,
            Some(passphrase) => {
                refuse_short_passphrase(passphrase, "an authority")?;
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
}

/// What an agent holds, where it is a key without a certificate.
fn plain_key(held: &devctl_ssh::AgentIdentity) -> Option<&devctl_ssh::PublicKey> {
    match &held.key {
        devctl_ssh::IdentityKey::Key(key) => Some(key),
        devctl_ssh::IdentityKey::Certificate(_) | devctl_ssh::IdentityKey::Unknown { .. } => None,
    }
}
