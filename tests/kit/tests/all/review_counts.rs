//! What is counted of a desk is what is there, and each act has its one entry in the audit, whatever fails and however often.

use std::collections::BTreeMap;

use bellhop_events::Digest;
use bellhop_kit::given::{GROUP, booking, poison};
use bellhop_kit::{Fault, advance};
use bellhop_review::Decision;
use bellhop_store::StoreError;
use bellhop_store::review::{ActKind, Desk, Order, ReviewItem, Road, Told};
use serde_json::json;

use crate::common::desk::{Reviewed, mended, reviewed, sea};
use crate::common::post;

const FAULTS: [Fault; 5] = [Fault::Refuse, Fault::LoseAnswer, Fault::Repeat, Fault::DieBefore, Fault::DieAfter];

/// The counts, which are those of the items one by one.
async fn counts(world: &Reviewed, desk: &Desk) -> (u64, u64, BTreeMap<String, u64>) {
    let recount = world.hotel.store.recount_reviews(desk).await.expect("a recount");
    assert!(recount.agrees(), "{recount:?}");
    let counts = world.hotel.store.review_counts(desk).await.expect("counts");
    assert_eq!(counts, recount.counted);
    assert_eq!(counts.open, world.open(desk).await.len() as u64);
    (counts.open, counts.critical, counts.reasons)
}

fn reasons(found: &[(&str, u64)]) -> BTreeMap<String, u64> {
    found.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect()
}

#[tokio::test(start_paused = true)]
async fn counts_follow_what_comes_and_what_is_decided() {
    let world = reviewed().await;
    assert_eq!(counts(&world, &sea()).await, (0, 0, BTreeMap::new()));
    for n in 0..3 {
        post(&world.hotel, &poison(&format!("bad{n}"), &format!("b{n}"), 1));
    }
    world.hotel.post(GROUP, "no json at all");
    world.dead_letter("dead", GROUP, &booking("e1", "created", "b9", 1, "u1", 3..6).to_string()).await;
    world.drain().await;
    let expected = reasons(&[("dead-lettered", 1), ("stay-departure-before-arrival", 3)]);
    assert_eq!(counts(&world, &sea()).await, (4, 4, expected));
    assert_eq!(counts(&world, &Desk::of_nobody()).await, (1, 0, reasons(&[("not-json", 1)])));
    for item in world.open(&sea()).await.iter().take(3) {
        world.act(item, &Decision::Discard("a test".to_owned()), "ann").await.expect("taken");
    }
    world.drain().await;
    assert_eq!(counts(&world, &sea()).await.0, 1);
    let last = world.item().await;
    world.act(&last, &Decision::Discard("a test".to_owned()), "ann").await.expect("taken");
    assert_eq!(counts(&world, &sea()).await, (0, 0, BTreeMap::new()), "a code without items is not named");
}

#[tokio::test(start_paused = true)]
async fn counts_cost_one_read_however_many_items_there_are() {
    let world = reviewed().await;
    for n in 0..40 {
        let body = booking(&format!("e{n}"), "created", &format!("b{n}"), 1, "room", 3..6).to_string();
        world.dead_letter(&format!("dead-{n}"), GROUP, &body).await;
    }
    drop(world.hotel.aws.take_calls());
    assert_eq!(world.hotel.store.review_counts(&sea()).await.expect("counts").open, 40);
    assert_eq!(world.hotel.aws.take_calls().len(), 1);
}

/// An item by a road, as the function would make it.
async fn given(world: &Reviewed, road: Road, reason: &str, message: &str) -> ReviewItem {
    let other = reviewed().await;
    other.dead_letter("dead", GROUP, &booking("e1", "created", "b1", 1, "u1", 3..6).to_string()).await;
    let mut item = other.item().await;
    item.rev = 0;
    item.road = road;
    item.note.reason = reason.to_owned();
    item.note.critical = road == Road::DeadLetter;
    item.messages = vec![message.to_owned()];
    assert_eq!(world.hotel.store.review_item(&sea(), &item.id).await.expect("a read").map(|item| item.id), None);
    item
}

