//! Copying files into a container and out of it, beside what `docker cp` does.

use crate::looking::{Made, docker};
use crate::sandbox::{Ran, Sandbox};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::process::Stdio;

#[test]
fn files_go_in_and_come_out_as_with_docker_cp() {
    let Some(home) = Sandbox::with_engine() else {
        return;
    };
    let made = Made::running(&home, "copy", &[], "exec sleep infinity");
    let name = made.name.as_str();
    let from = home.home().join("from");
    fs::create_dir_all(from.join("inner")).unwrap();
    fs::write(from.join("inner/file"), "content").unwrap();
    symlink("inner/file", from.join("link")).unwrap();
    let from = from.to_str().unwrap();
    let inside = |path: &str| format!("{name}:{path}");
    let find = || {
        let found = docker(&["exec", name, "find", "/srv", "-printf", "%p %l\\n"])
            .output()
            .unwrap();
        let mut lines: Vec<String> = String::from_utf8(found.stdout)
            .unwrap()
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        lines.sort_unstable();
        lines
    };

    let copied = home
        .run(&["copy", "--json", from, &inside("/srv")])
        .expect(0)
        .json();
    assert_eq!((&copied["files"], &copied["bytes"]), (&4.into(), &7.into()));
    home.run(&["copy", &format!("{from}/."), &inside("srv/new/")])
        .expect(0);
    assert_eq!(
        find(),
        [
            "/srv",
            "/srv/from",
            "/srv/from/inner",
            "/srv/from/inner/file",
            "/srv/from/link inner/file",
            "/srv/new",
            "/srv/new/inner",
            "/srv/new/inner/file",
            "/srv/new/link inner/file",
        ]
    );
    for (from, to, code) in [
        (from.to_owned(), inside("/srv/new/inner/file"), 4),
        (from.to_owned(), inside("/no/such/folder"), 3),
        (format!("{from}/nothing"), inside("/srv"), 3),
        (inside("/no/such"), from.to_owned(), 3),
        (inside("/srv"), format!("{from}/inner/file"), 4),
        (inside("/srv"), inside("/srv"), 2),
        (from.to_owned(), from.to_owned(), 2),
        (from.to_owned(), "no-such-container:/srv".to_owned(), 3),
    ] {
        home.run(&["copy", &from, &to]).expect(code);
    }

    // What is stopped is copied from and to alike.
    assert!(docker(&["kill", name]).output().unwrap().status.success());
    let (ours, theirs) = (home.home().join("ours"), home.home().join("theirs"));
    home.run(&["copy", &inside("/srv/from"), ours.to_str().unwrap()])
        .expect(0);
    let peer = docker(&["cp", &inside("/srv/from"), theirs.to_str().unwrap()]);
    assert_eq!(Ran::of(&mut { peer }).code(), 0);
    let same = home
        .command("diff")
        .args(["-r", "--no-dereference"])
        .args([&ours, &theirs])
        .output();
    assert!(same.unwrap().stdout.is_empty());
    assert_eq!(
        fs::read_link(ours.join("link")).unwrap().to_str(),
        Some("inner/file")
    );
    let (was, is) = (theirs.join("inner/file"), ours.join("inner/file"));
    assert_eq!(
        fs::metadata(was).unwrap().mtime(),
        fs::metadata(is).unwrap().mtime()
    );

    let mut out = home
        .devctl(&["copy", &inside("/srv/from"), "-"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let archive = out.stdout.take().unwrap();
    let mut into = home.devctl(&["copy", "-", &inside("/opt")]);
    assert_eq!(Ran::of(into.stdin(archive)).expect(0).code(), 0);
    assert!(out.wait().unwrap().success());
    home.run(&["copy", &inside("/opt/from/inner/file"), "came"])
        .expect(0);
    assert_eq!(fs::read_to_string(home.home().join("came")).unwrap(), "content");

    let events = home.run(&["events", "--json"]).expect(0).json().to_string();
    assert!(events.contains("copy_into_container") && events.contains("copy_from_container"));
}
