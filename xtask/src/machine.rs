//! What this machine has, and getting what it lacks from Debian's or Ubuntu's packages.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::{command, report};

/// A package of the distribution, how to see that it is there, and what it is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Package {
    pub(crate) name: &'static str,
    pub(crate) seen: Seen,
    pub(crate) why: &'static str,
}

/// How to see that a package is there, however it came.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Seen {
    /// A program on the search path.
    Program(&'static str),
    /// A library that pkg-config knows.
    Library(&'static str),
    /// A file or folder.
    File(&'static str),
}

impl Seen {
    fn here(self) -> bool {
        match self {
            // Debian keeps some daemons where only root's search path looks.
            Self::Program(name) => {
                command::on_path(name)
                    || ["/usr/sbin", "/sbin"]
                        .iter()
                        .any(|sbin| Path::new(sbin).join(name).is_file())
            }
            Self::Library(name) => command::succeeds(Command::new("pkg-config").args(["--exists", name])),
            Self::File(path) => Path::new(path).exists(),
        }
    }
}

/// A program that its own package is named after.
pub(crate) const fn program(name: &'static str, why: &'static str) -> Package {
    Package {
        name,
        seen: Seen::Program(name),
        why,
    }
}

/// What compiling the workspace takes.
pub(crate) const TO_BUILD: [Package; 5] = [
    program("git", "fetches and names versions"),
    program("curl", "fetches files"),
    Package {
        name: "build-essential",
        seen: Seen::Program("cc"),
        why: "compiles SQLite and links Rust",
    },
    Package {
        name: "pkg-config",
        seen: Seen::Program("pkg-config"),
        why: "finds the libraries of the window",
    },
    Package {
        name: "libwebkit2gtk-4.1-dev",
        seen: Seen::Library("webkit2gtk-4.1"),
        why: "shows the window's contents",
    },
];

/// Installs those of the packages that are not there.
pub(crate) fn need(packages: &[Package]) -> Result<()> {
    let missing: Vec<&Package> = packages.iter().filter(|package| !package.seen.here()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for package in &missing {
        report::installs(package.name, package.why);
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    if !command::on_path("apt-get") {
        bail!(
            "this machine lacks {}\nfix: install them with your package manager (Debian's names are given), then run this again",
            names.join(", ")
        );
    }
    let apt = "apt-get install -y --no-install-recommends";
    as_root(&format!(
        "apt-get update && DEBIAN_FRONTEND=noninteractive {apt} {}",
        names.join(" ")
    ))?;
    match missing.iter().find(|package| !package.seen.here()) {
        Some(package) => bail!(
            "{} was installed and yet {:?} is not there",
            package.name,
            package.seen
        ),
        None => Ok(()),
    }
}

/// Whether the rest of the work needs no `sudo`.
pub(crate) fn is_root() -> bool {
    command::output(Command::new("id").arg("-u")).is_ok_and(|id| id == "0")
}

/// Whether a person can be asked.
pub(crate) fn has_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Runs a line of shell as root: at once as root, after asking on a terminal, else not at all.
pub(crate) fn as_root(line: &str) -> Result<()> {
    if is_root() {
        return command::run(Command::new("sh").args(["-c", line]));
    }
    let by_hand = format!("sudo sh -c '{line}'");
    if !has_terminal() {
        bail!("this needs root, and there is no terminal to ask on\nfix: {by_hand}");
    }
    if !ask(&format!("run `{by_hand}`?"))? {
        bail!("not done, as you wished\nfix: {by_hand}");
    }
    command::run(Command::new("sudo").args(["sh", "-c", line]))
}

/// Asks a question that only a clear yes answers with yes.
pub(crate) fn ask(question: &str) -> Result<bool> {
    let mut out = std::io::stderr();
    write!(out, "    {question} [y/N] ")
        .and_then(|()| out.flush())
        .context("cannot ask")?;
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .context("cannot read the answer")?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Fails with a fix where Node is missing or too old for the interface's tools.
pub(crate) fn need_node() -> Result<()> {
    const FIX: &str = "fix: install Node 20.19 or newer (https://nodejs.org or your version manager)";
    let Ok(version) = command::output(Command::new("node").arg("--version")) else {
        bail!("there is no Node on this machine\n{FIX}");
    };
    let mut numbers = version
        .trim_start_matches('v')
        .split('.')
        .map(|number| number.parse::<u32>().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < (20, 19) {
        bail!("Node {version} is too old\n{FIX}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_seen_and_what_is_not_is_not() {
        assert!(Seen::Program("sh").here());
        assert!(!Seen::Program("no-such-program-anywhere").here());
        assert!(Seen::File("/").here());
        assert!(!Seen::File("/no-such-file-anywhere").here());
        assert!(!Seen::Library("no-such-library-anywhere").here());
        need(&[program("sh", "is there already")]).unwrap();
    }
}
