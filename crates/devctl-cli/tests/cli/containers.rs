//! Containers on a real engine, as a person or a script meets them through the command line.

use crate::sandbox::{IMAGE, Sandbox};
use serde_json::Value;

pub(crate) fn config(more: &str) -> String {
    format!(r#"{{ "image": "{IMAGE}"{more} }}"#)
}

/// Brings a folder up and returns what `up --json` says.
pub(crate) fn up(home: &Sandbox, folder: &str) -> Value {
    let ran = home.run(&["up", "--json", folder]).expect(0);
    assert!(
        !ran.stderr().contains('\u{1b}'),
        "no live view where no terminal is: {}",
        ran.stderr()
    );
    ran.json()
}

#[test]
fn a_folder_becomes_a_container_and_goes_again() {
    let Some(mut home) = Sandbox::with_engine() else {
        return;
    };
    let folder = home.folder(&config(""));
    let folder = folder.to_str().unwrap();

    let made = up(&home, folder);
    let name = made["name"].as_str().unwrap();
    assert_eq!(made["outcome"], "created");
    assert_eq!(made["sshHost"], format!("{name}.devctl"));
    assert_eq!(made["container"].as_str().unwrap().len(), 64);
    for field in ["remoteUser", "remoteWorkspaceFolder"] {
        assert!(made[field].is_string(), "{field} of {made}");
    }
    assert_eq!(up(&home, folder)["outcome"], "running");

    let list = home.run(&["list", "--json"]).expect(0).json();
    let listed = list
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == name)
        .expect("it is listed");
    assert_eq!(listed["id"], made["container"]);
    assert_eq!(listed["state"], "running");
    assert_eq!(listed["workspace"], folder);
    assert_eq!(listed["image"], IMAGE);
    assert_eq!(listed["sshHost"], made["sshHost"]);
    assert!(listed.get("startedAt").is_none(), "{listed}");
    let table = home.run(&["list"]).expect(0).stdout();
    let row = table
        .lines()
        .find(|line| line.starts_with(name))
        .expect("it is in the table");
    assert!(
        row.contains("running") && row.contains(folder),
        "a piped table is not cut: {row}"
    );

    let detail = home.run(&["show", "--json", name]).expect(0).json();
    assert_eq!(detail["remoteUser"], made["remoteUser"]);
    assert!(detail["startedAt"].is_string(), "{detail}");
    let shown = home.run(&["show", name]).expect(0).stdout();
    assert!(shown.contains(&format!("ssh {name}.devctl")), "{shown}");

    let candidates = home
        .devctl(&["--", "devctl", "stop", &name[..name.len() - 1]])
        .env("DEVCTL_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", "2")
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&candidates.stdout).lines().next(),
        Some(name),
        "{candidates:?}"
    );

    assert_eq!(
        home.run(&["stop", "--json", "--timeout", "0", name])
            .expect(0)
            .json()["changed"],
        true
    );
    assert_eq!(
        home.run(&["stop", "--json", name]).expect(0).json()["changed"],
        false
    );
    home.run(&["exec", name, "true"]).expect(125);
    let by_folder = home.run(&["stop", folder]).expect(0).stdout();
    assert_eq!(by_folder, format!("{name} was not running\n"));
    assert_eq!(up(&home, folder)["outcome"], "started");

    let asked = home.run(&["remove", "--json", name]).expect(4);
    assert_eq!(asked.json()["error"]["code"], "consent.required");
    assert!(
        asked
            .stderr()
            .contains(&format!("What stays:\n  the folder {folder}\n")),
        "{}",
        asked.stderr()
    );
    assert!(
        asked
            .stderr()
            .contains(&format!("fix: devctl remove --yes {name}")),
        "{}",
        asked.stderr()
    );

    let removed = home.run(&["remove", "--yes", "--json", name]).expect(0).json();
    assert_eq!(removed["keptFolder"], folder);
    home.run(&["show", name]).expect(3);
    assert!(
        std::path::Path::new(folder)
            .join(".devcontainer/devcontainer.json")
            .exists()
    );

    let events = home
        .run(&["events", "--json", "--container", name])
        .expect(0)
        .json();
    let operations: Vec<&str> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["operation"].as_str().unwrap())
        .collect();
    assert!(
        operations.contains(&"up") && operations.contains(&"remove_container"),
        "{operations:?}"
    );
}

