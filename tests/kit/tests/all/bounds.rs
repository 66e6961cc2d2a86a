//! Nothing is tried for ever: what cannot be written, read or survived ends in front of a person. One promise a test.

use std::collections::BTreeSet;
use std::convert::Infallible;

use bellhop_calendar::Calendar;
use bellhop_events::{Envelope, Fault as Wrong, Queue, Subject};
use bellhop_kit::given::{GROUP, booking, poison, property};
use bellhop_kit::{Delivery, World, advance};
use bellhop_store::{Key, Resolution, Scope};
use bellhop_worker::{DeadLetters, Decision, FollowUp, Handler, Policy, Refusal, View};
use serde_json::{Value, json};

use crate::common::{Hotel, holds, hotel, post, reasons, resolve, reviews, version};

/// The stored item whose sort key holds `part`.
fn item(world: &Hotel, part: &str) -> Value {
    let found = world.aws.items().into_iter().find(|item| item["sk"]["S"].as_str().unwrap_or_default().contains(part));
    found.expect("an item")
}

#[tokio::test(start_paused = true)]
async fn a_month_that_lost_a_stay_sends_the_booking_to_review_and_blocks_nobody() {
    let world = hotel(&[("u1", 1), ("u2", 1)]).await;
    post(&world, &booking("e1", "created", "b1", 1, "u1", 3..6));
    world.drain().await;
    let mut month = item(&world, "#nights/u1/");
    month["s"] = json!({"M": {}});
    world.aws.put_item(&month);
    post(&world, &booking("e2", "modified", "b1", 2, "u2", 3..6));
    post(&world, &booking("e3", "created", "b2", 1, "u1", 9..12));
    world.drain().await;
    assert_eq!((reasons(&world), version(&world, "b2").await), (vec!["attempts-exhausted".to_owned()], Some(1)));
}

#[tokio::test(start_paused = true)]
async fn a_killer_whose_booking_cannot_be_read_ends_in_review() {
    let world = hotel(&[("u1", 500)]).await;
    post(&world, &booking("e1", "created", "b1", 1, "u1", 3..6));
    world.aws.die_on("booking/b1");
    // Two deaths in company, and as many alone as there are attempts.
    for _ in 0..Policy::default().attempt_budget + 2 {
        assert_eq!(world.deliver().await, Delivery::Died);
        advance(181);
    }
    world.aws.heal();
    world.aws.put_item(&json!({"pk": {"S": GROUP}, "sk": {"S": "calendar#booking/b1"}, "rev": {"S": "broken"}}));
    world.drain().await;
    assert_eq!(reasons(&world).len(), 1, "{:?}", reasons(&world));
}

#[tokio::test(start_paused = true)]
async fn a_head_that_could_not_be_read_can_be_edited_and_the_line_goes_on() {
    let world = hotel(&[("u1", 500)]).await;
    post(&world, &poison("bad", "b1", 1));
    post(&world, &booking("e2", "modified", "b1", 2, "u1", 3..6));
    world.drain().await;
    let mut head = item(&world, "#parked/");
    resolve(&world, "booking/b1", Resolution::Retry).await;
    head["body"] = json!({"S": "{"});
    world.aws.put_item(&head);
    world.drain().await;
    assert_eq!(reasons(&world), ["stay-departure-before-arrival", "attempts-exhausted"]);
    let edited = booking("bad", "modified", "b1", 1, "u1", 4..8);
    resolve(&world, "booking/b1", Resolution::Edit(edited.to_string())).await;
    world.drain().await;
    assert_eq!((version(&world, "b1").await, holds(&world)), (Some(2), 0));
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_pays_for_one_event_only_so_that_sqs_never_takes_it_out() {
    let policy = Policy { dead_letters: DeadLetters::Redrive, max_receive_count: 5, ..Policy::default() };
    let world = World::new(Calendar, policy);
    for n in 0..4 {
        post(&world, &booking(&format!("e{n}"), "created", &format!("b{n}"), 1, "u1", 3..6));
        let broken = json!({"S": "broken"});
        let key = json!({"S": format!("calendar#booking/b{n}")});
        if n < 3 {
            world.aws.put_item(&json!({"pk": {"S": GROUP}, "sk": key, "rev": {"N": "1"}, "st": broken}));
        }
    }
    // The one that opens the line stays for SQS.
    world.deliver().await;
    world.aws.queue(Queue::OperationalCalendar, |queue| queue.delete("m1"));
    post(&world, &property("p1", 1, &[("u1", 500)]));
    for _ in 0..60 {
        let batch = world.aws.queue(Queue::OperationalCalendar, |queue| queue.receive(180));
        assert!(batch.iter().all(|message| message.receive_count <= 5), "{batch:?}");
        world.work(batch).await;
        advance(901);
    }
    // A notice may come twice: its number says so.
    let given_up: BTreeSet<_> =
        reviews(&world).into_iter().map(|note| (note.event.unwrap_or_default(), note.reason)).collect();
    let expected = ["e0", "e1", "e2"].map(|event| (event.to_owned(), "attempts-exhausted".to_owned()));
    assert_eq!((given_up, version(&world, "b3").await), (BTreeSet::from(expected), Some(1)));
}

/// The calendar, but for a panic outside of the decision.
struct Panics;

impl Handler for Panics {
    const CONSUMER: &'static str = Calendar::CONSUMER;
    const QUEUE: Queue = Calendar::QUEUE;
    const SENDS_TO: &'static [Queue] = Calendar::SENDS_TO;
    type State = <Calendar as Handler>::State;
    type Outbox = <Calendar as Handler>::Outbox;
    type Call = Infallible;
    type Answer = Infallible;

    fn reads(&self, _: &Envelope, _: &Scope) -> Result<Vec<Key>, Wrong> {
        Ok(Vec::new())
    }

    async fn perform(&self, call: Infallible) -> Infallible {
        call
    }

    fn waits_for(&self, _: &Envelope, _: &Scope) -> Option<Subject> {
        panic!("the test asks for this panic")
    }

    fn decide(&self, _: &Envelope, _: &View<'_, Self::State>) -> Result<Decision<Self>, Refusal> {
        Ok(Decision::stale())
    }

    fn follow_ups(&self, _: &Envelope, _: &Self::State, _: &Self::Outbox) -> Vec<FollowUp> {
        Vec::new()
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_outside_of_the_decision_is_not_tried_for_ever() {
    let world = World::new(Panics, Policy::default());
    world.post(GROUP, &booking("e1", "created", "b1", 1, "u1", 3..6).to_string());
    world.drain().await;
    let notes = world.aws.queue(Queue::Fallback, |queue| queue.log.clone());
    let reasons: Vec<Value> = notes
        .iter()
        .map(|m| serde_json::from_str::<Value>(m.note.as_deref().expect("a note")).expect("json"))
        .collect();
    assert_eq!(reasons.iter().map(|note| note["reason"].clone()).collect::<Vec<_>>(), ["handler-panicked"]);
}
