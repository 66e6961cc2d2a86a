//! What is known of a load while it runs: what was posted and when, what became of it, how much waits, how many batches run. No I/O.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use bellhop_events::Queue;
use jiff::Timestamp;

use super::lines::{Batch, Line};
use super::schedule::Phase;
use crate::status::Depth;

/// What went out later than this after it was due went out late.
const LATE: Duration = Duration::from_secs(1);

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The outcome's word.
    pub outcome: String,
    /// In which second of the load.
    pub second: usize,
    /// From SQS's acceptance on.
    pub lag_ms: i64,
}

/// How much was in all queues at one look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Look {
    /// Ready, or delayed.
    pub waiting: u64,
    /// In a function's hands.
    pub in_flight: u64,
}

/// Everything that is known.
#[derive(Debug, Default)]
pub struct Tally {
    /// When the first event was due, epoch milliseconds: all seconds count from here.
    origin_ms: i64,
    /// By message id: what SQS took, and in which phase it was due.
    posted: HashMap<String, Phase>,
    posted_by_second: Vec<usize>,
    /// Identical to a message of the last five minutes: SQS dropped them.
    pub dropped: usize,
    /// Sent late, and by how much at worst.
    pub late: usize,
    pub latest: Duration,
    /// Will not be sent any more.
    pub unsent: usize,
    /// By message id; also of those whose acceptance is not known here yet.
    ended: HashMap<String, Ended>,
    /// Of what was posted, what has ended.
    done: usize,
    /// Runs that brought a message back: which, and when.
    again: HashSet<(String, Timestamp)>,
    looks: BTreeMap<usize, Look>,
    /// The fullest that each queue was.
    most: BTreeMap<Queue, Depth>,
    /// Milliseconds of work by function and second.
    work: BTreeMap<&'static str, Vec<u64>>,
    batches: BTreeMap<&'static str, usize>,
}

impl Tally {
    /// Of a load whose first event is due now, epoch milliseconds.
    pub fn new(origin_ms: i64) -> Self {
        Self { origin_ms, ..Self::default() }
    }

    /// An event goes out for the first time, so long after the first was due.
    pub fn sends(&mut self, due: Duration, at: Duration) {
        let late = at.saturating_sub(due);
        self.late += usize::from(late > LATE);
        self.latest = self.latest.max(late);
    }

    /// SQS took it. A message that was there already comes back with the id that it had.
    pub fn accepted(&mut self, message_id: &str, phase: Phase, at: Duration) {
        if self.posted.insert(message_id.to_owned(), phase).is_some() {
            self.dropped += 1;
            return;
        }
        self.done += usize::from(self.ended.contains_key(message_id));
        *slot(&mut self.posted_by_second, whole(at.as_secs())) += 1;
    }

    /// A function says what became of a message. The same line may come twice; the first end counts.
    pub fn line(&mut self, line: Line) {
        if !line.is_final() {
            self.again.insert((line.message_id, line.at));
            return;
        }
        if self.ended.contains_key(&line.message_id) {
            return;
        }
        self.done += usize::from(self.posted.contains_key(&line.message_id));
        let since = line.at.as_millisecond().saturating_sub(self.origin_ms);
        let second = whole(u64::try_from(since).unwrap_or_default() / 1000);
        self.ended.insert(line.message_id, Ended { outcome: line.outcome, second, lag_ms: line.lag_ms });
    }

    /// A function says that it worked a batch.
    pub fn batch(&mut self, function: &'static str, batch: Batch) {
        let work = self.work.entry(function).or_default();
        let mut is_mine = false;
        for (second, ms) in batch.seconds(self.origin_ms) {
            *slot(work, second) += ms;
            is_mine = true;
        }
        *self.batches.entry(function).or_default() += usize::from(is_mine);
    }

    /// How much is in each queue.
    pub fn depths(&mut self, at: Duration, depths: &[(Queue, Depth)]) {
        let mut look = Look::default();
        for (queue, depth) in depths {
            look.waiting += depth.visible + depth.delayed;
            look.in_flight += depth.in_flight;
            let most = self.most.entry(*queue).or_default();
            most.visible = most.visible.max(depth.visible + depth.delayed);
            most.in_flight = most.in_flight.max(depth.in_flight);
        }
        self.looks.insert(whole(at.as_secs()), look);
    }

    /// How many messages SQS took.
    pub fn posted(&self) -> usize {
        self.posted.len()
    }

