//! What is read on both sides.

use std::fs;
use std::path::{Path, PathBuf};

use devctl_spec::discover::discover;
use devctl_spec::files::StdFiles;
use serde_json::{Value, json};

/// One configuration on the disk, copied so that nothing around it counts.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) config: PathBuf,
}

impl Input {
    /// The file to name, where the folder holds others beside it or it is in none of the three places.
    pub(crate) fn chosen(&self) -> Option<&Path> {
        let found = discover(&StdFiles, &self.folder).unwrap();
        (found != [self.config.clone()]).then_some(&*self.config)
    }
}

/// Where the public configurations are, or `None` with the place that was looked at.
pub(crate) fn public_dir() -> Result<PathBuf, PathBuf> {
    let dir = std::env::var_os("DEVCTL_CONFORMANCE_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance"),
        PathBuf::from,
    );
    if dir.join("templates").is_dir() {
        Ok(dir)
    } else {
        Err(dir)
    }
}

/// The public templates, with the default of each option filled in.
pub(crate) fn templates(dir: &Path, into: &Path) -> Vec<Input> {
    folders(&dir.join("templates"))
        .iter()
        .flat_map(|template| {
            let manifest = fs::read_to_string(template.join("devcontainer-template.json")).unwrap();
            let manifest: Value = serde_json::from_str(&manifest).unwrap();
            let name = file_name(template);
            let folder = into.join("templates").join(&name);
            copy(template, &folder, &|text| fill_options(text, &manifest));
            configs_in(&folder, "template", &name)
        })
        .collect()
}

/// The configurations with which the reference tests itself.
pub(crate) fn cli_configs(dir: &Path, into: &Path) -> Vec<Input> {
    folders(&dir.join("cli-configs"))
        .iter()
        .flat_map(|source| {
            let name = file_name(source);
            let folder = into.join("cli-configs").join(&name);
            copy(source, &folder, &str::to_owned);
            configs_in(&folder, "cli", &name)
        })
        .collect()
}

