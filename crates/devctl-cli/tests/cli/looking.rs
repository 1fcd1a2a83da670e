//! Looking into containers: logs, statistics, processes, changed files.

use crate::sandbox::{IMAGE, Sandbox};
use serde_json::Value;
use std::process::Command;

/// A container of the engine's own making that carries our labels, so that what its main process says is known.
pub(crate) struct Made {
    pub(crate) name: String,
}

impl Made {
    /// Runs a script as the main process.
    pub(crate) fn running(home: &Sandbox, suffix: &str, options: &[&str], script: &str) -> Self {
        let unique = home.home().file_name().unwrap().to_string_lossy().to_lowercase();
        // A name that begins like the engine's names of our containers would be read as one.
        let name = format!("{}-{suffix}", unique.trim_start_matches("devctl-"));
        let label = format!("dev.devctl.name={name}");
        let mut command = docker(&[
            "run",
            "--detach",
            "--network",
            "none",
            "--name",
            &name,
            "--label",
            &label,
        ]);
        for label in [
            "dev.devctl.managed=1",
            "dev.devctl.title=made",
            "dev.devctl.source-kind=image",
            "dev.devctl.source=made",
            "dev.devctl.remote-user=root",
        ] {
            command.args(["--label", label]);
        }
        let made = Self { name };
        let ran = command
            .args(options)
            .args([IMAGE, "sh", "-c", script])
            .output()
            .unwrap();
        assert!(ran.status.success(), "{ran:?}");
        made
    }

    /// Waits until its main process has ended.
    fn wait(&self) {
        let ended = docker(&["wait", &self.name]).output().unwrap();
        assert!(ended.status.success(), "{ended:?}");
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        // The test may have removed it.
        let _ = docker(&["rm", "--force", "--volumes", &self.name]).output();
    }
}

pub(crate) fn docker(arguments: &[&str]) -> Command {
    let mut command = Command::new("docker");
    if std::env::var_os("DOCKER_HOST").is_none() {
        command.env("DOCKER_HOST", "unix:///var/run/docker.sock");
    }
    command.args(arguments);
    command
}

