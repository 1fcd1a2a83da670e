//! Bytes through `ssh`, both ways, with the same cipher on both sides.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::Finding;
use super::compare::{carries, take_turns};
use super::lab::Lab;
use super::login::OpenSshPeer;
use crate::command;

/// Bytes of one transfer.
const SIZE: usize = 128 << 20;

const CIPHERS: [&str; 2] = ["aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com"];

/// Reads and writes of this size keep this program out of the measurement.
const PIECE: usize = 256 << 10;

pub(super) fn throughput(lab: &Lab) -> Result<Vec<Finding>> {
    const ROUNDS: usize = 7;
    let ours = lab.folder("throughput")?;
    command::output(&mut ours.up(lab))?;
    let peer = OpenSshPeer::start(lab, "sshd-throughput")?;
    let mut findings = Vec::new();
    for cipher in CIPHERS {
        let options = ["-c", cipher];
        let rates = |times: [f64; 2]| times.map(|seconds| SIZE as f64 / seconds);
        let [devctl, sshd] = rates(take_turns(
            ROUNDS,
            [
                Box::new(|| down(lab.ssh(&ours.alias, &options))),
                Box::new(|| down(peer.ssh(lab, &options))),
            ],
        )?);
        findings.push(carries(
            &format!(
                "bytes out of the container through `ssh -c {cipher}`, to `sshd -i` through `docker exec`"
            ),
            1.0,
            devctl,
            sshd,
        ));
        let [devctl, sshd] = rates(take_turns(
            ROUNDS,
            [
                Box::new(|| up(lab.ssh(&ours.alias, &options))),
                Box::new(|| up(peer.ssh(lab, &options))),
            ],
        )?);
        findings.push(carries(
            &format!(
                "bytes into the container through `ssh -c {cipher}`, to `sshd -i` through `docker exec`"
            ),
            0.7,
            devctl,
            sshd,
        ));
    }
    command::output(&mut lab.devctl(&["remove", "--yes", "--volumes", &ours.alias]))?;
    peer.remove(lab)?;
    Ok(findings)
}

/// Out of the container, from the first byte to the last: the login does not count.
fn down(mut ssh: Command) -> Result<Duration> {
    let mut child = ssh
        .arg(format!("head -c {SIZE} /dev/zero"))
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run ssh")?;
    let mut output = child.stdout.take().context("ssh has no output")?;
    let mut piece = vec![0; PIECE];
    let mut came = output.read(&mut piece).context("cannot read what ssh says")?;
    let began = Instant::now();
    loop {
        match output.read(&mut piece).context("cannot read what ssh says")? {
            0 => break,
            count => came += count,
        }
    }
    let took = began.elapsed();
    child.wait().context("cannot wait for ssh")?;
    if came != SIZE {
        bail!("{came} bytes of {SIZE} came out of the container");
    }
    Ok(took)
}

/// Into the container, from the moment the other side reads until it has counted all of it.
fn up(mut ssh: Command) -> Result<Duration> {
    let mut child = ssh
        .arg("echo ready; wc -c")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run ssh")?;
    let mut output = child.stdout.take().context("ssh has no output")?;
    let mut input = child.stdin.take().context("ssh has no input")?;
    let mut ready = [0; "ready\n".len()];
    output
        .read_exact(&mut ready)
        .context("the container did not begin to read")?;
    let began = Instant::now();
    let piece = vec![0; PIECE];
    for _ in 0..SIZE / PIECE {
        input.write_all(&piece).context("ssh took no more")?;
    }
    drop(input);
    let mut counted = String::new();
    output
        .read_to_string(&mut counted)
        .context("cannot read what ssh says")?;
    let took = began.elapsed();
    child.wait().context("cannot wait for ssh")?;
    if counted.trim() != SIZE.to_string() {
        bail!("{} bytes of {SIZE} came into the container", counted.trim());
    }
    Ok(took)
}
