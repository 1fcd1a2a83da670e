//! Exit codes, errors and the one document, where no engine is needed.

use crate::sandbox::Sandbox;

#[test]
fn what_cannot_be_understood_is_a_usage_error() {
    let home = Sandbox::without_engine();
    for line in [
        &["frobnicate"][..],
        &["up", "--frobnicate"],
        &["remove"],
        &["list", "extra"],
        &["settings", "set", "ssh.startOnConnect"],
        &["logs", "x", "--since", "yesterday"],
        &["exec", "x", "-e", "novalue", "true"],
        &[],
    ] {
        let ran = home.run(line).expect(2);
        assert!(ran.stdout().is_empty(), "{line:?} prints {}", ran.stdout());
        assert!(!ran.stderr().is_empty(), "{line:?} says nothing");
    }
}

#[test]
fn a_usage_error_is_one_document_too() {
    let home = Sandbox::without_engine();
    let ran = home.run(&["list", "--json", "--frobnicate"]).expect(2);
    assert_eq!(ran.json()["error"]["code"], "request.invalid");
    let ran = home.run(&["exec", "x", "--nope", "--", "cat", "--json"]);
    assert!(ran.stdout().is_empty(), "the command's own --json is not ours");
}

#[test]
fn help_and_version_are_answers() {
    let home = Sandbox::without_engine();
    let version = home.run(&["--version"]).expect(0);
    assert_eq!(
        version.stdout().trim(),
        concat!("devctl ", env!("CARGO_PKG_VERSION"))
    );
    let help = home.run(&["--help"]).expect(0);
    assert!(help.stderr().is_empty());
    assert!(help.stdout().contains("Exit codes: 0 done"));
    assert!(
        !help.stdout().contains("ssh-proxy"),
        "hidden commands stay hidden"
    );
}

#[test]
fn an_engine_that_is_not_there_is_exit_code_five() {
    let home = Sandbox::without_engine();
    let ran = home
        .run(&["up", "--image", "debian:bookworm", "--json"])
        .expect(5);
    let error = &ran.json()["error"];
    assert_eq!(error["code"], "engine.unreachable");
    assert!(
        ran.stderr().contains("error[engine.unreachable]: "),
        "{}",
        ran.stderr()
    );
    assert!(ran.stderr().contains("\n  fix: "), "{}", ran.stderr());

    let text = home.run(&["up", "--image", "debian:bookworm"]).expect(5);
    assert!(text.stdout().is_empty());
    let quiet = home.run(&["up", "-q", "--image", "debian:bookworm"]).expect(5);
    assert!(quiet.stderr().starts_with("error["), "{}", quiet.stderr());
}

#[test]
fn exec_and_ssh_have_exit_codes_of_their_own() {
    let home = Sandbox::without_engine();
    home.run(&["exec", "no-such-container-here", "true"]).expect(125);
    home.run(&["ssh", "no-such-container-here"]).expect(255);
}

#[test]
fn what_is_not_there_is_exit_code_three() {
    let home = Sandbox::without_engine();
    let ran = home.run(&["up", "--path", "nowhere", "--json"]).expect(3);
    assert_eq!(ran.json()["error"]["code"], "folder.not_found");
    let ran = home.run(&["settings", "get", "no.such", "--json"]).expect(3);
    assert_eq!(ran.json()["error"]["code"], "setting.unknown");
}

