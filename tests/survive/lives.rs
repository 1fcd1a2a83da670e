//! Stop, start, rebuild, remove: what stays and what goes.

use devctl_tests::sandbox::{Sandbox, config};
use std::fs;

#[test]
fn a_stop_keeps_the_container_and_a_start_runs_only_what_has_to() {
    let Some(home) = Sandbox::new() else { return };
    let hooks = r#", "onCreateCommand": "echo create >> ran", "updateContentCommand": "echo update >> ran",
        "postCreateCommand": "echo post >> ran", "postStartCommand": "echo start >> ran""#;
    let folder = home.folder("keeps", &config(hooks));
    let up = home.up(&folder);
    home.ssh(up.host(), "echo mine > /root/mine");
    let _stopped = home.run(&["stop", "--timeout", "0", up.name()]).expect(0);
    let again = home.up(&folder);
    assert_eq!(
        (again.container(), again.text("outcome")),
        (up.container(), "started")
    );
    assert_eq!(home.ssh(up.host(), "cat /root/mine"), "mine");
    let ran = fs::read_to_string(folder.join("ran")).unwrap();
    assert_eq!(ran, "create\nupdate\npost\nstart\nstart\n");
    assert_eq!(home.up(&folder).text("outcome"), "running");
    assert_eq!(fs::read_to_string(folder.join("ran")).unwrap(), ran);
}

#[test]
fn a_rebuild_says_what_is_lost_and_keeps_the_rest() {
    let Some(home) = Sandbox::new() else { return };
    let volume = home.unique("data");
    let mounts = format!(r#", "mounts": ["source={volume},target=/data,type=volume"]"#);
    let folder = home.folder("again", &config(&mounts));
    let up = home.up(&folder);
    home.ssh(
        up.host(),
        "echo lost > /root/lost-file; echo kept > /data/kept; echo kept > kept",
    );
    let asked = home.run(&["rebuild", "--json", up.name()]).expect(4);
    assert_eq!(asked.error(), "consent.required");
    assert!(
        asked.stderr().contains("/root/lost-file") && asked.stderr().contains(&volume),
        "{}",
        asked.stderr()
    );
    assert_eq!(home.ssh(up.host(), "cat /root/lost-file"), "lost");

    let _rebuilt = home.run(&["rebuild", "--yes", up.name()]).expect(0);
    assert_eq!(
        home.ssh(
            up.host(),
            "cat /data/kept kept; ls /root/lost-file 2>/dev/null || echo none"
        ),
        "kept\nkept\nnone"
    );
    let containers = home.containers_of(&folder);
    assert_eq!(containers.len(), 1);
    assert_ne!(containers[0], up.container());

    // Removing keeps the folder and the volume, and names the volume.
    let removed = home
        .run(&["remove", "--yes", "--json", up.name()])
        .expect(0)
        .json();
    assert_eq!(removed["keptFolder"], folder.to_str().unwrap());
    assert_eq!(removed["keptVolumes"][0], volume.as_str());
    assert_eq!(
        home.docker(&["volume", "inspect", "--format", "{{.Name}}", &volume]),
        volume
    );
    assert_eq!(home.traces(), [""; 0]);
    let again = home.up(&folder);
    assert_eq!(home.ssh(again.host(), "cat /data/kept kept"), "kept\nkept");
    let asked = home.run(&["remove", "--volumes", again.name()]).expect(4);
    assert!(asked.stderr().contains(&volume), "{}", asked.stderr());
    let _removed = home
        .run(&["remove", "--yes", "--volumes", again.name()])
        .expect(0);
    assert_eq!(
        home.docker(&["volume", "ls", "--quiet", "--filter", &format!("name={volume}")]),
        ""
    );
    assert_eq!(fs::read_to_string(folder.join("kept")).unwrap(), "kept\n");
}
