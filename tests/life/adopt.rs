//! Containers that somebody else made.

use devctl_tests::sandbox::{IMAGE, Sandbox};

/// A container that `docker run` made; it goes with the test.
struct Foreign {
    name: String,
    id: String,
}

impl Foreign {
    fn run(home: &Sandbox, word: &str, image: &str, more: &[&str]) -> Self {
        let name = home.unique(word);
        let mut words = vec!["run", "--detach", "--init", "--name", &name];
        words.extend(more);
        words.extend([image, "sleep", "infinity"]);
        let id = home.docker(&words);
        Self { name, id }
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _gone = std::process::Command::new("docker")
            .args(["rm", "--force", "--volumes", &self.id])
            .output();
    }
}

#[test]
fn a_container_of_docker_run_is_entered_like_any_other_and_let_be_again() {
    let Some(home) = Sandbox::new() else { return };
    let foreign = Foreign::run(
        &home,
        "byhand",
        IMAGE,
        &["--workdir", "/srv", "--env", "MADE=by-hand"],
    );
    let state = || {
        let format = "{{.Id}} {{.Name}} {{.State.StartedAt}} {{json .Config.Labels}}";
        home.docker(&["inspect", "--format", format, &foreign.id])
    };
    let before = state();
    let list = || home.run(&["list", "--json"]).expect(0).json();
    let is_listed = |name: &str| list().as_array().unwrap().iter().any(|one| one["name"] == name);
    assert!(!is_listed(&foreign.name));

    let done = home.run(&["adopt", "--json", &foreign.name]).expect(0).json();
    assert_eq!(
        (&done["changed"], &done["id"]),
        (&true.into(), &foreign.id.as_str().into())
    );
    let (name, host) = (done["name"].as_str().unwrap(), done["sshHost"].as_str().unwrap());
    assert_eq!(name, foreign.name);
    assert_eq!(home.ssh(host, "echo $MADE; pwd; id -un"), "by-hand\n/srv\nroot");
    assert_eq!(state(), before, "it was neither stopped nor renamed");
    assert!(is_listed(name));
    let again = home.run(&["adopt", "--json", &foreign.id[..12]]).expect(0).json();
    assert_eq!(again["changed"], false);
    let shown = home.run(&["show", "--json", name]).expect(0).json();
    assert_eq!(
        (&shown["adopted"], &shown["profile"]),
        (&true.into(), &"adopted".into())
    );
    let ran = home.run(&["exec", name, "--", "echo", "in"]).expect(0);
    assert_eq!(ran.stdout(), "in\n");

    // Nobody here knows how it was made.
    for words in [
        &["rebuild", "--yes", name][..],
        &["recreate", "--yes", name],
        &["drift", name],
    ] {
        let refused = home.run(words).expect(4).stderr();
        assert!(
            refused.contains("container.not_ours") && refused.contains("devctl forget"),
            "{refused}"
        );
    }
    // It stops and starts, also by a login.
    let _stopped = home.run(&["stop", "--timeout", "0", name]).expect(0);
    assert_eq!(home.ssh(host, "echo in"), "in");
    let _again = home.run(&["restart", "--timeout", "0", name]).expect(0);
    assert_eq!(home.ssh(host, "echo in"), "in");

    // Another name is ours alone.
    let new = home.unique("mine");
    let _renamed = home.run(&["rename", name, &new]).expect(0);
    assert_eq!(home.ssh(&format!("{new}.devctl"), "echo in"), "in");
    assert_eq!(
        home.docker(&["inspect", "--format", "{{.Name}}", &foreign.id]),
        format!("/{}", foreign.name)
    );
    let forgotten = home.run(&["forget", "--json", &new]).expect(0).json();
    assert_eq!(forgotten["stillThere"], true);
    assert!(!is_listed(&new));
    let refused = home
        .try_ssh(&format!("{new}.devctl"), "true")
        .expect(255)
        .stderr();
    assert!(refused.contains("there is no container"), "{refused}");
    let running = home.docker(&["inspect", "--format", "{{.State.Running}}", &foreign.id]);
    assert_eq!(running, "true");
    let events = home.run(&["events", "--json"]).expect(0).json();
    for operation in ["adopt_container", "forget_container"] {
        let mut events = events["events"].as_array().unwrap().iter();
        assert!(events.any(|event| event["operation"] == operation && event["outcome"] == "done"));
    }
}

#[test]
fn one_of_another_launcher_keeps_its_user_and_folder_and_goes_only_after_a_plain_word() {
    let Some(home) = Sandbox::new() else { return };
    let folder = home.folder("theirs", r#"{ "image": "debian", "features": { "x": {} } }"#);
    let folder = folder.to_str().unwrap();
    let image = home.image("theirs", "RUN useradd --create-home --shell /bin/bash ann");
    let mount = format!("type=bind,source={folder},target=/workspaces/theirs");
    let label = format!("devcontainer.local_folder={folder}");
    let metadata = r#"devcontainer.metadata=[{"remoteUser":"ann","remoteEnv":{"LEVEL":"theirs"}}]"#;
    let more = [
        "--mount", &mount, "--label", &label, "--label", metadata, "--volume", "/data",
    ];
    let foreign = Foreign::run(&home, "theirs-1", &image, &more);
    let name = home.unique("ours");
    let done = home
        .run(&["adopt", "--json", "--name", &name, &foreign.id])
        .expect(0)
        .json();
    assert_eq!(done["remoteUser"], "ann");
    assert_eq!(done["remoteWorkspaceFolder"], "/workspaces/theirs");
    let host = done["sshHost"].as_str().unwrap();
    assert_eq!(
        home.ssh(&format!("ann@{host}"), "id -un; pwd; echo $LEVEL"),
        "ann\n/workspaces/theirs\ntheirs"
    );
    let asked = home.run(&["remove", "--json", &name]).expect(4);
    assert!(
        asked.stderr().contains("It was not made by devctl") && asked.stderr().contains("devctl forget"),
        "{}",
        asked.stderr()
    );
    let refused = home
        .run(&["remove", "--json", "--yes", "--volumes", &name])
        .expect(4)
        .json();
    assert_eq!(refused["error"]["code"], "container.not_ours");
    let removed = home.run(&["remove", "--json", "--yes", &name]).expect(0).json();
    assert_eq!(
        (&removed["adopted"], &removed["keptFolder"]),
        (&true.into(), &folder.into())
    );
    assert!(
        home.docker(&[
            "ps",
            "--all",
            "--quiet",
            "--filter",
            &format!("id={}", foreign.id)
        ])
        .is_empty()
    );
    let none = home.run(&["adopt", "--json", &foreign.name]).expect(3).json();
    assert_eq!(none["error"]["code"], "container.not_found");
}