#[tokio::test(start_paused = true)]
async fn what_is_told_again_with_its_reason_moves_from_one_count_to_the_other() {
    for fault in FAULTS {
        for n in 0..3 {
            let world = reviewed().await;
            let (store, aws) = (&world.hotel.store, &world.hotel.aws);
            let dead = given(&world, Road::DeadLetter, "dead-lettered", "m1").await;
            let why = given(&world, Road::Fallback, "mail-refused", "m2").await;
            assert_eq!(store.tell_review(&sea(), &dead, "{}").await, Ok(Told::New));
            assert_eq!(counts(&world, &sea()).await, (1, 1, reasons(&[("dead-lettered", 1)])));
            aws.fail_call(n, fault);
            let sea = sea();
            tokio::select! {
                biased;
                _ = store.tell_review(&sea, &why, "{}") => {}
                () = aws.death() => {}
            }
            aws.heal();
            assert_eq!(store.tell_review(&sea, &why, "{}").await, Ok(Told::Again));
            assert_eq!(counts(&world, &sea).await, (1, 0, reasons(&[("mail-refused", 1)])), "{fault:?} at {n}");
            // Once somebody has decided, no news of it is counted.
            let item = world.item().await;
            world.act(&item, &Decision::Discard("a test".to_owned()), "ann").await.expect("taken");
            let news = ReviewItem { messages: vec!["m3".to_owned()], ..why };
            assert_eq!(store.tell_review(&sea, &news, "{}").await, Ok(Told::Again));
            assert_eq!(counts(&world, &sea).await, (0, 0, BTreeMap::new()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_act_that_fails_or_dies_anywhere_is_counted_once_and_has_one_entry() {
    for fault in FAULTS {
        for n in 0..8 {
            for in_line in [true, false] {
                let world = reviewed().await;
                let bad = poison("bad", "b1", 1);
                post(&world.hotel, &bad);
                let lone = booking("lone", "created", "b9", 1, "room", 3..6);
                world.dead_letter("dead", GROUP, &lone.to_string()).await;
                world.drain().await;
                let open = world.open(&sea()).await;
                let is_meant = |item: &&ReviewItem| (item.note.event.as_deref() == Some("bad")) == in_line;
                let item = open.iter().find(is_meant).expect("one");
                let decision = if in_line { Decision::Edit(mended(&bad)) } else { Decision::Retry };
                world.hotel.aws.fail_call(n, fault);
                tokio::select! {
                    biased;
                    _ = world.act(item, &decision, "ann") => {}
                    () = world.hotel.aws.death() => {}
                }
                world.hotel.aws.heal();
                for _ in 0..2 {
                    advance(1);
                    drop(world.act(item, &decision, "ann").await);
                    drop(world.act(item, &Decision::Discard("mine".to_owned()), "bob").await);
                }
                let at = format!("{fault:?} at {n}, in line: {in_line}");
                assert_eq!(counts(&world, &sea()).await.0, 1, "{at}");
                let audit = world.hotel.store.audit(&sea(), None, 100).await.expect("acts");
                let entry = match audit.entries.as_slice() {
                    [entry] => entry,
                    other => panic!("{at}: {other:?}"),
                };
                assert_eq!((entry.by.as_str(), &entry.item, audit.next), ("ann", &item.id, None), "{at}");
                let digest = |body: &str| Some(Digest::of_bytes(body.as_bytes()).to_string());
                if in_line {
                    assert_eq!((entry.kind, entry.subject.as_deref()), (ActKind::Edited, Some("booking/b1")));
                    assert_eq!(entry.before, digest(&bad.to_string()));
                    assert_eq!(entry.after, digest(&mended(&bad)));
                } else {
                    assert_eq!((entry.kind, entry.event.as_deref()), (ActKind::Retried, Some("lone")));
                    assert_eq!((&entry.before, &entry.after), (&digest(&lone.to_string()), &None));
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn acts_are_listed_newest_first_page_by_page_and_stay_for_more_than_a_year() {
    let world = reviewed().await;
    for n in 0..25 {
        let body = booking(&format!("e{n}"), "created", &format!("b{n}"), 1, "room", 3..6).to_string();
        world.dead_letter(&format!("dead-{n}"), GROUP, &body).await;
    }
    let mut open = world.open(&sea()).await;
    open.sort_by_key(|item| item.note.event.clone());
    for (n, item) in open.iter().enumerate() {
        // Some of them in the same second.
        advance(i64::from(n % 3 == 0));
        world.act(item, &Decision::Discard(format!("reason {n}")), "ann").await.expect("taken");
    }
    let (mut from, mut seen) = (None, Vec::new());
    loop {
        let page = world.hotel.store.audit(&sea(), from.as_deref(), 10).await.expect("a page");
        seen.extend(page.entries);
        from = page.next;
        if from.is_none() {
            break;
        }
    }
    assert!(seen.windows(2).all(|two| two[0].at >= two[1].at), "newest first");
    let mut because: Vec<_> = seen.iter().filter_map(|entry| entry.because.clone()).collect();
    because.sort();
    because.dedup();
    assert_eq!((seen.len(), because.len()), (25, 25), "each once");
    assert_eq!(world.hotel.store.audit(&Desk::of_nobody(), None, 100).await.expect("a page").entries, []);
    for item in world.hotel.aws.items() {
        let key = item["sk"]["S"].as_str().expect("a key");
        let Some(place) = key.strip_prefix("review#audit/") else { continue };
        let at: i64 = place.split('#').next().expect("a time").parse().expect("milliseconds");
        let ttl: i64 = item["ttl"]["N"].as_str().expect("a time").parse().expect("seconds");
        assert!(ttl >= at / 1000 + 400 * 86_400, "{key}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_recount_finds_what_is_wrong_and_mends_it_unless_somebody_is_faster() {
    let world = reviewed().await;
    let store = &world.hotel.store;
    for n in 0..3 {
        let body = booking(&format!("e{n}"), "created", &format!("b{n}"), 1, "room", 3..6).to_string();
        world.dead_letter(&format!("dead-{n}"), GROUP, &body).await;
    }
    let mut wrong =
        world.hotel.aws.items().into_iter().find(|item| item["sk"]["S"] == "review#counts").expect("counts");
    wrong["n:dead-lettered"] = json!({"N": "-4"});
    wrong["n:not-json"] = json!({"N": "7"});
    wrong["critical"] = json!({"N": "0"});
    world.hotel.aws.put_item(&wrong);
    let recount = store.recount_reviews(&sea()).await.expect("a recount");
    assert!(!recount.agrees());
    assert_eq!((recount.counted.open, recount.found.open, recount.found.critical), (7, 3, 3));
    // Another item comes before it is mended: nothing is written, and nothing of the new one is lost.
    world.dead_letter("dead-9", GROUP, &booking("e9", "created", "b9", 1, "room", 3..6).to_string()).await;
    assert_eq!(store.mend_review_counts(&sea(), &recount).await, Err(StoreError::Lost));
    let recount = store.recount_reviews(&sea()).await.expect("a recount");
    assert_eq!(store.mend_review_counts(&sea(), &recount).await, Ok(()));
    assert_eq!(counts(&world, &sea()).await, (4, 4, reasons(&[("dead-lettered", 4)])));
    // An item that comes while it is counted: all is read again.
    world.hotel.aws.fail_call(1, Fault::Stall);
    let sea = sea();
    let counting = store.recount_reviews(&sea);
    tokio::pin!(counting);
    tokio::select! {
        biased;
        _ = &mut counting => panic!("it should hang"),
        () = world.hotel.aws.stall() => {}
    }
    world.dead_letter("dead-8", GROUP, &booking("e8", "created", "b8", 1, "room", 3..6).to_string()).await;
    world.hotel.aws.go_on();
    let recount = counting.await.expect("a recount");
    assert!(recount.agrees(), "{recount:?}");
    assert_eq!(recount.found.open, 5);
}

#[tokio::test(start_paused = true)]
async fn open_items_are_listed_in_both_orders_page_by_page() {
    let world = reviewed().await;
    for n in 0..35 {
        advance(i64::from(n % 4 == 0));
        let body = booking(&format!("e{n}"), "created", &format!("b{n}"), 1, "room", 3..6).to_string();
        world.dead_letter(&format!("dead-{n}"), GROUP, &body).await;
    }
    let mut lists = Vec::new();
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let (mut from, mut seen) = (None, Vec::new());
        loop {
            let page = world.hotel.store.open_reviews(&sea(), order, from.as_deref(), 10).await.expect("a page");
            seen.extend(page.items);
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 35, "{order:?}");
        lists.push(seen);
    }
    lists[1].reverse();
    assert_eq!(lists[0], lists[1]);
    assert!(lists[0].is_sorted_by_key(|item| item.first_seen));
    // A cursor that nobody gave out is no error, and leads to no other desk.
    let long = "9".repeat(5000);
    for cursor in ["", "?", "00000000000000#r0", "review#counts", long.as_str()] {
        let store = &world.hotel.store;
        for order in [Order::OldestFirst, Order::NewestFirst] {
            let page = store.open_reviews(&Desk::of_nobody(), order, Some(cursor), 10).await.expect("a page");
            assert_eq!(page.items, []);
            assert!(store.open_reviews(&sea(), order, Some(cursor), 10).await.is_ok());
        }
        assert_eq!(store.audit(&sea(), Some(cursor), 10).await.expect("a page").entries, []);
    }
}
