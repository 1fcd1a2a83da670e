//! Programs that carry files: `scp`, `sftp`, `rsync`, `git`.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::bed::{Bed, HOST};
use devctl_tests::need_engine;

fn sftp(bed: &Bed, batch: &str) -> std::process::Output {
    let mut child = bed
        .client("sftp")
        .args(["-q", "-b", "-", HOST])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(batch.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// A tree with odd names, an empty file, a link and a program.
fn tree(bed: &Bed) -> std::path::PathBuf {
    let root = bed.path("tree");
    fs::create_dir_all(root.join("sub/deep")).unwrap();
    fs::write(root.join("sub/a file with ' and \" and ü.txt"), "content").unwrap();
    fs::write(root.join("sub/deep/empty"), "").unwrap();
    fs::write(root.join("big"), vec![7; 3_000_001]).unwrap();
    fs::write(root.join("run.sh"), "#!/bin/sh\n").unwrap();
    crate::bed::run("chmod", &["751", root.join("run.sh").to_str().unwrap()]);
    root
}

fn same(left: &std::path::Path, right: &std::path::Path) {
    crate::bed::run("diff", &["-r", left.to_str().unwrap(), right.to_str().unwrap()]);
}

#[test]
fn scp_there_and_back() {
    need_engine!();
    let bed = Bed::new();
    let tree = tree(&bed);
    let there = bed
        .client("scp")
        .args(["-qrp", tree.to_str().unwrap(), &format!("{HOST}:/work/there")])
        .output();
    let there = there.unwrap();
    assert!(there.status.success(), "{}", bed.trouble(&there));
    let back = bed.path("back");
    let output = bed
        .client("scp")
        .args(["-qrp", &format!("{HOST}:there"), back.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", bed.trouble(&output));
    same(&tree, &back);
    assert_eq!(bed.sh("stat -c %a /work/there/run.sh"), "751");
    // The old protocol of scp needs only a command.
    let output = bed
        .client("scp")
        .args(["-O", "-q", &format!("{HOST}:there/big"), back.to_str().unwrap()])
        .output();
    assert!(output.unwrap().status.success());
}

#[test]
fn sftp_does_what_its_user_types() {
    need_engine!();
    let bed = Bed::new();
    let tree = tree(&bed);
    let output = sftp(
        &bed,
        &format!(
            "pwd\nput {tree}/big one\nrename one two\nmkdir d\nln -s two link\nln two hard\nls -l\nchmod 600 two\ndf\n\
             put -f {tree}/run.sh d/x\nget two {tree}/fetched\nrm link\nrm d/x\nrmdir d\n",
            tree = tree.display()
        ),
    );
    assert!(output.status.success(), "{}", bed.trouble(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("Remote working directory: /work"), "{text}");
    assert!(text.contains("-rw-r--r--    2 "), "two names of one file\n{text}");
    assert!(text.contains("%Capacity"), "{text}");
    assert_eq!(fs::read(tree.join("fetched")).unwrap(), vec![7; 3_000_001]);
    assert_eq!(bed.sh("ls /work; stat -c '%a %s' two"), "hard\ntwo\n600 3000001");
}

#[test]
fn what_sftp_may_not_it_says() {
    need_engine!();
    let bed = Bed::new();
    for (batch, said) in [
        ("get /etc/shadow /dev/null\n", "Permission denied"),
        ("get /no/such/file\n", "not found"),
        ("mkdir /proc/x\n", "No such file"),
        ("rmdir /work\n", "Failure"),
    ] {
        let output = sftp(&bed, batch);
        assert!(!output.status.success(), "{batch}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            text.to_lowercase().contains(&said.to_lowercase()) || batch.starts_with("rmdir"),
            "{batch}{text}"
        );
    }
}

#[test]
fn without_sftp_the_subsystem_is_refused() {
    need_engine!();
    let mut bed = Bed::new();
    bed.config.allow.sftp = false;
    bed.write();
    assert!(!sftp(&bed, "pwd\n").status.success());
    assert_eq!(bed.sh("echo in"), "in");
}

#[test]
fn rsync_there_and_back() {
    need_engine!();
    let bed = Bed::new();
    let tree = tree(&bed);
    let shell = format!("ssh -F {}", bed.path("config").display());
    let rsync = |from: &str, to: &str| {
        let output = Command::new("rsync")
            .args(["-a", "-e", &shell, from, to])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", bed.trouble(&output));
    };
    rsync(&format!("{}/", tree.display()), &format!("{HOST}:/work/there/"));
    let back = bed.path("back");
    rsync(&format!("{HOST}:/work/there/"), &format!("{}/", back.display()));
    same(&tree, &back);
}

#[test]
fn git_clones_and_pushes() {
    need_engine!();
    let bed = Bed::new();
    bed.sh("git init -q --bare /work/repository.git");
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
            .args(arguments)
            .env(
                "GIT_SSH_COMMAND",
                format!("ssh -F {}", bed.path("config").display()),
            )
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?} {}", bed.trouble(&output));
    };
    let (first, second) = (bed.path("first"), bed.path("second"));
    let (first, second) = (first.to_str().unwrap(), second.to_str().unwrap());
    git(&["init", "-q", "-b", "main", first]);
    fs::write(format!("{first}/file"), "content").unwrap();
    git(&["-C", first, "add", "."]);
    git(&["-C", first, "commit", "-q", "-m", "one"]);
    git(&[
        "-C",
        first,
        "push",
        "-q",
        &format!("ssh://{HOST}/work/repository.git"),
        "main",
    ]);
    git(&[
        "clone",
        "-q",
        "-b",
        "main",
        &format!("{HOST}:/work/repository.git"),
        second,
    ]);
    assert_eq!(fs::read_to_string(format!("{second}/file")).unwrap(), "content");
}
