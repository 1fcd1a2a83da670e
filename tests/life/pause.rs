//! Freezing, letting go on, and signals.

use devctl_tests::sandbox::{Sandbox, config};

#[test]
fn a_paused_container_says_so_to_everybody_and_goes_on_where_it_was() {
    let Some(home) = Sandbox::new() else { return };
    let folder = home.folder("frozen", &config(""));
    let up = home.up(&folder);
    assert_eq!(home.ssh(up.host(), "echo in"), "in");

    let paused = home.run(&["pause", "--json", up.name()]).expect(0).json();
    assert_eq!(paused["changed"], true);
    assert_eq!(
        home.run(&["pause", up.name()]).expect(0).stdout(),
        format!("{} was paused\n", up.name())
    );
    assert_eq!(
        home.docker(&["inspect", "--format", "{{.State.Paused}}", up.container()]),
        "true"
    );
    let shown = home.run(&["show", "--json", up.name()]).expect(0).json();
    assert_eq!(shown["state"], "paused");
    let table = home.run(&["list"]).expect(0).stdout();
    let row = table.lines().find(|line| line.starts_with(up.name())).unwrap();
    assert!(row.contains("paused"), "{row}");

    let fix = format!("devctl unpause {}", up.name());
    let login = home.try_ssh(up.host(), "true").expect(255).stderr();
    assert!(login.contains("is paused") && login.contains(&fix), "{login}");
    let folder = folder.to_str().unwrap();
    for (words, code) in [
        (&["exec", up.name(), "true"][..], 125),
        (&["up", folder], 1),
        (&["start", up.name()], 1),
        (&["kill", "--signal", "HUP", up.name()], 1),
    ] {
        let told = home.run(words).expect(code).stderr();
        assert!(
            told.contains("is paused") && told.contains(&fix),
            "{words:?}: {told}"
        );
    }

    let on = home.run(&["unpause", "--json", up.name()]).expect(0).json();
    assert_eq!(on["changed"], true);
    let again = home.run(&["unpause", "--json", up.name()]).expect(0).json();
    assert_eq!(again["changed"], false);
    assert_eq!(home.ssh(up.host(), "echo in"), "in");

    let _stopped = home.run(&["stop", "--timeout", "0", up.name()]).expect(0);
    let refused = home.run(&["pause", "--json", up.name()]).expect(1).json();
    assert_eq!(refused["error"]["code"], "container.not_running");

    let events = home
        .run(&["events", "--json", "--container", up.name()])
        .expect(0)
        .json();
    let count = |operation: &str| {
        let events = events["events"].as_array().unwrap();
        let of_it = events.iter().filter(|event| event["operation"] == operation);
        of_it.filter(|event| event["outcome"] == "done").count()
    };
    assert_eq!((count("pause_container"), count("unpause_container")), (1, 1));
}

#[test]
fn a_signal_reaches_the_main_process_by_name_and_by_number() {
    let Some(home) = Sandbox::new() else { return };
    let up = home.up(&home.folder("signal", &config("")));
    let state = || home.run(&["show", "--json", up.name()]).expect(0).json()["state"].clone();

    // A window that changes its size ends nothing.
    let sent = home
        .run(&["kill", "--json", "-s", "winch", up.name()])
        .expect(0)
        .json();
    assert_eq!(sent["signal"], "SIGWINCH");
    assert_eq!(state(), "running");
    let unknown = home
        .run(&["kill", "--json", "-s", "NONSENSE", up.name()])
        .expect(2)
        .json();
    assert_eq!(unknown["error"]["code"], "request.invalid");

    let told = home.run(&["kill", up.name()]).expect(0).stdout();
    assert_eq!(told, format!("{} was sent SIGKILL\n", up.name()));
    let _code = home.docker(&["wait", up.container()]);
    let shown = home.run(&["show", "--json", up.name()]).expect(0).json();
    assert_eq!(
        (&shown["state"], &shown["exitCode"]),
        (&"stopped".into(), &137.into())
    );
    let refused = home
        .run(&["kill", "--json", "-s", "9", up.name()])
        .expect(1)
        .json();
    assert_eq!(refused["error"]["code"], "container.not_running");
}
