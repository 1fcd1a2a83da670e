use serde_json::json;

use super::*;
use crate::hooks::HookCommand;
use crate::testing::Bed;

fn code(bed: &Bed) -> &'static str {
    bed.plan("").unwrap_err().code()
}

#[test]
fn a_bare_image_has_the_defaults_of_the_contract() {
    let bed = Bed::new(&json!({"image": "debian"}));
    let plan = bed.plan("").unwrap();
    assert_eq!(plan.source, ImageSource::Image("debian".into()));
    assert_eq!(plan.workspace_folder, "/workspaces/proj");
    let mount = plan.workspace_mount.unwrap();
    assert_eq!(
        (mount.kind, mount.source),
        (MountKind::Bind, Some(bed.folder().display().to_string()))
    );
    assert!(plan.override_command && plan.update_remote_user_uid);
    assert_eq!(plan.user_env_probe, UserEnvProbe::LoginInteractiveShell);
    assert_eq!(plan.wait_for, HookKind::UpdateContentCommand);
    assert_eq!(plan.run, RunOptions::default());
    assert!(plan.notices.is_empty() && plan.hooks.is_empty() && plan.initialize.is_none());
}

#[test]
fn what_comes_later_is_refused_or_named() {
    for (config, expected) in [
        (
            json!({"image": "x", "features": {"a": {}}}),
            "unsupported.features",
        ),
        (
            json!({"dockerComposeFile": "c.yml", "service": "s"}),
            "unsupported.compose",
        ),
        (json!({"image": "x", "runArgs": ["--rm"]}), "unsupported.run_arg"),
        (
            json!({"build": {"dockerfile": "D", "options": ["--push"]}}),
            "unsupported.build_option",
        ),
        (json!({"build": {"context": "."}}), "config.invalid"),
        (json!({"image": " "}), "config.invalid"),
        (json!({}), "config.invalid"),
        (
            json!({"image": "x", "workspaceFolder": "relative"}),
            "config.invalid",
        ),
        (
            json!({"image": "x", "workspaceMount": "nonsense"}),
            "config.invalid",
        ),
        (
            json!({"image": "x", "mounts": ["type=bind,source=a,target=/b"]}),
            "config.invalid",
        ),
        (json!({"image": "x", "securityOpt": ["what"]}), "config.invalid"),
        (
            json!({"image": "x", "runArgs": ["--entrypoint", "/x"]}),
            "unsupported.run_arg",
        ),
        (
            json!({"image": "x", "runArgs": ["-v", "~/x:/x"]}),
            "unsupported.run_arg",
        ),
        (
            json!({"image": "x", "runArgs": ["--ip", "10.0.0.1"]}),
            "unsupported.run_arg",
        ),
    ] {
        assert_eq!(code(&Bed::new(&config)), expected, "{config}");
    }
    let bed = Bed::new(
        &json!({"image": "x", "features": {}, "forwardPorts": [1], "shutdownAction": "none",
        "secrets": {"A": {}}, "overideCommand": false, "customizations": {"vscode": {}}}),
    );
    let properties: Vec<String> = bed
        .plan("")
        .unwrap()
        .notices
        .into_iter()
        .map(|notice| notice.property)
        .collect();
    assert_eq!(properties, ["forwardPorts", "shutdownAction", "overideCommand"]);
}

#[test]
fn a_refused_flag_is_named_with_its_line() {
    let bed =
        Bed::with_text("{\n  \"image\": \"x\",\n  \"runArgs\": [\n    \"--init\",\n    \"--rm\"\n  ]\n}");
    let error = bed.plan("").unwrap_err();
    let place = bed.folder().join(".devcontainer/devcontainer.json");
    assert!(
        error
            .to_string()
            .starts_with(&format!("{}:5:5: the run argument --rm", place.display())),
        "{error}"
    );
    assert!(error.fix().is_some_and(|fix| fix.contains("devctl remove")));
}

#[test]
fn environments_are_laid_over_one_another_as_docker_does() {
    let bed = Bed::new(&json!({
        "image": "x",
        "containerEnv": {"A": "config", "B": "config", "N": 1},
        "runArgs": ["--env-file", "vars", "-e", "B=flag", "-e", "USER", "-e", "NOT_SET"]
    }));
    bed.write("vars", "# comment\nA=file\n C=file\nTOKEN\nNOT_SET_EITHER\n");
    let plan = bed.plan("").unwrap();
    let env: Vec<(&str, &str)> = plan
        .env
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        env,
        [
            ("A", "config"),
            ("C", "file"),
            ("TOKEN", "the-secret"),
            ("B", "flag"),
            ("N", "1"),
            ("USER", "ada")
        ]
    );
    assert!(plan.run.env.is_empty() && plan.run.env_files.is_empty());
    let taken: Vec<&str> = plan
        .taken_variables
        .iter()
        .map(|taken| taken.name.as_str())
        .collect();
    assert_eq!(taken, ["TOKEN", "NOT_SET_EITHER", "USER", "NOT_SET"]);
    bed.write("vars", "A B=c");
    assert_eq!(code(&bed), "unsupported.run_arg");
    std::fs::remove_file(bed.folder().join("vars")).unwrap();
    assert_eq!(code(&bed), "config.invalid");
}

