//! No input panics, and the merge keeps its laws.
//!
//! Each target runs for `DEVCTL_FUZZ_SECONDS_CONFIGURATION` (10 unless it is set; `cargo xtask test` says 20), at least 256 cases. A case
//! that fails is shrunk and printed with its seed.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;
use std::time::{Duration, Instant};

use devctl_spec::SpecError;
use devctl_spec::document::config_document;
use devctl_spec::files::StdFiles;
use devctl_spec::identity::devcontainer_id;
use devctl_spec::local::{LocalEnv, Platform};
use devctl_spec::merge::{MergedConfig, merge};
use devctl_spec::metadata::{metadata_for_label, parse_label};
use devctl_spec::parse::{MAX_DEPTH, parse};
use devctl_spec::plan::plan;
use devctl_spec::read::{ReadConfig, read};
use devctl_spec::run_args::{flags::FLAGS, translate};
use devctl_spec::trust::{trust_hash, wants};
use devctl_spec::variables::{VariableContext, container_env_substitute_text, substitute};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

fn fuzz<S: Strategy>(strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>)
where
    S::Value: Debug,
{
    let seconds = std::env::var("DEVCTL_FUZZ_SECONDS_CONFIGURATION")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(10);
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        // A fresh runner has a fresh seed.
        let mut runner = TestRunner::new(Config {
            cases: 256,
            failure_persistence: None,
            ..Config::default()
        });
        if let Err(failure) = runner.run(strategy, &test) {
            panic!("{failure}");
        }
        if Instant::now() >= end {
            return;
        }
    }
}

/// Text that looks like a configuration often enough to get past the first brace.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "{", "}", "[", "]", ":", ",", "\"", "\\", "//", "/*", "*/", "\n", "\u{feff}", "\\u00", "\\ud800", "null", "true",
            "-", "1e9", ".5", "0x1", "NaN", "\"image\"", "\"runArgs\"", "\"mounts\"", "${", "}", "é", "\u{2028}", "\0",
        ]).prop_map(str::to_owned),
        1 => ".{0,8}",
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn variable() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "${localEnv:A}",
        "${localEnv:NONE:d:e}",
        "${env:A}",
        "${localEnv}",
        "${localEnv:}",
        "${containerEnv:A}",
        "${containerWorkspaceFolder}",
        "${localWorkspaceFolder}",
        "${devcontainerId}",
        "${",
        "}",
        "$",
        "${\n}",
        "${x}",
        "é",
    ])
    .prop_map(str::to_owned)
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec!["a", "b", "/a", "source=a,target=/b", "root", "8080", "8080:80", "", "8gb"])
            .prop_map(str::to_owned),
        1 => prop::collection::vec(variable(), 0..3).prop_map(|parts| parts.concat()),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-70000_i64..70000).prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(word(), inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

const PROPERTIES: [&str; 42] = [
    "name",
    "image",
    "build",
    "dockerFile",
    "context",
    "appPort",
    "runArgs",
    "workspaceFolder",
    "workspaceMount",
    "dockerComposeFile",
    "features",
    "initializeCommand",
    "onCreateCommand",
    "updateContentCommand",
    "postCreateCommand",
    "postStartCommand",
    "postAttachCommand",
    "waitFor",
    "customizations",
    "mounts",
    "containerEnv",
    "containerUser",
    "init",
    "privileged",
    "capAdd",
    "securityOpt",
    "remoteUser",
    "userEnvProbe",
    "remoteEnv",
    "overrideCommand",
    "portsAttributes",
    "otherPortsAttributes",
    "forwardPorts",
    "shutdownAction",
    "updateRemoteUserUID",
    "hostRequirements",
    "secrets",
    "settings",
    "extensions",
    "devPort",
    "unknown",
    "service",
];

/// Any value for any property: mostly wrong.
fn wild_config() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(prop::sample::select(PROPERTIES.to_vec()), any_value(), 0..8).prop_map(
        |map| {
            map.into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect()
        },
    )
}

