//! What cannot be done is one item in front of a person, and what the person decides happens once, in order.

use bellhop_events::Queue;
use bellhop_kit::given::{GROUP, booking, poison};
use bellhop_kit::{Fault, advance};
use bellhop_review::{ActError, Decision};
use bellhop_store::ResolveError;
use bellhop_store::review::{Desk, Order, Road};
use serde_json::Value;

use crate::common::desk::{self, Reviewed, mended, reviewed, sea};
use crate::common::{holds, post, version};

/// A bad event of b1, good ones of it behind, and others.
async fn a_bad_one_and_followers(followers: u64) -> (Reviewed, Value) {
    let world = reviewed().await;
    let bad = poison("bad", "b1", 1);
    post(&world.hotel, &bad);
    for n in 2..2 + followers {
        post(&world.hotel, &booking(&format!("e{n}"), "modified", "b1", n, "u1", 3..6));
        post(&world.hotel, &booking(&format!("o{n}"), "modified", "other", n, "room", 3..6));
    }
    world.drain().await;
    (world, bad)
}

#[tokio::test(start_paused = true)]
async fn a_critical_item_is_counted_once_however_often_it_is_told() {
    let world = reviewed().await;
    post(&world.hotel, &poison("bad", "b1", 1));
    world.hotel.drain().await;
    let batch = world.hotel.aws.queue(Queue::Fallback, |queue| queue.receive(60));
    let (first, again) =
        (world.take("t-fallback", &batch).await.numbers, world.take("t-fallback", &batch).await.numbers);
    assert_eq!((first.processed, first.duplicate, first.critical), (1, 0, 1));
    assert_eq!((again.processed, again.duplicate, again.critical), (0, 1, 0));
    let unknown = world.take("t-unknown", &batch).await.numbers;
    assert_eq!((unknown.processed, unknown.retried), (0, 1), "it stays in the queue");
}

