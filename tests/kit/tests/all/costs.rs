//! What events cost, where that is a count: calls, round trips, write units. Times are for `make bench`.
//!
//! Ids have 36 characters, as most systems give them: they are what an item's size is made of.

use std::convert::Infallible;
use std::time::Duration;

use bellhop_calendar::Calendar;
use bellhop_events::catalogue::CLEANING_REQUESTED;
use bellhop_events::{Envelope, Fault as Wrong, Queue};
use bellhop_kit::given::{GROUP, booking, property};
use bellhop_kit::{Fault, World};
use bellhop_store::{Key, Scope};
use bellhop_worker::{Decision, Effect, FollowUp, Handler, Policy, Refusal, Then, View};
use serde_json::{Map, Value, json};

/// The least handler with an effect: the snapshot is kept, one follow-up.
struct OneItem;

impl Handler for OneItem {
    const CONSUMER: &'static str = "one-item";
    const QUEUE: Queue = Queue::OperationalCalendar;
    const SENDS_TO: &'static [Queue] = &[Queue::Automation];
    type State = Map<String, Value>;
    type Outbox = ();
    type Call = Infallible;
    type Answer = Infallible;

    fn reads(&self, _: &Envelope, _: &Scope) -> Result<Vec<Key>, Wrong> {
        Ok(Vec::new())
    }

    fn decide(&self, event: &Envelope, _: &View<'_, Self::State>) -> Result<Decision<Self>, Refusal> {
        Ok(Decision {
            effect: Effect::Applied,
            note: None,
            state: Some(event.data.clone()),
            writes: Vec::new(),
            outbox: Some(()),
            registers: false,
            then: Then::Done,
        })
    }

    async fn perform(&self, call: Infallible) -> Infallible {
        call
    }

    fn follow_ups(&self, event: &Envelope, state: &Self::State, (): &()) -> Vec<FollowUp> {
        let (event_type, subject) = (CLEANING_REQUESTED.name, event.subject.clone());
        vec![FollowUp::Event { event_type, subject, data: state.clone() }]
    }
}

/// An id of 36 characters.
fn id(kind: u32, n: usize) -> String {
    format!("{kind:08x}-0000-7000-8000-{n:012x}")
}

const TENANT: u32 = 1;
const PROPERTY: u32 = 2;
const UNIT: u32 = 3;
const BOOKING: u32 = 4;
const EVENT: u32 = 5;

fn post<H: Handler>(world: &World<H>, property: usize, kind: &str, subject: &str, event: usize, data: &Value) {
    let (tenant, property) = (id(TENANT, 0), id(PROPERTY, property));
    let body = json!({
        "specversion": "1.0", "id": id(EVENT, event), "source": "/pms/test", "type": kind, "subject": subject,
        "time": "2026-07-01T10:00:00Z", "tenant": tenant, "property": property, "data": data,
    });
    world.post(&format!("{tenant}#{property}"), &body.to_string());
}

fn given_post(world: &World<Calendar>, event: &Value) {
    world.post(GROUP, &event.to_string());
}

/// A booking with all that a channel tells: two nights of July 2026 from `day` on.
fn book<H: Handler>(world: &World<H>, property: usize, booking: usize, version: usize, day: usize) {
    let data = json!({
        "version": 1_782_900_000_000_000_usize + version, "unit": id(UNIT, 0),
        "arrival": format!("2026-07-{day:02}"), "departure": format!("2026-07-{:02}", day + 2),
        "channel": "booking-com", "reference": "4047912345", "party": {"adults": 2, "children": 1},
        "total": {"amount": 41_250, "currency": "EUR"},
        "guest": {"name": "Ada Example", "email": "ada@example.com", "phone": "+351910000000", "language": "en"},
    });
    let kind = if version == 0 { "pms.booking.created.v1" } else { "pms.booking.modified.v1" };
    post(
        world,
        property,
        kind,
        &format!("booking/{}", id(BOOKING, booking)),
        1000 * property + 100 * booking + version,
        &data,
    );
}

async fn hotels(properties: usize) -> World<Calendar> {
    let world = World::new(Calendar, Policy::default());
    for property in 0..properties {
        let data = json!({
            "version": 1, "time_zone": "Europe/Lisbon", "check_in": "15:00", "check_out": "11:00",
            "units": [{"id": id(UNIT, 0), "capacity": 1}],
        });
        let subject = format!("property/{}", id(PROPERTY, property));
        post(&world, property, "pms.property.upserted.v1", &subject, 999_000 + property, &data);
    }
    world.drain().await;
    drop(world.aws.take_calls());
    world
}

fn write_units<H>(world: &World<H>) -> u64 {
    world.aws.take_calls().iter().map(|call| call.write_units).sum()
}

