use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Serials as ranges that neither overlap nor touch: the same set is always the same value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Serials {
    /// First to last.
    ranges: BTreeMap<u64, u64>,
}

impl Serials {
    /// The set of all serials of the ranges, which may be in any order and overlap.
    pub(crate) fn from_ranges(mut ranges: Vec<(u64, u64)>) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => merged.push((first, last)),
            }
        }
        Self {
            ranges: merged.into_iter().collect(),
        }
    }

    pub(crate) fn insert(&mut self, serials: RangeInclusive<u64>) {
        let (mut first, mut last) = serials.into_inner();
        if let Some((&before, &end)) = self.ranges.range(..=first).next_back()
            && first <= end.saturating_add(1)
        {
            first = before;
            last = last.max(end);
        }
        while let Some((&start, &end)) = self.ranges.range(first..=last.saturating_add(1)).next() {
            self.ranges.remove(&start);
            last = last.max(end);
        }
        self.ranges.insert(first, last);
    }

    pub(crate) fn insert_all(&mut self, mut ranges: Vec<(u64, u64)>) {
        ranges.extend(self.iter());
        *self = Self::from_ranges(ranges);
    }

    pub(crate) fn contains(&self, serial: u64) -> bool {
        self.ranges
            .range(..=serial)
            .next_back()
            .is_some_and(|(_, last)| serial <= *last)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The ranges in ascending order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.ranges.iter().map(|(first, last)| (*first, *last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(ranges: &[(u64, u64)]) -> Serials {
        Serials::from_ranges(ranges.to_vec())
    }

    #[test]
    fn ranges_that_touch_are_one() {
        let mut serials = set(&[(5, 6), (1, 2)]);
        assert_eq!(serials.iter().collect::<Vec<_>>(), [(1, 2), (5, 6)]);
        serials.insert(3..=4);
        assert_eq!(serials.iter().collect::<Vec<_>>(), [(1, 6)]);
        serials.insert(u64::MAX..=u64::MAX);
        serials.insert(u64::MAX - 1..=u64::MAX - 1);
        assert_eq!(
            serials.iter().collect::<Vec<_>>(),
            [(1, 6), (u64::MAX - 1, u64::MAX)]
        );
        serials.insert(1..=u64::MAX);
        assert_eq!(serials.iter().collect::<Vec<_>>(), [(1, u64::MAX)]);
    }

    fn range() -> impl Strategy<Value = (u64, u64)> {
        let near =
            |base: u64| (0..60_u64, 0..9_u64).prop_map(move |(at, length)| (base + at, base + at + length));
        prop_oneof![near(1), near(u64::MAX - 68)]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn one_by_one_and_at_once_give_the_same_set(ranges in prop::collection::vec(range(), 0..20)) {
            let mut one_by_one = Serials::default();
            for (first, last) in &ranges {
                one_by_one.insert(*first..=*last);
            }
            prop_assert_eq!(&one_by_one, &set(&ranges));
            let (some, others) = ranges.split_at(ranges.len() / 2);
            let mut at_once = set(some);
            at_once.insert_all(others.to_vec());
            prop_assert_eq!(&at_once, &one_by_one);
            for serial in (0..75).chain(u64::MAX - 70..=u64::MAX) {
                let is_in = ranges.iter().any(|(first, last)| (*first..=*last).contains(&serial));
                prop_assert_eq!(one_by_one.contains(serial), is_in, "{}", serial);
            }
        }
    }
}