#[test]
fn another_engine_is_never_taken_for_the_one_that_docker_host_names() {
    let Some(mut home) = Sandbox::with_engine() else {
        return;
    };
    let folder = home.folder(&config(""));
    let folder = folder.to_str().unwrap();
    let made = up(&home, folder);
    let name = made["name"].as_str().unwrap();
    for words in [
        &["list"][..],
        &["show", name],
        &["stop", name],
        &["up", folder],
        &["remove", "--yes", name],
    ] {
        let refused = home
            .devctl(words)
            .env("DOCKER_HOST", "unix:///nonexistent/devctl-test.sock")
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(5), "{words:?}: {told}");
        assert!(
            told.contains("DOCKER_HOST") && told.contains("fix: unset DOCKER_HOST"),
            "{words:?}: {told}"
        );
    }
    assert_eq!(up(&home, folder)["outcome"], "running");
}

#[test]
fn exec_passes_on_input_output_and_exit_codes() {
    let Some(mut home) = Sandbox::with_engine() else {
        return;
    };
    let folder = home.folder(&config(""));
    let made = up(&home, folder.to_str().unwrap());
    let name = made["name"].as_str().unwrap();

    for code in [0, 1, 2, 77, 125, 126, 255] {
        home.run(&["exec", name, "--", "sh", "-c", &format!("exit {code}")])
            .expect(code);
    }
    let split = home
        .run(&["exec", name, "--", "sh", "-c", "echo out; echo err >&2"])
        .expect(0);
    assert_eq!(
        (split.stdout().as_str(), split.stderr().as_str()),
        ("out\n", "err\n")
    );
    let set = home.run(&[
        "exec",
        "-e",
        "A=b c",
        "-w",
        "/tmp",
        "-u",
        "root",
        name,
        "--",
        "sh",
        "-c",
        "echo $A $PWD; id -un",
    ]);
    assert_eq!(set.expect(0).stdout(), "b c /tmp\nroot\n");
    let here = home.run(&["exec", name, "pwd"]).expect(0).stdout();
    assert_eq!(here.trim(), made["remoteWorkspaceFolder"]);

    let document = home
        .run(&[
            "exec",
            "--json",
            name,
            "--",
            "sh",
            "-c",
            "echo out; echo err >&2; exit 3",
        ])
        .expect(3)
        .json();
    assert_eq!(
        document,
        serde_json::json!({ "exitCode": 3, "stdout": "out\n", "stderr": "err\n" })
    );

    let file = home.home().join("input");
    let input = vec![b'x'; 1_000_000];
    std::fs::write(&file, &input).unwrap();
    let output = home
        .devctl(&["exec", "-i", name, "--", "cat"])
        .stdin(std::fs::File::open(&file).unwrap())
        .output()
        .unwrap();
    assert!(output.stdout == input, "{} bytes came back", output.stdout.len());
    // Without --interactive the input of a script stays its own.
    home.run(&["exec", name, "--", "sh", "-c", "test -z \"$(cat)\""])
        .expect(0);

    let terminal = home.at_terminal(
        &[
            "exec",
            name,
            "--",
            "sh",
            "-c",
            "test -t 0 && test -t 1 && stty size; exit 9",
        ],
        "",
    );
    assert!(
        terminal.stdout().contains("24 80") || terminal.stdout().contains("0 0"),
        "{}",
        terminal.stdout()
    );
    terminal.expect(9);
    let typed = home.at_terminal(&["exec", name, "sh"], "echo got-$((1+2)); exit 4\n");
    assert!(typed.stdout().contains("got-3"), "{}", typed.stdout());
    typed.expect(4);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let unread = home
        .devctl(&["exec", name, "echo", "unread"])
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!(unread.status.code(), Some(141));
    assert!(unread.stderr.is_empty(), "{unread:?}");
    // Ctrl-C is a key for the command, not for devctl.
    let waits = "trap 'exit 6' INT; echo rea''dy; read line";
    home.at_terminal_after("ready", &["exec", name, "--", "sh", "-c", waits], "\u{3}")
        .expect(6);
    home.at_terminal(&["exec", "-T", name, "--", "sh", "-c", "test -t 1"], "")
        .expect(1);

    home.run(&["exec", "no-such-container", "true"]).expect(125);
}

