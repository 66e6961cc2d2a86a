//! Following a log group: each event once, though the looks overlap. No I/O.

use std::collections::BTreeMap;

/// CloudWatch Logs shows a line late, and behind younger ones of other streams: each look goes back so far.
const OVERLAP_MS: i64 = 20_000;

/// A log event, whatever it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The log's own id of it.
    pub id: String,
    /// When it was written, epoch milliseconds.
    pub at: i64,
    /// What was written.
    pub text: String,
}

/// How far a log group is read.
#[derive(Debug)]
pub struct Follow {
    from: i64,
    newest: i64,
    /// Events that a further look may bring again, and when they were written.
    seen: BTreeMap<String, i64>,
}

impl Follow {
    /// Nothing older than this, epoch milliseconds.
    pub fn new(from: i64) -> Self {
        Self { from, newest: from, seen: BTreeMap::new() }
    }

    /// Where the next look begins.
    pub fn from(&self) -> i64 {
        (self.newest - OVERLAP_MS).max(self.from)
    }

    /// Those of a look that were in none before.
    pub fn take(&mut self, events: Vec<Event>) -> Vec<Event> {
        let from = self.from();
        let mut fresh = Vec::new();
        for event in events {
            if event.at < from || self.seen.insert(event.id.clone(), event.at).is_some() {
                continue;
            }
            self.newest = self.newest.max(event.at);
            fresh.push(event);
        }
        let from = self.from();
        self.seen.retain(|_, at| *at >= from);
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(id: usize, at: i64) -> Event {
        Event { id: id.to_string(), at, text: String::new() }
    }

    #[test]
    fn what_comes_late_within_the_overlap_is_shown_once() {
        let mut follow = Follow::new(1_000);
        assert_eq!(follow.from(), 1_000);
        let ids = |events: Vec<Event>| events.into_iter().map(|event| event.id).collect::<Vec<_>>();
        assert_eq!(ids(follow.take(vec![event(1, 2_000), event(2, 60_000), event(9, 10)])), ["1", "2"]);
        assert_eq!(follow.from(), 40_000);
        assert_eq!(ids(follow.take(vec![event(2, 60_000), event(3, 45_000)])), ["3"]);
        assert!(follow.take(vec![event(2, 60_000), event(3, 45_000)]).is_empty());
    }

    proptest! {
        /// Events of a random log, each shown some time after it was written; looks see all that is shown from `from` on.
        #[test]
        fn every_event_is_taken_once(log in prop::collection::vec((0..200_000_i64, 0..OVERLAP_MS), 0..80), step in 500..9_000_i64) {
            let mut follow = Follow::new(0);
            let mut taken = vec![0; log.len()];
            for look in 0..=(240_000 / step) {
                let now = look * step;
                let shown = log.iter().enumerate().filter(|(_, (at, late))| at + late <= now && *at >= follow.from());
                let shown: Vec<_> = shown.map(|(id, (at, _))| event(id, *at)).collect();
                for event in follow.take(shown) {
                    taken[event.id.parse::<usize>().expect("a number")] += 1;
                }
                prop_assert!(follow.seen.len() <= log.len());
            }
            prop_assert!(taken.iter().all(|times| *times == 1), "{:?}", taken);
        }
    }
}
