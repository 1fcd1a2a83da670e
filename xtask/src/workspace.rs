//! Where things are.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

/// The folder of the repository.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace that this program was built from.
    pub(crate) fn find() -> Result<Self> {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = own.parent().context("the xtask crate has no folder above it")?;
        Ok(Self {
            root: root.to_owned(),
        })
    }

    /// A workspace somewhere else, for the tests of `tidy`.
    #[cfg(test)]
    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// Where cargo puts what it builds.
    pub(crate) fn target(&self) -> PathBuf {
        match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => self.root.join(folder),
            None => self.join("target"),
        }
    }

    /// Where what is made once and kept lies: fixtures, agents, tools. Always below the repository, so that the
    /// other crates find it.
    pub(crate) fn kept(&self, name: &str) -> PathBuf {
        self.root.join("target").join(name)
    }

    /// A cargo command in the workspace. Its output is as cargo wants it, whatever cargo called us with.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new("cargo");
        command.current_dir(&self.root);
        // What cargo set for this program would make the crates of the next build look changed.
        for (name, _) in std::env::vars_os() {
            if name
                .to_str()
                .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
            {
                command.env_remove(name);
            }
        }
        command
    }

    /// A cargo command for what is delivered: never incremental, whatever the environment of a developer says, because
    /// that costs speed and size.
    pub(crate) fn release_cargo(&self) -> Command {
        let mut command = self.cargo();
        command.env("CARGO_INCREMENTAL", "0");
        command
    }

    /// An npm command in a folder of the workspace.
    pub(crate) fn npm(&self, folder: &str) -> Command {
        let mut command = Command::new("npm");
        command.current_dir(self.root.join(folder));
        command
    }
}
