//! Lifecycle commands that fail, hang, and print without end.

use devctl_tests::programs::{Background, wait_until};
use devctl_tests::sandbox::{Sandbox, config};
use std::fs;
use std::process::Stdio;

#[test]
fn a_command_that_fails_is_named_and_the_next_up_goes_on_with_it() {
    let Some(home) = Sandbox::new() else { return };
    let hooks = r#", "onCreateCommand": "echo once >> ran",
        "postCreateCommand": "seq 1 50; test -e mended || { echo it is broken >&2; exit 3; }""#;
    let folder = home.folder("fails", &config(hooks));
    let failed = home.run(&["up", "--json", folder.to_str().unwrap()]).expect(1);
    assert_eq!(failed.error(), "hook.failed");
    let error = &failed.json()["error"];
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("postCreateCommand") && message.contains("3"),
        "{error}"
    );
    let lines = error["lines"].as_array().unwrap();
    assert!(
        lines.len() <= 20 && lines.iter().any(|line| line == "it is broken"),
        "{error}"
    );
    fs::write(folder.join("mended"), "").unwrap();
    let up = home.up(&folder);
    assert_eq!(fs::read_to_string(folder.join("ran")).unwrap(), "once\n");
    assert_eq!(home.containers_of(&folder), [up.container()]);
}

#[test]
fn a_command_that_hangs_is_stopped_by_ctrl_c_and_resumed_by_the_next_up() {
    let Some(home) = Sandbox::new() else { return };
    let hooks = r#", "postCreateCommand": "echo began >> ran; test -e mended || sleep 1000""#;
    let folder = home.folder("hangs", &config(hooks));
    let mut up = home.devctl(&["up", folder.to_str().unwrap()]);
    let mut up = Background::start(up.stdout(Stdio::null()).stderr(Stdio::piped()));
    wait_until("the command", || folder.join("ran").exists());
    up.signal("INT");
    assert_eq!(up.end(), 130);
    let said = up.stderr();
    assert!(said.contains("next up"), "it says what is left: {said}");
    let containers = home.containers_of(&folder);
    let inside = || {
        home.docker(&[
            "exec",
            &containers[0],
            "sh",
            "-c",
            "pgrep -fc '[s]leep 1000' || true",
        ])
    };
    wait_until("the command to be gone", || inside() == "0");
    fs::write(folder.join("mended"), "").unwrap();
    let again = home.up(&folder);
    assert_eq!(containers, [again.container()]);
    assert_eq!(fs::read_to_string(folder.join("ran")).unwrap(), "began\nbegan\n");
}

#[test]
fn a_command_that_prints_100_mb_does_not_fill_the_memory() {
    let Some(home) = Sandbox::new() else { return };
    // One line without an end, and then half a million lines.
    let hooks = r#", "onCreateCommand": "head -c 50000000 /dev/zero | tr '\\0' x",
        "postCreateCommand": "yes $(seq 1 36) | head -c 50000000""#;
    let folder = home.folder("prints", &config(hooks));
    let mut up = home.devctl(&["up", folder.to_str().unwrap()]);
    let mut up = Background::start(up.stdout(Stdio::null()).stderr(Stdio::null()));
    let status = format!("/proc/{}/status", up.child().id());
    let mut peak = 0;
    wait_until("the end of up", || {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(kib.unwrap_or(0));
        up.child().try_wait().unwrap().is_some()
    });
    assert_eq!(up.end(), 0);
    assert!(peak > 0 && peak < 200 * 1024, "{peak} KiB");
}

#[test]
fn a_command_on_this_computer_that_fails_makes_nothing() {
    let Some(home) = Sandbox::new() else { return };
    let folder = home.folder(
        "before",
        &config(r#", "initializeCommand": "test -e mended || { echo it is broken >&2; exit 3; }""#),
    );
    let path = folder.to_str().unwrap();
    let asked = home.run(&["up", "--json", path]).expect(4).json();
    let hash = asked["error"]["trust"]["hash"].as_str().unwrap();
    let failed = home.run(&["up", "--json", "--trust", hash, path]).expect(1);
    assert_eq!(failed.error(), "hook.failed");
    let error = failed.json()["error"].to_string();
    assert!(
        error.contains("initializeCommand") && error.contains("it is broken"),
        "{error}"
    );
    assert_eq!(home.traces(), [""; 0]);
    fs::write(folder.join("mended"), "").unwrap();
    let up = home.up(&folder);
    assert_eq!(home.containers_of(&folder), [up.container()]);
}

#[test]
fn of_commands_that_run_at_once_the_one_that_fails_is_named_and_the_others_end() {
    let Some(home) = Sandbox::new() else { return };
    let hooks = r#", "postCreateCommand": {
        "good": "echo began >> good; sleep 0.5; echo ended >> good",
        "bad": "test -e mended || { echo it is broken >&2; exit 7; }",
        "array": ["sh", "-c", "echo \"$1\" > array", "sh", "a  b"] }"#;
    let folder = home.folder("parallel", &config(hooks));
    let failed = home.run(&["up", "--json", folder.to_str().unwrap()]).expect(1);
    assert_eq!(failed.error(), "hook.failed");
    let error = failed.json()["error"].to_string();
    assert!(
        error.contains("bad") && error.contains('7') && error.contains("it is broken"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(folder.join("good")).unwrap(), "began\nended\n");
    assert_eq!(fs::read_to_string(folder.join("array")).unwrap(), "a  b\n");
    fs::write(folder.join("mended"), "").unwrap();
    let up = home.up(&folder);
    assert_eq!(home.containers_of(&folder), [up.container()]);
}
