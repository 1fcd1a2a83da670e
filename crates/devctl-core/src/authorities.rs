//! The lives of the authorities: made, trusted, signing, retired, revoked. Each step is one change of the record, then what
//! logins and clients read is published, then what is ours is signed anew; a crash in between is made good by the next
//! step, or by the next renewal.
//!
//! At every instant each certificate that is in use was signed by an authority that both sides trust: the next authority
//! is trusted before it signs, and the last one is trusted until nobody needs what it signed.

use crate::caller::Caller;
use crate::core::Core;
use crate::error::OrProblem;
use crate::record::Target;
use crate::signer::Signer;
use devctl_model::{
    AuthorityInfo, AuthorityKind as Shown, AuthorityList, AuthorityRef, ErrorCode, ExportAuthority,
    ExportedKey, ImportAuthority, Problem, RetireAuthority, RotationStep, SetAuthorityPolicy,
};
use devctl_ssh::AuthorityKind;
use devctl_store::{Authority as Recorded, AuthorityPhase};
use std::sync::Arc;
use std::time::Duration;

/// What a login may take from the moment when it reads its certificate until it is let in. What a step takes away or
/// brings into use is left alone that long after the step before, or a login that is under way would be refused.
const LOGIN_UNDER_WAY: Duration = Duration::from_secs(5);

mod shown;
mod steps;

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
        let act = self.after_logins(kind, move |signer| {
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
        let act = self.after_logins(kind, move |signer| {
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
        let (who, kind) = (caller.who.clone(), request.kind);
        let act = move |signer: &mut Signer<'_>| {
            signer.end(of_model(kind), request.now, request.revoke, &who)?;
            signer.authority_list()
        };
        let act = async {
            if request.now {
                self.signing(act).await
            } else {
                self.after_logins(kind, act).await
            }
        };
        self.recorded(caller, "retire_authority", target(kind), act).await
    }

    /// Does `act` once the logins have ended that began before the last step of a rotation. Nobody else is held up
    /// while it waits; who took a step in the meantime is waited for too.
    async fn after_logins<T: Send + 'static>(
        self: &Arc<Self>,
        kind: Shown,
        act: impl FnOnce(&mut Signer<'_>) -> Result<T, Problem> + Clone + Send + 'static,
    ) -> Result<T, Problem> {
        loop {
            let act = act.clone();
            let done = self.signing(move |signer| {
                let rest = signer.logins_rest(of_model(kind))?;
                if rest.is_zero() {
                    act(signer).map(Ok)
                } else {
                    Ok(Err(rest))
                }
            });
            match done.await? {
                Ok(done) => return Ok(done),
                Err(rest) => tokio::time::sleep(rest).await,
            }
        }
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
            let policy = request.policy.map(shown::policy_from).transpose()?;
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
