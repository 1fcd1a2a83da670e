//! What is kept of a container for its idle stop: the choices of people, and a stop that was announced.

use crate::config::CoreConfig;
use crate::error::OrProblem;
use devctl_files::{FileLock, Mode};
use devctl_model::{ErrorCode, Problem};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What is kept of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Record {
    /// Minutes of idleness after which it is stopped; 0 is never, none is what the setting says.
    pub(super) stop_after_minutes: Option<u32>,
    /// Kept awake until then, in seconds since 1970.
    pub(super) awake_until: Option<u64>,
    /// It was announced that it is stopped then, in seconds since 1970.
    pub(super) stops_at: Option<u64>,
}

impl Record {
    /// What is kept; nothing where it cannot be read.
    pub(super) fn read(config: &CoreConfig, alias: &str) -> Self {
        let Ok(text) = std::fs::read(path(config, alias)) else {
            return Self::default();
        };
        serde_json::from_slice(&text).unwrap_or_else(|error| {
            tracing::warn!(%error, alias, "the idle rules of a container cannot be read; the settings count");
            Self::default()
        })
    }
}

/// Changes what is kept, one process at a time.
pub(super) fn change(
    config: &CoreConfig,
    alias: &str,
    change: impl FnOnce(&mut Record),
) -> Result<(), Problem> {
    devctl_files::ensure_private_dir(&folder(config)).or_problem()?;
    devctl_files::ensure_private_dir(&config.locks()).or_problem()?;
    let _lock = FileLock::acquire(&config.locks().join("idle.lock")).or_problem()?;
    let before = Record::read(config, alias);
    let mut record = before.clone();
    change(&mut record);
    if record == before {
        return Ok(());
    }
    if record == Record::default() {
        remove(config, alias);
        return Ok(());
    }
    let text = serde_json::to_vec(&record).map_err(|error| {
        Problem::new(ErrorCode::Internal, "the idle rules could not be written").why(error.to_string())
    })?;
    devctl_files::write_if_changed(&path(config, alias), &text, Mode::PRIVATE).or_problem()?;
    Ok(())
}

/// Whether anything is kept of any container.
pub(super) fn any(config: &CoreConfig) -> bool {
    std::fs::read_dir(folder(config)).is_ok_and(|mut folder| folder.next().is_some())
}

/// Another name, the same rules.
pub(super) fn renamed(config: &CoreConfig, from: &str, to: &str) {
    if let Err(error) = std::fs::rename(path(config, from), path(config, to))
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, from, to, "the idle rules did not follow the name");
    }
}

/// Forgets a container.
pub(super) fn remove(config: &CoreConfig, alias: &str) {
    if let Err(error) = std::fs::remove_file(path(config, alias))
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, alias, "the idle rules of a container stay behind");
    }
}

fn folder(config: &CoreConfig) -> PathBuf {
    config.state_dir.join("idle")
}

fn path(config: &CoreConfig, alias: &str) -> PathBuf {
    // Names of containers that were made elsewhere are theirs; no path comes of them.
    let name: String = alias
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(200)
        .collect();
    folder(config).join(format!("{name}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_stays_and_goes() {
        let home = tempfile::tempdir().unwrap();
        let config = crate::testing::config(home.path());
        assert_eq!(Record::read(&config, "hello"), Record::default());
        change(&config, "hello", |record| record.stop_after_minutes = Some(30)).unwrap();
        change(&config, "hello", |record| record.awake_until = Some(9)).unwrap();
        let kept = Record::read(&config, "hello");
        assert_eq!((kept.stop_after_minutes, kept.awake_until), (Some(30), Some(9)));
        change(&config, "hello", |record| *record = Record::default()).unwrap();
        assert_eq!(std::fs::read_dir(folder(&config)).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_file_is_as_none_and_a_name_is_no_path() {
        let home = tempfile::tempdir().unwrap();
        let config = crate::testing::config(home.path());
        change(&config, "hello", |record| record.stop_after_minutes = Some(1)).unwrap();
        std::fs::write(path(&config, "hello"), b"{").unwrap();
        assert_eq!(Record::read(&config, "hello"), Record::default());
        assert_eq!(path(&config, "../x").parent(), Some(folder(&config).as_path()));
    }
}
