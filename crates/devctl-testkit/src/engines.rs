//! Real engines for tests: the machine's own Docker, and engines that a test starts for itself and may break.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The image that the tests run in: Debian 12 with sshd, git, sudo, curl and rsync. `cargo xtask fixtures` makes it.
pub const BASE_IMAGE: &str = "devctl-base:bookworm";

/// How long an engine may take until it answers; the slowest was seen on a busy machine with two cores.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// Whether a part that a test needs must be there: set in CI, so that nothing is skipped unseen.
#[must_use]
pub fn everything_is_required() -> bool {
    std::env::var("DEVCTL_REQUIRE_ALL").is_ok_and(|value| value == "1")
}

/// The root file system of [`BASE_IMAGE`] as a tar archive, from the directory in `DEVCTL_FIXTURES`.
///
/// # Errors
/// When the variable is not set or the file is not there.
pub fn base_archive() -> io::Result<PathBuf> {
    let missing = |what: String| io::Error::new(io::ErrorKind::NotFound, what);
    let dir =
        std::env::var_os("DEVCTL_FIXTURES").ok_or_else(|| missing("DEVCTL_FIXTURES is not set".into()))?;
    let path = Path::new(&dir).join("base.tar");
    if path.is_file() {
        Ok(path)
    } else {
        Err(missing(format!("{} is missing", path.display())))
    }
}

/// The engine that the machine's own user would use, when it answers: `DEVCTL_TEST_DOCKER` or the default socket.
#[must_use]
pub fn machine_docker() -> Option<PathBuf> {
    let socket =
        std::env::var_os("DEVCTL_TEST_DOCKER").map_or_else(|| "/var/run/docker.sock".into(), PathBuf::from);
    answers(&socket).then_some(socket)
}

/// An engine in a process of its own, with a state directory of its own. Stopped when it is dropped.
#[derive(Debug)]
pub struct OwnEngine {
    dir: TempDir,
    product: Product,
    process: Option<Child>,
    options: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Product {
    Docker,
    Podman,
}

impl OwnEngine {
    /// Starts a Docker daemon in a network namespace of its own.
    ///
    /// Never without that: a second daemon, even one with `--bridge=none`, removes the bridge `docker0` of the first.
    ///
    /// # Errors
    /// When `dockerd` is not installed, may not be started, or does not answer.
    pub fn docker() -> io::Result<Self> {
        Self::docker_with(&[])
    }

    /// Starts a Docker daemon with more options.
    ///
    /// # Errors
    /// As [`OwnEngine::docker`].
    pub fn docker_with(options: &[&str]) -> io::Result<Self> {
        Self::new(Product::Docker, options)
    }

    /// Starts a Podman service with storage of its own.
    ///
    /// # Errors
    /// When `podman` is not installed, may not be started, or does not answer.
    pub fn podman() -> io::Result<Self> {
        Self::new(Product::Podman, &[])
    }

