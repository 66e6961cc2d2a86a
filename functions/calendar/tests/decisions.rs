//! The calendar's decisions with plain values: an event and what is known in, what is to be written and said out.

#![expect(clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use bellhop_calendar::Calendar;
use bellhop_events::{BookingId, Envelope};
use bellhop_store::calendar::{CalendarState, Keeping, Month};
use bellhop_store::{Item, Key, Scope, Write};
use bellhop_worker::{Effect, FollowUp, Handler, Refusal, View};
use proptest::prelude::*;
use serde_json::{Value, json};

fn envelope(kind: &str, subject: &str, data: &Value) -> Envelope {
    let body = json!({
        "specversion": "1.0", "id": "e1", "source": "/pms/test", "type": kind, "subject": subject,
        "time": "2026-07-01T10:00:00Z", "tenant": "sea", "property": "villa", "data": data,
    });
    Envelope::decode(&body.to_string()).expect("an envelope")
}

fn booking(kind: &str, version: u64, unit: &str, arrival: &str, departure: &str) -> Envelope {
    let data = json!({"version": version, "unit": unit, "arrival": arrival, "departure": departure});
    envelope(&format!("pms.booking.{kind}.v1"), "booking/b1", &data)
}

fn property(version: u64, units: &Value) -> Envelope {
    let data = json!({"version": version, "time_zone": "Europe/Lisbon", "check_in": "15:00", "check_out": "11:00", "units": units});
    envelope("pms.property.upserted.v1", "property/villa", &data)
}

/// What is known, in a form that a test can build up.
struct Known {
    scope: Scope,
    state: Option<CalendarState>,
    items: HashMap<Key, Item>,
}

impl Known {
    fn with_units(units: &Value) -> Self {
        Self::registered(&property(1, units))
    }

    fn registered(event: &Envelope) -> Self {
        let scope =
            Scope::for_operator("calendar", "sea".parse().expect("a tenant"), "villa".parse().expect("a property"));
        let mut known = Self { scope, state: None, items: HashMap::new() };
        let (_, state) = known.decide(event);
        let state = serde_dynamo::to_attribute_value(state.expect("a state")).expect("encodes");
        let item = HashMap::from([("rev".to_owned(), AttributeValue::N("1".to_owned())), ("st".to_owned(), state)]);
        known.items.insert(known.scope.property(), item);
        known
    }

    fn try_decide(&self, event: &Envelope) -> Result<bellhop_worker::Decision<Calendar>, Refusal> {
        let asked = Calendar.reads(event, &self.scope).expect("keys");
        let read: HashMap<_, _> =
            asked.iter().filter_map(|key| Some((key.clone(), self.items.get(key)?.clone()))).collect();
        let lists: HashMap<Key, Vec<(Key, Item)>> =
            [self.scope.own("", "booking/"), Month::all(&self.scope, &"room".parse().expect("a unit"))]
                .into_iter()
                .map(|prefix| {
                    let below = self.items.iter().filter(|(key, _)| key.sort_key().starts_with(prefix.sort_key()));
                    let below = below.map(|(key, item)| (key.clone(), item.clone())).collect();
                    (prefix, below)
                })
                .collect();
        let now = "2026-07-01T12:00:00Z".parse().expect("a time");
        Calendar.decide(event, &View::new(&self.scope, now, self.state.clone(), &asked, &read, &lists))
    }

