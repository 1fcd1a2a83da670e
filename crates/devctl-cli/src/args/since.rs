//! A point in time on the command line.

use std::str::FromStr;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

/// A point in time, given as RFC 3339 or as a time span before now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// That moment.
    At(OffsetDateTime),
    /// So long before now.
    Ago(Duration),
}

impl Since {
    /// The moment as RFC 3339 in UTC, seen from `now`. None when it lies outside of what can be written.
    pub(crate) fn rfc3339(self, now: OffsetDateTime) -> Option<String> {
        let moment = match self {
            Self::At(moment) => moment,
            Self::Ago(span) => now.checked_sub(span)?,
        };
        moment.to_offset(time::UtcOffset::UTC).format(&Rfc3339).ok()
    }
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(moment) = OffsetDateTime::parse(text, &Rfc3339) {
            return Ok(Self::At(moment));
        }
        let unknown =
            || "it is neither a time (2026-01-31T12:00:00Z) nor a span (90s, 10m, 2h, 3d)".to_owned();
        let unit = text.chars().next_back().ok_or_else(unknown)?;
        let number = text[..text.len() - unit.len_utf8()]
            .parse::<u32>()
            .map_err(|_| unknown())?;
        let seconds_each = match unit {
            's' => 1,
            'm' => 60,
            'h' => 60 * 60,
            'd' => 24 * 60 * 60,
            _ => return Err(unknown()),
        };
        Ok(Self::Ago(Duration::seconds(i64::from(number) * seconds_each)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn a_span_is_counted_back_from_now() {
        let now = datetime!(2026-03-01 00:10:00 UTC);
        let since: Since = "15m".parse().unwrap();
        assert_eq!(since.rfc3339(now).as_deref(), Some("2026-02-28T23:55:00Z"));
        let since: Since = "2d".parse().unwrap();
        assert_eq!(since.rfc3339(now).as_deref(), Some("2026-02-27T00:10:00Z"));
    }

    #[test]
    fn a_moment_is_written_in_utc() {
        let since: Since = "2026-03-01T02:10:00+02:00".parse().unwrap();
        assert_eq!(
            since.rfc3339(datetime!(2020-01-01 00:00 UTC)).as_deref(),
            Some("2026-03-01T00:10:00Z")
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "m", "10", "-5m", "5w", "5é", "yesterday"] {
            assert!(text.parse::<Since>().is_err(), "{text:?}");
        }
    }
}
