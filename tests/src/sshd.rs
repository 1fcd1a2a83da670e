//! The OpenSSH server of this machine, on a port of its own.
#![expect(
    clippy::unwrap_used,
    reason = "a test whose surroundings cannot be made fails, and says where"
)]

use crate::programs::{Background, ran, wait_until};
use crate::sandbox::skip;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

/// A server that ends with its value.
#[derive(Debug)]
pub struct Sshd {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    /// Its host key, as one line of a known-hosts file.
    pub known_hosts: String,
    _server: Background,
}

impl Sshd {
    /// Starts it with more lines of configuration, and its files in that folder, which only root may write; a host key
    /// `sshd_host_key` that is there already is taken. None where there is no server, or the test may not start it; that
    /// is said.
    ///
    /// # Panics
    /// When it does not listen within a minute.
    #[must_use]
    pub fn start(folder: &Path, more: &str) -> Option<Self> {
        const PROGRAM: &str = "/usr/sbin/sshd";
        if !Path::new(PROGRAM).is_file() || fs::create_dir_all("/run/sshd").is_err() {
            skip("no OpenSSH server can be started here");
            return None;
        }
        let key = folder.join("sshd_host_key");
        if !key.exists() {
            ran(Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(&key));
        }
        let port = free_port();
        let configuration = folder.join("sshd_config");
        let text = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nPidFile none\nUsePAM no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nLogLevel VERBOSE\nMaxStartups 200\nSubsystem sftp internal-sftp\n{more}\n",
            key.display()
        );
        fs::write(&configuration, text).unwrap();
        let log = fs::File::create(folder.join("sshd_log")).unwrap();
        let mut server = Command::new(PROGRAM);
        server.args(["-D", "-e", "-f"]).arg(&configuration);
        let server = Background::start(server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log));
        wait_until("the OpenSSH server", || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
        });
        let public = fs::read_to_string(key.with_extension("pub")).unwrap();
        Some(Self {
            port,
            known_hosts: format!("[127.0.0.1]:{port} {public}"),
            _server: server,
        })
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}
