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
    root: Option<Node>,
    moved: HashMap<String, String>,
}

/// A value's place, and those of the values in it. A tree, because the pointers of a hostile file can be long.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) line: u32,
    pub(crate) column: u32,
    pub(crate) inner: Inner,
}

#[derive(Debug, Clone)]
pub(crate) enum Inner {
    Nothing,
    Items(Vec<Node>),
    Fields(HashMap<String, Node>),
}

impl Origins {
    pub(crate) fn new(file: &Path, root: Option<Node>) -> Self {
        Self {
            file: file.to_path_buf(),
            root,
            moved: HashMap::new(),
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
        let pointer = self.moved.get(pointer).map_or(pointer, String::as_str);
        let mut node = self.root.as_ref()?;
        for step in pointer.split('/').skip(1) {
            let next = match &node.inner {
                Inner::Nothing => None,
                Inner::Items(items) => step.parse().ok().and_then(|index: usize| items.get(index)),
                Inner::Fields(fields) => fields.get(&step.replace("~1", "/").replace("~0", "~")),
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        Some(Origin {
            file: self.file.clone(),
            line: node.line,
            column: node.column,
        })
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
