//! Times as texts.

use std::time::SystemTime;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A time in RFC 3339, UTC, to the millisecond.
pub(crate) fn text(at: SystemTime) -> String {
    offset_text(OffsetDateTime::from(at))
}

/// A time in RFC 3339, UTC, to the millisecond.
pub(crate) fn offset_text(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    at.replace_millisecond(at.millisecond())
        .unwrap_or(at)
        .format(&Rfc3339)
        .unwrap_or_default()
}

/// Milliseconds since 1970 in RFC 3339.
pub(crate) fn millis_text(at: i64) -> String {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000_000)
        .map(offset_text)
        .unwrap_or_default()
}

/// Seconds since 1970 in RFC 3339; the end of time for what a calendar cannot hold.
pub(crate) fn seconds_text(at: u64) -> String {
    i64::try_from(at)
        .ok()
        .and_then(|at| OffsetDateTime::from_unix_timestamp(at).ok())
        .map_or_else(|| "9999-12-31T23:59:59Z".to_owned(), offset_text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_and_sortable() {
        assert_eq!(millis_text(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
        assert_eq!(seconds_text(0), "1970-01-01T00:00:00Z");
        assert_eq!(seconds_text(u64::MAX), "9999-12-31T23:59:59Z");
    }
}
