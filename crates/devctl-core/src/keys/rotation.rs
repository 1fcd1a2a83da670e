//! How a key makes way for another: the new one is there first, both are accepted while they overlap, and at the end the
//! old one is revoked and its files go. What was cut off is made good by the next renewal.

use super::{agent, algorithm_like, vault_entry};
use crate::config::CoreConfig;
use crate::error::OrProblem;
use crate::revocations::{parsed, written};
use crate::signer::Signer;
use devctl_files::Mode;
use devctl_model::{ErrorCode, Problem, RotatedKey};
use devctl_ssh::{KeyName, PublicKey, SshError, UserKey, read_revocation_list};
use devctl_store::{Key, KeyState, PassphraseOf, RevocationMeans};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// For how long an old key is still accepted, in seconds, where nobody says otherwise.
pub(super) const OVERLAP: u64 = 60 * 60;

/// Longer overlaps would leave a key in force that its owner takes for gone.
const LONGEST_OVERLAP: u64 = 90 * 24 * 60 * 60;

/// When the keys that were replaced are revoked: seconds since 1970 by fingerprint. A small file, since each `ssh` looks
/// into it.
#[derive(Debug, Default)]
pub(crate) struct Retirements(BTreeMap<String, u64>);

impl Retirements {
    fn file(config: &CoreConfig) -> PathBuf {
        config.state_dir.join("retiring_keys.json")
    }

    pub(super) fn read(config: &CoreConfig) -> Result<Self, Problem> {
        let path = Self::file(config);
        let Some(text) = devctl_files::read_optional(&path).or_problem()? else {
            return Ok(Self::default());
        };
        match serde_json::from_slice(&text) {
            Ok(retirements) => Ok(Self(retirements)),
            Err(error) => {
                // What is not known any more is due: an old key too little is better than one too many.
                tracing::warn!(%error, path = %path.display(), "old keys are revoked now");
                Ok(Self::default())
            }
        }
    }

    fn write(&self, config: &CoreConfig) -> Result<(), Problem> {
        let path = Self::file(config);
        if self.0.is_empty() {
            devctl_files::remove_if_there(&path).or_problem()?;
            return Ok(());
        }
        let text = serde_json::to_vec(&self.0).map_err(|error| {
            Problem::new(ErrorCode::Internal, "the times of old keys could not be written")
                .why(error.to_string())
        })?;
        devctl_files::write_if_changed(&path, &text, Mode::PRIVATE).or_problem()?;
        Ok(())
    }

    /// When the key is revoked.
    pub(super) fn of(&self, fingerprint: &str) -> Option<u64> {
        self.0.get(fingerprint).copied()
    }

    fn is_due(&self, fingerprint: &str, now: u64) -> bool {
        self.of(fingerprint).is_none_or(|at| at <= now)
    }
}

/// Whether a key that was replaced is to be revoked now, by small files alone: this runs before each `ssh`.
pub(crate) fn retirement_due(config: &CoreConfig) -> bool {
    let now = config.now_seconds();
    match Retirements::read(config) {
        Ok(retirements) if retirements.0.is_empty() => {
            config.ssh().access_keys().is_ok_and(|keys| keys.len() > 1)
        }
        Ok(retirements) => retirements.0.values().any(|at| *at <= now),
        // The renewal says what is wrong with the file.
        Err(_) => true,
    }
}

