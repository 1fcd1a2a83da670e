//! The rotation of the container access key.
//!
//! `ssh` opens its configuration, the certificate and the key one after the other, so nothing of what an `ssh` that runs
//! may still open is changed: the new key has file names of its own, and one write of the configuration leads to them.

use super::rotation::{Retirements, check_overlap};
use crate::error::OrProblem;
use crate::identity::write_client_config;
use crate::revocations::written;
use crate::signer::{Signer, fingerprint};
use devctl_model::{KeyState, Problem, RotatedKey};
use devctl_ssh::AccessKey;

impl Signer<'_> {
    /// Puts a new key in the place of the access key. The old one is revoked after `overlap` seconds, with 0 at once.
    pub(super) fn rotate_access_key(
        &mut self,
        overlap: u64,
        reason: &str,
        who: &str,
    ) -> Result<RotatedKey, Problem> {
        check_overlap(overlap)?;
        let old = self.access_key()?;
        let at = self.schedule(&old.fingerprint(), overlap)?;
        let new = AccessKey::make_next(&self.config.ssh(), &self.access_comment()).or_problem()?;
        if let Err(problem) = self.certify_user(reason) {
            // Without a certificate it would be a key for nothing; the old one goes on.
            new.files().remove().or_problem()?;
            self.unschedule(&old.fingerprint())?;
            write_client_config(&self.config)?;
            return Err(problem.safe("the access key was left as it was"));
        }
        self.retire_access_keys(who)?;
        let retirements = Retirements::read(&self.config)?;
        Ok(RotatedKey {
            key: self.access_record(new.files(), new.public_key(), KeyState::Active, &retirements)?,
            old_fingerprint: old.fingerprint(),
            retires_at: (overlap > 0).then(|| crate::clock::seconds_text(at)),
        })
    }

    /// Revokes the access keys whose overlap has ended, and removes their files.
    pub(super) fn retire_access_keys(&mut self, who: &str) -> Result<(), Problem> {
        let mut keys = self.config.ssh().access_keys().or_problem()?;
        keys.pop();
        let mut ended = Vec::new();
        for files in keys {
            let Some(public) = files.public_key().or_problem()? else {
                // Its certificates end by themselves; there is nothing that could be named in the list.
                ended.push((files, None));
                continue;
            };
            if self.is_retirement_due(&fingerprint(&public))? {
                ended.push((files, Some(public)));
            }
        }
        if ended.is_empty() {
            return Ok(());
        }
        // It names the key in use, also where the process that changed it was killed before it could say so.
        write_client_config(&self.config)?;
        for (files, public) in ended {
            if let Some(public) = &public {
                let line = written(public)?;
                self.revoke_key_line(&line, "another access key took its place", who)?;
                super::agent::forget(&self.config, &line);
            }
            files.remove().or_problem()?;
            if let Some(public) = &public {
                self.unschedule(&fingerprint(public))?;
            }
        }
        Ok(())
    }
}
