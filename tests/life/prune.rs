//! What is left over.

use devctl_tests::sandbox::{Sandbox, config};
use serde_json::json;

#[test]
fn what_is_left_over_is_said_first_and_nothing_else_goes() {
    let Some(home) = Sandbox::new() else { return };
    let none = home.run(&["prune"]).expect(0).stdout();
    assert_eq!(none, "Nothing is left over\n");

    let gone = home.up(&home.folder("gone", &config("")));
    let image = home.image(
        "short",
        "RUN printf '#!/bin/sh\\nwhile [ ! -e /die ]; do read -t 1 x; done < /dev/zero\\nexit 3\\n' > /short\n\
         CMD [\"/bin/bash\", \"/short\"]",
    );
    let short = format!(r#"{{ "image": "{image}", "overrideCommand": false }}"#);
    let dead = home.up(&home.folder("dead", &short));
    let kept = home.up(&home.folder("kept", &config("")));
    let _removed = home.docker(&["rm", "--force", gone.container()]);
    let _last = home.try_ssh(dead.host(), "touch /die");
    let _code = home.docker(&["wait", dead.container()]);

    let asked = home.run(&["prune", "--json"]).expect(4);
    assert!(
        asked.stderr().contains(&format!("{} from the list", gone.name()))
            && !asked.stderr().contains(dead.name()),
        "{}",
        asked.stderr()
    );
    assert!(
        asked.stderr().contains("devctl prune --yes"),
        "{}",
        asked.stderr()
    );
    let network = format!("devctl-{}", gone.name());
    let pruned = home.run(&["prune", "--json", "--yes"]).expect(0).json();
    assert_eq!(
        pruned,
        json!({ "gone": [gone.name()], "failed": [], "networks": [network] })
    );
    let _dead = home.run(&["show", dead.name()]).expect(0);
    let _gone = home.run(&["show", gone.name()]).expect(3);

    let pruned = home
        .run(&["prune", "--json", "--yes", "--failed"])
        .expect(0)
        .json();
    assert_eq!(pruned["failed"], json!([dead.name()]));
    let _dead = home.run(&["show", dead.name()]).expect(3);
    assert_eq!(home.ssh(kept.host(), "echo in"), "in");
    let _removed = home.run(&["remove", "--yes", kept.name()]).expect(0);
    assert!(home.traces().is_empty(), "{:?}", home.traces());
    let events = home.run(&["events", "--json"]).expect(0).json();
    let mut events = events["events"].as_array().unwrap().iter();
    assert!(events.any(|event| event["operation"] == "prune_containers" && event["outcome"] == "done"));
}
