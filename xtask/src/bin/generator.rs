//! Writes the generated files below the folder in the first argument; with `--check`, names those that are stale.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

fn main() -> Result<()> {
    let mut words = std::env::args_os().skip(1);
    let root = PathBuf::from(
        words
            .next()
            .context("the first argument has to be the folder of the repository")?,
    );
    let check = match words.next() {
        None => false,
        Some(word) if word == "--check" => true,
        Some(word) => bail!("{} is not understood", word.display()),
    };
    let mut stale = Vec::new();
    let mut files = devctl_core::generate::files();
    files.push((PathBuf::from("docs/cli.md"), devctl_cli::markdown()));
    for (path, text) in files {
        if fs::read_to_string(root.join(&path)).is_ok_and(|found| found == text) {
            continue;
        }
        if !check {
            write(&root.join(&path), &text)?;
        }
        stale.push(path);
    }
    let verb = if check { "is stale:" } else { "wrote" };
    let mut out = std::io::stderr();
    for path in &stale {
        writeln!(out, "    {verb} {}", path.display()).context("cannot report")?;
    }
    if check && !stale.is_empty() {
        bail!("{} of the generated files are stale", stale.len());
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
