//! Whatever goes wrong, and whenever: each message ends, a person hears of it, and nobody waits for ever. One promise a test.

use std::convert::Infallible;
use std::time::Duration;

use bellhop_calendar::Calendar;
use bellhop_events::{Envelope, Fault as Wrong, Queue};
use bellhop_kit::given::{GROUP, booking, poison, property};
use bellhop_kit::{Delivery, Fault, World, advance};
use bellhop_store::{Key, Resolution, Scope};
use bellhop_worker::{DeadLetters, Decision, Effect, FollowUp, Handler, Policy, Refusal, Then, View};
use serde_json::{Map, Value, json};

use crate::common::{Hotel, holds, hotel, post, reasons, resolve, reviews, version};

const CALENDAR: Queue = Queue::OperationalCalendar;

const FAULTS: [Fault; 4] = [Fault::Refuse, Fault::LoseAnswer, Fault::DieBefore, Fault::DieAfter];

/// A delivery whose n-th call goes wrong, and after it the rest.
async fn drain_after(world: &Hotel, n: usize, fault: Fault) {
    world.aws.fail_call(n, fault);
    world.deliver().await;
    world.aws.heal();
    advance(181);
    world.drain().await;
}

/// A process hangs at its n-th call; meanwhile another gets the same messages, and `then` happens; then the first goes on.
/// False: there is no n-th call.
async fn overtaken<H: Handler>(world: &World<H>, n: usize, then: impl AsyncFnOnce()) -> bool {
    let batch = world.aws.queue(CALENDAR, |queue| queue.receive(180));
    world.aws.fail_call(n, Fault::Stall);
    let first = world.work(batch);
    tokio::pin!(first);
    tokio::select! {
        biased;
        _ = &mut first => return false,
        () = world.aws.stall() => {}
    }
    advance(181);
    world.deliver().await;
    then().await;
    world.aws.go_on();
    first.await;
    world.aws.heal();
    true
}

