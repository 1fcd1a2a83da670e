//! Signing: alone, with its record, and from the command line beside `ssh-keygen`.

use std::fs;

use anyhow::{Context as _, Result};

use super::Finding;
use super::compare::{take_turns, time};
use super::lab::{Lab, timed};
use crate::command;

/// In a second, by one thread.
const FEWEST: f64 = 5_000.0;

/// Signed and recorded, to what SQLite alone inserts.
const LEAST: f64 = 0.5;

/// `devctl cert issue` to `ssh-keygen -s`, without what starting `devctl` costs.
const MOST: f64 = 2.0;

/// Alone, and with a durable record of each certificate before it is signed.
pub(super) fn signing(lab: &Lab) -> Result<Vec<Finding>> {
    let folder = lab.home().join("signing");
    let measured = lab.measured("signing", &[folder.as_os_str()])?;
    let of = |name: &str| {
        measured
            .get(name)
            .copied()
            .with_context(|| format!("nothing was measured of {name}"))
    };
    let alone = 1.0 / of("sign")?;
    let mut findings = vec![Finding {
        what: "certificates signed in a second, by one thread".to_owned(),
        bar: format!("≥ {FEWEST:.0}"),
        found: format!("{alone:.0}"),
        held: alone >= FEWEST,
        here: "the same".to_owned(),
    }];
    let against = |what: &str, ours: f64, theirs: f64| {
        let ratio = theirs / ours;
        Finding {
            what: what.to_owned(),
            bar: format!("≥ {LEAST:.1} ×"),
            found: format!("{ratio:.2} ×"),
            held: ratio >= LEAST,
            here: format!("{:.0}/s to {:.0}/s", 1.0 / ours, 1.0 / theirs),
        }
    };
    findings.push(against(
        "certificates recorded durably, then signed, one by one, to inserting the same rows with SQLite alone",
        of("one.signed")?,
        of("one.bare")?,
    ));
    findings.push(against(
        "certificates recorded durably in batches of 100, to inserting the same rows with SQLite alone",
        of("batch.recorded")?,
        of("batch.bare")?,
    ));
    // Where the disk is fast, SQLite inserts a hundred rows in less time than anybody signs ten certificates.
    findings.push(against(
        "certificates recorded durably, then signed, in batches of 100, to the slower one of signing alone and SQLite alone",
        of("batch.signed")?,
        of("batch.alone")?.max(of("batch.bare")?),
    ));
    Ok(findings)
}

/// One certificate for somebody's key, by the whole program.
pub(super) fn issue(lab: &Lab) -> Result<Vec<Finding>> {
    const ROUNDS: usize = 40;
    let folder = lab.home().join("issue");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for key in ["authority", "subject"] {
        let mut keygen = lab.program("ssh-keygen");
        keygen
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(folder.join(key));
        command::output(&mut keygen)?;
    }
    let subject = folder.join("subject.pub");
    let [devctl, start, keygen] = take_turns(
        ROUNDS,
        [
            Box::new(|| {
                let mut issue = lab.devctl(&["cert", "issue", "--name", "bench", "--role", "bench"]);
                issue.arg(&subject);
                timed(&mut [issue])
            }),
            Box::new(|| timed(&mut [lab.devctl(&["--version"])])),
            Box::new(|| {
                let mut sign = lab.program("ssh-keygen");
                sign.args(["-q", "-I", "bench", "-n", "role-bench", "-V", "+8h", "-s"])
                    .arg(folder.join("authority"))
                    .arg(&subject);
                timed(&mut [sign])
            }),
        ],
    )?;
    let ratio = (devctl - start) / keygen;
    Ok(vec![Finding {
        what: "`devctl cert issue` without the start of the program (`devctl --version`), to `ssh-keygen -s`"
            .to_owned(),
        bar: format!("≤ {MOST:.1} ×"),
        found: format!("{ratio:.2} ×"),
        held: ratio <= MOST,
        here: format!("{} - {} to {}", time(devctl), time(start), time(keygen)),
    }])
}
