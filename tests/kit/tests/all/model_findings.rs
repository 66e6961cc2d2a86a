//! What the model of `tests/model` found, replayed on the real worker and store.

use std::collections::BTreeSet;

use bellhop_events::Queue;
use bellhop_kit::given::booking;
use bellhop_kit::{Fault, advance, now};
use bellhop_review::{ActError, Decision};
use bellhop_store::{Line, Resolution, ResolveError};
use serde_json::{Value, json};

use crate::common::desk::Reviewed;
use crate::common::{Hotel, hotel, post, resolve, scope, subject, version};

const QUEUE: Queue = Queue::OperationalCalendar;

fn sent(version: u8) -> Value {
    booking(&format!("e{version}"), "modified", "b", version.into(), "u1", 3..6 + version)
}

/// For a unit that the property does not have.
fn bad(version: u8) -> Value {
    booking(&format!("e{version}"), "modified", "b", version.into(), "nowhere", 3..6 + version)
}

/// The versions that a consumer hears of.
fn heard(world: &Hotel) -> BTreeSet<u64> {
    let log = world.aws.queue(Queue::Automation, |queue| queue.log.clone());
    let events = log.iter().map(|message| serde_json::from_str::<Value>(&message.body).expect("json"));
    let own = events.filter(|event| event["subject"] == "booking/b" && event["type"] == "bellhop.booking.changed.v1");
    own.map(|event| event["data"]["version"].as_u64().expect("a version")).collect()
}

/// A batch hangs at its n-th call. Its messages show again, and the process that takes them is never heard of again from its
/// m-th call on. Then the first goes on, and after it whoever comes next.
async fn outlived(world: &Hotel, n: usize, m: usize) {
    let batch = world.aws.queue(QUEUE, |queue| queue.receive(180));
    world.aws.fail_call(n, Fault::Stall);
    {
        let first = world.work(batch);
        tokio::pin!(first);
        tokio::select! {
            biased;
            _ = &mut first => return,
            () = world.aws.stall() => {}
        }
        advance(181);
        world.aws.fail_call(m, Fault::Stall);
        {
            let second = world.deliver();
            tokio::pin!(second);
            tokio::select! {
                biased;
                _ = &mut second => {}
                () = world.aws.stall() => {}
            }
        }
        world.aws.heal();
        world.aws.go_on();
        first.await;
    }
    world.drain().await;
}

/// `Broken::LooksBackOnce`: a release repeats the dispatch of the event before its first look at the line alone.
#[tokio::test(start_paused = true)]
async fn follow_ups_of_a_line_outlive_the_process_that_took_over_and_died() {
    let mut lost = Vec::new();
    for n in 0..20 {
        for m in 0..22 {
            let world = hotel(&[("u1", 500)]).await;
            for event in [bad(1), sent(2), sent(3)] {
                post(&world, &event);
            }
            world.drain().await;
            resolve(&world, "booking/b", Resolution::Edit(edited(&bad(1), "u1"))).await;
            outlived(&world, n, m).await;
            world.drain().await;
            assert_eq!(version(&world, "b").await, Some(3));
            if heard(&world) != BTreeSet::from([1, 2, 3]) {
                lost.push((n, m, heard(&world)));
            }
        }
    }
    assert!(lost.is_empty(), "{lost:?}");
}

/// `Broken::TrustsFirstDelivery`: a duplicate repeats the dispatch only if its own message was received before.
#[tokio::test(start_paused = true)]
async fn follow_ups_of_a_batch_outlive_the_process_that_took_over_and_died() {
    let mut lost = Vec::new();
    for n in 0..12 {
        for m in 0..12 {
            let world = hotel(&[("u1", 500)]).await;
            for version in 1..4 {
                post(&world, &sent(version));
            }
            outlived(&world, n, m).await;
            assert_eq!(version(&world, "b").await, Some(3));
            if heard(&world) != BTreeSet::from([1, 2, 3]) {
                lost.push((n, m, heard(&world)));
            }
        }
    }
    assert!(lost.is_empty(), "{lost:?}");
}

fn edited(event: &Value, unit: &str) -> String {
    let mut event = event.clone();
    event["data"]["unit"] = json!(unit);
    event.to_string()
}

/// `Broken::AnothersVerdictPasses`: of two people at the same moment, both are told that their edit is taken.
#[tokio::test(start_paused = true)]
async fn of_two_people_at_the_same_moment_one_is_told_that_the_other_was_first() {
    let world = hotel(&[("u1", 500), ("u2", 500)]).await;
    post(&world, &bad(1));
    world.drain().await;
    let subject = subject("booking/b");
    let (one, other) = (Resolution::Edit(edited(&bad(1), "u1")), Resolution::Edit(edited(&bad(1), "u2")));
    let (scope, store) = (scope(), &world.store);
    let both = tokio::join!(
        store.resolve(&scope, Line::Hold, &subject, &one, now()),
        store.resolve(&scope, Line::Hold, &subject, &other, now()),
    );
    let refused = [both.0, both.1].into_iter().filter(|end| matches!(end, Err(ResolveError::AlreadyResolved(_))));
    assert_eq!(refused.count(), 1);
}

/// `Broken::VerdictIsNotAimed`: a discard that loses its race falls on the next event, which its person has not seen.
#[tokio::test(start_paused = true)]
async fn a_verdict_falls_on_the_event_that_its_person_saw() {
    let world = hotel(&[("u1", 500)]).await;
    for event in [bad(1), bad(2)] {
        post(&world, &event);
    }
    world.drain().await;
    let (scope, subject) = (scope(), subject("booking/b"));
    let discard = Resolution::Discard("the first one is not wanted".to_owned());
    // Item, place, record; then the write.
    world.aws.fail_call(3, Fault::Stall);
    let slow = world.store.resolve(&scope, Line::Hold, &subject, &discard, now());
    tokio::pin!(slow);
    tokio::select! {
        biased;
        _ = &mut slow => {}
        () = world.aws.stall() => {}
    }
    resolve(&world, "booking/b", Resolution::Edit(edited(&bad(1), "u1"))).await;
    world.drain().await;
    world.aws.go_on();
    let told = slow.await;
    assert!(told.is_err(), "the second event is discarded, and nobody has seen it: {told:?}");
}

/// Why the model has a sweeper: the verdict is written, its wake-up was not accepted, and who presses the button again a minute
/// later is told that it is decided.
#[tokio::test(start_paused = true)]
async fn an_act_that_is_repeated_sends_the_wake_up_that_its_first_run_owes() {
    for call in 0..12 {
        let reviewed = Reviewed::of(hotel(&[("u1", 500)]).await);
        post(&reviewed.hotel, &bad(1));
        post(&reviewed.hotel, &sent(2));
        reviewed.drain().await;
        let item = reviewed.item().await;
        reviewed.hotel.aws.fail_call(call, Fault::Refuse);
        let first = reviewed.act(&item, &Decision::Discard("wrong".to_owned()), "ada").await;
        reviewed.hotel.aws.heal();
        if matches!(first, Err(ActError::NotSent)) {
            advance(60);
            let again = reviewed.act(&item, &Decision::Discard("wrong".to_owned()), "ada").await;
            reviewed.drain().await;
            assert_eq!(version(&reviewed.hotel, "b").await, Some(2), "the line waits for ever: {again:?}");
        }
    }
}
