//! One event: its revision, and the nights that it takes.

use std::collections::HashMap;

use bellhop_events::EventId;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Limits;
use super::frame::{Draft, Field};
use super::when::{When, duration, when};
use crate::fault::{FeedFault, fault, quote};

/// UIDs are kept up to so many bytes.
const MAX_UID: usize = 255;

/// What an event is read with.
pub(super) struct Context<'a> {
    /// The property's zone.
    pub zone: &'a TimeZone,
    /// TZID to place, of the calendar's own time zones.
    pub zones: &'a HashMap<String, String>,
    pub limits: &'a Limits,
}

/// One revision of an event.
pub(super) struct Event {
    pub uid: String,
    pub sequence: u64,
    pub last_modified: Option<Timestamp>,
    pub summary_hash: Option<String>,
    pub taken: Taken,
}

impl Event {
    /// Grows from one revision to the next (RFC 5545, 3.8.7.4 and 3.8.7.3).
    pub fn revision(&self) -> (u64, Option<Timestamp>) {
        (self.sequence, self.last_modified)
    }
}

/// Which nights an event takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// None: called off, or free time by its own word.
    Free,
    /// None that matter: over before the horizon.
    Past,
    /// `[from, until)`.
    Nights(Date, Date),
}

impl Taken {
    pub fn nights(self) -> Option<(Date, Date)> {
        match self {
            Self::Nights(from, until) => Some((from, until)),
            Self::Free | Self::Past => None,
        }
    }
}

pub(super) fn read(draft: &Draft, context: &Context<'_>) -> Result<Event, FeedFault> {
    let uid = draft.get("UID").map(|field| field.value.as_str()).filter(|uid| !uid.is_empty());
    let uid = uid.ok_or_else(|| fault("feed-uid-missing", draft.line, "no UID", "a UID in each event"))?;
    let uid = if uid.len() > MAX_UID { EventId::hashed('u', &[uid]).to_string() } else { uid.to_owned() };
    let summary = draft.get("SUMMARY").filter(|summary| !summary.value.is_empty());
    Ok(Event {
        sequence: draft.get("SEQUENCE").map_or(Ok(0), sequence)?,
        last_modified: draft.get("LAST-MODIFIED").map(|field| instant(field, context)).transpose()?,
        summary_hash: summary.map(|field| EventId::hashed('s', &["summary", &uid, &field.value]).to_string()),
        taken: taken(draft, context)?,
        uid,
    })
}

fn sequence(field: &Field) -> Result<u64, FeedFault> {
    let digits = field.value.bytes().all(|byte| byte.is_ascii_digit());
    let number = field.value.parse().ok().filter(|_| digits);
    number.ok_or_else(|| fault("feed-value-invalid", field.line, quote(&field.value), "a SEQUENCE from 0 upwards"))
}

fn instant(field: &Field, context: &Context<'_>) -> Result<Timestamp, FeedFault> {
    match when(field, context)? {
        When::Instant(time) => Ok(time.timestamp()),
        When::Day(_) => {
            Err(fault("feed-value-invalid", field.line, quote(&field.value), "a time such as 20260701T120000Z"))
        }
    }
}

fn taken(draft: &Draft, context: &Context<'_>) -> Result<Taken, FeedFault> {
    if let Some(field) = draft.get("RECURRENCE-ID") {
        return Err(fault("feed-recurrence", field.line, "RECURRENCE-ID", "single events"));
    }
    let says = |name, word| draft.get(name).is_some_and(|field| field.value.eq_ignore_ascii_case(word));
    if says("STATUS", "CANCELLED") || says("TRANSP", "TRANSPARENT") {
        return Ok(Taken::Free);
    }
    if let Some(line) = draft.repeats {
        return Err(fault("feed-recurrence", line, "an event that repeats", "single events"));
    }
    let (from, until) = nights(draft, context)?;
    if until <= context.limits.horizon_from {
        return Ok(Taken::Past);
    }
    let nights = from.until(until).map_or(i32::MAX, |span| span.get_days());
    if nights > context.limits.nights {
        return Err(fault("feed-stay-too-long", draft.line, format!("{nights} nights"), "at most 730 nights"));
    }
    Ok(Taken::Nights(from, until))
}

/// `[from, until)`, never empty.
fn nights(draft: &Draft, context: &Context<'_>) -> Result<(Date, Date), FeedFault> {
    let wrong = |found: &str, expected| fault("feed-dates", draft.line, found, expected);
    let start = draft.get("DTSTART").ok_or_else(|| wrong("no DTSTART", "a DTSTART in each event"))?;
    let start = when(start, context)?;
    let end = match (draft.get("DTEND"), draft.get("DURATION")) {
        (None, None) => start.clone(),
        (Some(end), None) => when(end, context)?,
        (None, Some(length)) => duration(length, &start)?,
        (Some(_), Some(_)) => return Err(wrong("DTEND and DURATION", "one of DTEND and DURATION")),
    };
    let (from, until) = match (&start, &end) {
        (When::Day(from), When::Day(until)) if until >= from => (*from, *until),
        (When::Instant(from), When::Instant(until)) if until >= from => {
            let date = |time: &jiff::ZonedDateTime| time.with_time_zone(context.zone.clone()).date();
            (date(from), date(until))
        }
        (When::Day(_), When::Day(_)) | (When::Instant(_), When::Instant(_)) => {
            return Err(wrong("an end before the start", "an end after the start"));
        }
        _ => return Err(wrong("a date and a time", "start and end both dates or both times")),
    };
    let first = from.tomorrow().map_err(|_| wrong("the last day of the calendar", "a day before 9999-12-31"))?;
    Ok((from, until.max(first)))
}
