//! Keys as doors show them.

use super::rotation::Retirements;
use super::{ACCESS, is_access};
use crate::clock;
use crate::error::OrProblem;
use crate::revocations::parsed;
use crate::signer::{Signer, fingerprint};
use crate::ssh_files::certificate_in;
use devctl_model::{KeyOrigin as ShownOrigin, KeyProtection, KeyRecord, KeyState as ShownState, Problem};
use devctl_ssh::{AccessKeyFiles, KeyError, KeyName, PublicKey, SshError, key_type, weakness};
use devctl_store::{Key, KeyOrigin, KeyState, PassphraseOf, StoreError};

impl Signer<'_> {
    /// All keys: the access key, those that it has replaced, and the person's own by name.
    pub(super) fn key_records(&self) -> Result<Vec<KeyRecord>, Problem> {
        self.settle_records()?;
        let retirements = Retirements::read(&self.config)?;
        let mut records = Vec::new();
        let mut access = self.config.ssh().access_keys().or_problem()?;
        let current = access.pop();
        for (files, state) in current
            .iter()
            .map(|files| (files, ShownState::Active))
            .chain(access.iter().rev().map(|files| (files, ShownState::Retiring)))
        {
            if let Some(public) = files.public_key().or_problem()? {
                records.push(self.access_record(files, &public, state, &retirements)?);
            }
        }
        for key in self.store.keys().or_problem()? {
            records.push(self.shown_key(key, &retirements)?);
        }
        Ok(records)
    }

    /// The key of that name.
    pub(super) fn key_record(&self, name: &str) -> Result<KeyRecord, Problem> {
        if !is_access(name) {
            // A name that no key can have is told as that.
            KeyName::new(name).map_err(SshError::from).or_problem()?;
        }
        let found = self.key_records()?.into_iter().find(|one| one.name == name);
        match found {
            Some(found) => Ok(found),
            None => Err(StoreError::KeyUnknown {
                name: name.to_owned(),
            })
            .or_problem(),
        }
    }

    pub(super) fn access_record(
        &self,
        files: &AccessKeyFiles,
        public: &PublicKey,
        state: ShownState,
        retirements: &Retirements,
    ) -> Result<KeyRecord, Problem> {
        let current = state == ShownState::Active;
        let print = fingerprint(public);
        Ok(KeyRecord {
            name: if current {
                ACCESS.to_owned()
            } else {
                format!("{ACCESS}-{}", files.generation)
            },
            key_type: key_type(public),
            public_key: crate::revocations::written(public)?,
            origin: ShownOrigin::Generated,
            protection: KeyProtection::FileMode,
            state,
            replaced_by: (!current).then(|| ACCESS.to_owned()),
            retires_at: (!current)
                .then(|| retirements.of(&print).map(clock::seconds_text))
                .flatten(),
            weakness: None,
            path: Some(files.private.display().to_string()),
            certificate: certificate_in(&self.config, &files.certificate),
            created_at: None,
            fingerprint: print,
        })
    }

    fn shown_key(&self, key: Key, retirements: &Retirements) -> Result<KeyRecord, Problem> {
        let public = parsed(&key.public_line)?;
        let keys = self.config.ssh().keys();
        let name = KeyName::new(&key.name).map_err(SshError::from).or_problem()?;
        let here = key.passphrase != PassphraseOf::Nobody;
        Ok(KeyRecord {
            key_type: key_type(&public),
            public_key: key.public_line,
            origin: match key.origin {
                KeyOrigin::Generated => ShownOrigin::Generated,
                KeyOrigin::Imported => ShownOrigin::Imported,
                KeyOrigin::Public => ShownOrigin::Public,
            },
            protection: match key.passphrase {
                PassphraseOf::Vault => KeyProtection::Vault,
                PassphraseOf::Person => KeyProtection::Passphrase,
                PassphraseOf::PersonInVault => KeyProtection::RememberedPassphrase,
                PassphraseOf::Nobody => KeyProtection::NotHere,
            },
            state: match key.state {
                KeyState::Active => ShownState::Active,
                KeyState::Retiring => ShownState::Retiring,
                KeyState::Revoked => ShownState::Revoked,
            },
            replaced_by: key.replaced_by,
            retires_at: (key.state == KeyState::Retiring)
                .then(|| retirements.of(&key.fingerprint).map(clock::seconds_text))
                .flatten(),
            weakness: weakness(&public).map(|weakness| weakness.to_string()),
            path: here.then(|| keys.private_path(&name).display().to_string()),
            certificate: certificate_in(&self.config, &keys.certificate_path(&name)).filter(|_| here),
            created_at: Some(clock::millis_text(key.created_at)),
            fingerprint: key.fingerprint,
            name: key.name,
        })
    }

    /// Finishes the keys that were being made when a process was killed: those that are recorded get their place, the
    /// others were never anybody's.
    pub(super) fn settle_new_keys(&self) -> Result<(), Problem> {
        let keys = self.config.ssh().keys();
        for name in keys.unfinished().or_problem()? {
            match self.store.key(name.as_str()) {
                Ok(recorded) => match keys.finish(&name, &recorded.public_line) {
                    // Somebody has put another key there; which one it is, its record says from now on.
                    Err(SshError::Key(KeyError::NameTaken { .. })) => keys.give_up(&name).or_problem()?,
                    done => done.or_problem()?,
                },
                Err(StoreError::KeyUnknown { .. }) => keys.give_up(&name).or_problem()?,
                Err(error) => return Err(error).or_problem(),
            }
        }
        Ok(())
    }

    /// Makes the record of a key that of its file, where a rotation was cut off between the two.
    pub(super) fn settle_records(&self) -> Result<(), Problem> {
        self.settle_new_keys()?;
        let recorded = self.store.keys().or_problem()?;
        if recorded.is_empty() {
            return Ok(());
        }
        let held = self.config.ssh().keys().contents().or_problem()?.keys;
        for key in recorded {
            let Some(file) = held.iter().find(|file| file.name.as_str() == key.name) else {
                continue;
            };
            let print = fingerprint(&file.public_key);
            if key.passphrase != PassphraseOf::Nobody && print != key.fingerprint {
                let public_line = crate::revocations::written(&file.public_key)?;
                self.store
                    .update_key(&Key {
                        fingerprint: print,
                        public_line,
                        ..key
                    })
                    .or_problem()?;
            }
        }
        Ok(())
    }
}
