//! `ssh` into a container that runs, beside OpenSSH's own server started the same way.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::Finding;
use super::compare::{at_most, take_turns, time, within};
use super::lab::{Lab, timed};
use crate::command;

/// OpenSSH's server in a container, reached by `sshd -i` through `docker exec`, with its host key checked.
#[derive(Debug)]
pub(super) struct OpenSshPeer {
    container: String,
    config: PathBuf,
}

impl OpenSshPeer {
    /// Puts keys and a configuration into a new container.
    pub(super) fn start(lab: &Lab, name: &str) -> Result<Self> {
        let container = lab.peer(name)?;
        let folder = lab.home().join(name);
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        for key in ["host", "user"] {
            let mut keygen = lab.program("ssh-keygen");
            keygen
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(folder.join(key));
            command::output(&mut keygen)?;
        }
        let public = |key: &str| {
            let path = folder.join(format!("{key}.pub"));
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        let write = |file: &str, text: String| {
            let path = folder.join(file);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
        };
        write("known_hosts", format!("{container} {}", public("host")?))?;
        write("authorized_keys", public("user")?)?;
        // No more than a login needs: the system's own configuration would make it slower, not safer.
        write(
            "sshd_config",
            "HostKey /peer/host\nAuthorizedKeysFile /peer/authorized_keys\nUsePAM no\nPermitRootLogin yes\nStrictModes no\n"
                .to_owned(),
        )?;
        let place = format!("{container}:/peer");
        command::output(lab.docker(&["cp"]).arg(&folder).arg(&place))?;
        let prepare = "mkdir -p /run/sshd && chown -R root:root /peer && chmod 600 /peer/host";
        command::output(&mut lab.docker(&["exec", &container, "sh", "-c", prepare]))?;
        let path = |file: &str| folder.join(file).display().to_string();
        let config = format!(
            "Host {container}\n  User root\n  ProxyCommand docker exec -i {container} /usr/sbin/sshd -i -f /peer/sshd_config\n  \
             IdentityFile {}\n  IdentitiesOnly yes\n  UserKnownHostsFile {}\n  GlobalKnownHostsFile {}\n  \
             StrictHostKeyChecking yes\n  PreferredAuthentications publickey\n  HostKeyAlgorithms ssh-ed25519\n",
            path("user"),
            path("known_hosts"),
            path("known_hosts")
        );
        write("config", config)?;
        Ok(Self {
            container,
            config: folder.join("config"),
        })
    }

    /// `ssh` to it.
    pub(super) fn ssh(&self, lab: &Lab, arguments: &[&str]) -> Command {
        let mut command = lab.program("ssh");
        command.arg("-F").arg(&self.config);
        command.args(["-o", "BatchMode=yes"]).args(arguments);
        command.arg(&self.container);
        command
    }

    pub(super) fn remove(self, lab: &Lab) -> Result<()> {
        command::output(&mut lab.docker(&["rm", "-f", &self.container])).map(drop)
    }
}

/// One login and one command, of a container that runs.
pub(super) fn login(lab: &Lab) -> Result<Vec<Finding>> {
    const ROUNDS: usize = 25;
    let ours = lab.folder("login")?;
    command::output(&mut ours.up(lab))?;
    let peer = OpenSshPeer::start(lab, "sshd")?;
    let [devctl, sshd] = take_turns(
        ROUNDS,
        [
            Box::new(|| {
                let mut ssh = lab.ssh(&ours.alias, &[]);
                ssh.arg("true");
                timed(&mut [ssh])
            }),
            Box::new(|| {
                let mut ssh = peer.ssh(lab, &[]);
                ssh.arg("true");
                timed(&mut [ssh])
            }),
        ],
    )?;
    command::output(&mut lab.devctl(&["remove", "--yes", "--volumes", &ours.alias]))?;
    peer.remove(lab)?;
    Ok(vec![at_most(
        "`ssh NAME.devctl true` of a running container, to `ssh` with `sshd -i` through `docker exec`",
        1.0,
        devctl,
        sshd,
    )])
}

/// What runs before each login, where nothing is due.
pub(super) fn renewal(lab: &Lab) -> Result<Vec<Finding>> {
    const ROUNDS: usize = 60;
    /// Seconds.
    const ADDED: f64 = 0.015;
    let ours = lab.folder("renewal")?;
    command::output(&mut ours.up(lab))?;
    let [devctl, nothing] = take_turns(
        ROUNDS,
        [
            Box::new(|| timed(&mut [lab.devctl(&["ssh-renew"])])),
            Box::new(|| timed(&mut [lab.program("true")])),
        ],
    )?;
    command::output(&mut lab.devctl(&["remove", "--yes", "--volumes", &ours.alias]))?;
    let mut finding = within(
        "`devctl ssh-renew` before a login, where nothing is due, beside `true`",
        ADDED,
        devctl,
    );
    finding.here = format!("{} to {}", time(devctl), time(nothing));
    Ok(vec![finding])
}
