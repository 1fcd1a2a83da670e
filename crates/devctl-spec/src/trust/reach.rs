//! Whether a path of the host lies in the workspace, with links followed.

use std::path::{Component, Path, PathBuf};

use crate::error::SpecError;
use crate::files::Files;
use crate::read::ReadConfig;

/// The folders that count as the workspace: the opened one, and the git working tree that is mounted with it.
#[derive(Debug)]
pub(super) struct Reach<'a> {
    files: &'a dyn Files,
    inside: Vec<PathBuf>,
}

impl<'a> Reach<'a> {
    pub(super) fn new(files: &'a dyn Files, read: &ReadConfig) -> Result<Self, SpecError> {
        let mut reach = Self {
            files,
            inside: Vec::new(),
        };
        let folders = std::iter::once(&read.folder).chain(&read.workspace.git_root);
        for folder in folders.filter(|folder| folder.is_absolute()) {
            if let Some(real) = reach.real(folder)? {
                reach.inside.push(real);
            }
        }
        Ok(reach)
    }

    /// Whether the path, with all links followed, lies in the workspace. A path that cannot be told is outside.
    pub(super) fn is_inside(&self, path: &Path) -> Result<bool, SpecError> {
        let real = self.real(path)?;
        Ok(real.is_some_and(|real| self.inside.iter().any(|folder| real.starts_with(folder))))
    }

    /// Where a path really leads, if that is not where it says.
    pub(super) fn elsewhere(&self, path: &Path) -> Result<Option<PathBuf>, SpecError> {
        Ok(self.real(path)?.filter(|real| real != path))
    }

    /// The path without links; what does not exist yet is taken from its nearest existing parent. `None` where that
    /// cannot be told, because dots follow what does not exist.
    fn real(&self, path: &Path) -> Result<Option<PathBuf>, SpecError> {
        for ancestor in path.ancestors() {
            let real = self
                .files
                .canonical(ancestor)
                .map_err(|source| SpecError::Unreadable {
                    path: ancestor.to_path_buf(),
                    source,
                })?;
            if let Some(real) = real {
                let rest = path.strip_prefix(ancestor).unwrap_or(Path::new(""));
                let is_plain = rest.components().all(|part| matches!(part, Component::Normal(_)));
                // Joined with nothing, a path would end with a slash.
                return Ok(is_plain.then(|| real.components().chain(rest.components()).collect()));
            }
        }
        Ok(None)
    }
}
