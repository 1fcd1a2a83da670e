//! What differs from the configuration, what applying it costs, and the step that does no more than that.

use devctl_tests::sandbox::{Sandbox, config};
use serde_json::Value;

fn costs(drift: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let fields = drift["fields"].as_array().unwrap().iter();
    fields
        .map(|field| (text(&field["field"]), text(&field["cost"])))
        .collect()
}

#[test]
fn the_cheapest_step_applies_a_change_and_keeps_what_can_be_kept() {
    let Some(home) = Sandbox::new() else { return };
    let volume = home.unique("data");
    let mounts = format!(r#", "mounts": ["type=volume,source={volume},target=/data"]"#);
    let first = config(&format!(
        r#"{mounts}, "containerEnv": {{ "LEVEL": "one", "API_TOKEN": "very-secret" }}"#
    ));
    let folder = home.folder("drift", &first);
    let up = home.up(&folder);
    let drift = || home.run(&["drift", "--json", up.name()]).expect(0).json();
    assert_eq!((&drift()["cost"], costs(&drift()).len()), (&Value::Null, 0));
    let told = home.run(&["drift", up.name()]).expect(0).stdout();
    assert!(told.contains("is as its configuration says"), "{told}");
    let _kept = home.ssh(
        up.host(),
        "echo kept > /data/file; echo lost > /root/own; echo kept > ./made",
    );

    // What is only for tools costs nothing.
    home.configure(&folder, &first.replacen('{', r#"{ "name": "Other","#, 1));
    assert_eq!(costs(&drift()), [("name".to_owned(), "nothing".to_owned())]);
    let again = home
        .run(&["up", "--json", "--apply", folder.to_str().unwrap()])
        .expect(0)
        .json();
    assert_eq!(
        (&again["drift"], &again["container"]),
        (&"nothing".into(), &up.container().into())
    );

    // A command of each start costs a start.
    home.configure(
        &folder,
        &first.replacen('{', r#"{ "postStartCommand": "touch /root/ran","#, 1),
    );
    assert_eq!(drift()["cost"], "restart");

    let second = first.replace("one", "two").replace("very-secret", "also-secret");
    home.configure(&folder, &second);
    let now = drift();
    assert_eq!(now["cost"], "recreate");
    assert_eq!(now["command"], format!("devctl recreate {}", up.name()));
    let level = now["fields"].as_array().unwrap().iter();
    let level = level
        .clone()
        .find(|field| field["field"] == "containerEnv.LEVEL")
        .unwrap();
    assert_eq!(
        (&level["old"], &level["new"]),
        (&"\"one\"".into(), &"\"two\"".into())
    );
    assert!(!now.to_string().contains("-secret"), "{now}");
    let table = home.run(&["drift", up.name()]).expect(0).stdout();
    assert!(
        table.contains("containerEnv.LEVEL") && table.contains("devctl recreate"),
        "{table}"
    );
    let told = home.run(&["up", folder.to_str().unwrap()]).expect(0).stderr();
    assert!(
        told.contains("devctl recreate") && told.contains("devctl drift"),
        "{told}"
    );

    // Nothing is lost without being asked.
    let asked = home
        .run(&["up", "--json", "--apply", folder.to_str().unwrap()])
        .expect(4);
    assert_eq!(asked.json()["error"]["code"], "consent.required");
    assert!(asked.stderr().contains("/root/own"), "{}", asked.stderr());
    let asked = home.run(&["recreate", "--json", up.name()]).expect(4);
    assert!(
        asked
            .stderr()
            .contains(&format!("devctl recreate --yes {}", up.name())),
        "{}",
        asked.stderr()
    );
    assert_eq!(home.ssh(up.host(), "cat /root/own; echo $LEVEL"), "lost\none");

    let image = home.docker(&["inspect", "--format", "{{.Image}}", up.container()]);
    let made = home
        .run(&["up", "--json", "--apply", "--yes", folder.to_str().unwrap()])
        .expect(0)
        .json();
    assert_ne!(made["container"], up.container());
    let id = made["container"].as_str().unwrap();
    assert_eq!(home.docker(&["inspect", "--format", "{{.Image}}", id]), image);
    let kept = "cat /data/file ./made; echo $LEVEL; test ! -e /root/own && echo gone";
    assert_eq!(home.ssh(up.host(), kept), "kept\nkept\ntwo\ngone");
    assert_eq!(drift()["cost"], Value::Null);

    let events = home
        .run(&["events", "--json", "--container", up.name()])
        .expect(0)
        .json();
    let recreated = events["events"].as_array().unwrap().iter();
    assert_eq!(
        recreated
            .filter(|event| event["operation"] == "recreate_container" && event["outcome"] == "done")
            .count(),
        1
    );
    let _removed = home.run(&["remove", "--yes", "--volumes", up.name()]).expect(0);
}

#[test]
fn another_dockerfile_or_image_costs_a_rebuild_and_recreate_builds_nothing() {
    let Some(home) = Sandbox::new() else { return };
    let folder = home.folder("built", r#"{ "build": { "dockerfile": "Dockerfile" } }"#);
    let dockerfile = folder.join(".devcontainer/Dockerfile");
    let base = devctl_tests::sandbox::IMAGE;
    std::fs::write(&dockerfile, format!("FROM {base}\nRUN echo 1 > /version\n")).unwrap();
    let up = home.up(&folder);
    std::fs::write(&dockerfile, format!("FROM {base}\nRUN echo 2 > /version\n")).unwrap();
    let drift = home.run(&["drift", "--json", up.name()]).expect(0).json();
    assert_eq!(costs(&drift), [("Dockerfile".to_owned(), "rebuild".to_owned())]);
    let _made = home.run(&["recreate", "--yes", up.name()]).expect(0);
    assert_eq!(home.ssh(up.host(), "cat /version"), "1");
    let made = home
        .run(&["rebuild", "--json", "--yes", up.name()])
        .expect(0)
        .json();
    assert_eq!(home.ssh(up.host(), "cat /version"), "2");
    assert!(made.get("drift").is_none(), "{made}");
}
