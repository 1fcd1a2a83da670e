//! Which line of which file a value comes from.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file.
    pub file: PathBuf,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.file.display(), self.line)
    }
}

/// Where each value of a parsed file stands, by JSON pointer.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    file: PathBuf,
    places: HashMap<String, (u32, u32)>,
    moved: HashMap<String, String>,
}

impl Origins {
    /// No places yet, for `file`.
    pub fn new(file: &Path) -> Self {
        Self {
            file: file.to_path_buf(),
            ..Self::default()
        }
    }

    /// The file of these places.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The place of the value at `pointer` (`/runArgs/0`), or of the nearest value around it that has one.
    ///
    /// A property's place is that of its name. `None` only for a file of which no value is known.
    pub fn origin(&self, pointer: &str) -> Option<Origin> {
        let mut pointer = pointer;
        loop {
            if let Some((line, column)) = self.place(pointer) {
                return Some(Origin {
                    file: self.file.clone(),
                    line,
                    column,
                });
            }
            pointer = &pointer[..pointer.rfind('/')?];
        }
    }

    fn place(&self, pointer: &str) -> Option<(u32, u32)> {
        let found = self.places.get(pointer).copied();
        found.or_else(|| self.places.get(self.moved.get(pointer)?).copied())
    }

    pub(crate) fn insert(&mut self, pointer: String, line: u32, column: u32) {
        self.places.insert(pointer, (line, column));
    }

    /// A legacy property that is read as if it stood at `to` keeps the place at which it was written.
    pub(crate) fn moved(&mut self, from: &str, to: &str) {
        self.moved.insert(to.to_owned(), from.to_owned());
    }
}

/// One more step of a JSON pointer, escaped.
pub(crate) fn pointer_step(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}
