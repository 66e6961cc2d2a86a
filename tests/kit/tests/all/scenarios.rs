//! The worker with the calendar, step by step: one promise a test.

use std::collections::BTreeSet;

use bellhop_events::Queue;
use bellhop_kit::advance;
use bellhop_kit::given::{GROUP, booking, event, property};
use serde_json::json;

use crate::common::{holds, hotel, post, reasons, reviews, sent, state, version};

#[tokio::test(start_paused = true)]
async fn a_booking_takes_its_nights_and_says_so_to_all_who_must_know() {
    let world = hotel(&[("u1", 1)]).await;
    post(&world, &booking("e1", "created", "b1", 1, "u1", 3..6));
    world.drain().await;
    assert_eq!(version(&world, "b1").await, Some(1));
    let counts = [
        Queue::Synchronization,
        Queue::Automation,
        Queue::OperationalDashboard,
        Queue::OperationalGuests,
        Queue::Fallback,
    ]
    .map(|q| sent(&world, q));
    assert_eq!(counts, [2, 2, 2, 1, 0], "automation and dashboard hear of the property, too");
}

#[tokio::test(start_paused = true)]
async fn the_happy_path_costs_one_read_one_write_and_four_sends() {
    let world = hotel(&[("u1", 1)]).await;
    post(&world, &booking("e1", "created", "b1", 1, "u1", 3..6));
    world.drain().await;
    let calls = world.aws.take_calls();
    let operations: Vec<_> = calls.iter().map(|call| call.operation.as_str()).collect();
    assert_eq!(operations, [vec!["BatchGetItem", "TransactWriteItems"], vec!["SendMessageBatch"; 4]].concat());
    assert_eq!(calls[1].write_units, 4);
}

