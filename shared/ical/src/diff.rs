//! From what a feed said last time and says now to the blocks that change.

use std::collections::BTreeMap;

use bellhop_events::EventId;
use jiff::civil::Date;

use crate::import::Imported;

/// An outside feed, and what it has been told by us.
#[derive(Debug, Clone, Copy)]
pub struct Feed<'a> {
    /// The feed's own id, unique within its unit; part of each block's id, so it never changes.
    pub id: &'a str,
    /// [`crate::FeedHeader::domain`] of our own feeds: an event whose UID ends in it is an echo.
    pub own_domain: &'a str,
    /// The ranges `[from, until)` that our feed tells this platform now, without the blocks that came from this very
    /// feed. A platform may echo nights under UIDs of its own: nights that it has from us are no news.
    /// Without this, two platforms can keep a night closed for ever, each because the other does.
    pub told: &'a [(Date, Date)],
}

/// A block that this feed has made and that is still in place. Blocks that are over should be left out: the feed no longer
/// has their events, and each would be lifted once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The block's id.
    pub block: EventId,
    /// The first night.
    pub from: Date,
    /// The first night that is free again.
    pub until: Date,
}

/// A change to post, as `pms.unit.blocked.v1` or `pms.unit.unblocked.v1` with the source `feed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Nights are taken, or a block has other nights than before.
    Block {
        /// The block's id.
        block: EventId,
        /// The first night.
        from: Date,
        /// The first night that is free again.
        until: Date,
    },
    /// The event is gone, or its nights are known to be ours: its block is lifted.
    Unblock {
        /// The block's id.
        block: EventId,
        /// The first night of the block as it was.
        from: Date,
        /// The end of the block as it was.
        until: Date,
    },
}

/// The id of the block that an event of a feed makes: `b` and 26 characters of base32.
#[must_use]
pub fn block_id(feed: &str, uid: &str) -> EventId {
    EventId::hashed('b', &["feed", feed, uid])
}

/// What changed, in the order of the block ids; nothing for what is as before. Blocks come before unblocks, so that an
/// event which only got another UID leaves no gap in between.
#[must_use]
pub fn diff(feed: &Feed<'_>, known: &[Known], found: &[Imported]) -> Vec<Change> {
    let mut gone: BTreeMap<&EventId, &Known> = known.iter().map(|block| (&block.block, block)).collect();
    let told = merged(feed.told);
    let news = found.iter().filter(|event| !is_own(&event.uid, feed.own_domain) && !covers(&told, event));
    let news: BTreeMap<EventId, &Imported> = news.map(|event| (block_id(feed.id, &event.uid), event)).collect();
    let mut changes = Vec::new();
    for (block, Imported { from, until, .. }) in news {
        let before = gone.remove(&block);
        if before.is_none_or(|before| (before.from, before.until) != (*from, *until)) {
            changes.push(Change::Block { block, from: *from, until: *until });
        }
    }
    changes.extend(gone.into_values().map(|Known { block, from, until }| Change::Unblock {
        block: block.clone(),
        from: *from,
        until: *until,
    }));
    changes
}

/// Whether a UID is one that we made.
fn is_own(uid: &str, domain: &str) -> bool {
    uid.rsplit_once('@').is_some_and(|(_, of)| !domain.is_empty() && of.eq_ignore_ascii_case(domain))
}

/// The ranges as few as they can be, sorted.
fn merged(ranges: &[(Date, Date)]) -> Vec<(Date, Date)> {
    let mut sorted: Vec<_> = ranges.iter().copied().filter(|(from, until)| from < until).collect();
    sorted.sort_unstable();
    let mut merged: Vec<(Date, Date)> = Vec::with_capacity(sorted.len());
    for (from, until) in sorted {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => merged.push((from, until)),
        }
    }
    merged
}

