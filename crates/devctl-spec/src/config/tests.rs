use std::path::Path;

use serde_json::json;

use super::*;

fn normalised(value: Value) -> (Value, Origins) {
    let parsed = crate::parse::parse(value.to_string().as_bytes(), Path::new("x")).unwrap();
    let (Value::Object(mut fields), mut origins) = (parsed.value, parsed.origins) else {
        panic!("an object")
    };
    normalise_legacy(&mut fields, &mut origins);
    (Value::Object(fields), origins)
}

#[test]
fn legacy_names_move_to_their_successors() {
    let (value, origins) = normalised(json!({
        "settings": {"a": 1, "b": 1}, "extensions": ["x"], "devPort": 1,
        "customizations": {"vscode": {"settings": {"a": 2}, "extensions": ["y"]}}
    }));
    let vscode = json!({"settings": {"a": 2, "b": 1}, "extensions": ["y", "x"], "devPort": 1});
    assert_eq!(value, json!({"customizations": {"vscode": vscode}}));
    assert!(
        origins.origin("/customizations/vscode/devPort").unwrap().column > 1,
        "the place of the old name is kept"
    );
    let untouched = json!({"settings": {}, "customizations": {"vscode": 3}});
    assert_eq!(normalised(untouched.clone()).0, untouched, "nothing is lost");
}

#[test]
fn every_property_is_typed() {
    let value = json!({
        "name": "n", "image": "i", "build": {"dockerfile": "D", "context": "c", "args": {"A": 1, "B": true}, "target": "t",
            "cacheFrom": ["a"], "options": ["-x"]},
        "appPort": 1, "runArgs": ["-i"], "workspaceFolder": "/w", "workspaceMount": "", "dockerComposeFile": "c",
        "service": "s", "runServices": ["r"], "features": {"f": "1"}, "overrideFeatureInstallOrder": ["f"],
        "initializeCommand": "i", "secrets": {"S": {"description": "d", "documentationUrl": "u"}},
        "updateRemoteUserUID": false, "userEnvProbe": "loginShell", "shutdownAction": "stopCompose",
        "otherPortsAttributes": {}, "remoteEnv": {"A": null, "B": 2}, "unknown": 1
    });
    let config = DevContainer::from_value(&value, &Origins::default()).unwrap();
    let build = config.build.as_ref().unwrap();
    assert_eq!(build.args.as_ref().unwrap()["B"], "true");
    assert_eq!(build.cache_from, Some(OneOrMany(vec!["a".into()])));
    assert_eq!(config.app_port, [AppPort::Port(1)]);
    assert_eq!(config.docker_compose_file, Some(OneOrMany(vec!["c".into()])));
    assert_eq!(
        config.secrets.as_ref().unwrap()["S"].documentation_url.as_deref(),
        Some("u")
    );
    assert_eq!(config.properties.update_remote_user_uid, Some(false));
    assert_eq!(config.properties.user_env_probe, Some(UserEnvProbe::LoginShell));
    assert_eq!(
        config.properties.shutdown_action,
        Some(ShutdownAction::StopCompose)
    );
    assert_eq!(
        config.properties.remote_env.as_ref().unwrap()["B"].as_deref(),
        Some("2")
    );
    assert!(config.is_build());
}

#[test]
fn the_old_dockerfile_property_is_a_build() {
    let value = json!({"dockerFile": "D", "context": "..", "build": {"args": {"A": "b"}}});
    let build = DevContainer::from_value(&value, &Origins::default())
        .unwrap()
        .build
        .unwrap();
    assert_eq!(
        (build.dockerfile.as_deref(), build.context.as_deref()),
        (Some("D"), Some(".."))
    );
    assert_eq!(build.args.unwrap()["A"], "b");
}