fn operations<H>(world: &World<H>) -> Vec<String> {
    world.aws.take_calls().into_iter().map(|call| call.operation).collect()
}

/// Works a batch until nothing moves but the n-th call; then lets that go on. What was called before, and after.
async fn around<H: Handler>(world: &World<H>, n: usize) -> (Vec<String>, Vec<String>) {
    world.aws.fail_call(n, Fault::Stall);
    let batch = world.deliver();
    tokio::pin!(batch);
    tokio::select! {
        biased;
        _ = &mut batch => panic!("nothing stalled"),
        // The clock is paused: it moves on when nobody can.
        () = tokio::time::sleep(Duration::from_secs(1)) => {}
    }
    let before = operations(world);
    world.aws.go_on();
    batch.await;
    (before, operations(world))
}

#[tokio::test(start_paused = true)]
async fn a_booking_inside_a_month_takes_at_most_4_write_units_beside_ten_stays() {
    let world = hotels(1).await;
    for booking in 0..=10 {
        book(&world, 0, booking, 0, 1 + 2 * booking);
        world.drain().await;
        let units = write_units(&world);
        assert!(units <= 4, "booking {booking}: {units} write units");
    }
    assert_eq!(world.aws.queue(Queue::Fallback, |queue| queue.log.len()), 0);
}

#[tokio::test(start_paused = true)]
async fn an_effect_of_one_item_takes_at_most_2_write_units() {
    let world = World::new(OneItem, Policy::default());
    for version in 0..10 {
        book(&world, 0, 0, version, 1);
        world.drain().await;
        let units = write_units(&world);
        assert!(units <= if version == 0 { 1 } else { 2 }, "version {version}: {units} write units");
    }
}

#[tokio::test(start_paused = true)]
async fn ten_groups_take_one_read_ten_writes_and_one_send_for_each_queue() {
    let world = hotels(10).await;
    (0..10).for_each(|property| book(&world, property, 0, 0, 1));
    world.deliver().await;
    let calendar = [vec!["BatchGetItem"], vec!["TransactWriteItems"; 10], vec!["SendMessageBatch"; 4]].concat();
    assert_eq!(operations(&world), calendar);

    let world = World::new(OneItem, Policy::default());
    (0..10).for_each(|property| book(&world, property, 0, 0, 1));
    world.deliver().await;
    assert_eq!(operations(&world), [vec!["BatchGetItem"], vec!["PutItem"; 10], vec!["SendMessageBatch"]].concat());
}

#[tokio::test(start_paused = true)]
async fn a_conflict_at_a_large_property_reads_and_keeps_no_more_names_than_are_told() {
    let world = World::new(Calendar, Policy::default());
    given_post(&world, &property("p1", 1, &[("room", 40)]));
    for n in 0..40 {
        given_post(&world, &booking(&format!("e{n:035}"), "created", &format!("a{n:035}"), 1, "room", 3..6));
    }
    world.drain().await;
    let items = world.aws.items();
    let some = items.iter().find(|item| item["sk"]["S"].as_str().is_some_and(|sk| sk.contains("booking/a")));
    for n in 0..60 {
        let mut other = some.expect("a booking").clone();
        other["sk"] = json!({"S": format!("calendar#booking/b{n}")});
        other["much"] = json!({"S": "x".repeat(100_000)});
        world.aws.put_item(&other);
    }
    drop(world.aws.take_calls());
    given_post(&world, &booking("e", "created", "c", 1, "room", 5..8));
    world.drain().await;
    let calls = world.aws.take_calls();
    assert_eq!(calls.iter().filter(|call| call.operation == "Query").count(), 1);
    assert_eq!(calls.iter().map(|call| call.write_units).sum::<u64>(), 1);
    let notes = world.aws.queue(Queue::Fallback, |queue| queue.log.clone());
    assert_eq!(notes[0].note.as_deref().unwrap_or_default().matches("booking/a0").count(), 5);
}

/// With the test above: three round trips deep.
#[tokio::test(start_paused = true)]
async fn no_write_waits_for_another_and_no_send_for_another() {
    let world = hotels(10).await;
    (0..10).for_each(|property| book(&world, property, 0, 0, 1));
    let (before, after) = around(&world, 1).await;
    assert_eq!(before, [vec!["BatchGetItem"], vec!["TransactWriteItems"; 9]].concat());
    assert_eq!(after, [vec!["TransactWriteItems"], vec!["SendMessageBatch"; 4]].concat());

    (0..10).for_each(|property| book(&world, property, 1, 0, 3));
    let (before, after) = around(&world, 11).await;
    assert_eq!(before, [vec!["BatchGetItem"], vec!["TransactWriteItems"; 10], vec!["SendMessageBatch"; 3]].concat());
    assert_eq!(after, ["SendMessageBatch"]);
}
