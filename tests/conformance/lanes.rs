//! The lanes: configuration alone, merged with several images, and inside a git working tree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use devctl_spec::dockerfile::configured_base_image;
use devctl_spec::document::config_document;
use devctl_spec::files::StdFiles;
use devctl_spec::local::{LocalEnv, Platform};
use devctl_spec::merge::merge;
use devctl_spec::metadata::parse_label;
use devctl_spec::read::read;
use serde_json::{Value, json};

use crate::inputs::{self, Input};
use crate::reference::{self, REFUSED, VERSION};
use crate::table::{self, Row};

/// Of the public inputs, as they were counted when they were chosen: a lost input may not pass. Two of the mergeable
/// ones must be refused on both sides: one names no image, and the Dockerfile of one is left to its user.
const PUBLIC: usize = 80;
const MERGEABLE: usize = 34;
const BUILDER: &str = "linux/amd64";

#[test]
fn the_reference_reads_the_same() {
    let (program, public) = match (reference::program(), inputs::public_dir()) {
        (Ok(program), Ok(public)) => (program, public),
        (program, public) => {
            let why = program
                .err()
                .unwrap_or_else(|| format!("no inputs in {}", public.unwrap_err().display()));
            let is_required = std::env::var("DEVCTL_REQUIRE_ALL").is_ok_and(|value| value == "1");
            assert!(!is_required, "conformance is required: {why}");
            eprintln!("SKIPPED: conformance with @devcontainers/cli {VERSION}: {why}");
            return;
        }
    };
    let dir = tempfile::tempdir().unwrap();
    // The reference prints real paths of links.
    let root = dir.path().canonicalize().unwrap();
    let mut all = inputs::templates(&public, &root);
    all.extend(inputs::cli_configs(&public, &root));
    assert_eq!(all.len(), PUBLIC, "public inputs");
    let mergeable: Vec<Input> = all.iter().filter(|input| is_mergeable(input)).cloned().collect();
    assert_eq!(
        mergeable.len(),
        MERGEABLE,
        "public inputs without Compose and without features"
    );
    let own = inputs::own(&root);
    let in_git = in_git(&root, &own);

    let mut jobs: Vec<Job<'_>> = Vec::new();
    let mut add = |lane: &'static str, inputs: &[Input], image: Option<&'static str>| {
        jobs.extend(inputs.iter().map(|input| Job {
            lane,
            input: input.clone(),
            label: image,
            program: &program,
        }));
    };
    add("configuration: public", &all, None);
    add("configuration: our own", &own, None);
    add("configuration: in a git working tree", &in_git, None);
    add("merged, image without a label: public", &mergeable, Some(""));
    add("merged, image without a label: our own", &own, Some(""));
    add(
        "merged, image with several entries: public",
        &mergeable,
        Some(ENTRIES),
    );
    add("merged, image with several entries: our own", &own, Some(ENTRIES));
    add("merged, image with one object: our own", &own, Some(OBJECT));
    let differences = run(&jobs);

    let mut rows: Vec<Row> = Vec::new();
    for job in &jobs {
        if rows.last().is_none_or(|row| row.lane != job.lane) {
            rows.push(Row {
                lane: job.lane,
                inputs: 0,
                equal: 0,
            });
        }
        let row = rows.last_mut().unwrap();
        row.inputs += 1;
        row.equal += usize::from(!differences.contains_key(&(job.lane, job.input.name.clone())));
    }
    for ((lane, name), difference) in &differences {
        eprintln!("DIFFERENT: {lane}: {name}\n{difference}\n");
    }
    assert!(
        differences.is_empty(),
        "{} of {} answers differ",
        differences.len(),
        jobs.len()
    );
    table::check(&rows);
}

const ENTRIES: &str = r#"[
    {"id": "base", "init": true, "capAdd": ["SYS_PTRACE"], "remoteUser": "vscode", "containerUser": "vscode",
     "mounts": ["source=img,target=/image-mount,type=volume", {"source": "v", "target": "/v", "type": "volume"}],
     "remoteEnv": {"SHARED": "image", "FROM_IMAGE": "${localEnv:DEVCTL_A}"}, "containerEnv": {"SHARED": "image"},
     "customizations": {"vscode": {"extensions": ["a"]}}, "hostRequirements": {"cpus": 8, "memory": "2gb", "gpu": true}},
    {},
    {"id": "./feature", "privileged": true, "entrypoint": "/start.sh", "securityOpt": ["seccomp=unconfined"],
     "onCreateCommand": "one", "postCreateCommand": ["two"], "postStartCommand": {"x": "y"},
     "customizations": {"vscode": {"settings": {"a": 1}}, "jetbrains": {}},
     "portsAttributes": {"3000": {"label": "image", "protocol": "https"}, "4000": {}}, "forwardPorts": ["localhost:8080", 22],
     "mounts": ["target=/v,type=tmpfs"]},
    {"waitFor": "onCreateCommand", "userEnvProbe": "loginShell", "overrideCommand": true, "updateRemoteUserUID": true,
     "shutdownAction": "stopContainer", "otherPortsAttributes": {"label": "o"}, "postAttachCommand": "${localWorkspaceFolder}"}
]"#;
const OBJECT: &str = r#"{"remoteUser": "node", "hostRequirements": {"gpu": "optional"}}"#;

