//! What fell between the others is picked up within the hour, and nothing else is touched.

use bellhop_events::Queue;
use bellhop_kit::given::{GROUP, booking, poison, property};
use bellhop_kit::{Fault, advance, now};
use bellhop_review::{Decision, Swept};
use bellhop_store::review::ActKind;
use bellhop_store::{Line, Resolution, Scope};

use crate::common::desk::{Reviewed, reviewed, sea};
use crate::common::{holds, hotel, post, version};

fn scope() -> Scope {
    Scope::for_operator("calendar", "sea".parse().expect("a tenant"), "villa".parse().expect("a property"))
}

/// Takes what lies in the fallback queue away, unseen.
fn lose_notices(world: &Reviewed) {
    world.hotel.aws.queue(Queue::Fallback, |queue| {
        for message in queue.receive(60) {
            queue.delete(&message.id);
        }
    });
}

#[tokio::test(start_paused = true)]
async fn an_event_that_waits_unseen_gets_its_item_and_it_is_the_one_that_the_worker_would_have_told() {
    let world = reviewed().await;
    post(&world.hotel, &poison("bad", "b1", 1));
    post(&world.hotel, &booking("e2", "modified", "b1", 2, "u1", 3..6));
    world.hotel.drain().await;
    let notice = world.hotel.aws.queue(Queue::Fallback, |queue| queue.log.clone());
    lose_notices(&world);
    let swept = world.sweep().await;
    assert_eq!((swept.lines, swept.told, swept.items, swept.closed), (1, 1, 1, 0));
    assert!(swept.waiting.digest().is_some_and(|notice| notice.text.contains("stay-departure-before-arrival")));
    let item = world.item().await;
    assert_eq!((item.note.reason.as_str(), item.note.critical), ("stay-departure-before-arrival", true));
    assert_eq!(item.event_type.as_deref(), Some("pms.booking.modified.v1"));
    // The notice was late, not lost: it is the same item.
    assert_eq!(world.tell("t-fallback", &notice).await, Vec::<String>::new());
    assert_eq!(world.item().await.id, item.id);
    let swept = world.sweep().await;
    assert_eq!((swept.lines, swept.told, swept.items, swept.closed), (1, 0, 1, 0), "once");
    world.act(&item, &Decision::Discard("a test".to_owned()), "ann").await.expect("an act");
    world.drain().await;
    assert_eq!(version(&world.hotel, "b1").await, Some(2));
    assert_eq!(world.sweep().await, Swept::default(), "nothing is open");
}

