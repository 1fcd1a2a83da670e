//! The table in docs/conformance.md.

use std::path::Path;

use crate::reference::VERSION;

const BEGIN: &str = "<!-- generated: conformance table -->\n";
const END: &str = "<!-- end of generated -->\n";

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) lane: &'static str,
    pub(crate) inputs: usize,
    pub(crate) equal: usize,
}

/// Fails when the committed table is not what was measured; `UPDATE_GENERATED=1` rewrites it.
pub(crate) fn check(rows: &[Row]) {
    let mut table = format!(
        "| lane (reference: `@devcontainers/cli` {VERSION}) | inputs | equal |\n| --- | --- | --- |\n"
    );
    for row in rows {
        table.push_str(&format!("| {} | {} | {} |\n", row.lane, row.inputs, row.equal));
    }
    let (inputs, equal) = rows.iter().fold((0, 0), |(inputs, equal), row| {
        (inputs + row.inputs, equal + row.equal)
    });
    table.push_str(&format!("| all | {inputs} | {equal} |\n"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text
        .split_once(BEGIN)
        .expect("the page has a place for the table");
    let (committed, after) = rest.split_once(END).expect("the place ends");
    if committed == table {
        return;
    }
    if std::env::var("UPDATE_GENERATED").is_ok_and(|value| value == "1") {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    panic!("docs/conformance.md is stale; run with UPDATE_GENERATED=1. Measured:\n{table}");
}
