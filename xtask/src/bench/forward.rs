//! Bytes through one forwarded connection, beside a bare pipe of `docker exec`.

use std::io::{BufRead as _, BufReader, Read};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::Finding;
use super::compare::{carries, take_turns};
use super::lab::Lab;
use crate::command;

/// Bytes of one transfer.
const SIZE: usize = 256 << 20;

/// Reads of this size keep this program out of the measurement.
const PIECE: usize = 256 << 10;

/// Where the service listens in the container.
const PORT: &str = "7000";

/// Says [`SIZE`] zeros to each client.
const SERVICE: &str = r#"$SIG{CHLD} = "IGNORE";
my $server = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ARGV[0], Listen => 5) or die;
my $piece = "\0" x 262144;
while (1) {
    my $client = $server->accept or next;
    if (!fork) { for (1 .. $ARGV[1] / 262144) { syswrite($client, $piece) } exit }
    close $client;
}"#;

pub(super) fn forward(lab: &Lab) -> Result<Vec<Finding>> {
    const ROUNDS: usize = 7;
    let ours = lab.folder("forward")?;
    command::output(&mut ours.up(lab))?;
    let label = format!("label=dev.devctl.name={}", ours.alias);
    let container = command::output(&mut lab.docker(&["ps", "--quiet", "--filter", &label]))?;
    let container = container.trim().to_owned();
    let size = SIZE.to_string();
    command::output(&mut lab.docker(&[
        "exec",
        "--detach",
        &container,
        "perl",
        "-MIO::Socket::INET",
        "-e",
        SERVICE,
        PORT,
        &size,
    ]))?;
    let (mut forwarding, _said, local) = forwarding(lab, &ours.alias)?;
    let rates = take_turns(
        ROUNDS,
        [
            Box::new(|| down(TcpStream::connect(&*local).context("cannot connect to the forwarded port")?)),
            Box::new(|| {
                let mut exec = lab
                    .docker(&["exec", &container, "head", "-c", &size, "/dev/zero"])
                    .stdout(Stdio::piped())
                    .spawn()
                    .context("cannot run docker")?;
                let took = down(exec.stdout.take().context("docker has no output")?);
                exec.wait().context("cannot wait for docker")?;
                took
            }),
        ],
    );
    forwarding.kill().context("cannot end the forward")?;
    forwarding.wait().context("cannot wait for the forward")?;
    let [devctl, exec] = rates?.map(|seconds| SIZE as f64 / seconds);
    command::output(&mut lab.devctl(&["remove", "--yes", "--volumes", &ours.alias]))?;
    Ok(vec![carries(
        "bytes through one forwarded TCP connection, to a bare pipe of `docker exec`",
        0.7,
        devctl,
        exec,
    )])
}

/// A forward that runs, what it has yet to say (it ends when nobody hears it), and its address on this computer.
fn forwarding(lab: &Lab, alias: &str) -> Result<(Child, BufReader<ChildStdout>, String)> {
    let mut child = lab
        .devctl(&["--json", "ports", "forward", alias, PORT])
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run devctl")?;
    let output = child.stdout.take().context("devctl has no output")?;
    let mut line = String::new();
    let mut output = BufReader::new(output);
    output
        .read_line(&mut line)
        .context("cannot read what devctl says")?;
    let said: serde_json::Value = serde_json::from_str(&line).context("devctl says no JSON")?;
    match said
        .pointer("/forwards/0/listen")
        .and_then(|listen| listen.as_str())
    {
        Some(listen) => Ok((child, output, listen.to_owned())),
        None => bail!("devctl forwards nothing: {line}"),
    }
}

/// All bytes, from the first to the last: what it takes to connect does not count.
fn down(mut reader: impl Read) -> Result<Duration> {
    let mut piece = vec![0; PIECE];
    let mut came = reader.read(&mut piece).context("cannot read what comes")?;
    let began = Instant::now();
    loop {
        match reader.read(&mut piece).context("cannot read what comes")? {
            0 => break,
            count => came += count,
        }
    }
    if came != SIZE {
        bail!("{came} bytes of {SIZE} came out of the container");
    }
    Ok(began.elapsed())
}
