//! The events that the functions are fed, as `shared/events` has them: see `pms.booking.created.v1` there.
//!
//! Each message group is a property with one unit of capacity 1 and ten stays in July 2030; what is measured is an
//! eleventh in the same month.

use serde_json::{Value, json};

use crate::events::{Ids, Message};

/// The size of the body of a booking in bytes.
pub const BODY_BYTES: usize = 1024;

/// Batches that [`before`] makes: the properties, then the stays.
pub const BATCHES_BEFORE: usize = 1 + STAYS_BEFORE;

/// Stays that a month holds already.
const STAYS_BEFORE: usize = 10;
/// Nights of each of them.
const NIGHTS: usize = 2;

/// What happened before the measurement: batch 0 registers the properties, each further one books two nights.
#[must_use]
pub fn before(ids: &mut Ids, group: usize, batch: usize) -> Message {
    match batch {
        0 => new_property(ids, group),
        stay => booking(ids, group, 1 + NIGHTS * (stay - 1), 1 + NIGHTS * stay),
    }
}

/// A new booking, three nights at the end of the month. Whatever the batch, they are free: the backend forgets writes.
#[must_use]
pub fn new_booking(ids: &mut Ids, group: usize, _: usize) -> Message {
    booking(ids, group, 27, 30)
}

fn new_property(ids: &mut Ids, group: usize) -> Message {
    let data = json!({
        "name": "A house by the sea",
        "time_zone": "Europe/Lisbon",
        "check_in": "15:00",
        "check_out": "11:00",
        "units": [{"id": "unit-1", "capacity": 1}],
        "channels": ["booking-com"],
        "languages": ["en"],
    });
    message(ids, group, "pms.property.upserted.v1", &format!("property/{}", property(group)), data)
}

fn booking(ids: &mut Ids, group: usize, arrival: usize, departure: usize) -> Message {
    let subject = format!("booking/{}", ids.next_id());
    let data = |reference: String| {
        json!({
            "unit": "unit-1",
            "arrival": format!("2030-07-{arrival:02}"),
            "departure": format!("2030-07-{departure:02}"),
            "channel": "booking-com",
            "reference": "4047912345",
            "party": {"adults": 2, "children": 1},
            "total": {"amount": 41250, "currency": "EUR"},
            "guest": {"name": "Ada Example", "email": "ada@example.com", "language": "en"},
            "remarks": reference,
        })
    };
    let short = message(ids, group, "pms.booking.created.v1", &subject, data(String::new()));
    let rest = BODY_BYTES.saturating_sub(short.body.len());
    message(ids, group, "pms.booking.created.v1", &subject, data("x".repeat(rest)))
}

fn message(ids: &mut Ids, group: usize, event_type: &str, subject: &str, mut data: Value) -> Message {
    let id = ids.next_id();
    // Grows, and takes the same room in every event.
    let version = 1_000_000_000 + ids.count();
    data["version"] = version.into();
    let tenant = "bench";
    let property = property(group);
    let event = json!({
        "specversion": "1.0",
        "id": id,
        "source": "/pms/bench",
        "type": event_type,
        "subject": subject,
        "time": "2030-06-01T12:00:00Z",
        "tenant": tenant,
        "property": property,
        "sequence": format!("{version:020}"),
        "data": data,
    });
    Message { group: format!("{tenant}#{property}"), body: event.to_string() }
}

fn property(group: usize) -> String {
    format!("property-{group}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_events::catalogue::route;
    use bellhop_events::{Envelope, Queue};

    #[test]
    fn every_body_is_in_the_catalogue() {
        let mut ids = Ids::new();
        let mut bodies = vec![new_booking(&mut ids, 9, 0).body];
        bodies.extend((0..BATCHES_BEFORE).map(|batch| before(&mut ids, 0, batch).body));
        for body in bodies {
            let envelope = Envelope::decode(&body);
            let routed = envelope.as_ref().map(|envelope| route(envelope, Queue::OperationalCalendar).map(|_| ()));
            assert!(matches!(routed, Ok(Ok(()))), "{routed:?}: {body}");
        }
    }

    #[test]
    fn ten_stays_fit_before_the_measured_one() {
        let last = 1 + NIGHTS * STAYS_BEFORE;
        assert!(last <= 27, "the last of them leaves on day {last}");
    }
}
