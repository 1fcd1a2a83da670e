//! The names of the secrets, and whom each is for: what is known without opening the vault.
//!
//! It is one small file, because a login reads it. It holds no value. The vault is written before it and cleared before
//! it, so that a name in it without a value is the remains of a removal that was cut off, and nothing else.

use crate::config::CoreConfig;
use crate::error::OrProblem;
use devctl_files::{FileLock, Mode};
use devctl_model::{ErrorCode, Problem, SecretDelivery, SecretInfo, SecretScope as Scope};
use devctl_secrets::{SecretName, SecretScope};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The version of this file.
const VERSION: u32 = 1;

/// All secrets, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Index {
    version: u32,
    secrets: Vec<Row>,
    /// Those that were asked for and left empty.
    #[serde(default)]
    declined: Vec<String>,
}

/// A secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    /// `person/NAME` or `container/SUBJECT/NAME`.
    secret: String,
    pub(crate) delivery: SecretDelivery,
    pub(crate) changed_at: String,
    /// What the subject stands for, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source: Option<String>,
}

impl Default for Index {
    fn default() -> Self {
        Self {
            version: VERSION,
            secrets: Vec::new(),
            declined: Vec::new(),
        }
    }
}

impl Row {
    /// Its name; none for what no version of ours has written.
    pub(crate) fn name(&self) -> Option<SecretName> {
        SecretName::from_entry(&format!("secret/{}", self.secret))
            .ok()
            .flatten()
    }

    /// As doors show it.
    pub(crate) fn shown(&self) -> Option<SecretInfo> {
        let name = self.name()?;
        Some(SecretInfo {
            name: name.name().to_owned(),
            scope: match name.scope() {
                SecretScope::Person => Scope::Person,
                SecretScope::Container(_) => Scope::Container,
                SecretScope::Template(_) => return None,
            },
            source: self.source.clone(),
            delivery: self.delivery,
            changed_at: self.changed_at.clone(),
        })
    }
}

impl Index {
    fn path(config: &CoreConfig) -> PathBuf {
        config.state_dir.join("secrets.json")
    }

    /// Reads it; an empty one where there is none.
    pub(crate) fn read(config: &CoreConfig) -> Result<Self, Problem> {
        let path = Self::path(config);
        let Some(bytes) = devctl_files::read_optional(&path).or_problem()? else {
            return Ok(Self::default());
        };
        let damaged = |why: String| {
            Problem::new(
                ErrorCode::SecretsUnavailable,
                format!("the names of the secrets in {} cannot be read", path.display()),
            )
            .why(why)
            .fix("Restore the file from a backup, or remove it and set the secrets again")
            .safe("the values are in the vault")
        };
        let index: Self = serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
        if index.version > VERSION {
            return Err(damaged(format!("it has version {}", index.version)).fix("Update devctl"));
        }
        Ok(index)
    }

    /// Changes it, one process at a time.
    pub(crate) fn change<T>(
        config: &CoreConfig,
        work: impl FnOnce(&mut Self) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        devctl_files::ensure_private_dir(&config.locks()).or_problem()?;
        let _lock = FileLock::acquire(&config.locks().join("secrets.lock")).or_problem()?;
        let mut index = Self::read(config)?;
        let before = index.clone();
        let done = work(&mut index)?;
        if index != before {
            let text = serde_json::to_vec_pretty(&index).map_err(|error| {
                Problem::new(ErrorCode::Internal, "the names of the secrets cannot be written")
                    .why(error.to_string())
            })?;
            devctl_files::write_atomic(&Self::path(config), &text, Mode::PRIVATE).or_problem()?;
        }
        Ok(done)
    }

    /// Everything, sorted.
    pub(crate) fn rows(&self) -> &[Row] {
        &self.secrets
    }

    /// One secret.
    pub(crate) fn row(&self, name: &SecretName) -> Option<&Row> {
        let name = name.to_string();
        self.secrets.iter().find(|row| row.secret == name)
    }