    /// Of those, how many have ended.
    pub fn done(&self) -> usize {
        self.done
    }

    /// Of those, how many nobody has told of.
    pub fn missing(&self) -> usize {
        self.posted.len() - self.done
    }

    /// How many runs brought a message back to its queue.
    pub fn again(&self) -> usize {
        self.again.len()
    }

    /// What was posted, in which phase, and what became of it.
    pub fn messages(&self) -> impl Iterator<Item = (Phase, Option<&Ended>)> {
        self.posted.iter().map(|(id, phase)| (*phase, self.ended.get(id)))
    }

    /// How many were posted in each second.
    pub fn posted_by_second(&self) -> &[usize] {
        &self.posted_by_second
    }

    /// The looks at the queues, by second.
    pub fn looks(&self) -> &BTreeMap<usize, Look> {
        &self.looks
    }

    /// The fullest that each queue was.
    pub fn fullest(&self) -> &BTreeMap<Queue, Depth> {
        &self.most
    }

    /// Milliseconds of work by second, and the number of batches, of each function.
    pub fn work(&self) -> impl Iterator<Item = (&'static str, &[u64], usize)> {
        let batches = |function| self.batches.get(function).copied().unwrap_or_default();
        self.work.iter().map(move |(function, work)| (*function, work.as_slice(), batches(function)))
    }
}

fn whole(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Seconds beyond a day are counted as its last: a clock that is wrong costs no memory.
fn slot<T: Clone + Default>(series: &mut Vec<T>, second: usize) -> &mut T {
    let second = second.min(86_400);
    if series.len() <= second {
        series.resize(second + 1, T::default());
    }
    &mut series[second]
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use proptest::prelude::*;

    pub fn line(message: usize, outcome: &str, at_ms: i64, lag_ms: i64) -> Line {
        let at = Timestamp::from_millisecond(at_ms).expect("a time");
        Line { at, outcome: outcome.to_owned(), message_id: message.to_string(), lag_ms }
    }

    #[test]
    fn what_is_sent_too_late_is_told() {
        let mut tally = Tally::new(0);
        for (due, at) in [(0, 0), (1_000, 1_900), (2_000, 3_000), (3_000, 5_500), (9_000, 8_000)] {
            tally.sends(Duration::from_millis(due), Duration::from_millis(at));
        }
        assert_eq!((tally.late, tally.latest), (1, Duration::from_millis(2_500)));
    }

    #[test]
    fn the_fullest_look_of_each_queue_is_kept() {
        let mut tally = Tally::new(0);
        let depth = |visible, in_flight, delayed| Depth { visible, in_flight, delayed };
        let (calendar, automation) = (Queue::OperationalCalendar, Queue::Automation);
        tally.depths(Duration::from_secs(2), &[(calendar, depth(5, 1, 2)), (automation, depth(1, 0, 0))]);
        tally.depths(Duration::from_secs(4), &[(calendar, depth(3, 9, 0)), (automation, depth(0, 0, 0))]);
        assert_eq!(tally.looks()[&2], Look { waiting: 8, in_flight: 1 });
        assert_eq!(tally.fullest()[&calendar], depth(7, 9, 0));
    }

    proptest! {
        /// In whatever order answers and lines come, and however often: each message is counted once.
        #[test]
        fn all_that_was_posted_is_done_or_missing(news in prop::collection::vec((any::<bool>(), 0..20_usize, 0..3_usize), 0..120)) {
            let mut tally = Tally::new(0);
            let (mut posted, mut ended, mut dropped) = ([false; 20], [false; 20], 0);
            for (is_answer, message, outcome) in news {
                if is_answer {
                    dropped += usize::from(posted[message]);
                    posted[message] = true;
                    tally.accepted(&message.to_string(), Phase::Steady, Duration::from_secs(1));
                } else {
                    let outcome = ["applied", "retry", "duplicate"][outcome];
                    ended[message] |= outcome != "retry";
                    tally.line(line(message, outcome, 2_000, 5));
                }
            }
            let done = (0..20).filter(|message| posted[*message] && ended[*message]).count();
            prop_assert_eq!((tally.done(), tally.dropped), (done, dropped));
            prop_assert_eq!(tally.posted(), posted.iter().filter(|is| **is).count());
            prop_assert_eq!(tally.missing(), tally.messages().filter(|(_, ended)| ended.is_none()).count());
            prop_assert_eq!(tally.posted_by_second().iter().sum::<usize>(), tally.posted());
        }
    }
}
