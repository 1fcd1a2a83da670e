//! Who is believed, and certificates that are a month old, gone, or of somebody else.

use devctl_tests::programs::{Ran, ran};
use devctl_tests::sandbox::{Sandbox, config};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn keygen(arguments: &[&str], file: &Path) {
    ran(Command::new("ssh-keygen").arg("-q").args(arguments).arg(file));
}

/// The certificates of the containers of a home; at least one.
fn host_certificates(home: &Sandbox) -> Vec<PathBuf> {
    let folders = fs::read_dir(home.state().join("hosts")).unwrap();
    let found: Vec<PathBuf> = folders
        .map(|folder| folder.unwrap().path().join("ssh_host_ed25519_key-cert.pub"))
        .filter(|path| path.is_file())
        .collect();
    assert!(!found.is_empty(), "no container has a certificate");
    found
}

/// Writes the public half of a certified host key, which is kept without it.
fn public_half(certificate: &Path, public: &Path) {
    let private = certificate.to_string_lossy().replace("-cert.pub", "");
    let line = ran(Command::new("ssh-keygen").arg("-y").arg("-f").arg(private));
    fs::write(public, line).unwrap();
}

/// Signs a key with an authority of somebody else, for a week that ended 23 days ago.
fn sign_long_ago(home: &Sandbox, public: &Path, host: Option<&str>) {
    let authority = home.home().join("other-authority");
    if !authority.exists() {
        keygen(&["-t", "ed25519", "-N", "", "-f"], &authority);
    }
    let mut sign = Command::new("ssh-keygen");
    sign.arg("-q")
        .arg("-s")
        .arg(&authority)
        .args(["-I", "old", "-V", "-30d:-23d"]);
    match host {
        Some(host) => sign.args(["-h", "-n", host]),
        None => sign.args(["-n", "owner-0"]),
    };
    ran(sign.arg(public));
}

#[test]
fn a_host_of_another_authority_is_refused_without_a_question() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("known", &config("")));
    let known = home.ssh_dir().join("known_hosts");
    let ours = fs::read(&known).unwrap();
    let other = home.home().join("other");
    keygen(&["-t", "ed25519", "-N", "", "-f"], &other);
    let public = fs::read_to_string(other.with_extension("pub")).unwrap();
    fs::write(&known, format!("@cert-authority *.devctl {public}")).unwrap();
    let refused = home.try_ssh(up.host(), "echo in").expect(255);
    assert!(refused.stdout().is_empty());
    assert!(
        refused.stderr().contains("Host key verification failed"),
        "{}",
        refused.stderr()
    );
    fs::write(&known, ours).unwrap();
    assert_eq!(home.ssh(up.host(), "echo in"), "in");
}

#[test]
fn after_a_month_the_first_login_works() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("month", &config("")));
    let month_ago = Command::new("date")
        .args(["-d", "30 days ago", "+%s"])
        .output()
        .unwrap();
    let month_ago = String::from_utf8(month_ago.stdout).unwrap().trim().to_owned();

    sign_long_ago(&home, &home.ssh_dir().join("id_ed25519.pub"), None);
    let public = home.home().join("host.pub");
    for certificate in host_certificates(&home) {
        public_half(&certificate, &public);
        sign_long_ago(&home, &public, Some(up.host()));
        fs::copy(home.home().join("host-cert.pub"), &certificate).unwrap();
    }
    fs::write(home.state().join("renew_at"), &month_ago).unwrap();
    for folder in [home.ssh_dir(), home.state()] {
        ran(Command::new("find")
            .arg(folder)
            .args(["-exec", "touch", "-d", "30 days ago", "{}", "+"]));
    }

    let ran = home.try_ssh(up.host(), "echo in").expect(0);
    assert_eq!(
        (ran.stdout().as_str(), ran.stderr().as_str()),
        ("in\n", ""),
        "nobody notices"
    );
}

/// The authorities of a home, so that a test can sign as they would have at another time.
struct Authorities {
    folder: PathBuf,
}

impl Authorities {
    fn of(home: &Sandbox) -> Self {
        let folder = home.home().join("authorities");
        fs::create_dir(&folder).unwrap();
        let passphrase = folder.join("passphrase");
        fs::write(&passphrase, "for a test\n").unwrap();
        for kind in ["user", "host"] {
            let file = folder.join(kind);
            let _exported = home
                .run(&[
                    "ca",
                    "export",
                    kind,
                    "--private",
                    file.to_str().unwrap(),
                    "--passphrase-file",
                    passphrase.to_str().unwrap(),
                ])
                .expect(0);
            ran(Command::new("ssh-keygen")
                .args(["-q", "-p", "-P", "for a test", "-N", "", "-f"])
                .arg(&file));
        }
        Self { folder }
    }

