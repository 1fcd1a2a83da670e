//! `cargo xtask test`: every check and test, in an order that finds cheap failures first.

mod steps;
mod summary;

use std::time::Instant;

use anyhow::{Result, bail};

use crate::arguments::Selection;
use crate::report;
use crate::workspace::Workspace;
use steps::{STEPS, Step};
use summary::{Entry, Result as Outcome};

/// What the steps work with.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    workspace: &'a Workspace,
    /// The long tests too.
    full: bool,
    /// How long each fuzz target runs.
    fuzz_seconds: u64,
}

/// How a step ended that did not fail.
#[derive(Debug, PartialEq, Eq)]
enum Ending {
    Passed,
    /// It could not run here, for this reason.
    Skipped(String),
}

/// Runs the selected steps. A failure does not hide what the others would find: only the steps that need the failed
/// one are left out.
pub(crate) fn test(workspace: &Workspace, selection: &Selection) -> Result<()> {
    if selection.list {
        for step in &STEPS {
            report::line(format!("{:<12}{}", step.name, step.what));
        }
        return Ok(());
    }
    let wanted = select(&selection.only)?;
    let run = Run {
        workspace,
        full: selection.full,
        fuzz_seconds: selection
            .fuzz_seconds
            .unwrap_or(if selection.full { 600 } else { 20 }),
    };
    let mut entries: Vec<Entry> = Vec::new();
    for step in wanted {
        let entry = attempt(&run, step, &entries);
        if let Outcome::Failed(why) = &entry.result {
            report::line(format!(
                "    {} {}: {why}",
                report::paint("31;1", "FAILED"),
                step.name
            ));
        }
        entries.push(entry);
    }
    report::heading("summary");
    for line in summary::table(&entries) {
        report::line(line);
    }
    let failed: Vec<&str> = entries
        .iter()
        .filter(|entry| !entry.result.is_good())
        .map(|entry| entry.name)
        .collect();
    if !failed.is_empty() {
        bail!(
            "not green: {}\nfix: cargo xtask test --only STEP runs one of them again",
            failed.join(", ")
        );
    }
    Ok(())
}

fn attempt(run: &Run<'_>, step: &Step, before: &[Entry]) -> Entry {
    let lacking = before
        .iter()
        .find(|entry| !entry.result.is_good() && step.needs.contains(&entry.name));
    if let Some(lacking) = lacking {
        return Entry {
            name: step.name,
            result: Outcome::Lacking(lacking.name),
            seconds: 0.0,
        };
    }
    report::heading(format!("test step {}: {}", step.name, step.what));
    let began = Instant::now();
    let result = match (step.run)(run) {
        Ok(Ending::Passed) => Outcome::Passed,
        Ok(Ending::Skipped(why)) => Outcome::Skipped(why),
        Err(error) => Outcome::Failed(format!("{error:#}")),
    };
    Entry {
        name: step.name,
        result,
        seconds: began.elapsed().as_secs_f64(),
    }
}

/// The named steps and all that they need, in their order.
fn select(only: &[String]) -> Result<Vec<&'static Step>> {
    if let Some(unknown) = only
        .iter()
        .find(|name| !STEPS.iter().any(|step| step.name == name.as_str()))
    {
        let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        bail!("there is no step {unknown:?}; there are {}", names.join(", "));
    }
    let mut wanted: Vec<&str> = only.iter().map(String::as_str).collect();
    // Needs point backwards, so one walk from the end finds them all.
    for step in STEPS.iter().rev() {
        if wanted.contains(&step.name) {
            wanted.extend(step.needs);
        }
    }
    Ok(STEPS
        .iter()
        .filter(|step| only.is_empty() || wanted.contains(&step.name))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(only: &[&str]) -> Vec<&'static str> {
        let only: Vec<String> = only.iter().map(|&name| name.to_owned()).collect();
        select(&only).unwrap().iter().map(|step| step.name).collect()
    }

    #[test]
    fn a_step_brings_what_it_needs_and_nothing_else() {
        assert_eq!(names(&["tidy"]), ["tidy"]);
        assert_eq!(names(&["lint"]), ["machine", "interface", "agents", "lint"]);
        assert_eq!(names(&[]).len(), STEPS.len());
        assert!(
            select(&["fly".to_owned()])
                .unwrap_err()
                .to_string()
                .contains("tidy")
        );
    }

    #[test]
    fn every_need_is_an_earlier_step() {
        for (place, step) in STEPS.iter().enumerate() {
            for need in step.needs {
                assert!(
                    STEPS[..place].iter().any(|earlier| earlier.name == *need),
                    "{} needs {need}",
                    step.name
                );
            }
        }
    }

    #[test]
    fn a_step_is_left_out_when_what_it_needs_did_not_pass() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        let run = Run {
            workspace: &workspace,
            full: false,
            fuzz_seconds: 1,
        };
        let step = Step {
            name: "b",
            what: "",
            needs: &["a"],
            run: |_| Ok(Ending::Passed),
        };
        let failed = Entry {
            name: "a",
            result: Outcome::Failed("broken".into()),
            seconds: 1.0,
        };
        assert_eq!(attempt(&run, &step, &[failed]).result, Outcome::Lacking("a"));
        let skipped = Entry {
            name: "a",
            result: Outcome::Skipped("no net".into()),
            seconds: 1.0,
        };
        assert_eq!(attempt(&run, &step, &[skipped]).result, Outcome::Passed);
    }
}
