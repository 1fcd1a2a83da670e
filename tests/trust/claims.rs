//! Every claim of the threat model has its test.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The functions of all Rust sources below a folder.
fn functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("node_modules") {
            functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let names = text
                .split("fn ")
                .skip(1)
                .filter_map(|rest| rest.split(['(', '<']).next());
            found.extend(names.map(str::to_owned));
        }
    }
}

#[test]
fn the_threat_model_names_tests_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = fs::read_to_string(root.join("docs/threat-model.md")).unwrap();
    // Names of tests are sentences; nothing else in the text has so many underscores.
    let named: BTreeSet<&str> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| {
            word.matches('_').count() >= 2 && word.chars().all(|c| c.is_ascii_lowercase() || c == '_')
        })
        .collect();
    assert!(named.len() > 25, "{named:?}");
    let mut found = BTreeSet::new();
    for folder in ["tests", "crates"] {
        functions(&root.join(folder), &mut found);
    }
    let missing: Vec<&&str> = named.iter().filter(|name| !found.contains(**name)).collect();
    assert!(missing.is_empty(), "no such tests: {missing:?}");

    // Each row of who is not trusted names one.
    let (_, section) = text.split_once("## Who is not\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    for row in section.lines().filter(|line| line.starts_with("| ")).skip(2) {
        assert!(named.iter().any(|name| row.contains(name)), "no test: {row}");
    }
}
