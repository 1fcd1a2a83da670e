use serde_json::{Value, json};

use super::*;
use crate::testing::Bed;

fn kinds(config: &Value, label: &str) -> Vec<(TrustKind, String, String)> {
    Bed::new(config)
        .wants(label)
        .into_iter()
        .map(|item| (item.kind, item.key, item.value))
        .collect()
}

fn one(config: Value) -> (TrustKind, String, String) {
    let mut all = kinds(&config, "");
    assert_eq!(all.len(), 1, "{config}: {all:?}");
    all.remove(0)
}

#[test]
fn what_asks_for_nothing_is_not_asked_about() {
    for config in [
        json!({"image": "x"}),
        json!({"image": "x", "mounts": ["source=vol,target=/v", "type=tmpfs,target=/t"], "remoteUser": "u",
            "postCreateCommand": "make", "runArgs": ["--init", "--memory=1g", "--security-opt", "no-new-privileges"]}),
        json!({"image": "x", "mounts": ["type=bind,source=${localWorkspaceFolder}/sub/new,target=/s"]}),
        json!({"image": "x", "workspaceFolder": "/w",
            "workspaceMount": "type=bind,source=${localWorkspaceFolder},target=/w"}),
        json!({"build": {"dockerfile": "Dockerfile", "context": "..", "args": {"A": "b"}}}),
        json!({"image": "x", "customizations": {"vscode": {"settings": {"a": "${localEnv:TOKEN}"}}}}),
    ] {
        assert_eq!(kinds(&config, ""), [], "{config}");
    }
}

#[test]
fn every_line_of_the_sheet() {
    use TrustKind::*;
    for (property, value, kind, key) in [
        (
            "initializeCommand",
            json!("make"),
            HostCommand,
            "initializeCommand",
        ),
        ("privileged", json!(true), Privileged, "privileged"),
        ("capAdd", json!(["NET_ADMIN"]), Capability, "capAdd"),
        (
            "securityOpt",
            json!(["seccomp=unconfined"]),
            SecurityOption,
            "securityOpt",
        ),
        (
            "mounts",
            json!(["type=bind,source=/etc,target=/e"]),
            HostMount,
            "mounts",
        ),
        (
            "mounts",
            json!([{"type": "bind", "source": "/", "target": "/e"}]),
            HostMount,
            "mounts",
        ),
        (
            "mounts",
            json!(["type=volume,target=/e,volume-opt=device=/,volume-opt=o=bind"]),
            HostMount,
            "mounts",
        ),
        (
            "mounts",
            json!([
                "type=volume,target=/e,volume-opt=type=overlay,volume-opt=o=lowerdir=/etc:/root,\
                volume-opt=device=${localWorkspaceFolder}"
            ]),
            HostMount,
            "mounts",
        ),
        (
            "mounts",
            json!(["type=volume,source=v,target=/e,volume-driver=sshfs"]),
            HostMount,
            "mounts",
        ),
        (
            "workspaceMount",
            json!("type=bind,source=/home,target=/w"),
            HostMount,
            "workspaceMount",
        ),
        ("appPort", json!([3000]), PublishedPort, "appPort"),
        (
            "containerEnv",
            json!({"T": "${localEnv:TOKEN}"}),
            HostVariable,
            "containerEnv.T",
        ),
        (
            "remoteEnv",
            json!({"T": "${env:TOKEN}"}),
            HostVariable,
            "remoteEnv.T",
        ),
        (
            "image",
            json!("registry.example/x:${localEnv:TOKEN}"),
            HostVariable,
            "image",
        ),
        (
            "postCreateCommand",
            json!(["echo", "${localEnv:TOKEN}"]),
            HostVariable,
            "postCreateCommand",
        ),
        (
            "hostRequirements",
            json!({"gpu": "optional"}),
            Device,
            "hostRequirements.gpu",
        ),
        ("runArgs", json!(["--privileged"]), Privileged, "--privileged"),
        ("runArgs", json!(["--cap-add=ALL"]), Capability, "--cap-add"),
        (
            "runArgs",
            json!(["--security-opt", "apparmor=unconfined"]),
            SecurityOption,
            "--security-opt",
        ),
        (
            "runArgs",
            json!(["-v", "/var/run/docker.sock:/x"]),
            HostMount,
            "--volume",
        ),
        ("runArgs", json!(["-v", "../other:/x"]), HostMount, "--volume"),
        (
            "runArgs",
            json!(["--mount", "type=bind,src=/etc,dst=/x"]),
            HostMount,
            "--mount",
        ),
        (
            "runArgs",
            json!(["--volumes-from", "db"]),
            HostMount,
            "--volumes-from",
        ),
        (
            "runArgs",
            json!(["--network", "host"]),
            HostNamespace,
            "--network",
        ),
        ("runArgs", json!(["--net=container:db"]), HostNamespace, "--net"),
        (
            "runArgs",
            json!(["--network", "name=shared,alias=x"]),
            WeakIsolation,
            "--network",
        ),
        ("runArgs", json!(["--pid=host"]), HostNamespace, "--pid"),
        ("runArgs", json!(["--ipc", "host"]), HostNamespace, "--ipc"),
        ("runArgs", json!(["--uts=host"]), HostNamespace, "--uts"),
        ("runArgs", json!(["--userns=host"]), HostNamespace, "--userns"),
        ("runArgs", json!(["--cgroupns=host"]), HostNamespace, "--cgroupns"),
        ("runArgs", json!(["--device", "/dev/kvm"]), Device, "--device"),
        ("runArgs", json!(["--gpus=all"]), Device, "--gpus"),
        (
            "runArgs",
            json!(["--device-cgroup-rule", "c 1:* rwm"]),
            Device,
            "--device-cgroup-rule",
        ),
        (
            "runArgs",
            json!(["--pids-limit=-1"]),
            WeakIsolation,
            "--pids-limit",
        ),
        ("runArgs", json!(["--sysctl", "a=b"]), WeakIsolation, "--sysctl"),
        ("runArgs", json!(["--restart=always"]), WeakIsolation, "--restart"),
        ("runArgs", json!(["--runtime=other"]), WeakIsolation, "--runtime"),
        (
            "runArgs",
            json!(["-p", "0.0.0.0:80:80"]),
            PublishedPort,
            "--publish",
        ),
        ("runArgs", json!(["-P"]), PublishedPort, "--publish-all"),
        ("runArgs", json!(["-e", "TOKEN"]), HostVariable, "--env"),
        (
            "runArgs",
            json!(["--hostname", "${localEnv:USER}"]),
            HostVariable,
            "runArgs",
        ),
        (
            "build",
            json!({"dockerfile": "D", "context": "../.."}),
            BuildAccess,
            "build.context",
        ),
        (
            "build",
            json!({"dockerfile": "D", "args": {"T": "${localEnv:TOKEN}"}}),
            HostVariable,
            "build.args.T",
        ),
        (
            "build",
            json!({"dockerfile": "D", "options": ["--ssh", "default"]}),
            BuildAccess,
            "--ssh",
        ),
        (
            "build",
            json!({"dockerfile": "D", "options": ["--secret=id=a,env=TOKEN"]}),
            BuildAccess,
            "--secret",
        ),
        (
            "build",
            json!({"dockerfile": "D", "options": ["--build-arg", "TOKEN"]}),
            HostVariable,
            "--build-arg",
        ),
        (
            "build",
            json!({"dockerfile": "D", "options": ["--network=host"]}),
            BuildAccess,
            "--network",
        ),
    ] {
        let mut config = json!({"image": "x"});
        config[property] = value.clone();
        let (found, found_key, _) = one(config);
        assert_eq!((found, found_key.as_str()), (kind, key), "{property}: {value}");
    }
}

