//! Who may use whom: the floors of the house, and the rooms of its heavy dependencies.

use anyhow::{Context as _, Result};
use toml::{Table, Value};

use super::{Breach, Source};

/// Each package and its floor. A package may use those on lower floors only.
const FLOORS: [(&str, u8); 23] = [
    ("devctl-model", 0),
    ("devctl-files", 0),
    ("devctl-krl", 0),
    ("devctl-mux", 0),
    ("devctl-agent-protocol", 0),
    ("devctl-spec", 1),
    ("devctl-engine", 1),
    ("devctl-ssh", 1),
    ("devctl-secrets", 1),
    ("devctl-store", 1),
    ("devctl-graph", 1),
    ("devctl-agent", 1),
    ("devctl-core", 2),
    ("devctl-platform", 3),
    ("devctl-cli", 4),
    ("devctl-tui", 4),
    ("devctl-server", 4),
    ("devctl-desktop", 4),
    ("dev-container-launcher", 5),
    // Beside the house, not part of what is delivered.
    ("devctl-testkit", 5),
    ("devctl-tests", 6),
    ("xtask", 6),
    ("devctl-fuzz", 6),
];

/// Each heavy dependency, its relatives (`NAME-…`) included, and the only packages that may see it.
const ROOMS: [(&str, &[&str]); 8] = [
    ("bollard", &["devctl-engine"]),
    ("neo4rs", &["devctl-graph"]),
    // xtask measures the store against SQLite itself.
    ("rusqlite", &["devctl-store", "devctl-graph", "xtask"]),
    ("libsqlite3-sys", &["devctl-store", "devctl-graph"]),
    ("tauri", &["devctl-desktop", "dev-container-launcher"]),
    ("axum", &["devctl-server"]),
    ("russh", &["devctl-agent"]),
    ("keyring", &["devctl-secrets"]),
];

pub(super) fn check(sources: &[Source]) -> Result<Vec<Breach>> {
    let mut breaches = Vec::new();
    for source in sources.iter().filter(|source| source.is_called("Cargo.toml")) {
        let manifest: Table = source
            .text
            .parse()
            .with_context(|| format!("cannot read {}", source.path.display()))?;
        check_manifest(source, &manifest, &mut breaches);
    }
    Ok(breaches)
}

fn check_manifest(source: &Source, manifest: &Table, breaches: &mut Vec<Breach>) {
    let Some(name) = manifest
        .get("package")
        .and_then(|package| package.get("name"))
        .and_then(Value::as_str)
    else {
        return;
    };
    let mut breach = |what: String| breaches.push(Breach::new(&source.path, 0, what));
    let inherits = |table: &str| {
        manifest
            .get(table)
            .and_then(|table| table.get("workspace"))
            .and_then(Value::as_bool)
            == Some(true)
    };
    if !inherits("lints") {
        breach("does not use the workspace's lints: add `[lints] workspace = true`".to_owned());
    }
    let Some(floor) = floor_of(name) else {
        breach(format!(
            "{name} has no floor: give it one in xtask/src/tidy/floors.rs"
        ));
        return;
    };
    for dependency in dependencies(manifest) {
        for (heavy, rooms) in ROOMS {
            if is_or_belongs_to(&dependency.name, heavy) && !rooms.contains(&name) {
                breach(format!(
                    "{name} may not use {}: it is for {} only",
                    dependency.name,
                    rooms.join(" and ")
                ));
            }
        }
        // Tests may look sideways and up; what is delivered may not.
        if let Some(other) = floor_of(&dependency.name).filter(|_| !dependency.for_tests)
            && other >= floor
        {
            breach(format!(
                "{name} (floor {floor}) may not use {} (floor {other})",
                dependency.name
            ));
        }
    }
}

fn floor_of(name: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(package, _)| *package == name)
        .map(|(_, floor)| *floor)
}

fn is_or_belongs_to(name: &str, heavy: &str) -> bool {
    name.strip_prefix(heavy)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

struct Dependency {
    name: String,
    for_tests: bool,
}

/// All dependencies of a manifest, those for certain platforms included, under their true names.
fn dependencies(manifest: &Table) -> Vec<Dependency> {
    let platforms = manifest
        .get("target")
        .and_then(Value::as_table)
        .into_iter()
        .flat_map(Table::values);
    let tables = std::iter::once(manifest).chain(platforms.filter_map(Value::as_table));
    let mut found = Vec::new();
    for table in tables {
        for (kind, for_tests) in [
            ("dependencies", false),
            ("build-dependencies", false),
            ("dev-dependencies", true),
        ] {
            for (key, value) in table.get(kind).and_then(Value::as_table).into_iter().flatten() {
                let name = value.get("package").and_then(Value::as_str).unwrap_or(key);
                found.push(Dependency {
                    name: name.to_owned(),
                    for_tests,
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    fn said(name: &str, rest: &str) -> Vec<String> {
        let text = format!("[package]\nname = {name:?}\n[lints]\nworkspace = true\n{rest}");
        check(&[source("crates/x/Cargo.toml", &text)])
            .unwrap()
            .into_iter()
            .map(|breach| breach.what)
            .collect()
    }

    #[test]
    fn arrows_point_down() {
        assert_eq!(
            said("devctl-spec", "[dependencies]\ndevctl-model.workspace = true"),
            [""; 0]
        );
        assert_eq!(
            said("devctl-cli", "[dependencies]\ndevctl-core.workspace = true"),
            [""; 0]
        );
        let sideways = said("devctl-spec", "[dependencies]\ndevctl-engine.workspace = true");
        assert_eq!(
            sideways,
            ["devctl-spec (floor 1) may not use devctl-engine (floor 1)"]
        );
        let up = said(
            "devctl-model",
            "[build-dependencies]\ncore = { package = \"devctl-core\", path = \"x\" }",
        );
        assert_eq!(up, ["devctl-model (floor 0) may not use devctl-core (floor 2)"]);
        assert_eq!(
            said(
                "devctl-spec",
                "[dev-dependencies]\ndevctl-testkit.workspace = true"
            ),
            [""; 0]
        );
    }

    #[test]
    fn heavy_dependencies_stay_in_their_rooms() {
        assert_eq!(
            said("devctl-engine", "[dependencies]\nbollard.workspace = true"),
            [""; 0]
        );
        let elsewhere = said(
            "devctl-core",
            "[target.'cfg(unix)'.dependencies]\ntauri-plugin-log = \"2\"",
        );
        assert_eq!(
            elsewhere,
            [
                "devctl-core may not use tauri-plugin-log: it is for devctl-desktop and dev-container-launcher only"
            ]
        );
        assert_eq!(
            said("devctl-core", "[dev-dependencies]\nrusqlite = \"0\"").len(),
            1,
            "in tests neither"
        );
        assert_eq!(said("devctl-core", "[dependencies]\ntaurine = \"1\""), [""; 0]);
    }

    #[test]
    fn a_package_without_floor_or_lints_is_named() {
        assert!(said("devctl-new", "")[0].contains("devctl-new has no floor"));
        let bare = source("Cargo.toml", "[package]\nname = \"xtask\"");
        assert!(check(&[bare]).unwrap()[0].what.contains("lints"));
        assert_eq!(
            check(&[source("Cargo.toml", "[workspace]\nmembers = []")]).unwrap(),
            []
        );
    }
}
