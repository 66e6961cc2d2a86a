//! Automation's decisions with plain values: what the calendar says and an event in, what is kept and said out.

#![expect(clippy::expect_used, reason = "tests")]

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use bellhop_automation::Automation;
use bellhop_events::{Envelope, Subject};
use bellhop_store::automation::{AutomationState, SavedRules};
use bellhop_store::calendar::{CalendarState, Keeping, Month};
use bellhop_store::{Item, Key, Scope, Write, encode_item};
use bellhop_worker::{Effect, FollowUp, Handler, Needs, Refusal, Then, View};
use jiff::Timestamp;
use jiff::civil::Date;
use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

fn event(kind: &str, subject: &str, data: &Value) -> Envelope {
    let body = json!({
        "specversion": "1.0", "id": "e1", "source": "/test", "type": kind, "subject": subject,
        "time": "2026-07-01T10:00:00Z", "tenant": "sea", "property": "villa", "data": data,
    });
    Envelope::decode(&body.to_string()).expect("an event")
}

fn looks(version: u64, due: Option<i64>) -> Envelope {
    event("bellhop.automation.look.v1", "booking/b1", &json!({"version": version, "due": due}))
}

/// What is known, and the time.
struct Known {
    scope: Scope,
    automation: Automation,
    state: Option<AutomationState>,
    items: HashMap<Key, Item>,
    now: Timestamp,
}

/// A subject's item as the store writes it.
fn item<T: Serialize>(state: &T) -> Item {
    let state = serde_dynamo::to_attribute_value(state).expect("encodes");
    HashMap::from([("rev".to_owned(), AttributeValue::N("1".to_owned())), ("st".to_owned(), state)])
}

impl Known {
    fn at(zone: &str, now: &str) -> Self {
        let scope =
            Scope::for_operator("automation", "sea".parse().expect("a tenant"), "villa".parse().expect("a property"));
        let property = json!({"p": {"version": 1, "time_zone": zone, "check_in": "15:00", "check_out": "11:00",
            "units": [{"id": "u1"}, {"id": "u2"}, {"id": "rooms", "capacity": 9}]}});
        let items = HashMap::from([(scope.property(), item(&property))]);
        Self { scope, automation: Automation::default(), state: None, items, now: now.parse().expect("a time") }
    }

    fn rules(mut self, rulebook: &Value) -> Self {
        let saved = SavedRules { rev: 0, text: rulebook.to_string(), at: 0 };
        self.items.insert(SavedRules::key(&self.scope), encode_item(&saved).expect("an item"));
        self
    }

    /// A booking as the calendar keeps it, with its nights.
    fn booked(mut self, name: &str, version: u64, unit: &str, arrival: &str, departure: &str, placed: bool) -> Self {
        let keeping = if unit == "rooms" { Keeping::Count } else { Keeping::Stay };
        let state: CalendarState = serde_json::from_value(json!({"b": {"version": version, "unit": unit,
            "arrival": arrival, "departure": departure, "cancelled": !placed,
            "placed": placed.then_some(keeping)}}))
        .expect("a state");
        let subject: Subject = format!("booking/{name}").parse().expect("a subject");
        self.items.insert(self.scope.of_calendar().subject(&subject), item(&state));
        let calendar = self.scope.of_calendar();
        // The nights of the former version go, wherever they are.
        let id = name.parse().expect("an id");
        let months: Vec<_> = self.items.keys().filter(|key| key.sort_key().contains("nights/")).cloned().collect();
        for key in months {
            let mut month = Month::decode(self.items.get(&key)).expect("a month");
            month.free(&id, Keeping::Stay, 1, 31);
            self.keep(month.put(key).expect("a write"));
        }
        let day = |text: &str| text.parse::<Date>().expect("a date");
        if placed && keeping == Keeping::Stay {
            let stay = bellhop_events::Stay::new(day(arrival), day(departure)).expect("a stay");
            for (date, first, last) in stay.months() {
                let key = Month::key(&calendar, &unit.parse().expect("a unit"), date);
                let mut month = Month::decode(self.items.get(&key)).expect("a month");
                month.take(&id, keeping, first, last);
                self.keep(month.put(key).expect("a write"));
            }
        }
        self
    }

    fn keep(&mut self, write: Write) {
        if let Write::Put { key, item, .. } = write {
            self.items.insert(key, item);
        }
    }

