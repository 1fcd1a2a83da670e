//! A rootless Podman for tests: an account of its own, its user namespace, and its service.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::engines::answers;

/// How long it may take until it answers.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// Accounts are made and removed by tests in several processes, which edit the same files.
const ACCOUNTS_LOCK: &str = "/tmp/devctl-test-accounts.lock";

/// Starts the service as the account, in namespaces of its own; they see a `/dev/net/tun` that the account may open, as
/// on every machine with udev. The shell stays: a process that becomes another account forgets to end with its parent.
/// `$1` is the directory, `$2` and `$3` are the ids.
const START: &str = r#"set -e
mknod "$1/tun" c 10 200
chmod 666 "$1/tun"
mount --bind "$1/tun" /dev/net/tun
mount --make-rshared /
cd "$1/home"
uid=$2 gid=$3 socket=unix://$1/run/podman/podman.sock
setpriv --reuid "$uid" --regid "$gid" --clear-groups podman system service --time=0 "$socket" &
wait $!
"#;

/// A Podman service of an account without rights, with an empty storage. It, its containers and the account are gone
/// when this is dropped.
#[derive(Debug)]
pub struct RootlessPodman {
    dir: TempDir,
    account: String,
    uid: u32,
    process: Option<Child>,
}

impl RootlessPodman {
    /// Makes an account with this user and group id, and starts its service.
    ///
    /// # Errors
    /// When this is not root, the account cannot be made, a program is missing (`podman`, `newuidmap` of `uidmap`,
    /// `slirp4netns`), or the service does not answer; with what it said last.
    pub fn start(uid: u32) -> io::Result<Self> {
        // Everything on the way to the socket is open to the account; `/tmp` also keeps the socket's path short.
        let dir = tempfile::Builder::new()
            .prefix("devctl-rootless-")
            .tempdir_in("/tmp")?;
        for (folder, mode) in [
            (".", "0755"),
            ("home", "0700"),
            ("run", "0700"),
            ("run/podman", "0700"),
        ] {
            let folder = dir.path().join(folder);
            std::fs::create_dir_all(&folder)?;
            done(Command::new("chmod").arg(mode).arg(folder))?;
        }
        let mut podman = Self {
            account: format!("devctl-rootless-{uid}"),
            dir,
            uid,
            process: None,
        };
        podman.make_account()?;
        podman.configure()?;
        podman.serve()?;
        Ok(podman)
    }

    /// Name of the account.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// User id of the account, which is its group id too.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// `$XDG_RUNTIME_DIR` of the account.
    #[must_use]
    pub fn runtime_dir(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    /// Where it listens: the place where Podman's own unit files let it listen.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.runtime_dir().join("podman/podman.sock")
    }

    /// The address as `DOCKER_HOST` takes it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// What it has said so far.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn log(&self) -> io::Result<String> {
        std::fs::read_to_string(self.dir.path().join("log"))
    }

    fn make_account(&self) -> io::Result<()> {
        let id = self.uid.to_string();
        let make = "groupadd --gid \"$1\" \"$2\" && useradd --no-create-home --home-dir \"$3\" --uid \"$1\" --gid \"$1\" \"$2\"";
        self.forget_account()?;
        done(
            Command::new("flock")
                .args([ACCOUNTS_LOCK, "sh", "-c", make, "sh", &id, &self.account])
                .arg(self.dir.path().join("home")),
        )?;
        let owner = format!("{id}:{id}");
        for folder in ["home", "run"] {
            done(
                Command::new("chown")
                    .args(["-R", &owner])
                    .arg(self.dir.path().join(folder)),
            )?;
        }
        Ok(())
    }

    /// Also removes one that a test left behind that was killed.
    fn forget_account(&self) -> io::Result<()> {
        let forget = "! getent passwd \"$1\" >/dev/null || userdel \"$1\"; ! getent group \"$1\" >/dev/null || groupdel \"$1\"";
        done(Command::new("flock").args([ACCOUNTS_LOCK, "sh", "-c", forget, "sh", &self.account]))
    }

    fn configure(&self) -> io::Result<()> {
        let dir = self.dir.path();
        // The kernel's own overlay: an account may not open `/dev/fuse` everywhere.
        std::fs::write(dir.join("storage.conf"), "[storage]\ndriver = \"overlay\"\n")?;
        // For the limits and the init see the Podman with root.
        let init = ["/usr/libexec/podman/catatonit", "/usr/bin/docker-init"]
            .into_iter()
            .find(|init| Path::new(init).exists())
            .unwrap_or("/usr/bin/catatonit");
        std::fs::write(
            dir.join("containers.conf"),
            format!(
                "[containers]\ndefault_ulimits = [\"nofile=4096:4096\", \"nproc=4096:4096\"]\n\
                 [engine]\ninit_path = \"{init}\"\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n"
            ),
        )
    }

    fn serve(&mut self) -> io::Result<()> {
        let dir = self.dir.path().to_owned();
        let log = File::create(dir.join("log"))?;
        let id = self.uid.to_string();
        // In a process namespace of its own, everything that the service starts ends with it.
        let child = Command::new("unshare")
            .args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"])
            .args(["sh", "-c", START, "sh"])
            .arg(&dir)
            .args([&id, &id])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", dir.join("home"))
            .env("XDG_RUNTIME_DIR", dir.join("run"))
            // Else caches of builds would lie in `/var/tmp`, where those of another account may be.
            .env("TMPDIR", dir.join("home"))
            .env("CONTAINERS_CONF", dir.join("containers.conf"))
            .env("CONTAINERS_STORAGE_CONF", dir.join("storage.conf"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let child = self.process.insert(child);
        let socket = dir.join("run/podman/podman.sock");
        let begin = Instant::now();
        while !answers(&socket) {
            let ended = child.try_wait()?;
            if ended.is_some() || begin.elapsed() > START_PATIENCE {
                let said = std::fs::read_to_string(dir.join("log"))?;
                return Err(io::Error::other(format!(
                    "podman of {id} does not answer (ended: {ended:?}): {said}"
                )));
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for RootlessPodman {
    fn drop(&mut self) {
        if let Some(mut child) = self.process.take() {
            // Killing `unshare` kills the first process of the namespace, and that all others.
            let _ended = child.kill();
            let _reaped = child.wait();
        }
        // The last processes go a moment later. A leftover is removed by the next test with this id.
        let begin = Instant::now();
        while self.forget_account().is_err() && begin.elapsed() < Duration::from_secs(10) {
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
}

fn done(command: &mut Command) -> io::Result<()> {
    let Output { status, stderr, .. } = command.output()?;
    if status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&stderr);
    Err(io::Error::other(format!(
        "{command:?}: {status}: {}",
        said.trim()
    )))
}
