//! From what the calendar keeps of a unit to the ranges of its feed. Pure.

use std::collections::{BTreeMap, BTreeSet};

use bellhop_events::EventId;
use bellhop_ical::Busy;
use bellhop_store::calendar::{BlockState, Month};
use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp, ToSpan};

/// What takes a unit's nights.
#[derive(Debug, Clone, Copy)]
pub struct Taken<'a> {
    /// All that was ever sold, by the first day of the month.
    pub months: &'a BTreeMap<Date, Month>,
    /// Its blocks, lifted ones among them.
    pub blocks: &'a BTreeMap<EventId, BlockState>,
    /// Bookings that fit a night.
    pub capacity: u16,
    /// How often any of this was written: grows with each change, and with nothing else.
    pub revision: u64,
}

/// The zero of [`Busy::changed`], 2020-01-01.
const EPOCH: i64 = 1_577_836_800;

/// The busy ranges that touch the nights `[window.0, window.1)`, without the blocks in `except`.
///
/// A unit of capacity 1 is busy by stay, each under its own key; a room type is busy on nights that are sold out. Blocks
/// close both. Ranges that share a night become one, under the key of the one that begins first. Those that only touch
/// stay apart: a change of one stay shall not change its neighbours, and a season of stays as one event would be longer
/// than importers take.
///
/// No range is cut at the window, or it would change by day without news. What is stored bears no time, so the revision of
/// the unit's nights is the sequence of each range, and its `changed` that many seconds after 2020-01-01: both stand still
/// while nothing is written, and grow, together, with each write.
#[must_use]
pub fn busy(taken: &Taken<'_>, except: &BTreeSet<EventId>, window: (Date, Date)) -> Vec<Busy> {
    let mut ranges = closed(taken, except);
    let counted = |month: &Month, night| {
        let sold = month.sold(night, None);
        // A unit's stays have names; it may have been a room type, whose stays have none.
        let named = if taken.capacity == 1 { month.named(night, None).count() } else { 0 };
        usize::from(sold).saturating_sub(named) >= usize::from(taken.capacity)
    };
    ranges.extend(runs(taken.months, counted));
    if taken.capacity == 1 {
        ranges.extend(stays(taken.months));
    }
    let seconds = i64::try_from(taken.revision).unwrap_or(i64::MAX);
    let changed = Timestamp::from_second(EPOCH).unwrap_or_default();
    let changed = changed.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX);
    let (first, end) = window;
    merged(ranges)
        .into_iter()
        .filter(|range| range.until > first && range.from < end)
        .map(|Range { from, until, key }| Busy { from, until, key, sequence: taken.revision, changed })
        .collect()
}

/// Sorted by night, as they are compared by their fields in order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    from: Date,
    until: Date,
    key: String,
}

fn closed<'a>(taken: &'a Taken<'_>, except: &BTreeSet<EventId>) -> Vec<Range> {
    let standing = |(id, state): &(&'a EventId, &'a BlockState)| !state.lifted && !except.contains(*id);
    let range = |(id, state): (&EventId, &BlockState)| Range {
        from: state.block.from,
        until: state.block.until,
        key: format!("block/{id}"),
    };
    taken.blocks.iter().filter(standing).map(range).collect()
}

fn nights(months: &BTreeMap<Date, Month>) -> impl Iterator<Item = (Date, i8, &Month)> {
    months.iter().flat_map(|(first, month)| {
        (1..=first.days_in_month()).map(move |night| (date(first.year(), first.month(), night), night, month))
    })
}

fn day_after(night: Date) -> Date {
    night.saturating_add(1.day())
}

/// Stays by booking, over the ends of months.
fn stays(months: &BTreeMap<Date, Month>) -> Vec<Range> {
    let mut stays: BTreeMap<&str, Vec<Range>> = BTreeMap::new();
    for (date, night, month) in nights(months) {
        for booking in month.named(night, None) {
            let pieces = stays.entry(booking).or_default();
            if let Some(last) = pieces.last_mut().filter(|last| last.until == date) {
                last.until = day_after(date);
                continue;
            }
            // Months are read one after the other, and a stay may move meanwhile: two pieces must not share a key.
            let key = match pieces.as_slice() {
                [] => format!("booking/{booking}"),
                [..] => format!("booking/{booking}/{date}"),
            };
            pieces.push(Range { from: date, until: day_after(date), key });
        }
    }
    stays.into_values().flatten().collect()
}

/// Nights that are full by count, as few ranges as there can be.
fn runs(months: &BTreeMap<Date, Month>, full: impl Fn(&Month, i8) -> bool) -> Vec<Range> {
    let mut runs: Vec<Range> = Vec::new();
    for (date, night, month) in nights(months) {
        if !full(month, night) {
            continue;
        }
        match runs.last_mut() {
            Some(last) if last.until == date => last.until = day_after(date),
            _ => runs.push(Range { from: date, until: day_after(date), key: format!("nights/{date}") }),
        }
    }
    runs
}

/// Ranges that share a night made one.
fn merged(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.retain(|range| range.from < range.until);
    ranges.sort_unstable();
    let mut merged: Vec<Range> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.from < last.until => last.until = last.until.max(range.until),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests;
