//! Which events may be sent now: heads of lanes of one queue, as many as a batch takes.

use std::collections::HashMap;

use bellhop_events::{Queue, TenantId};

use crate::check::Outgoing;
use crate::lanes::{LaneId, Lanes};

/// Bytes of one `SendMessageBatch`: 1 MiB since 2025 (Amazon SQS Developer Guide, "Amazon SQS message quotas").
const MOST_BYTES: usize = 1_048_576;

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

/// Sorts events into lanes: those of one message group on one queue, in order.
pub fn sorted(events: Vec<Outgoing>) -> Lanes<Outgoing> {
    let mut lanes = Lanes::new(0);
    let mut known: HashMap<(Queue, String), LaneId> = HashMap::new();
    for event in events {
        let lane = *known.entry((event.queue, event.group.clone())).or_insert_with(|| lanes.add());
        lanes.push(lane, event);
    }
    lanes
}

/// The next batch, if any lane may send.
pub fn next_batch(lanes: &mut Lanes<Outgoing>) -> Option<Batch> {
    let place = lanes.first()?.place();
    let mut bytes = 0;
    let lanes = lanes.batch(|head| {
        let fits = head.place() == place && (bytes == 0 || bytes + head.body.len() <= MOST_BYTES);
        bytes += if fits { head.body.len() } else { 0 };
        fits
    })?;
    Some(Batch { place, lanes })
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
            let mut plan = sorted(events.clone());
            let (mut flights, mut accepted, mut step) = (Vec::new(), Vec::new(), 0_usize);
            loop {
                while flights.len() < 3 {
                    let Some(batch) = next_batch(&mut plan) else { break };
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
                        accepted.extend(plan.accepted(lane));
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
        let mut plan = sorted((0..36_u8).map(|n| event(usize::from(n), 1 + n % 12, 10)).collect());
        assert_eq!(next_batch(&mut plan).map(|batch| batch.lanes.len()), Some(10));
        assert_eq!(plan.len(), 12);
    }
}