/// Our own: each holds traps that the public ones do not.
pub(crate) fn own(into: &Path) -> Vec<Input> {
    let cases = [
        (
            "variables",
            json!({
                "image": "x",
                "name": "${localWorkspaceFolderBasename}-${devcontainerId}-${containerWorkspaceFolderBasename}",
                "containerEnv": {
                    "A": "${localEnv:DEVCTL_A}|${env:DEVCTL_A}|${localEnv:DEVCTL_NONE}|${localEnv:DEVCTL_NONE:d:e}",
                    "B": "${localEnv:DEVCTL_EMPTY:d}|${localEnv:}|${unknown:x}|$x|${|${local\nEnv:DEVCTL_A}",
                    "C": "${a${localEnv:DEVCTL_A}}|${containerEnv:PATH}|${containerWorkspaceFolder}",
                    "${localEnv:DEVCTL_A}": "names stay"
                },
                "remoteEnv": {"NULL": null, "P": "${containerEnv:PATH}:${localWorkspaceFolder}"},
                "mounts": ["source=${localWorkspaceFolder}/x,target=/x,type=bind", {"type": "volume", "target": "/y"}],
                "customizations": {"tool": {"deep": [["${localEnv:DEVCTL_A}", 1, true, null]]}}
            }),
        ),
        (
            "workspace",
            json!({
                "image": "x",
                "workspaceFolder": "/w/${localWorkspaceFolderBasename}/${containerWorkspaceFolder}",
                "workspaceMount": "type=bind,source=${localWorkspaceFolder},target=${containerWorkspaceFolder}"
            }),
        ),
        (
            "workspace-folder-only",
            json!({"image": "x", "workspaceFolder": "/w"}),
        ),
        (
            "workspace-no-mount",
            json!({"image": "x", "workspaceFolder": "/w", "workspaceMount": ""}),
        ),
        ("with, comma", json!({"image": "x"})),
        (
            "legacy",
            json!({
                "dockerFile": "Dockerfile",
                "context": "..",
                "settings": {"a": 1, "b": 1},
                "extensions": ["x.y"],
                "devPort": 0,
                "customizations": {"vscode": {"settings": {"a": 2}, "extensions": ["z"]}, "other": {}}
            }),
        ),
        (
            "legacy-port",
            json!({"image": "x", "devPort": 7, "customizations": {"vscode": {"devPort": 8}}}),
        ),
        (
            "merge",
            json!({
                "image": "x",
                "init": true,
                "privileged": false,
                "capAdd": ["SYS_PTRACE", "NET_ADMIN", "SYS_PTRACE"],
                "securityOpt": [],
                "mounts": [
                    "source=a,target=/a", {"source": "b", "target": "/a", "type": "volume"}, "source=c,dst=/c",
                    {"type": "bind", "source": "/tmp", "target": "/image-mount"}
                ],
                "onCreateCommand": "",
                "updateContentCommand": [],
                "postCreateCommand": {},
                "postStartCommand": ["a", "b"],
                "postAttachCommand": {"one": "a", "two": ["b"]},
                "waitFor": "postCreateCommand",
                "remoteUser": "",
                "containerUser": "root",
                "userEnvProbe": "none",
                "overrideCommand": false,
                "updateRemoteUserUID": false,
                "shutdownAction": "none",
                "remoteEnv": {"SHARED": "config", "GONE": null},
                "containerEnv": {"SHARED": "config"},
                "portsAttributes": {"3000": {"label": "config"}, "40000-55000": {"onAutoForward": "ignore"}},
                "otherPortsAttributes": {"onAutoForward": "silent"},
                "forwardPorts": [3000, "localhost:3000", "db:5432", 8080, "localhost:9"],
                "hostRequirements": {"cpus": 4, "memory": "4gb", "storage": "32gb", "gpu": {"cores": 2}},
                "customizations": {"vscode": {"extensions": ["b"]}, "tool": true},
                "unknownProperty": {"kept": [1, 2.5, 1e3]}
            }),
        ),
        (
            "gpu",
            json!({"image": "x", "hostRequirements": {"gpu": "optional"}}),
        ),
        (
            "gpu-no",
            json!({"image": "x", "hostRequirements": {"cpus": 1, "gpu": false}}),
        ),
        (
            "null",
            json!({"image": "x", "remoteUser": null, "postCreateCommand": null, "mounts": null, "runArgs": null}),
        ),
        (
            "secrets",
            json!({"image": "x", "secrets": {"TOKEN": {"description": "d"}}, "appPort": [3000, "8080:80"]}),
        ),
    ];
    cases
        .into_iter()
        .map(|(name, config)| {
            let folder = into.join("own").join(name);
            fs::create_dir_all(folder.join(".devcontainer")).unwrap();
            // A mark, comments and trailing commas: what editors leave.
            let text = config.to_string();
            let text = format!(
                "\u{feff}// {name}\n{},\n}}\n/* end */",
                text.strip_suffix('}').unwrap()
            );
            let config = folder.join(".devcontainer/devcontainer.json");
            fs::write(&config, text).unwrap();
            fs::write(
                folder.join(".devcontainer/Dockerfile"),
                "ARG V=1\nFROM base:${V} AS one\nFROM one\n",
            )
            .unwrap();
            Input {
                name: format!("own {name}"),
                folder,
                config,
            }
        })
        .collect()
}

fn configs_in(folder: &Path, kind: &str, name: &str) -> Vec<Input> {
    let mut found = Vec::new();
    let inner = folder.join(".devcontainer");
    let mut places = vec![inner.join("devcontainer.json"), folder.join(".devcontainer.json")];
    places.extend(
        folders(&inner)
            .iter()
            .map(|below| below.join("devcontainer.json")),
    );
    // One is an input of another command of the reference and lies outside of the three places.
    places.push(folder.join("devcontainer.json"));
    for config in places.into_iter().filter(|path| path.is_file()) {
        let inside = config.strip_prefix(folder).unwrap().display().to_string();
        found.push(Input {
            name: format!("{kind} {name} {inside}"),
            folder: folder.to_path_buf(),
            config,
        });
    }
    found
}

fn fill_options(text: &str, manifest: &Value) -> String {
    let options = manifest.get("options").and_then(Value::as_object);
    options
        .into_iter()
        .flatten()
        .fold(text.to_owned(), |text, (name, option)| {
            let default = match &option["default"] {
                Value::String(default) => default.clone(),
                other => other.to_string(),
            };
            text.replace(&format!("${{templateOption:{name}}}"), &default)
        })
}

fn copy(from: &Path, to: &Path, change: &impl Fn(&str) -> String) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            copy(&source, &target, change);
        } else {
            let content = fs::read(&source).unwrap();
            match String::from_utf8(content) {
                Ok(text) => fs::write(&target, change(&text)).unwrap(),
                Err(binary) => fs::write(&target, binary.as_bytes()).unwrap(),
            }
        }
    }
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut all: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    all.sort();
    all
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}
