//! Accounts without rights: root passes these tests vacuously, so each makes an account of its own.

use crate::kills::Watch;
use devctl_tests::accounts::Made;
use devctl_tests::programs::{Background, ran};
use devctl_tests::sandbox::{Sandbox, config};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::process::{Command, Stdio};

/// An image with a user of its own, and a file in their home.
const DEV: &str = "RUN useradd -m -u 1500 -s /bin/bash dev && install -o dev -g dev /dev/null /home/dev/kept";

#[test]
fn a_home_that_may_not_be_written_changes_nothing() {
    let Some(home) = Sandbox::new() else { return };
    let Some(made) = Made::new(61_231, &["docker"]) else {
        return;
    };
    let home = home.owned_by(made.0.clone());
    let folder = home.folder("readonly", &config(""));
    ran(Command::new("chown").args(["root:root"]).arg(home.home()));
    fs::set_permissions(home.home(), fs::Permissions::from_mode(0o555)).unwrap();
    let said = home.run(&["up", "--json", folder.to_str().unwrap()]).expect(1);
    assert!(
        ["file.no_rights", "store.unwritable"].contains(&said.error().as_str()),
        "{}",
        said.stderr()
    );
    assert!(
        said.stderr().contains(home.state().to_str().unwrap()),
        "{}",
        said.stderr()
    );
    assert_eq!(home.traces(), [""; 0]);
    let _listed = home.run(&["list"]).expect(0);
}

#[test]
fn an_engine_that_may_not_be_asked_is_named_with_the_way_in() {
    let Some(home) = Sandbox::new() else { return };
    let Some(made) = Made::new(61_232, &[]) else {
        return;
    };
    let home = home.owned_by(made.0.clone());
    let folder = home.folder("norights", &config(""));
    let said = home.run(&["up", "--json", folder.to_str().unwrap()]).expect(5);
    assert_eq!(said.error(), "engine.no_rights");
    assert!(said.stderr().contains("docker"), "{}", said.stderr());
    let _listed = home.run(&["list"]).expect(5);
    let doctor = home.run(&["doctor"]);
    assert_ne!(doctor.code(), 0);
    assert!(
        doctor.stdout().contains("docker.sock") || doctor.stderr().contains("docker.sock"),
        "{doctor:?}"
    );
}

#[test]
fn files_in_the_workspace_belong_to_the_person_outside() {
    let Some(home) = Sandbox::new() else { return };
    let Some(made) = Made::new(61_234, &["docker"]) else {
        return;
    };
    let home = home.owned_by(made.0.clone());
    let image = home.image("dev", DEV);
    let folder = home.folder(
        "ids",
        &format!(r#"{{ "image": "{image}", "remoteUser": "dev" }}"#),
    );
    let foreign = folder.join("of-root");
    fs::write(&foreign, "").unwrap();
    let up = home.up(&folder);
    assert_eq!(
        home.ssh(up.host(), "id -u; id -g; echo mine > ~/mine; echo made > made"),
        "61234\n61234"
    );
    let metadata = fs::metadata(folder.join("made")).unwrap();
    assert_eq!((metadata.uid(), metadata.gid()), (61_234, 61_234));
    assert_eq!(
        fs::metadata(&foreign).unwrap().uid(),
        0,
        "what is mounted keeps its owner"
    );
    assert_eq!(
        home.ssh(up.host(), "stat -c %U ~ ~/mine /home/dev/.bashrc"),
        "dev\ndev\ndev"
    );
    let _stopped = home.run(&["stop", "--timeout", "0", up.name()]).expect(0);
    assert_eq!(home.ssh(up.host(), "id -u"), "61234");
}

#[test]
fn a_home_is_given_to_its_user_also_when_up_was_killed_before() {
    let Some(home) = Sandbox::new() else { return };
    let Some(made) = Made::new(61_235, &["docker"]) else {
        return;
    };
    let home = home.owned_by(made.0.clone());
    let image = home.image("dev", DEV);
    let folder = home.folder(
        "halfway",
        &format!(r#"{{ "image": "{image}", "remoteUser": "dev" }}"#),
    );
    let mut watch = Watch::begin(&home);
    let mut up = home.devctl(&["up", folder.to_str().unwrap()]);
    let mut up = Background::start(up.stdout(Stdio::null()).stderr(Stdio::null()));
    watch.wait_for("container start", &home.unique("halfway"), 1);
    let _gone = up.child().kill();
    let _status = up.child().wait();
    let up = home.up(&folder);
    assert_eq!(
        home.ssh(up.host(), "id -u; stat -c %u ~ ~/kept"),
        "61235\n61235\n61235"
    );
}
