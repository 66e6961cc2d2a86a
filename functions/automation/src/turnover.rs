//! Who stays before and who after, as the calendar's months say.

use bellhop_events::{BookingId, UnitId};
use bellhop_store::Key;
use bellhop_store::calendar::Month;
use bellhop_worker::{Needs, Refusal};
use jiff::ToSpan;
use jiff::civil::Date;

use crate::Looked;

/// The next guests are looked for until the end of so many months after that of the departure: beyond, a cleaning has no end.
const MONTHS_AHEAD: i32 = 2;

/// The day on which the next guests of a unit arrive, from `day` on.
pub fn next_arrival(unit: &UnitId, day: Date, own: &BookingId, view: &Looked<'_>) -> Result<Option<Date>, Refusal> {
    for (first, month) in months(unit, day, 0..=MONTHS_AHEAD, view) {
        let nights =
            month?.stays().filter(|(id, ..)| *id != own.as_str()).map(|(_, night, _)| night).collect::<Vec<_>>();
        let days = nights.into_iter().filter_map(|night| Date::new(first.year(), first.month(), night).ok());
        if let Some(next) = days.filter(|next| *next >= day).min() {
            return Ok(Some(next));
        }
    }
    Ok(None)
}

/// Those who leave a unit last before, or on, the day on which others arrive: the end of their cleaning depends on these.
pub fn before(unit: &UnitId, arrival: Date, own: &BookingId, view: &Looked<'_>) -> Result<Option<BookingId>, Refusal> {
    // The last night may lie in the month before that of the departure.
    for (first, month) in months(unit, arrival, (-MONTHS_AHEAD - 1..=0).rev(), view) {
        let month = month?;
        let ends = month.stays().filter(|(id, ..)| *id != own.as_str());
        let ends = ends.filter_map(|(id, _, last)| Some((Date::new(first.year(), first.month(), last).ok()?, id)));
        if let Some((_, id)) = ends.filter(|(last, _)| *last < arrival).max() {
            return Ok(id.parse().ok());
        }
    }
    Ok(None)
}

/// The months that are looked at first; farther ones only where these do not tell.
pub fn near(unit: &UnitId, arrival: Date, departure: Date, view: &bellhop_store::Scope) -> Vec<Key> {
    let calendar = view.of_calendar();
    let months = [month_at(arrival, -1), month_at(arrival, 0), month_at(departure, 0), month_at(departure, 1)];
    months.into_iter().flatten().map(|month| Month::key(&calendar, unit, month)).collect()
}

fn months<'a>(
    unit: &'a UnitId,
    around: Date,
    offsets: impl Iterator<Item = i32> + Clone + 'a,
    view: &'a Looked<'_>,
) -> impl Iterator<Item = (Date, Result<Month, Refusal>)> + 'a {
    let calendar = view.scope.of_calendar();
    let keys = move |offset| Some(month_at(around, offset)?).map(|first| (first, Month::key(&calendar, unit, first)));
    let all: Vec<_> = offsets.filter_map(keys).collect();
    let unread: Vec<_> = all.iter().map(|(_, key)| key).filter(|key| !view.has_read(key)).cloned().collect();
    all.into_iter().map(move |(first, key)| {
        let month = if view.has_read(&key) {
            Month::decode(view.item(&key)).map_err(Refusal::from)
        } else {
            Err(Refusal::Needs(Needs { keys: unread.clone(), ..Needs::default() }))
        };
        (first, month)
    })
}

fn month_at(day: Date, offset: i32) -> Option<Date> {
    day.first_of_month().checked_add(offset.months()).ok()
}