    /// What a decision says, in a few lines.
    fn decide(&self, event: &Envelope) -> (String, Option<CalendarState>) {
        let decision = match self.try_decide(event) {
            Ok(decision) => decision,
            Err(Refusal::Permanent(fault)) => return (format!("refused: {fault}"), None),
            Err(Refusal::Conflict { .. }) => return ("conflict".to_owned(), None),
            Err(other) => return (format!("{other:?}"), None),
        };
        let mut said = vec![match (decision.effect, decision.note) {
            (Effect::Stale, _) => "stale".to_owned(),
            (Effect::Applied, note) => format!("applied {}", note.unwrap_or_default()).trim_end().to_owned(),
        }];
        for write in &decision.writes {
            said.push(match write {
                Write::Put { key, item, .. } => {
                    let part =
                        |name: &str| serde_dynamo::from_attribute_value::<_, Value>(item[name].clone()).expect("json");
                    format!("put {} s={} n={}", key.sort_key(), part("s"), part("n"))
                }
                Write::Patch { key, changes } => format!("patch {} {changes:?}", key.sort_key()),
                Write::Count { key, add, .. } => format!("count {} {add:?}", key.sort_key()),
                Write::Delete { key, .. } => format!("delete {}", key.sort_key()),
                Write::Check { .. } | Write::Amend { .. } => panic!("no decision asks for {write:?}"),
            });
        }
        let state = decision.state.clone().or_else(|| self.state.clone());
        if let (Some(state), Some(outbox)) = (&state, &decision.outbox) {
            for follow_up in Calendar.follow_ups(event, state, outbox) {
                said.push(match follow_up {
                    FollowUp::Event { event_type, subject, data } => {
                        format!("{event_type} {subject} {}", Value::Object(data))
                    }
                    FollowUp::ToChannel { channel, event_type, .. } => format!("{event_type} to {channel}"),
                    FollowUp::Review(fault) => format!("review {fault}"),
                });
            }
        }
        (said.join("\n"), state)
    }

    /// Decides, and keeps what was decided.
    fn then(mut self, event: &Envelope) -> Self {
        let decision = self.try_decide(event).unwrap_or_else(|refusal| panic!("{refusal:?}"));
        for write in decision.writes {
            match write {
                Write::Put { key, item, .. } => drop(self.items.insert(key, item)),
                other => panic!("{other:?}"),
            }
        }
        self.state = decision.state.or(self.state);
        self
    }

    /// Another booking has these nights already.
    fn taken(
        mut self,
        unit: &str,
        month: &str,
        by: &str,
        keeping: Keeping,
        nights: std::ops::RangeInclusive<i8>,
    ) -> Self {
        let date = format!("{month}-01").parse().expect("a date");
        let key = Month::key(&self.scope, &unit.parse().expect("a unit"), date);
        let mut month = Month::decode(self.items.get(&key)).expect("a month");
        let by: BookingId = by.parse().expect("a booking");
        month.take(&by, keeping, *nights.start(), *nights.end());
        let Write::Put { item, .. } = month.put(key.clone()).expect("encodes") else { panic!("a put") };
        self.items.insert(key, item);
        self
    }
}

fn one() -> Known {
    Known::with_units(&json!([{"id": "u1"}, {"id": "room", "capacity": 2}]))
}

#[test]
fn a_new_booking_takes_its_nights() {
    let (said, _) = one().decide(&booking("created", 1, "u1", "2026-07-30", "2026-08-02"));
    insta::assert_snapshot!(said);
}

#[test]
fn a_room_type_counts_its_nights() {
    let (said, _) = one().decide(&booking("created", 1, "room", "2026-07-03", "2026-07-05"));
    insta::assert_snapshot!(said);
}

#[test]
fn day_use_takes_no_night_but_is_cleaned_and_confirmed() {
    let (said, _) = one().decide(&booking("created", 1, "u1", "2026-07-03", "2026-07-03"));
    insta::assert_snapshot!(said);
}

#[test]
fn a_booking_that_moves_says_so_once_for_nights_that_touch() {
    let known = one().then(&booking("created", 1, "u1", "2026-07-03", "2026-07-06"));
    insta::assert_snapshot!(known.decide(&booking("modified", 2, "u1", "2026-07-05", "2026-07-09")).0);
}

#[test]
fn a_booking_that_leaves_its_month_frees_it_unread() {
    let known = one().then(&booking("created", 1, "room", "2026-07-03", "2026-07-05"));
    insta::assert_snapshot!(known.decide(&booking("modified", 2, "u1", "2026-09-05", "2026-09-07")).0);
}

