//! Stop, start, rebuild, remove: what stays and what goes.

use devctl_tests::sandbox::{IMAGE, Sandbox, config};
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

#[test]
fn a_lost_state_directory_loses_no_container() {
    let Some(home) = Sandbox::new() else { return };
    let folder = home.folder("lost", &config(r#", "postCreateCommand": "echo once >> ran""#));
    let up = home.up(&folder);
    home.ssh(up.host(), "echo mine > /root/mine");
    fs::remove_dir_all(home.state()).unwrap();

    let list = home.run(&["list", "--json"]).expect(0).json();
    let listed = list
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == up.name());
    let listed = listed.unwrap_or_else(|| panic!("{} in {list}", up.name()));
    assert_eq!(listed["id"], up.container());
    assert_eq!(listed["state"], "running");
    assert_eq!(listed["workspace"], folder.to_str().unwrap());
    assert_eq!(listed["sshHost"], up.host());
    // The keys are new, and trusted: what the container holds is there.
    assert_eq!(home.up(&folder).text("outcome"), "running");
    assert_eq!(home.ssh(up.host(), "cat /root/mine; cat ran"), "mine\nonce");
    let _removed = home.run(&["remove", "--yes", up.name()]).expect(0);
    assert_eq!(home.traces(), [""; 0]);
}

#[test]
fn a_container_of_another_version_is_served_by_this_one() {
    let Some(home) = Sandbox::new() else { return };
    let folder = home.folder("older", &config(""));
    let up = home.up(&folder);
    // The same container, as a version of which this one knows nothing would have made it: its agent only waits.
    let volume = format!("devctl-agent-{}", &home.unique("v").replace('-', "")[..6]);
    let fill = "printf '#!/bin/sh\\n[ \"$1\" = hold ] && exec sleep infinity\\nexit 2\\n' > /v/devctl-agent; \
        chmod 755 /v/devctl-agent";
    let filled = format!("{volume}:/v");
    home.docker(&["run", "--rm", "--volume", &filled, IMAGE, "sh", "-c", fill]);
    let labels = home.docker(&["inspect", "--format", "{{json .Config.Labels}}", up.container()]);
    let labels: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&labels).unwrap();
    let name = format!("devctl-{}", up.name());
    home.docker(&["rm", "--force", up.container()]);
    let (agent, workspace) = (
        format!("type=volume,source={volume},target=/.devctl,readonly"),
        format!(
            "type=bind,source={},target={}",
            folder.display(),
            up.text("remoteWorkspaceFolder")
        ),
    );
    let labels: Vec<String> = labels
        .iter()
        .flat_map(|(key, value)| ["--label".to_owned(), format!("{key}={}", value.as_str().unwrap())])
        .collect();
    let mut words = vec![
        "run",
        "--detach",
        "--name",
        &name,
        "--network",
        &name,
        "--mount",
        &agent,
        "--mount",
        &workspace,
        "--entrypoint",
        "/.devctl/devctl-agent",
    ];
    words.extend(labels.iter().map(String::as_str));
    words.extend([IMAGE, "hold"]);
    let older = home.docker(&words);

    assert_eq!(home.ssh(up.host(), "echo in"), "in");
    let again = home.up(&folder);
    assert_eq!(
        (again.container(), again.text("outcome")),
        (older.as_str(), "running")
    );
    let ran = home.run(&["exec", up.name(), "--", "sh", "-c", "exit 7"]);
    let _passed_on = ran.expect(7);
    let _stopped = home.run(&["stop", "--timeout", "0", up.name()]).expect(0);
    assert_eq!(home.ssh(up.host(), "echo in"), "in");
    assert_eq!(
        home.ssh(up.host(), "ls /.devctl | wc -l"),
        "2",
        "what was there stays beside it"
    );
    let _removed = home.run(&["remove", "--yes", up.name()]).expect(0);
    home.docker(&["volume", "rm", &volume]);
}
