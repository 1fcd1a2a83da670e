//! How fast `devctl` is beside what a person would otherwise use, on the same engine, in the same run, taking turns.
//!
//! Only ratios count: the absolute times of a machine say little about the next one.

mod certificates;
mod compare;
mod forward;
mod lab;
mod list;
mod login;
mod page;
mod program;
mod revocation;
mod throughput;
mod up;
mod vault;

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::workspace::Workspace;
use crate::{agents, build, command, engine, fixtures, machine, report};
use lab::Lab;
use page::Page;

/// What to measure, and with what.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Only these rows; all where it is empty. Only a run of all rows writes the page.
    pub(crate) rows: Vec<String>,
    /// Record only: a missed bar is no failure.
    pub(crate) no_check: bool,
    /// A `devctl` that was built before; without it, one is built as it is released.
    pub(crate) devctl: Option<PathBuf>,
}

/// A part of the table.
struct Row {
    name: &'static str,
    measure: fn(&Lab) -> Result<Vec<Finding>>,
}

const ROWS: [Row; 13] = [
    Row {
        name: "fresh",
        measure: up::fresh,
    },
    Row {
        name: "running",
        measure: up::running,
    },
    Row {
        name: "restart",
        measure: up::restart,
    },
    Row {
        name: "login",
        measure: login::login,
    },
    Row {
        name: "throughput",
        measure: throughput::throughput,
    },
    Row {
        name: "forward",
        measure: forward::forward,
    },
    Row {
        name: "list",
        measure: list::list,
    },
    Row {
        name: "signing",
        measure: certificates::signing,
    },
    Row {
        name: "issue",
        measure: certificates::issue,
    },
    Row {
        name: "renewal",
        measure: login::renewal,
    },
    Row {
        name: "revocation",
        measure: revocation::revocation,
    },
    Row {
        name: "vault",
        measure: vault::vault,
    },
    Row {
        name: "program",
        measure: program::program,
    },
];

/// One line of the table.
#[derive(Debug)]
struct Finding {
    /// What was done, and what it is compared with.
    what: String,
    bar: String,
    /// What was found, in the unit of the bar.
    found: String,
    held: bool,
    /// What it took here, which is not comparable with other machines.
    here: String,
}

/// Measures, shows the table, and writes it to the page after a whole run.
pub(crate) fn bench(workspace: &Workspace, wish: &Wish) -> Result<()> {
    let rows = chosen(&wish.rows)?;
    machine::need(&[machine::Package {
        name: "openssh-client",
        ..machine::program("ssh", "logs in to the containers")
    }])?;
    engine::docker(workspace)?;
    fixtures::make(workspace)?;
    build::npm_packages(workspace, "tests/conformance")?;
    let devctl = match &wish.devctl {
        Some(devctl) => devctl.clone(),
        None => release(workspace)?,
    };
    let lab = Lab::open(workspace, &devctl)?;
    let mut page = Page::begin(&lab)?;
    for row in rows {
        report::heading(row.name);
        for finding in (row.measure)(&lab)? {
            report::note(page::said(&finding));
            page.add(finding);
        }
    }
    page.end()?;
    if wish.rows.is_empty() {
        page.write(workspace)?;
    }
    match page.missed() {
        0 => Ok(()),
        missed if wish.no_check => {
            report::note(format!("{missed} of the bars are missed"));
            Ok(())
        }
        missed => {
            bail!("{missed} of the bars are missed\nfix: measure again on a quiet machine, or make it faster")
        }
    }
}

/// The rows of those names.
fn chosen(names: &[String]) -> Result<Vec<&'static Row>> {
    if names.is_empty() {
        return Ok(ROWS.iter().collect());
    }
    let known = || ROWS.map(|row| row.name).join(", ");
    names
        .iter()
        .map(|name| match ROWS.iter().find(|row| row.name == name) {
            Some(row) => Ok(row),
            None => bail!("there is no row {name:?}\nfix: choose of {}", known()),
        })
        .collect()
}

/// `devctl` as it is released, with the agents inside.
fn release(workspace: &Workspace) -> Result<PathBuf> {
    machine::need(&machine::TO_BUILD)?;
    agents::build(workspace)?;
    report::heading("devctl");
    command::run(
        workspace
            .release_cargo()
            .args(["build", "--release", "--package", "devctl-cli"]),
    )?;
    Ok(workspace.target().join("release/devctl"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_chosen_by_name() {
        let names = |wanted: &[&str]| {
            let wanted: Vec<String> = wanted.iter().map(|&name| name.to_owned()).collect();
            chosen(&wanted).map(|rows| rows.iter().map(|row| row.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["list", "fresh"]).unwrap(), ["list", "fresh"]);
        assert_eq!(names(&[]).unwrap().len(), ROWS.len());
        assert!(names(&["lists"]).unwrap_err().to_string().contains("fresh"));
    }
}
