//! Boards and channels for tests of how they are drawn, in whichever crate.
#![expect(clippy::expect_used, clippy::missing_panics_doc, reason = "only tests see this")]

use aws_sdk_dynamodb::types::AttributeValue;
use bellhop_events::UnitId;
use bellhop_events::catalogue::{Channel, WorkStatus};
use bellhop_store::automation::{AutomationState, BookingWork, Cleaning, Progress as Work, TaskWork};
use bellhop_store::channel::{Circuit, Disabled, Progress, Stamps};
use bellhop_store::{Item, Key, Scope};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use serde_json::json;

use crate::board::Board;
use crate::channels::{Changes, Row};

/// The moment of all samples.
#[must_use]
pub fn now() -> Timestamp {
    "2026-07-01T10:00:00Z".parse().expect("a time")
}

/// Why a channel is told nothing, since [`now`].
#[must_use]
pub fn disabled(reason: &str) -> Disabled {
    let json = serde_json::json!({ "reason": reason, "at": now().as_millisecond() });
    serde_json::from_value(json).expect("a reason")
}

/// A channel as it is registered.
#[must_use]
pub fn channel(json: &str) -> Channel {
    serde_json::from_str(json).expect("a channel")
}

fn unit(id: &str) -> UnitId {
    id.parse().expect("an id")
}

/// Nights of suite changed twice, of loft once, of attic never; the rate bar of suite changed once.
#[must_use]
pub fn changes() -> Changes {
    let stamped = |times: u8| {
        let mut stamps = Stamps::default();
        (0..times).for_each(|_| stamps.stamp(date(2026, 7, 3), date(2026, 7, 5), date(2026, 7, 1)));
        stamps
    };
    Changes {
        today: date(2026, 7, 1),
        known_units: ["suite", "loft", "attic"].map(unit).into(),
        units: [(unit("suite"), stamped(2)), (unit("loft"), stamped(1))].into(),
        rates: [("bar".parse().expect("an id"), [(unit("suite"), stamped(1))].into())].into(),
    }
}

const ARI: &str = r#"{"version":3,"kind":"ari","name":"Booking.com","url":"https://user:pw@api.example/v1?key=s3cret",
    "key":"secretsmanager:bellhop/sea/x","property":"p9",
    "units":[{"unit":"suite","room_type":"r1"},{"unit":"loft","room_type":"r2"},{"unit":"attic","room_type":"r3"}],
    "rates":[{"rate":"bar","unit":"suite","rate_plan":"q1"},{"rate":"never","unit":"loft","rate_plan":"q2"}]}"#;

/// A channel manager that sells suite, loft and attic.
#[must_use]
pub fn ari(progress: &Progress, circuit: &Circuit) -> Row {
    Row::new(&"booking-com".parse().expect("an id"), &channel(ARI), progress, circuit, &changes(), now())
}

fn item(place: &Scope, subject: &str, state: &AutomationState) -> (Key, Item) {
    let key = place.subject(&subject.parse().expect("a subject"));
    let state = serde_dynamo::to_attribute_value(state).expect("encodes");
    (key, [("rev".to_owned(), AttributeValue::N("1".into())), ("st".to_owned(), state)].into())
}

fn booking(unit: &str, day: Date, next: Option<Date>, who: Option<&str>, status: WorkStatus) -> AutomationState {
    let cleaning = Cleaning {
        unit: unit.parse().expect("an id"),
        day,
        next,
        exact: true,
        assignee: who.map(str::to_owned),
        counted: who.is_some(),
    };
    let progress = Work { status, ..Work::default() };
    AutomationState::Booking(Box::new(BookingWork { cleaning: Some(cleaning), progress, ..BookingWork::default() }))
}

fn task(value: serde_json::Value, status: WorkStatus) -> AutomationState {
    let task = serde_json::from_value(value).expect("a task");
    let progress = Work { status, ..Work::default() };
    AutomationState::Task(Box::new(TaskWork {
        task,
        blocked: None,
        plan: bellhop_store::automation::Plan::default(),
        progress,
    }))
}

/// A week with all that can be in one.
#[must_use]
pub fn board() -> Board {
    let place = Board::scope(&"sea".parse().expect("an id"), &"villa".parse().expect("an id"));
    let property = json!({
        "version": 1, "name": "Vila Açor", "time_zone": "Europe/Lisbon", "check_in": "15:00", "check_out": "11:00",
        "units": [{"id": "suite"}, {"id": "loft"}, {"id": "double", "capacity": 12}],
    });
    let property = serde_json::from_value(property).expect("a property");
    let day = |day| date(2026, 7, day);
    let (open, done) = (WorkStatus::Open, WorkStatus::Done);
    let mut items = vec![
        item(&place, "booking/1", &booking("suite", day(6), Some(day(6)), Some("anna"), done)),
        item(&place, "booking/2", &booking("suite", day(9), Some(day(11)), Some("team-north-and-south"), open)),
        item(&place, "booking/3", &booking("suite", day(12), None, None, open)),
        item(&place, "booking/4", &booking("loft", day(7), Some(day(7)), None, open)),
        item(&place, "booking/5", &booking("loft", day(8), None, Some("ben"), WorkStatus::Problem)),
        item(&place, "booking/6", &booking("loft", day(8), None, Some("ben"), WorkStatus::Started)),
        item(&place, "booking/7", &booking("loft", day(9), None, Some("ben"), WorkStatus::Gone)),
        item(&place, "booking/8", &booking("gone-unit", day(10), None, None, open)),
    ];
    for n in 0..5 {
        let next = (n < 2).then(|| day(11));
        let who = (n != 3).then_some("crew");
        items.push(item(&place, &format!("booking/d{n}"), &booking("double", day(11), next, who, open)));
    }
    let tap = json!({"version": 1, "title": "Tap drips", "state": "scheduled", "unit": "loft", "from": "2026-07-08", "block": true});
    let lamp = json!({"version": 1, "kind": "inspection", "title": "Look at the lamps", "state": "requested"});
    items.push(item(&place, "task/lamp", &task(lamp.clone(), WorkStatus::Started)));
    items.push(item(&place, "task/tap", &task(tap, open)));
    items.push(item(&place, "task/old", &task(lamp, done)));
    Board::of(&place, &property, day(6), day(13), &items).expect("readable")
}
