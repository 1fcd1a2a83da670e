//! Measuring several ways of doing the same, taking turns.

use std::time::Duration;

use anyhow::Result;

use super::Finding;

/// A way of doing something. Measures itself, so that what it cleans up afterwards does not count.
pub(super) type Lane<'a> = Box<dyn FnMut() -> Result<Duration> + 'a>;

/// The median time of each lane, in seconds, over `rounds`.
///
/// A first round fills the caches and is not counted. Each round begins with another lane, so that none always runs
/// after the same one.
pub(super) fn take_turns<const LANES: usize>(
    rounds: usize,
    mut lanes: [Lane<'_>; LANES],
) -> Result<[f64; LANES]> {
    let mut times: [Vec<f64>; LANES] = std::array::from_fn(|_| Vec::with_capacity(rounds));
    for round in 0..=rounds {
        for turn in 0..LANES {
            let lane = (round + turn) % LANES;
            let took = lanes[lane]()?;
            if round > 0 {
                times[lane].push(took.as_secs_f64());
            }
        }
    }
    Ok(times.map(median))
}

/// The middle of the values; of two middle ones, what lies between them.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// Ours may take at most `most` times as long as theirs. Times in seconds.
pub(super) fn at_most(what: &str, most: f64, ours: f64, theirs: f64) -> Finding {
    let ratio = ours / theirs;
    Finding {
        what: what.to_owned(),
        bar: format!("≤ {most:.1} ×"),
        found: format!("{ratio:.2} ×"),
        held: ratio <= most,
        here: format!("{} to {}", time(ours), time(theirs)),
    }
}

/// Ours must be at least `least` times as fast as theirs. Times in seconds.
pub(super) fn faster(what: &str, least: f64, ours: f64, theirs: f64) -> Finding {
    let ratio = theirs / ours;
    Finding {
        what: what.to_owned(),
        bar: format!("≥ {least:.1} × faster"),
        found: format!("{ratio:.2} × faster"),
        held: ratio >= least,
        here: format!("{} to {}", time(ours), time(theirs)),
    }
}

/// Ours must carry at least `least` times as much as theirs. Rates in bytes for each second.
pub(super) fn carries(what: &str, least: f64, ours: f64, theirs: f64) -> Finding {
    let ratio = ours / theirs;
    let rate = |bytes: f64| format!("{:.0} MB/s", bytes / 1e6);
    Finding {
        what: what.to_owned(),
        bar: format!("≥ {least:.1} ×"),
        found: format!("{ratio:.2} ×"),
        held: ratio >= least,
        here: format!("{} to {}", rate(ours), rate(theirs)),
    }
}

/// A time that must stay below `most`. It is no ratio: what it is compared with is how long a person, or a login, waits.
pub(super) fn within(what: &str, most: f64, took: f64) -> Finding {
    Finding {
        what: what.to_owned(),
        bar: format!("≤ {:.0} ms", most * 1e3),
        found: time(took),
        held: took <= most,
        here: "the same".to_owned(),
    }
}

/// Seconds as a person reads them.
pub(super) fn time(seconds: f64) -> String {
    if seconds < 0.1 {
        format!("{:.1} ms", seconds * 1e3)
    } else {
        format!("{:.0} ms", seconds * 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_not_moved_by_one_slow_round() {
        assert_eq!(median(vec![3.0, 100.0, 1.0]), 3.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 100.0]), 3.0);
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn lanes_take_turns_and_the_first_round_does_not_count() {
        let order = std::cell::RefCell::new(String::new());
        let lane = |name: char, seconds: u64| -> Lane<'_> {
            let order = &order;
            let mut round = 0;
            Box::new(move || {
                order.borrow_mut().push(name);
                round += 1;
                Ok(Duration::from_secs(if round == 1 { 1000 } else { seconds }))
            })
        };
        let medians = take_turns(3, [lane('a', 1), lane('b', 2)]).unwrap();
        assert_eq!(medians, [1.0, 2.0]);
        assert_eq!(*order.borrow(), "abbaabba");
    }

    #[test]
    fn bars_are_held_on_their_own_side() {
        assert!(at_most("", 1.3, 1.3, 1.0).held && !at_most("", 1.3, 1.4, 1.0).held);
        assert!(faster("", 2.0, 1.0, 2.0).held && !faster("", 2.0, 1.0, 1.9).held);
        assert!(carries("", 0.7, 0.7, 1.0).held && !carries("", 0.7, 0.6, 1.0).held);
        assert!(within("", 0.01, 0.01).held && !within("", 0.01, 0.011).held);
        // What could not be measured holds no bar.
        assert!(!at_most("", 1.3, f64::NAN, 1.0).held && !within("", 0.01, f64::NAN).held);
    }
}
