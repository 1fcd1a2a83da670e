use serde_json::json;

use super::*;
use crate::local::Platform;
use crate::testing::Bed;

#[test]
fn mistakes_name_file_line_and_property() {
    for (text, code, expected) in [
        ("", "config.syntax", "1:1: the file is empty"),
        (
            "[]",
            "config.invalid",
            ": the configuration: must be a JSON object",
        ),
        ("{\n  \"image\": 3\n}", "config.invalid", "2:3: image: "),
        (
            "{\n\"mounts\": [\n\"target=/a\",\n\"source=b\"]}",
            "config.invalid",
            "4:1: mounts[1]: a mount needs a target",
        ),
        (
            "{\"image\": \"x\",\n\"remoteEnv\": {\n\"A\": []}}",
            "config.invalid",
            "2:1: remoteEnv: A must be",
        ),
        (
            "{\"build\":\n{\"options\": [\n1]}}",
            "config.invalid",
            "3:1: build.options[0]: ",
        ),
        (
            "{\n\"appPort\": [\n1, \"x\"]}",
            "config.invalid",
            "2:1: appPort: ",
        ),
        (
            "{\"customizations\": {\"vscode\": 3}, \"settings\": {}}",
            "ok",
            "",
        ),
        (
            "{\"name\":\n\"${localEnv}\"}",
            "config.variable",
            "1:2: ${localEnv} names no environment variable",
        ),
        (
            "{\"postCreateCommand\": {\n\"a\": 3}}",
            "config.invalid",
            "1:2: postCreateCommand: a: a command is",
        ),
        (
            "{\"waitFor\": \"never\"}",
            "config.invalid",
            "1:2: waitFor: unknown variant",
        ),
        (
            "{\"hostRequirements\": {\n\"memory\": \"8 GB\"}}",
            "config.invalid",
            "1:2: hostRequirements: memory: ",
        ),
    ] {
        let bed = Bed::with_text(text);
        let Err(error) = bed.read() else {
            assert_eq!(code, "ok", "{text}");
            continue;
        };
        assert_eq!(error.code(), code, "{text}: {error}");
        assert!(error.to_string().contains(expected), "{text}: {error}");
        assert!(error.to_string().contains("devcontainer.json"), "{text}: {error}");
        assert!(error.fix().is_some());
    }
}

#[test]
fn the_folder_in_the_container_may_hold_variables() {
    let bed = Bed::new(
        &json!({"image": "x", "workspaceFolder": "/w/${localWorkspaceFolderBasename}",
        "name": "${containerWorkspaceFolder} ${containerWorkspaceFolderBasename} ${devcontainerId}"}),
    );
    let before = read(&crate::files::StdFiles, &bed.folder(), None, &bed.env).unwrap();
    assert_eq!(before.workspace.workspace_folder.as_deref(), Some("/w/proj"));
    assert_eq!(
        before.config.name.as_deref(),
        Some("/w/proj proj ${devcontainerId}")
    );
    let id = devcontainer_id(&before.id_labels());
    let after = before.for_container().unwrap();
    assert_eq!(after.config.name, Some(format!("/w/proj proj {id}")));
    assert_eq!(
        after.raw["name"],
        "${containerWorkspaceFolder} ${containerWorkspaceFolderBasename} ${devcontainerId}"
    );
}

#[test]
fn odd_names_of_folders_are_only_names() {
    for name in [
        "sp ace",
        "quo\"te",
        "per%cent",
        "do$llar",
        "new\nline",
        "ünï",
        "${localEnv:TOKEN}",
        &"x".repeat(200),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(
            folder.join(".devcontainer.json"),
            r#"{"image": "x", "name": "${localWorkspaceFolderBasename}"}"#,
        )
        .unwrap();
        let env = LocalEnv {
            platform: Platform::Linux,
            vars: [("TOKEN".to_owned(), "t".to_owned())].into(),
        };
        let read = read(&crate::files::StdFiles, &folder, None, &env).unwrap();
        assert_eq!(read.config.name.as_deref(), Some(name));
        assert_eq!(
            read.workspace.workspace_folder,
            Some(format!("/workspaces/{name}"))
        );
        let merged = crate::merge::merge(&[], &read).unwrap();
        match crate::plan::plan(&crate::files::StdFiles, &read, &merged) {
            Ok(plan) => assert_eq!(
                plan.workspace_mount.unwrap().source,
                Some(folder.display().to_string())
            ),
            Err(error) => panic!("{name:?}: {error}"),
        }
    }
}

#[test]
fn a_bare_image_has_a_volume_as_its_workspace() {
    let env = LocalEnv {
        platform: Platform::Linux,
        vars: Default::default(),
    };
    let read = for_image("debian:12", "devctl-debian", &env).unwrap();
    let merged = crate::merge::merge(&[], &read).unwrap();
    let plan = crate::plan::plan(&crate::files::StdFiles, &read, &merged).unwrap();
    let mount = plan.workspace_mount.unwrap();
    assert_eq!(
        (mount.kind, mount.source.as_deref()),
        (crate::mounts::MountKind::Volume, Some("devctl-debian"))
    );
    assert_eq!(plan.workspace_folder, "/workspaces/devctl-debian");
    let items = crate::trust::wants(
        &crate::files::StdFiles,
        &read,
        &[],
        &merged,
        &crate::plan::plan(&crate::files::StdFiles, &read, &merged).unwrap(),
    );
    assert!(items.unwrap().is_empty());
}