/// Properties that a label may hold, with values that they may have.
fn entry() -> impl Strategy<Value = Value> {
    let words = || prop::collection::vec(prop::sample::select(vec!["A", "B", "C"]), 0..3);
    let name = || prop::sample::select(vec!["a", "b"]);
    let property = prop_oneof![
        any::<bool>().prop_map(|flag| ("init", json!(flag))),
        any::<bool>().prop_map(|flag| ("privileged", json!(flag))),
        any::<bool>().prop_map(|flag| ("overrideCommand", json!(flag))),
        words().prop_map(|words| ("capAdd", json!(words))),
        words().prop_map(|words| ("securityOpt", json!(words))),
        name().prop_map(|user| ("remoteUser", json!(user))),
        (name(), name()).prop_map(|(key, value)| ("containerEnv", json!({key: value}))),
        (name(), prop::option::of(name())).prop_map(|(key, value)| ("remoteEnv", json!({key: value}))),
        (name(), name())
            .prop_map(|(source, target)| ("mounts", json!([format!("source={source},target=/{target}")]))),
        name().prop_map(|line| ("postCreateCommand", json!(line))),
        (1_u16..4).prop_map(|port| ("forwardPorts", json!([port, format!("localhost:{port}"), "db:1"]))),
        (name(), 1..9).prop_map(|(port, label)| ("portsAttributes", json!({port: {"label": label}}))),
        (0_u64..9, 0_u64..9).prop_map(|(cpus, gb)| (
            "hostRequirements",
            json!({"cpus": cpus, "memory": format!("{gb}gb")})
        )),
        prop::sample::select(vec![
            json!(true),
            json!(false),
            json!("optional"),
            json!({"cores": 2})
        ])
        .prop_map(|gpu| ("hostRequirements", json!({"gpu": gpu}))),
        (name(), 1..9).prop_map(|(tool, value)| ("customizations", json!({tool: value}))),
    ];
    prop::collection::vec(property, 0..6).prop_map(|all| {
        all.into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect()
    })
}

fn env() -> LocalEnv {
    let vars = BTreeMap::from([("A".to_owned(), "value".to_owned())]);
    LocalEnv {
        platform: Platform::Linux,
        vars,
    }
}

fn read_text(dir: &Path, text: &str) -> Result<ReadConfig, SpecError> {
    let path = dir.join(".devcontainer.json");
    std::fs::write(&path, text).map_err(|source| SpecError::Unreadable { path, source })?;
    read(&StdFiles, dir, None, &env())
}

#[test]
fn parsing_never_panics() {
    fuzz(&text(), |text| {
        if let Ok(parsed) = parse(text.as_bytes(), Path::new("x")) {
            // What was read is JSON that reads back the same.
            let again = parse(parsed.value.to_string().as_bytes(), Path::new("x")).unwrap();
            prop_assert_eq!(again.value, parsed.value);
        }
        Ok(())
    });
    fuzz(&prop::collection::vec(any::<u8>(), 0..200), |bytes| {
        if let Err(error) = parse(&bytes, Path::new("x")) {
            prop_assert!(error.fix().is_some() && error.to_string().starts_with('x'));
        }
        Ok(())
    });
}

#[test]
fn nesting_never_overflows() {
    let opens = prop::collection::vec(
        prop::sample::select(vec!["[", "{\"a\":", " [", "[//]\n"]),
        1..MAX_DEPTH * 3,
    );
    fuzz(&(opens, 1..400_usize), |(opens, times)| {
        let text = opens.concat().repeat(times);
        prop_assert!(parse(text.as_bytes(), Path::new("x")).is_err());
        Ok(())
    });
}

#[test]
fn variables_never_panic_and_leave_plain_text_alone() {
    let context = VariableContext {
        local: env(),
        local_workspace_folder: Some("/w".into()),
        container_workspace_folder: Some("/c/${localWorkspaceFolder}${containerWorkspaceFolder}".into()),
        devcontainer_id: Some("id".into()),
    };
    let mixed =
        prop::collection::vec(prop_oneof![variable(), ".{0,5}"], 0..8).prop_map(|parts| parts.concat());
    fuzz(&mixed, |text| {
        match substitute(&json!([text]), &context) {
            Ok(filled) if !text.contains("${") => prop_assert_eq!(filled, json!([text])),
            Ok(filled) => prop_assert!(filled[0].is_string()),
            Err(error) => {
                let names_none = error.what.ends_with("names no environment variable");
                prop_assert!(names_none && error.pointer == "/0");
            }
        }
        let later = container_env_substitute_text(&text, &BTreeMap::new(), Platform::Windows);
        let names_none = text.contains("${containerEnv");
        prop_assert!(later.is_ok() || names_none);
        Ok(())
    });
}