struct Job<'a> {
    lane: &'static str,
    input: Input,
    label: Option<&'static str>,
    program: &'a Path,
}

type Differences = BTreeMap<(&'static str, String), String>;

fn run(jobs: &[Job<'_>]) -> Differences {
    let next = AtomicUsize::new(0);
    let differences = Mutex::new(Differences::new());
    let workers = std::thread::available_parallelism().map_or(2, usize::from).max(2);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(difference) = compare(job) {
                        differences
                            .lock()
                            .unwrap()
                            .insert((job.lane, job.input.name.clone()), difference);
                    }
                }
            });
        }
    });
    differences.into_inner().unwrap()
}

fn compare(job: &Job<'_>) -> Result<(), String> {
    let env = environment();
    let image = job.label.map(|label| {
        let labels = if label.is_empty() {
            json!({})
        } else {
            json!({"devcontainer.metadata": label})
        };
        json!({"Id": "sha256:0", "Config": {"User": "", "Env": ["PATH=/usr/bin"], "Labels": labels}})
    });
    let theirs = reference::read_configuration(job.program, &job.input, &env, image.as_ref());
    let local = LocalEnv {
        platform: Platform::Linux,
        vars: env,
    };
    let read =
        read(&StdFiles, &job.input.folder, job.input.chosen(), &local).map_err(|error| error.to_string())?;
    let merged = match job.label {
        None => None,
        Some(label) => {
            let base = match (configured_base_image(&StdFiles, &read, BUILDER), &theirs) {
                (Ok(base), _) => base.unwrap_or_default(),
                (Err(_), Err(refused)) if refused.starts_with(REFUSED) => return Ok(()),
                (Err(error), _) => return Err(error.to_string()),
            };
            let theirs = theirs.as_ref().map_err(String::clone)?;
            if theirs.images.first() != Some(&base) {
                return Err(format!(
                    "we start from {base:?}, the reference asked for {:?}",
                    theirs.images
                ));
            }
            let entries =
                parse_label(&base, Some(label), &read.variables).map_err(|error| error.to_string())?;
            Some(merge(&entries, &read).map_err(|error| error.to_string())?)
        }
    };
    let theirs = theirs?;
    let ours = config_document(&read, merged.as_ref());
    if ours == theirs.document {
        Ok(())
    } else {
        let mut lines = Vec::new();
        differences("", &ours, &theirs.document, &mut lines);
        Err(lines.join("\n"))
    }
}

fn differences(pointer: &str, ours: &Value, theirs: &Value, lines: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(one), Value::Object(two)) => {
            let keys: BTreeSet<&String> = one.keys().chain(two.keys()).collect();
            for key in keys {
                let missing = json!("(absent)");
                let (one, two) = (one.get(key).unwrap_or(&missing), two.get(key).unwrap_or(&missing));
                differences(&format!("{pointer}/{key}"), one, two, lines);
            }
        }
        _ if ours == theirs => {}
        _ => lines.push(format!("{pointer}: ours {ours}, theirs {theirs}")),
    }
}

fn environment() -> BTreeMap<String, String> {
    let mut env: BTreeMap<String, String> = ["PATH", "HOME"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
        .collect();
    for (name, value) in [("DEVCTL_A", "a value"), ("DEVCTL_EMPTY", "")] {
        env.insert(name.to_owned(), value.to_owned());
    }
    env
}

/// Without Compose and features, which need more than an image.
fn is_mergeable(input: &Input) -> bool {
    let local = LocalEnv {
        platform: Platform::Linux,
        vars: BTreeMap::new(),
    };
    let config = read(&StdFiles, &input.folder, Some(&input.config), &local)
        .unwrap()
        .config;
    let has_features = config.features.is_some_and(|features| !features.is_empty());
    !has_features && config.docker_compose_file.is_none()
}

/// The same inputs below a git working tree: its top is mounted, the folder lies inside.
fn in_git(root: &Path, inputs: &[Input]) -> Vec<Input> {
    let top = root.join("a repository");
    std::fs::create_dir_all(top.join("deep")).unwrap();
    let made = Command::new("git").arg("init").arg("-q").arg(&top).status();
    assert!(made.is_ok_and(|status| status.success()), "git init");
    inputs
        .iter()
        .map(|input| {
            let folder = top.join("deep").join(input.folder.file_name().unwrap());
            let config = folder.join(input.config.strip_prefix(&input.folder).unwrap());
            std::fs::create_dir_all(config.parent().unwrap()).unwrap();
            std::fs::copy(&input.config, &config).unwrap();
            Input {
                name: format!("{} in git", input.name),
                folder,
                config,
            }
        })
        .collect()
}

/// The tests of the traps themselves: they fail when an input no longer holds its trap.
#[test]
fn our_own_inputs_are_not_plain() {
    let dir = tempfile::tempdir().unwrap();
    let own = inputs::own(dir.path());
    assert!(own.len() >= 10);
    for input in own {
        let text = std::fs::read_to_string(&input.config).unwrap();
        assert!(
            serde_json::from_str::<Value>(&text).is_err(),
            "{} is plain JSON",
            input.name
        );
    }
}
