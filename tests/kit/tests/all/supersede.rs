//! Of many versions of one subject that fail, the newest alone is kept, and nothing else is touched.

use bellhop_kit::given::{GROUP, booking, event, poison};
use bellhop_kit::{Fault, now};
use bellhop_review::{Decision, Pass, SupersedeError, Superseding};
use bellhop_store::review::{ActKind, ReviewItem};
use serde_json::json;

use crate::common::desk::{Reviewed, reviewed, sea};
use crate::common::{holds, post, version};

async fn plan(world: &Reviewed, item: &ReviewItem) -> Result<Superseding, SupersedeError> {
    Superseding::of(&world.hotel.store, &sea(), &item.id).await
}

async fn pass(world: &Reviewed, plan: &Superseding) -> Pass {
    plan.pass((&world.hotel.store, &world.queues), &sea(), "ann", now()).await.expect("a pass")
}

/// Passes until the line is at its end; how many items were discarded.
async fn all(world: &Reviewed, plan: &Superseding) -> usize {
    let mut discarded = 0;
    for _ in 0..50 {
        let pass = pass(world, plan).await;
        assert_eq!(pass.refused, []);
        discarded += pass.discarded.len();
        if !pass.pending {
            return discarded;
        }
        world.drain().await;
    }
    unreachable!("the line has no end")
}

/// Versions 1 to 9 of b1, of which every third is good, and a good tenth.
async fn many_versions() -> Reviewed {
    let world = reviewed().await;
    for n in 1..10 {
        let id = format!("v{n}");
        let good = booking(&id, "modified", "b1", n, "u1", 3..6);
        post(&world.hotel, &if n % 3 == 0 { good } else { poison(&id, "b1", n) });
    }
    post(&world.hotel, &booking("v10", "modified", "b1", 10, "u1", 3..8));
    post(&world.hotel, &poison("other", "b2", 1));
    world.drain().await;
    world
}

fn of<'a>(open: &'a [ReviewItem], event: &str) -> &'a ReviewItem {
    open.iter().find(|item| item.note.event.as_deref() == Some(event)).expect("an item")
}

#[tokio::test(start_paused = true)]
async fn a_line_comes_to_its_newest_version_with_one_command() {
    let world = many_versions().await;
    let open = world.open(&sea()).await;
    assert_eq!(open.len(), 2);
    let plan = plan(&world, of(&open, "v1")).await.expect("a plan");
    assert_eq!((plan.newest.version, plan.newest.event.as_str(), plan.older.len()), (10, "v10", 1));
    assert_eq!(all(&world, &plan).await, 6, "those that fail: 1, 2, 4, 5, 7, 8");
    world.drain().await;
    assert_eq!(version(&world.hotel, "b1").await, Some(10));
    assert_eq!(holds(&world.hotel), 1, "that of the other booking");
    let left = world.item().await;
    assert_eq!(left.note.event.as_deref(), Some("other"));
    let acts = world.hotel.store.audit(&sea(), None, 100).await.expect("acts").entries;
    assert!(acts.iter().all(|act| {
        act.kind == ActKind::Discarded && act.because.as_deref() == Some("superseded by version 10, event v10")
    }));
    assert_eq!(acts.len(), 6);
}

#[tokio::test(start_paused = true)]
async fn it_can_be_repeated_wherever_it_fails_or_dies() {
    for fault in [Fault::Refuse, Fault::LoseAnswer, Fault::Repeat, Fault::DieBefore, Fault::DieAfter] {
        for n in 0..16 {
            let world = many_versions().await;
            let item = of(&world.open(&sea()).await, "v1").clone();
            world.hotel.aws.fail_call(n, fault);
            tokio::select! {
                biased;
                _ = async {
                    let plan = plan(&world, &item).await?;
                    plan.pass((&world.hotel.store, &world.queues), &sea(), "ann", now()).await.map_err(SupersedeError::from)
                } => {}
                () = world.hotel.aws.death() => {}
            }
            world.hotel.aws.heal();
            // Again: by the same item, and where its act was taken and its wake-up lost, by the act itself, or by the sweep.
            drop(world.act(&item, &Decision::Discard("superseded".to_owned()), "ann").await);
            world.drain().await;
            let open = world.open(&sea()).await;
            let next = open.iter().find(|item| item.note.subject.as_deref() == Some("booking/b1")).expect("the next");
            let plan = plan(&world, next).await.expect("a plan");
            all(&world, &plan).await;
            world.drain().await;
            assert_eq!((version(&world.hotel, "b1").await, holds(&world.hotel)), (Some(10), 1), "{fault:?} at {n}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_newest_version_that_fails_itself_waits_for_a_person() {
    let world = reviewed().await;
    for n in 1..5 {
        post(&world.hotel, &poison(&format!("v{n}"), "b1", n));
    }
    world.drain().await;
    let plan = plan(&world, &world.item().await).await.expect("a plan");
    assert_eq!(all(&world, &plan).await, 3);
    let newest = world.item().await;
    assert_eq!(newest.note.event.as_deref(), Some("v4"));
    let refused = Superseding::of(&world.hotel.store, &sea(), &newest.id).await.expect_err("refused");
    assert!(matches!(refused, SupersedeError::IsNewest { version: 4, .. }), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn dead_letters_of_one_subject_are_kept_by_version_not_by_age() {
    let world = reviewed().await;
    for n in [3, 1, 2] {
        let body = booking(&format!("v{n}"), "modified", "b1", n, "u1", 3..6).to_string();
        world.dead_letter(&format!("dead-{n}"), GROUP, &body).await;
    }
    world.dead_letter("dead-9", GROUP, &booking("e9", "created", "b9", 1, "room", 3..6).to_string()).await;
    let open = world.open(&sea()).await;
    let plan = plan(&world, of(&open, "v1")).await.expect("a plan");
    assert_eq!(plan.older.iter().filter_map(|item| item.note.event.as_deref()).collect::<Vec<_>>(), ["v1", "v2"]);
    assert_eq!(all(&world, &plan).await, 2);
    let mut left: Vec<_> = world.open(&sea()).await.into_iter().filter_map(|item| item.note.event).collect();
    left.sort();
    assert_eq!(left, ["e9", "v3"]);
    // What was discarded makes nothing void: the rest is as it was.
    let again = Superseding::of(&world.hotel.store, &sea(), &of(&open, "v1").id).await.expect_err("refused");
    assert!(matches!(again, SupersedeError::IsNewest { version: 3, .. }), "{again}");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_say_all_of_its_subject_is_refused() {
    let world = reviewed().await;
    for n in 1..3 {
        // Two blocks of one unit: the later one says nothing of the earlier.
        let data = json!({"version": n, "block": format!("k{n}"), "from": "2026-07-09", "until": "2026-07-02"});
        post(&world.hotel, &event(&format!("k{n}"), "pms.unit.blocked.v1", "unit/u1", &data));
    }
    let mut unversioned = poison("bad", "b1", 1);
    unversioned["data"].as_object_mut().expect("an object").remove("version");
    post(&world.hotel, &unversioned);
    world.drain().await;
    let open = world.open(&sea()).await;
    assert!(open.len() >= 2, "{open:?}");
    for item in &open {
        let refused = Superseding::of(&world.hotel.store, &sea(), &item.id).await.expect_err("refused");
        assert!(matches!(refused, SupersedeError::NotSnapshot(_)), "{refused}");
    }
    assert_eq!(world.open(&sea()).await, open);
}
