//! When nights changed: ranges with a stamp that grows. Whoever remembers the last stamp that he has seen knows what is
//! news to him, however many changes there were.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// So many ranges are kept apart: the item stays below one write unit.
const MOST_RANGES: usize = 24;

/// Ranges of nights `[from, until)`, sorted, disjoint, each with the stamp of its last change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamps {
    /// The last stamp that was given.
    #[serde(rename = "n", default)]
    pub last: u64,
    /// Who has not seen this stamp has missed ranges that are forgotten: to him, all is news.
    #[serde(rename = "f", default)]
    pub floor: u64,
    /// The ranges.
    #[serde(rename = "r", default)]
    ranges: Vec<(Date, Date, u64)>,
}

/// What is news to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Everything, whatever it is.
    All,
    /// These nights.
    Nights(Vec<(Date, Date)>),
}

impl Stamps {
    /// Notes that these nights changed. What is before `today` is forgotten; of too many ranges, those that changed long ago.
    pub fn stamp(&mut self, from: Date, until: Date, today: Date) {
        if from >= until {
            return;
        }
        self.last += 1;
        let stamp = self.last;
        let mut kept = Vec::with_capacity(self.ranges.len() + 2);
        for (a, b, old) in self.ranges.drain(..) {
            if b <= today {
                continue;
            }
            if b <= from || until <= a {
                kept.push((a, b, old));
                continue;
            }
            if a < from {
                kept.push((a, from, old));
            }
            if until < b {
                kept.push((until, b, old));
            }
        }
        kept.push((from, until, stamp));
        if kept.len() > MOST_RANGES {
            kept.sort_unstable_by_key(|(.., stamp)| *stamp);
            let forgotten = kept.drain(..MOST_RANGES / 2).map(|(.., stamp)| stamp).max().unwrap_or_default();
            self.floor = self.floor.max(forgotten);
            // Ranges of one change that was cut in two are forgotten together.
            kept.retain(|(.., stamp)| *stamp > self.floor);
        }
        kept.sort_unstable();
        self.ranges = kept;
    }

    /// What is news to somebody who has seen the changes up to `seen`; none: he has seen nothing.
    #[must_use]
    pub fn since(&self, seen: Option<u64>) -> News {
        let Some(seen) = seen.filter(|seen| *seen >= self.floor) else { return News::All };
        let mut nights: Vec<(Date, Date)> = Vec::new();
        for (from, until, stamp) in &self.ranges {
            match nights.last_mut().filter(|(_, end)| end == from) {
                _ if *stamp <= seen => {}
                Some((_, end)) => *end = *until,
                None => nights.push((*from, *until)),
            }
        }
        News::Nights(nights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan;
    use jiff::civil::date;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn day(n: i32) -> Date {
        date(2026, 7, 1).checked_add(n.days()).expect("a date")
    }

    #[test]
    fn a_later_change_of_the_same_nights_hides_the_earlier_one() {
        let mut stamps = Stamps::default();
        stamps.stamp(day(0), day(10), day(0));
        stamps.stamp(day(3), day(5), day(0));
        assert_eq!(stamps.since(Some(1)), News::Nights(vec![(day(3), day(5))]));
        assert_eq!(stamps.since(Some(0)), News::Nights(vec![(day(0), day(10))]));
        assert_eq!(stamps.since(None), News::All);
        assert_eq!(stamps.since(Some(2)), News::Nights(Vec::new()));
    }

    proptest! {
        /// Against a list of all changes: nobody misses a night, whatever was forgotten.
        #[test]
        fn nobody_misses_a_change(changes in prop::collection::vec((0..60i32, 1..20i32), 1..120), seen in 0..120u64) {
            let mut stamps = Stamps::default();
            let mut by_night: BTreeMap<Date, u64> = BTreeMap::new();
            for (n, (from, nights)) in changes.iter().enumerate() {
                stamps.stamp(day(*from), day(from + nights), day(0));
                (*from..from + nights).for_each(|night| { by_night.insert(day(night), n as u64 + 1); });
            }
            prop_assert!(stamps.ranges.len() <= MOST_RANGES);
            if let News::Nights(nights) = stamps.since(Some(seen)) {
                for (night, stamp) in by_night {
                    let told = nights.iter().any(|(from, until)| *from <= night && night < *until);
                    prop_assert_eq!(told, stamp > seen, "{} changed at {}", night, stamp);
                }
            }
        }
    }
}
