//! Why a container does not run, and containers that somebody else removed.

use devctl_tests::sandbox::{Sandbox, config};
use serde_json::Value;

fn listed(home: &Sandbox, name: &str) -> Option<Value> {
    let list = home.run(&["list", "--json"]).expect(0).json();
    list.as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == name)
        .cloned()
}

#[test]
fn a_container_that_died_says_why_and_its_last_words() {
    let Some(home) = Sandbox::new() else { return };
    let image = home.image(
        "dies",
        "RUN printf '#!/bin/sh\\nwhile [ ! -e /die ]; do read -t 1 x; done < /dev/zero\\necho the disk is on fire\\nexit 3\\n' \\\n\
         > /dies && chmod +x /dies\nCMD [\"/bin/bash\", \"/dies\"]",
    );
    let up = home.up(&home.folder(
        "dies",
        &format!(r#"{{ "image": "{image}", "overrideCommand": false }}"#),
    ));
    let _last = home.try_ssh(up.host(), "touch /die");
    assert_eq!(home.docker(&["wait", up.container()]), "3");
    let one = listed(&home, up.name()).unwrap();
    assert_eq!(one["state"], "failed");
    assert_eq!(
        (&one["ended"]["exitCode"], &one["ended"]["signal"]),
        (&3.into(), &Value::Null)
    );
    assert_eq!(one["ended"]["lastLines"][0], "the disk is on fire");
    let ran = home.run(&["list"]).expect(0);
    let row = ran.stdout();
    let row = row.lines().find(|line| line.starts_with(up.name())).unwrap();
    assert!(row.contains("failed (3)"), "{row}");
    assert!(
        ran.stderr().contains("exit code 3: the disk is on fire"),
        "{}",
        ran.stderr()
    );
    let shown = home.run(&["show", up.name()]).expect(0).stdout();
    assert!(
        shown.contains("exit code 3") && shown.contains("the disk is on fire"),
        "{shown}"
    );
    let _removed = home.run(&["remove", "--yes", up.name()]).expect(0);
}

#[test]
fn want_of_memory_is_told_from_a_kill() {
    let Some(home) = Sandbox::new() else { return };
    let image = home.image(
        "hungry",
        "RUN printf '#!/bin/sh\\nwhile [ ! -e /die ]; do read -t 1 x; done < /dev/zero\\nexec tail /dev/zero\\n' > /eats\n\
         CMD [\"/bin/bash\", \"/eats\"]",
    );
    let up = home.up(&home.folder(
        "hungry",
        &format!(
            r#"{{ "image": "{image}", "overrideCommand": false, "runArgs": ["--memory=64m", "--memory-swap=64m"] }}"#
        ),
    ));
    let _last = home.try_ssh(up.host(), "touch /die");
    assert_eq!(home.docker(&["wait", up.container()]), "137");
    let one = listed(&home, up.name()).unwrap();
    assert_eq!(
        (&one["state"], &one["ended"]["outOfMemory"]),
        (&"failed".into(), &true.into())
    );
    let shown = home.run(&["show", up.name()]).expect(0).stdout();
    assert!(shown.contains("ran out of memory (limit 64 MiB)"), "{shown}");
    let _removed = home.run(&["remove", "--yes", up.name()]).expect(0);
}

#[test]
fn what_was_removed_behind_our_back_is_gone_until_it_is_made_again_or_forgotten() {
    let Some(home) = Sandbox::new() else { return };
    let folder = home.folder_at(format!("in/{}", home.unique("gone")), &config(""));
    let up = home.up(&folder);
    let _gone = home.docker(&["rm", "--force", up.container()]);
    let one = listed(&home, up.name()).unwrap();
    assert_eq!(
        (&one["state"], &one["workspace"]),
        (&"gone".into(), &folder.to_str().unwrap().into())
    );
    let fixes = home.run(&["stop", up.name()]).expect(3).stderr();
    for fix in ["recreate", "forget"] {
        assert!(fixes.contains(&format!("devctl {fix} {}", up.name())), "{fixes}");
    }
    let shown = home.run(&["show", up.name()]).expect(0).stdout();
    assert!(
        shown.contains("gone") && shown.contains("devctl recreate"),
        "{shown}"
    );

    let made = home
        .run(&["recreate", "--json", "--yes", up.name()])
        .expect(0)
        .json();
    assert_eq!(
        (&made["name"], &made["outcome"]),
        (&up.name().into(), &"created".into())
    );
    assert_eq!(home.ssh(up.host(), "echo in"), "in");
    assert_eq!(listed(&home, up.name()).unwrap()["state"], "running");
    let refused = home.run(&["forget", "--json", up.name()]).expect(2).json();
    assert_eq!(refused["error"]["code"], "request.invalid");

    let _gone = home.docker(&["rm", "--force", made["container"].as_str().unwrap()]);
    let forgotten = home.run(&["forget", "--json", up.name()]).expect(0).json();
    assert_eq!(forgotten["stillThere"], false);
    assert_eq!(listed(&home, up.name()), None);
    let none = home.run(&["forget", "--json", up.name()]).expect(3).json();
    assert_eq!(none["error"]["code"], "container.not_found");
    assert!(home.traces().is_empty(), "{:?}", home.traces());
}
