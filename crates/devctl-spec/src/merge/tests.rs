use serde_json::json;

use super::*;
use crate::testing::Bed;

fn merged(config: &Value, label: &Value) -> MergedConfig {
    Bed::new(config).merged(&label.to_string()).unwrap().2
}

#[test]
fn each_value_knows_who_said_it() {
    let bed = Bed::with_text("{\n\"image\": \"x\",\n\"capAdd\": [\"A\",\n\"B\"],\n\"remoteUser\": \"own\"}");
    let label =
        r#"[{"capAdd": ["B"], "remoteUser": "image", "containerUser": "c"}, {"id": "f", "init": true}]"#;
    let (read, _, merged) = bed.merged(label).unwrap();
    let sources: Vec<String> = merged
        .cap_add
        .iter()
        .map(|item| item.source.to_string())
        .collect();
    let file = read.config_path.display().to_string();
    assert_eq!(
        sources,
        ["image metadata, entry 1".to_owned(), format!("{file}:3")]
    );
    assert_eq!(merged.init.unwrap().to_string(), "image metadata, entry 2 (f)");
    let user = merged.remote_user.unwrap();
    assert_eq!(
        (user.value.as_str(), user.source),
        ("own", Source::Config(format!("{file}:5")))
    );
    assert!(merged.container_user.unwrap().source.is_image());
}

#[test]
fn of_one_target_the_last_mount_stays_in_its_place() {
    let merged = merged(
        &json!({"image": "x", "mounts": ["source=3,target=/a", {"source": "4", "target": "/c", "type": "volume"}]}),
        &json!([{"mounts": ["source=1,dst=/a", "source=2,destination=/b"]}]),
    );
    let sources: Vec<_> = merged
        .mounts
        .iter()
        .map(|mount| mount.value.mount.source.clone().unwrap())
        .collect();
    assert_eq!(sources, ["2", "3", "4"]);
}

#[test]
fn the_table_of_the_contract() {
    let merged = merged(
        &json!({"image": "x", "waitFor": "postStartCommand", "overrideCommand": false, "remoteEnv": {"A": null, "B": "2"},
            "portsAttributes": {"1": {"label": "own"}}, "forwardPorts": ["localhost:1", "db:2", 3],
            "hostRequirements": {"cpus": 2, "memory": "1gb", "gpu": {"memory": "8gb"}},
            "customizations": {"t": 2}, "privileged": false, "userEnvProbe": "none", "postCreateCommand": "own"}),
        &json!([{"waitFor": "onCreateCommand", "overrideCommand": true, "remoteEnv": {"A": "1"}, "privileged": true,
            "portsAttributes": {"1": {"label": "image", "protocol": "https"}, "2": {}}, "forwardPorts": [1, 4],
            "hostRequirements": {"cpus": 1, "memory": "2gb", "gpu": {"cores": 4}}, "customizations": {"t": 1, "u": 0},
            "otherPortsAttributes": {"label": "o"}, "shutdownAction": "none", "postCreateCommand": ["image"]}]),
    );
    assert_eq!(
        merged.wait_for.as_ref().unwrap().value,
        HookKind::PostStartCommand
    );
    assert!(!merged.override_command.as_ref().unwrap().value);
    assert!(merged.privileged.is_some(), "true if anybody says so");
    assert_eq!(merged.remote_env["A"].value, None);
    assert_eq!(
        merged.ports_attributes["1"],
        json!({"label": "own"}),
        "the whole entry is replaced"
    );
    assert_eq!(
        merged.forward_ports,
        [
            ForwardPort::Port(1),
            ForwardPort::Port(4),
            ForwardPort::HostPort("db:2".into()),
            ForwardPort::Port(3)
        ]
    );
    assert_eq!(
        merged.host_requirements.to_value(),
        Some(json!({"cpus": 2, "memory": "2147483648", "gpu": {"cores": 4, "memory": "8589934592"}}))
    );
    assert_eq!(merged.customizations["t"], [json!(1), json!(2)]);
    assert_eq!(merged.user_env_probe.as_ref().unwrap().value, UserEnvProbe::None);
    assert_eq!(
        merged.shutdown_action.as_ref().unwrap().value,
        ShutdownAction::None
    );
    let hooks = merged.ordered_hooks();
    assert_eq!(
        hooks.iter().map(|hook| hook.command.clone()).collect::<Vec<_>>(),
        [
            HookCommand::Exec(vec!["image".into()]),
            HookCommand::Shell("own".into())
        ]
    );
}

#[test]
fn on_a_container_that_exists_only_three_properties_still_count() {
    let bed = Bed::new(
        &json!({"image": "x", "remoteUser": "new", "remoteEnv": {"A": "new"}, "userEnvProbe": "none",
        "containerEnv": {"A": "new"}, "postCreateCommand": "new", "privileged": true}),
    );
    let (read, entries, _) = bed
        .merged(r#"[{"remoteUser": "old", "containerEnv": {"A": "old"}}]"#)
        .unwrap();
    let merged = merge_for_existing(&entries, &read).unwrap();
    assert_eq!(merged.remote_user.unwrap().value, "new");
    assert_eq!(merged.remote_env["A"].value.as_deref(), Some("new"));
    assert_eq!(merged.container_env["A"].value, "old");
    assert!(merged.privileged.is_none() && merged.hooks.is_empty());
}