#[tokio::test(start_paused = true)]
async fn a_booking_that_moves_to_another_month_is_read_once_and_leaves_no_night_behind() {
    let world = hotel(&[("u1", 1), ("room", 2)]).await;
    for (unit, name) in [("u1", "b1"), ("room", "b2")] {
        post(&world, &booking(&format!("{name}-1"), "created", name, 1, unit, 3..6));
    }
    world.drain().await;
    drop(world.aws.take_calls());
    for (unit, name) in [("u1", "b1"), ("room", "b2")] {
        let mut moved = booking(&format!("{name}-2"), "modified", name, 2, unit, 3..6);
        moved["data"]["arrival"] = json!("2026-09-29");
        moved["data"]["departure"] = json!("2026-10-02");
        post(&world, &moved);
    }
    world.drain().await;
    let calls = world.aws.take_calls();
    assert_eq!(calls.iter().filter(|call| call.operation == "BatchGetItem").count(), 2);
    for (unit, name) in [("u1", "b3"), ("room", "b4"), ("room", "b5")] {
        post(&world, &booking(&format!("{name}-1"), "created", name, 1, unit, 3..6));
    }
    world.drain().await;
    assert_eq!(reasons(&world), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_booking_frees_its_nights() {
    let world = hotel(&[("u1", 1)]).await;
    post(&world, &booking("e1", "created", "b1", 1, "u1", 3..6));
    post(&world, &booking("e2", "cancelled", "b1", 2, "u1", 3..6));
    post(&world, &booking("e3", "created", "b2", 1, "u1", 3..6));
    world.drain().await;
    assert!(state(&world, "b2").await.expect("a booking").placed.is_some());
    assert_eq!(reasons(&world), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_taken_night_leaves_the_booking_unplaced_and_names_both() {
    let world = hotel(&[("u1", 1), ("room", 2)]).await;
    post(&world, &booking("e1", "created", "b1", 1, "u1", 3..6));
    post(&world, &booking("e2", "created", "b2", 1, "u1", 5..8));
    for name in ["r1", "r2", "r3"] {
        post(&world, &booking(&format!("e-{name}"), "created", name, 1, "room", 5..8));
    }
    world.drain().await;
    assert!(state(&world, "b2").await.expect("a booking").is_unplaced());
    let notes = reviews(&world);
    assert_eq!(reasons(&world), ["booking-unplaced", "booking-unplaced"]);
    assert!(
        notes[0].critical && notes[0].found.contains("booking/b2") && notes[0].found.contains("booking/b1"),
        "{notes:?}"
    );
    assert!(notes[1].found.contains("booking/r3") && notes[1].found.contains("booking/r1, booking/r2"), "{notes:?}");
    // The next version is decided on its own.
    post(&world, &booking("e3", "modified", "b2", 2, "u1", 6..8));
    world.drain().await;
    assert!(state(&world, "b2").await.expect("a booking").placed.is_some());
}

#[tokio::test(start_paused = true)]
async fn duplicates_and_older_versions_change_nothing() {
    let world = hotel(&[("u1", 1)]).await;
    let first = booking("e1", "created", "b1", 2, "u1", 3..6);
    post(&world, &first);
    world.drain().await;
    // What may be owed is sent again, under the id that its consumer knows.
    let told = || -> BTreeSet<String> {
        let log = world.aws.queue(Queue::Synchronization, |queue| queue.log.clone());
        log.into_iter().map(|message| message.deduplication).collect()
    };
    let before = told();
    let mut later = first.clone();
    later["time"] = json!("2026-07-09T10:00:00Z");
    post(&world, &later);
    post(&world, &booking("e0", "created", "b1", 1, "u1", 9..12));
    world.drain().await;
    advance(30 * 86_400);
    post(&world, &first);
    world.drain().await;
    assert_eq!(version(&world, "b1").await, Some(2));
    assert_eq!((told(), reasons(&world).len()), (before, 0));
}

#[tokio::test(start_paused = true)]
async fn the_same_id_or_version_with_other_content_goes_to_review() {
    let world = hotel(&[("u1", 1)]).await;
    post(&world, &booking("e1", "created", "b1", 1, "u1", 3..6));
    post(&world, &booking("e1", "created", "b1", 2, "u1", 3..7));
    post(&world, &booking("e2", "modified", "b1", 1, "u1", 3..9));
    post(&world, &booking("e3", "modified", "b1", 3, "u1", 3..5));
    world.drain().await;
    assert_eq!(reasons(&world), ["idempotency-conflict", "idempotency-conflict"]);
    assert!(reviews(&world).iter().all(|note| note.found.starts_with("digest ") && note.expected.contains("digest ")));
    assert_eq!((version(&world, "b1").await, holds(&world)), (Some(3), 0));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_goes_to_review_byte_for_byte_and_touches_no_tenant() {
    let world = hotel(&[("u1", 1)]).await;
    let before = world.aws.items();
    let forged = booking("e1", "created", "b1", 1, "u1", 3..6).to_string();
    let table = [
        (GROUP, "{".to_owned()),
        (GROUP, "[".repeat(262_144)),
        ("other#villa", forged.clone()),
        ("sea#villa#channel", forged.clone()),
        ("x", forged),
    ];
    for (group, body) in table {
        world.post(group, &body);
    }
    world.drain().await;
    assert_eq!(reasons(&world), ["not-json", "not-json", "group-mismatch", "group-mismatch", "group-mismatch"]);
    assert_eq!(world.aws.items(), before);
    let bodies = world.aws.queue(Queue::Fallback, |queue| queue.log.iter().map(|m| m.body.len()).collect::<Vec<_>>());
    assert_eq!(bodies[..2], [1, 262_144]);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_type_is_held_and_a_wrong_queue_is_named() {
    let world = hotel(&[("u1", 1)]).await;
    post(&world, &event("e1", "pms.booking.dreamt.v1", "booking/b1", &json!({"version": 1})));
    post(&world, &event("e2", "bellhop.automation.look.v1", "booking/b2", &json!({"version": 1})));
    world.drain().await;
    assert_eq!(reasons(&world), ["unknown-type", "wrong-queue"]);
    assert!(reviews(&world)[1].expected.contains("automation"));
    assert_eq!(holds(&world), 1);
}

#[tokio::test(start_paused = true)]
async fn lowered_capacity_below_what_is_sold_is_an_outcome() {
    let world = hotel(&[("room", 3)]).await;
    for n in 0..3 {
        let mut stay = booking(&format!("e{n}"), "created", &format!("b{n}"), 1, "room", 3..6);
        stay["data"]["arrival"] = json!("2030-07-03");
        stay["data"]["departure"] = json!("2030-07-06");
        post(&world, &stay);
    }
    post(&world, &property("p2", 2, &[("room", 2)]));
    world.drain().await;
    assert_eq!(reasons(&world), ["capacity-below-sold"]);
    assert!(reviews(&world)[0].found.contains("room from 2030-07-03"), "{:?}", reviews(&world));
}

#[tokio::test(start_paused = true)]
async fn extreme_values_are_kept_or_refused_and_never_block() {
    let world = hotel(&[("u1", 1)]).await;
    let mut far = booking("e1", "created", "b1", u64::MAX, "u1", 3..6);
    far["data"]["guest"] = json!({"name": "\u{ffff}\u{0}"});
    far["traceparent"] = json!("x".repeat(200_000));
    let mut with_time = booking("e2", "created", "b2", 1, "u1", 8..9);
    with_time["data"]["arrival"] = json!("2026-07-08T10:00:00");
    let mut ancient = booking("e3", "created", "b3", 1, "u1", 8..9);
    ancient["data"]["arrival"] = json!("0000-01-01");
    let mut float = booking("e4", "created", "b4", 1, "u1", 8..9);
    float["data"]["version"] = json!(1.5);
    let mut long = booking("e5", "created", "b5", 1, "u1", 8..9);
    long["data"]["departure"] = json!("2028-07-06");
    for event in [&far, &with_time, &ancient, &float, &long] {
        post(&world, event);
    }
    world.drain().await;
    assert_eq!((version(&world, "b1").await, version(&world, "b5").await), (Some(u64::MAX), Some(1)));
    assert_eq!(reasons(&world), ["invalid-data", "invalid-data", "invalid-data"]);
    assert!(world.aws.queue(Queue::OperationalGuests, |queue| queue.log[0].body.len()) < 2_000);
}
