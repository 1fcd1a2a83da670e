//! A revocation list of 100,000 serials: written, read, and carried into a container at each login.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Finding;
use super::compare::{take_turns, time, within};
use super::lab::{Lab, timed};
use crate::command;

/// Seconds that writing it may take: from the entries to a file that is checked and on the disk.
const WRITING: f64 = 0.050;

/// Seconds that it may add to a login.
const ADDED: f64 = 0.010;

pub(super) fn revocation(lab: &Lab) -> Result<Vec<Finding>> {
    const ROUNDS: usize = 40;
    let ours = lab.folder("revocation")?;
    command::output(&mut ours.up(lab))?;
    let report = command::output(&mut lab.devctl(&["cert", "revocations", "--json"]))?;
    let report: Value = serde_json::from_str(&report).context("cannot read where the list is")?;
    let in_force = PathBuf::from(report["path"].as_str().context("the list is nowhere")?);
    let authority = command::output(&mut lab.devctl(&["ca", "export", "user"]))?;
    let [small, large] = ["small", "large"].map(|name| lab.home().join(format!("revoked-{name}")));
    fs::copy(&in_force, &small).with_context(|| format!("cannot copy {}", in_force.display()))?;
    let measured = lab.measured("revocation", &[large.as_os_str(), OsStr::new(authority.trim())])?;
    let of = |name: &str| {
        measured
            .get(name)
            .copied()
            .with_context(|| format!("nothing was measured of {name}"))
    };
    let login = |list: &PathBuf| {
        fs::copy(list, &in_force).with_context(|| format!("cannot write {}", in_force.display()))?;
        let mut ssh = lab.ssh(&ours.alias, &[]);
        ssh.arg("true");
        timed(&mut [ssh])
    };
    let [with, without] = take_turns(ROUNDS, [Box::new(|| login(&large)), Box::new(|| login(&small))])?;
    fs::copy(&small, &in_force).with_context(|| format!("cannot write {}", in_force.display()))?;
    command::output(&mut lab.devctl(&["remove", "--yes", "--volumes", &ours.alias]))?;
    let mut added = within(
        "what a revocation list with 100,000 serials adds to `ssh NAME.devctl true`",
        ADDED,
        with - without,
    );
    added.here = format!("{} to {}", time(with), time(without));
    Ok(vec![
        within(
            "writing a revocation list with 100,000 serials, checked and on the disk",
            WRITING,
            of("write")?,
        ),
        within(
            "reading that list and looking a certificate up",
            ADDED,
            of("read")?,
        ),
        added,
    ])
}
