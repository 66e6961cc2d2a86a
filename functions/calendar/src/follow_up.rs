//! Who hears of a change. Rebuilt from the stored state and this small outbox, the same each time.

use bellhop_events::catalogue::{
    AVAILABILITY_CHANGED, AvailabilityChanged, BOOKING_CHANGED, BOOKING_UNPLACED, BookingChanged, BookingUnplaced,
    CLEANING_REQUESTED, CleaningRequested, DASHBOARD_LOOK, DashboardLook, FormerStay, GUEST_MESSAGE_REQUESTED,
    GuestMessage, GuestMessageRequested, PROPERTY_CHANGED, Payload, PropertyChanged, WEBHOOK_REQUESTED,
    WebhookRequested,
};
use bellhop_events::{Envelope, Fault, MAX_NIGHTS, Reason, Subject, UnitId};
use bellhop_store::calendar::{BookingState, CalendarState};
use bellhop_worker::FollowUp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// What follow-ups cannot take from the state. Paid for by the byte with each write.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outbox {
    /// Nights that the former version of the subject held.
    #[serde(default, rename = "f", skip_serializing_if = "Option::is_none")]
    pub freed: Option<Freed>,
    /// The state's own nights changed hands.
    #[serde(default, rename = "t", skip_serializing_if = "is_false")]
    pub taken: bool,
    /// The guest hears.
    #[serde(default, rename = "m", skip_serializing_if = "Option::is_none")]
    pub message: Option<GuestMessage>,
    /// A night was taken.
    #[serde(default, rename = "x", skip_serializing_if = "Option::is_none")]
    pub clash: Option<Clash>,
    /// Units whose capacity changed.
    #[serde(default, rename = "u", skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<UnitId>,
    /// Since when their capacity is another: a resend may carry another time, and must say the same.
    #[serde(default, rename = "s", skip_serializing_if = "Option::is_none")]
    pub since: Option<Date>,
    /// Units that are sold beyond their new capacity: unit and first such night.
    #[serde(default, rename = "o", skip_serializing_if = "Vec::is_empty")]
    pub oversold: Vec<(UnitId, Date)>,
    /// What whoever listens at the property hears of, too.
    #[serde(default, rename = "l", skip_serializing_if = "Vec::is_empty")]
    pub heard: Vec<Heard>,
    /// The block that changed.
    #[serde(default, rename = "b", skip_serializing_if = "Option::is_none")]
    pub block: Option<Freed>,
}

/// Follow-ups that a property's listeners may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Heard {
    #[serde(rename = "c")]
    Cleaning,
    #[serde(rename = "x")]
    Clash,
}

/// Nights of a unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Freed {
    #[serde(rename = "u")]
    pub unit: UnitId,
    #[serde(rename = "a")]
    pub from: Date,
    #[serde(rename = "d")]
    pub until: Date,
}

/// A taken night, and who has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clash {
    #[serde(rename = "n")]
    pub night: Date,
    #[serde(rename = "b")]
    pub by: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// All follow-ups of an event.
pub fn rebuild(event: &Envelope, state: &CalendarState, outbox: &Outbox) -> Vec<FollowUp> {
    match state {
        CalendarState::Booking(booking) => of_booking(event, booking, outbox),
        CalendarState::Unit(_) => {
            let version = event.data.get("version").and_then(serde_json::Value::as_u64).unwrap_or_default();
            availability(version, outbox.freed.iter().chain(&outbox.block).cloned().collect())
        }
        CalendarState::Property(property) => of_property(event, property, outbox),
    }
}