#[tokio::test(start_paused = true)]
async fn one_bad_and_thirty_behind_it_an_edit_works_all_in_order() {
    let (world, bad) = a_bad_one_and_followers(30).await;
    assert_eq!(version(&world.hotel, "other").await, Some(31), "others did not wait");
    assert_eq!(version(&world.hotel, "b1").await, None);
    let item = world.item().await;
    assert_eq!((item.note.reason.as_str(), item.note.event.as_deref()), ("stay-departure-before-arrival", Some("bad")));
    assert_eq!((item.road, item.told, item.note.critical), (Road::Fallback, 1, true));
    assert_eq!(world.body(&sea(), &item).await, bad.to_string(), "byte for byte");
    // What does not mend it is refused, and nothing has happened.
    for (wrong, code) in [
        ("nonsense".to_owned(), "not-json"),
        (bad.to_string(), "stay-departure-before-arrival"),
        (mended(&bad).replace("\"bad\"", "\"another\""), "edit-changes-identity"),
        (mended(&bad).replace("\"villa\"", "\"palace\""), "edit-changes-identity"),
    ] {
        let refused = world.act(&item, &Decision::Edit(wrong), "ann").await.expect_err("refused");
        assert!(refused.to_string().contains(code), "{refused}");
    }
    assert_eq!(world.item().await, item);
    let acted = world.act(&item, &Decision::Edit(mended(&bad)), "ann").await.expect("taken");
    assert_eq!((acted.line, acted.item.state()), (31, "edited"));
    world.drain().await;
    assert_eq!((version(&world.hotel, "b1").await, holds(&world.hotel)), (Some(31), 0));
    assert_eq!(world.open(&sea()).await, []);
    let told = world.act(&item, &Decision::Retry, "bob").await.expect_err("decided");
    assert!(told.to_string().contains("ann made it edited"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_in_the_line_is_another_item_and_the_rest_waits_on() {
    let (world, _) = a_bad_one_and_followers(3).await;
    post(&world.hotel, &poison("bad2", "b1", 5));
    post(&world.hotel, &booking("e6", "modified", "b1", 6, "u1", 3..6));
    world.drain().await;
    let first = world.item().await;
    world.act(&first, &Decision::Discard("a test".to_owned()), "ann").await.expect("taken");
    world.drain().await;
    assert_eq!(version(&world.hotel, "b1").await, Some(4));
    let second = world.item().await;
    assert_eq!(second.note.event.as_deref(), Some("bad2"));
    world.act(&second, &Decision::Discard("again".to_owned()), "ann").await.expect("taken");
    world.drain().await;
    assert_eq!((version(&world.hotel, "b1").await, holds(&world.hotel)), (Some(6), 0));
    let kept = world.hotel.store.review_item(&sea(), &first.id).await.expect("a read").expect("an item");
    let act = kept.act.expect("an act");
    assert_eq!((act.by.as_str(), act.because.as_deref()), ("ann", Some("a test")));
    // What was decided on may be forgotten, its bodies with it, and later what was done; what is open may not, nor the counts.
    let items = world.hotel.aws.items();
    let of =
        |id: &str| items.iter().filter(|item| item["sk"]["S"].as_str().is_some_and(|key| key.ends_with(id))).count();
    assert_eq!(of(&first.id.to_string()), 3, "item, body, audit");
    assert!(items.iter().all(|item| {
        let key = item["sk"]["S"].as_str().expect("a key");
        !key.starts_with("review#") || key == "review#counts" || !item["ttl"].is_null()
    }));
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_fails_again_is_another_item() {
    let (world, _) = a_bad_one_and_followers(1).await;
    let first = world.item().await;
    world.act(&first, &Decision::Retry, "ann").await.expect("taken");
    world.drain().await;
    let second = world.item().await;
    assert_eq!(
        (second.note.event.clone(), second.note.reason.clone()),
        (first.note.event.clone(), first.note.reason.clone())
    );
    assert_ne!(second.id, first.id);
}

#[tokio::test(start_paused = true)]
async fn the_same_failure_is_one_item_by_both_roads_and_however_often() {
    let (world, bad) = a_bad_one_and_followers(1).await;
    let item = world.item().await;
    let log = world.hotel.aws.queue(Queue::Fallback, |queue| queue.log.clone());
    world.tell("t-fallback", &log).await;
    assert_eq!(world.item().await, item, "a redelivery says nothing new");
    for _ in 0..2 {
        assert!(world.dead_letter("dead", GROUP, &bad.to_string()).await.is_empty());
    }
    let told = world.item().await;
    assert_eq!((told.id, told.told, told.note.reason), (item.id, 2, item.note.reason));
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_whose_event_is_in_good_hands_asks_nobody() {
    let (world, bad) = a_bad_one_and_followers(2).await;
    let done = booking("o2", "modified", "other", 2, "room", 3..6);
    let parked = booking("e2", "modified", "b1", 2, "u1", 3..6);
    for (id, event) in [("d1", &done), ("d2", &parked)] {
        assert!(world.dead_letter(id, GROUP, &event.to_string()).await.is_empty());
    }
    assert_eq!(world.item().await.note.event.as_deref(), Some("bad"));
    // Another payload under the id of one that is done is not.
    let other = booking("o2", "modified", "other", 2, "room", 3..7);
    world.dead_letter("d3", GROUP, &other.to_string()).await;
    assert_eq!(world.open(&sea()).await.len(), 2);
    world.dead_letter("d4", GROUP, &bad.to_string()).await;
    assert_eq!(world.open(&sea()).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_nobody_worked_is_worked_by_a_retry() {
    let world = reviewed().await;
    let event = booking("e1", "created", "b1", 1, "u1", 3..6);
    world.dead_letter("dead", GROUP, &event.to_string()).await;
    let item = world.item().await;
    assert_eq!((item.note.reason.as_str(), item.road, item.receives), ("dead-lettered", Road::DeadLetter, 1000));
    world.act(&item, &Decision::Retry, "ann").await.expect("taken");
    world.drain().await;
    assert_eq!((version(&world.hotel, "b1").await, world.open(&sea()).await.len()), (Some(1), 0));
    // Should SQS give up the same event once more, when a later one is done: nobody is asked.
    post(&world.hotel, &booking("e2", "modified", "b1", 2, "u1", 3..7));
    world.drain().await;
    world.dead_letter("dead-2", GROUP, &event.to_string()).await;
    assert_eq!(world.open(&sea()).await, []);
}

#[tokio::test(start_paused = true)]
async fn what_names_no_tenant_that_can_be_trusted_lies_on_nobodys_desk() {
    let world = reviewed().await;
    let good = booking("e1", "created", "b1", 1, "u1", 3..6);
    let forged = good.to_string().replace("\"sea\"", "\"lake\"");
    world.hotel.post(GROUP, &forged);
    world.hotel.post(GROUP, "no json at all");
    world.dead_letter("dead", GROUP, &forged.replace("e1", "e2")).await;
    world.drain().await;
    assert_eq!(
        (world.open(&sea()).await.len(), world.open(&Desk::of("lake".parse().expect("a tenant"))).await.len()),
        (0, 0)
    );
    let found = world.open(&Desk::of_nobody()).await;
    let mut reasons: Vec<_> = found.iter().map(|item| item.note.reason.as_str()).collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["dead-lettered", "group-mismatch", "not-json"]);
    assert_eq!(world.hotel.store.desks().await.expect("desks"), [Desk::of_nobody()]);
    // A retry leaves it where it was, so it fails as it did: no press of a button makes a forged tenant a true one.
    let mismatch = found.iter().find(|item| item.note.reason == "group-mismatch").expect("one");
    world.act_at(&Desk::of_nobody(), mismatch, &Decision::Retry, "op").await.expect("taken");
    world.drain().await;
    assert_eq!(
        world.open(&Desk::of_nobody()).await.iter().filter(|item| item.note.reason == "group-mismatch").count(),
        1
    );
    // A tenant's desk does not lead to it.
    assert!(matches!(world.act(&found[0], &Decision::Retry, "ann").await, Err(ActError::NotFound(_))));
    let unreadable = found.iter().find(|item| item.note.reason == "not-json").expect("one");
    assert_eq!(world.body(&Desk::of_nobody(), unreadable).await, "no json at all");
    world.act_at(&Desk::of_nobody(), unreadable, &Decision::Edit(good.to_string()), "op").await.expect("taken");
    world.drain().await;
    assert_eq!(version(&world.hotel, "b1").await, Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_worked_under_a_new_id_only() {
    let world = reviewed().await;
    post(&world.hotel, &booking("e1", "created", "b1", 1, "u1", 3..6));
    let other = booking("e1", "created", "b1", 1, "u1", 3..7);
    post(&world.hotel, &other);
    world.drain().await;
    let item = world.item().await;
    assert_eq!(item.note.reason, "idempotency-conflict");
    let refused = world.act(&item, &Decision::Retry, "ann").await.expect_err("refused");
    assert!(matches!(refused, ActError::NeedsNewId(_)), "{refused}");
    let refused = world.act(&item, &Decision::Edit(other.to_string()), "ann").await.expect_err("refused");
    assert!(matches!(refused, ActError::NeedsNewId(_)), "{refused}");
    let mut elsewhere = booking("e9", "created", "b1", 2, "u1", 3..7);
    elsewhere["property"] = "palace".into();
    let refused = world.act(&item, &Decision::Edit(elsewhere.to_string()), "ann").await.expect_err("refused");
    assert!(matches!(refused, ActError::ChangesGroup(_)), "{refused}");
    let right = booking("e2", "modified", "b1", 2, "u1", 3..7);
    world.act(&item, &Decision::Edit(right.to_string()), "ann").await.expect("taken");
    world.drain().await;
    assert_eq!((version(&world.hotel, "b1").await, world.open(&sea()).await.len()), (Some(2), 0));
    let edited = world.hotel.store.edited_body(&sea(), &item.id).await.expect("a read");
    assert_eq!(edited, Some(right.to_string()), "kept beside the original");
}

#[tokio::test(start_paused = true)]
async fn a_notice_of_what_is_done_can_be_put_away_and_not_retried() {
    let world = reviewed().await;
    post(&world.hotel, &booking("e1", "created", "b1", 1, "u1", 3..6));
    post(&world.hotel, &booking("e2", "created", "b2", 1, "u1", 5..8));
    world.drain().await;
    let item = world.item().await;
    assert_eq!(item.note.reason, "booking-unplaced");
    assert!(matches!(world.act(&item, &Decision::Retry, "ann").await, Err(ActError::AlreadyDone)));
    world.act(&item, &Decision::Discard("moved by phone".to_owned()), "ann").await.expect("taken");
    assert_eq!(world.open(&sea()).await, []);
}

#[tokio::test(start_paused = true)]
async fn an_intake_that_fails_or_dies_anywhere_makes_one_item() {
    for fault in [Fault::Refuse, Fault::LoseAnswer, Fault::Repeat, Fault::DieBefore, Fault::DieAfter] {
        for n in 0..4 {
            let world = reviewed().await;
            post(&world.hotel, &poison("bad", "b1", 1));
            world.hotel.drain().await;
            let batch = world.hotel.aws.queue(Queue::Fallback, |queue| queue.receive(0));
            world.hotel.aws.fail_call(n, fault);
            tokio::select! {
                biased;
                _ = world.tell("t-fallback", &batch) => {}
                () = world.hotel.aws.death() => {}
            }
            world.hotel.aws.heal();
            world.take_in().await;
            assert_eq!(world.item().await.told, 1, "{fault:?} at {n}");
            assert_eq!(world.hotel.store.review_counts(&sea()).await.expect("counts").open, 1, "{fault:?} at {n}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_act_that_fails_or_dies_anywhere_can_be_repeated_and_is_done_once() {
    for fault in [Fault::Refuse, Fault::LoseAnswer, Fault::Repeat, Fault::DieBefore, Fault::DieAfter] {
        for n in 0..10 {
            for in_line in [true, false] {
                let (world, bad) = a_bad_one_and_followers(2).await;
                if !in_line {
                    let lone = booking("lone", "created", "b9", 1, "room", 3..6);
                    world.dead_letter("dead", GROUP, &lone.to_string()).await;
                }
                let open = world.open(&sea()).await;
                let item =
                    open.iter().find(|item| (item.note.event.as_deref() == Some("bad")) == in_line).expect("one");
                let decision = if in_line { Decision::Edit(mended(&bad)) } else { Decision::Retry };
                world.hotel.aws.fail_call(n, fault);
                tokio::select! {
                    biased;
                    _ = world.act(item, &decision, "ann") => {}
                    () = world.hotel.aws.death() => {}
                }
                world.hotel.aws.heal();
                match world.act(item, &decision, "ann").await {
                    Ok(_) | Err(ActError::Decided { .. } | ActError::Resolve(ResolveError::AlreadyResolved(_))) => {}
                    Err(other) => panic!("{fault:?} at {n}: {other}"),
                }
                world.drain().await;
                let name = if in_line { "b1" } else { "b9" };
                let expected = if in_line { 3 } else { 1 };
                assert_eq!(version(&world.hotel, name).await, Some(expected), "{fault:?} at {n}, in line: {in_line}");
                assert!(!world.open(&sea()).await.iter().any(|left| left.id == item.id), "{fault:?} at {n}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_people_at_once_the_second_is_told_who_was_first() {
    for n in 0..8 {
        let (world, bad) = a_bad_one_and_followers(2).await;
        let item = world.item().await;
        world.hotel.aws.fail_call(n, Fault::Stall);
        let decision = Decision::Edit(mended(&bad));
        let ann = world.act(&item, &decision, "ann");
        tokio::pin!(ann);
        let (first, second) = tokio::select! {
            biased;
            first = &mut ann => (first, None),
            () = world.hotel.aws.stall() => {
                let bob = world.act(&item, &Decision::Discard("mine".to_owned()), "bob").await;
                world.hotel.aws.go_on();
                (ann.await, Some(bob))
            }
        };
        world.hotel.aws.heal();
        let taken = [Some(&first), second.as_ref()].into_iter().flatten().filter(|result| result.is_ok()).count();
        assert_eq!(taken, 1, "at {n}: {first:?}, {second:?}");
        world.drain().await;
        assert_eq!((version(&world.hotel, "b1").await, holds(&world.hotel)), (Some(3), 0), "at {n}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_decided_on_stays_so_though_it_is_told_again() {
    let (world, bad) = a_bad_one_and_followers(1).await;
    let item = world.item().await;
    world.act(&item, &Decision::Edit(mended(&bad)), "ann").await.expect("taken");
    world.drain().await;
    // The first message comes once more, when SQS no longer knows what it accepted: the notice may be owed, and goes out again.
    advance(3600);
    let asked = world.hotel.aws.queue(Queue::Fallback, |queue| queue.log.len());
    post(&world.hotel, &bad);
    let batch = world.hotel.aws.queue(Queue::OperationalCalendar, |queue| queue.receive(1));
    assert_eq!(batch.len(), 1);
    advance(2);
    world.drain().await;
    assert!(world.hotel.aws.queue(Queue::Fallback, |queue| queue.log.len()) > asked, "it was told again");
    assert_eq!(world.open(&sea()).await, []);
    let kept = world.hotel.store.review_item(&sea(), &item.id).await.expect("a read").expect("an item");
    assert_eq!((kept.told, kept.state()), (2, "edited"));
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_letter_may_owe_is_sent_by_a_retry() {
    let world = reviewed().await;
    let event = booking("e1", "created", "b1", 1, "u1", 3..6);
    post(&world.hotel, &event);
    // Committed; what follows is never sent, and SQS gives the message up.
    world.hotel.aws.fail_call(2, Fault::DieBefore);
    world.hotel.deliver().await;
    world.hotel.aws.heal();
    let lost = world.hotel.aws.queue(Queue::OperationalCalendar, |queue| {
        let message = queue.messages()[0].clone();
        queue.delete(&message.id);
        message
    });
    let hearers = [Queue::Synchronization, Queue::Automation, Queue::OperationalGuests];
    let mentions = |queue| {
        world.hotel.aws.queue(queue, |queue| queue.log.iter().filter(|m| m.body.contains("booking/b1")).count())
    };
    let told = || hearers.map(mentions).iter().sum::<usize>();
    assert_eq!(version(&world.hotel, "b1").await, Some(1));
    let before = told();
    assert!(world.tell(desk::DLQ, &[lost]).await.is_empty());
    let item = world.item().await;
    world.act(&item, &Decision::Retry, "ann").await.expect("taken");
    world.drain().await;
    assert!(told() > before, "what was owed is sent");
    let all = told();
    // Once: a booking that nobody hindered is told as often.
    let other = reviewed().await;
    post(&other.hotel, &event);
    other.drain().await;
    let usual = hearers.map(|queue| {
        other.hotel.aws.queue(queue, |queue| queue.log.iter().filter(|m| m.body.contains("booking/b1")).count())
    });
    assert_eq!((all, world.open(&sea()).await.len()), (usual.iter().sum(), 0));
}

#[tokio::test(start_paused = true)]
async fn a_page_costs_the_same_however_deep() {
    let world = reviewed().await;
    for n in 0..250 {
        advance(1);
        let body = booking(&format!("e{n}"), "created", &format!("b{n}"), 1, "room", 3..6).to_string();
        world.dead_letter(&format!("dead-{n}"), GROUP, &body).await;
    }
    drop(world.hotel.aws.take_calls());
    let (mut from, mut seen) = (None, Vec::new());
    loop {
        let page =
            world.hotel.store.open_reviews(&sea(), Order::OldestFirst, from.as_deref(), 50).await.expect("a page");
        assert_eq!(world.hotel.aws.take_calls().len(), 1);
        assert!(page.items.len() <= 50);
        seen.extend(page.items.into_iter().map(|item| item.note.event.expect("an event")));
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert_eq!(seen, (0..250).map(|n| format!("e{n}")).collect::<Vec<_>>(), "oldest first, each once");
}
