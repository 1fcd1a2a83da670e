//! Files both ways, by every program that copies over ssh.

use devctl_tests::programs::{ran, wait_until};
use devctl_tests::sandbox::{Sandbox, Up, config, full};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A file of so many megabytes that nothing can compress.
fn noise(home: &Sandbox, megabytes: u32) -> PathBuf {
    let file = home.home().join("noise");
    let count = format!("{megabytes}M");
    ran(Command::new("sh")
        .arg("-c")
        .arg(format!("head -c {count} /dev/urandom > '{}'", file.display())));
    file
}

fn hash(file: &Path) -> String {
    first_word(&ran(Command::new("sha256sum").arg(file)))
}

fn first_word(text: &str) -> String {
    text.split(' ').next().unwrap().to_owned()
}

fn hash_inside(home: &Sandbox, up: &Up, file: &str) -> String {
    first_word(&home.ssh(up.host(), &format!("sha256sum {file}")))
}

#[test]
fn every_copying_program_copies() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("copy", &config("")));
    let file = noise(&home, 2);
    let wanted = hash(&file);
    let back = home.home().join("back");
    let remote = |path: &str| format!("{}:{path}", up.host());
    let same = |what: &str| {
        assert_eq!(hash(&back), wanted, "{what}");
        fs::remove_file(&back).unwrap();
    };

    ran(home.client("scp").arg("-q").arg(&file).arg(remote("/tmp/by scp")));
    assert_eq!(hash_inside(&home, &up, "'/tmp/by scp'"), wanted);
    ran(home.client("scp").arg("-q").arg(remote("/tmp/by scp")).arg(&back));
    same("scp");
    // The old protocol runs a program inside.
    ran(home
        .client("scp")
        .arg("-qO")
        .arg(&file)
        .arg(remote("/tmp/by-old-scp")));
    assert_eq!(hash_inside(&home, &up, "/tmp/by-old-scp"), wanted);

    let batch = home.home().join("batch");
    let lines = format!(
        "put {} /tmp/by-sftp\nget /tmp/by-sftp {}\n",
        file.display(),
        back.display()
    );
    fs::write(&batch, lines).unwrap();
    ran(home.client("sftp").arg("-q").arg("-b").arg(&batch).arg(up.host()));
    same("sftp");

    let shell = format!("ssh -F {}/config -o BatchMode=yes", home.ssh_dir().display());
    ran(home
        .command("rsync")
        .arg("-a")
        .arg("-e")
        .arg(&shell)
        .arg(&file)
        .arg(remote("/tmp/by-rsync")));
    ran(home
        .command("rsync")
        .arg("-a")
        .arg("-e")
        .arg(&shell)
        .arg(remote("/tmp/by-rsync"))
        .arg(&back));
    same("rsync");

    home.ssh(
        up.host(),
        "git init -q /tmp/repo && cd /tmp/repo && echo text > file && git add file \
         && git -c user.name=a -c user.email=a@example.com commit -qm first",
    );
    let clone = home.home().join("clone");
    ran(home
        .command("git")
        .args(["clone", "-q"])
        .arg(remote("/tmp/repo"))
        .arg(&clone)
        .env("GIT_SSH_COMMAND", shell));
    assert_eq!(fs::read_to_string(clone.join("file")).unwrap(), "text\n");
}

#[test]
fn much_goes_both_ways_unharmed() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("bulk", &config("")));
    let file = noise(&home, if full() { 1024 } else { 100 });
    let wanted = hash(&file);
    let mut upload = home.client("ssh");
    upload
        .args([up.host(), "tee /tmp/bulk | sha256sum"])
        .stdin(File::open(&file).unwrap());
    assert_eq!(first_word(&ran(&mut upload)), wanted);
    let back = home.home().join("back");
    let mut download = home.client("ssh");
    let status = download
        .args([up.host(), "cat /tmp/bulk"])
        .stdout(File::create(&back).unwrap())
        .status();
    assert!(status.unwrap().success());
    assert_eq!(hash(&back), wanted);
}

#[test]
fn a_container_that_stops_during_a_transfer_ends_the_client_and_leaves_nothing() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("cut", &config("")));
    let proxies = || {
        let found = Command::new("pgrep")
            .args(["-f", &format!("ssh-proxy {}", up.host())])
            .output()
            .unwrap();
        String::from_utf8(found.stdout).unwrap().lines().count()
    };
    for (line, upload) in [("cat > /dev/null", true), ("cat /dev/zero", false)] {
        let mut command = home.client("ssh");
        command
            .args([up.host(), &format!("echo ready >&2; {line}")])
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        if upload {
            command.stdin(File::open("/dev/zero").unwrap());
        }
        let mut child = command.spawn().unwrap();
        let mut complaint = child.stderr.take().unwrap();
        std::io::Read::read_exact(&mut complaint, &mut [0; 6]).unwrap();
        let mut ssh = Running(child);
        let _stopped = home.run(&["stop", "--timeout", "0", up.name()]).expect(0);
        wait_until("the client to end", || ssh.0.try_wait().unwrap().is_some());
        assert_eq!(ssh.0.wait().unwrap().code(), Some(255), "{line}");
        wait_until("the proxy to end", || proxies() == 0);
        let _started = home.run(&["start", up.name()]).expect(0);
    }
    assert_eq!(home.ssh(up.host(), "echo back"), "back");
}

struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _status = self.0.wait();
    }
}

#[test]
fn a_container_without_a_network_and_one_without_a_shell_are_entered() {
    let Some(home) = Sandbox::new() else { return };
    let closed = config(r#", "runArgs": ["--network", "none"]"#);
    let closed = home.up(&home.folder("closed", &closed));
    let interfaces = home.ssh(closed.host(), "ls /sys/class/net");
    assert_eq!(interfaces, "lo");

    // The end of a tar archive, and nothing before it.
    let archive = home.home().join("empty.tar");
    fs::write(&archive, [0; 1024]).unwrap();
    home.docker(&["import", archive.to_str().unwrap(), "devctl-test-empty:1"]);
    let bare = home.up(&home.folder("bare", r#"{ "image": "devctl-test-empty:1" }"#));
    let told = home.try_ssh(bare.host(), "true");
    assert_ne!(told.code(), 0);
    assert!(
        told.stderr().contains("shell"),
        "it says what lacks: {}",
        told.stderr()
    );
    let file = noise(&home, 1);
    let remote = format!("{}:/carried", bare.host());
    ran(home.client("scp").arg("-q").arg(&file).arg(&remote));
    let back = home.home().join("back");
    ran(home.client("scp").arg("-q").arg(&remote).arg(&back));
    assert_eq!(hash(&back), hash(&file));
}
