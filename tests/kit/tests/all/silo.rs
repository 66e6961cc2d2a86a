//! A tenant with a silo: by its own queues all is as ever, by any other nothing is.

use bellhop_calendar::Calendar;
use bellhop_events::{Queue, TenantId};
use bellhop_kit::given::{booking, poison, property};
use bellhop_kit::{Fault, World, now};
use bellhop_review::Decision;
use bellhop_store::review::Desk;
use bellhop_store::{Mode, Registration};
use bellhop_tenancy::Office;
use bellhop_worker::Policy;
use serde_json::Value;

use crate::common::desk::{Reviewed, mended, sea};
use crate::common::{Hotel, post, version};

const SILO_DLQ: &str = "t_sea_operational-calendar-dlq";

fn tenant() -> TenantId {
    "sea".parse().expect("a tenant")
}

async fn register(hotel: &Hotel) {
    let registration = Registration { mode: Mode::Silo, ..Registration::new(tenant(), now()) };
    hotel.store.commit(registration.put().expect("writes")).await.expect("a registration");
}

/// The calendar behind the shared queue, in a stack whose tenant `sea` has a silo.
async fn beside() -> Reviewed {
    let hotel = World::new(Calendar, Policy::default());
    register(&hotel).await;
    Reviewed::of(hotel)
}

/// The calendar behind the queue of `sea`, which has a house.
async fn silo() -> Reviewed {
    let hotel = World::new(Calendar, Policy::default()).in_silo(&tenant());
    register(&hotel).await;
    post(&hotel, &property("p1", 1, &[("u1", 1), ("room", 9)]));
    hotel.drain().await;
    Reviewed::of(hotel)
}

fn of_land(mut event: Value) -> Value {
    event["tenant"] = "land".into();
    event
}

