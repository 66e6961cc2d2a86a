//! What fails, and what does not fail with it: one promise a test.

use bellhop_calendar::Calendar;
use bellhop_events::Queue;
use bellhop_kit::given::{GROUP, booking, event, poison, property};
use bellhop_kit::{Delivery, World, advance, now};
use bellhop_store::{Line, Resolution};
use bellhop_worker::Policy;
use serde_json::{Value, json};

use crate::common::{holds, hotel, post, reasons, resolve, reviews, scope, sent, subject, version};

#[tokio::test(start_paused = true)]
async fn a_permanent_failure_takes_no_neighbour_along() {
    let world = hotel(&[("u1", 500)]).await;
    post(&world, &poison("bad", "b0", 1));
    for n in 1..10 {
        post(&world, &booking(&format!("e{n}"), "created", &format!("b{n}"), 1, "u1", 3..6));
    }
    assert_eq!(world.deliver().await, Delivery::Answered);
    assert!(world.aws.queue(Queue::OperationalCalendar, |queue| queue.is_empty()));
    assert_eq!(reasons(&world), ["stay-departure-before-arrival"]);
    assert_eq!(reviews(&world)[0].pointer, "/data/departure");
    for n in 1..10 {
        assert_eq!(version(&world, &format!("b{n}")).await, Some(1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_transient_failure_spends_its_own_attempts_only() {
    let world = hotel(&[("u1", 500)]).await;
    post(&world, &booking("e0", "created", "b0", 1, "u1", 3..6));
    world.drain().await;
    let mut broken = world.aws.items().into_iter().find(|i| i["sk"]["S"] == "calendar#booking/b0").expect("an item");
    broken["st"] = json!({"S": "broken"});
    world.aws.put_item(&broken);
    post(&world, &booking("bad", "modified", "b0", 2, "u1", 3..7));
    for n in 1..10 {
        post(&world, &booking(&format!("e{n}"), "created", &format!("b{n}"), 1, "u1", 3..6));
    }
    world.drain().await;
    assert_eq!(reasons(&world), ["attempts-exhausted"]);
    assert_eq!(reviews(&world)[0].attempts, 5);
    assert_eq!(version(&world, "b9").await, Some(1));
    assert_eq!(holds(&world), 1);
}

#[tokio::test(start_paused = true)]
async fn an_outage_spends_no_attempt_and_loses_nothing() {
    let world = hotel(&[("u1", 500)]).await;
    for n in 0..10 {
        post(&world, &booking(&format!("e{n}"), "created", &format!("b{n}"), 1, "u1", 3..6));
    }
    world.aws.throttle();
    for _ in 0..20 {
        world.deliver().await;
        advance(901);
    }
    world.aws.heal();
    world.drain().await;
    assert_eq!(reasons(&world), Vec::<String>::new());
    assert_eq!(version(&world, "b9").await, Some(1));
    assert!(world.aws.items().iter().all(|item| !item["sk"]["S"].as_str().unwrap_or_default().contains("record/")));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_kills_the_process_is_found_and_nobody_goes_with_it() {
    let world = hotel(&[("u1", 500)]).await;
    for n in 0..10 {
        post(&world, &booking(&format!("e{n}"), "created", &format!("b{n}"), 1, "u1", 3..6));
    }
    // Even a look at its booking is deadly, so that the giving up dies as well.
    world.aws.die_on("booking/b0");
    let mut deaths = 0;
    while deaths < 30 && !world.aws.queue(Queue::OperationalCalendar, |queue| queue.is_empty()) {
        deaths += u32::from(world.deliver().await == Delivery::Died);
        advance(181);
    }
    world.aws.heal();
    world.drain().await;
    assert_eq!(reasons(&world), ["killed-the-function"], "{deaths} deaths");
    for n in 1..10 {
        assert_eq!(version(&world, &format!("b{n}")).await, Some(1), "b{n}");
    }
}

#[tokio::test(start_paused = true)]
async fn later_events_park_behind_a_failed_one_and_are_worked_in_order_after_an_edit() {
    let world = hotel(&[("u1", 500)]).await;
    post(&world, &booking("e1", "created", "b1", 1, "u1", 3..6));
    post(&world, &poison("bad", "b1", 2));
    for v in 3..9 {
        post(&world, &booking(&format!("e{v}"), "modified", "b1", v, "u1", 3..9));
    }
    post(&world, &booking("other", "created", "b2", 1, "u1", 3..6));
    world.drain().await;
    assert_eq!((version(&world, "b1").await, version(&world, "b2").await), (Some(1), Some(1)));
    let edited = booking("bad", "modified", "b1", 2, "u1", 4..8);
    resolve(&world, "booking/b1", Resolution::Edit(edited.to_string())).await;
    post(&world, &booking("e9", "modified", "b1", 9, "u1", 3..10));
    world.drain().await;
    assert_eq!((version(&world, "b1").await, holds(&world)), (Some(9), 0));
    let versions: Vec<u64> = world.aws.queue(Queue::Automation, |queue| {
        let own = queue.log.iter().filter(|m| m.body.contains("\"subject\":\"booking/b1\""));
        own.map(|m| serde_json::from_str::<Value>(&m.body).expect("json")["data"]["version"].as_u64().unwrap_or(0))
            .collect()
    });
    assert_eq!(versions, (1..=9).collect::<Vec<_>>());
    // Original and edited payload both count as the event.
    for body in [poison("bad", "b1", 2), edited] {
        let mut again = body;
        again["time"] = json!("2026-07-02T00:00:00Z");
        post(&world, &again);
    }
    world.drain().await;
    assert_eq!(reasons(&world), ["stay-departure-before-arrival"]);
    assert!(!world.aws.items().iter().any(|i| i["sk"]["S"].as_str().unwrap_or_default().contains("#parked/")));
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_fails_again_asks_again_and_a_discard_lets_the_rest_go() {
    let world = hotel(&[("u1", 500)]).await;
    post(&world, &poison("bad", "b1", 1));
    post(&world, &booking("e2", "created", "b1", 2, "u1", 3..6));
    world.drain().await;
    resolve(&world, "booking/b1", Resolution::Retry).await;
    world.drain().await;
    assert_eq!((reasons(&world).len(), holds(&world), version(&world, "b1").await), (2, 1, None));
    resolve(&world, "booking/b1", Resolution::Discard("typing error".to_owned())).await;
    world.drain().await;
    assert_eq!((reasons(&world).len(), holds(&world), version(&world, "b1").await), (2, 0, Some(2)));
}

#[tokio::test(start_paused = true)]
async fn of_two_people_the_second_is_told() {
    let world = hotel(&[("u1", 1)]).await;
    post(&world, &poison("bad", "b1", 1));
    world.drain().await;
    let subject = subject("booking/b1");
    let first = world.store.resolve(&scope(), Line::Hold, &subject, &Resolution::Retry, now()).await;
    let second = world.store.resolve(&scope(), Line::Hold, &subject, &Resolution::Retry, now()).await;
    assert!(first.is_ok());
    assert!(second.expect_err("the second is late").to_string().starts_with("already-resolved"));
}

#[tokio::test(start_paused = true)]
async fn events_of_an_unknown_property_wait_in_one_line_and_flow_when_it_registers() {
    let world = World::new(Calendar, Policy::default());
    for n in 0..40 {
        post(&world, &booking(&format!("e{n}"), "modified", &format!("b{}", n % 7), n + 1, "u1", 3..6));
    }
    post(
        &world,
        &event(
            "block",
            "pms.unit.blocked.v1",
            "unit/u1",
            &json!({"version": 1, "block": "x", "from": "2026-07-01", "until": "2026-07-09"}),
        ),
    );
    world.drain().await;
    assert_eq!((reasons(&world), holds(&world)), (vec!["unknown-property".to_owned()], 1));
    post(&world, &property("p1", 1, &[("u1", 500)]));
    post(&world, &booking("last", "modified", "b1", 99, "u1", 3..9));
    world.drain().await;
    assert_eq!((reasons(&world).len(), holds(&world)), (1, 0));
    assert_eq!((version(&world, "b4").await, version(&world, "b1").await), (Some(40), Some(99)));
    assert!(!world.aws.items().iter().any(|i| i["sk"]["S"].as_str().unwrap_or_default().contains("#waiting/")));
}

#[tokio::test(start_paused = true)]
async fn under_redrive_the_poison_stays_for_sqs_and_its_neighbours_are_done_at_once() {
    let policy =
        Policy { dead_letters: bellhop_worker::DeadLetters::Redrive, max_receive_count: 5, ..Policy::default() };
    let world = World::new(Calendar, policy);
    post(&world, &property("p1", 1, &[("u1", 500)]));
    world.drain().await;
    post(&world, &poison("bad", "b0", 1));
    for n in 1..10 {
        post(&world, &booking(&format!("e{n}"), "created", &format!("b{n}"), 1, "u1", 3..6));
    }
    for _ in 0..5 {
        world.deliver().await;
        advance(181);
        assert_eq!(world.aws.queue(Queue::OperationalCalendar, |queue| queue.len()), 1);
    }
    assert_eq!(version(&world, "b9").await, Some(1));
    assert_eq!(sent(&world, Queue::Fallback), 0);
}

#[tokio::test(start_paused = true)]
async fn an_item_that_cannot_be_read_at_all_ends_in_review() {
    let world = hotel(&[("u1", 500)]).await;
    world.aws.put_item(&json!({"pk": {"S": GROUP}, "sk": {"S": "calendar#booking/b1"}, "rev": {"S": "broken"}}));
    post(&world, &booking("e1", "created", "b1", 1, "u1", 3..6));
    post(&world, &booking("e2", "created", "b2", 1, "u1", 3..6));
    world.drain().await;
    assert_eq!((reasons(&world), version(&world, "b2").await), (vec!["attempts-exhausted".to_owned()], Some(1)));
}

#[tokio::test(start_paused = true)]
async fn a_booking_that_cannot_be_read_costs_no_other_booking_an_attempt() {
    let world = hotel(&[("room", 2)]).await;
    for name in ["b0", "b1"] {
        post(&world, &booking(&format!("e-{name}"), "created", name, 1, "room", 3..6));
    }
    world.drain().await;
    let mut broken = world.aws.items().into_iter().find(|i| i["sk"]["S"] == "calendar#booking/b0").expect("an item");
    broken["st"] = json!({"S": "broken"});
    world.aws.put_item(&broken);
    post(&world, &booking("e2", "created", "b2", 1, "room", 3..6));
    world.drain().await;
    assert_eq!((reasons(&world), version(&world, "b2").await), (vec!["booking-unplaced".to_owned()], Some(1)));
}

#[tokio::test(start_paused = true)]
async fn a_failed_event_keeps_its_record_though_a_done_one_of_another_subject_has_its_id() {
    let world = hotel(&[("u1", 500)]).await;
    post(&world, &booking("same", "created", "b1", 1, "u1", 3..6));
    post(&world, &poison("same", "b2", 1));
    world.drain().await;
    advance(60);
    for v in 2..30 {
        post(&world, &booking(&format!("e{v}"), "modified", "b1", v, "u1", 3..9));
    }
    world.drain().await;
    let edited = booking("same", "modified", "b2", 1, "u1", 4..8);
    resolve(&world, "booking/b2", Resolution::Edit(edited.to_string())).await;
    world.drain().await;
    assert_eq!((version(&world, "b2").await, holds(&world)), (Some(1), 0));
    assert_eq!(reasons(&world), ["stay-departure-before-arrival"]);
}

#[tokio::test(start_paused = true)]
async fn two_bookings_whose_events_share_an_id_are_both_told_of() {
    let world = hotel(&[("u1", 1)]).await;
    post(&world, &booking("e0", "created", "b0", 1, "u1", 3..6));
    for name in ["b1", "b2"] {
        post(&world, &booking("same", "created", name, 1, "u1", 3..6));
    }
    world.drain().await;
    let subjects: Vec<_> = reviews(&world).into_iter().filter_map(|note| note.subject).collect();
    assert_eq!(subjects, ["booking/b1", "booking/b2"]);
}

#[tokio::test(start_paused = true)]
async fn a_discarded_event_of_an_unknown_property_does_not_send_all_the_others_to_review() {
    let world = World::new(Calendar, Policy::default());
    for n in 0..10 {
        post(&world, &booking(&format!("e{n}"), "created", &format!("b{n}"), 1, "u1", 3..6));
    }
    world.drain().await;
    let property_subject = subject("property/villa");
    let discard = Resolution::Discard("a test".to_owned());
    let hold = world.store.resolve(&scope(), Line::Wait, &property_subject, &discard, now()).await.expect("a verdict");
    let wake =
        bellhop_worker::wake_up(&scope(), Queue::OperationalCalendar, &property_subject, Line::Wait, &hold, now());
    world.aws.queue(wake.queue, |queue| queue.send(&wake.group, &wake.deduplication_id, &wake.body, None));
    world.drain().await;
    post(&world, &property("p1", 1, &[("u1", 500)]));
    world.drain().await;
    assert_eq!((version(&world, "b0").await, version(&world, "b9").await, holds(&world)), (None, Some(1), 0));
    assert!(reasons(&world).len() <= 2, "{:?}", reasons(&world));
}
