//! An outside feed against the blocks that it has made: what changes. Pure; a feed that cannot be read changes nothing.

use bellhop_events::catalogue::{Block, BlockSource};
use bellhop_ical::{Change, Feed, FeedFault, Known, Limits, diff, parse};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::news::horizon;

/// What is known when a feed comes in.
pub struct Before<'a> {
    /// The feed's own id.
    pub id: &'a str,
    /// The blocks that it has made and that are not over.
    pub known: &'a [Known],
    /// The nights that our feed tells this platform, from today to the horizon.
    pub told: &'a [(Date, Date)],
    /// What follows the `@` in our own UIDs.
    pub own_domain: &'a str,
    /// The property's zone, and today there.
    pub zone: &'a TimeZone,
    /// Events that are over by then are nothing.
    pub today: Date,
}

/// What a feed changes, as a whole or not at all.
pub fn import(before: &Before<'_>, body: &str) -> Result<Vec<Change>, FeedFault> {
    let found = parse(body.as_bytes(), before.zone, &Limits::new(before.today))?;
    // Our feed cuts no stay at today or at the horizon, nor does its echo: whose guest is in the house now began before.
    let end = horizon(before.today);
    let uncut = |(from, until): &(Date, Date)| {
        let from = if *from <= before.today { Date::MIN } else { *from };
        (from, if *until >= end { Date::MAX } else { *until })
    };
    let told: Vec<_> = before.told.iter().map(uncut).collect();
    let feed = Feed { id: before.id, own_domain: before.own_domain, told: &told };
    Ok(diff(&feed, before.known, &found))
}

/// The blocks that stand after the changes.
pub fn apply(known: &[Known], changes: &[Change]) -> Vec<Known> {
    let mut kept = known.to_vec();
    for change in changes {
        match change {
            Change::Block { block, from, until } => {
                kept.retain(|known| known.block != *block);
                kept.push(Known { block: block.clone(), from: *from, until: *until });
            }
            Change::Unblock { block, .. } => kept.retain(|known| known.block != *block),
        }
    }
    kept
}

/// The blocks to post: whether each is lifted, and what it is.
pub fn blocks(changes: &[Change], version: u64) -> Vec<(bool, Block)> {
    let block = |change: &Change| {
        let (lifted, block, from, until) = match change {
            Change::Block { block, from, until } => (false, block, from, until),
            Change::Unblock { block, from, until } => (true, block, from, until),
        };
        let block =
            Block { version, block: block.clone(), from: *from, until: *until, source: BlockSource::Feed, note: None };
        (lifted, block)
    };
    changes.iter().map(block).collect()
}

#[cfg(test)]
mod tests;
