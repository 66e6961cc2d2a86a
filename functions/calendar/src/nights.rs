//! Nights: what changes in the months of units when a stay is freed and another taken. Pure.

use std::collections::{BTreeMap, BTreeSet};

use bellhop_events::{BookingId, Stay, UnitId};
use bellhop_store::calendar::{BookingState, CalendarState, Keeping, Month, month_keys};
use bellhop_store::{Key, StoreError, Write};
use bellhop_worker::{Needs, Refusal, View};
use jiff::civil::Date;

/// So many bookings are named where a night is taken.
const MOST_NAMES: usize = 5;

/// Nights of a unit that a booking takes or frees.
#[derive(Debug, Clone, PartialEq)]
pub struct Nights {
    pub unit: UnitId,
    pub stay: Stay,
    pub keeping: Keeping,
}

/// What became of the wish for nights.
pub enum Placing {
    /// They are the booking's.
    Placed(Vec<Write>),
    /// Taken: the first such night, and who has it.
    Taken { night: Date, by: Vec<String>, writes: Vec<Write> },
}

/// Frees `old` and takes `new` for a booking whose room type has `capacity`; if a night is taken, frees `old` only.
pub fn place(
    booking: &BookingId,
    old: Option<&Nights>,
    new: Option<&Nights>,
    capacity: u16,
    view: &View<'_, CalendarState>,
) -> Result<Placing, Refusal> {
    if old == new {
        return Ok(Placing::Placed(Vec::new()));
    }
    let mut months: BTreeMap<Key, Month> = BTreeMap::new();
    let mut changed: BTreeSet<Key> = BTreeSet::new();
    if let Some(new) = new {
        for key in month_keys(view.scope, &new.unit, &new.stay) {
            if !view.has_read(&key) {
                let keys = month_keys(view.scope, &new.unit, &new.stay);
                return Err(Refusal::Needs(Needs { keys, ..Needs::default() }));
            }
            months.insert(key.clone(), Month::decode(view.item(&key))?);
        }
    }
    let mut writes = Vec::new();
    if let Some(old) = old {
        for (date, first, last) in old.stay.months() {
            let key = Month::key(view.scope, &old.unit, date);
            match months.get_mut(&key) {
                Some(month) => {
                    month.free(booking, old.keeping, first, last);
                    changed.insert(key);
                }
                // Not read, for the event does not name it: freed without a look.
                None => writes.push(Month::free_unread(key, booking, old.keeping, first, last)),
            }
        }
    }
    let taken = match new {
        Some(new) => first_taken(booking, new, capacity, &months, view)?,
        None => None,
    };
    if let (Some(new), None) = (new, &taken) {
        for (date, first, last) in new.stay.months() {
            let key = Month::key(view.scope, &new.unit, date);
            if let Some(month) = months.get_mut(&key) {
                month.take(booking, new.keeping, first, last);
                changed.insert(key);
            }
        }
    }
    let puts: Result<Vec<_>, StoreError> =
        months.into_iter().filter(|(key, _)| changed.contains(key)).map(|(key, month)| month.put(key)).collect();
    writes.extend(puts?);
    Ok(match taken {
        None => Placing::Placed(writes),
        Some((night, by)) => Placing::Taken { night, by, writes },
    })
}

/// The first night without room, and the bookings that have it.
fn first_taken(
    booking: &BookingId,
    new: &Nights,
    capacity: u16,
    months: &BTreeMap<Key, Month>,
    view: &View<'_, CalendarState>,
) -> Result<Option<(Date, Vec<String>)>, Refusal> {
    for (date, first, last) in new.stay.months() {
        let Some(month) = months.get(&Month::key(view.scope, &new.unit, date)) else { continue };
        let Some(night) = (first..=last).find(|night| month.sold(*night, Some(booking)) >= capacity) else { continue };
        let mut by: Vec<_> = month.named(night, Some(booking)).map(str::to_owned).collect();
        let taken = Date::new(date.year(), date.month(), night).unwrap_or(date);
        if by.len() < usize::from(month.sold(night, Some(booking))) {
            by = names(&new.unit, taken, booking, view)?;
        }
        by.truncate(MOST_NAMES);
        return Ok(Some((taken, by)));
    }
    Ok(None)
}

/// Counts do not name bookings: as many of the night as are told are looked up, at a conflict only.
fn names(
    unit: &UnitId,
    night: Date,
    except: &BookingId,
    view: &View<'_, CalendarState>,
) -> Result<Vec<String>, Refusal> {
    let prefix = view.scope.own("", "booking/");
    let Some(list) = view.list(&prefix) else {
        // One more, for `except` may be among them.
        let finds = vec![(prefix, BookingState::placed_on(unit, night, MOST_NAMES + 1))];
        return Err(Refusal::Needs(Needs { finds, ..Needs::default() }));
    };
    let ids = list.iter().filter_map(|(key, _)| key.sort_key().rsplit('/').next());
    Ok(ids.filter(|id| *id != except.as_str()).map(str::to_owned).collect())
}