fn of_booking(event: &Envelope, state: &BookingState, outbox: &Outbox) -> Vec<FollowUp> {
    let booking = &state.booking;
    let own =
        outbox.taken.then(|| Freed { unit: booking.unit.clone(), from: booking.arrival, until: booking.departure });
    let mut follow_ups = availability(booking.version, outbox.freed.iter().cloned().chain(own).collect());
    let former =
        outbox.freed.clone().map(|Freed { unit, from, until }| FormerStay { unit, arrival: from, departure: until });
    let changed = BookingChanged {
        version: booking.version,
        cause: event.event_type.clone(),
        unit: booking.unit.clone(),
        arrival: booking.arrival,
        departure: booking.departure,
        placed: state.placed.is_some(),
        former,
    };
    follow_ups.push(FollowUp::Event {
        event_type: BOOKING_CHANGED.name,
        subject: event.subject.clone(),
        data: Envelope::data_of(&changed),
    });
    if outbox.heard.contains(&Heard::Cleaning) {
        let data = CleaningRequested {
            version: booking.version,
            unit: booking.unit.clone(),
            arrival: booking.arrival,
            departure: booking.departure,
            cancelled: state.placed.is_none(),
        };
        follow_ups.push(for_listeners(event, CLEANING_REQUESTED.name, &data));
    }
    if let Some(message) = outbox.message {
        let data = GuestMessageRequested {
            version: booking.version,
            message: message.into(),
            unit: booking.unit.clone(),
            arrival: booking.arrival,
            departure: booking.departure,
        };
        follow_ups.push(FollowUp::Event {
            event_type: GUEST_MESSAGE_REQUESTED.name,
            subject: event.subject.clone(),
            data: Envelope::data_of(&data),
        });
    }
    if let Some(Clash { night, by }) = &outbox.clash {
        let names: Vec<_> = by.iter().map(|id| format!("booking/{id}")).collect();
        let fault = Fault::new(Reason::BookingUnplaced, "/data/arrival")
            .found(format!("{} of {} on the night {night}, taken by {}", event.subject, booking.unit, names.join(", ")))
            .expected("a free night");
        follow_ups.push(FollowUp::Review(fault));
        if outbox.heard.contains(&Heard::Clash) {
            let data = BookingUnplaced {
                version: booking.version,
                unit: booking.unit.clone(),
                arrival: booking.arrival,
                departure: booking.departure,
                night: *night,
                taken_by: by.iter().filter_map(|id| id.parse().ok()).collect(),
            };
            follow_ups.push(for_listeners(event, BOOKING_UNPLACED.name, &data));
        }
    }
    follow_ups.push(for_dashboard(event, booking.version));
    follow_ups
}

/// Last of all: ids of follow-ups count on their order.
fn for_dashboard(event: &Envelope, version: u64) -> FollowUp {
    FollowUp::Event {
        event_type: DASHBOARD_LOOK.name,
        subject: event.subject.clone(),
        data: Envelope::data_of(&DashboardLook::at(version)),
    }
}

/// A follow-up for whoever listens at the property.
fn for_listeners<T: Payload>(event: &Envelope, event_type: &str, payload: &T) -> FollowUp {
    FollowUp::Event {
        event_type: WEBHOOK_REQUESTED.name,
        subject: event.subject.clone(),
        data: Envelope::data_of(&WebhookRequested::of(event_type, payload)),
    }
}

fn of_property(event: &Envelope, property: &bellhop_events::catalogue::Property, outbox: &Outbox) -> Vec<FollowUp> {
    let from = outbox.since.unwrap_or_else(|| jiff::tz::Offset::UTC.to_datetime(event.time).date());
    let until = from.saturating_add(jiff::Span::new().days(MAX_NIGHTS));
    let ranges = outbox.units.iter().map(|unit| Freed { unit: unit.clone(), from, until }).collect();
    let mut follow_ups = availability(property.version, ranges);
    follow_ups.push(FollowUp::Event {
        event_type: PROPERTY_CHANGED.name,
        subject: event.subject.clone(),
        data: Envelope::data_of(&PropertyChanged { version: property.version }),
    });
    if !outbox.oversold.is_empty() {
        let found: Vec<_> = outbox.oversold.iter().map(|(unit, night)| format!("{unit} from {night}")).collect();
        let fault = Fault::new(Reason::CapacityBelowSold, "/data/units").found(found.join(", "));
        follow_ups.push(FollowUp::Review(fault.expected("a capacity of at least what is sold")));
    }
    follow_ups.push(for_dashboard(event, property.version));
    follow_ups
}

/// One event for each stretch of nights; stretches of one unit that touch are one.
fn availability(version: u64, mut ranges: Vec<Freed>) -> Vec<FollowUp> {
    ranges.retain(|range| range.from < range.until);
    if let [a, b] = ranges.as_slice()
        && a.unit == b.unit
        && a.from <= b.until
        && b.from <= a.until
    {
        ranges = vec![Freed { unit: a.unit.clone(), from: a.from.min(b.from), until: a.until.max(b.until) }];
    }
    let event = |Freed { unit, from, until }| FollowUp::Event {
        event_type: AVAILABILITY_CHANGED.name,
        subject: Subject::Unit(unit),
        data: Envelope::data_of(&AvailabilityChanged { version, from, until }),
    };
    ranges.into_iter().map(event).collect()
}
