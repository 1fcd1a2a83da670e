use serde_json::json;

use super::*;
use crate::testing::Bed;

#[test]
fn a_label_is_an_array_or_one_object() {
    let bed = Bed::new(&json!({"image": "x"}));
    let read = bed.read().unwrap();
    let parse = |label| parse_label("img", label, &read.variables);
    assert!(parse(None).unwrap().is_empty() && parse(Some("")).unwrap().is_empty());
    assert_eq!(parse(Some(r#"{"remoteUser": "u"}"#)).unwrap().len(), 1);
    let entries = parse(Some(r#"[{"id": "a"}, {"remoteEnv": {"U": "${localEnv:USER}"}}]"#)).unwrap();
    assert_eq!(entries[0].id.as_deref(), Some("a"));
    assert_eq!(
        entries[1].properties.remote_env.as_ref().unwrap()["U"].as_deref(),
        Some("ada")
    );
    assert_eq!(entries[1].raw["remoteEnv"]["U"], "${localEnv:USER}");
}

#[test]
fn a_broken_label_names_image_entry_and_property() {
    let bed = Bed::new(&json!({"image": "x"}));
    let read = bed.read().unwrap();
    for (label, expected) in [
        ("{", "the devcontainer.metadata label of img: EOF"),
        (
            "3",
            "the devcontainer.metadata label of img: neither an array nor an object",
        ),
        (
            "[{}, 3]",
            "the devcontainer.metadata label of img: entry 2 is no object",
        ),
        (
            "[{}, {\"init\": 3}]",
            "the devcontainer.metadata label of img: entry 2: init: ",
        ),
        (
            "[{\"remoteUser\": \"${localEnv}\"}]",
            "the devcontainer.metadata label of img: entry 1: ${localEnv} names",
        ),
    ] {
        let error = parse_label("img", Some(label), &read.variables).unwrap_err();
        assert_eq!(error.code(), "metadata.invalid");
        assert!(error.to_string().starts_with(expected), "{error}");
        assert!(error.fix().unwrap().contains("img"));
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(
        parse_label("img", Some(&deep), &read.variables)
            .unwrap_err()
            .code(),
        "metadata.invalid"
    );
}

#[test]
fn the_label_is_written_with_variables_as_they_are() {
    let bed = Bed::new(
        &json!({"image": "x", "name": "n", "remoteEnv": {"A": "${localEnv:TOKEN}-${devcontainerId}"},
        "init": true, "runArgs": ["--init"], "forwardPorts": [1]}),
    );
    let (read, entries, _) = bed.merged(r#"[{"id": "a", "init": true}, {}]"#).unwrap();
    let label: Value = serde_json::from_str(&metadata_for_label(&entries, &read)).unwrap();
    assert_eq!(
        label,
        json!([
            {"id": "a", "init": true},
            {"init": true, "remoteEnv": {"A": "${localEnv:TOKEN}-${devcontainerId}"}, "forwardPorts": [1]}
        ])
    );
    let bare = Bed::new(&json!({"image": "x"})).read().unwrap();
    assert_eq!(metadata_for_label(&[], &bare), "[]");
}
