//! A real registry for tests, on the loopback, that wants a name and a password.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Who may pull and push.
pub const USER: &str = "bob";

/// Their password: encoded, it has characters that differ between the two alphabets of base64.
pub const PASSWORD: &str = "p+s/w?:rd~";

/// [`PASSWORD`] as `htpasswd -B` writes it, at the lowest cost.
const PASSWORD_HASH: &str = "$2b$04$6R/xth9wgAqdfirZ/gMV2uDf11uT0YKeD9oFnVBjLR1gB56rVqdYW";

/// How long it may take until it answers.
const START_PATIENCE: Duration = Duration::from_secs(30);

/// A registry in a process of its own. Stopped when it is dropped.
#[derive(Debug)]
pub struct Registry {
    dir: TempDir,
    process: Child,
    port: u16,
}

impl Registry {
    /// Starts Debian's `docker-registry` with an empty storage.
    ///
    /// # Errors
    /// When it is not installed or does not answer; with what it said last.
    pub fn start() -> io::Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix("devctl-registry-")
            .tempdir_in("/tmp")?;
        // Free again when the registry asks for it, unless another program is faster.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let passwords = dir.path().join("htpasswd");
        std::fs::write(&passwords, format!("{USER}:{PASSWORD_HASH}\n"))?;
        let configuration = dir.path().join("config.yml");
        std::fs::write(
            &configuration,
            format!(
                "version: 0.1\nlog:\n  level: warn\nstorage:\n  filesystem:\n    rootdirectory: {data}\n\
                 http:\n  addr: 127.0.0.1:{port}\nauth:\n  htpasswd:\n    realm: tests\n    path: {passwords}\n",
                data = dir.path().join("data").display(),
                passwords = passwords.display(),
            ),
        )?;
        let log = File::create(dir.path().join("log"))?;
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&configuration)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(|error| io::Error::new(error.kind(), format!("docker-registry: {error}")))?;
        let mut registry = Self { dir, process, port };
        let begin = Instant::now();
        while !registry.answers() {
            let ended = registry.process.try_wait()?;
            if ended.is_some() || begin.elapsed() > START_PATIENCE {
                let said = std::fs::read_to_string(registry.dir.path().join("log"))?;
                return Err(io::Error::other(format!(
                    "docker-registry does not answer (ended: {ended:?}): {said}"
                )));
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Ok(registry)
    }

    /// Its name in image references: host and port.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Whether it asks for a login, as it should.
    fn answers(&self) -> bool {
        let ask = || -> io::Result<bool> {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            stream.write_all(b"GET /v2/ HTTP/1.0\r\n\r\n")?;
            let mut head = [0; 12];
            stream.read_exact(&mut head)?;
            Ok(head.ends_with(b" 401"))
        };
        ask().unwrap_or(false)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.process.kill();
        let _reaped = self.process.wait();
    }
}
