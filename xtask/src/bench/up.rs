//! From nothing, from a stopped and from a running container to the first command in it.

use anyhow::Result;

use super::Finding;
use super::compare::{at_most, faster, take_turns};
use super::lab::{Lab, PREFIX, timed};
use crate::command;
use crate::fixtures::BASE_IMAGE;

/// A container that was not there, of an image that is, and the first command in it.
pub(super) fn fresh(lab: &Lab) -> Result<Vec<Finding>> {
    const ROUNDS: usize = 9;
    let ours = lab.folder("fresh")?;
    let theirs = lab.folder("reference")?;
    let peer = format!("{PREFIX}-peer");
    let [devctl, docker, reference] = take_turns(
        ROUNDS,
        [
            Box::new(|| {
                let took = timed(&mut [ours.up(lab), with_true(lab.ssh(&ours.alias, &[]))])?;
                command::output(&mut lab.devctl(&["remove", "--yes", "--volumes", &ours.alias]))?;
                Ok(took)
            }),
            Box::new(|| {
                let took = timed(&mut [
                    lab.docker(&["network", "create", &peer]),
                    lab.docker(&[
                        "run",
                        "-d",
                        "--init",
                        "--network",
                        &peer,
                        "--name",
                        &peer,
                        BASE_IMAGE,
                        "sleep",
                        "infinity",
                    ]),
                    lab.docker(&["exec", &peer, "true"]),
                ])?;
                command::output(&mut lab.docker(&["rm", "-f", &peer]))?;
                command::output(&mut lab.docker(&["network", "rm", &peer]))?;
                Ok(took)
            }),
            Box::new(|| {
                let took = timed(&mut [
                    lab.reference("up", theirs.path(), &[]),
                    lab.reference("exec", theirs.path(), &["true"]),
                ])?;
                lab.remove_reference()?;
                Ok(took)
            }),
        ],
    )?;
    let what = "`devctl up` of an image that is there, then `ssh NAME.devctl true`";
    Ok(vec![
        at_most(
            &format!("{what}, to `docker network create`, `docker run -d --init` and `docker exec true`"),
            1.3,
            devctl,
            docker,
        ),
        faster(
            &format!("{what}, to `devcontainer up` and `devcontainer exec true`"),
            2.0,
            devctl,
            reference,
        ),
    ])
}

/// `up` where nothing is to be done.
pub(super) fn running(lab: &Lab) -> Result<Vec<Finding>> {
    const ROUNDS: usize = 25;
    let ours = lab.folder("running")?;
    let peer = lab.peer("running-peer")?;
    command::output(&mut ours.up(lab))?;
    let [devctl, docker] = take_turns(
        ROUNDS,
        [
            Box::new(|| timed(&mut [ours.up(lab)])),
            Box::new(|| timed(&mut [lab.docker(&["exec", &peer, "true"])])),
        ],
    )?;
    command::output(&mut lab.devctl(&["remove", "--yes", "--volumes", &ours.alias]))?;
    command::output(&mut lab.docker(&["rm", "-f", &peer]))?;
    Ok(vec![at_most(
        "`devctl up` on a running container, to `docker exec true`",
        1.5,
        devctl,
        docker,
    )])
}

/// Stopped, started, and the first command.
pub(super) fn restart(lab: &Lab) -> Result<Vec<Finding>> {
    const ROUNDS: usize = 11;
    let ours = lab.folder("restart")?;
    // With a network of its own, as ours has one: to join it is a good part of a start.
    let network = format!("{PREFIX}-restart-peer");
    command::output(&mut lab.docker(&["network", "create", &network]))?;
    let peer = lab.peer_with("restart-peer", &["--network", &network])?;
    command::output(&mut ours.up(lab))?;
    let [devctl, docker] = take_turns(
        ROUNDS,
        [
            Box::new(|| {
                timed(&mut [
                    lab.devctl(&["stop", &ours.alias]),
                    ours.up(lab),
                    with_true(lab.ssh(&ours.alias, &[])),
                ])
            }),
            Box::new(|| {
                timed(&mut [
                    lab.docker(&["stop", "-t", "0", &peer]),
                    lab.docker(&["start", &peer]),
                    lab.docker(&["exec", &peer, "true"]),
                ])
            }),
        ],
    )?;
    command::output(&mut lab.devctl(&["remove", "--yes", "--volumes", &ours.alias]))?;
    command::output(&mut lab.docker(&["rm", "-f", &peer]))?;
    command::output(&mut lab.docker(&["network", "rm", &network]))?;
    Ok(vec![at_most(
        "`devctl stop`, `devctl up` and `ssh true`, to `docker stop -t 0`, `docker start` and `docker exec true`",
        1.3,
        devctl,
        docker,
    )])
}

fn with_true(mut ssh: std::process::Command) -> std::process::Command {
    ssh.arg("true");
    ssh
}