    fn decide(&self, event: &Envelope) -> Result<bellhop_worker::Decision<Automation>, Refusal> {
        let mut asked = self.automation.reads(event, &self.scope).expect("keys");
        let lists = HashMap::new();
        for _ in 0..6 {
            let read: HashMap<_, _> =
                asked.iter().filter_map(|key| Some((key.clone(), self.items.get(key)?.clone()))).collect();
            let view = View::new(&self.scope, self.now, self.state.clone(), &asked, &read, &lists);
            match self.automation.decide(event, &view) {
                Err(Refusal::Needs(Needs { keys, .. })) => asked.extend(keys),
                other => return other,
            }
        }
        self.automation
            .decide(event, &View::new(&self.scope, self.now, self.state.clone(), &asked, &self.items, &lists))
    }

    /// Decides, keeps what was decided, and says it in a few lines.
    fn then(&mut self, event: &Envelope) -> String {
        let decision = match self.decide(event) {
            Ok(decision) => decision,
            Err(Refusal::Permanent(fault)) => return format!("refused: {fault}"),
            Err(Refusal::NotYet(fault)) => return format!("not yet: {fault}"),
            Err(other) => return format!("{other:?}"),
        };
        let mut said = vec![match (decision.effect, &decision.then) {
            (_, Then::Forget) => "nothing".to_owned(),
            (Effect::Stale, _) => "stale".to_owned(),
            (Effect::Applied, _) => "applied".to_owned(),
        }];
        if let (Some(state), Some(outbox)) = (decision.state.as_ref().or(self.state.as_ref()), &decision.outbox) {
            for follow_up in self.automation.follow_ups(event, state, outbox) {
                said.push(match follow_up {
                    FollowUp::Event { event_type, subject, data } => {
                        format!("{event_type} {subject} {}", Value::Object(data))
                    }
                    FollowUp::ToChannel { event_type, .. } => event_type.to_owned(),
                    FollowUp::Review(fault) => format!("review {fault}"),
                });
            }
        }
        for write in decision.writes {
            match &write {
                Write::Put { key, .. } => said.push(format!("put {}", key.sort_key())),
                Write::Delete { key } => said.push(format!("delete {}", key.sort_key())),
                Write::Patch { .. } => said.push("patch".to_owned()),
            }
            self.keep(write);
        }
        self.state = decision.state.or(self.state.take());
        said.join("\n")
    }

    fn changed(&mut self, version: u64, kind: &str, former: Option<(&str, &str, &str)>) -> String {
        let booking = self.booking();
        let former =
            former.map(|(unit, arrival, departure)| json!({"unit": unit, "arrival": arrival, "departure": departure}));
        let data = json!({"version": version, "cause": format!("pms.booking.{kind}.v1"), "unit": booking["unit"],
            "arrival": booking["arrival"], "departure": booking["departure"], "placed": kind != "cancelled", "former": former});
        self.then(&event("bellhop.booking.changed.v1", "booking/b1", &data))
    }

    fn booking(&self) -> Value {
        let subject: Subject = "booking/b1".parse().expect("a subject");
        let item = &self.items[&self.scope.of_calendar().subject(&subject)];
        let state: Value = serde_dynamo::from_attribute_value(item["st"].clone()).expect("a state");
        state["b"].clone()
    }

    fn cleaning(&self) -> Option<(Option<Date>, bool)> {
        let Some(AutomationState::Booking(work)) = &self.state else { return None };
        work.cleaning.as_ref().map(|cleaning| (cleaning.next, cleaning.is_urgent()))
    }

    fn window(&self) -> (String, Option<String>) {
        let Some(AutomationState::Booking(work)) = &self.state else { return Default::default() };
        let property: Value =
            serde_dynamo::from_attribute_value(self.items[&self.scope.property()]["st"].clone()).expect("a state");
        let property = serde_json::from_value(property["p"].clone()).expect("a property");
        let window = work.cleaning.as_ref().expect("a cleaning").window(&property).expect("a window");
        (window.from.to_string(), window.until.map(|until| until.to_string()))
    }
}

fn lisbon() -> Known {
    Known::at("Europe/Lisbon", "2026-07-01T12:00:00Z")
}

fn july(day: i8) -> Date {
    jiff::civil::date(2026, 7, day)
}

