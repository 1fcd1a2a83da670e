//! The fuzz targets of the folder `fuzz`: built with cargo-fuzz on the toolchain of the workspace, run side by side.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use anyhow::{Context as _, Result, bail};

use crate::tools::FUZZ;
use crate::workspace::Workspace;
use crate::{command, report};

/// Lines of a log that are shown where a target failed: the panic, and what libFuzzer says of the input.
const SHOWN: usize = 40;

/// Where things are.
struct Places<'a> {
    workspace: &'a Workspace,
    /// As in Rust's targets.
    platform: String,
}

impl<'a> Places<'a> {
    fn of(workspace: &'a Workspace) -> Self {
        Self {
            workspace,
            platform: format!("{}-unknown-linux-gnu", std::env::consts::ARCH),
        }
    }

    /// The package of the targets.
    fn package(&self) -> PathBuf {
        self.workspace.join("fuzz")
    }

    /// What is built, found and logged.
    fn built(&self) -> PathBuf {
        self.workspace.kept("fuzz")
    }

    fn binary(&self, target: &str) -> PathBuf {
        self.built().join(&self.platform).join("release").join(target)
    }

    fn log(&self, target: &str) -> PathBuf {
        self.built().join("logs").join(format!("{target}.log"))
    }

    /// The inputs that are in the repository.
    fn corpus(&self, target: &str) -> PathBuf {
        self.package().join("corpus").join(target)
    }

    /// The inputs that runs here added; they are kept for the next one and do not come into the repository by themselves.
    fn found(&self, target: &str) -> PathBuf {
        self.built().join("found").join(target)
    }

    /// The inputs that broke a target.
    fn artifacts(&self, target: &str) -> PathBuf {
        self.package().join("artifacts").join(target)
    }
}

/// Builds all targets and runs each for so many seconds, beginning with the inputs that are known.
pub(crate) fn fuzz(workspace: &Workspace, seconds: u64) -> Result<()> {
    let places = Places::of(workspace);
    build(&places)?;
    let targets = targets(&places.package())?;
    let waiting = Mutex::new(targets.iter());
    let failed = Mutex::new(Vec::new());
    // A target is busy all the time: more at once than there are processors would only share them.
    let at_once = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..at_once.min(targets.len()) {
            scope.spawn(|| {
                while let Some(target) = next(&waiting) {
                    match run(&places, target, seconds) {
                        Ok(line) => report::note(line),
                        Err(error) => {
                            report::note(format!("{target}: {error:#}"));
                            locked(&failed).push(target.as_str());
                        }
                    }
                }
            });
        }
    });
    let mut failed = std::mem::take(&mut *locked(&failed));
    failed.sort_unstable();
    if !failed.is_empty() {
        bail!("{} fuzz targets failed: {}", failed.len(), failed.join(", "));
    }
    Ok(())
}

fn next<'a>(waiting: &Mutex<std::slice::Iter<'a, String>>) -> Option<&'a String> {
    locked(waiting).next()
}

/// What is in there stays whole when a thread dies, so the next one goes on with it.
fn locked<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn build(places: &Places<'_>) -> Result<()> {
    // cargo-fuzz brings the lock file up to date without a word, where a dependency of the workspace changed.
    let lock = places.package().join("Cargo.lock");
    let before = fs::read(&lock).ok();
    let mut cargo_fuzz = FUZZ.command(places.workspace)?;
    // No sanitizer: those that there are take a nightly toolchain, and the code under test has no unsafe blocks.
    cargo_fuzz.args([
        "build",
        "--sanitizer",
        "none",
        "--codegen-units",
        "16",
        "--target",
    ]);
    cargo_fuzz.arg(&places.platform);
    cargo_fuzz.arg("--fuzz-dir").arg(places.package());
    cargo_fuzz.arg("--target-dir").arg(places.built());
    cargo_fuzz.env("CARGO_INCREMENTAL", "0");
    command::run(&mut cargo_fuzz)?;
    if fs::read(&lock).ok() != before {
        report::note(format!("{} follows the workspace now: commit it", lock.display()));
    }
    Ok(())
}

/// The names of the targets: those of their files.
fn targets(package: &Path) -> Result<Vec<String>> {
    let folder = package.join("targets");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if let Some(name) = path.file_stem().and_then(|name| name.to_str())
            && path.extension().is_some_and(|extension| extension == "rs")
        {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Runs one target; says how far it came.
fn run(places: &Places<'_>, target: &str, seconds: u64) -> Result<String> {
    let (log, found, artifacts) = (places.log(target), places.found(target), places.artifacts(target));
    let of_log = log.parent().unwrap_or(&log);
    for folder in [of_log, &found, &artifacts] {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut command = Command::new(places.binary(target));
    command.current_dir(places.workspace.root());
    command.arg(format!("-max_total_time={seconds}"));
    // A machine that is busy with something else stands still for longer than one would think.
    command.args(["-timeout=120", "-report_slow_units=60", "-print_final_stats=1"]);
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));
    // New inputs go into the first folder.
    command.arg(&found).arg(places.corpus(target));
    let copy = file.try_clone().context("cannot share the log")?;
    let status = command.stdout(copy).stderr(file).status();
    let status = status.with_context(|| format!("cannot run {}", places.binary(target).display()))?;
    let text = fs::read(&log).with_context(|| format!("cannot read {}", log.display()))?;
    let text = String::from_utf8_lossy(&text);
    if status.success() {
        return Ok(progress(target, &text));
    }
    let lines: Vec<&str> = text.lines().collect();
    for line in lines.iter().skip(lines.len().saturating_sub(SHOWN)) {
        report::note(line);
    }
    bail!(
        "it failed ({status}); the input is in {}, the log is {}\nfix: run it again with that input, see CONTRIBUTING.md",
        artifacts.display(),
        log.display()
    )
}

/// The result of a run in one line, out of libFuzzer's log.
fn progress(target: &str, log: &str) -> String {
    let statistic = |name: &str| {
        let line = log.lines().rev().find_map(|line| line.strip_prefix(name));
        line.map_or("?", str::trim)
    };
    let covered = log.lines().rev().find_map(|line| {
        let (_, rest) = line.split_once(" cov: ")?;
        rest.split_whitespace().next()
    });
    format!(
        "{target}: {} inputs tried, {} a second, {} edges covered, {} new inputs, no finding",
        statistic("stat::number_of_executed_units:"),
        statistic("stat::average_exec_per_sec:"),
        covered.unwrap_or("?"),
        statistic("stat::new_units_added:"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_is_read_from_the_log() {
        let log = "#2 INITED cov: 7 ft: 8\n#9 NEW    cov: 12 ft: 13 corp: 2/3b\n#100\tDONE   cov: 15 ft: 20\n\
                   stat::number_of_executed_units: 100\nstat::average_exec_per_sec:     50\nstat::new_units_added:          3\n";
        assert_eq!(
            progress("krl", log),
            "krl: 100 inputs tried, 50 a second, 15 edges covered, 3 new inputs, no finding"
        );
    }

    #[test]
    fn every_target_has_inputs_to_begin_with() {
        let workspace = Workspace::find().unwrap();
        let places = Places::of(&workspace);
        let names = targets(&places.package()).unwrap();
        assert!(names.contains(&"krl".to_owned()), "{names:?}");
        let manifest = fs::read_to_string(places.package().join("Cargo.toml")).unwrap();
        for name in names {
            assert!(fs::read_dir(places.corpus(&name)).unwrap().count() > 0, "{name}");
            assert!(
                manifest.contains(&format!("path = \"targets/{name}.rs\"")),
                "{name}"
            );
        }
    }
}
