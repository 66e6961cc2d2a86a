//! What of a shard is sent next, and what a run has to say. No I/O.

use std::collections::{BTreeSet, HashSet};

use bellhop_events::Queue;
use bellhop_store::{DueEntry, Key};
use bellhop_worker::Outgoing;
use jiff::Timestamp;
use serde::Serialize;

/// So many entries are read, sent and forgotten before the time is looked at again.
const PAGE: usize = 50;
/// A shard with so many refusals is left to the next run: SQS is down.
const MOST_REFUSED: usize = 500;

/// What a run did. What the invoker gets is `sent` and `left`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Messages that SQS accepted.
    pub sent: usize,
    /// Entries that were kept: SQS refused them, or one before them in their group.
    #[serde(skip)]
    pub refused: usize,
    /// By how much the oldest entry was late.
    #[serde(skip)]
    pub late_ms: i64,
    /// Whether something that is due was left to the next run.
    pub left: bool,
}

impl Report {
    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            sent: self.sent + other.sent,
            refused: self.refused + other.refused,
            late_ms: self.late_ms.max(other.late_ms),
            left: self.left || other.left,
        }
    }
}

/// A shard during a run.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    report: Report,
    /// What was tried. Refused entries stay at the front of the shard, and must not hide the others.
    tried: HashSet<Key>,
    /// Groups with a refusal: nothing of theirs may overtake it.
    broken: HashSet<(Queue, String)>,
    ended: bool,
}

impl Shard {
    /// How many entries to read, so that new ones are among them.
    pub(crate) fn most(&self) -> i32 {
        i32::try_from(PAGE + self.report.refused).unwrap_or(i32::MAX)
    }

    /// Whether there may be more.
    pub(crate) fn goes_on(&self) -> bool {
        !self.ended
    }

    /// Leaves the rest to the next run.
    pub(crate) fn stop(&mut self) {
        (self.ended, self.report.left) = (true, true);
    }

    /// What of a page is to be sent, oldest first. A page without anything new is the last.
    pub(crate) fn fresh(&mut self, page: Vec<DueEntry>, now: Timestamp) -> Vec<DueEntry> {
        let new: Vec<_> = page.into_iter().filter(|entry| self.tried.insert(entry.key.clone())).collect();
        let late = new.iter().map(|entry| now.as_millisecond() - entry.at.as_millisecond()).max();
        self.report.late_ms = self.report.late_ms.max(late.unwrap_or_default());
        self.ended = new.is_empty();
        let (behind, free): (Vec<_>, Vec<_>) = new.into_iter().partition(|entry| self.broken.contains(&group(entry)));
        self.keep(&behind);
        free
    }

    /// Notes what SQS refused, by position; returns what it accepted.
    pub(crate) fn settle(&mut self, entries: Vec<DueEntry>, refused: &BTreeSet<usize>) -> Vec<DueEntry> {
        let (kept, accepted): (Vec<_>, Vec<_>) =
            entries.into_iter().enumerate().partition(|(position, _)| refused.contains(position));
        let kept: Vec<_> = kept.into_iter().map(|(_, entry)| entry).collect();
        self.broken.extend(kept.iter().map(group));
        self.keep(&kept);
        self.report.sent += accepted.len();
        accepted.into_iter().map(|(_, entry)| entry).collect()
    }

    fn keep(&mut self, entries: &[DueEntry]) {
        self.report.refused += entries.len();
        self.report.left |= !entries.is_empty();
        self.ended |= self.report.refused >= MOST_REFUSED;
    }

    /// What was done.
    pub(crate) fn into_report(self) -> Report {
        self.report
    }
}

fn group(entry: &DueEntry) -> (Queue, String) {
    (entry.due.queue, entry.due.group.clone())
}

/// The message of an entry. Its order is that of its whole group, so no subject tells one from another.
pub(crate) fn outgoing(entry: &DueEntry) -> Outgoing {
    Outgoing {
        queue: entry.due.queue,
        group: entry.due.group.clone(),
        subject: String::new(),
        deduplication_id: entry.due.id.to_string(),
        body: entry.due.body.clone(),
        note: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_store::{Due, Scope};

    const NOW: i64 = 1_782_900_000;

    fn entry(n: i64, group: &str) -> DueEntry {
        let scope = Scope::for_operator("test", "sea".parse().expect("a tenant"), "villa".parse().expect("a property"));
        DueEntry {
            key: scope.own("due", &n.to_string()),
            at: Timestamp::from_second(NOW - 10 + n).expect("a time"),
            due: Due {
                queue: Queue::Synchronization,
                group: group.to_owned(),
                subject: "channel/c".to_owned(),
                id: format!("e{n}").parse().expect("an id"),
                body: String::new(),
            },
        }
    }

    fn now() -> Timestamp {
        Timestamp::from_second(NOW).expect("a time")
    }

    fn ids(entries: &[DueEntry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.due.id.as_str()).collect()
    }

    #[test]
    fn a_refused_entry_is_not_overtaken_in_its_group_and_hides_no_other() {
        let mut shard = Shard::default();
        let page = shard.fresh(vec![entry(0, "a"), entry(1, "b")], now());
        assert_eq!(ids(&shard.settle(page, &BTreeSet::from([0]))), ["e1"]);
        assert_eq!(shard.most(), 51);
        let page = shard.fresh(vec![entry(0, "a"), entry(2, "a"), entry(3, "c")], now());
        assert_eq!(ids(&page), ["e3"]);
        assert_eq!(ids(&shard.settle(page, &BTreeSet::new())), ["e3"]);
        assert!(shard.goes_on());
        assert!(shard.fresh(vec![entry(0, "a"), entry(2, "a")], now()).is_empty());
        assert!(!shard.goes_on());
        assert_eq!(shard.into_report(), Report { sent: 2, refused: 2, late_ms: 10_000, left: true });
    }

    #[test]
    fn a_shard_that_sqs_refuses_altogether_ends() {
        let mut shard = Shard::default();
        let mut n = 0;
        while shard.goes_on() {
            let page = (0..50).map(|_| {
                n += 1;
                entry(n, &n.to_string())
            });
            let page = shard.fresh(page.collect(), now());
            shard.settle(page, &(0..50).collect());
        }
        assert_eq!(shard.into_report().refused, MOST_REFUSED);
    }

    #[test]
    fn reports_add_up() {
        let one = Report { sent: 1, refused: 0, late_ms: 5, left: true };
        let two = Report { sent: 2, refused: 3, late_ms: 4, left: false };
        assert_eq!(one.and(two), Report { sent: 3, refused: 3, late_ms: 5, left: true });
    }
}
