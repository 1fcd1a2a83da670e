//! Another name for a container that runs.

use devctl_tests::sandbox::{Sandbox, config};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

#[test]
fn a_name_moves_at_once_while_a_session_goes_on() {
    let Some(home) = Sandbox::new() else { return };
    let folder = home.folder_at(format!("in/{}", home.unique("before")), &config(""));
    let up = home.up(&folder);
    let roles = format!(r#"{{"ci":["{}"]}}"#, up.name());
    let _set = home.run(&["settings", "set", "ssh.roles", &roles]).expect(0);
    let started = || {
        let format = "{{.State.StartedAt}}";
        home.docker(&["inspect", "--format", format, up.container()])
    };
    let before = started();
    // A session that is open answers after the name has moved.
    let mut open = home
        .client("ssh")
        .args([up.host(), "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut echo = BufReader::new(open.stdout.take().unwrap());
    let mut input = open.stdin.take().unwrap();
    let mut answered = |word: &str| {
        writeln!(input, "{word}").unwrap();
        let mut line = String::new();
        let _read = echo.read_line(&mut line).unwrap();
        line
    };
    assert_eq!(answered("one"), "one\n");

    let new = home.unique("after");
    let renamed = home.run(&["rename", "--json", up.name(), &new]).expect(0).json();
    assert_eq!(renamed["changed"], true);
    assert_eq!(renamed["oldName"], up.name());
    let host = renamed["sshHost"].as_str().unwrap();
    assert_eq!(answered("two"), "two\n");
    assert_eq!(home.ssh(host, "echo in"), "in");
    assert_eq!(started(), before, "it was not stopped");
    let old = home.try_ssh(up.host(), "true").expect(255).stderr();
    assert!(old.contains(up.name()) && old.contains("devctl list"), "{old}");
    let gone = home.run(&["show", "--json", up.name()]).expect(3).json();
    assert_eq!(gone["error"]["code"], "container.not_found");

    let shown = home.run(&["show", "--json", &new]).expect(0).json();
    assert_eq!(
        (&shown["id"], &shown["name"]),
        (&up.container().into(), &new.as_str().into())
    );
    let roles = home
        .run(&["settings", "get", "--json", "ssh.roles"])
        .expect(0)
        .json();
    assert_eq!(roles["value"]["ci"][0], new);
    let same = home.run(&["rename", "--json", &new, &new]).expect(0).json();
    assert_eq!(same["changed"], false);
    // Without anything that we keep ourselves, too.
    std::fs::remove_dir_all(home.state().join("access")).unwrap();
    assert_eq!(home.ssh(host, "echo in"), "in");
    let running = home
        .run(&["up", "--json", folder.to_str().unwrap()])
        .expect(0)
        .json();
    assert_eq!(
        (&running["name"], &running["outcome"]),
        (&new.as_str().into(), &"running".into())
    );
    drop(input);
    assert!(open.wait().unwrap().success());

    let events = home
        .run(&["events", "--json", "--container", &new])
        .expect(0)
        .json();
    let events = events["events"].as_array().unwrap();
    assert!(
        events
            .iter()
            .any(|event| event["operation"] == "rename_container" && event["outcome"] == "done"),
        "{events:?}"
    );
    let _removed = home.run(&["remove", "--yes", &new]).expect(0);
    assert!(home.traces().is_empty(), "{:?}", home.traces());
}

#[test]
fn the_old_name_can_be_taken_by_another_which_shares_nothing_with_the_first() {
    let Some(home) = Sandbox::new() else { return };
    let first = home.up(&home.folder_at("a/twin", &config("")));
    let (old, new) = (home.unique("twin"), home.unique("elder"));
    let _old = home.run(&["rename", first.name(), &old]).expect(0);
    let _new = home.run(&["rename", &old, &new]).expect(0);
    let folder = home.folder(&old[old.find('-').map_or(0, |at| at + 1)..], &config(""));
    let second = home.up(&folder);
    assert_eq!(second.name(), old);

    let network = |container: &str| {
        let format = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}";
        home.docker(&["inspect", "--format", format, container])
    };
    assert_ne!(network(first.container()), network(second.container()));
    assert_ne!(
        home.ssh(&format!("{new}.devctl"), "hostname"),
        home.ssh(second.host(), "hostname"),
    );
    let taken = home.run(&["rename", "--json", &new, &old]).expect(1).json();
    assert_eq!(taken["error"]["code"], "engine.conflict");
    assert_eq!(home.ssh(&format!("{new}.devctl"), "echo in"), "in");
    let odd = home.run(&["rename", "--json", &new, "No_Name"]).expect(2).json();
    assert_eq!(odd["error"]["code"], "ssh.name_invalid");

    // Made anew, it gets a network of its new name, and the old one is not left behind.
    let made = home.run(&["rebuild", "--json", "--yes", &new]).expect(0).json();
    assert_eq!(made["name"], new);
    assert_eq!(
        network(made["container"].as_str().unwrap()),
        format!("devctl-{new}")
    );
    for name in [&new, &old] {
        let _removed = home.run(&["remove", "--yes", name]).expect(0);
    }
    assert!(home.traces().is_empty(), "{:?}", home.traces());
}
