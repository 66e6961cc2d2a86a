//! Cleanings, tasks, reports and rules, through the real worker on the in-process cloud.

use bellhop_events::{Envelope, Queue};
use bellhop_kit::given::{booking, event, property};
use bellhop_kit::{Delivery, Fault, now};
use jiff::civil::{Date, date};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::common::house::{self, House, house};

const UNITS: &[(&str, u16)] = &[("u1", 1), ("u2", 1), ("rooms", 3)];

async fn open_house() -> House {
    let house = house();
    house.post(&property("p1", 1, UNITS));
    house.settle().await;
    house
}

fn july(day: i8) -> Date {
    date(2026, 7, day)
}

#[tokio::test(start_paused = true)]
async fn a_cleaning_follows_its_stay_and_its_neighbours() {
    let house = open_house().await;
    house.post(&booking("e1", "created", "b1", 1, "u1", 2..5));
    house.settle().await;
    assert_eq!(house.cleanings().await["b1"], ("u1".into(), july(5), None, true));
    house.post(&booking("e2", "created", "b2", 1, "u1", 9..12));
    house.settle().await;
    assert_eq!(house.cleanings().await["b1"].2, Some(july(9)));
    house.post(&booking("e3", "modified", "b2", 2, "u1", 5..12));
    house.settle().await;
    let work = house.work().await;
    assert!(work["b1"].cleaning.as_ref().expect("a cleaning").is_urgent());
    house.post(&booking("e4", "modified", "b2", 3, "u2", 5..12));
    house.settle().await;
    assert_eq!(house.cleanings().await["b1"].2, None, "its neighbour went to another unit");
    house.post(&booking("e5", "cancelled", "b1", 2, "u1", 2..5));
    house.settle().await;
    assert_eq!(house.cleanings().await.keys().collect::<Vec<_>>(), ["b2"]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_changes_nothing_leaves_no_trace() {
    let house = open_house().await;
    house.post(&booking("e1", "created", "b1", 1, "u1", 2..5));
    house.settle().await;
    let before = house.automation.aws.items();
    let look = event("look-1", "bellhop.automation.look.v1", "booking/b1", &json!({"version": 1}));
    house.post(&look);
    house.post(&event("look-2", "bellhop.automation.look.v1", "booking/unknown", &json!({"version": 1})));
    house.settle().await;
    assert_eq!(house.automation.aws.items(), before);
}

fn rulebook() -> Value {
    json!({"rules": [
        {"id": "pre-arrival", "at": {"anchor": "arrival", "days": -1, "time": "10:00"}, "then": {"message": "pre-arrival"}},
        {"id": "thanks", "at": {"anchor": "departure", "offset": "PT3H"}, "then": {"message": "review-request"}},
        {"id": "welcome", "on": "pms.booking.created.v1", "after": "PT2H", "then": {"message": "welcome"}},
    ]})
}

const DAY: i64 = 86_400;

#[tokio::test(start_paused = true)]
async fn reminders_come_once_at_their_local_time_and_never_for_a_stay_that_is_called_off() {
    let house = open_house().await;
    house.save_rules(&rulebook()).await;
    let start = now();
    for (n, from) in [(1, 10), (2, 14)] {
        house.post(&booking(&format!("e{n}"), "created", &format!("b{n}"), 1, "u1", from..from + 3));
    }
    house.settle().await;
    assert_eq!(house.due().len(), 2, "one entry for each booking, its next moment");
    house.post(&booking("e3", "modified", "b2", 2, "u1", 20..23));
    house.settle().await;
    house.post(&booking("e4", "cancelled", "b1", 2, "u1", 10..13));
    house.settle().await;
    assert_eq!(house.due().len(), 1);
    house.live(40 * DAY).await;
    assert!(house.due().is_empty());
    let asked: Vec<_> = house.messages().into_iter().filter(|m| !m.starts_with('c')).collect();
    assert_eq!(asked, ["welcome b2", "pre-arrival b2", "review-request b2"]);
    // 10:00 in Lisbon is 09:00 UTC in July.
    let work = house.work().await;
    let fired = work["b2"].plan.fired["pre-arrival"];
    assert_eq!(jiff::Timestamp::from_second(fired).expect("a time").to_string(), "2026-07-19T09:00:00Z");
    assert!(fired > start.as_second());
}

#[tokio::test(start_paused = true)]
async fn a_reminder_that_is_late_is_sent_if_the_arrival_lies_ahead_and_a_past_stay_gets_no_thanks() {
    let house = open_house().await;
    house.save_rules(&rulebook()).await;
    // The clock of tests stands at the first of July 2026, or somewhat later.
    let today = jiff::tz::Offset::UTC.to_datetime(now()).date();
    let stay = |id: &str, name: &str, from: Date, until: Date| {
        let data = json!({"version": 1, "unit": "rooms", "arrival": from, "departure": until});
        event(id, "pms.booking.created.v1", &format!("booking/{name}"), &data)
    };
    let day = |n: i64| today.checked_add(jiff::Span::new().days(n)).expect("a date");
    house.post(&stay("e1", "soon", day(1), day(3)));
    house.post(&stay("e2", "past", day(-30), day(-20)));
    house.settle().await;
    let asked: Vec<_> = house.messages().into_iter().filter(|m| !m.starts_with("conf")).collect();
    let lead = now()
        < jiff::tz::TimeZone::get("Europe/Lisbon")
            .expect("a zone")
            .to_timestamp(today.at(10, 0, 0, 0))
            .expect("a time");
    assert_eq!(asked, if lead { vec![] } else { vec!["pre-arrival soon".to_owned()] });
    house.live(2 * DAY).await;
    let count = house.messages().iter().filter(|m| *m == "pre-arrival soon").count();
    assert_eq!(count, 1);
    assert!(!house.messages().iter().any(|m| m == "review-request past"));
}

#[tokio::test(start_paused = true)]
async fn rules_emit_to_rules_but_never_to_themselves_and_a_failing_one_stops_nobody() {
    let house = open_house().await;
    house.save_rules(&json!({"rules": [
        {"id": "a", "on": "pms.booking.created.v1", "then": {"event": {"type": "rule.big", "data": {"x": 1.5}}}},
        {"id": "broken", "on": "pms.booking.created.v1", "when": "1 / booking.adults > 0", "then": {"message": "never"}},
        {"id": "b", "on": "rule.big", "then": {"task": {"kind": "inspection", "title": "Look", "days": 2}}},
        {"id": "c", "on": "pms.task.upserted.v1", "then": {"task": {"kind": "inspection", "title": "Again"}}},
    ]})).await;
    house.post(&booking("e1", "created", "b1", 1, "u1", 10..13));
    house.settle().await;
    assert_eq!(house.reasons(), ["rule-failed"]);
    let tasks = house.tasks().await;
    let mut rules: Vec<_> = tasks.values().map(|work| work.task.rules.join(" ")).collect();
    rules.sort();
    assert_eq!(rules, ["a b", "a b c"], "a task of a rule does not lead to itself, however often it is changed");
    assert_eq!(house.messages(), ["confirmation b1"]);
}

#[tokio::test(start_paused = true)]
async fn maintenance_blocks_its_nights_until_it_is_done_and_a_problem_until_it_is_mended() {
    let house = open_house().await;
    let task = |id: &str, version: u64, state: &str, unit: &str| {
        let data = json!({"version": version, "title": "Boiler", "state": state, "unit": unit, "from": "2026-07-10",
            "until": "2026-07-12", "block": true});
        event(id, "pms.task.upserted.v1", "task/t1", &data)
    };
    let blocks = async || {
        let scope = house::scope().of_calendar();
        let mut found = Vec::new();
        for unit in ["u1", "u2"] {
            let subject = format!("unit/{unit}").parse().expect("a subject");
            let item = house.calendar.store.subject(&scope, &subject).await.expect("a read");
            let Some(state) = item.and_then(|item| item.state) else { continue };
            let bellhop_store::calendar::CalendarState::Unit(state) =
                serde_dynamo::from_attribute_value(state).expect("a state")
            else {
                continue;
            };
            found.extend(state.blocks.values().filter(|b| !b.lifted).map(|b| format!("{unit} {}", b.block.from)));
        }
        found
    };
    house.post(&task("t-1", 1, "scheduled", "u1"));
    house.settle().await;
    assert_eq!(blocks().await, ["u1 2026-07-10"]);
    house.post(&task("t-2", 2, "scheduled", "u2"));
    house.settle().await;
    assert_eq!(blocks().await, ["u2 2026-07-10"]);
    house.post(&task("t-3", 3, "done", "u2"));
    house.post(&task("t-4", 2, "scheduled", "u2"));
    house.settle().await;
    assert_eq!(blocks().await, Vec::<String>::new());
    house.post(&booking("e1", "created", "b1", 1, "u1", 2..5));
    house.settle().await;
    let report = |id: &str, version: u64, status: &str, block: Value| {
        event(
            id,
            "pms.task.reported.v1",
            "booking/b1",
            &json!({"version": version, "status": status, "by": "Ana", "block": block}),
        )
    };
    house.post(&report("r1", 1, "problem", json!({"from": "2026-07-05", "until": "2026-07-07"})));
    house.settle().await;
    assert_eq!(blocks().await, ["u1 2026-07-05"]);
    house.post(&report("r2", 2, "completed", Value::Null));
    house.post(&report("r1-again", 1, "started", Value::Null));
    house.settle().await;
    assert_eq!(blocks().await, Vec::<String>::new());
    assert_eq!(house.work().await["b1"].progress.status.as_str(), "done");
    house.post(&report("r3", 2, "problem", Value::Null));
    house.settle().await;
    assert_eq!(house.reasons(), ["idempotency-conflict"]);
}

#[tokio::test(start_paused = true)]
async fn tasks_of_an_unknown_property_wait_in_line_and_ask_once() {
    let house = house();
    for n in 0..5 {
        let data = json!({"version": 1, "title": "Paint", "state": "requested"});
        house.post(&event(&format!("t{n}"), "pms.task.upserted.v1", &format!("task/t{n}"), &data));
    }
    house.settle().await;
    assert_eq!(house.reasons(), ["unknown-property"]);
    assert!(house.tasks().await.is_empty());
    house.post(&property("p1", 1, UNITS));
    house.settle().await;
    assert_eq!(house.tasks().await.len(), 5);
    let unknown = event("r1", "pms.task.reported.v1", "task/t9", &json!({"version": 1, "status": "started"}));
    house.post(&unknown);
    house.settle().await;
    assert_eq!(house.reasons(), ["unknown-property", "unknown-task"]);
}

#[tokio::test(start_paused = true)]
async fn a_report_that_overtakes_its_booking_finds_it_a_moment_later() {
    let house = open_house().await;
    let report = json!({"version": 1, "status": "started", "by": "Ana"});
    house.post(&event("r1", "pms.task.reported.v1", "booking/b1", &report));
    house.automation.deliver().await;
    house.post(&booking("e1", "created", "b1", 1, "u1", 2..5));
    house.settle().await;
    assert_eq!(house.work().await["b1"].progress.status.as_str(), "started");
    assert_eq!(house.reasons(), Vec::<String>::new());
    house.post(&event("r2", "pms.task.reported.v1", "booking/never", &report));
    house.settle().await;
    assert_eq!(house.reasons(), ["unknown-task"]);
}

#[tokio::test(start_paused = true)]
async fn cleanings_are_assigned_while_there_is_room_and_give_their_place_back() {
    let house = open_house().await;
    house
        .save_rules(&json!({"assign": [
            {"to": "ana", "units": ["u1", "rooms"], "capacity": 1}, {"to": "team", "weekdays": ["sun"]},
        ]}))
        .await;
    // The fifth of July 2026 is a Sunday.
    house.post(&booking("e1", "created", "b1", 1, "u1", 2..5));
    house.post(&booking("e2", "created", "b2", 1, "rooms", 3..5));
    house.post(&booking("e3", "created", "b3", 1, "u2", 3..6));
    house.settle().await;
    let who = async |house: &House| {
        let work = house.work().await.into_iter();
        work.map(|(id, w)| (id, w.cleaning.and_then(|c| c.assignee).unwrap_or_default())).collect::<Vec<_>>()
    };
    let pairs =
        |list: &[(&str, &str)]| list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect::<Vec<_>>();
    assert_eq!(who(&house).await, pairs(&[("b1", "ana"), ("b2", "team"), ("b3", "")]));
    house.post(&booking("e4", "modified", "b1", 2, "u1", 2..6));
    house.post(&booking("e5", "modified", "b2", 2, "rooms", 2..5));
    house.settle().await;
    assert_eq!(who(&house).await, pairs(&[("b1", "ana"), ("b2", "team"), ("b3", "")]), "who has it keeps it");
    house.post(&booking("e6", "created", "b4", 1, "rooms", 3..5));
    house.settle().await;
    assert_eq!(who(&house).await[3].1, "ana", "the place on the fifth was given back");
}

#[tokio::test(start_paused = true)]
async fn listeners_hear_of_tasks_and_of_what_rules_emit() {
    let house = house();
    let mut registration = property("p1", 1, UNITS);
    registration["data"]["notify"] = json!(["bellhop.task.changed.v1", "rule.vip"]);
    house.post(&registration);
    house
        .save_rules(&json!({"rules": [{"id": "vip", "on": "pms.booking.created.v1", "when": "booking.nights >= 3",
        "then": {"event": {"type": "rule.vip"}}}]}))
        .await;
    house.post(&booking("e1", "created", "b1", 1, "u1", 2..5));
    house.settle().await;
    let told = || {
        let log = house.automation.aws.queue(Queue::Synchronization, |queue| queue.log.clone());
        let events = log.iter().map(|m| Envelope::decode(&m.body).expect("an event"));
        let told = events.filter(|e| e.event_type == "bellhop.webhook.requested.v1");
        told.map(|e| (e.data["type"].as_str().unwrap_or_default().to_owned(), e.data["data"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        told().iter().map(|(kind, _)| kind.as_str()).collect::<Vec<_>>(),
        ["bellhop.task.changed.v1", "rule.vip"]
    );
    assert_eq!(
        told()[0].1,
        json!({"version": 1, "kind": "cleaning", "unit": "u1", "from": "2026-07-05T10:00:00Z",
        "urgent": false, "status": "open"})
    );
    house.post(&booking("e2", "cancelled", "b1", 2, "u1", 2..5));
    house.settle().await;
    assert_eq!(told()[2].1["status"], "gone");
}

#[tokio::test(start_paused = true)]
async fn a_cleaning_costs_one_write_unit_and_a_reminder_three_more() {
    let house = open_house().await;
    let cost = async |event: Value| {
        house.post(&event);
        // What the calendar writes is its own.
        while house.calendar.deliver().await != Delivery::Idle {}
        drop(house.automation.aws.take_calls());
        while house.automation.deliver().await != Delivery::Idle {}
        house.automation.aws.take_calls().iter().map(|call| call.write_units).sum::<u64>()
    };
    assert_eq!(cost(booking("e1", "created", "b1", 1, "u1", 2..5)).await, 1);
    house.save_rules(&rulebook()).await;
    // Its item and the next moment in the due index, in one transaction.
    assert_eq!(cost(booking("e2", "created", "b2", 1, "u2", 12..15)).await, 4);
    assert_eq!(cost(booking("e3", "modified", "b2", 2, "u2", 12..15)).await, 0, "nothing to do is free");
}

#[derive(Debug, Clone)]
struct Act {
    booking: u8,
    unit: u8,
    arrival: u16,
    nights: u8,
    cancelled: bool,
    again: bool,
    fault: Option<(usize, Fault)>,
    settles: bool,
}

fn act() -> impl Strategy<Value = Act> {
    let faults =
        prop::sample::select(vec![Fault::Refuse, Fault::LoseAnswer, Fault::Repeat, Fault::DieBefore, Fault::DieAfter]);
    let fault = prop::option::weighted(0.4, (0..30_usize, faults));
    (0..6_u8, 0..3_u8, 0..200_u16, 0..12_u8, prop::bool::weighted(0.2), any::<bool>(), fault, any::<bool>()).prop_map(
        |(booking, unit, arrival, nights, cancelled, again, fault, settles)| Act {
            booking,
            unit,
            arrival,
            nights,
            cancelled,
            again,
            fault,
            settles,
        },
    )
}

/// Whatever is booked, moved and cancelled, with duplicates, deaths and lost answers in between: each cleaning is what a count
/// of the final calendar says, and nothing is due for stays that are called off.
#[test]
fn cleanings_are_what_the_final_calendar_says() {
    // A number of its own: each case is a small season.
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() });
    let outcome = runner.run(&prop::collection::vec(act(), 1..16), |acts| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.expect("a runtime").block_on(season(&acts));
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

async fn season(acts: &[Act]) {
    let house = open_house().await;
    house
        .save_rules(&json!({"rules": [
        {"id": "pre", "at": {"anchor": "arrival", "days": 365, "time": "10:00"}, "then": {"message": "later"}},
    ], "assign": [{"to": "ana", "capacity": 1}, {"to": "ben", "units": ["u1"]}]}))
        .await;
    for (n, act) in acts.iter().enumerate() {
        let first = date(2026, 7, 1).checked_add(jiff::Span::new().days(i64::from(act.arrival))).expect("a date");
        let last = first.checked_add(jiff::Span::new().days(i64::from(act.nights))).expect("a date");
        let data =
            json!({"version": n + 1, "unit": UNITS[usize::from(act.unit)].0, "arrival": first, "departure": last});
        let kind = if act.cancelled { "cancelled" } else { "modified" };
        let event =
            event(&format!("e{n}"), &format!("pms.booking.{kind}.v1"), &format!("booking/b{}", act.booking), &data);
        house.post(&event);
        if let Some((call, fault)) = act.fault {
            house.automation.aws.fail_call(call, fault);
        }
        if act.settles {
            house.settle().await;
        }
        if act.again {
            house.post(&event);
        }
    }
    house.automation.aws.heal();
    house.settle().await;
    let (found, expected) = (house.cleanings().await, house.expected().await);
    assert_eq!(found, expected);
    assert_eq!(house.due().len(), expected.len());
    assert!(house.reasons().iter().all(|reason| reason == "booking-unplaced"), "{:?}", house.reasons());
}
