//! Outside feeds: bytes to ranges of nights, whole or not at all.
//!
//! The text comes from whoever a tenant names, so its frame (size, lines, folding, nesting, the end) is checked here, in
//! one pass, before a general parser sees any of it. The crate `icalendar` then reads single content lines, each below
//! [`Limits::line_bytes`]: its own component parser recurses with the input's nesting (130 KB of nested components
//! overflowed the stack of a debug build, which no `catch_unwind` catches), and drops what follows the first component.
//!
//! How the rules of RFC 5545 are applied:
//!
//! | in the feed | here |
//! |---|---|
//! | DATE | nights from DTSTART to DTEND exclusive (3.6.1); no end, or an end on the start's day, is one night |
//! | DATE-TIME | converted to the property's zone; nights from the start's date to the end's date, at least one |
//! | floating time | a local time of the property |
//! | TZID | an IANA name, a Windows name, an IANA name after a `/vendor/` prefix, or the X-LIC-LOCATION of its VTIMEZONE. The rules in a VTIMEZONE are not read: the name decides |
//! | STATUS:CANCELLED, TRANSP:TRANSPARENT | takes no night: the one is called off, the other says itself that it takes no time (3.8.2.7). STATUS:TENTATIVE takes its nights: better blocked than sold twice |
//! | one UID twice | the higher SEQUENCE, then the later LAST-MODIFIED, is the event (also if it is a cancellation); equals collapse; the same revision with other nights is a fault |
//! | RRULE, RDATE, EXRULE, RECURRENCE-ID | refused: no booking platform repeats a stay, and an expansion is a way to hang. An event that takes no night may carry the first three |
//! | VFREEBUSY | refused: skipped, its busy time would be sold |
//! | VALARM, VTODO, VJOURNAL, unknown components and properties | skipped, once they are well formed |
//! | an event that is over at the horizon | dropped |

mod event;
mod frame;
mod lines;
mod when;
mod windows;
mod zone;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::fault::{FeedFault, fault, quote};
use event::Event;

/// How much of a feed is taken. Above any of these nothing is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Events whose last night is before this day are dropped; today, usually.
    pub horizon_from: Date,
    /// Bytes of the whole feed, after decompression.
    pub bytes: usize,
    /// Events.
    pub events: usize,
    /// Lines inside one event, those of its alarms included.
    pub properties: usize,
    /// Bytes of one line as sent, and of one folded line if it is read.
    pub line_bytes: usize,
    /// Components inside each other; the calendar is the first.
    pub nesting: usize,
    /// Nights of one event.
    pub nights: i32,
}

impl Limits {
    /// 2 MB, 5,000 events of 1,000 properties, lines of 8 KiB, 8 levels, 730 nights.
    #[must_use]
    pub fn new(horizon_from: Date) -> Self {
        Self {
            horizon_from,
            bytes: 2_000_000,
            events: 5_000,
            properties: 1_000,
            line_bytes: 8 * 1024,
            nesting: 8,
            nights: bellhop_events::MAX_NIGHTS,
        }
    }
}

/// Nights that an outside feed says are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The event's UID; above 255 bytes its hash.
    pub uid: String,
    /// The first night.
    pub from: Date,
    /// The first night that is free again.
    pub until: Date,
    /// The revision (RFC 5545, 3.8.7.4); 0 without one.
    pub sequence: u64,
    /// When the event changed last, if it says so (3.8.7.3).
    pub last_modified: Option<Timestamp>,
    /// A hash of UID and SUMMARY: tells a change without keeping a guest's name.
    pub summary_hash: Option<String>,
}

/// What reading a feed took; each is at most the feed's size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Lines, folded ones counted once.
    pub lines: usize,
    /// Bytes copied to unfold lines.
    pub copied: usize,
    /// Bytes handed to the general parser.
    pub parsed: usize,
}

/// The nights of a feed, sorted by nights and UID. `zone` is the property's. At the first fault nothing is returned.
pub fn parse(bytes: &[u8], zone: &TimeZone, limits: &Limits) -> Result<Vec<Imported>, FeedFault> {
    parse_counted(bytes, zone, limits).0
}

/// As [`parse`], and what it took.
pub fn parse_counted(bytes: &[u8], zone: &TimeZone, limits: &Limits) -> (Result<Vec<Imported>, FeedFault>, Work) {
    let mut work = Work::default();
    let imported = frame::read(bytes, limits, &mut work).and_then(|calendar| {
        let context = event::Context { zone, zones: &calendar.zones, limits };
        let mut newest = BTreeMap::new();
        for draft in &calendar.events {
            keep_newest(&mut newest, draft.line, event::read(draft, &context)?)?;
        }
        Ok(busy(newest))
    });
    (imported, work)
}

fn keep_newest(newest: &mut BTreeMap<String, Event>, line: usize, event: Event) -> Result<(), FeedFault> {
    match newest.entry(event.uid.clone()) {
        Entry::Vacant(place) => {
            place.insert(event);
        }
        Entry::Occupied(mut place) if event.revision() > place.get().revision() => {
            place.insert(event);
        }
        Entry::Occupied(place) if event.revision() == place.get().revision() && event.taken != place.get().taken => {
            let expected = "one event for each UID, or a SEQUENCE that says which is newer";
            return Err(fault("feed-uid-conflict", line, quote(&event.uid), expected));
        }
        Entry::Occupied(_) => {}
    }
    Ok(())
}

fn busy(newest: BTreeMap<String, Event>) -> Vec<Imported> {
    let taken = newest.into_values().filter_map(|event| {
        let (from, until) = event.taken.nights()?;
        let Event { uid, sequence, last_modified, summary_hash, .. } = event;
        Some(Imported { uid, from, until, sequence, last_modified, summary_hash })
    });
    let mut imported: Vec<Imported> = taken.collect();
    imported.sort_by(|a, b| (a.from, a.until, &a.uid).cmp(&(b.from, b.until, &b.uid)));
    imported
}
