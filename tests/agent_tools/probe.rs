use std::fs;
use std::time::{Duration, Instant};

use devctl_agent_protocol::{ProbeMode, ProbeReport};

use crate::bed::Container;
use devctl_tests::agent::{docker, empty_image};
use devctl_tests::need_engine;

fn probe(container: &Container, user: &str, mode: ProbeMode) -> ProbeReport {
    let output = container.run(user, &["probe", mode.as_str()]);
    assert!(
        output.status.success(),
        "{mode}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Puts a file into the home of `dev`.
fn write(container: &Container, name: &str, content: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    fs::write(&file, content).unwrap();
    docker(&[
        "cp",
        file.to_str().unwrap(),
        &format!("{}:/home/dev/{name}", container.name),
    ]);
}

#[test]
fn each_mode_reads_the_files_of_its_shell() {
    need_engine!();
    let container = Container::with_user();
    write(&container, ".bash_profile", "export FROM_PROFILE=1\n");
    write(&container, ".bashrc", "export FROM_RC=1\n");
    for (mode, profile, rc) in [
        (ProbeMode::None, false, false),
        (ProbeMode::LoginShell, true, false),
        (ProbeMode::InteractiveShell, false, true),
        (ProbeMode::LoginInteractiveShell, true, false),
    ] {
        let report = probe(&container, "dev", mode);
        assert_eq!(report.environment.contains_key("FROM_PROFILE"), profile, "{mode}");
        assert_eq!(report.environment.contains_key("FROM_RC"), rc, "{mode}");
        assert_eq!(
            (report.user.as_str(), report.uid, report.gid),
            ("dev", 1000, 1000)
        );
        assert_eq!(
            (report.home.as_str(), report.shell.as_str()),
            ("/home/dev", "/bin/bash")
        );
        assert!(!report.timed_out && report.warnings.is_empty(), "{report:?}");
    }
}

#[test]
fn junk_does_no_harm_and_odd_values_survive() {
    need_engine!();
    let container = Container::with_user();
    write(
        &container,
        ".bashrc",
        "seq 200000; set -xv; trap 'echo \"$BASH_COMMAND\"' DEBUG; export MANY=$'one\\ntwo = \"three\" \\xc3\\xa4' EMPTY=\n\
         export BAD=$'\\xff' DEVCTL_X=1 TERM=x OLDPWD=/ HOSTNAME=h; f() { echo; }; export -f f\n\
         sleep 4731 & read -r line; cat\n",
    );
    let report = probe(&container, "dev", ProbeMode::InteractiveShell);
    let value = |name: &str| report.environment.get(name).map(String::as_str);
    assert_eq!(value("MANY"), Some("one\ntwo = \"three\" ä"));
    assert_eq!(value("EMPTY"), Some(""));
    assert!(value("BASH_FUNC_f%%").is_some());
    for name in [
        "BAD", "DEVCTL_X", "TERM", "OLDPWD", "PWD", "SHLVL", "_", "HOSTNAME",
    ] {
        assert_eq!(value(name), None, "{name}");
    }
    assert_eq!(report.warnings.len(), 1, "{:?}", report.warnings);
    assert!(report.warnings[0].contains("\"BAD\""), "{:?}", report.warnings);
    // What a start-up file starts in the background is the user's.
    assert_eq!(container.processes("^sleep 4731"), 1);
}

#[test]
fn a_shell_that_hangs_is_given_up() {
    need_engine!();
    let container = Container::with_user();
    write(
        &container,
        ".bashrc",
        "echo waiting >&2; trap '' TERM; (trap '' TERM; sleep 4732); sleep 4732\n",
    );
    let begun = Instant::now();
    let report = probe(&container, "dev", ProbeMode::InteractiveShell);
    assert!(begun.elapsed() >= Duration::from_secs(10));
    assert!(report.timed_out);
    assert!(report.environment.contains_key("PATH"));
    let warning = report.warnings.concat();
    assert!(
        warning.contains("sleep 4732") && warning.contains("waiting"),
        "{warning}"
    );
    assert_eq!(container.processes("sleep 4732|bash -ic|defunct"), 0);
}

#[test]
fn a_shell_that_ends_early_is_named() {
    need_engine!();
    let container = Container::with_user();
    write(&container, ".bashrc", "echo 'no such thing' >&2; exit 3\n");
    let report = probe(&container, "dev", ProbeMode::InteractiveShell);
    let warning = report.warnings.concat();
    assert!(
        warning.contains("/bin/bash ended with 3") && warning.contains("no such thing"),
        "{warning}"
    );
    assert!(!report.timed_out && report.environment.contains_key("PATH"));

    container.exec("usermod -s /usr/sbin/nologin dev");
    let report = probe(&container, "dev", ProbeMode::LoginInteractiveShell);
    assert!(
        report
            .warnings
            .concat()
            .contains("/usr/sbin/nologin ended with 1"),
        "{report:?}"
    );
}

#[test]
fn an_image_without_a_shell_has_the_environment_of_the_container() {
    need_engine!();
    let container = Container::start(empty_image(), &["-e", "FROM_IMAGE=1"], &[]);
    let report = probe(&container, "4711", ProbeMode::LoginInteractiveShell);
    assert_eq!(
        report.environment.get("FROM_IMAGE").map(String::as_str),
        Some("1")
    );
    assert_eq!(
        (report.user.as_str(), report.uid, report.home.as_str()),
        ("4711", 4711, "/")
    );
    assert!(report.warnings.concat().contains("/bin/sh"), "{report:?}");
}
