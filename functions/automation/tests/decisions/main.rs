//! Automation's decisions with plain values: what the calendar says and an event in, what is kept and said out.

#![expect(clippy::expect_used, reason = "tests")]

mod known;
mod properties;

use jiff::Timestamp;
use jiff::civil::Date;
use known::{Known, event, july, lisbon, looks};
use serde_json::{Value, json};

#[test]
fn a_stay_asks_for_a_cleaning_until_the_next_guests_come() {
    let mut known = lisbon().booked("b1", 1, "u1", "2026-07-02", "2026-07-05", true);
    insta::assert_snapshot!(known.changed(1, "created", None), @r#"
    applied
    bellhop.dashboard.look.v1 booking/b1 {"version":1}
    "#);
    assert_eq!(known.cleaning(), Some((None, false)));
    let mut known = known.booked("b2", 1, "u1", "2026-07-05", "2026-07-08", true);
    insta::assert_snapshot!(known.then(&looks(1, None)), @r#"
    applied
    bellhop.dashboard.look.v1 booking/b1 {"version":2}
    "#);
    assert_eq!(known.cleaning(), Some((Some(july(5)), true)));
    assert_eq!(known.window(), ("2026-07-05T10:00:00Z".to_owned(), Some("2026-07-05T14:00:00Z".to_owned())));
    insta::assert_snapshot!(known.then(&looks(2, None)), @"nothing");
}

#[test]
fn those_who_leave_before_are_told_that_their_cleaning_has_another_end() {
    let known = lisbon()
        .booked("before", 1, "u1", "2026-06-20", "2026-06-28", true)
        .booked("far", 1, "u2", "2026-03-20", "2026-04-01", true)
        .booked("other", 1, "u2", "2026-06-28", "2026-06-30", true);
    let mut known = known.booked("b1", 2, "u1", "2026-07-02", "2026-07-05", true);
    insta::assert_snapshot!(known.changed(2, "modified", Some(("u2", "2026-07-01", "2026-07-04"))), @r#"
    applied
    bellhop.dashboard.look.v1 booking/b1 {"version":1}
    bellhop.automation.look.v1 booking/before {"version":2}
    bellhop.automation.look.v1 booking/other {"version":2}
    "#);
}

#[test]
fn a_stay_that_is_called_off_leaves_nothing_behind() {
    let rules = json!({"rules": [
        {"id": "pre", "at": {"anchor": "arrival", "days": -3, "time": "10:00"}, "then": {"message": "pre-arrival"}},
        {"id": "sorry", "on": "pms.booking.cancelled.v1", "after": "PT1H", "then": {"task": {"kind": "call", "title": "Ask why"}}},
        {"id": "hello", "on": "pms.booking.created.v1", "after": "PT240H", "then": {"message": "hello"}},
    ]});
    let mut known = lisbon().rules(&rules).booked("b1", 1, "u1", "2026-07-20", "2026-07-25", true);
    insta::assert_snapshot!(known.changed(1, "created", None), @r"
    applied
    bellhop.dashboard.look.v1 booking/b1 {"version":1}
    put 001783771200#dapacgcfltnzyq5twgitswc7ue3#sea#villa
    ");
    let mut known = known.booked("b1", 2, "u1", "2026-07-20", "2026-07-25", false);
    insta::assert_snapshot!(known.changed(2, "cancelled", Some(("u1", "2026-07-20", "2026-07-25"))));
    assert_eq!(known.cleaning(), None);
    known.now = "2026-07-01T13:00:00Z".parse().expect("a time");
    insta::assert_snapshot!(known.then(&looks(1_782_910_800, Some(1_782_910_800))));
}

#[test]
fn a_message_of_a_booking_that_is_called_off_meanwhile_is_not_asked_for_but_that_of_its_cancellation_is() {
    let rules = json!({"rules": [
        {"id": "hello", "on": "pms.booking.created.v1", "then": {"message": "hello"}},
        {"id": "sorry", "on": "pms.booking.cancelled.v1", "then": {"message": "sorry"}},
    ]});
    let known = || lisbon().rules(&rules).booked("b1", 2, "u1", "2026-07-20", "2026-07-25", false);
    assert!(!known().changed(1, "created", None).contains("message"));
    assert!(known().changed(2, "cancelled", None).contains("\"message\":\"sorry\""));
}

#[test]
fn a_clock_that_is_behind_does_not_plan_again_what_was_judged() {
    let rules = json!({"rules": [
        {"id": "pre", "at": {"anchor": "arrival", "days": -3, "time": "10:00"}, "then": {"message": "pre-arrival"}},
        {"id": "thanks", "at": {"anchor": "departure", "offset": "PT3H"}, "then": {"message": "thanks"}},
    ]});
    let mut known = lisbon().rules(&rules).booked("b1", 1, "u1", "2026-07-20", "2026-07-25", true);
    known.changed(1, "created", None);
    let first = known.due().expect("a moment");
    // The timer's clock is ahead of this worker's.
    known.now = Timestamp::from_second(first - 1).expect("a time");
    assert!(known.then(&looks(1, Some(first))).contains("pre-arrival"));
    let thanks = known.due().expect("a moment");
    assert!(thanks > first);
    assert_eq!(known.then(&looks(2, None)), "nothing");
    assert_eq!(known.due(), Some(thanks));
}

#[test]
fn a_window_is_right_on_the_days_on_which_clocks_change() {
    let table = [
        // Spring in Lisbon: 29 March 2026, 01:00 to 02:00; autumn: 25 October, 02:00 to 01:00.
        ("Europe/Lisbon", "2026-03-29", "2026-03-29T10:00:00Z", "2026-03-29T14:00:00Z"),
        ("Europe/Lisbon", "2026-03-28", "2026-03-28T11:00:00Z", "2026-03-28T15:00:00Z"),
        ("Europe/Lisbon", "2026-10-25", "2026-10-25T11:00:00Z", "2026-10-25T15:00:00Z"),
        ("Europe/Lisbon", "2026-10-24", "2026-10-24T10:00:00Z", "2026-10-24T14:00:00Z"),
        ("America/New_York", "2026-03-08", "2026-03-08T15:00:00Z", "2026-03-08T19:00:00Z"),
        ("America/New_York", "2026-11-01", "2026-11-01T16:00:00Z", "2026-11-01T20:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-04T00:00:00Z", "2026-10-04T04:00:00Z"),
    ];
    for (zone, day, from, until) in table {
        let next = day.parse::<Date>().expect("a date").tomorrow().expect("a date").to_string();
        let mut known = Known::at(zone, "2026-01-01T00:00:00Z")
            .booked("b1", 1, "u1", "2026-01-10", day, true)
            .booked("b2", 1, "u1", day, &next, true);
        known.changed(1, "created", None);
        assert_eq!(known.window(), (from.to_owned(), Some(until.to_owned())), "{zone} {day}");
    }
}

#[test]
fn room_types_and_day_use_are_cleaned_on_the_day() {
    for (unit, arrival) in [("rooms", "2026-07-02"), ("u1", "2026-07-05")] {
        let mut known = lisbon().booked("b1", 1, unit, arrival, "2026-07-05", true);
        known.changed(1, "created", None);
        assert_eq!(known.cleaning(), Some((Some(july(5)), false)), "{unit}");
    }
}

#[test]
fn reports_are_taken_once_and_in_order_of_their_versions() {
    let report = |version: u64, status: &str, block: Value| {
        event(
            "pms.task.reported.v1",
            "booking/b1",
            &json!({"version": version, "status": status, "by": "Ana", "block": block}),
        )
    };
    let mut known = lisbon().booked("b1", 1, "u1", "2026-07-02", "2026-07-05", true);
    insta::assert_snapshot!(known.then(&report(2, "problem", json!({"from": "2026-07-05", "until": "2026-07-06"}))));
    insta::assert_snapshot!(known.then(&report(1, "started", Value::Null)), @"stale");
    insta::assert_snapshot!(known.then(&report(2, "problem", json!({"from": "2026-07-05", "until": "2026-07-06"}))), @"stale");
    insta::assert_snapshot!(known.then(&report(3, "completed", Value::Null)));
    assert!(known.then(&report(3, "started", Value::Null)).starts_with("Conflict"));
    let unknown = event("pms.task.reported.v1", "booking/b9", &json!({"version": 1, "status": "started"}));
    insta::assert_snapshot!(known.then(&unknown));
}

#[test]
fn a_task_blocks_its_nights_and_moves_its_block() {
    let task = |version: u64, unit: &str, state: &str| {
        event(
            "pms.task.upserted.v1",
            "task/t1",
            &json!({"version": version, "title": "Boiler", "state": state,
            "unit": unit, "from": "2026-07-10", "block": true}),
        )
    };
    let mut known = lisbon();
    insta::assert_snapshot!(known.then(&task(1, "u1", "scheduled")));
    insta::assert_snapshot!(known.then(&task(2, "u2", "scheduled")));
    insta::assert_snapshot!(known.then(&task(1, "u1", "scheduled")), @"stale");
    insta::assert_snapshot!(known.then(&task(3, "u2", "cancelled")));
    insta::assert_snapshot!(known.then(&task(4, "nowhere", "scheduled")));
}

#[test]
fn a_rulebook_that_cannot_be_read_is_said_and_stops_nothing() {
    let mut known =
        lisbon().rules(&json!({"rules": [{"id": "x"}]})).booked("b1", 1, "u1", "2026-07-02", "2026-07-05", true);
    let said = known.changed(1, "created", None);
    assert!(said.starts_with("applied\nreview invalid-rule"), "{said}");
    assert!(known.cleaning().is_some());
}

#[test]
fn what_the_end_of_a_task_asks_for_outlives_it_and_what_was_planned_before_does_not() {
    let rules = json!({"rules": [
        {"id": "look", "on": "pms.task.upserted.v1", "after": "PT1H", "when": "task.status == 'done'",
            "then": {"event": {"type": "rule.look"}}},
        {"id": "tell", "on": "pms.task.upserted.v1", "after": "PT1H", "when": "task.status == 'cancelled'",
            "then": {"event": {"type": "rule.tell"}}},
        {"id": "hurry", "at": {"anchor": "task", "days": -1, "time": "08:00"}, "then": {"event": {"type": "rule.hurry"}}},
    ]});
    for (state, expected) in [("done", Some("rule.look")), ("cancelled", Some("rule.tell"))] {
        let mut known = lisbon().rules(&rules);
        let task = |version: u64, state: &str| {
            let data = json!({"version": version, "title": "Boiler", "state": state, "from": "2026-07-20"});
            event("pms.task.upserted.v1", "task/t1", &data)
        };
        known.then(&task(1, "scheduled"));
        known.then(&task(2, state));
        let due = known.due().expect("a moment");
        assert_eq!(due, known.now.as_second() + 3600, "{state}");
        known.now = Timestamp::from_second(due).expect("a time");
        let look = event("bellhop.automation.look.v1", "task/t1", &json!({"version": 1, "due": due}));
        let said = known.then(&look);
        let emitted = said.split("\"type\":\"").nth(1).and_then(|rest| rest.split('"').next());
        assert_eq!(emitted, expected, "{said}");
        assert_eq!(known.due(), None);
    }
}

#[test]
fn what_was_planned_goes_with_a_stay_that_is_called_off() {
    let rules = json!({"rules": [
        {"id": "cot", "on": "pms.booking.created.v1", "after": "PT1H", "then": {"task": {"kind": "setup", "title": "Cot"}}},
    ]});
    let mut known = lisbon().rules(&rules).booked("b1", 1, "u1", "2026-07-20", "2026-07-25", true);
    known.changed(1, "created", None);
    assert!(known.due().is_some());
    let mut known = known.booked("b1", 2, "u1", "2026-07-20", "2026-07-25", false);
    known.changed(2, "cancelled", None);
    assert_eq!(known.due(), None);
    // And an event of before, worked only now, plans nothing.
    known.changed(1, "created", None);
    assert_eq!(known.due(), None);
}
