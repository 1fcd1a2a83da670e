//! The last lines of an output of any length.

use std::collections::VecDeque;

use crate::error::BuildFailure;

/// No line is kept longer than this, in bytes.
const LONGEST_LINE: usize = 4096;

/// The last lines of a text that comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    lines: VecDeque<String>,
    /// The line that has no end yet.
    open: String,
}

impl Tail {
    pub(crate) fn push(&mut self, text: &str) {
        for piece in text.split_inclusive('\n') {
            let line = piece.trim_end_matches(['\n', '\r']);
            let mut room = LONGEST_LINE.saturating_sub(self.open.len()).min(line.len());
            while !line.is_char_boundary(room) {
                room -= 1;
            }
            self.open.push_str(&line[..room]);
            if piece.ends_with('\n') {
                let line = std::mem::take(&mut self.open);
                self.lines.push_back(line);
                if self.lines.len() > BuildFailure::KEPT_LINES {
                    self.lines.pop_front();
                }
            }
        }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let open = (!self.open.is_empty()).then_some(&self.open);
        let all: Vec<_> = self.lines.iter().chain(open).cloned().collect();
        all[all.len().saturating_sub(BuildFailure::KEPT_LINES)..].to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_stay_whole() {
        let mut tail = Tail::default();
        for number in 0..100 {
            tail.push(&format!("line {number}"));
            tail.push("\r\n");
        }
        tail.push("open");
        let lines = tail.lines();
        assert_eq!(lines.len(), 20);
        assert_eq!(
            (lines[0].as_str(), lines[18].as_str(), lines[19].as_str()),
            ("line 81", "line 99", "open")
        );
    }

    #[test]
    fn a_line_without_an_end_does_not_grow() {
        let mut tail = Tail::default();
        for _ in 0..10_000 {
            tail.push("übung");
        }
        assert!(tail.lines()[0].len() <= LONGEST_LINE);
    }
}