    /// Gives everything of the home the age that it would have had.
    fn date(&self, home: &Sandbox, host: &str, when: &When) {
        let sign = |kind: &str, more: &[&str], public: &Path| {
            ran(Command::new("ssh-keygen")
                .args(["-q", "-I", "of another time", "-z", "900000", "-s"])
                .arg(self.folder.join(kind))
                .args(more)
                .arg(public));
        };
        let public = home.ssh_dir().join("id_ed25519.pub");
        sign("user", &["-n", "owner-0", "-V", when.user], &public);
        let public = self.folder.join("of-host.pub");
        for certificate in host_certificates(home) {
            public_half(&certificate, &public);
            sign("host", &["-h", "-n", host, "-V", when.host], &public);
            fs::copy(self.folder.join("of-host-cert.pub"), &certificate).unwrap();
        }
        let due = ran(Command::new("date").args(["-d", when.due, "+%s"]));
        fs::write(home.state().join("renew_at"), due.trim()).unwrap();
    }
}

/// The validity of the certificates of an owner and a host, and when the host's would be due.
struct When {
    user: &'static str,
    host: &'static str,
    due: &'static str,
}

const A_DAY_AGO: When = When {
    user: "-40h:-24h",
    host: "-8d:-1d",
    due: "3 days ago",
};

#[test]
fn whatever_the_clock_said_before_the_first_login_works_and_nobody_notices() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("clock", &config("")));
    let authorities = Authorities::of(&home);
    for when in [
        A_DAY_AGO,
        When {
            user: "-30d:-29d",
            host: "-30d:-23d",
            due: "25 days ago",
        },
        When {
            user: "+1d:+40h",
            host: "+1d:+8d",
            due: "6 days",
        },
        When {
            user: "+30d:+31d",
            host: "+30d:+37d",
            due: "35 days",
        },
    ] {
        authorities.date(&home, up.host(), &when);
        let ran = home.try_ssh(up.host(), "echo in");
        assert_eq!(
            (ran.code(), ran.stdout().as_str(), ran.stderr().as_str()),
            (0, "in\n", ""),
            "{}",
            when.user
        );
    }
}

#[test]
fn of_many_logins_that_find_an_old_certificate_one_signs() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("many", &config("")));
    let authorities = Authorities::of(&home);
    let signed = || {
        let listed = home.run(&["cert", "list", "--all", "--json"]).expect(0).json();
        listed.as_array().unwrap().len()
    };
    let before = signed();
    authorities.date(&home, up.host(), &A_DAY_AGO);
    let clients: Vec<_> = (0..12)
        .map(|_| {
            let mut ssh = home.client("ssh");
            ssh.args([up.host(), "echo in"])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for client in clients {
        let ended = Ran(client.wait_with_output().unwrap()).expect(0);
        assert_eq!((ended.stdout().as_str(), ended.stderr().as_str()), ("in\n", ""));
    }
    assert_eq!(
        signed() - before,
        2,
        "one for the owner and one for the container"
    );
}

#[test]
fn every_file_that_a_login_needs_is_made_again() {
    let Some(home) = Sandbox::new() else { return };
    let folder = home.folder("gone", &config(""));
    let up = home.up(&folder);
    let ssh = |name: &str| home.ssh_dir().join(name);
    let mut files = vec![
        ssh("id_ed25519"),
        ssh("id_ed25519.pub"),
        ssh("id_ed25519-cert.pub"),
        ssh("known_hosts"),
    ];
    let mut pending = vec![home.state()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                pending.push(path);
            } else if !path.ends_with("vault") {
                files.push(path);
            }
        }
    }
    files.retain(|file| !file.is_symlink() && !file.starts_with(home.state().join("locks")));
    let mut failed = Vec::new();
    for file in files {
        // What an earlier renewal has removed is gone already.
        if fs::remove_file(&file).is_ok() {
            let ran = home.try_ssh(up.host(), "echo in");
            if ran.code() != 0 {
                failed.push(format!("{}: {}", file.display(), ran.stderr()));
                let _mended = home.run(&["up", folder.to_str().unwrap()]);
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn a_lost_state_directory_is_made_again_from_labels() {
    let Some(home) = Sandbox::new() else { return };
    let folder = home.folder(
        "lost",
        &config(r#", "postCreateCommand": "echo made >> /tmp/made""#),
    );
    let up = home.up(&folder);
    fs::remove_dir_all(home.state()).unwrap();
    let list = home.run(&["list", "--json"]).expect(0).json();
    let found = list
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == up.name())
        .expect("it is listed");
    assert_eq!(found["id"], up.container());
    let again = home.up(&folder);
    assert_eq!(again.container(), up.container());
    assert_eq!(
        home.ssh(up.host(), "cat /tmp/made"),
        "made",
        "commands that have run do not run again"
    );
}
