//! Folders with odd names, the same name twice, links, and folders that are gone.

use devctl_tests::sandbox::{Sandbox, config};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

#[test]
fn every_name_of_a_folder_works() {
    let Some(home) = Sandbox::new() else { return };
    let long = "n".repeat(200 - home.unique("").len());
    for name in [
        "with spaces  twice",
        "it's \"quoted\"",
        "100% %n %h %%",
        "$HOME ${localWorkspaceFolder} `id`",
        "new\nline",
        "comma,equals=colon:",
        "grüße-日本-🚀",
        &long,
    ] {
        let folder = home.folder_at(home.unique(name), &config(""));
        fs::write(folder.join("marker"), name).unwrap();
        let up = home.up(&folder);
        let alias = up.name();
        assert!(
            alias.len() <= 63
                && alias
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
            "{alias}"
        );
        assert_eq!(
            home.ssh(up.host(), "cat marker"),
            name,
            "in the workspace of {name:?}"
        );
        let list = home.run(&["list", "--json"]).expect(0).json();
        let listed = list
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["name"] == alias)
            .expect("it is listed");
        assert_eq!(listed["workspace"], folder.to_str().unwrap());
        assert_eq!(home.up(&folder).container(), up.container(), "{name:?}");
        let _removed = home.run(&["remove", "--yes", alias]).expect(0);
        assert!(folder.join("marker").exists());
    }
    assert_eq!(home.traces(), [""; 0]);
}

#[test]
fn the_same_name_twice_and_a_link_are_containers_of_their_own() {
    let Some(home) = Sandbox::new() else { return };
    let name = home.unique("same");
    let first = home.up(&home.folder_at(format!("a/{name}"), &config("")));
    let second = home.up(&home.folder_at(format!("b/{name}"), &config("")));
    assert_eq!(first.name(), name);
    assert_ne!(first.name(), second.name());
    assert_ne!(first.container(), second.container());
    home.ssh(first.host(), "echo first > mine");
    assert_eq!(
        fs::read_to_string(home.home().join("a").join(&name).join("mine")).unwrap(),
        "first\n"
    );

    let link = home.home().join(home.unique("link"));
    std::os::unix::fs::symlink(home.home().join("a").join(&name), &link).unwrap();
    let linked = home.up(&link);
    assert_eq!(home.ssh(linked.host(), "cat mine"), "first");
    assert_eq!(home.up(&link).container(), linked.container());
}

#[test]
fn a_workspace_that_is_gone_loses_nothing() {
    let Some(home) = Sandbox::new() else { return };
    let folder = home.folder("gone", &config(""));
    let up = home.up(&folder);
    home.ssh(up.host(), "echo kept > /root/kept");
    fs::remove_dir_all(&folder).unwrap();

    let listed = home.run(&["list", "--json"]).expect(0).json();
    let listed = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == up.name())
        .unwrap()
        .clone();
    assert_eq!(listed["workspaceExists"], false);
    let ran = home.run(&["up", "--json", folder.to_str().unwrap()]).expect(3);
    assert_eq!(ran.error(), "folder.not_found");
    // The folder of the workspace is gone, the container is not.
    assert_eq!(home.ssh(up.host(), "cat /root/kept"), "kept");
    let _stopped = home.run(&["stop", "--timeout", "0", up.name()]).expect(0);
    let ran = home.run(&["start", "--json", up.name()]);
    assert_eq!(ran.error(), "folder.not_found");
    let refused = home.try_ssh(up.host(), "true").expect(255).stderr();
    assert!(refused.contains(folder.to_str().unwrap()), "{refused}");
    let _folder = home.folder("gone", &config(""));
    let _started = home.run(&["start", up.name()]).expect(0);
    assert_eq!(home.ssh(up.host(), "cat /root/kept"), "kept");
}

#[test]
fn names_without_a_letter_of_an_alias_work_too() {
    let Some(home) = Sandbox::new() else { return };
    for name in ["日本", "---", "...", " ", "-rf", "%"] {
        let folder = home.folder_at(Path::new("odd").join(name), &config(""));
        fs::write(folder.join("marker"), name).unwrap();
        let up = home.up(&folder);
        let alias = up.name();
        assert!(
            alias.starts_with(|first: char| first.is_ascii_alphanumeric()),
            "{name:?} became {alias:?}"
        );
        assert_eq!(home.ssh(up.host(), "cat marker"), name);
        let _removed = home.run(&["remove", "--yes", alias]).expect(0);
        assert!(folder.join("marker").exists());
    }
}

#[test]
fn a_name_that_is_no_text_is_refused_and_nothing_is_made() {
    let Some(home) = Sandbox::new() else { return };
    let folder = home.folder_at(OsStr::from_bytes(b"latin-\xe4"), &config(""));
    let ran = home.run(&[OsStr::new("up"), OsStr::new("--json"), folder.as_os_str()]);
    assert!(ran.code() > 0 && ran.code() != 101, "{ran:?}");
    assert!(!ran.error().is_empty());
    assert_eq!(home.traces(), [""; 0]);
}
