//! The only way to files: a small trait, and its implementation on the real file system.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What reading a configuration needs of a file system. An absent file is `None`, not an error.
pub trait Files: fmt::Debug {
    /// The content of a file.
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>>;
    /// Whether there is a file.
    fn is_file(&self, path: &Path) -> bool;
    /// Whether there is a folder.
    fn is_dir(&self, path: &Path) -> bool;
    /// The names in a folder, sorted; empty where there is no folder.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;
    /// The path without links and dots; `None` where nothing is there.
    fn canonical(&self, path: &Path) -> io::Result<Option<PathBuf>>;
}

/// The real file system. The only input and output of this crate.
#[derive(Debug, Clone, Copy, Default)]
pub struct StdFiles;

impl Files for StdFiles {
    fn read(&self, path: &Path) -> io::Result<Option<Vec<u8>>> {
        absent_is_none(std::fs::read(path))
    }

    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn is_dir(&self, path: &Path) -> bool {
        path.is_dir()
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let Some(entries) = absent_is_none(std::fs::read_dir(path))? else {
            return Ok(Vec::new());
        };
        // A name that is not Unicode cannot be written in a configuration's path.
        let mut names: Vec<String> = entries
            .filter_map(|entry| {
                entry
                    .map(|entry| entry.file_name().into_string().ok())
                    .transpose()
            })
            .collect::<io::Result<_>>()?;
        names.sort();
        Ok(names)
    }

    fn canonical(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        absent_is_none(std::fs::canonicalize(path))
    }
}

fn absent_is_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
