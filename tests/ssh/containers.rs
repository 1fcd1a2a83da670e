//! Containers that do not run, users that are not usual, and starts that a login may not make.

use devctl_tests::sandbox::{Sandbox, config};

#[test]
fn a_stopped_container_is_started_unless_that_was_switched_off() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("asleep", &config("")));
    let stop = || home.run(&["stop", "--timeout", "0", up.name()]).expect(0);
    let _stopped = stop();
    assert_eq!(home.ssh(up.host(), "echo awake"), "awake");

    let _stopped = stop();
    let _set = home
        .run(&["settings", "set", "ssh.startOnConnect", "false"])
        .expect(0);
    let refused = home.try_ssh(up.host(), "true").expect(255).stderr();
    assert!(
        refused.contains("ssh.startOnConnect") && refused.contains("devctl start"),
        "{refused}"
    );
    let state = home.run(&["show", "--json", up.name()]).expect(0).json();
    assert_eq!(state["state"], "stopped");
    let _started = home.run(&["start", up.name()]).expect(0);
    assert_eq!(home.ssh(up.host(), "echo awake"), "awake");
}

#[test]
fn a_login_never_runs_a_command_on_this_computer() {
    let Some(home) = Sandbox::new() else { return };
    let folder = home.folder(
        "host",
        &config(r#", "initializeCommand": "echo ran >> ran-on-host""#),
    );
    let asked = home
        .run(&["up", "--json", folder.to_str().unwrap()])
        .expect(4)
        .json();
    let hash = asked["error"]["trust"]["hash"].as_str().unwrap();
    let up = home
        .run(&["up", "--json", "--trust", hash, folder.to_str().unwrap()])
        .expect(0)
        .json();
    let (name, host) = (up["name"].as_str().unwrap(), up["sshHost"].as_str().unwrap());
    let runs = || {
        std::fs::read_to_string(folder.join("ran-on-host"))
            .unwrap()
            .lines()
            .count()
    };
    assert_eq!(runs(), 1);

    let _stopped = home.run(&["stop", "--timeout", "0", name]).expect(0);
    // Also when nothing but the labels and the folder say so.
    for forgets in [false, true] {
        if forgets {
            std::fs::remove_dir_all(home.state().join("access")).unwrap();
        }
        let refused = home.try_ssh(host, "true").expect(255).stderr();
        assert!(
            refused.contains("on this computer") && refused.contains("devctl start"),
            "{refused}"
        );
        assert_eq!(runs(), 1);
    }
    let _started = home.run(&["start", name]).expect(0);
    assert_eq!(runs(), 2);
    assert_eq!(home.ssh(host, "echo in"), "in");
}

#[test]
fn users_and_shells_that_are_not_usual() {
    let Some(home) = Sandbox::new() else { return };
    let image = home.image(
        "users",
        "RUN useradd -m -s /bin/bash first.last && useradd -m -s /usr/bin/perl reader \
         && printf '#!/bin/sh\\nexport FROM=my-shell\\nexec /bin/sh \"$@\"\\n' > /opt/my-shell && chmod +x /opt/my-shell \
         && useradd -m -s /opt/my-shell shelled \
         && echo 'numeric:x:4711:4711::/home/numeric:' >> /etc/passwd",
    );
    let config =
        format!(r#"{{ "image": "{image}", "remoteUser": "first.last", "updateRemoteUserUID": false }}"#);
    let up = home.up(&home.folder("users", &config));
    assert_eq!(
        home.ssh(up.host(), "id -un; echo $SHELL; echo $HOME"),
        "first.last\n/bin/bash\n/home/first.last"
    );
    let of = |user: &str| format!("{user}@{}", up.host());
    assert_eq!(
        home.ssh(&of("shelled"), "id -un; echo $FROM"),
        "shelled\nmy-shell"
    );
    // An empty shell means /bin/sh.
    assert_eq!(home.ssh(&of("numeric"), "id -u; echo $SHELL"), "4711\n/bin/sh");
    assert_eq!(home.ssh(&of("root"), "id -un"), "root");
    let nobody = home
        .try_ssh(&of("nobody-of-that-name"), "true")
        .expect(255)
        .stderr();
    assert!(nobody.contains("no user nobody-of-that-name"), "{nobody}");
    let odd = home.try_ssh(&of("a;touch oops"), "true");
    assert_ne!(odd.code(), 0);
    assert!(!home.home().join("oops").exists());
    let nowhere = home
        .try_ssh("no-such-container.devctl", "true")
        .expect(255)
        .stderr();
    assert!(
        nowhere.contains("no-such-container") && nowhere.contains("devctl list"),
        "{nowhere}"
    );
}