#[test]
fn a_change_of_price_alone_writes_no_month_and_is_told_to_automation_alone() {
    let known = one().then(&booking("created", 1, "u1", "2026-07-03", "2026-07-06"));
    let mut same = booking("modified", 2, "u1", "2026-07-03", "2026-07-06");
    same.data.insert("total".into(), json!({"amount": 12_000, "currency": "EUR"}));
    insta::assert_snapshot!(known.decide(&same).0);
}

#[test]
fn a_cancelled_booking_frees_its_nights_and_tells_the_guest() {
    let known = one().then(&booking("created", 1, "u1", "2026-07-03", "2026-07-06"));
    insta::assert_snapshot!(known.decide(&booking("cancelled", 2, "u1", "2026-07-03", "2026-07-06")).0);
}

#[test]
fn an_unknown_booking_that_is_cancelled_is_kept_and_its_guest_hears_nothing() {
    insta::assert_snapshot!(one().decide(&booking("cancelled", 2, "gone", "2026-07-03", "2026-07-06")).0);
}

#[test]
fn a_taken_night_is_an_outcome_that_names_both() {
    let known = one().taken("u1", "2026-07", "other", Keeping::Stay, 5..=8);
    insta::assert_snapshot!(known.decide(&booking("created", 1, "u1", "2026-07-03", "2026-07-06")).0);
}

#[test]
fn a_booking_may_leave_on_the_day_the_next_arrives() {
    let known = one().taken("u1", "2026-07", "other", Keeping::Stay, 6..=8);
    assert!(known.decide(&booking("created", 1, "u1", "2026-07-03", "2026-07-06")).0.starts_with("applied\n"));
}

#[test]
fn versions_decide() {
    let known = one().then(&booking("created", 5, "u1", "2026-07-03", "2026-07-06"));
    let said = |event: &Envelope| known.decide(event).0;
    assert_eq!(said(&booking("modified", 4, "u1", "2026-07-03", "2026-07-09")), "stale");
    assert_eq!(said(&booking("modified", 5, "u1", "2026-07-03", "2026-07-06")), "stale");
    assert_eq!(said(&booking("modified", 5, "u1", "2026-07-03", "2026-07-09")), "conflict");
    assert_eq!(said(&booking("cancelled", 5, "u1", "2026-07-03", "2026-07-06")), "conflict");
}

#[test]
fn listeners_hear_of_cleanings_when_the_property_lets_them() {
    let mut event = property(1, &json!([{"id": "u1"}]));
    event.data.insert("notify".into(), json!(["bellhop.cleaning.requested.v1"]));
    let known = Known::registered(&event);
    insta::assert_snapshot!(known.decide(&booking("created", 1, "u1", "2026-07-03", "2026-07-06")).0);
}

#[test]
fn an_unknown_unit_is_refused_and_the_known_are_named() {
    let (said, _) = one().decide(&booking("created", 1, "u9", "2026-07-03", "2026-07-06"));
    insta::assert_snapshot!(said);
}

#[test]
fn a_lowered_capacity_is_an_outcome_that_names_the_night() {
    let mut known =
        one().taken("room", "2026-08", "a", Keeping::Count, 5..=8).taken("room", "2026-08", "b", Keeping::Count, 7..=9);
    let property_item = known.items[&known.scope.property()].clone();
    known.state = serde_dynamo::from_attribute_value(property_item["st"].clone()).expect("a state");
    insta::assert_snapshot!(known.decide(&property(2, &json!([{"id": "u1"}, {"id": "room", "capacity": 1}]))).0);
}

#[test]
fn a_block_overlays_and_is_lifted_by_a_newer_version_only() {
    let block = |kind: &str, version: u64| {
        let data =
            json!({"version": version, "block": "x", "from": "2026-07-04", "until": "2026-07-06", "source": "owner"});
        envelope(kind, "unit/u1", &data)
    };
    let known = one().taken("u1", "2026-07", "other", Keeping::Stay, 4..=8).then(&block("pms.unit.blocked.v1", 2));
    assert_eq!(known.decide(&block("pms.unit.unblocked.v1", 1)).0, "stale");
    insta::assert_snapshot!(known.decide(&block("pms.unit.unblocked.v1", 3)).0);
}

