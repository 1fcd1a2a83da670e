//! Containers that somebody else made and that are ours to enter.
//!
//! No label can be added to a container that exists, so what a label would say is kept in a small file here and put over
//! what the engine says. Everything that goes by labels finds such a container like any other.

use crate::config::CoreConfig;
use crate::error::OrProblem;
use devctl_engine::ContainerSummary;
use devctl_files::Mode;
use devctl_model::{ErrorCode, Problem};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What is kept of one container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Adopted {
    /// The engine's address.
    pub(crate) url: String,
    /// Put over the labels of the container.
    pub(crate) labels: BTreeMap<String, String>,
    /// `remoteEnv` of what it was made with; null takes a variable out.
    #[serde(default)]
    pub(crate) remote_env: indexmap::IndexMap<String, Option<String>>,
}

fn folder(config: &CoreConfig) -> PathBuf {
    config.state_dir.join("adopted")
}

/// Where a container's record lies; none for what cannot be an id.
fn path(config: &CoreConfig, id: &str) -> Option<PathBuf> {
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| folder(config).join(format!("{id}.json")))
}

/// The adopted containers of one engine, by id. A record that cannot be read is none: the container is another's then.
pub(crate) fn on(config: &CoreConfig, url: &str) -> BTreeMap<String, Adopted> {
    let Ok(entries) = std::fs::read_dir(folder(config)) else {
        return BTreeMap::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| {
            let id = name.strip_suffix(".json")?.to_owned();
            let adopted = read(config, &id).filter(|adopted| adopted.url == url)?;
            Some((id, adopted))
        })
        .collect()
}

/// What is kept of a container.
pub(crate) fn read(config: &CoreConfig, id: &str) -> Option<Adopted> {
    let text = std::fs::read(path(config, id)?).ok()?;
    match serde_json::from_slice(&text) {
        Ok(adopted) => Some(adopted),
        Err(error) => {
            tracing::warn!(%error, id, "the record of an adopted container cannot be read");
            None
        }
    }
}

/// Whether a container was adopted, by one look at the disk.
pub(crate) fn is_known(config: &CoreConfig, id: &str) -> bool {
    path(config, id).is_some_and(|path| path.is_file())
}

/// Keeps a record.
pub(crate) fn write(config: &CoreConfig, id: &str, adopted: &Adopted) -> Result<(), Problem> {
    let failed = |why: String| {
        Problem::new(
            ErrorCode::Internal,
            "the record of an adopted container could not be written",
        )
        .why(why)
    };
    let path = path(config, id).ok_or_else(|| failed(format!("{id:?} is no id")))?;
    devctl_files::ensure_private_dir(&folder(config)).or_problem()?;
    let text = serde_json::to_vec_pretty(adopted).map_err(|error| failed(error.to_string()))?;
    devctl_files::write_if_changed(&path, &text, Mode::PRIVATE).or_problem()?;
    Ok(())
}

/// Forgets a container; one that is not known is none.
pub(crate) fn remove(config: &CoreConfig, id: &str) {
    if let Some(path) = path(config, id)
        && let Err(error) = std::fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        tracing::warn!(%error, id, "the record of an adopted container stays behind");
    }
}

/// Puts what is kept over what the engine says.
pub(crate) fn over(all: &BTreeMap<String, Adopted>, mut summary: ContainerSummary) -> ContainerSummary {
    if let Some(adopted) = all.get(&summary.id) {
        summary.labels.extend(adopted.labels.clone());
    }
    summary
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_kept_by_engine_and_a_damaged_one_is_none() {
        let home = tempfile::tempdir().unwrap();
        let config = crate::testing::config(home.path());
        std::fs::create_dir_all(&config.state_dir).unwrap();
        let record = Adopted {
            url: "unix:///a".into(),
            labels: BTreeMap::from([("k".to_owned(), "v".to_owned())]),
            remote_env: indexmap::IndexMap::new(),
        };
        write(&config, "ab12", &record).unwrap();
        assert!(write(&config, "../x", &record).is_err());
        assert_eq!(on(&config, "unix:///a").get("ab12"), Some(&record));
        assert!(on(&config, "unix:///b").is_empty());
        assert!(is_known(&config, "ab12") && !is_known(&config, "../../etc/passwd"));
        std::fs::write(path(&config, "cd34").unwrap(), "{").unwrap();
        assert_eq!(on(&config, "unix:///a").len(), 1);
        remove(&config, "ab12");
        remove(&config, "ab12");
        assert!(!is_known(&config, "ab12"));
    }
}