impl Signer<'_> {
    /// Says from when on an old key is not accepted any more.
    pub(super) fn schedule(&self, fingerprint: &str, overlap: u64) -> Result<u64, Problem> {
        let at = self.config.now_seconds().saturating_add(overlap);
        let mut retirements = Retirements::read(&self.config)?;
        retirements.0.insert(fingerprint.to_owned(), at);
        retirements.write(&self.config)?;
        Ok(at)
    }

    /// Puts a new key in the place of one of the person's own. The old one is kept aside until the overlap ends.
    pub(super) fn rotate_stored_key(
        &mut self,
        name: &str,
        overlap: u64,
        given: Option<&str>,
        who: &str,
    ) -> Result<RotatedKey, Problem> {
        check_overlap(overlap)?;
        self.settle_records()?;
        let key = self.stored_for_change(name)?;
        if key.state != KeyState::Active {
            return Err(Problem::new(
                ErrorCode::RequestInvalid,
                format!("{name} is not in use any more"),
            )
            .fix_command("Make another key", "devctl key generate NAME"));
        }
        let (old, passphrase) = self.open_key(&key, given)?;
        let comment = old.comment().to_owned();
        let fresh = UserKey::generate(algorithm_like(&old), &comment, &self.keygen()).or_problem()?;
        let keys = self.config.ssh().keys();
        let in_use = KeyName::new(name).map_err(SshError::from).or_problem()?;
        let certified = devctl_files::read_optional(&keys.certificate_path(&in_use))
            .or_problem()?
            .is_some();

        let at = self.schedule(&key.fingerprint, overlap)?;
        let aside = self.name_aside(name)?;
        if matches!(key.passphrase, PassphraseOf::Vault | PassphraseOf::PersonInVault) {
            self.vault()?
                .put(&vault_entry(aside.as_str()), passphrase.as_bytes())
                .or_problem()?;
        }
        self.store
            .add_key(&Key {
                name: aside.to_string(),
                state: KeyState::Retiring,
                replaced_by: Some(name.to_owned()),
                ..key.clone()
            })
            .or_problem()?;
        keys.copy(&in_use, &aside).or_problem()?;
        // The same passphrase: whichever of the two keys a crash leaves here, it opens it.
        keys.replace(&in_use, &fresh, passphrase.as_bytes())
            .or_problem()?;
        self.store
            .update_key(&Key {
                fingerprint: fresh.fingerprint(),
                public_line: written(fresh.public_key())?,
                ..key.clone()
            })
            .or_problem()?;
        if certified {
            let (certificate, _) = self.sign_for_owner(fresh.public_key(), None, "the key was rotated")?;
            keys.write_certificate(&in_use, &certificate).or_problem()?;
        }
        self.finish_rotations(who)?;
        Ok(RotatedKey {
            key: self.key_record(name)?,
            old_fingerprint: key.fingerprint,
            retires_at: (overlap > 0).then(|| crate::clock::seconds_text(at)),
        })
    }

    /// Ends the overlap of every key whose time has come.
    pub(crate) fn finish_rotations(&mut self, who: &str) -> Result<(), Problem> {
        let now = self.config.now_seconds();
        self.retire_access_keys(who)?;
        self.settle_records()?;
        let retirements = Retirements::read(&self.config)?;
        let recorded = self.store.keys().or_problem()?;
        let retiring = recorded.iter().filter(|key| key.state == KeyState::Retiring);
        for key in retiring.filter(|key| retirements.is_due(&key.fingerprint, now)) {
            let still_used = recorded
                .iter()
                .any(|other| other.state == KeyState::Active && other.fingerprint == key.fingerprint);
            if !still_used {
                let reason = format!(
                    "{} took its place",
                    key.replaced_by.as_deref().unwrap_or("another key")
                );
                self.revoke_key_line(&key.public_line, &reason, who)?;
            }
            self.end_key(key)?;
            if still_used {
                // The rotation was cut off before the new key was in its place: there is nothing to retire.
                self.store.remove_key(&key.name).or_problem()?;
            }
            self.unschedule(&key.fingerprint)?;
        }
        Ok(())
    }

    /// Marks a key as revoked. Its private half opens nothing any more, so it goes, also from the agent.
    fn end_key(&mut self, key: &Key) -> Result<(), Problem> {
        agent::forget(&self.config, &key.public_line);
        let name = KeyName::new(&key.name).map_err(SshError::from).or_problem()?;
        self.config.ssh().keys().remove(&name).or_problem()?;
        if matches!(key.passphrase, PassphraseOf::Vault | PassphraseOf::PersonInVault) {
            self.vault()?.delete(&vault_entry(&key.name)).or_problem()?;
        }
        self.store
            .update_key(&Key {
                state: KeyState::Revoked,
                passphrase: PassphraseOf::Nobody,
                ..key.clone()
            })
            .or_problem()
    }

    /// After a revocation: keys that are in the list are marked and leave the agent; for the access key another one
    /// takes its place. Says whether the access key was revoked.
    pub(crate) fn follow_revocations(&mut self, who: &str) -> Result<bool, Problem> {
        let Some(list) = read_revocation_list(&self.config.revocation_list()).or_problem()? else {
            return Ok(false);
        };
        let revoked = |key: &PublicKey| list.revokes_key(key).ok().flatten().is_some();
        for key in self.store.keys().or_problem()? {
            if key.state != KeyState::Revoked && revoked(&parsed(&key.public_line)?) {
                agent::forget(&self.config, &key.public_line);
                self.unschedule(&key.fingerprint)?;
                self.store
                    .update_key(&Key {
                        state: KeyState::Revoked,
                        ..key
                    })
                    .or_problem()?;
            }
        }
        let held = self.config.ssh().access_key().or_problem()?;
        let own = held.public_key().or_problem()?.as_ref().is_some_and(revoked);
        if own {
            self.rotate_access_key(0, "the access key was revoked", who)?;
        }
        Ok(own)
    }

    pub(super) fn unschedule(&self, fingerprint: &str) -> Result<(), Problem> {
        let mut retirements = Retirements::read(&self.config)?;
        if retirements.0.remove(fingerprint).is_some() {
            retirements.write(&self.config)?;
        }
        Ok(())
    }

    pub(super) fn is_retirement_due(&self, fingerprint: &str) -> Result<bool, Problem> {
        let retirements = Retirements::read(&self.config)?;
        Ok(retirements.is_due(fingerprint, self.config.now_seconds()))
    }

    /// Revokes a key with all its certificates; nothing happens where it is revoked already.
    pub(super) fn revoke_key_line(&mut self, line: &str, reason: &str, who: &str) -> Result<(), Problem> {
        let key = PublicKey::new(parsed(line)?.key_data().clone(), "");
        let list = read_revocation_list(&self.config.revocation_list()).or_problem()?;
        if list.is_some_and(|list| list.revokes_key(&key).ok().flatten().is_some()) {
            return Ok(());
        }
        self.revoke_recorded(RevocationMeans::Key, "", &written(&key)?, who, reason)
    }

    /// The first free name for the old key.
    fn name_aside(&self, name: &str) -> Result<KeyName, Problem> {
        for number in 1..=9999 {
            let aside = KeyName::new(format!("{name}-{number}"))
                .map_err(SshError::from)
                .or_problem()?;
            if self.refuse_taken(&aside).is_ok() {
                return Ok(aside);
            }
        }
        Err(Problem::new(
            ErrorCode::KeyExists,
            format!("{name} was rotated too often to keep the old key aside"),
        )
        .fix_command("Remove old ones", format!("devctl key remove {name}-1")))
    }
}

/// An overlap that can be meant.
pub(super) fn check_overlap(seconds: u64) -> Result<(), Problem> {
    if seconds > LONGEST_OVERLAP {
        return Err(Problem::new(
            ErrorCode::RequestInvalid,
            format!("an overlap of {seconds} s is too long"),
        )
        .fix("The longest is 90 days")
        .safe("the key was left as it was"));
    }
    Ok(())
}
