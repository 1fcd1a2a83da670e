//! Real logins while the access key is changed for another one: none fails.

#![cfg(test)]
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use devctl_ssh::{
    AccessKey, Authority, AuthorityKind, HostKeys, Principal, SshDir, UserCertRequest,
    issue_user_certificate, write_trusted_authorities,
};

const SSHD: &str = "/usr/sbin/sshd";
const CLIENTS: usize = 2;
const ROTATIONS: usize = 6;

fn sshd_is_here() -> bool {
    let here = Path::new(SSHD).exists() && Path::new("/run/sshd").is_dir();
    if !here {
        let required = std::env::var_os("DEVCTL_REQUIRE_ALL").is_some();
        assert!(!required, "the OpenSSH server is not installed");
        eprintln!("SKIPPED: the OpenSSH server is not installed");
    }
    here
}

struct Bed {
    home: tempfile::TempDir,
    dir: SshDir,
    authority: Authority,
    serial: AtomicU64,
}

impl Bed {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let dir = SshDir::new(home.path().join("devctl"));
        let authority = Authority::generate(AuthorityKind::User, 1).unwrap();
        let bed = Self {
            home,
            dir,
            authority,
            serial: AtomicU64::new(1),
        };
        let key = AccessKey::ensure(&bed.dir, "dev").unwrap();
        key.write_certificate(&bed.certificate(&key)).unwrap();

        let path = |name: &str| bed.home.path().join(name).display().to_string();
        let host = HostKeys::new(bed.home.path().join("hosts"))
            .ensure("web")
            .unwrap();
        write_trusted_authorities(
            path("authorities").as_ref(),
            &[bed.authority.public_key().clone()],
        )
        .unwrap();
        fs::write(path("principals"), "owner-1\n").unwrap();
        let server = format!(
            "HostKey {}\nTrustedUserCAKeys {}\nAuthorizedPrincipalsFile {}\nAuthorizedKeysFile none\nStrictModes no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nUsePAM no\n",
            host.path().display(),
            path("authorities"),
            path("principals"),
        );
        fs::write(path("sshd_config"), server).unwrap();
        bed.configure();
        bed
    }

    /// The client configuration, as devctl generates it: one write leads to the files of the key in use.
    fn configure(&self) {
        let path = |name: &str| self.home.path().join(name);
        let key = self.dir.access_key().unwrap();
        let client = format!(
            "Host web\n ProxyCommand {SSHD} -i -f {}\n IdentitiesOnly yes\n IdentityAgent none\n BatchMode yes\n\
             \x20LogLevel ERROR\n StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n\
             \x20IdentityFile {}\n CertificateFile {}\n",
            path("sshd_config").display(),
            key.private.display(),
            key.certificate.display(),
        );
        fs::write(path("ssh_config.new"), client).unwrap();
        fs::rename(path("ssh_config.new"), path("ssh_config")).unwrap();
    }

    fn certificate(&self, key: &AccessKey) -> devctl_ssh::Certificate {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let principals = vec![Principal::new("owner-1").unwrap()];
        let request = UserCertRequest::at(now, serial, format!("dev/{serial}"), principals);
        issue_user_certificate(&self.authority, key.public_key(), &request).unwrap()
    }

    fn login(&self) -> Result<(), String> {
        let output = Command::new("ssh")
            .arg("-F")
            .arg(self.home.path().join("ssh_config"))
            .args(["web", "true"])
            .output()
            .unwrap();
        if output.status.success() {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

#[test]
fn a_login_works_at_every_instant_of_a_change_of_the_key() {
    if !sshd_is_here() {
        return;
    }
    let bed = Bed::new();
    bed.login().unwrap();
    let ended = AtomicBool::new(false);
    let done: [AtomicU64; CLIENTS] = Default::default();
    thread::scope(|scope| {
        let clients: Vec<_> = done
            .iter()
            .map(|done| {
                scope.spawn(|| {
                    let mut failures = Vec::new();
                    while !ended.load(Ordering::Relaxed) {
                        failures.extend(bed.login().err());
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                    failures
                })
            })
            .collect();
        // Every login that has begun by now has ended.
        let pass = || {
            let counts = || done.each_ref().map(|done| done.load(Ordering::Relaxed));
            let (before, started) = (counts(), Instant::now());
            while counts().iter().zip(before).any(|(now, before)| *now < before + 2) {
                if started.elapsed() > Duration::from_secs(60) {
                    ended.store(true, Ordering::Relaxed);
                    panic!("no login ends");
                }
                thread::park_timeout(Duration::from_millis(5));
            }
        };
        let mut fingerprints = Vec::new();
        for _ in 0..ROTATIONS {
            let next = AccessKey::make_next(&bed.dir, "dev").unwrap();
            next.write_certificate(&bed.certificate(&next)).unwrap();
            bed.configure();
            fingerprints.push(next.fingerprint());
            // The overlap.
            pass();
            let mut keys = bed.dir.access_keys().unwrap();
            keys.pop();
            assert_eq!(keys.len(), 1);
            for old in keys {
                old.remove().unwrap();
            }
        }
        ended.store(true, Ordering::Relaxed);
        for client in clients {
            let failures = client.join().unwrap();
            assert!(failures.is_empty(), "{failures:?}");
        }
        fingerprints.dedup();
        assert_eq!(fingerprints.len(), ROTATIONS, "each time another key");
    });
    bed.login().unwrap();
}
