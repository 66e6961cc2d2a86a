//! Whatever stands in a message: it ends, its neighbour is done, and nothing panics.
//!
//! `PROPTEST_CASES` sets the number of cases.

use bellhop_events::Queue;
use bellhop_kit::given::{GROUP, booking, event, property};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::common::{hotel, post, reasons, version};

/// Values that are wrong nearly everywhere, or at the edge of what is right.
fn odd() -> impl Strategy<Value = Value> {
    let deep = (0..120).fold(json!(1), |inner, _| json!([inner]));
    prop::sample::select(vec![
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e308),
        json!(-0.0),
        json!(65_536),
        json!(""),
        json!("\u{0}"),
        json!("\u{fffd}"),
        json!("#"),
        json!("x".repeat(300)),
        json!("9999-12-31"),
        json!("1900-01-01"),
        json!("2026-02-30"),
        json!("property/villa"),
        json!("task/1"),
        json!("unit/u1"),
        json!("bellhop.hold.released.v1"),
        json!("bellhop.booking.replaced.v1"),
        json!("pms.unit.blocked.v1"),
        json!("9999-12-31T23:59:59.999999999Z"),
        json!([]),
        json!({}),
        deep,
    ])
}

fn given() -> impl Strategy<Value = Value> {
    let block = json!({"version": 2, "block": "x", "from": "2026-07-01", "until": "2026-07-09", "note": "n"});
    let wake = json!({"version": 2, "line": "wait"});
    let mut full = booking("e", "modified", "b1", 2, "u1", 3..6);
    full["data"]["party"] = json!({"adults": 2});
    full["data"]["total"] = json!({"amount": 41_250, "currency": "EUR"});
    full["data"]["guest"] = json!({"name": "Ada", "email": "ada@example.com"});
    full["sequence"] = json!("00000000000000000002");
    prop::sample::select(vec![
        full,
        booking("e", "cancelled", "b1", 2, "u1", 3..6),
        property("e", 2, &[("u1", 500), ("u2", 1)]),
        event("e", "pms.unit.blocked.v1", "unit/u1", &block),
        event("e", "bellhop.hold.released.v1", "property/villa", &wake),
        event("e", "bellhop.booking.replaced.v1", "booking/b1", &json!({"version": 1})),
    ])
}

/// Replaces, or removes, one field anywhere.
fn change(event: &mut Value, at: prop::sample::Index, odd: &Value) {
    let mut fields: Vec<(bool, String)> = Vec::new();
    let names = |fields: &Map<String, Value>| fields.keys().cloned().collect::<Vec<_>>();
    fields.extend(event.as_object().map(names).into_iter().flatten().map(|name| (false, name)));
    fields.extend(event["data"].as_object().map(names).into_iter().flatten().map(|name| (true, name)));
    if fields.is_empty() {
        return;
    }
    let (inner, name) = at.get(&fields);
    let object = if *inner { &mut event["data"] } else { event };
    let object = object.as_object_mut().expect("an object");
    if *odd == json!(true) {
        object.remove(name);
    } else {
        object.insert(name.clone(), odd.clone());
    }
}

proptest! {
    #[test]
    fn a_message_with_anything_in_it_ends_and_takes_nobody_along(
        event in given(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), odd()), 1..4),
    ) {
        let mut event = event;
        for (at, odd) in &changes {
            change(&mut event, *at, odd);
        }
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
        runtime.block_on(async {
            let world = hotel(&[("u1", 500)]).await;
            post(&world, &booking("e1", "created", "b1", 1, "u1", 3..6));
            world.drain().await;
            let body = event.to_string();
            world.post(GROUP, &body);
            post(&world, &booking("e2", "created", "b2", 1, "u1", 3..6));
            world.drain().await;
            assert_eq!(version(&world, "b2").await, Some(1), "{event}");
            let panicked = ["handler-panicked", "attempts-exhausted"];
            assert!(reasons(&world).iter().all(|reason| !panicked.contains(&reason.as_str())), "{event}");
            // Byte for byte.
            let reviewed = world.aws.queue(Queue::Fallback, |queue| queue.log.clone());
            assert!(reviewed.iter().all(|message| message.body == body), "{event} {reviewed:?}");
        });
    }
}
