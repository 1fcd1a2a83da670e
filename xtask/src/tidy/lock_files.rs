//! Dependencies come from the public registries, whatever mirror the author's machine uses.

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{Breach, Source};

const CRATES: &str = "registry+https://github.com/rust-lang/crates.io-index";
const NPM: &str = "https://registry.npmjs.org/";

pub(super) fn check(sources: &[Source]) -> Result<Vec<Breach>> {
    let mut breaches = Vec::new();
    for source in sources {
        if source.is_called("Cargo.lock") {
            breaches.extend(foreign_crates(source));
        } else if source.is_called("package-lock.json") {
            let document: Value = serde_json::from_str(&source.text)
                .with_context(|| format!("cannot read {}", source.path.display()))?;
            breaches.extend(foreign_packages(source, &document));
        } else if source.is_called(".npmrc") {
            breaches.extend(numbered(source, |line| {
                line.contains("registry=") || line.contains("registry =")
            }));
        }
    }
    Ok(breaches)
}

fn foreign_crates(source: &Source) -> Vec<Breach> {
    numbered(source, |line| {
        line.strip_prefix("source = ")
            .is_some_and(|from| from.trim_matches('"') != CRATES)
    })
}

fn foreign_packages(source: &Source, document: &Value) -> Vec<Breach> {
    let packages = document.get("packages").and_then(Value::as_object);
    let resolved = packages.into_iter().flatten().filter_map(|(name, package)| {
        let from = package.get("resolved").and_then(Value::as_str)?;
        (!from.starts_with(NPM)).then(|| format!("{name} comes from {from}, not from {NPM}"))
    });
    resolved.map(|what| Breach::new(&source.path, 0, what)).collect()
}

fn numbered(source: &Source, is_foreign: impl Fn(&str) -> bool) -> Vec<Breach> {
    let lines = source
        .text
        .lines()
        .enumerate()
        .filter(|(_, line)| is_foreign(line));
    lines
        .map(|(index, line)| {
            Breach::new(
                &source.path,
                index + 1,
                format!("not a public registry: {}", line.trim()),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    fn said(path: &str, text: &str) -> usize {
        check(&[source(path, text)]).unwrap().len()
    }

    #[test]
    fn only_public_registries() {
        assert_eq!(said("Cargo.lock", &format!("source = \"{CRATES}\"\n")), 0);
        assert_eq!(
            said(
                "Cargo.lock",
                "source = \"registry+https://mirror.example/index\"\n"
            ),
            1
        );
        assert_eq!(
            said("Cargo.lock", "source = \"git+https://github.com/a/b#c\"\n"),
            1
        );
        let lock = |host: &str| format!(r#"{{"packages":{{"":{{}},"a":{{"resolved":"{host}/a.tgz"}}}}}}"#);
        assert_eq!(
            said("ui/package-lock.json", &lock("https://registry.npmjs.org")),
            0
        );
        assert_eq!(said("ui/package-lock.json", &lock("https://mirror.example")), 1);
        assert_eq!(
            said("ui/package-lock.json", r#"{"packages":{"a":{"version":"1"}}}"#),
            0
        );
        assert_eq!(said("ui/.npmrc", "registry=https://mirror.example\n"), 1);
        assert_eq!(said("ui/.npmrc", "save-exact=true\n"), 0);
    }
}