    fn new(product: Product, options: &[&str]) -> io::Result<Self> {
        // The path of a socket has room for 107 bytes, so it does not lie in a deep TMPDIR.
        let dir = tempfile::Builder::new()
            .prefix("devctl-engine-")
            .tempdir_in("/tmp")?;
        let options = options.iter().map(|&option| option.to_owned()).collect();
        let mut engine = Self {
            dir,
            product,
            process: None,
            options,
        };
        engine.start()?;
        Ok(engine)
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("engine.sock")
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

    /// Starts it, where it does not run.
    ///
    /// # Errors
    /// When the process cannot be started, ends, or does not answer; with what it said last.
    pub fn start(&mut self) -> io::Result<()> {
        if self.process.is_some() {
            return Ok(());
        }
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.dir.path().join("log"))?;
        let mut command = match self.product {
            Product::Docker => self.dockerd()?,
            Product::Podman => self.podman_service()?,
        };
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let program = match self.product {
            Product::Docker => "dockerd",
            Product::Podman => "podman",
        };
        let child = command
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("{program}: {error}")))?;
        let child = self.process.insert(child);
        let socket = self.dir.path().join("engine.sock");
        let begin = Instant::now();
        while !answers(&socket) {
            let ended = child.try_wait()?;
            if ended.is_some() || begin.elapsed() > START_PATIENCE {
                let said = std::fs::read_to_string(self.dir.path().join("log"))?;
                let tail = said.lines().rev().take(5).collect::<Vec<_>>().join(" | ");
                return Err(io::Error::other(format!(
                    "{program} does not answer (ended: {ended:?}): {tail}"
                )));
            }
            pause();
        }
        Ok(())
    }

    /// Asks it to end and waits until it has.
    ///
    /// # Errors
    /// When the process cannot be waited for.
    pub fn stop(&mut self) -> io::Result<()> {
        let Some(mut child) = self.process.take() else {
            return Ok(());
        };
        signal(&child, "-TERM")?;
        let begin = Instant::now();
        while child.try_wait()?.is_none() {
            if begin.elapsed() > START_PATIENCE {
                child.kill()?;
                child.wait()?;
                break;
            }
            pause();
        }
        Ok(())
    }

    /// Kills it without a warning, as a power cut would.
    ///
    /// # Errors
    /// When the process cannot be killed.
    pub fn kill(&mut self) -> io::Result<()> {
        let Some(mut child) = self.process.take() else {
            return Ok(());
        };
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Makes it stop answering without ending; [`OwnEngine::resume`] wakes it.
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub fn freeze(&self) -> io::Result<()> {
        self.process
            .as_ref()
            .map_or(Ok(()), |child| signal(child, "-STOP"))
    }

    /// Lets it go on after [`OwnEngine::freeze`].
    ///
    /// # Errors
    /// When the signal cannot be sent.
    pub fn resume(&self) -> io::Result<()> {
        self.process
            .as_ref()
            .map_or(Ok(()), |child| signal(child, "-CONT"))
    }

    fn dockerd(&self) -> io::Result<Command> {
        let dir = self.dir.path();
        // The configuration of the machine's own daemon must not reach into this one.
        let configuration = dir.join("daemon.json");
        std::fs::write(&configuration, "{}")?;
        let mut command = in_own_network("dockerd");
        command
            .arg("--config-file")
            .arg(configuration)
            .arg("--data-root")
            .arg(dir.join("data"))
            .arg("--exec-root")
            .arg(dir.join("exec"))
            .arg("--pidfile")
            .arg(dir.join("pid"))
            .arg("--host")
            .arg(self.url())
            .args(&self.options);
        Ok(command)
    }

    fn podman_service(&self) -> io::Result<Command> {
        let dir = self.dir.path();
        for name in ["networks", "tmp"] {
            std::fs::create_dir_all(dir.join(name))?;
        }
        // Podman's own init is a package that Debian does not install with it; Docker brings one too.
        let init = Path::new("/usr/libexec/podman/catatonit");
        let init = if init.exists() {
            init
        } else {
            Path::new("/usr/bin/docker-init")
        };
        // The default of nofile is more than an unprivileged machine may set ("error setting rlimit type 7"). Both halves
        // are equal: over its Docker API Podman 4.3 hands the two over in the wrong order.
        let configuration = format!(
            "[containers]\ndefault_ulimits = [\"nofile=4096:4096\", \"nproc=4096:4096\"]\n\
             [network]\nnetwork_config_dir = \"{networks}\"\n\
             [engine]\ninit_path = \"{init}\"\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\ntmp_dir = \"{tmp}\"\n",
            init = init.display(),
            networks = dir.join("networks").display(),
            tmp = dir.join("tmp").display(),
        );
        std::fs::write(dir.join("containers.conf"), configuration)?;
        let mut command = self.podman_client();
        command.args(["system", "service", "--time=0"]).arg(self.url());
        Ok(command)
    }

    fn podman_client(&self) -> Command {
        let dir = self.dir.path();
        let mut command = in_own_network("podman");
        command
            .env("CONTAINERS_CONF", dir.join("containers.conf"))
            .arg("--root")
            .arg(dir.join("data"))
            .arg("--runroot")
            .arg(dir.join("exec"))
            .args(&self.options);
        command
    }

    /// Ends what would outlive the engine: containers, and their mounts.
    fn clean_up(&mut self) -> io::Result<()> {
        // A frozen engine does not hear a signal; one that was killed has left its containers running.
        self.resume()?;
        self.start()?;
        if self.product == Product::Podman {
            let removed = self
                .podman_client()
                .args(["rm", "--all", "--force", "--time", "0"])
                .output()?;
            if !removed.status.success() {
                return Err(io::Error::other(
                    String::from_utf8_lossy(&removed.stderr).into_owned(),
                ));
            }
        }
        self.stop()?;
        // The monitor of a process in a container stays for five minutes, and would then make our directory anew.
        for process in processes_of(self.dir.path())? {
            Command::new("kill")
                .args(["-KILL", &process])
                .stderr(Stdio::null())
                .status()?;
        }
        let mounts = std::fs::read_to_string("/proc/self/mounts")?;
        let ours = mounts
            .lines()
            .filter_map(|line| line.split(' ').nth(1))
            .filter(|at| Path::new(at).starts_with(self.dir.path()));
        for mount in ours.collect::<Vec<_>>().into_iter().rev() {
            Command::new("umount").arg("--lazy").arg(mount).status()?;
        }
        Ok(())
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        if let Err(error) = self.clean_up() {
            let _unheard = writeln!(
                io::stderr(),
                "something of a test's engine is left behind: {error}"
            );
        }
    }
}

/// The monitors (conmon) that were started for an engine in that directory: their arguments name it.
fn processes_of(dir: &Path) -> io::Result<Vec<String>> {
    let dir = format!("{}/", dir.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let process = entry?.file_name().to_string_lossy().into_owned();
        // A process that ended since has no arguments.
        let arguments = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&arguments);
        let program = arguments.split('\0').next().unwrap_or_default();
        if program.ends_with("conmon") && arguments.contains(&dir) {
            found.push(process);
        }
    }
    Ok(found)
}

/// A program in a network namespace of its own. `unshare` becomes the program, so that the process is the same.
fn in_own_network(program: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--net", "--", program]);
    command
}

/// Sends a signal without a system call of our own, which would be unsafe code.
fn signal(child: &Child, name: &str) -> io::Result<()> {
    let status = Command::new("kill")
        .arg(name)
        .arg(child.id().to_string())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("kill {name} {}: {status}", child.id())))
    }
}

/// A short pause between two looks at a condition.
fn pause() {
    std::thread::park_timeout(Duration::from_millis(20));
}

/// Whether an engine answers a ping at that socket.
#[must_use]
pub fn answers(socket: &Path) -> bool {
    let ask = || -> io::Result<bool> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(b"GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(head.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}
