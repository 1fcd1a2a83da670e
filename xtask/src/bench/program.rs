//! The program itself: how large it is, and how fast it starts.

use std::fs;

use anyhow::{Context as _, Result};

use super::Finding;
use super::compare::{take_turns, time};
use super::lab::{Lab, timed};

/// With the agents inside.
const LARGEST: f64 = 20e6;

/// The only bar that is no ratio: a person feels a tenth of a second, and a login starts the program twice.
const SLOWEST_START: f64 = 0.010;

pub(super) fn program(lab: &Lab) -> Result<Vec<Finding>> {
    const ROUNDS: usize = 60;
    let path = lab.devctl_path();
    let size = fs::metadata(path)
        .with_context(|| format!("cannot look at {}", path.display()))?
        .len() as f64;
    let [devctl, nothing] = take_turns(
        ROUNDS,
        [
            Box::new(|| timed(&mut [lab.devctl(&["--version"])])),
            Box::new(|| timed(&mut [lab.program("true")])),
        ],
    )?;
    Ok(vec![
        Finding {
            what: "size of the released `devctl` with both agents inside".to_owned(),
            bar: "≤ 20 MB".to_owned(),
            found: format!("{:.1} MB", size / 1e6),
            held: size <= LARGEST,
            here: "the same on each machine".to_owned(),
        },
        Finding {
            what: "`devctl --version`, beside `true`".to_owned(),
            bar: "≤ 10 ms".to_owned(),
            found: time(devctl),
            held: devctl <= SLOWEST_START,
            here: format!("{} to {}", time(devctl), time(nothing)),
        },
    ])
}