#[test]
fn ports_are_open_to_this_machine_only_unless_it_is_written() {
    let bed = Bed::new(
        &json!({"image": "x", "appPort": [3000, "8080:80", "0.0.0.0:1:1"], "runArgs": ["-p", "5:5"]}),
    );
    let ports = bed.plan("").unwrap().run.ports;
    let places: Vec<_> = ports
        .iter()
        .map(|port| (port.host_ip.as_deref(), port.host_port.as_deref()))
        .collect();
    let here = Some("127.0.0.1");
    assert_eq!(
        places,
        [
            (here, Some("3000")),
            (here, Some("8080")),
            (Some("0.0.0.0"), Some("1")),
            (here, Some("5"))
        ]
    );
    assert_eq!(
        Bed::new(&json!({"image": "x", "appPort": 3000}))
            .plan("")
            .unwrap()
            .run
            .ports
            .len(),
        1
    );
}

#[test]
fn image_and_configuration_end_in_the_same_options() {
    let bed = Bed::new(&json!({
        "image": "x",
        "capAdd": ["SYS_PTRACE"],
        "mounts": ["source=b,target=/b"],
        "runArgs": ["--cap-add", "SYS_PTRACE", "--mount", "source=c,target=/c", "-v", "./here:/d", "-u", "1000"],
        "containerUser": "ada",
        "securityOpt": ["seccomp=profile.json", "label:disable"]
    }));
    bed.write("profile.json", "{ \"defaultAction\": \"SCMP_ACT_ALLOW\" }");
    let plan = bed
        .plan(r#"[{"init": true, "mounts": ["source=a,target=/b"], "entrypoint": "/e"}]"#)
        .unwrap();
    assert!(plan.run.init);
    assert_eq!(plan.run.cap_add, ["SYS_PTRACE"]);
    let targets: Vec<_> = plan
        .run
        .mounts
        .iter()
        .map(|mount| (mount.source.as_deref(), mount.target.as_str()))
        .collect();
    assert_eq!(
        targets,
        [(Some("b"), "/b"), (Some("c"), "/c")],
        "of one target the last"
    );
    assert_eq!(
        plan.run.binds[0].source,
        Some(bed.folder().join("here").display().to_string())
    );
    assert_eq!(plan.run.user.as_deref(), Some("1000"), "the flag comes last");
    assert_eq!(
        plan.run.security_opt,
        [r#"seccomp={"defaultAction":"SCMP_ACT_ALLOW"}"#, "label=disable"]
    );
    assert_eq!(plan.entrypoints, ["/e"]);
}

#[test]
fn hooks_run_image_first_kind_by_kind() {
    let bed = Bed::new(
        &json!({"image": "x", "postCreateCommand": "own ${containerEnv:PATH}", "onCreateCommand": ["o"],
        "postStartCommand": "", "initializeCommand": {"a": "x"}}),
    );
    let plan = bed
        .plan(r#"{"id": "f", "postCreateCommand": "image", "postAttachCommand": {}}"#)
        .unwrap();
    let hooks: Vec<_> = plan
        .hooks
        .iter()
        .map(|hook| (hook.kind, hook.origin.clone()))
        .collect();
    let place = bed.folder().join(".devcontainer/devcontainer.json");
    assert_eq!(hooks[0].0, HookKind::OnCreateCommand);
    assert_eq!(
        hooks[1],
        (HookKind::PostCreateCommand, "image metadata, entry 1 (f)".into())
    );
    assert_eq!(
        plan.hooks[2].command,
        HookCommand::Shell("own ${containerEnv:PATH}".into())
    );
    assert_eq!(hooks.len(), 3, "empty commands do not run");
    assert!(hooks[2].1.starts_with(&place.display().to_string()));
    assert_eq!(plan.initialize.unwrap().kind, HookKind::InitializeCommand);
}

#[test]
fn a_build_is_relative_to_its_configuration() {
    let bed = Bed::new(&json!({
        "build": {"dockerfile": "../docker/Dockerfile", "args": {"V": "${localEnv:USER}"}, "cacheFrom": "img",
            "target": "dev", "options": ["--build-arg", "TOKEN", "--build-arg=NOT_SET", "--secret", "id=s,src=.npmrc", "--ssh=default"]}
    }));
    let ImageSource::Build(build) = bed.plan("").unwrap().source else {
        panic!("it is built")
    };
    assert_eq!(build.dockerfile, bed.folder().join("docker/Dockerfile"));
    assert_eq!(
        build.context,
        bed.folder().join("docker"),
        "without a context it is the folder of the Dockerfile"
    );
    assert_eq!(build.args["V"].as_deref(), Some("ada"));
    assert_eq!(build.args["TOKEN"].as_deref(), Some("the-secret"));
    assert!(!build.args.contains_key("NOT_SET"));
    assert_eq!(build.cache_from, ["img"]);
    let expected = crate::image_build::BuildSecretSource::File(bed.folder().join(".npmrc"));
    assert_eq!(build.secrets[0].source, expected);
    let legacy = Bed::new(&json!({"dockerFile": "Dockerfile", "context": ".."}));
    let ImageSource::Build(build) = legacy.plan("").unwrap().source else {
        panic!("it is built")
    };
    assert_eq!(build.context, legacy.folder());
}

#[test]
fn nothing_is_mounted_where_the_mount_is_empty() {
    let bed = Bed::new(&json!({"image": "x", "workspaceFolder": "/w", "workspaceMount": ""}));
    let plan = bed.plan("").unwrap();
    assert_eq!(
        (plan.workspace_mount, plan.workspace_folder.as_str()),
        (None, "/w")
    );
}
