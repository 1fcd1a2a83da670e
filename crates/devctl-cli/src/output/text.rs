//! Text that comes from elsewhere, and numbers, made fit to be shown.

use std::fmt::Write;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The text with everything that a terminal would act upon written out, so that a configuration or an image cannot
/// hide or forge a line of ours.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' => shown.push_str("    "),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            _ if character.is_control() || is_invisible(character) => {
                // Writing to a string cannot fail.
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
            }
            _ => shown.push(character),
        }
    }
    shown
}

/// Characters that change the direction of the text or take no place.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Columns that the text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// Which part of a text goes when it is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Its beginning: what tells paths apart is their end.
    Start,
    /// Its end.
    End,
}

/// The text in at most `limit` columns.
pub(crate) fn fit(text: &str, limit: usize, cut: Cut) -> String {
    if columns(text) <= limit {
        return text.to_owned();
    }
    if limit == 0 {
        return String::new();
    }
    let mut room = limit - 1;
    let mut fits = |character: &char| match room.checked_sub(character.width().unwrap_or(0)) {
        Some(rest) => {
            room = rest;
            true
        }
        None => false,
    };
    match cut {
        Cut::End => text.chars().take_while(&mut fits).chain(['…']).collect(),
        Cut::Start => {
            let mut kept: Vec<char> = text.chars().rev().take_while(&mut fits).collect();
            kept.push('…');
            kept.into_iter().rev().collect()
        }
    }
}

/// A duration of that many milliseconds, for people.
pub(crate) fn duration(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0 => format!("{milliseconds} ms"),
        1..60 => format!("{seconds}.{} s", milliseconds % 1000 / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// How long ago a moment (RFC 3339) was, or the moment itself when it cannot be read or lies ahead.
pub(crate) fn ago(moment: &str, now: OffsetDateTime) -> String {
    let Ok(then) = OffsetDateTime::parse(moment, &Rfc3339) else {
        return plain(moment);
    };
    let seconds = (now - then).whole_seconds();
    let (number, unit) = match seconds {
        ..0 => return plain(moment),
        0..60 => return "just now".to_owned(),
        60..3600 => (seconds / 60, "minute"),
        3600..86400 => (seconds / 3600, "hour"),
        _ => (seconds / 86400, "day"),
    };
    format!("{number} {unit}{} ago", if number == 1 { "" } else { "s" })
}

/// A moment (RFC 3339) to the second, or the text itself when it is none.
pub(crate) fn moment(text: &str) -> String {
    match OffsetDateTime::parse(text, &Rfc3339) {
        Ok(moment) => {
            let moment = moment.to_offset(time::UtcOffset::UTC);
            format!(
                "{} {:02}:{:02}:{:02}Z",
                moment.date(),
                moment.hour(),
                moment.minute(),
                moment.second()
            )
        }
        Err(_) => plain(text),
    }
}

/// Bytes, for people: in the units of limits and memory, which are powers of two.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [(&str, u64); 4] = [
        ("TiB", 1 << 40),
        ("GiB", 1 << 30),
        ("MiB", 1 << 20),
        ("KiB", 1 << 10),
    ];
    for (unit, size) in UNITS {
        if count >= size {
            return format!("{}.{} {unit}", count / size, count % size * 10 / size);
        }
    }
    format!("{count} B")
}

/// "1 file", "2 files".
pub(crate) fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn what_a_terminal_would_act_upon_is_written_out() {
        assert_eq!(plain("a\u{1b}[2Kb\r\nc"), "a\\u{1b}[2Kb\\r\\nc");
        assert_eq!(plain("txt.\u{202e}exe"), "txt.\\u{202e}exe");
        assert_eq!(plain("\u{9b}31m"), "\\u{9b}31m");
        assert_eq!(plain("größe 目"), "größe 目");
    }

    #[test]
    fn a_text_is_cut_by_columns_and_not_by_bytes() {
        assert_eq!(fit("/home/dev/project", 9, Cut::Start), "…/project");
        assert_eq!(fit("debian:bookworm", 7, Cut::End), "debian…");
        assert_eq!(fit("目目目", 5, Cut::End), "目目…");
        assert_eq!(fit("目目目", 4, Cut::End), "目…");
        assert_eq!(fit("abc", 3, Cut::End), "abc");
        assert_eq!(fit("abc", 0, Cut::End), "");
    }

    #[test]
    fn durations_are_short() {
        assert_eq!(duration(12), "12 ms");
        assert_eq!(duration(1250), "1.2 s");
        assert_eq!(duration(61_000), "1 min 1 s");
        assert_eq!(duration(7_320_000), "2 h 2 min");
    }

    #[test]
    fn moments_are_told_from_now() {
        let now = datetime!(2026-01-02 12:00 UTC);
        assert_eq!(ago("2026-01-02T11:59:30Z", now), "just now");
        assert_eq!(ago("2026-01-02T11:59:00Z", now), "1 minute ago");
        assert_eq!(ago("2026-01-01T11:59:00Z", now), "1 day ago");
        assert_eq!(ago("2026-01-03T00:00:00Z", now), "2026-01-03T00:00:00Z");
        assert_eq!(ago("soon", now), "soon");
    }

    #[test]
    fn moments_line_up() {
        assert_eq!(moment("2026-01-02T03:04:05.67Z"), "2026-01-02 03:04:05Z");
        assert_eq!(moment("2026-01-02T03:04:05+02:00"), "2026-01-02 01:04:05Z");
        assert_eq!(moment("soon"), "soon");
    }

    #[test]
    fn sizes_are_short() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(4_294_967_296), "4.0 GiB");
    }
}
