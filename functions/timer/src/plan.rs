//! What of a shard is sent next, and what a run has to say. No I/O.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};

use bellhop_events::Queue;
use bellhop_store::{Due, DueEntry, DuePage, Key};
use bellhop_worker::Outgoing;
use jiff::Timestamp;
use serde::Serialize;

/// So many entries are read, sent and forgotten before the time is looked at again; no more are held at once in a shard.
pub(crate) const PAGE: i32 = 100;
/// A shard with so many refusals is left to the next run: SQS is down.
const MOST_REFUSED: usize = 500;
/// So many messages of one group leave in a run. A FIFO queue looks for groups among its first 120,000 messages only (Amazon
/// SQS Developer Guide, "Avoid large message backlogs with the same message group ID"): what one property has to catch up on
/// after an outage, all at once, would hide the others.
pub(crate) const MOST_OF_GROUP: u16 = 500;

/// What a run did. What the invoker gets is `sent` and `left`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Messages that SQS accepted.
    pub sent: usize,
    /// Messages that SQS refused.
    #[serde(skip)]
    pub refused: usize,
    /// Entries that stay because of what stands before them in their group: something refused, or enough for one run.
    #[serde(skip)]
    pub behind: usize,
    /// Entries that are not understood, and stay.
    #[serde(skip)]
    pub unreadable: usize,
    /// By how much the oldest entry was late.
    #[serde(skip)]
    pub late_ms: i64,
    /// Whether something that is due, and understood, was left to the next run.
    pub left: bool,
}

impl Report {
    /// Both together.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            sent: self.sent + other.sent,
            refused: self.refused + other.refused,
            behind: self.behind + other.behind,
            unreadable: self.unreadable + other.unreadable,
            late_ms: self.late_ms.max(other.late_ms),
            left: self.left || other.left,
        }
    }
}

/// A shard during a run.
#[derive(Debug, Default)]
pub(crate) struct Shard {
    report: Report,
    /// How much was sent of each group in this run; [`MOST_OF_GROUP`] closes it. It grows with a shard's groups, never with
    /// their entries, and of a group it keeps ten bytes: its hash will do, for two groups with the same 64 bits share what
    /// may leave in this run, and have other bits in the next.
    groups: HashMap<u64, u16>,
    hasher: RandomState,
    /// The last entry that was read.
    last: Option<Key>,
    ended: bool,
}

impl Shard {
    /// After which entry to read on.
    pub(crate) fn last(&self) -> Option<&Key> {
        self.last.as_ref()
    }

    /// Whether there may be more.
    pub(crate) fn goes_on(&self) -> bool {
        !self.ended
    }

    /// Leaves the rest to the next run.
    pub(crate) fn stop(&mut self) {
        (self.ended, self.report.left) = (true, true);
    }

    /// What of a page is to be sent, oldest first, and the keys of its entries. Nothing of a group that is closed.
    pub(crate) fn choose(&mut self, page: DuePage, now: Timestamp) -> (Vec<Key>, Vec<Outgoing>) {
        self.ended = page.next.is_none();
        self.last = page.next;
        self.report.unreadable += page.unreadable.len();
        let late = page.entries.iter().map(|entry| now.as_millisecond() - entry.at.as_millisecond()).max();
        self.report.late_ms = self.report.late_ms.max(late.unwrap_or_default());
        let read = page.entries.len();
        let chosen: Vec<_> = page.entries.into_iter().filter(|entry| self.takes(entry)).collect();
        self.report.behind += read - chosen.len();
        self.report.left |= chosen.len() < read;
        chosen.into_iter().map(|entry| (entry.key, outgoing(entry.due))).unzip()
    }

    fn takes(&mut self, entry: &DueEntry) -> bool {
        let sent = self.group(entry.due.queue, &entry.due.group);
        let open = *sent < MOST_OF_GROUP;
        *sent += u16::from(open);
        open
    }

    fn group(&mut self, queue: Queue, group: &str) -> &mut u16 {
        self.groups.entry(self.hasher.hash_one((queue, group))).or_default()
    }

    /// Notes what SQS refused, by position; returns the keys of what it accepted.
    pub(crate) fn settle(
        &mut self,
        (keys, messages): (Vec<Key>, Vec<Outgoing>),
        refused: &BTreeSet<usize>,
    ) -> Vec<Key> {
        for message in refused.iter().filter_map(|position| messages.get(*position)) {
            *self.group(message.queue, &message.group) = MOST_OF_GROUP;
        }
        self.report.refused += refused.len();
        self.report.left |= !refused.is_empty();
        self.ended |= self.report.refused >= MOST_REFUSED;
        let accepted = keys.into_iter().enumerate().filter(|(position, _)| !refused.contains(position));
        let accepted: Vec<_> = accepted.map(|(_, key)| key).collect();
        self.report.sent += accepted.len();
        accepted
    }