fn written_for(hotel: &Hotel, tenant: &str) -> usize {
    let group = format!("{tenant}#");
    let starts = |item: &&Value| item["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with(&group));
    hotel.aws.items().iter().filter(starts).count()
}

async fn reasons_of_nobody(world: &Reviewed) -> Vec<String> {
    world.open(&Desk::of_nobody()).await.into_iter().map(|item| item.note.reason).collect()
}

#[tokio::test(start_paused = true)]
async fn its_events_and_all_that_follows_stay_in_its_queues() {
    let world = silo().await;
    post(&world.hotel, &booking("e1", "created", "b1", 1, "u1", 3..6));
    let bad = poison("bad", "b2", 1);
    post(&world.hotel, &bad);
    post(&world.hotel, &booking("e2", "modified", "b2", 2, "room", 3..6));
    world.drain().await;
    assert_eq!((version(&world.hotel, "b1").await, version(&world.hotel, "b2").await), (Some(1), None));
    // The wake-up of the line goes there as well, or it would not be worked.
    world.act(&world.item().await, &Decision::Edit(mended(&bad)), "ann").await.expect("an act");
    world.drain().await;
    assert_eq!(version(&world.hotel, "b2").await, Some(2));
    for queue in Queue::WORKED.iter().copied() {
        assert!(world.hotel.aws.queue(queue, |queue| queue.is_empty()), "{queue:?} is shared");
    }
    let told = world.hotel.aws.queue_of(Some(&tenant()), Queue::OperationalDashboard, |queue| queue.len());
    assert!(told >= 3, "the dashboard hears of it by the silo: {told}");
}

#[tokio::test(start_paused = true)]
async fn what_names_another_tenant_is_nobodys() {
    let world = silo().await;
    let before = world.hotel.aws.items().len();
    let event = of_land(property("p-land", 1, &[("u1", 1)]));
    world.hotel.post("land#villa", &event.to_string());
    // Envelope and group must agree as well; here they do not.
    world.hotel.post("sea#villa", &of_land(booking("e9", "created", "b9", 1, "u1", 3..6)).to_string());
    world.hotel.drain().await;
    assert_eq!(world.hotel.aws.items().len(), before, "nothing is written");
    world.take_in().await;
    assert_eq!(reasons_of_nobody(&world).await, ["tenant-mismatch", "group-mismatch"]);
    assert_eq!(written_for(&world.hotel, "land"), 0);
    let item = world.open(&Desk::of_nobody()).await.remove(0);
    assert_eq!((item.note.found.as_str(), item.note.expected.as_str()), ("land", "sea, whose queue brought it"));
}

#[tokio::test(start_paused = true)]
async fn what_comes_for_it_by_a_shared_queue_is_nobodys_until_somebody_vouches_for_it() {
    let world = beside().await;
    post(&world.hotel, &property("p1", 1, &[("u1", 1)]));
    // A wake-up, and what belongs into another queue, are no way in either.
    let mut wake = booking("w1", "created", "b1", 1, "u1", 3..6);
    wake["type"] = "bellhop.hold.released.v1".into();
    post(&world.hotel, &wake);
    world.drain().await;
    assert_eq!(written_for(&world.hotel, "sea"), 0);
    let reasons = reasons_of_nobody(&world).await;
    assert_eq!(reasons[0], "tenant-mismatch");
    assert!(reasons.iter().all(|reason| reason == "tenant-mismatch"), "{reasons:?}");
    // A retry puts it where it belongs.
    let item = world.open(&Desk::of_nobody()).await.remove(0);
    world.act_at(&Desk::of_nobody(), &item, &Decision::Retry, "ann").await.expect("an act");
    let own = world.hotel.beside(Calendar, Policy::default()).in_silo(&tenant());
    own.drain().await;
    assert!(written_for(&world.hotel, "sea") > 0);
}

#[tokio::test(start_paused = true)]
async fn a_queue_whose_tenant_is_not_registered_with_a_silo_brings_nothing() {
    let hotel = World::new(Calendar, Policy::default()).in_silo(&tenant());
    let world = Reviewed::of(hotel);
    post(&world.hotel, &property("p1", 1, &[("u1", 1)]));
    world.drain().await;
    assert_eq!(reasons_of_nobody(&world).await, ["unknown-tenant"]);
    let pool = Registration::new(tenant(), now());
    world.hotel.store.commit(pool.put().expect("writes")).await.expect("a registration");
    post(&world.hotel, &property("p2", 1, &[("u1", 1)]));
    world.drain().await;
    assert_eq!(reasons_of_nobody(&world).await, ["unknown-tenant", "tenant-mismatch"]);
    assert_eq!(written_for(&world.hotel, "sea"), 0);
}

#[tokio::test(start_paused = true)]
async fn what_sqs_gave_up_is_judged_by_the_same_rule() {
    let world = silo().await;
    let own = booking("e1", "created", "b1", 1, "u1", 3..6);
    let other = of_land(booking("e2", "created", "b2", 1, "u1", 3..6));
    assert!(world.dead_letter_in(SILO_DLQ, "m1", "sea#villa", &own.to_string()).await.is_empty());
    assert!(world.dead_letter_in(SILO_DLQ, "m2", "land#villa", &other.to_string()).await.is_empty());
    assert!(world.dead_letter("m3", "sea#villa", &own.to_string()).await.is_empty());
    assert!(world.dead_letter("m4", "land#villa", &other.to_string()).await.is_empty());
    assert_eq!(world.item().await.note.reason, "dead-lettered");
    assert_eq!(reasons_of_nobody(&world).await, ["tenant-mismatch", "tenant-mismatch"]);
    let land = world.open(&Desk::of("land".parse().expect("a tenant"))).await;
    assert_eq!(land.len(), 1, "a tenant of the pool, by a shared queue");
    // Its retry comes by the silo's queue.
    world.act_at(&sea(), &world.item().await, &Decision::Retry, "ann").await.expect("an act");
    world.drain().await;
    assert_eq!(version(&world.hotel, "b1").await, Some(1));
}

#[tokio::test(start_paused = true)]
async fn it_is_suspended_and_resumed_as_any_other() {
    let world = silo().await;
    let office = Office { store: &world.hotel.store, queues: &world.queues, now: now() };
    office.suspend(&tenant(), "unpaid").await.expect("suspended");
    for n in 1..=30 {
        post(&world.hotel, &booking(&format!("e{n}"), "modified", "b1", n, "u1", 3..6));
    }
    world.drain().await;
    assert_eq!(version(&world.hotel, "b1").await, None);
    office.resume(&tenant()).await.expect("resumed");
    world.drain().await;
    assert_eq!(version(&world.hotel, "b1").await, Some(30));
    assert!(world.open(&Desk::of_nobody()).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn whichever_call_fails_and_how_it_comes_again_by_the_same_queue() {
    for fault in [Fault::Refuse, Fault::LoseAnswer, Fault::DieBefore, Fault::DieAfter] {
        for call in 1..=6 {
            let world = silo().await;
            world.hotel.aws.fail_call(call, fault);
            for n in 1..=3 {
                post(&world.hotel, &booking(&format!("e{n}"), "modified", "b1", n, "u1", 3..6));
            }
            world.hotel.deliver().await;
            world.hotel.aws.heal();
            world.drain().await;
            assert_eq!(version(&world.hotel, "b1").await, Some(3), "{fault:?} at call {call}");
            assert!(world.hotel.aws.queue(Queue::OperationalCalendar, |queue| queue.is_empty()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn it_costs_no_call_more_than_the_pool() {
    let calls = async |hotel: &Hotel| {
        post(hotel, &property("p0", 1, &[("u1", 1), ("room", 9)]));
        hotel.drain().await;
        drop(hotel.aws.take_calls());
        post(hotel, &booking("e1", "created", "b1", 1, "u1", 3..6));
        hotel.drain().await;
        hotel.aws.take_calls().len()
    };
    let pool = calls(&World::new(Calendar, Policy::default())).await;
    let own = World::new(Calendar, Policy::default()).in_silo(&tenant());
    register(&own).await;
    assert_eq!(calls(&own).await, pool);
}
