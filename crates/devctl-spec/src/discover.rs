//! Where configurations are found.

use std::path::{Path, PathBuf};

use crate::error::SpecError;
use crate::files::Files;

const FOLDER: &str = ".devcontainer";
const FILE: &str = "devcontainer.json";

/// All configurations of a folder in the order of the contract: `.devcontainer/devcontainer.json`,
/// `.devcontainer.json`, then `.devcontainer/<folder>/devcontainer.json`, one level deep, by name.
///
/// # Errors
/// [`SpecError::Unreadable`] where `.devcontainer` cannot be listed.
pub fn discover(files: &dyn Files, folder: &Path) -> Result<Vec<PathBuf>, SpecError> {
    let inner = folder.join(FOLDER);
    let mut found: Vec<PathBuf> = [inner.join(FILE), folder.join(".devcontainer.json")]
        .into_iter()
        .filter(|path| files.is_file(path))
        .collect();
    let names = files.list(&inner).map_err(|source| SpecError::Unreadable {
        path: inner.clone(),
        source,
    })?;
    found.extend(
        names
            .iter()
            .map(|name| inner.join(name).join(FILE))
            .filter(|path| files.is_file(path)),
    );
    Ok(found)
}

/// The configuration to use: the chosen one, or the only one.
///
/// # Errors
/// [`SpecError::NotFound`] and [`SpecError::Ambiguous`].
pub fn choose(files: &dyn Files, folder: &Path, chosen: Option<&Path>) -> Result<PathBuf, SpecError> {
    if let Some(chosen) = chosen {
        let path = folder.join(chosen);
        return if files.is_file(&path) {
            Ok(path)
        } else {
            Err(SpecError::NotFound { path })
        };
    }
    let mut found = discover(files, folder)?;
    match found.len() {
        0 => Err(SpecError::NotFound {
            path: folder.to_path_buf(),
        }),
        1 => Ok(found.remove(0)),
        _ => Err(SpecError::Ambiguous {
            folder: folder.to_path_buf(),
            found,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::StdFiles;

    #[test]
    fn three_places_in_order_and_a_choice() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path();
        let code = |chosen: Option<&Path>| choose(&StdFiles, folder, chosen).unwrap_err().code();
        assert_eq!(code(None), "config.not_found");
        std::fs::write(folder.join(".devcontainer.json"), "{}").unwrap();
        assert_eq!(
            choose(&StdFiles, folder, None).unwrap(),
            folder.join(".devcontainer.json")
        );
        for name in ["b", "a", "a/deeper"] {
            std::fs::create_dir_all(folder.join(".devcontainer").join(name)).unwrap();
            std::fs::write(folder.join(".devcontainer").join(name).join(FILE), "{}").unwrap();
        }
        std::fs::write(folder.join(".devcontainer").join(FILE), "{}").unwrap();
        let found = discover(&StdFiles, folder).unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|path| path.strip_prefix(folder).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                ".devcontainer/devcontainer.json",
                ".devcontainer.json",
                ".devcontainer/a/devcontainer.json",
                ".devcontainer/b/devcontainer.json"
            ]
        );
        assert_eq!(code(None), "config.ambiguous");
        assert!(
            choose(
                &StdFiles,
                folder,
                Some(Path::new(".devcontainer/a/devcontainer.json"))
            )
            .is_ok()
        );
        assert_eq!(code(Some(Path::new("none.json"))), "config.not_found");
    }
}
