//! Questions at a terminal.

use crate::sandbox::Sandbox;

fn have_script() -> bool {
    let there = std::process::Command::new("script")
        .arg("--version")
        .output()
        .is_ok();
    if !there {
        eprintln!("SKIPPED: script is not installed");
    }
    there
}

#[test]
fn the_change_to_the_ssh_configuration_is_shown_and_asked_for() {
    if !have_script() {
        return;
    }
    let home = Sandbox::without_engine();
    let config = home.home().join(".ssh/config");
    std::fs::write(&config, "Host other\n").unwrap();

    let no = home.at_terminal(&["ssh", "install"], "n\n").expect(4);
    assert!(no.stdout().contains("Add the line? [y/N]"), "{}", no.stdout());
    assert!(no.stdout().contains("Nothing was changed."), "{}", no.stdout());
    assert_eq!(std::fs::read_to_string(&config).unwrap(), "Host other\n");

    home.at_terminal(&["ssh", "install"], "y\n").expect(0);
    assert!(std::fs::read_to_string(&config).unwrap().starts_with("Include "));
}

#[test]
fn one_of_several_configurations_is_chosen() {
    if !have_script() {
        return;
    }
    let mut home = Sandbox::without_engine();
    let folder = home.folder("{}");
    std::fs::remove_file(folder.join(".devcontainer/devcontainer.json")).unwrap();
    for name in ["one", "two"] {
        let below = folder.join(".devcontainer").join(name);
        std::fs::create_dir(&below).unwrap();
        std::fs::write(below.join("devcontainer.json"), r#"{"image":"debian:bookworm"}"#).unwrap();
    }
    let folder = folder.to_str().unwrap();
    // There is no engine, so the choice is as far as it goes.
    let chosen = home.at_terminal(&["up", folder], "2\n").expect(5);
    assert!(
        chosen.stdout().contains("Which one? [1-2]"),
        "{}",
        chosen.stdout()
    );
    let none = home.at_terminal(&["up", folder], "7\n").expect(2);
    assert!(none.stdout().contains("config.ambiguous"), "{}", none.stdout());
}

#[test]
fn tables_fit_the_terminal() {
    if !have_script() {
        return;
    }
    let home = Sandbox::without_engine();
    let shown = home.at_terminal(&["settings", "list"], "").expect(0).stdout();
    let piped = home.run(&["settings", "list"]).expect(0).stdout();
    let widest = piped.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(widest > 80, "the test needs a table that is too wide: {piped}");
    assert!(shown.contains('…'), "{shown}");
    let plain = home
        .at_terminal(&["settings", "list", "--color", "never"], "")
        .expect(0)
        .stdout();
    assert!(plain.lines().all(|line| line.chars().count() <= 80), "{plain}");
    assert!(!piped.contains('…'), "{piped}");
}
