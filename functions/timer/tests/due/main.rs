//! The timer with the real SDK, store and dispatch, on the in-process DynamoDB and SQS of the kit.

#![expect(clippy::expect_used, reason = "tests")]

mod any;
mod crowd;
mod world;

use std::time::Duration;

use bellhop_kit::{Fault, advance};
use bellhop_store::Due;
use bellhop_timer::Report;
use serde_json::json;

use world::{World, put, scope, seconds_from_now};

#[tokio::test(start_paused = true)]
async fn what_is_due_leaves_in_order_and_is_forgotten() {
    let world = World::new();
    // More than a page of one group, written in the wrong order.
    for n in (0..160).rev() {
        world.due("villa", "c1", &format!("e{n:03}"), n - 160).await;
    }
    let report = world.run().await;
    assert_eq!(report, Report { sent: 160, late_ms: 160_000, ..Report::default() });
    assert_eq!(world.ids(), (0..160).map(|n| format!("e{n:03}")).collect::<Vec<_>>());
    assert!(world.aws.items().is_empty());
    assert_eq!(world.run().await, Report::default());
}

#[tokio::test(start_paused = true)]
async fn without_anything_due_each_shard_is_asked_once() {
    let world = World::new();
    assert_eq!(world.run().await, Report::default());
    let calls = world.aws.take_calls();
    assert_eq!(calls.len(), 16);
    assert!(calls.iter().all(|call| call.operation == "Query" && call.write_units == 0), "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_leaves_before_its_time() {
    let world = World::new();
    world.due("villa", "c1", "later", 30).await;
    world.due("house", "c1", "now", 0).await;
    assert_eq!(world.run().await.sent, 1);
    advance(29);
    assert_eq!(world.run().await.sent, 0);
    advance(1);
    assert_eq!(world.run().await.sent, 1);
    assert_eq!(world.ids(), ["now", "later"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_back_before_its_time_is_not_sent() {
    let world = World::new();
    let (cancelled, moved) = ("e1".parse().expect("an id"), "e2".parse().expect("an id"));
    world.due("villa", "c1", "e1", 30).await;
    world.due("villa", "c1", "e2", 30).await;
    let cancel = Due::delete(&scope("villa"), seconds_from_now(30), &cancelled);
    let from = Due::delete(&scope("villa"), seconds_from_now(30), &moved);
    world.write(vec![cancel, from, put("villa", "c1", "e3", 90)]).await;
    advance(30);
    assert_eq!(world.run().await, Report::default());
    advance(60);
    world.run().await;
    assert_eq!(world.ids(), ["e3"]);
}

#[tokio::test(start_paused = true)]
async fn what_sqs_refuses_is_kept_with_what_stands_behind_it() {
    let world = World::new();
    world.due("villa", "c1", "first", -2).await;
    world.due("villa", "c1", "second", -1).await;
    world.line.down(true);
    let report = world.run().await;
    assert_eq!(report, Report { refused: 2, late_ms: 2_000, left: true, ..Report::default() });
    assert_eq!(world.aws.items().len(), 2);
    world.line.down(false);
    assert_eq!(world.run().await.sent, 2);
    assert_eq!(world.ids(), ["first", "second"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_on_one_page_is_not_overtaken_from_the_next() {
    let world = World::new();
    let ids: Vec<_> = (0..250).map(|n| format!("e{n:03}")).collect();
    let writes = ids.iter().zip(-250..).map(|(id, seconds)| put("villa", "c1", id, seconds));
    world.write(writes.chain([put("villa", "c2", "other", -1)]).collect()).await;
    // As often as one run asks.
    world.line.refuses("e042", 3);
    let report = world.run().await;
    assert_eq!((report.sent, report.refused, report.behind, report.left), (43, 58, 150, true));
    assert_eq!(world.ids().last().map(String::as_str), Some("other"));
    assert_eq!(world.run().await.sent, 208);
    let sent: Vec<_> = world.ids().into_iter().filter(|id| id != "other").collect();
    assert_eq!(sent, ids);
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_is_not_understood_stays_and_holds_up_nothing() {
    let world = World::new();
    world.due("villa", "c1", "e1", -5).await;
    let pk = world.aws.items()[0]["pk"]["S"].clone();
    let second = seconds_from_now(-9).as_second();
    // More than a page of them, before and behind in its own group.
    for n in 0..130 {
        world.aws.put_item(&json!({"pk": {"S": pk}, "sk": {"S": format!("{second:012}#x{n}#sea#villa")}}));
    }
    world.aws.put_item(&json!({"pk": {"S": pk}, "sk": {"S": "!#x"}, "queue": {"S": "none"}}));
    for _ in 0..2 {
        let report = world.run().await;
        assert_eq!((report.unreadable, report.left), (131, false));
    }
    assert_eq!(world.ids(), ["e1"]);
    assert_eq!(world.aws.items().len(), 131);
}

#[tokio::test(start_paused = true)]
async fn deletes_that_dynamodb_does_not_come_to_are_asked_again() {
    let world = World::new();
    for n in 0..40 {
        world.due("villa", &format!("c{n}"), &format!("e{n}"), -1).await;
    }
    world.line.leaves_half(4);
    assert_eq!(world.run().await, Report { sent: 40, late_ms: 1_000, ..Report::default() });
    assert!(world.aws.items().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_forgotten_is_sent_again_as_a_duplicate() {
    let world = World::new();
    for n in 0..40 {
        world.due("villa", &format!("c{n}"), &format!("e{n}"), -1).await;
    }
    world.line.leaves_half(usize::MAX);
    assert!(world.run().await.left);
    assert!(!world.aws.items().is_empty());
    world.line.leaves_half(0);
    advance(60);
    assert!(!world.run().await.left);
    assert_eq!(world.sent().len(), 40);
    assert!(world.aws.items().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_dies_anywhere_loses_nothing_and_doubles_nothing() {
    for n in 0..60 {
        for fault in [Fault::DieBefore, Fault::DieAfter, Fault::LoseAnswer, Fault::Repeat] {
            let world = World::new();
            for (id, seconds) in [("e1", -3), ("e2", -2), ("e3", -1)] {
                world.due("villa", "c1", id, seconds).await;
            }
            world.aws.fail_call(n, fault);
            tokio::select! {
                biased;
                _ = world.run() => {}
                () = world.aws.death() => {}
            }
            world.aws.heal();
            world.run().await;
            assert_eq!(world.ids(), ["e1", "e2", "e3"], "call {n}, {fault:?}");
            assert!(world.aws.items().is_empty(), "call {n}, {fault:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_time_all_is_left() {
    let world = World::new();
    world.due("villa", "c1", "e1", -1).await;
    assert!(world.run_within(Duration::ZERO).await.left);
    assert_eq!(world.aws.items().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_is_down_leaves_all_to_the_next_run() {
    let world = World::new();
    world.due("villa", "c1", "e1", -1).await;
    world.aws.throttle();
    assert!(world.run().await.left);
    world.aws.heal();
    assert_eq!(world.run().await, Report { sent: 1, late_ms: 1_000, ..Report::default() });
}
