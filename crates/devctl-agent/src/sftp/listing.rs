//! The line of `ls -l` that version 3 sends with each name; the `sftp` command prints it as it is.

use std::os::unix::fs::MetadataExt as _;

use std::fs::Metadata;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const DAY: i64 = 24 * 60 * 60;

/// The line, with numeric ids and the time in UTC: the agent knows neither names nor time zones.
pub(super) fn long_name(name: &[u8], metadata: &Metadata, now: i64) -> Vec<u8> {
    let mut line = format!(
        "{} {:>4} {:<8} {:<8} {:>8} {} ",
        mode_string(metadata.mode()),
        metadata.nlink(),
        metadata.uid(),
        metadata.gid(),
        metadata.size(),
        time_string(metadata.mtime(), now)
    )
    .into_bytes();
    line.extend_from_slice(name);
    line
}

fn mode_string(mode: u32) -> String {
    let kind = match mode & 0o170_000 {
        0o040_000 => 'd',
        0o120_000 => 'l',
        0o060_000 => 'b',
        0o020_000 => 'c',
        0o010_000 => 'p',
        0o140_000 => 's',
        _ => '-',
    };
    let execute = |shift: u32, special: u32, letter: char| match (mode >> shift & 1, mode & special != 0) {
        (1, false) => 'x',
        (1, true) => letter.to_ascii_lowercase(),
        (_, true) => letter,
        _ => '-',
    };
    let mut text = String::from(kind);
    for (shift, special, letter) in [(6, 0o4000, 'S'), (3, 0o2000, 'S'), (0, 0o1000, 'T')] {
        text.push(if mode >> shift & 4 != 0 { 'r' } else { '-' });
        text.push(if mode >> shift & 2 != 0 { 'w' } else { '-' });
        text.push(execute(shift, special, letter));
    }
    text
}

fn time_string(time: i64, now: i64) -> String {
    let (year, month, day) = date(time.div_euclid(DAY));
    let month = MONTHS.get(month).copied().unwrap_or("???");
    // As ls: the hour within half a year, else the year.
    if time <= now && now - time < 182 * DAY {
        let second = time.rem_euclid(DAY);
        format!("{month} {day:>2} {:02}:{:02}", second / 3600, second / 60 % 60)
    } else {
        format!("{month} {day:>2}  {year:>4}")
    }
}

/// Year, month from 0 and day from 1 of a day since 1970 in the Gregorian calendar. Years are counted from March, so
/// that the leap day is the last one of its year.
fn date(days: i64) -> (i64, usize, i64) {
    let days = days + 719_468; // from 1 March of the year 0
    let era = days.div_euclid(146_097); // 400 years
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12;
    let year = year_of_era + era * 400 + i64::from(month < 2);
    (year, usize::try_from(month).unwrap_or(0), day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), (1970, 0, 1));
        assert_eq!(date(-1), (1969, 11, 31));
        assert_eq!(date(19_782), (2024, 1, 29));
        assert_eq!(date(11_017), (2000, 2, 1));
        assert_eq!(date(20_780), (2026, 10, 23));
    }

    #[test]
    fn recent_times_have_an_hour_and_old_ones_a_year() {
        assert_eq!(time_string(60, 120), "Jan  1 00:01");
        assert_eq!(time_string(60, 400 * DAY), "Jan  1  1970");
        assert_eq!(time_string(500 * DAY, 0), "May 16  1971");
    }

    #[test]
    fn modes_read_like_those_of_ls() {
        assert_eq!(mode_string(0o100_644), "-rw-r--r--");
        assert_eq!(mode_string(0o041_777), "drwxrwxrwt");
        assert_eq!(mode_string(0o104_755), "-rwsr-xr-x");
        assert_eq!(mode_string(0o102_644), "-rw-r-Sr--");
    }
}
