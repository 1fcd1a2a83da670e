//! `devctl list` of many containers, beside the call of the engine that it needs.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};

use super::Finding;
use super::compare::{take_turns, time};
use super::lab::{Lab, PREFIX, timed};
use crate::command;
use crate::fixtures::BASE_IMAGE;

const CONTAINERS: usize = 100;

/// What starting a program may cost on top of two calls.
const ALLOWANCE: f64 = 0.010;

pub(super) fn list(lab: &Lab) -> Result<Vec<Finding>> {
    const ROUNDS: usize = 25;
    let names: Vec<String> = (0..CONTAINERS)
        .map(|number| format!("{PREFIX}-list-{number}"))
        .collect();
    for name in &names {
        // As `devctl` finds them; that they never ran does not matter to a list.
        command::output(&mut lab.docker(&[
            "create",
            "--name",
            name,
            "--network",
            "none",
            "--label",
            "dev.devctl.managed=1",
            "--label",
            &format!("dev.devctl.name={name}"),
            "--label",
            &format!("dev.devctl.title={name}"),
            "--label",
            "dev.devctl.source-kind=image",
            "--label",
            &format!("dev.devctl.source={BASE_IMAGE}"),
            "--label",
            "dev.devctl.remote-user=root",
            BASE_IMAGE,
            "true",
        ]))?;
    }
    let listed = command::output(&mut lab.devctl(&["list", "--json"]))?;
    let seen = names
        .iter()
        .filter(|name| listed.contains(&format!("\"{name}\"")))
        .count();
    if seen != CONTAINERS {
        bail!("`devctl list` shows {seen} of {CONTAINERS} containers");
    }
    let socket = lab.socket()?;
    let [devctl, engine] = take_turns(
        ROUNDS,
        [
            Box::new(|| timed(&mut [lab.devctl(&["list"])])),
            Box::new(|| ask(socket)),
        ],
    )?;
    let mut remove = lab.docker(&["rm", "-f"]);
    command::output(remove.args(&names))?;
    let allowed = 2.0 * engine + ALLOWANCE;
    Ok(vec![Finding {
        what: format!(
            "`devctl list` with {CONTAINERS} containers, to the engine's own list call over its API"
        ),
        bar: "≤ 2 × + 10 ms".to_owned(),
        found: format!("{:.2} of that", devctl / allowed),
        held: devctl <= allowed,
        here: format!("{} to {}", time(devctl), time(engine)),
    }])
}

#[cfg(not(unix))]
fn ask(socket: &Path) -> Result<Duration> {
    bail!("{} cannot be asked on this system", socket.display())
}

/// The engine's list of what is ours, as bare HTTP.
#[cfg(unix)]
fn ask(socket: &Path) -> Result<Duration> {
    // {"label":["dev.devctl.managed"]}
    const REQUEST: &str = "GET /v1.41/containers/json?all=true&filters=%7B%22label%22%3A%5B%22dev.devctl.managed%22%5D%7D \
                           HTTP/1.1\r\nHost: engine\r\nConnection: close\r\n\r\n";
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;

    use anyhow::Context as _;

    let began = std::time::Instant::now();
    let mut stream =
        UnixStream::connect(socket).with_context(|| format!("cannot reach {}", socket.display()))?;
    stream
        .write_all(REQUEST.as_bytes())
        .context("the engine takes no request")?;
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .context("the engine gives no answer")?;
    let took = began.elapsed();
    if !answer.starts_with(b"HTTP/1.1 200") {
        bail!(
            "the engine refuses to list: {}",
            String::from_utf8_lossy(&answer[..answer.len().min(200)])
        );
    }
    Ok(took)
}
