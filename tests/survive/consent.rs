//! Nothing that was not allowed happens, and what was allowed is not asked twice.

use devctl_tests::programs::Ran;
use devctl_tests::sandbox::{IMAGE, Sandbox, config};
use serde_json::Value;
use std::path::Path;

fn refused(home: &Sandbox, folder: &Path) -> Value {
    let ran = home.run(&["up", "--json", folder.to_str().unwrap()]).expect(4);
    assert_eq!(ran.error(), "consent.required");
    let error = ran.json()["error"].clone();
    let hash = error["trust"]["hash"].as_str().unwrap();
    assert!(
        ran.stderr().contains(&format!("--trust {hash}")),
        "{}",
        ran.stderr()
    );
    error
}

fn allowed(home: &Sandbox, folder: &Path, error: &Value) -> Ran {
    let hash = error["trust"]["hash"].as_str().unwrap();
    home.run(&["up", "--json", "--trust", hash, folder.to_str().unwrap()])
}

#[test]
fn a_hash_allows_one_list_and_another_list_is_asked_again() {
    let Some(home) = Sandbox::new() else { return };
    let folder = home.folder(
        "asks",
        &config(r#", "initializeCommand": "echo 1 >> ran", "capAdd": ["SYS_PTRACE"]"#),
    );
    let first = refused(&home, &folder);
    assert_eq!(first["trust"]["items"].as_array().unwrap().len(), 2, "{first}");
    let items = first["trust"]["items"].to_string();
    assert!(
        items.contains("devcontainer.json:1"),
        "each says where it comes from: {items}"
    );
    assert_eq!(home.traces(), [""; 0]);
    assert!(!folder.join("ran").exists(), "nothing runs unasked");
    let made = allowed(&home, &folder, &first).expect(0).json();
    let _running = home.run(&["up", folder.to_str().unwrap()]).expect(0);

    // A longer list, then a list with another command: both are other lists.
    let name = made["name"].as_str().unwrap();
    let _removed = home.run(&["remove", "--yes", name]).expect(0);
    let _same = home.run(&["up", folder.to_str().unwrap()]).expect(0);
    let _removed = home.run(&["remove", "--yes", name]).expect(0);
    home.configure(
        &folder,
        &config(r#", "initializeCommand": "echo 2 >> ran", "capAdd": ["SYS_PTRACE"]"#),
    );
    let second = refused(&home, &folder);
    assert_ne!(first["trust"]["hash"], second["trust"]["hash"]);
    let _other = allowed(&home, &folder, &first).expect(4);
    let _made = allowed(&home, &folder, &second).expect(0);
    assert_eq!(std::fs::read_to_string(folder.join("ran")).unwrap(), "1\n1\n2\n");
}

#[test]
fn a_command_that_was_changed_is_asked_about_before_a_start() {
    let Some(home) = Sandbox::new() else { return };
    let folder = home.folder("changes", &config(r#", "initializeCommand": "echo 1 >> ran""#));
    let asked = refused(&home, &folder);
    let made = allowed(&home, &folder, &asked).expect(0).json();
    let name = made["name"].as_str().unwrap();
    let _stopped = home.run(&["stop", "--timeout", "0", name]).expect(0);
    home.configure(&folder, &config(r#", "initializeCommand": "echo 2 >> ran""#));
    let asked = refused(&home, &folder);
    assert_eq!(std::fs::read_to_string(folder.join("ran")).unwrap(), "1\n");
    let _started = allowed(&home, &folder, &asked).expect(0);
    assert_eq!(std::fs::read_to_string(folder.join("ran")).unwrap(), "1\n2\n");
}

#[test]
fn what_an_image_asks_for_is_asked_before_the_container_is_made() {
    let Some(home) = Sandbox::new() else { return };
    let image =
        |name: &str, metadata: &str| home.image(name, &format!("LABEL devcontainer.metadata='[{metadata}]'"));
    let privileged = image("privileged", r#"{"privileged": true}"#);
    let asked = refused(
        &home,
        &home.folder("all", &format!(r#"{{ "image": "{privileged}" }}"#)),
    );
    assert!(
        asked["trust"]["items"].to_string().contains("rivileged"),
        "{asked}"
    );
    assert_eq!(home.traces(), [""; 0]);

    // Not every machine that tests may start a privileged container, so another right is the one that is allowed.
    let more = image("more", r#"{"capAdd": ["NET_RAW"]}"#);
    let capabilities = |made: &Value| {
        home.docker(&[
            "inspect",
            "--format",
            "{{.HostConfig.CapAdd}}",
            made["container"].as_str().unwrap(),
        ])
    };
    let folder = home.folder("image", &format!(r#"{{ "image": "{more}" }}"#));
    let asked = refused(&home, &folder);
    let made = allowed(&home, &folder, &asked).expect(0).json();
    assert!(capabilities(&made).contains("NET_RAW"));

    // The folder asks for something, and the image for more: two questions, and no third.
    let both = home.folder(
        "both",
        &format!(r#"{{ "image": "{more}", "capAdd": ["SYS_PTRACE"] }}"#),
    );
    let first = refused(&home, &both);
    assert_eq!(first["trust"]["items"].as_array().unwrap().len(), 1, "{first}");
    let second = allowed(&home, &both, &first).expect(4);
    let second = second.json()["error"].clone();
    assert_eq!(second["trust"]["items"].as_array().unwrap().len(), 2, "{second}");
    let made = allowed(&home, &both, &second).expect(0).json();
    assert!(capabilities(&made).contains("NET_RAW") && capabilities(&made).contains("SYS_PTRACE"));

    // Without wishes there is nothing to ask, and the container is closed.
    let plain = home.up(&home.folder("plain", &config("")));
    let closed = home.docker(&[
        "inspect",
        "--format",
        "{{.HostConfig.Privileged}} {{.HostConfig.CapDrop}}",
        plain.container(),
    ]);
    assert!(
        closed.starts_with("false [ALL") || closed.starts_with("false [all"),
        "{closed} of {IMAGE}"
    );
}