#[test]
fn ssh_logs_in_through_the_real_client() {
    let Some(mut home) = Sandbox::with_engine() else {
        return;
    };
    let folder = home.folder(&config(""));
    let made = up(&home, folder.to_str().unwrap());
    let name = made["name"].as_str().unwrap();

    let ran = home.run(&["ssh", name, "--", "echo in; exit 7"]).expect(7);
    assert_eq!(ran.stdout(), "in\n");
    let document = home
        .run(&["ssh", "--json", name, "--", "id", "-un"])
        .expect(0)
        .json();
    assert_eq!(document["stdout"].as_str().unwrap().trim(), made["remoteUser"]);
    home.run(&["ssh", folder.to_str().unwrap(), "true"]).expect(0);
    home.run(&["ssh", &name.to_uppercase(), "true"]).expect(0);
    for host in [name.to_uppercase() + ".devctl", name.to_uppercase() + ".DEVCTL"] {
        let client = home
            .command("ssh")
            .arg("-F")
            .arg(home.home().join(".ssh/devctl/config"))
            .args(["-o", "BatchMode=yes", &host, "id", "-un"])
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&client.stdout).trim(),
            made["remoteUser"].as_str().unwrap(),
            "{host}: {client:?}"
        );
    }
    home.run(&["ssh", "no-such-container", "true"]).expect(255);
}