    /// What was done.
    pub(crate) fn into_report(self) -> Report {
        self.report
    }
}

/// The message of an entry. Its order is that of its whole group, so no subject tells one from another.
fn outgoing(due: Due) -> Outgoing {
    Outgoing {
        queue: due.queue,
        group: due.group,
        subject: String::new(),
        deduplication_id: due.id.to_string(),
        body: due.body,
        note: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_store::Scope;

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

    fn page(entries: impl IntoIterator<Item = DueEntry>, more: bool) -> DuePage {
        let entries: Vec<_> = entries.into_iter().collect();
        let next = entries.last().filter(|_| more).map(|entry| entry.key.clone());
        DuePage { entries, unreadable: vec![], next }
    }

    fn now() -> Timestamp {
        Timestamp::from_second(NOW).expect("a time")
    }

    fn ids((_, messages): &(Vec<Key>, Vec<Outgoing>)) -> Vec<&str> {
        messages.iter().map(|message| message.deduplication_id.as_str()).collect()
    }

    #[test]
    fn a_refused_entry_is_not_overtaken_in_its_group_and_hides_no_other() {
        let mut shard = Shard::default();
        let chosen = shard.choose(page([entry(0, "a"), entry(1, "b")], true), now());
        assert_eq!(shard.settle(chosen, &BTreeSet::from([0])), [entry(1, "b").key]);
        assert_eq!(shard.last(), Some(&entry(1, "b").key));
        assert!(shard.goes_on());
        let chosen = shard.choose(page([entry(2, "a"), entry(3, "c")], false), now());
        assert_eq!(ids(&chosen), ["e3"]);
        shard.settle(chosen, &BTreeSet::new());
        assert!(!shard.goes_on());
        let report = Report { sent: 2, refused: 1, behind: 1, late_ms: 10_000, left: true, ..Report::default() };
        assert_eq!(shard.into_report(), report);
    }

    #[test]
    fn a_group_has_enough_for_one_run_and_leaves_the_others_theirs() {
        let mut shard = Shard::default();
        let most = i64::from(MOST_OF_GROUP);
        let entries = (0..most + 20).map(|n| entry(n, "a")).chain([entry(most + 20, "b")]);
        let chosen = shard.choose(page(entries, true), now());
        assert_eq!(chosen.1.len(), usize::from(MOST_OF_GROUP) + 1);
        assert_eq!(ids(&chosen).last(), Some(&"e520"));
        shard.settle(chosen, &BTreeSet::new());
        let chosen = shard.choose(page([entry(most + 21, "a"), entry(most + 22, "b")], false), now());
        assert_eq!(ids(&chosen), ["e522"]);
        assert_eq!(shard.report.behind, 21);
        assert!(shard.report.left);
    }

    #[test]
    fn one_group_in_two_queues_is_two() {
        let mut shard = Shard::default();
        let mut other = entry(1, "a");
        other.due.queue = Queue::Automation;
        let chosen = shard.choose(page([entry(0, "a")], true), now());
        shard.settle(chosen, &BTreeSet::from([0]));
        assert_eq!(ids(&shard.choose(page([other], false), now())), ["e1"]);
    }

    #[test]
    fn a_shard_that_sqs_refuses_altogether_ends() {
        let mut shard = Shard::default();
        let mut n = 0;
        while shard.goes_on() {
            let entries = (0..50).map(|_| {
                n += 1;
                entry(n, &n.to_string())
            });
            let chosen = shard.choose(page(entries, true), now());
            shard.settle(chosen, &(0..50).collect());
        }
        assert_eq!(shard.into_report().refused, MOST_REFUSED);
    }

    #[test]
    fn what_is_not_understood_holds_up_nothing() {
        let mut shard = Shard::default();
        let unreadable = vec![(entry(0, "a").key, bellhop_store::StoreError::Defect("?".to_owned()))];
        let chosen = shard.choose(DuePage { unreadable, ..page([entry(1, "a")], false) }, now());
        shard.settle(chosen, &BTreeSet::new());
        let report = Report { sent: 1, unreadable: 1, late_ms: 9_000, ..Report::default() };
        assert_eq!(shard.into_report(), report);
    }

    #[test]
    fn reports_add_up() {
        let one = Report { sent: 1, refused: 0, behind: 2, unreadable: 1, late_ms: 5, left: true };
        let two = Report { sent: 2, refused: 3, behind: 1, unreadable: 0, late_ms: 4, left: false };
        assert_eq!(one.and(two), Report { sent: 3, refused: 3, behind: 3, unreadable: 1, late_ms: 5, left: true });
    }
}
