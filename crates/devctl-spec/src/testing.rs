//! A configuration on the disk, for tests.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::error::SpecError;
use crate::files::StdFiles;
use crate::local::{LocalEnv, Platform};
use crate::merge::{MergedConfig, merge};
use crate::metadata::{MetadataEntry, parse_label};
use crate::plan::{ContainerPlan, plan};
use crate::read::{ReadConfig, read};
use crate::trust::{TrustItem, wants};

/// A folder with one `.devcontainer/devcontainer.json`, below a folder that is outside of it.
#[derive(Debug)]
pub(crate) struct Bed {
    pub(crate) outside: TempDir,
    pub(crate) env: LocalEnv,
}

impl Bed {
    pub(crate) fn new(config: &Value) -> Self {
        Self::with_text(&serde_json::to_string_pretty(config).unwrap())
    }

    pub(crate) fn with_text(text: &str) -> Self {
        let outside = tempfile::tempdir().unwrap();
        let vars = [("USER", "ada"), ("TOKEN", "the-secret"), ("EMPTY", "")];
        let vars: BTreeMap<String, String> = vars
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let bed = Self {
            outside,
            env: LocalEnv {
                platform: Platform::Linux,
                vars,
            },
        };
        bed.write(".devcontainer/devcontainer.json", text);
        bed
    }

    pub(crate) fn folder(&self) -> std::path::PathBuf {
        self.outside.path().join("proj")
    }

    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.folder().join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub(crate) fn read(&self) -> Result<ReadConfig, SpecError> {
        read(&StdFiles, &self.folder(), None, &self.env)?.for_container()
    }

    pub(crate) fn merged(
        &self,
        label: &str,
    ) -> Result<(ReadConfig, Vec<MetadataEntry>, MergedConfig), SpecError> {
        let read = self.read()?;
        let entries = parse_label("image", Some(label), &read.variables)?;
        let merged = merge(&entries, &read)?;
        Ok((read, entries, merged))
    }

    pub(crate) fn plan(&self, label: &str) -> Result<ContainerPlan, SpecError> {
        let (read, _, merged) = self.merged(label)?;
        plan(&StdFiles, &read, &merged)
    }

    pub(crate) fn wants(&self, label: &str) -> Vec<TrustItem> {
        let (read, entries, merged) = self.merged(label).unwrap();
        let plan = plan(&StdFiles, &read, &merged).unwrap();
        wants(&StdFiles, &read, &entries, &merged, &plan).unwrap()
    }
}
