//! `cargo xtask tidy`: the rules of the house that no compiler checks. The reasons are in docs/ARCHITECTURE.md.

mod clauses;
mod files;
mod floors;
mod lock_files;

pub(crate) mod error_codes;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::workspace::Workspace;
use crate::{command, report};

/// Something that breaks a rule, and where.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Breach {
    /// The file, below the repository.
    path: PathBuf,
    /// The line, counted from 1; 0 for the whole file.
    line: usize,
    /// What is wrong, and what would be right.
    what: String,
}

impl Breach {
    fn new(path: &Path, line: usize, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            what: what.into(),
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}", self.what)
    }
}

/// A text file of the repository.
#[derive(Debug)]
struct Source {
    /// Below the repository.
    path: PathBuf,
    text: String,
}

impl Source {
    fn has_extension(&self, extensions: &[&str]) -> bool {
        self.path
            .extension()
            .is_some_and(|found| extensions.iter().any(|wanted| found == *wanted))
    }

    fn is_called(&self, name: &str) -> bool {
        self.path.file_name().is_some_and(|found| found == name)
    }

    /// Made by a program: the mark stands at the top.
    fn is_generated(&self) -> bool {
        self.text.lines().take(5).any(|line| line.contains("@generated"))
    }

    /// The lines with their numbers, without what follows `#[cfg(test)]` at the margin.
    fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self
            .text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line));
        numbered.take_while(|(_, line)| *line != "#[cfg(test)]")
    }
}

/// Checks every rule, names every breach.
pub(crate) fn tidy(workspace: &Workspace) -> Result<()> {
    report::heading("rules of the house");
    let sources = sources(workspace)?;
    let breaches = breaches(workspace, &sources)?;
    for breach in &breaches {
        report::note(breach);
    }
    if !breaches.is_empty() {
        bail!("{} breaches of the rules of the house", breaches.len());
    }
    report::note(format!("{} files keep them", sources.len()));
    Ok(())
}

fn breaches(workspace: &Workspace, sources: &[Source]) -> Result<Vec<Breach>> {
    let mut breaches = floors::check(sources)?;
    breaches.extend(files::check(sources));
    breaches.extend(files::check_machine_paths(sources, &machine_paths(workspace)));
    breaches.extend(clauses::check(sources));
    breaches.extend(lock_files::check(sources)?);
    breaches.extend(error_codes::check(sources));
    breaches.sort();
    Ok(breaches)
}

/// The text files that are in the repository or would be with the next commit.
fn sources(workspace: &Workspace) -> Result<Vec<Source>> {
    let mut git = Command::new("git");
    git.current_dir(workspace.root())
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let list = command::output(&mut git)?;
    let mut sources = Vec::new();
    for name in list.split('\0').filter(|name| !name.is_empty()) {
        let path = PathBuf::from(name);
        let full = workspace.join(&path);
        // A file that was removed and not yet committed, or a link to a folder.
        if !full.is_file() {
            continue;
        }
        let bytes = fs::read(&full).with_context(|| format!("cannot read {}", full.display()))?;
        // Pictures and fonts have no rules.
        if let Ok(text) = String::from_utf8(bytes) {
            sources.push(Source { path, text });
        }
    }
    Ok(sources)
}

/// Where this machine keeps things: nothing of that may be in the repository.
fn machine_paths(workspace: &Workspace) -> Vec<String> {
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| home.map(|home| home.join(".cargo")));
    let paths = [Some(workspace.root().to_owned()), cargo_home];
    // Something like `/src` is too short to be told from an ordinary word.
    let long_enough = |path: &PathBuf| path.components().count() > 2;
    paths
        .into_iter()
        .flatten()
        .filter(long_enough)
        .map(|path| path.to_string_lossy().into_owned())
        .collect()
}

#[cfg(test)]
fn source(path: &str, text: &str) -> Source {
    Source {
        path: PathBuf::from(path),
        text: text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breach_says_where() {
        assert_eq!(Breach::new(Path::new("a.rs"), 3, "no").to_string(), "a.rs:3: no");
        assert_eq!(Breach::new(Path::new("a.rs"), 0, "no").to_string(), "a.rs: no");
    }

    #[test]
    fn what_follows_the_tests_is_no_product() {
        let source = source("a.rs", "one\n    #[cfg(test)]\ntwo\n#[cfg(test)]\nthree\n");
        let lines: Vec<usize> = source.product_lines().map(|(number, _)| number).collect();
        assert_eq!(lines, [1, 2, 3]);
    }

    #[test]
    fn new_files_count_and_ignored_ones_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        command::output(Command::new("git").arg("init").current_dir(folder.path())).unwrap();
        fs::write(folder.path().join(".gitignore"), "ignored\n").unwrap();
        fs::write(folder.path().join("ignored"), "x").unwrap();
        fs::write(folder.path().join("new ü.rs"), "x").unwrap();
        fs::write(folder.path().join("picture.png"), [0xff, 0xfe]).unwrap();
        let mut names: Vec<String> = sources(&workspace)
            .unwrap()
            .iter()
            .map(|source| source.path.display().to_string())
            .collect();
        names.sort();
        assert_eq!(names, [".gitignore", "new ü.rs"]);
    }
}
