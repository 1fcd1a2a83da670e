//! The table at the end: what ran, what did not and why, and how long it took.

/// One row of the table.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: &'static str,
    pub(super) result: Result,
    pub(super) seconds: f64,
}

/// How a step ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Result {
    Passed,
    /// It could not run on this machine, which is not its fault.
    Skipped(String),
    Failed(String),
    /// It did not run, because this earlier step did not pass.
    Lacking(&'static str),
}

impl Result {
    /// Whether the whole may still be green.
    pub(super) fn is_good(&self) -> bool {
        matches!(self, Self::Passed | Self::Skipped(_))
    }
}

/// The lines of the table.
pub(super) fn table(entries: &[Entry]) -> Vec<String> {
    let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
    let mut lines: Vec<String> = entries
        .iter()
        .map(|entry| {
            let (word, why) = match &entry.result {
                Result::Passed => ("passed", String::new()),
                Result::Skipped(why) => ("SKIPPED", why.clone()),
                // The whole message stands where it happened.
                Result::Failed(why) => ("FAILED", why.lines().next().unwrap_or_default().to_owned()),
                Result::Lacking(step) => ("NOT RUN", format!("{step} did not pass")),
            };
            format!(
                "  {:<width$}  {word:<8}{:>8.1} s  {why}",
                entry.name, entry.seconds
            )
            .trim_end()
            .to_owned()
        })
        .collect();
    let all: f64 = entries.iter().map(|entry| entry.seconds).sum();
    lines.push(format!("  {:<width$}  {:<8}{all:>8.1} s", "in all", ""));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_has_its_line_and_its_reason() {
        let entries = [
            Entry {
                name: "tidy",
                result: Result::Passed,
                seconds: 0.26,
            },
            Entry {
                name: "advisories",
                result: Result::Skipped("no net".into()),
                seconds: 2.0,
            },
            Entry {
                name: "rust",
                result: Result::Failed("3 tests\nmore".into()),
                seconds: 61.0,
            },
            Entry {
                name: "window",
                result: Result::Lacking("rust"),
                seconds: 0.0,
            },
        ];
        assert_eq!(
            table(&entries),
            [
                "  tidy        passed       0.3 s",
                "  advisories  SKIPPED      2.0 s  no net",
                "  rust        FAILED      61.0 s  3 tests",
                "  window      NOT RUN      0.0 s  rust did not pass",
                "  in all                  63.3 s",
            ]
        );
    }
}
