//! What is to be sent, a lane for each message group: at most one event of a lane is on its way at any time, so that one which SQS
//! refuses can never be overtaken by a later one of its group. Batches are filled across lanes. No I/O.

use std::collections::VecDeque;

use aws_sdk_sqs::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_sqs::operation::send_message_batch::SendMessageBatchError;
use aws_sdk_sqs::types::BatchResultErrorEntry;

/// Entries of one `SendMessageBatch` (Amazon SQS API Reference).
pub const MOST_ENTRIES: usize = 10;

/// A lane, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LaneId(pub usize);

/// What is not accepted yet.
#[derive(Debug)]
pub struct Lanes<T> {
    waiting: Vec<VecDeque<T>>,
    /// Those whose head may go.
    ready: VecDeque<LaneId>,
    left: usize,
}

impl<T> Lanes<T> {
    /// So many lanes, with nothing in them.
    pub fn new(lanes: usize) -> Self {
        Self { waiting: std::iter::repeat_with(VecDeque::new).take(lanes).collect(), ready: VecDeque::new(), left: 0 }
    }

    /// One more lane.
    pub fn add(&mut self) -> LaneId {
        self.waiting.push(VecDeque::new());
        LaneId(self.waiting.len() - 1)
    }

    /// An event behind those of its lane.
    pub fn push(&mut self, lane: LaneId, event: T) {
        if self.waiting[lane.0].is_empty() {
            self.ready.push_back(lane);
        }
        self.waiting[lane.0].push_back(event);
        self.left += 1;
    }

    /// How many lanes there are.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// The event at the head of a lane.
    pub fn head(&self, lane: LaneId) -> Option<&T> {
        self.waiting[lane.0].front()
    }

    /// The head that has waited longest.
    pub fn first(&self) -> Option<&T> {
        self.ready.iter().find_map(|lane| self.head(*lane))
    }

    /// The lanes whose heads go now, those first that have waited longest; of each, `takes` is asked whether it goes with these.
    pub fn batch(&mut self, mut takes: impl FnMut(&T) -> bool) -> Option<Vec<LaneId>> {
        let (mut batch, mut later) = (Vec::new(), Vec::new());
        while batch.len() < MOST_ENTRIES
            && let Some(lane) = self.ready.pop_front()
        {
            let Some(head) = self.waiting[lane.0].front() else { continue };
            if takes(head) { batch.push(lane) } else { later.push(lane) }
        }
        later.into_iter().rev().for_each(|lane| self.ready.push_front(lane));
        (!batch.is_empty()).then_some(batch)
    }

    /// The head was accepted: the next of its lane may go.
    pub fn accepted(&mut self, lane: LaneId) -> Option<T> {
        let event = self.waiting[lane.0].pop_front()?;
        self.left -= 1;
        if !self.waiting[lane.0].is_empty() {
            self.ready.push_back(lane);
        }
        Some(event)
    }

    /// The head was not accepted, and goes first.
    pub fn again(&mut self, lane: LaneId) {
        self.ready.push_front(lane);
    }

    /// The head cannot be sent: nothing of the lane is sent any more. Returns how many events that are.
    pub fn give_up(&mut self, lane: LaneId) -> usize {
        let given_up = std::mem::take(&mut self.waiting[lane.0]).len();
        self.left -= given_up;
        given_up
    }

    /// How many are not accepted yet, those on their way included.
    pub fn left(&self) -> usize {
        self.left
    }
}

/// Whether no repetition mends what SQS said of an entry. A throttle is said to be the sender's fault too.
pub fn is_refused(entry: &BatchResultErrorEntry) -> bool {
    entry.sender_fault && !entry.code.contains("Throttl")
}

/// The code of an error that no repetition mends.
pub fn permanent(error: &SdkError<SendMessageBatchError>) -> Option<String> {
    let code = error.as_service_error()?.code()?;
    let codes = [
        "AccessDenied",
        "InvalidMessage",
        "NonExistentQueue",
        "QueueDoesNotExist",
        "TooLong",
        "InvalidSecurity",
        "Unsupported",
    ];
    codes.iter().any(|known| code.contains(known)).then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever SQS refuses, however batches overtake each other, and whenever events come: each is accepted once, in the order
        /// of its lane.
        #[test]
        fn order_holds_through_any_failure(
            lanes in prop::collection::vec(0..13_usize, 0..90), luck in prop::collection::vec(any::<u8>(), 1..40),
        ) {
            let mut all = Lanes::new(13);
            let (mut flights, mut accepted, mut pushed, mut step) = (Vec::new(), Vec::new(), 0, 0);
            loop {
                for lane in lanes.iter().skip(pushed).take(usize::from(luck[step % luck.len()] % 5) + 1) {
                    all.push(LaneId(*lane), pushed);
                    pushed += 1;
                }
                while flights.len() < 3 {
                    let Some(batch) = all.batch(|_| true) else { break };
                    prop_assert!((1..=10).contains(&batch.len()));
                    flights.push(batch);
                }
                let mut out: Vec<_> = flights.iter().flatten().collect();
                out.sort_unstable();
                prop_assert!(out.windows(2).all(|pair| pair[0] != pair[1]), "two of a lane at once");
                if flights.is_empty() && pushed == lanes.len() { break; }
                step += 1;
                if flights.is_empty() { continue; }
                let batch = flights.remove(usize::from(luck[step % luck.len()]) % flights.len());
                for (index, lane) in batch.into_iter().enumerate() {
                    // Failures end at some time, or the test would not.
                    if step < 200 && luck[(step + index) % luck.len()].is_multiple_of(3) {
                        all.again(lane);
                    } else {
                        accepted.extend(all.accepted(lane).map(|event| (lane, event)));
                    }
                }
            }
            prop_assert_eq!((accepted.len(), all.left()), (lanes.len(), 0));
            for lane in 0..13 {
                let numbers: Vec<_> = accepted.iter().filter(|(of, _)| of.0 == lane).map(|(_, event)| *event).collect();
                prop_assert!(numbers.is_sorted());
            }
        }
    }

    #[test]
    fn what_does_not_go_with_a_batch_keeps_its_place() {
        let mut all = Lanes::new(3);
        (0..3).for_each(|n| all.push(LaneId(n), n));
        assert_eq!(all.batch(|event| *event == 1), Some(vec![LaneId(1)]));
        assert_eq!(all.first(), Some(&0));
        assert_eq!(all.batch(|_| true), Some(vec![LaneId(0), LaneId(2)]));
        assert_eq!((all.give_up(LaneId(0)), all.left()), (1, 2));
        assert_eq!(all.batch(|_| true), None, "all are on their way");
    }
}
