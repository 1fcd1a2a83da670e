//! Aligned tables that fit the terminal.

use super::text::{Cut, columns, fit};
use super::{Palette, STRONG};
use anstyle::Style;

const GAP: usize = 2;
/// No column gets narrower than this.
const NARROWEST: usize = 8;

/// A column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    title: &'static str,
    cut: Option<Cut>,
}

impl Column {
    /// A column that is always shown in full.
    pub(crate) const fn full(title: &'static str) -> Self {
        Self { title, cut: None }
    }

    /// A column that gives way when the terminal is narrow.
    pub(crate) const fn giving(title: &'static str, cut: Cut) -> Self {
        Self {
            title,
            cut: Some(cut),
        }
    }
}

/// A cell.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// Text in a style.
    pub(crate) fn painted(text: impl Into<String>, style: Style) -> Self {
        Self {
            text: text.into(),
            style,
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::painted(text, Style::new())
    }
}

/// The table as text, without a line end. In at most `limit` columns where there is a limit.
pub(crate) fn render(heads: &[Column], rows: &[Vec<Cell>], limit: Option<usize>, palette: Palette) -> String {
    let mut widths: Vec<usize> = heads
        .iter()
        .enumerate()
        .map(|(index, head)| {
            let cells = rows
                .iter()
                .filter_map(|row| row.get(index))
                .map(|cell| columns(&cell.text));
            cells.chain([columns(head.title)]).max().unwrap_or(0)
        })
        .collect();
    if let Some(limit) = limit {
        shrink(heads, &mut widths, limit);
    }
    let titles: Vec<Cell> = heads
        .iter()
        .map(|head| Cell::painted(head.title, STRONG))
        .collect();
    let lines: Vec<String> = std::iter::once(&titles)
        .chain(rows)
        .map(|row| line(heads, row, &widths, palette))
        .collect();
    lines.join("\n")
}

/// Takes columns from the widest that can give way, until the table fits or none can give any more.
fn shrink(heads: &[Column], widths: &mut [usize], limit: usize) {
    let gaps = GAP * heads.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > limit {
        let widest = (0..heads.len())
            .filter(|index| heads[*index].cut.is_some() && widths[*index] > NARROWEST)
            .max_by_key(|index| widths[*index]);
        match widest {
            Some(index) => widths[index] -= 1,
            None => return,
        }
    }
}

fn line(heads: &[Column], row: &[Cell], widths: &[usize], palette: Palette) -> String {
    let mut line = String::new();
    let mut owed = 0;
    for ((head, cell), width) in heads.iter().zip(row).zip(widths) {
        let text = fit(&cell.text, *width, head.cut.unwrap_or(Cut::End));
        // Blanks are written before the next text only, so that no line ends in blanks.
        if !text.is_empty() {
            line.extend(std::iter::repeat_n(' ', owed));
            owed = 0;
            line.push_str(&palette.paint(cell.style, &text));
        }
        owed += width - columns(&text) + GAP;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADS: [Column; 3] = [
        Column::full("NAME"),
        Column::giving("WORKSPACE", Cut::Start),
        Column::full("STATE"),
    ];

    #[test]
    fn columns_are_aligned_by_what_they_show() {
        let rows = [
            vec!["größe".into(), "/a".into(), "running".into()],
            vec!["目".into(), "".into(), "stopped".into()],
        ];
        assert_eq!(
            render(&HEADS, &rows, None, Palette::new(false)),
            "NAME   WORKSPACE  STATE\ngröße  /a         running\n目                stopped"
        );
    }

    #[test]
    fn only_columns_that_may_give_way_do() {
        let rows = [vec![
            "a-rather-long-name".into(),
            "/home/somebody/projects/hello".into(),
            "running".into(),
        ]];
        let shown = render(&HEADS, &rows, Some(45), Palette::new(false));
        assert_eq!(
            shown.lines().last().unwrap(),
            "a-rather-long-name  …/projects/hello  running"
        );
        let shown = render(&HEADS, &rows, Some(10), Palette::new(false));
        assert!(shown.contains("a-rather-long-name  …s/hello  running"), "{shown}");
        let shown = render(&HEADS, &rows, None, Palette::new(false));
        assert!(shown.contains("/home/somebody/projects/hello"));
    }

    #[test]
    fn colour_takes_no_place() {
        let rows = [vec![Cell::painted("a", STRONG), "b".into(), "c".into()]];
        let painted = render(&HEADS, &rows, None, Palette::new(true));
        assert!(
            painted.ends_with("\u{1b}[1ma\u{1b}[0m     b          c"),
            "{painted:?}"
        );
    }
}
