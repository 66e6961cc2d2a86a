//! A suspended tenant's events wait in DynamoDB, in order, and are worked when it is resumed; nobody else notices.

use bellhop_calendar::Calendar;
use bellhop_events::{Queue, TenantId};
use bellhop_kit::given::{booking, poison, property};
use bellhop_kit::{Fault, World, advance, now};
use bellhop_review::Decision;
use bellhop_store::{Registration, Standing};
use bellhop_tenancy::{Office, Resumed, TenancyError};
use bellhop_worker::{Policy, Registry};

use crate::common::desk::{self, Reviewed};
use crate::common::{hotel, post, sent, version};

fn tenant() -> TenantId {
    "sea".parse().expect("a tenant")
}

fn office(world: &Reviewed) -> Office<'_> {
    Office { store: &world.hotel.store, queues: &world.queues, now: now() }
}

async fn world() -> Reviewed {
    let world = Reviewed::of(hotel(&[("u1", 1), ("room", 9)]).await);
    // In an open registry somebody exists by what the dashboard lists, or by being added.
    let registered = Registration::new(tenant(), now());
    world.hotel.store.commit(registered.put().expect("writes")).await.expect("a registration");
    world
}

async fn suspend(world: &Reviewed) {
    let suspended = office(world).suspend(&tenant(), "unpaid").await.expect("suspended");
    assert_eq!(suspended.standing, Standing::Suspended);
}

async fn resume(world: &Reviewed) -> Resumed {
    office(world).resume(&tenant()).await.expect("resumed")
}

async fn waiting(world: &Reviewed) -> u64 {
    world.hotel.store.journals(&tenant()).await.expect("journals").iter().map(|open| open.journal.len()).sum()
}

fn post_of_others(world: &Reviewed) {
    let mut other = property("p-land", 1, &[("u1", 1)]);
    other["tenant"] = "land".into();
    world.hotel.post("land#villa", &other.to_string());
}

#[tokio::test(start_paused = true)]
async fn what_comes_for_a_suspended_tenant_waits_and_is_worked_in_order() {
    let world = world().await;
    suspend(&world).await;
    for n in 1..=60 {
        post(&world.hotel, &booking(&format!("e{n}"), "modified", "b1", n, "u1", 3..6));
    }
    post(&world.hotel, &booking("other", "created", "b2", 1, "room", 3..6));
    post_of_others(&world);
    world.drain().await;
    assert_eq!((version(&world.hotel, "b1").await, waiting(&world).await), (None, 61));
    assert!(world.hotel.aws.items().iter().any(|item| item["pk"]["S"] == "land#villa"), "others are worked");
    assert!(world.hotel.aws.queue(Queue::OperationalCalendar, |queue| queue.is_empty()), "nothing waits in SQS");

    // 40 days: far longer than SQS keeps anything.
    advance(40 * 86_400);
    assert_eq!(resume(&world).await, Resumed { journals: 1, events: 61, lines: 0 });
    // New events come before the first of the old ones is worked.
    post(&world.hotel, &booking("e61", "modified", "b1", 61, "u1", 4..6));
    world.drain().await;
    assert_eq!((version(&world.hotel, "b1").await, waiting(&world).await), (Some(61), 0));
    assert_eq!(version(&world.hotel, "b2").await, Some(1));
    assert!(world.open(&desk::sea()).await.is_empty(), "nothing failed");
}

