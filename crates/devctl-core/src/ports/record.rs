//! What a process that forwards says of itself, so that others see it and can ask it to stop: one small file for each
//! process and container, with a lock beside it that its process holds. What a dead process left behind is removed by
//! whoever looks next.

use crate::config::CoreConfig;
use crate::error::OrProblem;
use devctl_files::{FileLock, Mode};
use devctl_model::{PortForward, PortListener, Problem};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What is said.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Said {
    pub(super) container: String,
    pub(super) name: String,
    pub(super) process: u32,
    pub(super) forwards: Vec<PortForward>,
    pub(super) listeners: Vec<PortListener>,
}

/// The file of this process for one container. Dropping it removes it.
#[derive(Debug)]
pub(super) struct Record {
    base: PathBuf,
    _lock: FileLock,
}

/// A file of a process that lives.
#[derive(Debug)]
pub(super) struct Other {
    base: PathBuf,
    pub(super) said: Said,
}

impl Record {
    /// Makes one, with nothing said yet.
    pub(super) fn begin(config: &CoreConfig) -> Result<Self, Problem> {
        let folder = config.forwards();
        devctl_files::ensure_private_dir(&folder).or_problem()?;
        let base = folder.join(uuid::Uuid::now_v7().to_string());
        loop {
            let path = base.with_extension("lock");
            let lock = FileLock::acquire(&path).or_problem()?;
            // Between the making of the file and the lock somebody may have taken it for one that was left behind.
            if path.exists() {
                return Ok(Self { base, _lock: lock });
            }
        }
    }

    pub(super) fn say(&self, said: &Said) -> Result<(), Problem> {
        let text = serde_json::to_vec(said).map_err(|error| {
            Problem::new(
                devctl_model::ErrorCode::Internal,
                "the record of forwards could not be written",
            )
            .why(error.to_string())
        })?;
        devctl_files::write_if_changed(&self.base.with_extension("json"), &text, Mode::PRIVATE)
            .or_problem()?;
        Ok(())
    }

    /// The ports of a container on which agents listen for processes of ours.
    pub(super) fn reverses(&self, container: &str) -> Vec<String> {
        let Some(folder) = self.base.parent() else {
            return Vec::new();
        };
        let others = Other::in_folder(folder).into_iter().map(|other| other.said);
        others
            .filter(|said| said.container == container)
            .flat_map(|said| said.forwards)
            .filter(|forward| forward.direction == devctl_model::ForwardDirection::OutOfContainer)
            .filter_map(|forward| Some(forward.listen.rsplit_once(':')?.1.to_owned()))
            .collect()
    }

    /// The forwards that somebody asks to stop, by where they listen; none of them are all. Asked once.
    pub(super) fn asked_to_stop(&self) -> Option<Vec<String>> {
        let path = self.base.with_extension("stop");
        let text = std::fs::read(&path).ok()?;
        remove(&path);
        serde_json::from_slice(&text).ok()
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        for kind in ["json", "stop", "lock"] {
            remove(&self.base.with_extension(kind));
        }
    }
}

impl Other {
    /// Every process that lives, this one too; what dead ones left is removed.
    pub(super) fn all(config: &CoreConfig) -> Vec<Self> {
        Self::in_folder(&config.forwards())
    }

    fn in_folder(folder: &std::path::Path) -> Vec<Self> {
        let entries = std::fs::read_dir(folder);
        let mut all = Vec::new();
        for entry in entries.into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|kind| kind != "lock") {
                continue;
            }
            match FileLock::try_acquire(&path) {
                // Held by the process that made it.
                Ok(None) => {
                    let said = std::fs::read(path.with_extension("json")).ok();
                    if let Some(said) = said.and_then(|text| serde_json::from_slice(&text).ok()) {
                        all.push(Self {
                            base: path.with_extension(""),
                            said,
                        });
                    }
                }
                Ok(Some(lock)) => {
                    clear(&path);
                    drop(lock);
                }
                Err(error) => tracing::debug!(%error, "a record of forwards cannot be looked at"),
            }
        }
        all.sort_by(|a, b| a.base.cmp(&b.base));
        all
    }

    /// Asks that process to stop these, named by where they listen; with none, to stop all and to forward no more.
    pub(super) fn ask_to_stop(&self, listens: &[String]) -> Result<(), Problem> {
        let text = serde_json::to_vec(listens).unwrap_or_default();
        devctl_files::write_atomic(&self.base.with_extension("stop"), &text, Mode::PRIVATE).or_problem()?;
        Ok(())
    }

    /// Whether it still carries any of these.
    pub(super) fn still_carries(&self, listens: &[String]) -> bool {
        let is_dead = !matches!(FileLock::try_acquire(&self.base.with_extension("lock")), Ok(None));
        if is_dead {
            clear(&self.base);
            return false;
        }
        if listens.is_empty() {
            return true;
        }
        let said = std::fs::read(self.base.with_extension("json")).ok();
        let said: Option<Said> = said.and_then(|text| serde_json::from_slice(&text).ok());
        said.is_some_and(|said| {
            said.forwards
                .iter()
                .any(|forward| listens.contains(&forward.listen))
        })
    }
}

/// Removes what a dead process left: its files, and its sockets on which nobody listens any more.
fn clear(base: &std::path::Path) {
    #[cfg(unix)]
    {
        let said = std::fs::read(base.with_extension("json")).ok();
        let said: Option<Said> = said.and_then(|text| serde_json::from_slice(&text).ok());
        for forward in said.iter().flat_map(|said| &said.forwards) {
            let is_here = forward.direction == devctl_model::ForwardDirection::IntoContainer;
            let path = std::path::Path::new(&forward.listen);
            if is_here && path.is_absolute() && super::local::is_left_behind(path) {
                remove(path);
            }
        }
    }
    for kind in ["json", "stop", "lock"] {
        remove(&base.with_extension(kind));
    }
}

fn remove(path: &std::path::Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, path = %path.display(), "a record of forwards stays behind");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_living_record_is_seen_and_asked_and_a_dead_one_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let config = crate::testing::config(home.path());
        let record = Record::begin(&config).unwrap();
        let said = Said {
            name: "hello".into(),
            ..Said::default()
        };
        record.say(&said).unwrap();
        let seen = Other::all(&config);
        assert_eq!((seen.len(), &seen[0].said), (1, &said));
        seen[0].ask_to_stop(&["127.0.0.1:1".into()]).unwrap();
        assert_eq!(record.asked_to_stop(), Some(vec!["127.0.0.1:1".to_owned()]));
        assert_eq!(record.asked_to_stop(), None);
        // As a killed process leaves it: the lock is free, the files are there.
        let base = record.base.clone();
        drop(record);
        std::fs::write(base.with_extension("lock"), "").unwrap();
        std::fs::write(base.with_extension("json"), "{}").unwrap();
        assert!(Other::all(&config).is_empty());
        assert_eq!(std::fs::read_dir(config.forwards()).unwrap().count(), 0);
    }
}
