//! Dates, times and durations (RFC 5545, 3.3.4 to 3.3.6).

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, ZonedDateTime};

use super::event::Context;
use super::frame::Field;
use super::zone;
use crate::fault::{FeedFault, fault, quote};

/// A day, or a moment.
#[derive(Debug, Clone)]
pub(super) enum When {
    Day(Date),
    Instant(ZonedDateTime),
}

/// `20260701`, `20260701T150000`, `20260701T150000Z`. The form decides; a VALUE that says otherwise is a fault.
/// A local time that a clock change skips or repeats is taken as 3.3.5 says: with the offset before the change.
pub(super) fn when(field: &Field, context: &Context<'_>) -> Result<When, FeedFault> {
    let invalid =
        || fault("feed-value-invalid", field.line, quote(&field.value), "a date 20260701 or a time 20260701T150000Z");
    let (date, time) = match field.value.split_once(['T', 't']) {
        None => (field.value.as_str(), None),
        Some((date, time)) => (date, Some(time)),
    };
    let date = day(date).ok_or_else(invalid)?;
    match (time, field.kind.as_deref()) {
        (None, None | Some("DATE")) => Ok(When::Day(date)),
        (Some(time), None | Some("DATE-TIME")) => {
            let (clock, utc) = time.strip_suffix(['Z', 'z']).map_or((time, false), |clock| (clock, true));
            let local = clock_time(date, clock).ok_or_else(invalid)?;
            let zone = match &field.zone {
                _ if utc => TimeZone::UTC,
                None => context.zone.clone(),
                Some(id) => zone::of(id, context.zones).ok_or_else(|| {
                    fault("feed-zone-unknown", field.line, quote(id), "an IANA time zone such as Europe/Lisbon")
                })?,
            };
            local.to_zoned_datetime(zone).map(When::Instant).map_err(|_| invalid())
        }
        _ => Err(invalid()),
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn day(text: &str) -> Option<Date> {
    if text.len() != 8 {
        return None;
    }
    Date::new(number(text.get(..4)?)?, number(text.get(4..6)?)?, number(text.get(6..)?)?).ok()
}

fn clock_time(date: Date, text: &str) -> Option<DateTime> {
    if text.len() != 6 {
        return None;
    }
    let second: i8 = number(text.get(4..)?)?;
    // A leap second is the last one of its minute.
    let second = if second == 60 { 59 } else { second };
    let time = jiff::civil::Time::new(number(text.get(..2)?)?, number(text.get(2..4)?)?, second, 0).ok()?;
    Some(date.to_datetime(time))
}

/// The end of what begins at `start` and lasts `P7D`, `P1W` or `PT36H`: days by the calendar, hours by the clock.
pub(super) fn duration(field: &Field, start: &When) -> Result<When, FeedFault> {
    let invalid = || fault("feed-value-invalid", field.line, quote(&field.value), "a duration such as P7D or PT20H");
    let form = |byte: u8| byte.is_ascii_digit() || b"+PWDTHMS".contains(&byte.to_ascii_uppercase());
    let text = field.value.trim_start_matches('+');
    // Months and years are no part of the RFC's durations: an M counts only behind the T.
    let months = text.split(['T', 't']).next().is_some_and(|days| days.contains(['M', 'm']));
    if !text.bytes().all(form) || months {
        return Err(invalid());
    }
    let span: Span = text.parse().map_err(|_| invalid())?;
    match start {
        When::Day(from) if !text.contains(['T', 't']) => from.checked_add(span).map(When::Day).map_err(|_| invalid()),
        When::Day(_) => Err(invalid()),
        When::Instant(from) => from.checked_add(span).map(When::Instant).map_err(|_| invalid()),
    }
}