#[tokio::test(start_paused = true)]
async fn a_line_whose_wake_up_was_lost_is_woken() {
    let world = reviewed().await;
    post(&world.hotel, &poison("bad", "b1", 1));
    post(&world.hotel, &booking("e2", "modified", "b1", 2, "u1", 3..6));
    world.drain().await;
    // The verdict is written; who wrote it dies before the wake-up.
    let subject = "booking/b1".parse().expect("a subject");
    let discard = Resolution::Discard("a test".to_owned());
    world.hotel.store.resolve(&scope(), Line::Hold, &subject, &discard, now()).await.expect("a verdict");
    world.hotel.drain().await;
    assert_eq!(version(&world.hotel, "b1").await, None, "nobody wakes it");
    let swept = world.sweep().await;
    assert_eq!((swept.lines, swept.woken, swept.told), (1, 1, 0));
    world.drain().await;
    assert_eq!(version(&world.hotel, "b1").await, Some(2));
    assert_eq!(holds(&world.hotel), 0);
    // And its item, which nobody acted on, is closed by the next.
    assert_eq!(world.sweep().await.closed, 1);
    assert_eq!(world.open(&sea()).await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_registration_closes_the_item_of_its_property() {
    let world = Reviewed::of(hotel(&[("u1", 1)]).await);
    let mut early = booking("e1", "created", "b1", 1, "u1", 3..6);
    early["property"] = "chalet".into();
    world.hotel.post("sea#chalet", &early.to_string());
    world.drain().await;
    let item = world.item().await;
    assert_eq!(item.note.reason, "unknown-property");
    assert_eq!(world.sweep().await.closed, 0, "it still waits");
    let mut registered = property("p9", 1, &[("u1", 1)]);
    registered["property"] = "chalet".into();
    registered["subject"] = "property/chalet".into();
    world.hotel.post("sea#chalet", &registered.to_string());
    world.drain().await;
    assert_eq!(world.sweep().await.closed, 1);
    let closed = world.hotel.store.review_item(&sea(), &item.id).await.expect("a read").expect("the item");
    let act = closed.act.expect("an act");
    assert_eq!(
        (act.kind, act.by.as_str(), act.because.as_deref()),
        (ActKind::Settled, "bellhop", Some("the event is done"))
    );
}

#[tokio::test(start_paused = true)]
async fn what_waits_behind_a_discarded_head_for_a_property_that_nobody_registers_is_told_next() {
    let world = Reviewed::of(hotel(&[("u1", 1)]).await);
    for n in 1..=3 {
        let mut early = booking(&format!("e{n}"), "created", &format!("b{n}"), 1, "u1", 3..6);
        early["property"] = "chalet".into();
        world.hotel.post("sea#chalet", &early.to_string());
    }
    world.drain().await;
    let first = world.item().await;
    world.act(&first, &Decision::Discard("not ours".to_owned()), "ann").await.expect("an act");
    world.drain().await;
    let swept = world.sweep().await;
    assert_eq!(swept.told, 1, "{swept:?}");
    let second = world.item().await;
    assert_ne!(second.id, first.id);
    world.act(&second, &Decision::Discard("not ours".to_owned()), "ann").await.expect("an act");
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_closed_when_its_booking_has_its_nights_and_not_before() {
    let world = reviewed().await;
    post(&world.hotel, &booking("e1", "created", "b1", 1, "u1", 3..6));
    post(&world.hotel, &booking("e2", "created", "b2", 1, "u1", 4..8));
    world.drain().await;
    assert_eq!(world.item().await.note.reason, "booking-unplaced");
    assert_eq!(world.sweep().await.closed, 0);
    post(&world.hotel, &booking("e3", "modified", "b2", 2, "u1", 6..8));
    world.drain().await;
    assert_eq!(world.sweep().await.closed, 1);
    assert_eq!(world.open(&sea()).await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_conflict_of_payloads_stays_open_though_the_first_of_the_two_is_done() {
    let world = reviewed().await;
    post(&world.hotel, &booking("e1", "created", "b1", 1, "u1", 3..6));
    post(&world.hotel, &booking("e1", "created", "b1", 1, "u1", 3..9));
    world.drain().await;
    assert_eq!(world.item().await.note.reason, "idempotency-conflict");
    assert_eq!(world.sweep().await.closed, 0);
    world.item().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_keeps_nobody_from_the_rest() {
    for _ in 0..2 {
        let world = reviewed().await;
        post(&world.hotel, &poison("bad1", "b1", 1));
        post(&world.hotel, &poison("bad2", "b2", 1));
        world.hotel.drain().await;
        lose_notices(&world);
        let items = world.hotel.aws.items();
        let broken =
            items.iter().find(|item| item["sk"]["S"].as_str().is_some_and(|sk| sk.contains("parked/booking/b1")));
        let mut broken = broken.expect("a parked event").clone();
        broken["at"] = serde_json::json!({"S": "no number"});
        world.hotel.aws.put_item(&broken);
        assert_eq!(world.sweep().await.told, 1);
        assert_eq!(world.item().await.note.event.as_deref(), Some("bad2"));
        // The other order of the two passes.
        advance(3600);
    }
}

#[tokio::test(start_paused = true)]
async fn a_sweep_without_time_says_so() {
    let world = reviewed().await;
    post(&world.hotel, &poison("bad", "b1", 1));
    world.hotel.drain().await;
    let until = std::time::Instant::now();
    let sweeper = bellhop_review::Sweeper { store: &world.hotel.store, queues: &world.queues, now: now(), until };
    assert_eq!(sweeper.run().await.expect("a sweep"), Swept { unfinished: true, ..Swept::default() });
}

#[tokio::test(start_paused = true)]
async fn a_sweep_may_die_or_run_twice_anywhere() {
    for fault in [Fault::Refuse, Fault::LoseAnswer, Fault::Repeat] {
        for n in 0..12 {
            let world = reviewed().await;
            post(&world.hotel, &poison("bad", "b1", 1));
            post(&world.hotel, &booking("e1", "created", "b2", 1, "u1", 3..6));
            post(&world.hotel, &booking("e2", "created", "b3", 1, "u1", 4..8));
            world.hotel.drain().await;
            lose_notices(&world);
            advance(301);
            world.hotel.aws.fail_call(n, fault);
            let until = std::time::Instant::now() + std::time::Duration::from_mins(1);
            let sweeper =
                bellhop_review::Sweeper { store: &world.hotel.store, queues: &world.queues, now: now(), until };
            let _ = sweeper.run().await;
            world.hotel.aws.heal();
            world.sweep().await;
            let open = world.open(&sea()).await;
            assert_eq!(open.len(), 1, "{fault:?} at call {n}: {open:?}");
            assert_eq!(open[0].note.group, GROUP);
        }
    }
}