/// Whether each night of the event lies in one of the merged ranges.
fn covers(merged: &[(Date, Date)], event: &Imported) -> bool {
    let after = merged.partition_point(|(from, _)| *from <= event.from);
    after.checked_sub(1).is_some_and(|at| merged[at].1 >= event.until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const FEED: Feed<'_> = Feed { id: "airbnb", own_domain: "feeds.bellhop.example", told: &[] };

    fn event(uid: &str, from: i8, until: i8) -> Imported {
        let (from, until) = (date(2026, 7, from), date(2026, 7, until));
        Imported { uid: uid.to_owned(), from, until, sequence: 0, last_modified: None, summary_hash: None }
    }

    fn known(event: &Imported) -> Known {
        Known { block: block_id(FEED.id, &event.uid), from: event.from, until: event.until }
    }

    /// The state after the changes.
    fn apply(known: &[Known], changes: &[Change]) -> Vec<Known> {
        let mut state: BTreeMap<_, _> = known.iter().map(|block| (block.block.clone(), block.clone())).collect();
        for change in changes {
            match change.clone() {
                Change::Block { block, from, until } => {
                    state.insert(block.clone(), Known { block, from, until });
                }
                Change::Unblock { block, .. } => assert!(state.remove(&block).is_some(), "{block} is not known"),
            }
        }
        state.into_values().collect()
    }

    #[test]
    fn new_moved_and_vanished_events_change_blocks_and_others_do_not() {
        let (stays, moves, goes) = (event("a@x", 1, 3), event("b@x", 5, 7), event("c@x", 9, 10));
        let (after_move, comes) = (event("b@x", 5, 8), event("d@x", 20, 22));
        let before = [known(&stays), known(&moves), known(&goes)];
        let changes = diff(&FEED, &before, &[stays.clone(), after_move.clone(), comes.clone()]);
        assert_eq!(changes.len(), 3);
        assert_eq!(
            changes[2],
            Change::Unblock { block: block_id("airbnb", "c@x"), from: goes.from, until: goes.until }
        );
        let after = apply(&before, &changes);
        assert!(diff(&FEED, &after, &[comes, after_move, stays]).is_empty());
    }

    #[test]
    fn our_own_uids_are_no_news() {
        let (own, other) = (event("nabc@FEEDS.bellhop.example", 1, 3), event("x@not-feeds.bellhop.example", 1, 3));
        assert_eq!(diff(&FEED, &[], std::slice::from_ref(&own)), []);
        assert_eq!(diff(&FEED, &[], &[other]).len(), 1);
        // A feed taken before the domain was known: its block is lifted.
        assert!(matches!(diff(&FEED, &[known(&own)], std::slice::from_ref(&own))[..], [Change::Unblock { .. }]));
    }

    #[test]
    fn nights_that_we_told_are_no_news_under_whatever_uid() {
        let told = [(date(2026, 7, 3), date(2026, 7, 5)), (date(2026, 7, 1), date(2026, 7, 3))];
        let feed = Feed { told: &told, ..FEED };
        assert_eq!(diff(&feed, &[], &[event("echo@airbnb.com", 1, 5)]), []);
        assert_eq!(diff(&feed, &[], &[event("echo@airbnb.com", 2, 4)]), []);
        assert_eq!(diff(&feed, &[], &[event("more@airbnb.com", 4, 6)]).len(), 1);
        assert_eq!(diff(&feed, &[], &[event("other@airbnb.com", 10, 12)]).len(), 1);
    }

    #[test]
    fn two_platforms_that_echo_each_other_let_go() {
        // Both close the night only because the other does; each is told the block of the other.
        let (a, b) = (event("echo@airbnb.com", 1, 2), event("echo@booking.com", 1, 2));
        let b_block = [(b.from, b.until)];
        let changes = diff(&Feed { told: &b_block, ..FEED }, &[known(&a)], &[a]);
        assert!(matches!(changes[..], [Change::Unblock { .. }]));
    }

    #[test]
    fn block_ids_are_ids_of_blocks_and_differ_by_feed() {
        let id = block_id("airbnb", &"é/#".repeat(80));
        assert!(id.as_str().parse::<EventId>().is_ok());
        assert_ne!(block_id("airbnb", "1"), block_id("vrbo", "1"));
    }

    #[test]
    fn random_states_meet_after_one_diff() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..500 {
            let mut some = |n: usize| -> Vec<Imported> {
                let mut events: BTreeMap<String, Imported> = BTreeMap::new();
                for _ in 0..random.usize(..n) {
                    let from = random.i8(1..20);
                    let one = event(&format!("{}@x", random.u8(..12)), from, from + random.i8(1..9));
                    events.insert(one.uid.clone(), one);
                }
                events.into_values().collect()
            };
            let (before, now) = (some(12), some(12));
            let before: Vec<Known> = before.iter().map(known).collect();
            let after = apply(&before, &diff(&FEED, &before, &now));
            let mut expected: Vec<Known> = now.iter().map(known).collect();
            expected.sort_by(|a, b| a.block.cmp(&b.block));
            assert_eq!(after, expected);
        }
    }
}
