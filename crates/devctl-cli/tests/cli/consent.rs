//! Rights: shown, asked for, and allowed by their hash.

use crate::containers::{config, up};
use crate::sandbox::Sandbox;

#[test]
fn rights_are_shown_and_allowed_by_their_hash() {
    let Some(mut home) = Sandbox::with_engine() else {
        return;
    };
    let folder = home.folder(&config(
        r#", "capAdd": ["SYS_PTRACE"], "initializeCommand": "touch made-by-initialize""#,
    ));
    let folder = folder.to_str().unwrap();

    let refused = home.run(&["up", "--json", folder]).expect(4);
    let error = &refused.json()["error"];
    assert_eq!(error["code"], "consent.required");
    let hash = error["trust"]["hash"].as_str().unwrap();
    assert_eq!(error["trust"]["items"].as_array().unwrap().len(), 2, "{error}");
    let told = refused.stderr();
    assert!(
        told.contains("touch made-by-initialize") && told.contains("SYS_PTRACE"),
        "{told}"
    );
    assert!(
        told.contains(&format!("fix: devctl up --trust {hash} {folder}")),
        "{told}"
    );
    assert!(
        !std::path::Path::new(folder).join("made-by-initialize").exists(),
        "nothing runs unasked"
    );

    for malformed in ["yes", &hash[1..], &format!("{hash}0")] {
        home.run(&["up", "--trust", malformed, folder]).expect(2);
    }
    let wrong = "0".repeat(64);
    home.run(&["up", "--trust", &wrong, folder]).expect(4);

    let no = home.at_terminal(&["up", folder], "n\n").expect(4);
    assert!(
        no.stdout().contains("Allow these 2 rights? [y/N]"),
        "{}",
        no.stdout()
    );
    assert!(!std::path::Path::new(folder).join("made-by-initialize").exists());

    home.run(&["up", "--trust", hash, folder]).expect(0);
    assert!(std::path::Path::new(folder).join("made-by-initialize").exists());
    // What was allowed is not asked again, and a slip is told also where nothing is asked.
    home.run(&["up", folder]).expect(0);
    home.run(&["up", "--trust", "yes", folder]).expect(2);
}

#[test]
fn a_start_asks_for_what_was_not_allowed_yet() {
    let Some(mut home) = Sandbox::with_engine() else {
        return;
    };
    let made_of = home.folder(&config(""));
    let folder = made_of.to_str().unwrap();
    let made = up(&home, folder);
    let name = made["name"].as_str().unwrap();
    home.run(&["stop", "--timeout", "0", name]).expect(0);
    std::fs::write(
        made_of.join(".devcontainer/devcontainer.json"),
        config(r#", "initializeCommand": "touch made-by-initialize""#),
    )
    .unwrap();

    let refused = home.run(&["start", "--json", name]).expect(4);
    let hash = refused.json()["error"]["trust"]["hash"]
        .as_str()
        .unwrap()
        .to_owned();
    let told = refused.stderr();
    assert!(
        told.contains(&format!("fix: devctl start --trust {hash} {name}")),
        "{told}"
    );
    assert!(!made_of.join("made-by-initialize").exists());
    home.run(&["start", "--trust", &hash, name]).expect(0);
    assert!(made_of.join("made-by-initialize").exists());

    std::fs::write(
        made_of.join(".devcontainer/devcontainer.json"),
        config(r#", "initializeCommand": "touch made-again""#),
    )
    .unwrap();
    let yes = home
        .at_terminal(&["restart", "--timeout", "0", name], "y\n")
        .expect(0);
    assert!(
        yes.stdout().contains("Allow this right? [y/N]"),
        "{}",
        yes.stdout()
    );
    assert!(made_of.join("made-again").exists());
}

#[test]
fn a_card_is_not_asked_for_where_there_is_none() {
    let Some(mut home) = Sandbox::with_engine() else {
        return;
    };
    let runtimes = home
        .command("docker")
        .args(["info", "--format", "{{json .Runtimes}}"])
        .output()
        .unwrap();
    if String::from_utf8_lossy(&runtimes.stdout).contains("nvidia") {
        eprintln!("SKIPPED: this engine has a graphics card");
        return;
    }
    let folder = home.folder(&config(r#", "hostRequirements": { "gpu": "optional" }"#));
    let folder = folder.to_str().unwrap();
    up(&home, folder);
    let rebuilt = home.run(&["rebuild", "--yes", "--json", folder]).expect(0);
    assert_eq!(rebuilt.json()["outcome"], "created");
}

#[test]
fn rights_are_allowed_at_the_terminal() {
    let Some(mut home) = Sandbox::with_engine() else {
        return;
    };
    let folder = home.folder(&config(r#", "initializeCommand": "touch made-by-initialize""#));
    let folder = folder.to_str().unwrap();
    let yes = home.at_terminal(&["up", folder], "y\n").expect(0);
    assert!(
        yes.stdout().contains("Allow this right? [y/N]"),
        "{}",
        yes.stdout()
    );
    assert!(yes.stdout().contains("is ready"), "{}", yes.stdout());
    assert!(
        yes.stdout().contains("devctl ssh install"),
        "what makes plain ssh work is said: {}",
        yes.stdout()
    );
    assert!(std::path::Path::new(folder).join("made-by-initialize").exists());
}
