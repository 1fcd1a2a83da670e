//! Secrets that a configuration asks for.

use crate::home::{at_terminal, fed};
use devctl_tests::sandbox::{Sandbox, config};

const ASKS: &str = r#", "secrets": {
    "API_KEY": {"description": "For the weather", "documentationUrl": "https://example.org/key"},
    "OPTIONAL": {}}"#;

#[test]
fn without_a_terminal_a_notice_names_them_and_the_command() {
    let Some(home) = Sandbox::new() else { return };
    let folder = home.folder("notice", &config(ASKS));
    let up = || {
        let ran = home
            .run(&["up", "--json", folder.to_str().unwrap()])
            .expect(0)
            .json();
        ran["notices"].to_string()
    };
    let said = up();
    for word in [
        "API_KEY",
        "For the weather",
        "https://example.org/key",
        "devctl secret set OPTIONAL",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let words = [
        "secret",
        "set",
        "API_KEY",
        "--from",
        "-",
        "--container",
        folder.to_str().unwrap(),
    ];
    let _set = fed(home.devctl(&words), b"hunter2").expect(0);
    let said = up();
    assert!(!said.contains("API_KEY") && said.contains("OPTIONAL"), "{said}");
}

#[test]
fn on_a_terminal_they_are_asked_for_once_and_may_be_left_empty() {
    let Some(home) = Sandbox::new() else { return };
    let folder = home.folder("asks", &config(ASKS));
    let up = |answers: &[(&str, &str)]| at_terminal(&home, &format!("up {}", folder.display()), answers);
    let said = up(&[("API_KEY: ", "hunter2"), ("OPTIONAL: ", "")]);
    assert!(
        said.contains("For the weather") && said.contains("https://example.org/key"),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "what is typed is not shown: {said}");
    let name = home.unique("asks");
    assert_eq!(
        home.ssh(&format!("{name}.devctl"), "echo $API_KEY ${OPTIONAL-none}"),
        "hunter2 none"
    );
    let again = up(&[]);
    assert!(
        !again.contains("API_KEY") && !again.contains("OPTIONAL"),
        "asked once: {again}"
    );
}
