//! What is due and not yet accepted: at most one event of a property is on its way at a time, so that one which SQS refuses is never
//! overtaken by a later one; batches are filled across properties. No I/O.

use std::collections::VecDeque;
use std::time::Duration;

use super::schedule::Phase;

/// Entries of one `SendMessageBatch` (Amazon SQS API Reference).
const MOST_ENTRIES: usize = 10;

/// An event that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// When, after the first.
    pub at: Duration,
    /// In which phase of the load.
    pub phase: Phase,
    /// `MessageGroupId`
    pub group: String,
    /// The message body.
    pub body: String,
}

/// The lines of all properties, by their number.
#[derive(Debug)]
pub struct Lanes {
    waiting: Vec<VecDeque<Due>>,
    ready: VecDeque<usize>,
    left: usize,
}

impl Lanes {
    /// Of so many properties.
    pub fn new(properties: usize) -> Self {
        Self { waiting: vec![VecDeque::new(); properties], ready: VecDeque::new(), left: 0 }
    }

    /// An event is due.
    pub fn push(&mut self, lane: usize, due: Due) {
        if self.waiting[lane].is_empty() {
            self.ready.push_back(lane);
        }
        self.waiting[lane].push_back(due);
        self.left += 1;
    }

    /// The heads of lines that may go now, which have waited longest.
    pub fn batch(&mut self) -> Option<Vec<usize>> {
        let batch: Vec<_> = self.ready.drain(..self.ready.len().min(MOST_ENTRIES)).collect();
        (!batch.is_empty()).then_some(batch)
    }

    /// The event at the head of a line.
    pub fn head(&self, lane: usize) -> Option<&Due> {
        self.waiting[lane].front()
    }

    /// The head was accepted: the next of its line may go.
    pub fn accepted(&mut self, lane: usize) -> Option<Due> {
        let due = self.waiting[lane].pop_front()?;
        self.left -= 1;
        if !self.waiting[lane].is_empty() {
            self.ready.push_back(lane);
        }
        Some(due)
    }

    /// The head was not accepted, and goes first.
    pub fn again(&mut self, lane: usize) {
        self.ready.push_front(lane);
    }

    /// How many are not accepted yet, those on their way included.
    pub fn left(&self) -> usize {
        self.left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn due(number: usize) -> Due {
        let at = Duration::from_millis(number as u64);
        Due { at, phase: Phase::Steady, group: String::new(), body: number.to_string() }
    }

    proptest! {
        /// Whatever SQS refuses, and however batches overtake each other: each event is accepted once, in its property's order.
        #[test]
        fn order_holds_through_any_failure(
            lanes in prop::collection::vec(0..13_usize, 0..90), luck in prop::collection::vec(any::<u8>(), 1..40),
        ) {
            let mut all = Lanes::new(13);
            let (mut flights, mut accepted, mut pushed, mut step) = (Vec::new(), Vec::new(), 0, 0);
            loop {
                for lane in lanes.iter().skip(pushed).take(usize::from(luck[step % luck.len()] % 5) + 1) {
                    all.push(*lane, due(pushed));
                    pushed += 1;
                }
                while flights.len() < 3 {
                    let Some(batch) = all.batch() else { break };
                    prop_assert!((1..=10).contains(&batch.len()));
                    flights.push(batch);
                }
                let mut out: Vec<_> = flights.iter().flatten().collect();
                out.sort_unstable();
                prop_assert!(out.windows(2).all(|pair| pair[0] != pair[1]), "two of a property at once");
                if flights.is_empty() && pushed == lanes.len() { break; }
                step += 1;
                if flights.is_empty() { continue; }
                let batch = flights.remove(usize::from(luck[step % luck.len()]) % flights.len());
                for (index, lane) in batch.into_iter().enumerate() {
                    // Failures end at some time, or the test would not.
                    if step < 200 && luck[(step + index) % luck.len()].is_multiple_of(3) {
                        all.again(lane);
                    } else {
                        accepted.extend(all.accepted(lane).map(|due| (lane, due)));
                    }
                }
            }
            prop_assert_eq!((accepted.len(), all.left()), (lanes.len(), 0));
            for lane in 0..13 {
                let numbers: Vec<_> = accepted.iter().filter(|(of, _)| *of == lane).map(|(_, due)| due.at).collect();
                prop_assert!(numbers.is_sorted());
            }
        }
    }
}
