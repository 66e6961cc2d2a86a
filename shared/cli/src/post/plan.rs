//! Which events may be sent now: at most one of a message group is on its way at any time, so that an entry which SQS
//! refuses can never be overtaken by a later one of its group. Batches are filled across groups.

use std::collections::{HashMap, VecDeque};

use bellhop_events::{Queue, TenantId};

use crate::check::Outgoing;

/// Entries of one `SendMessageBatch` (Amazon SQS API Reference).
const MOST_ENTRIES: usize = 10;
/// Bytes of one `SendMessageBatch`: 1 MiB since 2025 (Amazon SQS Developer Guide, "Amazon SQS message quotas").
const MOST_BYTES: usize = 1_048_576;

/// A lane: the events of one message group on one queue, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LaneId(usize);

/// What is left to send.
pub struct Plan {
    lanes: Vec<VecDeque<Outgoing>>,
    ready: VecDeque<LaneId>,
}

/// A queue, and whose silo it is in.
pub type Place = (Queue, Option<TenantId>);

/// Heads of different lanes of one queue.
#[derive(Debug, PartialEq, Eq)]
pub struct Batch {
    /// Where to.
    pub place: Place,
    /// Each is on its way until it is settled.
    pub lanes: Vec<LaneId>,
}

impl Plan {
    /// Sorts events into lanes.
    pub fn new(events: Vec<Outgoing>) -> Self {
        let mut numbers: HashMap<(Queue, String), usize> = HashMap::new();
        let mut lanes: Vec<VecDeque<Outgoing>> = Vec::new();
        for event in events {
            let number = *numbers.entry((event.queue, event.group.clone())).or_insert_with(|| {
                lanes.push(VecDeque::new());
                lanes.len() - 1
            });
            lanes[number].push_back(event);
        }
        let ready = (0..lanes.len()).map(LaneId).collect();
        Self { lanes, ready }
    }

    /// How many message groups there are.
    pub fn groups(&self) -> usize {
        self.lanes.len()
    }

    /// The event at the head of a lane.
    pub fn head(&self, lane: LaneId) -> Option<&Outgoing> {
        self.lanes[lane.0].front()
    }

    /// The next batch, if any lane may send.
    pub fn next_batch(&mut self) -> Option<Batch> {
        let place = self.ready.iter().find_map(|lane| self.head(*lane))?.place();
        let (mut lanes, mut bytes, mut later) = (Vec::new(), 0, VecDeque::new());
        while let Some(lane) = self.ready.pop_front() {
            let Some(head) = self.head(lane) else { continue };
            let fits = lanes.is_empty() || bytes + head.body.len() <= MOST_BYTES;
            if head.place() == place && fits && lanes.len() < MOST_ENTRIES {
                bytes += head.body.len();
                lanes.push(lane);
            } else {
                later.push_back(lane);
            }
        }
        self.ready = later;
        Some(Batch { place, lanes })
    }

    /// Whether anything is left, be it on its way.
    pub fn has_more(&self) -> bool {
        self.lanes.iter().any(|lane| !lane.is_empty())
    }

    /// The head was accepted: the lane may send its next.
    pub fn accepted(&mut self, lane: LaneId) {
        self.lanes[lane.0].pop_front();
        if !self.lanes[lane.0].is_empty() {
            self.ready.push_back(lane);
        }
    }

    /// The head was not accepted and may be sent again.
    pub fn again(&mut self, lane: LaneId) {
        self.ready.push_front(lane);
    }

    /// The head cannot be sent: nothing of the lane is sent any more. Returns how many events that are.
    pub fn give_up(&mut self, lane: LaneId) -> usize {
        std::mem::take(&mut self.lanes[lane.0]).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(line: usize, group: u8, size: usize) -> Outgoing {
        let queue = if group.is_multiple_of(5) { Queue::Automation } else { Queue::OperationalCalendar };
        Outgoing { line, queue, silo: None, group: format!("t#{group}"), body: "x".repeat(size) }
    }

    proptest! {
        /// Whatever SQS refuses and in whatever order batches end: each event is accepted once, in its group's order.
        #[test]
        fn order_per_group_holds_through_any_failure(
            groups in prop::collection::vec(0..14_u8, 0..80),
            luck in prop::collection::vec(any::<u8>(), 1..40),
            large in any::<bool>(),
        ) {
            let size = if large { 262_144 } else { 10 };
            let events: Vec<_> = groups.iter().enumerate().map(|(line, group)| event(line, *group, size)).collect();
            let mut plan = Plan::new(events.clone());
            let (mut flights, mut accepted, mut step) = (Vec::new(), Vec::new(), 0_usize);
            loop {
                while flights.len() < 3 {
                    let Some(batch) = plan.next_batch() else { break };
                    let sent: Vec<_> = batch.lanes.iter().filter_map(|lane| plan.head(*lane)).collect();
                    prop_assert!(sent.len() <= 10 && sent.len() == batch.lanes.len() && !sent.is_empty());
                    prop_assert!(sent.iter().map(|e| e.body.len()).sum::<usize>() <= MOST_BYTES);
                    prop_assert!(sent.iter().all(|e| e.place() == batch.place));
                    flights.push(batch);
                }
                if flights.is_empty() { break; }
                step += 1;
                let batch = flights.remove(usize::from(luck[step % luck.len()]) % flights.len());
                for (index, lane) in batch.lanes.into_iter().enumerate() {
                    // Failures end at some time, or the test would not.
                    if step < 200 && luck[(step + index) % luck.len()].is_multiple_of(3) {
                        plan.again(lane);
                    } else {
                        accepted.extend(plan.head(lane).cloned());
                        plan.accepted(lane);
                    }
                }
            }
            prop_assert_eq!(accepted.len(), events.len());
            for group in 0..14_u8 {
                let of = |list: &[Outgoing]| {
                    list.iter().filter(|e| e.group == format!("t#{group}")).map(|e| e.line).collect::<Vec<_>>()
                };
                prop_assert_eq!(of(&accepted), of(&events));
            }
        }
    }

    #[test]
    fn a_batch_takes_one_event_of_each_of_ten_groups() {
        let mut plan = Plan::new((0..36_u8).map(|n| event(usize::from(n), 1 + n % 12, 10)).collect());
        assert_eq!(plan.next_batch().map(|batch| batch.lanes.len()), Some(10));
        assert_eq!(plan.groups(), 12);
    }
}
