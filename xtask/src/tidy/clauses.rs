//! Rules about what stands in a source file: exceptions give their reason, and the inner floors are told the time
//! and the environment instead of asking for them.

use super::{Breach, Source};

/// Crates that read no clock, no environment and no home directory by themselves.
const TOLD_EVERYTHING: [&str; 9] = [
    "devctl-model",
    "devctl-files",
    "devctl-agent-protocol",
    "devctl-spec",
    "devctl-engine",
    "devctl-ssh",
    "devctl-secrets",
    "devctl-store",
    "devctl-core",
];

/// What reads them. A monotonic clock measures durations and is no time of day.
const READS: [&str; 6] = [
    "SystemTime::now",
    "UtcDateTime::now",
    "OffsetDateTime::now",
    "env::var",
    "env::home_dir",
    "dirs::",
];

pub(super) fn check(sources: &[Source]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for source in sources {
        if source.has_extension(&["rs"]) {
            breaches.extend(exceptions_without_reason(source));
            if TOLD_EVERYTHING.iter().any(|name| is_product_of(source, name)) {
                breaches.extend(reads_of_surroundings(source));
            }
        }
        if source.has_extension(&["ts", "tsx"]) {
            breaches.extend(silenced_without_reason(source));
        }
    }
    breaches
}

/// The crate's own code, neither its tests nor its build programs.
fn is_product_of(source: &Source, name: &str) -> bool {
    let inside = format!("crates/{name}/src");
    let in_product = source.path.starts_with(&inside) && !source.path.starts_with(format!("{inside}/bin"));
    let for_tests = ["tests", "tests.rs", "testing", "testing.rs"];
    in_product
        && !source
            .path
            .iter()
            .any(|part| for_tests.iter().any(|name| part == *name))
}

/// `#[allow(…)]` and `#[expect(…)]` without `reason`.
fn exceptions_without_reason(source: &Source) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in source.text.lines().enumerate() {
        let begins = ["#[allow(", "#![allow(", "#[expect(", "#![expect("];
        if open.is_none() && begins.iter().any(|begin| line.trim_start().starts_with(begin)) {
            open = Some((index + 1, String::new()));
        }
        let Some((number, clause)) = &mut open else {
            continue;
        };
        clause.push_str(line);
        if line.trim_end().ends_with(")]") {
            if !clause.contains("reason") {
                let what = "an exception from a lint gives its reason: `reason = \"…\"`";
                breaches.push(Breach::new(&source.path, *number, what));
            }
            open = None;
        }
    }
    breaches
}

fn reads_of_surroundings(source: &Source) -> impl Iterator<Item = Breach> {
    let code = source
        .product_lines()
        .filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.filter_map(|(number, line)| {
        let found = READS.iter().find(|read| line.contains(*read))?;
        let what = format!("`{found}` here: time, environment and home are passed in");
        Some(Breach::new(&source.path, number, what))
    })
}

/// A check of the interface that is silenced without ` -- why` and without a comment on the line above.
fn silenced_without_reason(source: &Source) -> Vec<Breach> {
    let silencers = [
        "oxlint-disable",
        "eslint-disable",
        "@ts-ignore",
        "@ts-expect-error",
        "@ts-nocheck",
    ];
    let mut breaches = Vec::new();
    let mut above = "";
    for (index, line) in source.text.lines().map(str::trim).enumerate() {
        let silences = silencers.iter().any(|word| line.contains(word));
        let explained =
            line.contains(" -- ") || ["//", "*", "{/*"].iter().any(|begin| above.starts_with(begin));
        if silences && !explained {
            let what = "a silenced check gives its reason: ` -- why`, or a comment above";
            breaches.push(Breach::new(&source.path, index + 1, what));
        }
        above = line;
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;

    fn said(path: &str, text: &str) -> Vec<usize> {
        check(&[source(path, text)])
            .iter()
            .map(|breach| breach.line)
            .collect()
    }

    #[test]
    fn an_exception_gives_its_reason() {
        assert_eq!(said("a.rs", "fn a() {}\n#[allow(dead_code)]\nfn b() {}\n"), [2]);
        assert_eq!(
            said("a.rs", "#[expect(unsafe_code, reason = \"x\")]\nfn b() {}\n"),
            [0; 0]
        );
        assert_eq!(
            said(
                "a.rs",
                "#![allow(\n    dead_code,\n    reason = \"x\"\n)]\n#[allow(x)]\n"
            ),
            [5]
        );
        assert_eq!(said("a.rs", "// #[allow(dead_code)] in a comment\n"), [0; 0]);
    }

    #[test]
    fn the_inner_floors_are_told_the_time() {
        let text = "fn a() { SystemTime::now() }\n// SystemTime::now\n#[cfg(test)]\nSystemTime::now\n";
        assert_eq!(said("crates/devctl-core/src/a.rs", text), [1]);
        assert_eq!(said("crates/devctl-core/src/a/tests.rs", text), [0; 0]);
        assert_eq!(said("crates/devctl-core/tests/a.rs", text), [0; 0]);
        assert_eq!(said("crates/devctl-cli/src/a.rs", text), [0; 0]);
        assert_eq!(said("crates/devctl-ssh/src/a.rs", "std::env::var(\"HOME\")"), [1]);
    }

    #[test]
    fn a_silenced_check_gives_its_reason() {
        assert_eq!(said("a.ts", "// @ts-expect-error\n"), [1]);
        assert_eq!(
            said(
                "a.ts",
                "// oxlint-disable-next-line no-console -- the last resort\n"
            ),
            [0; 0]
        );
    }
}
