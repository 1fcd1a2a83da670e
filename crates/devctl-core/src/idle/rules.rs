//! When a container is stopped for idleness: the settings, and the hours of the week in which nothing is stopped.

use super::from_seconds;
use super::record::Record;
use crate::config::LocalTime;
use std::time::{Duration, SystemTime};

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY: u16 = 24 * 60;

/// What counts for all containers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rules {
    /// Minutes of idleness after which a container is stopped; 0 is never.
    pub(crate) after_minutes: u32,
    /// So long before a stop it is announced.
    pub(crate) grace: Duration,
    /// Hours of the week in which nothing is stopped.
    pub(crate) awake: Vec<Hours>,
    /// A container whose processors are busier is not idle, in percent of one.
    pub(crate) cpu_percent: Option<u32>,
}

/// Some hours of some days of a week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hours {
    /// The days on which they begin, Monday first.
    days: [bool; 7],
    /// Minutes of the day; where the end is not after the beginning, it is on the next day.
    from: u16,
    to: u16,
}

/// Whether a container is idle, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Stopped,
    InUse,
    KeptAwake {
        since: Option<SystemTime>,
    },
    AwakeHours {
        since: Option<SystemTime>,
    },
    /// Idle since then; due to be stopped then, if ever.
    Idle {
        since: SystemTime,
        due: Option<SystemTime>,
    },
}

impl Rules {
    /// Minutes of idleness after which a container is stopped; none where it never is.
    pub(super) fn after(&self, record: &Record) -> Option<u32> {
        let minutes = record.stop_after_minutes.unwrap_or(self.after_minutes);
        (minutes > 0).then_some(minutes)
    }

    /// Judges a container that nobody has used since then.
    pub(super) fn judge(
        &self,
        record: &Record,
        since: SystemTime,
        now: SystemTime,
        local: fn(SystemTime) -> LocalTime,
    ) -> Verdict {
        // A use in the future is one of a clock that was wrong then: it may have been a moment ago.
        let since = since.min(now);
        if record.awake_until.is_some_and(|until| from_seconds(until) > now) {
            return Verdict::KeptAwake { since: Some(since) };
        }
        if self.awake.iter().any(|hours| hours.contain(local(now))) {
            return Verdict::AwakeHours { since: Some(since) };
        }
        let after = self.after(record);
        let due = after.map(|minutes| since + Duration::from_secs(u64::from(minutes) * 60));
        Verdict::Idle { since, due }
    }
}

impl Hours {
    fn contain(&self, at: LocalTime) -> bool {
        let (day, minute) = (usize::from(at.weekday) % 7, at.minute);
        if self.from < self.to {
            return self.days[day] && (self.from..self.to).contains(&minute);
        }
        let yesterday = (day + 6) % 7;
        (self.days[day] && minute >= self.from) || (self.days[yesterday] && minute < self.to)
    }
}

/// Reads `mon-fri 08:00-18:00, sat 10:00-14:00`; nothing is no hours.
pub(crate) fn parse_week(text: &str) -> Option<Vec<Hours>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(Vec::new());
    }
    text.split(',').map(|part| parse_hours(part.trim())).collect()
}

fn parse_hours(text: &str) -> Option<Hours> {
    let (days, hours) = text.split_once(char::is_whitespace)?;
    let day = |name: &str| {
        let name = name.to_ascii_lowercase();
        DAYS.iter().position(|known| *known == name)
    };
    let mut on = [false; 7];
    match days.split_once('-') {
        Some((first, last)) => {
            let (mut at, last) = (day(first)?, day(last)?);
            // Around the week's end: sat-mon.
            while at != last {
                on[at] = true;
                at = (at + 1) % 7;
            }
            on[last] = true;
        }
        None if days.eq_ignore_ascii_case("daily") => on = [true; 7],
        None => on[day(days)?] = true,
    }
    let (from, to) = hours.trim().split_once('-')?;
    let (from, to) = (minute(from.trim())?, minute(to.trim())?);
    // 24:00 is the end of a day, and begins none.
    (from < DAY && from != to).then_some(Hours { days: on, from, to })
}

/// Reads `08:30`, to 24:00.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hours) || !digits(minutes) {
        return None;
    }
    let (hours, minutes) = (hours.parse::<u16>().ok()?, minutes.parse::<u16>().ok()?);
    let at = hours * 60 + minutes;
    (minutes < 60 && at <= DAY).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(weekday: u8, hour: u16, minute: u16) -> LocalTime {
        LocalTime {
            weekday,
            minute: hour * 60 + minute,
        }
    }

    fn is_awake(text: &str, at: LocalTime) -> bool {
        parse_week(text).unwrap().iter().any(|hours| hours.contain(at))
    }

    #[test]
    fn hours_of_the_week_are_read() {
        let week = "mon-fri 08:00-18:00, Sat 10:00-14:00";
        assert!(is_awake(week, at(0, 8, 0)));
        assert!(is_awake(week, at(4, 17, 59)));
        assert!(!is_awake(week, at(4, 18, 0)));
        assert!(is_awake(week, at(5, 13, 0)));
        assert!(!is_awake(week, at(6, 13, 0)));
        assert!(!is_awake("", at(0, 8, 0)));
        let night = "fri 22:00-06:00";
        assert!(is_awake(night, at(4, 23, 0)));
        assert!(is_awake(night, at(5, 5, 59)));
        assert!(!is_awake(night, at(4, 5, 0)));
        assert!(!is_awake(night, at(5, 6, 0)));
        assert!(is_awake("sun-mon 00:00-24:00", at(6, 23, 59)));
        assert!(is_awake("daily 09:00-10:00", at(3, 9, 0)));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "mon",
            "mon 8:00-18:00",
            "mon 08:00",
            "mon 25:00-26:00",
            "mon 08:60-09:00",
            "xxx 08:00-09:00",
            "mon 08:00-08:00",
            "mon 24:00-08:00",
            "mon-xyz 08:00-09:00",
            "mon 08:00-09:00,",
            ",",
        ] {
            assert_eq!(parse_week(text), None, "{text}");
        }
    }

    fn never(_: SystemTime) -> LocalTime {
        at(0, 12, 0)
    }

    #[test]
    fn it_is_due_after_its_own_minutes_or_those_of_all() {
        let rules = Rules {
            after_minutes: 30,
            grace: Duration::from_secs(60),
            awake: Vec::new(),
            cpu_percent: None,
        };
        let (since, now) = (from_seconds(1000), from_seconds(2000));
        let due = |record: &Record| match rules.judge(record, since, now, never) {
            Verdict::Idle { due, .. } => due,
            other => panic!("{other:?}"),
        };
        assert_eq!(due(&Record::default()), Some(from_seconds(1000 + 1800)));
        let own = Record {
            stop_after_minutes: Some(1),
            ..Record::default()
        };
        assert_eq!(due(&own), Some(from_seconds(1060)));
        let exempt = Record {
            stop_after_minutes: Some(0),
            ..Record::default()
        };
        assert_eq!(due(&exempt), None);
        let kept = Record {
            awake_until: Some(2001),
            ..Record::default()
        };
        assert_eq!(
            rules.judge(&kept, since, now, never),
            Verdict::KeptAwake { since: Some(since) }
        );
        let over = Record {
            awake_until: Some(2000),
            ..Record::default()
        };
        assert!(matches!(
            rules.judge(&over, since, now, never),
            Verdict::Idle { .. }
        ));
        // A clock that went back does not make anything due.
        assert_eq!(
            rules.judge(&own, from_seconds(9000), now, never),
            Verdict::Idle {
                since: now,
                due: Some(from_seconds(2060))
            }
        );
    }
}
