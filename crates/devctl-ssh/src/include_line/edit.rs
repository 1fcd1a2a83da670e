use std::fmt::Write as _;
use std::path::Path;

use super::{SshDir, SshError, quoting};
use crate::client_config::Platform;
use crate::config_reader::words;

/// Lines of context around a change in a diff.
const CONTEXT: usize = 3;

/// The ways to write our line: the one that we write, and those that a person may have written.
pub(super) struct Forms {
    canonical: String,
    targets: Vec<String>,
}

impl Forms {
    pub(super) fn new(user_config: &Path, dir: &SshDir) -> Result<Self, SshError> {
        let config = dir.config();
        let is_beside = user_config
            .parent()
            .is_some_and(|ssh| dir.path() == ssh.join("devctl"));
        let in_ssh_dir = is_beside && user_config.parent().is_some_and(|ssh| ssh.ends_with(".ssh"));
        let canonical = match quoting::include_value(&config, Platform::current()) {
            Ok(value) => value,
            // A relative name counts from ~/.ssh, whatever the home directory is called.
            Err(SshError::Unquotable { .. }) if in_ssh_dir => "devctl/config".to_owned(),
            Err(error) => return Err(error),
        };
        let mut targets = vec![canonical.clone(), config.display().to_string()];
        if is_beside {
            for name in ["devctl/config", "~/.ssh/devctl/config"] {
                targets.extend([name.to_owned(), format!("\"{name}\"")]);
            }
        }
        Ok(Self {
            canonical: format!("Include {canonical}"),
            targets,
        })
    }

    pub(super) fn canonical(&self) -> &str {
        &self.canonical
    }

    fn is_ours(&self, line: &[u8]) -> bool {
        let Some((keyword, value)) = keyword_and_value(line) else {
            return false;
        };
        keyword == "include" && self.targets.iter().any(|target| *target == value)
    }
}

/// Where our line was found.
pub(super) struct Found {
    /// From 1.
    pub(super) line: usize,
    /// After a `Host` or `Match` line.
    pub(super) inside_block: bool,
}

/// The first line that is ours.
pub(super) fn find(content: &[u8], forms: &Forms) -> Option<Found> {
    let mut inside_block = false;
    for (index, line) in lines(content).enumerate() {
        if forms.is_ours(line) {
            return Some(Found {
                line: index + 1,
                inside_block,
            });
        }
        inside_block |= opens_block(line);
    }
    None
}

/// The hosts that the file names without a pattern, each once.
pub(super) fn named_hosts(content: &[u8]) -> Vec<String> {
    let mut hosts = Vec::new();
    for line in lines(content) {
        let Some((keyword, value)) = keyword_and_value(line) else {
            continue;
        };
        if keyword != "host" {
            continue;
        }
        for name in value.split_whitespace().map(|name| name.trim_matches('"')) {
            let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
            let is_name = !name.is_empty() && !name.starts_with('-') && name.chars().all(plain);
            if is_name && !hosts.iter().any(|known| known == name) {
                hosts.push(name.to_owned());
            }
        }
    }
    hosts
}

/// A change, line by line.
pub(super) struct Edit<'a> {
    steps: Vec<(Step, &'a [u8])>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Keep,
    Add,
    Remove,
}

impl<'a> Edit<'a> {
    pub(super) fn nothing(content: &'a [u8]) -> Self {
        Self {
            steps: lines(content).map(|line| (Step::Keep, line)).collect(),
        }
    }

    pub(super) fn take_out(content: &'a [u8], forms: &Forms) -> Self {
        let step = |line: &[u8]| {
            if forms.is_ours(line) {
                Step::Remove
            } else {
                Step::Keep
            }
        };
        Self {
            steps: lines(content).map(|line| (step(line), line)).collect(),
        }
    }

    /// Our line first, with the line end of the file.
    pub(super) fn put_on_top(content: &'a [u8], forms: &'a Forms) -> Self {
        let mut edit = Self::take_out(content, forms);
        let crlf = lines(content)
            .next()
            .is_some_and(|first| first.ends_with(b"\r\n"));
        let line_end: &[u8] = if crlf { b"\r\n" } else { b"\n" };
        edit.steps.splice(
            0..0,
            [(Step::Add, forms.canonical.as_bytes()), (Step::Add, line_end)],
        );
        edit
    }

    pub(super) fn after(&self) -> Vec<u8> {
        let kept = self.steps.iter().filter(|(step, _)| *step != Step::Remove);
        kept.flat_map(|(_, bytes)| bytes.iter().copied()).collect()
    }

    /// A unified diff. The added line and its line end are two steps of one line.
    pub(super) fn diff(&self, path: &Path) -> String {
        let mut rows: Vec<(Step, String)> = Vec::new();
        for (step, bytes) in &self.steps {
            let is_line_end = *step == Step::Add && matches!(*bytes, b"\n" | b"\r\n");
            if !is_line_end {
                rows.push((*step, shown(bytes, *step == Step::Add)));
            }
        }
        let is_near = |index: usize| {
            let near = index.saturating_sub(CONTEXT)..(index + CONTEXT + 1).min(rows.len());
            rows.get(near)
                .is_some_and(|rows| rows.iter().any(|(step, _)| *step != Step::Keep))
        };
        if !rows.iter().any(|(step, _)| *step != Step::Keep) {
            return String::new();
        }
        let mut text = format!("--- {0}\n+++ {0}\n", path.display());
        let (mut old_line, mut new_line, mut index) = (1usize, 1usize, 0usize);
        while index < rows.len() {
            if !is_near(index) {
                (old_line, new_line, index) = (old_line + 1, new_line + 1, index + 1);
                continue;
            }
            let length = (index..rows.len()).take_while(|at| is_near(*at)).count();
            let hunk = rows.get(index..index + length).unwrap_or_default();
            let old = hunk.iter().filter(|(step, _)| *step != Step::Add).count();
            let new = hunk.iter().filter(|(step, _)| *step != Step::Remove).count();
            // An empty side is numbered by the line before it.
            let start = |line: usize, count: usize| if count == 0 { line - 1 } else { line };
            // Cannot fail: a String takes everything.
            let _ = writeln!(
                text,
                "@@ -{},{old} +{},{new} @@",
                start(old_line, old),
                start(new_line, new)
            );
            for (step, row) in hunk {
                let sign = match step {
                    Step::Keep => ' ',
                    Step::Add => '+',
                    Step::Remove => '-',
                };
                let _ = writeln!(text, "{sign}{row}");
            }
            (old_line, new_line, index) = (old_line + old, new_line + new, index + length);
        }
        text
    }
}

/// A line for a person: without its end, and without what a terminal would act on.
fn shown(line: &[u8], is_whole: bool) -> String {
    let text = String::from_utf8_lossy(line);
    let body = text.trim_end_matches(['\r', '\n']);
    let mut row: String = body
        .chars()
        .map(|c| {
            if c.is_control() && c != '\t' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect();
    if !is_whole && !line.ends_with(b"\n") {
        row.push_str("\n\\ No newline at end of file");
    }
    row
}

/// The lines with their ends.
fn lines(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    content.split_inclusive(|byte| *byte == b'\n')
}

fn opens_block(line: &[u8]) -> bool {
    keyword_and_value(line).is_some_and(|(keyword, _)| matches!(keyword.as_str(), "host" | "match"))
}

/// The keyword in small letters and the value; nothing for comments, empty lines and what is not UTF-8.
fn keyword_and_value(line: &[u8]) -> Option<(String, &str)> {
    words::keyword_and_value(std::str::from_utf8(line).ok()?)
}