#[tokio::test(start_paused = true)]
async fn it_is_active_again_once_the_sweep_sees_that_nothing_is_left() {
    let world = world().await;
    suspend(&world).await;
    post(&world.hotel, &booking("e1", "created", "b1", 1, "u1", 3..6));
    world.drain().await;
    resume(&world).await;
    assert_eq!(world.sweep().await.active, 0, "something is left");
    world.drain().await;
    assert_eq!(version(&world.hotel, "b1").await, Some(1));
    assert_eq!(world.sweep().await.active, 0, "the index may be behind");
    advance(3600);
    assert_eq!(world.sweep().await.active, 1);
    assert_eq!(world.hotel.store.not_active().await.expect("a list"), []);
    let standing = world.hotel.store.registration(&tenant()).await.expect("a read").expect("a registration").standing;
    assert_eq!(standing, Standing::Active);
    assert!(matches!(office(&world).resume(&tenant()).await, Err(TenancyError::NotSuspended(..))));
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_that_was_lost_is_sent_again_by_a_second_resume_or_the_sweep() {
    for by_sweep in [false, true] {
        let world = world().await;
        suspend(&world).await;
        post(&world.hotel, &booking("e1", "created", "b1", 1, "u1", 3..6));
        world.drain().await;
        resume(&world).await;
        world.hotel.aws.queue(Queue::OperationalCalendar, |queue| {
            let lost = queue.receive(60);
            for message in &lost {
                queue.delete(&message.id);
            }
        });
        advance(1);
        if by_sweep {
            world.sweep().await;
        } else {
            resume(&world).await;
        }
        world.drain().await;
        assert_eq!(version(&world.hotel, "b1").await, Some(1));
    }
}

#[tokio::test(start_paused = true)]
async fn suspended_again_in_the_middle_it_stops_and_goes_on_later() {
    let world = world().await;
    suspend(&world).await;
    for n in 1..=3 {
        post(&world.hotel, &booking(&format!("e{n}"), "modified", "b1", n, "u1", 3..6));
    }
    world.drain().await;
    resume(&world).await;
    suspend(&world).await;
    world.drain().await;
    assert_eq!((version(&world.hotel, "b1").await, waiting(&world).await), (None, 3), "the wake-up is not heeded");
    advance(1);
    resume(&world).await;
    world.drain().await;
    assert_eq!(version(&world.hotel, "b1").await, Some(3));
}

#[tokio::test(start_paused = true)]
async fn a_failed_event_holds_its_subject_as_ever_and_the_rest_goes_on() {
    let world = world().await;
    suspend(&world).await;
    post(&world.hotel, &poison("bad", "b1", 1));
    post(&world.hotel, &booking("e2", "modified", "b1", 2, "u1", 3..6));
    post(&world.hotel, &booking("e3", "created", "b2", 1, "room", 3..6));
    world.drain().await;
    resume(&world).await;
    world.drain().await;
    assert_eq!((version(&world.hotel, "b1").await, version(&world.hotel, "b2").await), (None, Some(1)));
    let item = world.item().await;
    // Decided while it is suspended: worked when it is not.
    suspend(&world).await;
    world.act(&item, &Decision::Discard("a test".to_owned()), "ann").await.expect("an act");
    world.drain().await;
    assert_eq!(version(&world.hotel, "b1").await, None);
    assert_eq!(resume(&world).await.lines, 1);
    world.drain().await;
    assert_eq!(version(&world.hotel, "b1").await, Some(2));
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_suspended_twice_is_worked_once() {
    let world = world().await;
    suspend(&world).await;
    let mut event = booking("e1", "created", "b1", 1, "u1", 3..6);
    post(&world.hotel, &event);
    event["time"] = "2026-07-01T11:00:00Z".into();
    post(&world.hotel, &event);
    world.drain().await;
    assert_eq!(waiting(&world).await, 2);
    resume(&world).await;
    world.drain().await;
    assert_eq!((version(&world.hotel, "b1").await, waiting(&world).await), (Some(1), 0));
}

#[tokio::test(start_paused = true)]
async fn in_a_closed_registry_strangers_and_the_removed_are_for_operators_only() {
    let closed = Policy { registry: Registry::Closed, ..Policy::default() };
    let world = Reviewed::of(World::new(Calendar, closed));
    post(&world.hotel, &property("p1", 1, &[("u1", 1)]));
    world.drain().await;
    assert!(
        world.hotel.aws.items().iter().all(|item| !item["pk"]["S"].as_str().expect("a key").starts_with("sea")),
        "nothing of the tenant is written"
    );
    let unknown = world.open(&bellhop_store::review::Desk::of_nobody()).await;
    assert_eq!(unknown.iter().map(|item| item.note.reason.as_str()).collect::<Vec<_>>(), ["unknown-tenant"]);
    world.hotel.store.commit(Registration::new(tenant(), now()).put().expect("writes")).await.expect("added");
    post(&world.hotel, &property("p2", 1, &[("u1", 1)]));
    post(&world.hotel, &booking("e1", "created", "b1", 1, "u1", 3..6));
    world.drain().await;
    assert_eq!(version(&world.hotel, "b1").await, Some(1));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_or_done_twice_whichever_call_fails_and_how() {
    for fault in [Fault::Refuse, Fault::LoseAnswer, Fault::Repeat, Fault::DieBefore, Fault::DieAfter] {
        for (while_suspended, n) in (1..=20).flat_map(|n| [(true, n), (false, n)]) {
            let case = format!("{fault:?} at call {n}, while suspended: {while_suspended}");
            let world = world().await;
            suspend(&world).await;
            for version in 1..=3 {
                post(&world.hotel, &booking(&format!("e{version}"), "modified", "b1", version, "u1", 3..6));
            }
            if while_suspended {
                world.hotel.aws.fail_call(n, fault);
            }
            world.hotel.drain().await;
            world.hotel.aws.heal();
            assert_eq!(version(&world.hotel, "b1").await, None, "{case}");
            resume(&world).await;
            post(&world.hotel, &booking("e4", "modified", "b1", 4, "u1", 5..6));
            if !while_suspended {
                world.hotel.aws.fail_call(n, fault);
            }
            world.hotel.drain().await;
            world.hotel.aws.heal();
            assert_eq!((version(&world.hotel, "b1").await, waiting(&world).await), (Some(4), 0), "{case}");
            assert_eq!(sent(&world.hotel, Queue::Fallback), 0, "{case}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn all_of_a_removed_tenant_is_handed_over_and_erased_and_nobody_elses() {
    let world = world().await;
    post_of_others(&world);
    post(&world.hotel, &booking("e1", "created", "b1", 1, "u1", 3..6));
    post(&world.hotel, &poison("bad", "b2", 1));
    world.drain().await;
    let refused = office(&world).may_close(&tenant(), 960).await;
    assert!(matches!(refused, Err(TenancyError::NotSuspended(..))), "{refused:?}");
    suspend(&world).await;
    post(&world.hotel, &booking("e3", "created", "b3", 1, "room", 3..6));
    world.drain().await;
    assert!(matches!(office(&world).close(&tenant(), 960).await, Err(TenancyError::TooSoon(_, 960))));
    advance(960);
    let of_sea = |item: &serde_json::Value| {
        item["pk"]["S"].as_str().is_some_and(|pk| pk == "sea" || pk.starts_with("sea#"))
            || item["sk"]["S"].as_str().is_some_and(|sk| sk.ends_with("/sea"))
    };
    let before = world.hotel.aws.items();
    let (own, others): (Vec<_>, Vec<_>) = before.into_iter().partition(of_sea);
    let mut exported = Vec::new();
    let count = office(&world)
        .export(&tenant(), |_, item| {
            exported.push(bellhop_store::estate::dynamodb_json(item));
            Ok::<_, bellhop_store::StoreError>(())
        })
        .await
        .expect("an export");
    assert_eq!(count, u64::try_from(exported.len()).expect("small"));
    // All but the registration, which says that there was such a tenant.
    assert_eq!(exported.len(), own.len() - 1);
    assert!(own.iter().all(|item| exported.contains(item) || item["sk"]["S"] == "tenant#registration"));
    office(&world).close(&tenant(), 960).await.expect("closed");
    let removed = office(&world).erase(&tenant()).await.expect("erased");
    assert_eq!(removed.erased, count);
    let (own, left): (Vec<_>, Vec<_>) = world.hotel.aws.items().into_iter().partition(of_sea);
    assert_eq!(own.iter().map(|item| &item["sk"]["S"]).collect::<Vec<_>>(), ["tenant#registration"]);
    assert_eq!(left, others);
    // What still comes makes it not anew.
    post(&world.hotel, &booking("e9", "created", "b9", 1, "u1", 3..6));
    world.drain().await;
    assert_eq!(world.hotel.aws.items().into_iter().filter(of_sea).count(), 1);
    assert!(matches!(office(&world).suspend(&tenant(), "again").await, Err(TenancyError::Removed(_))));
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_kills_the_function_is_given_up_and_those_behind_it_are_worked() {
    let world = world().await;
    suspend(&world).await;
    post(&world.hotel, &booking("killer", "created", "b1", 1, "u1", 3..6));
    post(&world.hotel, &booking("e2", "created", "b2", 1, "room", 3..6));
    world.drain().await;
    resume(&world).await;
    // Deciding on it reads the nights of its unit; giving it up does not.
    world.hotel.aws.die_on("nights/u1/");
    world.drain().await;
    world.hotel.aws.heal();
    assert_eq!((version(&world.hotel, "b1").await, version(&world.hotel, "b2").await), (None, Some(1)));
    assert_eq!(waiting(&world).await, 0);
    let item = world.item().await;
    assert_eq!((item.note.reason.as_str(), item.note.event.as_deref()), ("killed-the-function", Some("killer")));
}

#[tokio::test(start_paused = true)]
async fn an_entry_whose_subject_cannot_be_read_blocks_nobody_for_ever() {
    let world = world().await;
    suspend(&world).await;
    post(&world.hotel, &booking("e1", "created", "b1", 1, "u1", 3..6));
    post(&world.hotel, &booking("e2", "created", "b2", 1, "room", 3..6));
    world.drain().await;
    // As a later version might write it: not even a record can be kept of what is given up.
    world.hotel.aws.put_item(&serde_json::json!({"pk": {"S": "sea#villa"}, "sk": {"S": "calendar#booking/b1"}}));
    resume(&world).await;
    world.drain().await;
    assert_eq!((version(&world.hotel, "b2").await, waiting(&world).await), (Some(1), 0));
    let item = world.item().await;
    assert_eq!((item.note.reason.as_str(), item.note.event.as_deref()), ("attempts-exhausted", Some("e1")));
}