#[tokio::test(start_paused = true)]
async fn a_conflict_in_a_line_goes_to_review_and_the_line_goes_on() {
    let world = hotel(&[("u1", 500)]).await;
    post(&world, &poison("bad", "b1", 1));
    post(&world, &booking("e3", "modified", "b1", 3, "u1", 3..6));
    post(&world, &booking("twin", "modified", "b1", 3, "u1", 3..7));
    post(&world, &booking("e4", "modified", "b1", 4, "u1", 3..8));
    world.drain().await;
    resolve(&world, "booking/b1", Resolution::Discard("typing error".to_owned())).await;
    world.drain().await;
    assert_eq!(reasons(&world), ["stay-departure-before-arrival", "idempotency-conflict"]);
    assert_eq!((version(&world, "b1").await, holds(&world)), (Some(4), 0));
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_fails_again_is_told_whichever_call_goes_wrong() {
    for (n, fault) in (0..10).flat_map(|n| FAULTS.map(|fault| (n, fault))) {
        let world = hotel(&[("u1", 500)]).await;
        post(&world, &poison("bad", "b1", 1));
        world.drain().await;
        resolve(&world, "booking/b1", Resolution::Retry).await;
        drain_after(&world, n, fault).await;
        assert!(reasons(&world).len() >= 2, "{fault:?} of call {n}: {:?}", reasons(&world));
    }
}

#[tokio::test(start_paused = true)]
async fn a_property_that_registers_after_an_edit_wakes_what_waits_whichever_call_goes_wrong() {
    for (n, fault) in (0..12).flat_map(|n| FAULTS.map(|fault| (n, fault))) {
        let world = World::new(Calendar, Policy::default());
        post(&world, &booking("e1", "created", "b1", 1, "u1", 3..6));
        post(&world, &property("p1", 1, &[]));
        world.drain().await;
        resolve(&world, "property/villa", Resolution::Edit(property("p1", 1, &[("u1", 1)]).to_string())).await;
        drain_after(&world, n, fault).await;
        assert_eq!((version(&world, "b1").await, holds(&world)), (Some(1), 0), "{fault:?} of call {n}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_verdict_stands_though_a_slow_process_fails_the_event_before_it() {
    for n in 0..8 {
        let world = hotel(&[("u1", 500)]).await;
        post(&world, &poison("bad", "b1", 1));
        world.drain().await;
        resolve(&world, "booking/b1", Resolution::Retry).await;
        let edited = Resolution::Edit(booking("bad", "modified", "b1", 1, "u1", 4..8).to_string());
        if overtaken(&world, n, async || resolve(&world, "booking/b1", edited).await).await {
            world.drain().await;
            assert_eq!((version(&world, "b1").await, holds(&world)), (Some(1), 0), "call {n}: {:?}", reasons(&world));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_discarded_is_not_done_by_a_slow_process() {
    for n in 0..8 {
        let world = hotel(&[("u1", 500)]).await;
        post(&world, &booking("e1", "created", "b1", 1, "new", 3..6));
        world.drain().await;
        resolve(&world, "booking/b1", Resolution::Retry).await;
        let discarded = overtaken(&world, n, async || {
            post(&world, &property("p2", 2, &[("u1", 500), ("new", 1)]));
            world.deliver().await;
            resolve(&world, "booking/b1", Resolution::Discard("a double".to_owned())).await;
        });
        let discarded = discarded.await;
        world.drain().await;
        assert!(!discarded || version(&world, "b1").await.is_none(), "call {n}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_line_whose_head_cannot_be_read_blocks_nobody() {
    let world = hotel(&[("u1", 500)]).await;
    post(&world, &poison("bad", "b1", 1));
    world.drain().await;
    let mut head =
        world.aws.items().into_iter().find(|i| i["sk"]["S"].as_str().unwrap_or_default().contains("#parked/"));
    let head = head.as_mut().expect("a head");
    resolve(&world, "booking/b1", Resolution::Retry).await;
    head["body"] = json!({"S": "{"});
    world.aws.put_item(head);
    post(&world, &booking("e1", "created", "b2", 1, "u1", 3..6));
    world.drain().await;
    assert_eq!(version(&world, "b2").await, Some(1));
    assert_eq!(reasons(&world), ["stay-departure-before-arrival", "attempts-exhausted"]);
}

/// Two bookings wait for their property, the first of which kills the process that works it; returns how often it was
/// delivered until the line was done. The delivery number `fails_at` does not reach the queues.
async fn killer_in_the_propertys_line(policy: Policy, fails_at: Option<(usize, usize)>) -> (Hotel, usize) {
    let world = World::new(Calendar, policy);
    post(&world, &booking("e0", "created", "b0", 1, "u0", 3..6));
    for n in 1..4 {
        post(&world, &booking(&format!("e{n}"), "created", &format!("b{n}"), 1, "u1", 3..6));
    }
    // Under redrive, what was given up stays until SQS moves it: there is no draining.
    world.deliver().await;
    advance(181);
    world.aws.die_on("nights/u0/");
    post(&world, &property("p1", 1, &[("u0", 1), ("u1", 500)]));
    let mut ended = 0;
    for delivery in 0..40 {
        if let Some((_, call)) = fails_at.filter(|(at, _)| *at == delivery) {
            world.aws.fail_call(call, Fault::Refuse);
        }
        if world.deliver().await == Delivery::Answered && delivery > 1 && ended == 0 {
            ended = delivery;
        }
        advance(181);
    }
    world.aws.heal();
    for _ in 0..10 {
        world.deliver().await;
        advance(181);
    }
    (world, ended)
}

#[tokio::test(start_paused = true)]
async fn a_killer_in_the_propertys_line_takes_nobody_along() {
    let (_, ended) = killer_in_the_propertys_line(Policy::default(), None).await;
    let redrive = Policy { dead_letters: DeadLetters::Redrive, max_receive_count: 5, ..Policy::default() };
    let cases = (0..14).map(|call| (Policy::default(), Some((ended, call)))).chain([(redrive, None)]);
    for (policy, fails_at) in cases {
        let redrive = policy.dead_letters == DeadLetters::Redrive;
        let (world, _) = killer_in_the_propertys_line(policy, fails_at).await;
        let killed: Vec<_> = reviews(&world).into_iter().filter(|note| note.reason != "unknown-property").collect();
        assert!(!killed.is_empty(), "{fails_at:?} redrive {redrive}");
        assert!(killed.iter().all(|note| note.event.as_deref() == Some("e0")), "{fails_at:?}: {killed:?}");
        for n in 1..4 {
            assert_eq!(version(&world, &format!("b{n}")).await, Some(1), "{fails_at:?} redrive {redrive} b{n}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_ends_before_the_function_does_and_is_nobodys_fault() {
    let world = hotel(&[("u1", 500)]).await;
    post(&world, &booking("e1", "created", "b1", 1, "u1", 3..6));
    for receive in 0..12 {
        // From the second receive on, the start mark is read and written first.
        world.aws.fail_call(if receive == 0 { 0 } else { 2 }, Fault::Stall);
        let delivery = tokio::time::timeout(Duration::from_secs(29), world.deliver()).await;
        assert_eq!(delivery, Ok(Delivery::Answered), "receive {receive}");
        world.aws.heal();
        advance(901);
    }
    world.drain().await;
    assert_eq!((version(&world, "b1").await, reasons(&world)), (Some(1), Vec::new()));
}

/// Keeps all it gets of a subject, and panics where it is told to.
struct Fragile;

impl Handler for Fragile {
    const CONSUMER: &'static str = "fragile";
    const QUEUE: Queue = CALENDAR;
    const SENDS_TO: &'static [Queue] = &[];
    type State = Vec<Map<String, Value>>;
    type Outbox = ();
    type Call = Infallible;
    type Answer = Infallible;

    fn reads(&self, event: &Envelope, _: &Scope) -> Result<Vec<Key>, Wrong> {
        panic_at("reads", event);
        Ok(Vec::new())
    }

    fn decide(&self, event: &Envelope, view: &View<'_, Self::State>) -> Result<Decision<Self>, Refusal> {
        panic_at("decide", event);
        let state = view.state.iter().flatten().chain([&event.data]).cloned().collect();
        let (effect, writes, outbox) = (Effect::Applied, Vec::new(), Some(()));
        Ok(Decision { effect, note: None, state: Some(state), writes, outbox, registers: false, then: Then::Done })
    }

    async fn perform(&self, call: Infallible) -> Infallible {
        call
    }

    fn follow_ups(&self, event: &Envelope, _: &Self::State, (): &()) -> Vec<FollowUp> {
        panic_at("follow_ups", event);
        Vec::new()
    }
}

fn panic_at(place: &str, event: &Envelope) {
    assert_ne!(event.data.get("reference"), Some(&json!(place)), "the test asks for this panic");
}

fn fragile(id: &str, name: &str, reference: &str) -> String {
    let mut event = booking(id, "created", name, 1, "u1", 3..6);
    event["data"]["reference"] = json!(reference);
    event.to_string()
}

fn fallback<H>(world: &World<H>) -> Vec<(String, String)> {
    let notes = world.aws.queue(Queue::Fallback, |queue| queue.log.clone());
    let notes = notes.iter().map(|m| serde_json::from_str::<Value>(m.note.as_deref().expect("a note")).expect("json"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    notes.map(|note| (text(&note["event"]), text(&note["reason"]))).collect()
}

#[tokio::test(start_paused = true)]
async fn a_panic_anywhere_in_the_handler_costs_its_message_its_attempts_and_blocks_nobody() {
    // Once the event is done, there is only the failure to tell of what follows.
    for (place, reason) in
        [("reads", "handler-panicked"), ("decide", "handler-panicked"), ("follow_ups", "attempts-exhausted")]
    {
        let world = World::new(Fragile, Policy::default());
        world.post(GROUP, &fragile("bad", "b1", place));
        world.post(GROUP, &fragile("good", "b2", "none"));
        world.drain().await;
        assert_eq!(fallback(&world), [("bad".to_owned(), reason.to_owned())], "{place}");
        assert!(world.aws.items().iter().any(|item| item["sk"]["S"] == "fragile#booking/b2"), "{place}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_person_is_not_forgotten_though_a_slow_process_fails_it_again() {
    for n in 0..8 {
        let world = World::new(Fragile, Policy::default());
        world.post(GROUP, &fragile("bad", "b1", "decide"));
        for _ in 0..4 {
            world.deliver().await;
            advance(901);
        }
        overtaken(&world, n, async || ()).await;
        world.drain().await;
        let record = world.aws.items().into_iter().find(|item| item["sk"]["S"] == "fragile#record/bad");
        let record = record.expect("a record");
        assert_eq!((&record["state"]["S"], &record["ttl"]), (&json!("failed"), &Value::Null), "call {n}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_without_room_for_its_hold_blocks_nobody() {
    for size in (208_800..209_600).step_by(50) {
        let world = World::new(Fragile, Policy::default());
        for (id, size) in [("e1", 200_000), ("e2", size), ("e3", 1000)] {
            let mut event = booking(id, "created", "b1", 1, "u1", 3..6);
            event["data"]["much"] = json!("x".repeat(size));
            world.post(GROUP, &event.to_string());
        }
        world.drain().await;
        let reasons: Vec<_> = fallback(&world).into_iter().map(|(_, reason)| reason).collect();
        assert_eq!(reasons.first().map(String::as_str), Some("item-too-large"), "{size}");
    }
}
