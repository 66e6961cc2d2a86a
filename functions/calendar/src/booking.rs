//! Bookings: each event is a whole snapshot, decided on its own.

use bellhop_events::catalogue::{
    BOOKING_CANCELLED, BOOKING_REPLACED, BOOKING_UNPLACED, Booking, CLEANING_REQUESTED, Guest, GuestMessage, Payload,
    Property, Replace,
};
use bellhop_events::{BookingId, Envelope, Fault, Reason};
use bellhop_store::calendar::{BookingState, CalendarState, Keeping, month_keys};
use bellhop_store::{Key, Scope};
use bellhop_worker::{Decision, Effect, Refusal, Then, View};

use crate::follow_up::{Clash, Freed, Heard, Outbox};
use crate::nights::{Nights, Placing, place};
use crate::{Calendar, Versioned, compare, property_of};

/// The property, and the months that a confirmed booking touches. What a former version took is freed unread.
pub fn reads(event: &Envelope, scope: &Scope) -> Result<Vec<Key>, Fault> {
    let mut keys = vec![scope.property()];
    let takes_nights = ![BOOKING_CANCELLED.name, BOOKING_REPLACED.name].contains(&event.event_type.as_str());
    if takes_nights {
        let booking: Booking = event.payload()?;
        keys.extend(month_keys(scope, &booking.unit, &booking.stay()?));
    }
    Ok(keys)
}

pub fn decide(event: &Envelope, id: &BookingId, view: &View<'_, CalendarState>) -> Result<Decision<Calendar>, Refusal> {
    let booking: Booking = event.payload()?;
    let property = property_of(event, view)?;
    let known = known(view);
    let cancelled = event.event_type == BOOKING_CANCELLED.name;
    // Of a booking whose guest was erased, the guest makes no other content: what is known comes again, and brings nobody back.
    let is_erased = known.is_some_and(|old| old.booking.guest == Some(Guest::erased()));
    let bare = Booking { guest: Some(Guest::erased()), ..booking.clone() };
    let content = (if is_erased { &bare } else { &booking }, cancelled);
    let old_content = known.map(|old| (&old.booking, old.cancelled));
    match compare(
        known.zip(old_content.as_ref()).map(|(old, c)| (old.booking.version, c)),
        booking.version(),
        &content,
    )? {
        Versioned::Known => Ok(Decision::stale()),
        Versioned::Newer => settle(id, known, booking, cancelled, &property, view),
    }
}

/// A person asks to place an unplaced booking again.
pub fn replace(
    event: &Envelope,
    id: &BookingId,
    view: &View<'_, CalendarState>,
) -> Result<Decision<Calendar>, Refusal> {
    let asked: Replace = event.payload()?;
    let property = property_of(event, view)?;
    match known(view) {
        Some(old) if old.is_unplaced() && old.booking.version == asked.version => {
            settle(id, Some(old), old.booking.clone(), false, &property, view)
        }
        _ => Ok(Decision::stale()),
    }
}

fn known<'a>(view: &'a View<'_, CalendarState>) -> Option<&'a BookingState> {
    match &view.state {
        Some(CalendarState::Booking(booking)) => Some(booking),
        _ => None,
    }
}

/// Decides a snapshot against the calendar as it is.
fn settle(
    id: &BookingId,
    old: Option<&BookingState>,
    booking: Booking,
    cancelled: bool,
    property: &Property,
    view: &View<'_, CalendarState>,
) -> Result<Decision<Calendar>, Refusal> {
    let old_nights = old.and_then(nights_of).transpose()?;
    let stay = booking.stay()?;
    let (new_nights, capacity) = if cancelled {
        (None, 0)
    } else {
        let Some(unit) = property.unit(&booking.unit) else {
            let known = property.units.iter().take(10).map(|unit| unit.id.as_str()).collect::<Vec<_>>().join(", ");
            let fault = Fault::new(Reason::UnknownUnit, "/data/unit").found(&booking.unit);
            return Err(Refusal::Permanent(fault.expected(format!("a unit of {}: {known}", view.scope.group()))));
        };
        // A stay that stays keeps the way its nights are kept, though the capacity may have changed.
        let same = old_nights.as_ref().filter(|old| old.unit == booking.unit && old.stay == stay);
        let usual = if unit.capacity == 1 { Keeping::Stay } else { Keeping::Count };
        let keeping = same.map_or(usual, |old| old.keeping);
        (Some(Nights { unit: booking.unit.clone(), stay, keeping }), unit.capacity)
    };
    let (writes, clash) = match place(id, old_nights.as_ref(), new_nights.as_ref(), capacity, view)? {
        Placing::Placed(writes) => (writes, None),
        Placing::Taken { night, by, writes } => (writes, Some(Clash { night, by })),
    };
    let placed = new_nights.as_ref().filter(|_| clash.is_none()).map(|nights| nights.keeping);
    let told = old.is_some_and(|old| old.told);
    let moved = old_nights.as_ref().map(spot) != new_nights.as_ref().filter(|_| placed.is_some()).map(spot);
    let message = match (placed, told) {
        (Some(_), false) => Some(GuestMessage::Confirmation),
        (Some(_), true) => moved.then_some(GuestMessage::Change),
        (None, true) => cancelled.then_some(GuestMessage::Cancellation),
        (None, false) => None,
    };
    let listens = |name: &str| property.notify.iter().any(|wanted| wanted == name || wanted == "*");
    let heard = [
        (Heard::Cleaning, moved && listens(CLEANING_REQUESTED.name)),
        (Heard::Clash, clash.is_some() && listens(BOOKING_UNPLACED.name)),
    ];
    let heard = heard.into_iter().filter_map(|(what, is_heard)| is_heard.then_some(what)).collect();
    let outbox = Outbox {
        heard,
        freed: old_nights.filter(|_| moved).map(|n| Freed {
            unit: n.unit,
            from: n.stay.arrival(),
            until: n.stay.departure(),
        }),
        taken: moved && placed.is_some(),
        message,
        clash,
        ..Outbox::default()
    };
    let told = (told || placed.is_some()) && !cancelled;
    let note = match (&outbox.clash, cancelled) {
        (Some(_), _) => Some("unplaced"),
        (None, true) => Some("cancelled"),
        (None, false) => None,
    };
    Ok(Decision {
        effect: Effect::Applied,
        note,
        state: Some(CalendarState::Booking(BookingState { booking, cancelled, placed, told })),
        writes,
        outbox: Some(outbox),
        registers: false,
        then: Then::Done,
    })
}

fn nights_of(state: &BookingState) -> Option<Result<Nights, Fault>> {
    let keeping = state.placed?;
    let stay = state.booking.stay();
    Some(stay.map(|stay| Nights { unit: state.booking.unit.clone(), stay, keeping }))
}

fn spot(nights: &Nights) -> (&bellhop_events::UnitId, bellhop_events::Stay) {
    (&nights.unit, nights.stay)
}