proptest! {
    /// Whatever snapshots come for a booking in whatever order, its months keep its nights and nothing else.
    #[test]
    fn months_follow_the_newest_snapshot(wishes in prop::collection::vec((1..60u8, 0..40u8, any::<bool>(), 0..6u8), 1..12)) {
        let first = jiff::civil::date(2026, 7, 1);
        let day = |n: u8| first.saturating_add(jiff::Span::new().days(i64::from(n)));
        let mut known = one();
        for (version, (from, nights, room, kind)) in wishes.iter().enumerate() {
            let kind = if *kind == 0 { "cancelled" } else { "modified" };
            let unit = if *room { "room" } else { "u1" };
            let event = booking(kind, version as u64, unit, &day(*from).to_string(), &day(*from + *nights).to_string());
            let decision = known.try_decide(&event).unwrap_or_else(|refusal| panic!("{refusal:?}"));
            for write in decision.writes {
                match write {
                    Write::Put { key, item, .. } => drop(known.items.insert(key, item)),
                    Write::Patch { key, changes } => patch(known.items.get_mut(&key).expect("a month"), &changes),
                    Write::Delete { key, .. } => drop(known.items.remove(&key)),
                    Write::Count { .. } => panic!("the calendar counts in maps"),
                    Write::Check { .. } | Write::Amend { .. } => panic!("no decision asks for these"),
                }
            }
            known.state = decision.state.or(known.state);
            let sold: usize = known.items.iter().filter(|(key, _)| key.sort_key().contains("#nights/")).map(|(_, item)| {
                let month = Month::decode(Some(item)).expect("a month");
                (1..=31).map(|night| usize::from(month.sold(night, None))).sum::<usize>()
            }).sum();
            prop_assert_eq!(sold, if kind == "cancelled" { 0 } else { usize::from(*nights) });
        }
    }
}

/// What DynamoDB makes of a patch.
fn patch(item: &mut Item, changes: &[bellhop_store::Change]) {
    use bellhop_store::Change::{Decrement, Remove};
    for change in changes {
        let (Remove { map, entry } | Decrement { map, entry }) = change;
        let Some(AttributeValue::M(entries)) = item.get_mut(*map) else { panic!("no map {map}") };
        let old = entries.remove(entry).unwrap_or_else(|| panic!("no entry {entry}"));
        if let (Decrement { .. }, AttributeValue::N(count)) = (change, old) {
            let left = count.parse::<u16>().expect("a count").checked_sub(1).expect("positive");
            entries.insert(entry.clone(), AttributeValue::N(left.to_string()));
        }
    }
}

#[test]
fn a_booking_whose_guest_was_erased_comes_again_and_nobody_comes_back() {
    let mut known = one();
    let mut event = booking("created", 3, "u1", "2026-07-03", "2026-07-06");
    event.data.insert("guest".to_owned(), json!({"name": "[erased]"}));
    known.state = known.try_decide(&event).expect("placed").state;
    event.data.insert("guest".to_owned(), json!({"name": "Ana Silva", "email": "ana@example.com"}));
    assert_eq!(known.decide(&event).0, "stale", "the same but for the guest");
    let mut without = event.clone();
    without.data.remove("guest");
    assert_eq!(known.decide(&without).0, "stale", "erased in the PMS as well");
    let mut other = event.clone();
    other.data.insert("unit".to_owned(), json!("room"));
    assert_eq!(known.decide(&other).0, "conflict");
    event.data.insert("version".to_owned(), json!(4));
    let (_, state) = known.decide(&event);
    let Some(CalendarState::Booking(state)) = state else { panic!("a booking") };
    assert_eq!(
        state.booking.guest.and_then(|guest| guest.name).as_deref(),
        Some("Ana Silva"),
        "the PMS knows it still"
    );
}
