//! No space and no rights to write: nothing is changed, and the error says what to do.

use devctl_tests::programs::ran;
use devctl_tests::sandbox::{Sandbox, config, skip};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A disk of 256 KiB, until the value goes.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn at(place: &Path) -> Option<Self> {
        fs::create_dir_all(place).unwrap();
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs"])
            .arg(place);
        if mount.output().is_ok_and(|output| output.status.success()) {
            return Some(Self(place.to_owned()));
        }
        skip("a small disk cannot be mounted here");
        None
    }

    fn fill(&self) {
        // `dd` writes until there is no more space, and says so.
        let full = Command::new("dd")
            .args(["if=/dev/zero", "bs=4k"])
            .arg(self.filler())
            .output()
            .unwrap();
        assert!(!full.status.success(), "the disk is full: {full:?}");
    }

    fn filler(&self) -> String {
        format!("of={}/filler", self.0.display())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _unmounted = Command::new("umount").arg("--lazy").arg(&self.0).output();
    }
}

#[test]
fn a_full_disk_changes_nothing() {
    let Some(home) = Sandbox::new() else { return };
    let Some(disk) = SmallDisk::at(&home.state()) else {
        return;
    };
    disk.fill();
    let folder = home.folder("full", &config(r#", "postCreateCommand": "echo ran >> ran""#));
    let said = home.run(&["up", "--json", folder.to_str().unwrap()]).expect(1);
    assert!(
        ["store.unwritable", "file.no_space"].contains(&said.error().as_str()),
        "{}",
        said.stderr()
    );
    assert_eq!(home.traces(), [""; 0]);
    assert!(!folder.join("ran").exists());

    // With space again everything works, also what was begun while there was none.
    ran(Command::new("rm").arg(home.state().join("filler")));
    ran(Command::new("mount")
        .args(["-o", "remount,size=64m"])
        .arg(home.state()));
    let up = home.up(&folder);
    assert_eq!(home.ssh(up.host(), "cat ran"), "ran");

    // What is there can still be listed and entered when the disk fills up later; nothing is changed.
    ran(Command::new("mount")
        .args(["-o", "remount,size=8m"])
        .arg(home.state()));
    disk.fill();
    let list = home.run(&["list", "--json"]).expect(0).json();
    assert!(
        list.as_array()
            .unwrap()
            .iter()
            .any(|one| one["name"] == up.name())
    );
    assert_eq!(home.ssh(up.host(), "echo in"), "in");
    let said = home.run(&["remove", "--yes", "--json", up.name()]).expect(1);
    assert!(
        ["store.unwritable", "file.no_space"].contains(&said.error().as_str()),
        "{}",
        said.stderr()
    );
    assert_eq!(home.containers_of(&folder), [up.container()]);
}
