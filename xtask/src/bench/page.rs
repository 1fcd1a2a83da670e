//! docs/performance.md: what was found.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result};

use super::Finding;
use super::lab::Lab;
use crate::command;
use crate::workspace::Workspace;

const PAGE: &str = "docs/performance.md";
const BEGIN: &str = "<!-- generated: performance table -->\n";
const END: &str = "<!-- end of generated -->\n";

/// What was found so far.
#[derive(Debug)]
pub(super) struct Page {
    findings: Vec<Finding>,
    engine: String,
    ssh: String,
    processors: usize,
    load: [String; 2],
}

impl Page {
    pub(super) fn begin(lab: &Lab) -> Result<Self> {
        let engine = command::output(&mut lab.docker(&["version", "--format", "{{.Server.Version}}"]))?;
        // It says its version where others say their errors.
        let ssh = lab.program("ssh").arg("-V").output().context("cannot run ssh")?;
        Ok(Self {
            findings: Vec::new(),
            engine,
            ssh: String::from_utf8_lossy(&ssh.stderr)
                .split(',')
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned(),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            load: [load()?, String::new()],
        })
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    pub(super) fn end(&mut self) -> Result<()> {
        self.load[1] = load()?;
        Ok(())
    }

    /// How many bars are missed.
    pub(super) fn missed(&self) -> usize {
        self.findings.iter().filter(|finding| !finding.held).count()
    }

    /// Puts the table into the page; what people wrote around it stays.
    pub(super) fn write(&self, workspace: &Workspace) -> Result<()> {
        let path = workspace.join(PAGE);
        let old = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let new = replaced(&old, &self.table())
            .with_context(|| format!("{} has lost its marks", path.display()))?;
        fs::write(&path, new).with_context(|| format!("cannot write {}", path.display()))
    }

    fn table(&self) -> String {
        let mut text =
            "| what | bar | found | held | times here (information) |\n| --- | --- | --- | --- | --- |\n"
                .to_owned();
        for finding in &self.findings {
            // Cannot fail: a String takes everything.
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} |",
                finding.what,
                finding.bar,
                finding.found,
                if finding.held { "yes" } else { "**no**" },
                finding.here
            );
        }
        let _ = writeln!(
            text,
            "\nMeasured with Docker {}, {}, {} processors; load average {} at the beginning, {} at the end.",
            self.engine, self.ssh, self.processors, self.load[0], self.load[1]
        );
        text
    }
}

/// The finding in one line.
pub(super) fn said(finding: &Finding) -> String {
    let mark = if finding.held { "held  " } else { "MISSED" };
    format!(
        "{mark}  {} (bar {}; {})  {}",
        finding.found, finding.bar, finding.here, finding.what
    )
}

fn replaced(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{table}{END}{after}"))
}

/// How many programs want to run, averaged over the last minute.
fn load() -> Result<String> {
    let text = fs::read_to_string("/proc/loadavg").context("cannot read the load")?;
    Ok(text.split(' ').next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_table_is_replaced() {
        let page = format!("before\n{BEGIN}old\n{END}after\n");
        let once = replaced(&page, "new\n").unwrap();
        assert_eq!(once, format!("before\n{BEGIN}new\n{END}after\n"));
        assert_eq!(replaced(&once, "new\n").unwrap(), once);
        assert_eq!(replaced("a page without marks", "new\n"), None);
    }
}
