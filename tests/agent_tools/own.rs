use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};

use devctl_agent_protocol::OwnReport;

use crate::bed::Container;
use devctl_tests::need_engine;
use devctl_tests::sandbox::IMAGE;

fn own(container: &Container, arguments: &[&str]) -> (Option<i32>, OwnReport, String) {
    let output = container.run("root", &[&["own"], arguments].concat());
    let report = serde_json::from_slice(&output.stdout).unwrap();
    (
        output.status.code(),
        report,
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn a_home_changes_its_owner_and_nothing_else_does() {
    need_engine!();
    let host = tempfile::tempdir().unwrap();
    let file = host.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [host.path(), &file] {
        chown(path, Some(1000), Some(1000)).expect("needs root, as the engine does");
    }
    let folder = format!("{}:/home/dev/a/project", host.path().display());
    let single = format!("{}:/home/dev/.gitconfig", file.display());
    let mounts = [
        "-v",
        &folder,
        "-v",
        &single,
        "-v",
        "/home/dev/cache",
        "--tmpfs",
        "/home/dev/tmp:uid=1000,gid=1000",
    ];
    let container = Container::start(IMAGE, &mounts, &[]);
    container.exec(
        "useradd -m -u 1000 dev; cd /home/dev; mkdir -p a/b 'odd name' /outside; touch a/b/f 'odd name/f' theirs /outside/f
         ln -s /outside outside; ln -s /etc/shadow shadow; ln -s nowhere dangling; ln a/b/f hard; mkfifo pipe
         touch cache/f tmp/f
         chown -hR 1000:1000 . /outside; chown 77:1000 theirs; chown 1000:1000 cache cache/f tmp/f",
    );
    let (code, mut report, complaint) = own(&container, &["1000:1000", "1234:1235", "/home/dev"]);
    report.skipped_mounts.sort();
    assert_eq!((code, complaint.as_str()), (Some(0), ""));
    let mounts = [
        "/home/dev/.gitconfig",
        "/home/dev/a/project",
        "/home/dev/cache",
        "/home/dev/tmp",
    ];
    assert_eq!(report.skipped_mounts, mounts);

    // Everything of the old owner that is left is in a mount or outside.
    let left = container.exec("find /home/dev /outside -xdev \\( -uid 1000 -o -gid 1000 \\) | sort");
    let expected = [
        &mounts[..1],
        &["/home/dev/a/project"],
        &mounts[2..],
        &["/outside", "/outside/f"],
    ]
    .concat();
    assert_eq!(left.lines().collect::<Vec<_>>(), expected);
    let owners = container
        .exec("cd /home/dev; stat -c '%n %u:%g' . theirs outside hard pipe /etc/shadow cache/f tmp/f");
    let expected = ". 1234:1235\ntheirs 77:1235\noutside 1234:1235\nhard 1234:1235\npipe 1234:1235\n\
                    /etc/shadow 0:42\ncache/f 1000:1000\ntmp/f 1000:1000\n";
    assert_eq!(owners, expected);
    for path in [host.path(), &file] {
        let metadata = fs::metadata(path).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (1000, 1000));
    }
    assert_eq!((report.changed, report.failed), (11, 0));
    let (_, again, _) = own(&container, &["1000:1000", "1234:1235", "/home/dev"]);
    assert_eq!(again.changed, 0);
}

#[test]
fn a_home_that_is_a_mount_is_left_alone() {
    need_engine!();
    let container = Container::start(IMAGE, &["-v", "/home/dev"], &[]);
    container.exec("touch /home/dev/f; chown -R 1000:1000 /home/dev");
    let (code, report, _) = own(&container, &["1000:1000", "1234:1234", "/home/dev/"]);
    assert_eq!((code, report.changed), (Some(0), 0));
    assert_eq!(report.skipped_mounts, ["/home/dev"]);
    assert_eq!(container.exec("stat -c %u /home/dev/f"), "1000\n");
}

#[test]
fn failures_are_counted_and_the_first_is_named() {
    need_engine!();
    let container = Container::new();
    container.exec("mkdir /d; touch /d/f; chown -R 5:5 /d");
    let (code, report, complaint) = own(&container, &["5:5", "6:6", "/missing", "/d"]);
    assert_eq!((code, report.changed, report.failed), (Some(1), 2, 1));
    assert!(complaint.contains("/missing: No such file"), "{complaint}");
    for ids in ["x:1", "1", "1:4294967295", "-1:1", "1:1:1"] {
        let output = container.run("root", &["own", ids, "1:1", "/d"]);
        assert_eq!(output.status.code(), Some(2), "{ids}");
    }
}
