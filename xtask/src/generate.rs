//! The generated files: written, or compared with what is committed.

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::tidy::error_codes;
use crate::workspace::Workspace;
use crate::{command, report};

const FIX: &str = "fix: cargo xtask generate";

/// Writes every generated file that is not as it should be; with `check`, writes none and fails where one is stale.
pub(crate) fn generate(workspace: &Workspace, check: bool) -> Result<()> {
    report::heading("generated files");
    error_code_page(workspace, check)?;
    // A program of its own, because it needs the whole core.
    let mut generator = workspace.cargo();
    generator.args([
        "run",
        "--quiet",
        "--package",
        "xtask",
        "--features",
        "generator",
        "--bin",
        "generator",
        "--",
    ]);
    generator.arg(workspace.root()).args(check.then_some("--check"));
    command::run(&mut generator).with_context(|| {
        if check {
            format!("the generated files were not found fresh\n{FIX}")
        } else {
            "the generated files were not written".to_owned()
        }
    })
}

fn error_code_page(workspace: &Workspace, check: bool) -> Result<()> {
    let declarations = workspace.join(error_codes::DECLARATIONS);
    let declarations = fs::read_to_string(&declarations)
        .with_context(|| format!("cannot read {}", declarations.display()))?;
    let wanted = error_codes::page(&declarations);
    let page = workspace.join(error_codes::PAGE);
    if fs::read_to_string(&page).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    if check {
        bail!("{} is stale\n{FIX}", error_codes::PAGE);
    }
    fs::write(&page, wanted).with_context(|| format!("cannot write {}", page.display()))?;
    report::note(format!("wrote {}", error_codes::PAGE));
    Ok(())
}