#[test]
fn logs_keep_streams_apart_and_are_searched_merged_and_saved() {
    let Some(home) = Sandbox::with_engine() else {
        return;
    };
    let one = Made::running(&home, "one", &[], "echo first; echo warning >&2; echo last");
    one.wait();
    let two = Made::running(&home, "two", &[], "printf 'first of two\\nno end'");
    two.wait();
    let (one, two) = (one.name.as_str(), two.name.as_str());

    let said = home.run(&["logs", one]).expect(0);
    assert_eq!(
        (said.stdout().as_str(), said.stderr().as_str()),
        ("first\nlast\n", "warning\n")
    );
    assert_eq!(home.run(&["logs", "-n", "1", two]).expect(0).stdout(), "no end");
    assert_eq!(
        home.run(&["logs", "--follow", two]).expect(0).stdout(),
        "first of two\nno end",
        "a container that has ended has no more to say"
    );
    let document = home.run(&["logs", "--json", one]).expect(0).json();
    let mut lines: Vec<(&str, &str)> = document["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["stream"].as_str().unwrap(), line["text"].as_str().unwrap()))
        .collect();
    assert!(document["lines"][0]["at"].is_string(), "{document}");
    // The two streams are read by two hands.
    lines.sort_unstable();
    assert_eq!(
        lines,
        [("stderr", "warning"), ("stdout", "first"), ("stdout", "last")]
    );

    let both = home.run(&["logs", two, one]).expect(0).stdout();
    assert_eq!(
        both,
        format!("{one} | first\n{one} | last\n{two} | first of two\n{two} | no end\n"),
        "in the order of time"
    );
    let painted = home
        .run(&["logs", two, one, "--color", "always"])
        .expect(0)
        .stdout();
    assert!(
        painted.contains("\u{1b}[33m") && painted.contains("\u{1b}[36m"),
        "{painted:?}"
    );
    let found = home
        .run(&["logs", "--all", "--json", "--tail", "100", "--grep", "^first"])
        .expect(0)
        .json();
    let names: Vec<&Value> = found["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| &line["container"])
        .filter(|name| *name == one || *name == two)
        .collect();
    assert_eq!(names, [one, two]);

    let at = document["lines"][0]["at"].as_str().unwrap();
    let until = home.run(&["logs", "--until", "1h", one]).expect(0);
    assert_eq!(until.stdout(), "");
    let since = home.run(&["logs", "--timestamps", "--since", at, one]).expect(0);
    assert!(since.stdout().starts_with(&at[..20]), "{since:?}");

    let file = home.home().join("saved");
    let path = file.to_str().unwrap();
    let saved = home.run(&["logs", "--json", "--save", path, one]).expect(0);
    assert_eq!(saved.json()["lines"], 3);
    assert_eq!(
        std::fs::read_to_string(&file).unwrap().len(),
        "first\nwarning\nlast\n".len()
    );

    let refused = home.run(&["logs", "--json", "--grep", "(", one]).expect(2);
    assert_eq!(refused.json()["error"]["code"], "request.invalid");
    home.run(&["logs"]).expect(2);
    home.run(&["logs", "no-such-container"]).expect(3);
}

#[test]
fn a_followed_log_ends_with_its_container_and_has_every_line_once() {
    let Some(home) = Sandbox::with_engine() else {
        return;
    };
    let script = "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; read end || true; echo end";
    let made = Made::running(&home, "follow", &["--interactive"], script);
    // It goes on when it is told to, by when it is being followed most of the time.
    let mut input = docker(&["attach", "--sig-proxy=false", &made.name])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let follower = home
        .devctl(&["logs", "--follow", &made.name])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut input.stdin.take().unwrap(), b"\n").unwrap();
    let said = follower.wait_with_output().unwrap();
    input.wait().unwrap();
    assert!(said.status.success(), "{:?}", said.status);
    let wanted: String = (0..3000)
        .map(|number| format!("line {number}\n"))
        .chain(["end\n".to_owned()])
        .collect();
    assert!(said.stdout == wanted.as_bytes(), "{} bytes", said.stdout.len());
}

#[test]
fn what_a_container_uses_runs_and_changes_is_seen() {
    let Some(home) = Sandbox::with_engine() else {
        return;
    };
    let script = "echo new >/new; rm -r /etc/skel; echo ready; exec sleep infinity";
    let made = Made::running(&home, "seen", &["--memory", "64m"], script);
    let name = made.name.as_str();

    let stats = home.run(&["stats", "--json", name]).expect(0).json();
    assert_eq!(stats[0]["name"], name);
    let sample = &stats[0]["sample"];
    assert_eq!(sample["memoryLimit"], 64 << 20);
    assert!(
        sample["cpuPercent"].is_number() && sample["processes"].as_u64() >= Some(1),
        "{sample}"
    );
    let table = home.run(&["stats"]).expect(0).stdout();
    assert!(table.lines().any(|line| line.starts_with(name)), "{table}");
    let mut follower = home
        .devctl(&["stats", "--json", "--follow", name])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(follower.stdout.take().unwrap()));
    let kinds: Vec<Value> = lines
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap()["type"].clone())
        .take(3)
        .collect();
    follower.kill().unwrap();
    follower.wait().unwrap();
    assert_eq!(kinds, ["begun", "sample", "sample"]);

    let top = home.run(&["top", "--json", name]).expect(0).json();
    assert!(
        top.as_array().unwrap().iter().any(|process| {
            process["command"].as_str().unwrap().contains("sleep infinity") && process["pid"].is_number()
        }),
        "{top}"
    );
    assert!(
        home.run(&["top", name])
            .expect(0)
            .stdout()
            .contains("sleep infinity")
    );

    let changes = home.run(&["changes", "--json", name]).expect(0).json();
    for change in [
        serde_json::json!({"path": "/etc/skel", "kind": "deleted"}),
        serde_json::json!({"path": "/new", "kind": "added"}),
        serde_json::json!({"path": "/etc", "kind": "modified"}),
    ] {
        assert!(
            changes.as_array().unwrap().contains(&change),
            "{change} in {changes}"
        );
    }
    assert!(home.run(&["changes", name]).expect(0).stdout().contains("/new"));

    assert!(docker(&["kill", name]).output().unwrap().status.success());
    for command in ["stats", "top"] {
        let refused = home.run(&[command, "--json", name]).expect(1);
        assert_eq!(refused.json()["error"]["code"], "container.not_running");
    }
    home.run(&["changes", name]).expect(0);
}