#[test]
fn the_way_from_file_to_plan_never_panics() {
    let dir = tempfile::tempdir().unwrap();
    fuzz(&(wild_config(), any_value()), |(config, label)| {
        let Ok(read) = read_text(dir.path(), &config.to_string()) else {
            return Ok(());
        };
        let read = read.for_container().unwrap();
        let entries = parse_label("image", Some(&label.to_string()), &read.variables).unwrap_or_default();
        let merged = merge(&entries, &read).unwrap();
        let document = config_document(&read, Some(&merged));
        prop_assert!(document["mergedConfiguration"].is_object());
        if let Ok(plan) = plan(&StdFiles, &read, &merged) {
            let items = wants(&StdFiles, &read, &entries, &merged, &plan).unwrap();
            prop_assert_eq!(trust_hash(&items).len(), 64);
        }
        Ok(())
    });
}

#[test]
fn run_arguments_never_panic() {
    let name = prop::sample::select(FLAGS.iter().map(|flag| flag.name).collect::<Vec<_>>());
    let value = prop_oneof![
        3 => prop::sample::select(vec![
            "a=b", "/a:/b:ro", "80", "80:80/udp", "[::1]:1:2", "nofile=1:2", "1.5g", "host", "-1", "", "=", ":", ",", "\"", "a,b=c",
            "device=0,1", "name=x,ip=1.2.3.4", "c 1:* rwm", "/dev/a:1m", "type=bind,source=/a,target=/b", "true", "0", "µs", "5µs",
        ]).prop_map(str::to_owned),
        1 => ".{0,12}",
    ];
    let arg = (name, value, 0..4).prop_map(|(name, value, form)| match form {
        0 => vec![format!("--{name}={value}")],
        1 => vec![format!("--{name}"), value],
        2 => vec![format!("-{value}")],
        _ => vec![value],
    });
    fuzz(&prop::collection::vec(arg, 0..5), |args| {
        let args = args.concat();
        match translate(&args) {
            Ok(read) => prop_assert!(read.flags.iter().all(|flag| flag.index < args.len())),
            Err(error) => prop_assert!(error.index < args.len() && !error.why.is_empty()),
        }
        Ok(())
    });
}

/// The merge of `a`, then `b`, then `c` is the merge of `a` and `b` stored in a label, then `c`: what an image hands on.
#[test]
fn merging_may_stop_at_a_label_and_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let with_image = |entry: &Value| {
        let mut config = entry.clone();
        config["image"] = json!("x");
        config.to_string()
    };
    fuzz(&(entry(), entry(), entry()), |(a, b, c)| {
        let merged_with = |label: &str, config: &Value| -> (ReadConfig, MergedConfig, String) {
            let read = read_text(dir.path(), &with_image(config)).unwrap();
            let entries = parse_label("image", Some(label), &read.variables).unwrap();
            let merged = merge(&entries, &read).unwrap();
            let label = metadata_for_label(&entries, &read);
            (read, merged, label)
        };
        let (_, _, after_b) = merged_with(&json!([a]).to_string(), &b);
        let (read_one, one, _) = merged_with(&after_b, &c);
        let (read_two, two, _) = merged_with(&json!([a, b]).to_string(), &c);
        prop_assert_eq!(
            config_document(&read_one, Some(&one)),
            config_document(&read_two, Some(&two))
        );
        // What never changes by saying the same again.
        let (_, twice, _) = merged_with(&json!([a, b, c]).to_string(), &c);
        prop_assert_eq!(&twice.host_requirements.memory, &two.host_requirements.memory);
        prop_assert_eq!(twice.cap_add.len(), two.cap_add.len());
        prop_assert_eq!(twice.forward_ports, two.forward_ports);
        prop_assert_eq!(twice.mounts.len(), two.mounts.len());
        prop_assert_eq!(twice.remote_env.len(), two.remote_env.len());
        Ok(())
    });
}

#[test]
fn the_id_is_always_52_digits() {
    fuzz(
        &prop::collection::btree_map(".{0,10}", ".{0,10}", 0..4),
        |labels| {
            let id = devcontainer_id(&labels);
            prop_assert_eq!(id.len(), 52);
            prop_assert!(id.starts_with(['0', '1']), "256 bits: the first digit holds one");
            prop_assert!(
                id.bytes()
                    .all(|digit| digit.is_ascii_digit() || (b'a'..=b'v').contains(&digit))
            );
            Ok(())
        },
    );
}