    /// What a container of this subject is given: the person's, and its own, which win.
    pub(crate) fn of(&self, subject: Option<&str>) -> Vec<(SecretName, SecretDelivery)> {
        let mut found: Vec<(SecretName, SecretDelivery)> = self
            .secrets
            .iter()
            .filter_map(|row| Some((row.name()?, row.delivery)))
            .filter(|(name, _)| match name.scope() {
                SecretScope::Person => true,
                SecretScope::Container(of) => subject == Some(of.as_str()),
                SecretScope::Template(_) => false,
            })
            .collect();
        let own: Vec<String> = found
            .iter()
            .filter(|(name, _)| *name.scope() != SecretScope::Person)
            .map(|(name, _)| name.name().to_owned())
            .collect();
        found.retain(|(name, _)| {
            *name.scope() != SecretScope::Person || !own.iter().any(|other| other == name.name())
        });
        found
    }

    /// Notes a secret; it was not declined then.
    pub(crate) fn set(
        &mut self,
        name: &SecretName,
        delivery: SecretDelivery,
        changed_at: String,
        source: Option<String>,
    ) {
        let secret = name.to_string();
        self.secrets.retain(|row| row.secret != secret);
        self.declined.retain(|declined| *declined != secret);
        self.secrets.push(Row {
            secret,
            delivery,
            changed_at,
            source,
        });
        self.secrets.sort_by(|one, other| one.secret.cmp(&other.secret));
    }

    /// Forgets a secret; says whether it was there.
    pub(crate) fn remove(&mut self, name: &SecretName) -> bool {
        let secret = name.to_string();
        let before = self.secrets.len();
        self.secrets.retain(|row| row.secret != secret);
        self.secrets.len() != before
    }

    /// Notes that nobody wants to set it; says whether that is new.
    pub(crate) fn decline(&mut self, name: &SecretName) -> bool {
        let secret = name.to_string();
        if self.declined.contains(&secret) {
            return false;
        }
        self.declined.push(secret);
        self.declined.sort();
        true
    }

    pub(crate) fn is_declined(&self, name: &SecretName) -> bool {
        self.declined.contains(&name.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(scope: SecretScope, name: &str) -> SecretName {
        SecretName::new(scope, name).unwrap()
    }

    #[test]
    fn a_containers_own_secret_wins_over_the_persons_and_no_other_gets_it() {
        let mut index = Index::default();
        let of = |subject: &str| SecretScope::Container(subject.to_owned());
        for (scope, word, delivery) in [
            (SecretScope::Person, "A", SecretDelivery::Environment),
            (SecretScope::Person, "B", SecretDelivery::Environment),
            (of("app@1"), "B", SecretDelivery::File),
            (of("app@2"), "C", SecretDelivery::Environment),
        ] {
            index.set(&name(scope, word), delivery, "now".into(), None);
        }
        let given = |subject| -> Vec<String> {
            let found = index.of(subject);
            found.iter().map(|(name, _)| name.to_string()).collect()
        };
        assert_eq!(given(Some("app@1")), ["container/app@1/B", "person/A"]);
        assert_eq!(given(None), ["person/A", "person/B"]);
        assert_eq!(given(Some("app@3")), ["person/A", "person/B"]);
    }

    #[test]
    fn what_was_declined_is_remembered_until_it_is_set() {
        let folder = tempfile::tempdir().unwrap();
        let config = crate::testing::config(folder.path());
        let token = name(SecretScope::Person, "TOKEN");
        assert!(Index::change(&config, |index| Ok(index.decline(&token))).unwrap());
        assert!(!Index::change(&config, |index| Ok(index.decline(&token))).unwrap());
        assert!(Index::read(&config).unwrap().is_declined(&token));
        Index::change(&config, |index| {
            index.set(&token, SecretDelivery::File, "now".into(), None);
            Ok(())
        })
        .unwrap();
        let index = Index::read(&config).unwrap();
        assert!(!index.is_declined(&token) && index.row(&token).is_some());
    }

    #[test]
    fn a_file_of_a_later_version_or_a_damaged_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let config = crate::testing::config(folder.path());
        std::fs::create_dir_all(&config.state_dir).unwrap();
        for text in ["{", r#"{"version":2,"secrets":[]}"#] {
            std::fs::write(Index::path(&config), text).unwrap();
            assert_eq!(
                Index::read(&config).unwrap_err().code,
                ErrorCode::SecretsUnavailable
            );
        }
    }
}