#[test]
fn a_name_that_the_engine_has_given_away_is_told_with_its_holder() {
    let Some(mut home) = Sandbox::with_engine() else {
        return;
    };
    let folder = home.folder(&config(""));
    let alias = folder.file_name().unwrap().to_str().unwrap().to_owned();
    let taken = format!("devctl-{alias}");
    let docker = |words: &[&str]| {
        let output = home.command("docker").args(words).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let holder = docker(&["create", "--name", &taken, IMAGE, "true"]);
    let refused = home.run(&["up", "--json", folder.to_str().unwrap()]);
    docker(&["rm", &holder]);
    let refused = refused.expect(1);
    let error = &refused.json()["error"];
    assert_eq!(error["code"], "engine.conflict");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains(&taken) && message.contains(&holder[..12]),
        "{message}"
    );
    let told = refused.stderr();
    assert!(
        told.contains(&format!("docker rename {} ", &holder[..12])),
        "{told}"
    );
    // What failed belongs to the name that the container was to get.
    let events = home
        .run(&["events", "--json", "--container", &alias])
        .expect(0)
        .json();
    let of_up: Vec<&str> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|event| event["operation"] == "up")
        .map(|event| event["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(of_up, ["begun", "failed"]);
}

#[test]
fn a_container_that_is_removed_under_its_up_is_told_as_removed() {
    use std::io::BufRead;
    let Some(mut home) = Sandbox::with_engine() else {
        return;
    };
    let folder = home.folder(&config(r#", "postCreateCommand": "echo waiting; sleep 600""#));
    let mut child = home
        .devctl(&["up", "-v", folder.to_str().unwrap()])
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(
        lines.by_ref().any(|line| line.unwrap().contains("waiting")),
        "the hook runs"
    );
    home.run(&["remove", "--yes", folder.to_str().unwrap()]).expect(0);
    let told: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(3), "{told:?}");
    let told = told.join("\n");
    assert!(told.contains("was removed while it was being set up"), "{told}");
    assert!(!told.contains("the container is there"), "{told}");
    let config = std::fs::read_to_string(home.home().join(".ssh/devctl/config")).unwrap();
    let alias = folder.file_name().unwrap().to_str().unwrap();
    assert!(!config.contains(alias), "{config}");
}

#[test]
fn a_hook_that_fails_shows_its_last_lines_and_its_code() {
    let Some(mut home) = Sandbox::with_engine() else {
        return;
    };
    let folder = home.folder(&config(r#", "postCreateCommand": "seq 1 50; exit 3""#));
    let failed = home.run(&["up", "--json", folder.to_str().unwrap()]).expect(1);
    let error = &failed.json()["error"];
    assert_eq!(error["code"], "hook.failed");
    let lines = error["lines"].as_array().unwrap();
    assert!(
        lines.len() <= 20 && lines.iter().any(|line| line == "50"),
        "{error}"
    );
    assert!(failed.stderr().contains("\n  | 50\n"), "{}", failed.stderr());
    assert!(!failed.stderr().contains("\n  | 7\n"), "{}", failed.stderr());
    let verbose = home.run(&["up", "-v", folder.to_str().unwrap()]);
    assert!(verbose.stderr().contains("\n  | 7\n"), "{}", verbose.stderr());
}

#[test]
fn a_rebuild_says_first_what_it_loses() {
    let Some(mut home) = Sandbox::with_engine() else {
        return;
    };
    let folder = home.folder(&config(""));
    let made = up(&home, folder.to_str().unwrap());
    let name = made["name"].as_str().unwrap();
    home.run(&["exec", "-u", "root", name, "--", "touch", "/opt/precious"])
        .expect(0);

    let asked = home.run(&["rebuild", name]).expect(4);
    assert!(asked.stderr().contains("/opt/precious"), "{}", asked.stderr());
    home.run(&["exec", name, "--", "test", "-e", "/opt/precious"])
        .expect(0);

    let built = home.run(&["rebuild", "--yes", "--json", name]).expect(0).json();
    assert_eq!(built["name"], name);
    assert_ne!(built["container"], made["container"]);
    home.run(&["exec", name, "--", "test", "-e", "/opt/precious"])
        .expect(1);
}

#[test]
fn the_log_of_a_container_is_a_document() {
    let Some(mut home) = Sandbox::with_engine() else {
        return;
    };
    let folder = home.folder(&config(""));
    let made = up(&home, folder.to_str().unwrap());
    let logs = home
        .run(&["logs", "--json", made["name"].as_str().unwrap()])
        .expect(0)
        .json();
    assert!(logs["lines"].is_array(), "{logs}");
    home.run(&[
        "logs",
        "--tail",
        "1",
        "--since",
        "1h",
        made["name"].as_str().unwrap(),
    ])
    .expect(0);
}

/// A process that goes on until its test ends, well or not.
struct Follower(std::process::Child);

impl Drop for Follower {
    fn drop(&mut self) {
        // One that has ended by itself cannot be killed, and need not be.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn events_are_followed_across_processes() {
    let Some(home) = Sandbox::with_engine() else {
        return;
    };
    use std::io::BufRead;
    let mut follower = Follower(
        home.devctl(&["events", "--follow", "--json"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut lines = std::io::BufReader::new(follower.0.stdout.take().unwrap()).lines();
    home.run(&["settings", "set", "ssh.startOnConnect", "false"])
        .expect(0);
    let event = lines
        .by_ref()
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap())
        .find(|event| event["operation"] == "set_setting" && event["outcome"] == "done");
    assert_eq!(event.unwrap()["subject"], "ssh.startOnConnect");
}

#[test]
fn an_interrupted_up_says_what_it_left() {
    let Some(mut home) = Sandbox::with_engine() else {
        return;
    };
    let folder = home.folder(&config(r#", "postCreateCommand": "echo waiting; sleep 600""#));
    use std::io::BufRead;
    let mut child = home
        .devctl(&["up", "-v", folder.to_str().unwrap()])
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(
        lines.by_ref().any(|line| line.unwrap().contains("waiting")),
        "the hook runs"
    );
    let interrupt = |pid: u32| {
        let status = std::process::Command::new("kill")
            .args(["-INT", &pid.to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    };
    interrupt(child.id());
    let told: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{told:?}");
    assert!(
        told.iter().any(|line| line.contains("error[cancelled]")),
        "{told:?}"
    );
    assert!(
        told.iter().any(|line| line.starts_with("  safe: ")),
        "what is left is said: {told:?}"
    );
}