#[test]
fn a_path_of_a_mount_is_shown_with_its_variables_filled_in() {
    let config =
        json!({"image": "x", "mounts": ["type=bind,source=/home/${localEnv:USER},target=/h,readonly"]});
    let (kind, _, value) = one(config);
    assert_eq!(
        (kind, value.as_str()),
        (TrustKind::HostMount, "/home/ada on /h (read-only)")
    );
    let config = json!({"image": "x", "runArgs": ["-v", "/home/${localEnv:USER}:/h"]});
    assert_eq!(one(config).2, "/home/ada on /h");
}

#[test]
fn the_value_of_a_variable_is_never_shown() {
    let config = json!({"image": "x", "initializeCommand": "echo ${localEnv:TOKEN}",
        "containerEnv": {"A": "${localEnv:TOKEN}"}, "runArgs": ["-e", "TOKEN", "--label", "a=${localEnv:TOKEN}"]});
    let items = Bed::new(&config).wants("");
    assert_eq!(items.len(), 4);
    assert!(!format!("{items:?}").contains("the-secret"), "{items:?}");
}

#[test]
fn a_link_out_of_the_workspace_does_not_hide_where_it_leads() {
    let bed = Bed::new(&json!({"image": "x", "mounts": [
        "type=bind,source=${localWorkspaceFolder}/link/x,target=/a",
        "type=bind,source=${localWorkspaceFolder}/../proj/inner,target=/b",
        "type=bind,source=${localWorkspaceFolder}/new/../../x,target=/c",
        "type=bind,source=${localWorkspaceFolder}/link,target=/d"
    ]}));
    std::fs::create_dir(bed.folder().join("inner")).unwrap();
    std::os::unix::fs::symlink("/etc", bed.folder().join("link")).unwrap();
    let targets: Vec<String> = bed.wants("").into_iter().map(|item| item.value).collect();
    assert_eq!(targets.len(), 3, "{targets:?}");
    assert!(targets[2].ends_with("/link (leads to /etc) on /d"), "{targets:?}");
    assert!(
        targets[0].ends_with("/link/x (leads to /etc/x) on /a") && targets[1].ends_with(" on /c"),
        "{targets:?}"
    );
}

#[test]
fn the_second_step_adds_what_the_image_wants() {
    let bed = Bed::with_text("{\n  \"image\": \"x\",\n  \"capAdd\": [\n    \"A\"\n  ]\n}");
    let first = bed.wants("");
    let label = r#"[{}, {"id": "f", "privileged": true, "capAdd": ["B", "A"], "mounts": ["type=bind,source=/,target=/h"],
        "remoteEnv": {"T": "${localEnv:TOKEN}"}}]"#;
    let second = bed.wants(label);
    assert_eq!(first.len(), 1);
    assert!(
        first[0].origin.ends_with("devcontainer.json:4"),
        "{}",
        first[0].origin
    );
    let of_image: Vec<_> = second
        .iter()
        .filter(|item| item.origin == "image metadata, entry 2 (f)")
        .collect();
    assert_eq!(of_image.len(), 5);
    assert_ne!(trust_hash(&first), trust_hash(&second));
}

#[test]
fn the_hash_is_of_what_is_asked_for() {
    let hash = |text: &str| trust_hash(&Bed::with_text(text).wants(""));
    let one = hash(r#"{"image": "x", "capAdd": ["A", "B"]}"#);
    assert_eq!(one.len(), 64);
    assert_eq!(
        one,
        hash("{\"image\": \"x\",\n\n \"capAdd\": [\"B\", \"A\", \"A\"]}"),
        "order and lines do not count"
    );
    assert_ne!(one, hash(r#"{"image": "x", "capAdd": ["A"]}"#));
    assert_ne!(trust_hash(&[]), one);
}
