//! Configurations, images and Dockerfiles that cannot work: each is said with a code and a fix, and makes nothing.

use devctl_tests::sandbox::{Sandbox, config};
use std::fs;

#[test]
fn broken_configurations_are_refused_by_name() {
    let Some(home) = Sandbox::new() else { return };
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let huge = config(&format!(
        r#", "customizations": {{ "x": "{}" }}"#,
        "y".repeat(20_000_000)
    ));
    let nested = format!(
        r#"{{ "image": "x", "customizations": {}1{} }}"#,
        "{\"a\":".repeat(100_000),
        "}".repeat(100_000)
    );
    for (what, text, code) in [
        ("broken", r#"{ "image": "#, "config.syntax"),
        ("empty", "", "config.syntax"),
        ("comment", "// nothing", "config.syntax"),
        ("list", "[]", "config.invalid"),
        ("nothing", "{}", "config.invalid"),
        ("number", r#"{ "image": 7 }"#, "config.invalid"),
        ("zeros", "\0\0\0\0", "config.syntax"),
        ("huge", &huge, "config.too_large"),
        ("deep", &deep, "config.too_large"),
        ("nested", &nested, "config.too_large"),
    ] {
        let folder = home.folder(what, text);
        let ran = home.run(&["up", "--json", folder.to_str().unwrap()]);
        assert_eq!(ran.error(), code, "{what}: {}", ran.stderr());
        assert!(ran.code() != 0 && ran.code() != 101, "{what}");
    }
    let folder = home.folder("bytes", "");
    fs::write(
        folder.join(".devcontainer/devcontainer.json"),
        [b'{', 0xff, 0xfe, b'}'],
    )
    .unwrap();
    let ran = home.run(&["up", "--json", folder.to_str().unwrap()]);
    assert!(ran.error().starts_with("config."), "{}", ran.stderr());
    assert_eq!(home.traces(), [""; 0]);
}

#[test]
fn an_image_that_is_not_there_makes_nothing() {
    let Some(home) = Sandbox::new() else { return };
    // A registry that refuses connections.
    let folder = home.folder("image", r#"{ "image": "localhost:1/no/such-image:1" }"#);
    let ran = home.run(&["up", "--json", folder.to_str().unwrap()]);
    assert!(
        ["image.not_found", "image.pull_failed"].contains(&ran.error().as_str()),
        "{}",
        ran.stderr()
    );
    assert!(
        ran.stderr().contains("localhost:1/no/such-image:1"),
        "{}",
        ran.stderr()
    );
    assert_eq!(home.traces(), [""; 0]);
}

#[test]
fn a_dockerfile_that_fails_shows_its_step_and_its_last_lines() {
    let Some(home) = Sandbox::new() else { return };
    let folder = home.folder("build", r#"{ "build": { "dockerfile": "Dockerfile" } }"#);
    let dockerfile =
        "FROM devctl-base:bookworm\nRUN true\nRUN seq 1 100; echo it is broken; exit 3\nRUN true\n";
    fs::write(folder.join(".devcontainer/Dockerfile"), dockerfile).unwrap();
    let ran = home.run(&["up", "--json", folder.to_str().unwrap()]).expect(1);
    assert_eq!(ran.error(), "build.step_failed");
    let error = &ran.json()["error"];
    assert!(
        error.to_string().contains("RUN seq 1 100"),
        "the step is named: {error}"
    );
    let lines: Vec<_> = error["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap())
        .collect();
    assert!(
        lines.len() <= 20 && lines.iter().any(|line| line.contains("it is broken")),
        "{lines:?}"
    );
    assert!(lines.iter().any(|line| line.ends_with("100")), "{lines:?}");
    assert_eq!(home.traces(), [""; 0]);

    fs::remove_file(folder.join(".devcontainer/Dockerfile")).unwrap();
    let ran = home.run(&["up", "--json", folder.to_str().unwrap()]).expect(1);
    assert_eq!(ran.error(), "build.invalid");
}
