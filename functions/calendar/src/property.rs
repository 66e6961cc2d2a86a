//! Properties: registering one lets what waited for it flow.

use bellhop_events::catalogue::{Payload, Property};
use bellhop_events::{Envelope, UnitId};
use bellhop_store::calendar::{CalendarState, Month};
use bellhop_worker::{Decision, Effect, Needs, Refusal, Then, View};
use jiff::civil::Date;

use crate::follow_up::Outbox;
use crate::{Calendar, Versioned, compare};

pub fn decide(event: &Envelope, view: &View<'_, CalendarState>) -> Result<Decision<Calendar>, Refusal> {
    let property: Property = event.payload()?;
    let known = match &view.state {
        Some(CalendarState::Property(known)) => Some(known),
        _ => None,
    };
    if let Versioned::Known = compare(known.map(|old| (old.version, old)), property.version(), &property)? {
        return Ok(Decision::stale());
    }
    let mut outbox = Outbox::default();
    let capacity = |of: Option<&Property>, id: &UnitId| of.and_then(|of| of.unit(id)).map_or(0, |unit| unit.capacity);
    let units = known.iter().flat_map(|old| &old.units).chain(&property.units).map(|unit| &unit.id);
    // At the first registration all units are news: a channel may have been registered before.
    let changed = units.filter(|id| capacity(known, id) != capacity(Some(&property), id));
    outbox.units = changed.cloned().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    outbox.since = (!outbox.units.is_empty()).then(|| jiff::tz::Offset::UTC.to_datetime(event.time).date());
    let lowered = outbox.units.iter().filter(|id| capacity(known, id) > capacity(Some(&property), id));
    let lowered: Vec<_> = lowered.cloned().collect();
    let missing: Vec<_> =
        lowered.iter().map(|id| Month::all(view.scope, id)).filter(|p| view.list(p).is_none()).collect();
    if !missing.is_empty() {
        return Err(Refusal::Needs(Needs { lists: missing, ..Needs::default() }));
    }
    for unit in lowered {
        if let Some(night) = oversold(&unit, capacity(Some(&property), &unit), view)? {
            outbox.oversold.push((unit, night));
        }
    }
    Ok(Decision {
        effect: Effect::Applied,
        note: (!outbox.oversold.is_empty()).then_some("below-sold"),
        state: Some(CalendarState::Property(property)),
        writes: Vec::new(),
        outbox: Some(outbox),
        registers: true,
        then: Then::Done,
    })
}

/// The first night from today on that has more bookings than the new capacity.
fn oversold(unit: &UnitId, capacity: u16, view: &View<'_, CalendarState>) -> Result<Option<Date>, Refusal> {
    let today = jiff::tz::Offset::UTC.to_datetime(view.now).date();
    for (key, item) in view.list(&Month::all(view.scope, unit)).unwrap_or_default() {
        let Some(first) = Month::date_of(key) else { continue };
        let month = Month::decode(Some(item))?;
        for night in 1..=first.days_in_month() {
            let Ok(date) = Date::new(first.year(), first.month(), night) else { continue };
            if date >= today && month.sold(night, None) > capacity {
                return Ok(Some(date));
            }
        }
    }
    Ok(None)
}