#[test]
fn a_stay_asks_for_a_cleaning_until_the_next_guests_come() {
    let mut known = lisbon().booked("b1", 1, "u1", "2026-07-02", "2026-07-05", true);
    insta::assert_snapshot!(known.changed(1, "created", None), @"applied");
    assert_eq!(known.cleaning(), Some((None, false)));
    let mut known = known.booked("b2", 1, "u1", "2026-07-05", "2026-07-08", true);
    insta::assert_snapshot!(known.then(&looks(1, None)), @"applied");
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
    let due = |known: &Known| match &known.state {
        Some(AutomationState::Booking(work)) => work.plan.due,
        _ => None,
    };
    let first = due(&known).expect("a moment");
    // The timer's clock is ahead of this worker's.
    known.now = Timestamp::from_second(first - 1).expect("a time");
    assert!(known.then(&looks(1, Some(first))).contains("pre-arrival"));
    let thanks = due(&known).expect("a moment");
    assert!(thanks > first);
    assert_eq!(known.then(&looks(2, None)), "nothing");
    assert_eq!(due(&known), Some(thanks));
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

proptest! {
    /// In each zone and on each day, a window begins at the local check-out time and ends at the local check-in time of the
    /// next guests; where clocks skip that time, as much later.
    #[test]
    fn a_window_is_of_local_times(zone in prop::sample::select(vec!["Europe/Lisbon", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe",
        "Africa/Casablanca", "America/Santiago", "Pacific/Apia"]), day in 0..900_i64, gap in 0..70_i64, hours in (0..24_i8, 0..24_i8)) {
        let property: bellhop_events::catalogue::Property = serde_json::from_value(json!({"version": 1, "time_zone": zone,
            "check_out": format!("{:02}:30", hours.0), "check_in": format!("{:02}:15", hours.1), "units": [{"id": "u1"}]})).expect("a property");
        let day = jiff::civil::date(2025, 1, 1).checked_add(jiff::Span::new().days(day)).expect("a date");
        let next = day.checked_add(jiff::Span::new().days(gap)).expect("a date");
        let cleaning = bellhop_store::automation::Cleaning {
            unit: "u1".parse().expect("a unit"), day, next: Some(next), exact: true, assignee: None, counted: false,
        };
        let window = cleaning.window(&property).expect("a window");
        let until = window.until.expect("an end");
        let rules = jiff::tz::TimeZone::get(zone).expect("a zone");
        prop_assert!(window.from <= until);
        prop_assert_eq!(cleaning.is_urgent(), gap == 0);
        let shows = |at: Timestamp, wanted: jiff::civil::DateTime| {
            let local = rules.to_datetime(at);
            let skipped = matches!(rules.to_ambiguous_zoned_datetime(wanted).offset(), jiff::tz::AmbiguousOffset::Gap { .. });
            local == wanted || (skipped && local > wanted && local.since(wanted).is_ok_and(|span| span.get_hours() <= 24))
        };
        prop_assert!(shows(window.from, day.at(hours.0, 30, 0, 0)), "{} {}", window.from, day);
        prop_assert!(until == window.from || shows(until, next.at(hours.1, 15, 0, 0)), "{} {}", until, next);
    }

    /// A reminder is judged once for each moment, whenever and however often it is looked at, and is never planned for a
    /// moment that has passed.
    #[test]
    fn a_moment_is_judged_once(days in -20..20_i64, steps in prop::collection::vec((0..4000_i64, any::<bool>()), 1..30)) {
        let rules = json!({"rules": [{"id": "r", "at": {"anchor": "arrival", "days": days, "time": "10:00"}, "then": {"message": "m"}}]});
        let mut known = lisbon().rules(&rules).booked("b1", 1, "u1", "2026-07-10", "2026-07-12", true);
        let mut said = vec![known.changed(1, "created", None)];
        for (minutes, by_timer) in steps {
            let planned = match &known.state {
                Some(AutomationState::Booking(work)) => work.plan.due,
                _ => None,
            };
            if let Some(due) = planned {
                prop_assert!(due > known.now.as_second());
            }
            known.now = known.now.checked_add(jiff::Span::new().minutes(minutes)).expect("a time");
            let come = planned.filter(|due| *due <= known.now.as_second());
            let event = if by_timer && come.is_some() { looks(1, come) } else { looks(1, None) };
            said.push(known.then(&event));
        }
        let sent = said.iter().filter(|text| text.contains("guest.message.requested")).count();
        let moment: Timestamp = "2026-07-10T09:00:00Z".parse().expect("a time");
        let moment = moment.checked_add(jiff::SignedDuration::from_hours(24 * days)).expect("a time");
        let arrival: Timestamp = "2026-07-10T14:00:00Z".parse().expect("a time");
        let began: Timestamp = "2026-07-01T12:00:00Z".parse().expect("a time");
        let passed = moment <= known.now && (moment > began || began < arrival);
        prop_assert_eq!(sent, usize::from(passed), "{:?}", said);
    }
}