#[test]
fn settings_are_changed_and_brought_back() {
    let home = Sandbox::without_engine();
    let get = || {
        home.run(&["settings", "get", "ssh.startOnConnect"])
            .expect(0)
            .stdout()
    };
    assert_eq!(get(), "true\n");
    let set = home
        .run(&["settings", "set", "ssh.startOnConnect", "false", "--json"])
        .expect(0);
    assert_eq!(set.json()["value"], false);
    assert_eq!(get(), "false\n");
    home.run(&["settings", "set", "ssh.startOnConnect", "perhaps"])
        .expect(2);
    assert_eq!(get(), "false\n");
    home.run(&["settings", "set", "ssh.startOnConnect", "--default"])
        .expect(0);
    assert_eq!(get(), "true\n");

    let list = home.run(&["settings", "list", "--json"]).expect(0).json();
    let keys: Vec<&str> = list["settings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["key"].as_str().unwrap())
        .collect();
    assert!(keys.contains(&"ssh.startOnConnect"), "{keys:?}");

    // What was changed is in the log, also for what failed.
    let events = home.run(&["events", "--json"]).expect(0).json();
    let events = events["events"].as_array().unwrap();
    assert!(
        events
            .iter()
            .any(|event| event["operation"] == "set_setting" && event["outcome"] == "done"),
        "{events:?}"
    );
    assert!(
        events.iter().any(|event| event["code"] == "setting.invalid"),
        "{events:?}"
    );
}

#[test]
fn the_keys_are_shown_and_no_private_half_is() {
    let home = Sandbox::without_engine();
    let key = home.run(&["key", "show", "--json"]).expect(0);
    assert_eq!(key.json()["algorithm"], "ssh-ed25519");
    let authorities = home.run(&["ca", "show", "--json"]).expect(0);
    assert_eq!(authorities.json()["authorities"].as_array().unwrap().len(), 2);
    for ran in [&key, &authorities, &home.run(&["key", "show", "-vvv"]).expect(0)] {
        assert!(!format!("{}{}", ran.stdout(), ran.stderr()).contains("PRIVATE KEY"));
    }
}

#[test]
fn the_include_line_is_added_only_when_allowed() {
    let home = Sandbox::without_engine();
    let config = home.home().join(".ssh/config");
    std::fs::write(&config, "Host other\n  User me\n").unwrap();

    let refused = home.run(&["ssh", "install"]).expect(4);
    assert!(
        refused.stderr().contains("devctl ssh install --yes"),
        "{}",
        refused.stderr()
    );
    assert_eq!(
        std::fs::read_to_string(&config).unwrap(),
        "Host other\n  User me\n"
    );

    home.run(&["ssh", "install", "--yes"]).expect(0);
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.starts_with("Include "), "{text}");
    assert!(text.ends_with("Host other\n  User me\n"), "{text}");
    let status = home.run(&["ssh", "status", "--json"]).expect(0).json();
    assert_eq!(status["installed"], true);

    home.run(&["ssh", "uninstall"]).expect(0);
    assert_eq!(
        std::fs::read_to_string(&config).unwrap(),
        "Host other\n  User me\n"
    );
}

#[test]
fn the_client_configuration_is_printed_whole() {
    let home = Sandbox::without_engine();
    let printed = home.run(&["ssh", "config", "--print"]).expect(0).stdout();
    assert!(printed.contains("StrictHostKeyChecking yes"), "{printed}");
    assert!(printed.contains("ssh-renew"), "{printed}");
}

#[test]
fn a_configuration_is_read_without_making_anything() {
    let mut home = Sandbox::without_engine();
    let folder = home.folder(r#"{ "image": "debian:bookworm", /* a comment */ "remoteUser": "dev", }"#);
    let folder = folder.to_str().unwrap();
    let document = home.run(&["config", "read", folder]).expect(0).json();
    assert_eq!(document["configuration"]["image"], "debian:bookworm");
    assert!(document["workspace"]["workspaceFolder"].is_string(), "{document}");
}

#[test]
fn several_configurations_are_named_where_nobody_can_choose() {
    let mut home = Sandbox::without_engine();
    let folder = home.folder("{}");
    std::fs::remove_file(folder.join(".devcontainer/devcontainer.json")).unwrap();
    for name in ["cpu", "gpu"] {
        let below = folder.join(".devcontainer").join(name);
        std::fs::create_dir(&below).unwrap();
        std::fs::write(below.join("devcontainer.json"), r#"{"image":"debian:bookworm"}"#).unwrap();
    }
    let ran = home.run(&["up", folder.to_str().unwrap(), "--json"]).expect(2);
    assert_eq!(ran.json()["error"]["code"], "config.ambiguous");
    for name in ["cpu", "gpu"] {
        let option = format!(
            "--config {}/.devcontainer/{name}/devcontainer.json",
            folder.display()
        );
        assert!(
            ran.stderr().contains(&option),
            "{option} is not in {}",
            ran.stderr()
        );
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let home = Sandbox::without_engine();
    for args in [
        &["man", "--markdown"][..],
        &["completion", "bash"],
        &["settings", "list"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = home.devctl(args).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        assert!(output.stderr.is_empty(), "{args:?}: {output:?}");
    }
}

#[test]
fn colour_is_for_terminals() {
    let home = Sandbox::without_engine();
    let plain = home.run(&["settings", "list"]).expect(0).stdout();
    assert!(!plain.contains('\u{1b}'));
    let painted = home
        .run(&["settings", "list", "--color", "always"])
        .expect(0)
        .stdout();
    assert!(painted.contains('\u{1b}'));
}

#[test]
fn what_speaks_with_ssh_has_no_json() {
    let home = Sandbox::without_engine();
    home.run(&["ssh-proxy", "--json", "hello.devctl", "dev"])
        .expect(2);
    home.run(&["ssh-renew", "--json"]).expect(2);
}

#[test]
fn names_that_ssh_passes_are_checked() {
    let home = Sandbox::without_engine();
    for (name, user) in [
        ("../etc.devctl", "dev"),
        ("hello.devctl", "-x"),
        ("hello.devctl", "a b"),
    ] {
        let ran = home.run(&["ssh-proxy", name, user]).expect(2);
        assert!(
            ran.stderr().contains("error[ssh.name_invalid]"),
            "{}",
            ran.stderr()
        );
        assert!(ran.stdout().is_empty());
    }
}
