//! Any interleaving of bookings, messages, duplicates, crashes between any two calls and in the midst of sending, concurrent
//! deliveries, and a mail service that takes, refuses, or says nothing: no event sends two mails, none is lost without a
//! word, and a person is asked at most once for each time that something broke.
//!
//! `PROPTEST_CASES` sets the number of cases.

use std::collections::{BTreeMap, BTreeSet};

use bellhop_kit::{Delivery, Fault, advance};
use bellhop_store::mails::MailOutcome;
use proptest::prelude::*;
use serde_json::Value;

use crate::common::post::{Mood, Post, booking, house, message, post};

#[derive(Debug, Clone)]
enum Step {
    Booking { name: u8, kind: u8, from: u8 },
    Message { name: u8 },
    PostAgain(prop::sample::Index),
    Mail(Option<(usize, Fault)>),
    MailTwice(usize),
    Mood(Mood),
    Retry,
    Tick,
    Wait(i64),
}

fn fault() -> impl Strategy<Value = Fault> {
    prop::sample::select(vec![Fault::Refuse, Fault::LoseAnswer, Fault::Repeat, Fault::DieBefore, Fault::DieAfter])
}

fn step() -> impl Strategy<Value = Step> {
    let mood = prop::sample::select(vec![
        Mood::Well,
        Mood::Well,
        Mood::Refuses,
        Mood::Busy,
        Mood::TakesInSilence,
        Mood::LosesInSilence,
        Mood::DiesBefore,
        Mood::DiesAfter,
    ]);
    prop_oneof![
        4 => (0..3_u8, 0..4_u8, 5..20_u8).prop_map(|(name, kind, from)| Step::Booking { name, kind, from }),
        3 => (0..3_u8).prop_map(|name| Step::Message { name }),
        1 => any::<prop::sample::Index>().prop_map(Step::PostAgain),
        8 => prop::option::of((0..24_usize, fault())).prop_map(Step::Mail),
        2 => (0..24_usize).prop_map(Step::MailTwice),
        2 => mood.prop_map(Step::Mood),
        1 => Just(Step::Retry),
        1 => Just(Step::Tick),
        2 => (1..200_i64).prop_map(Step::Wait),
    ]
}

async fn retry_all(post: &Post) {
    for name in post.held() {
        post.retry(&name).await;
    }
}

async fn run(steps: Vec<Step>, quiet: bool) {
    let post = post();
    post.post(&house(1, quiet.then_some(("11:05", "11:20"))));
    for name in 0..3 {
        post.post(&booking(&format!("first{name}"), "created", &format!("b{name}"), 1, 10..12, "ana@example.org"));
    }
    let (mut messages, mut broken) = (Vec::<Value>::new(), 0_usize);
    let mut mood = Mood::Well;
    for (n, step) in steps.into_iter().enumerate() {
        let version = n as u64 + 2;
        match step {
            Step::Booking { name, kind, from } => {
                let kind = ["modified", "modified", "modified", "cancelled"][usize::from(kind)];
                let (id, name) = (format!("e{n}"), format!("b{name}"));
                post.post(&booking(&id, kind, &name, version, from..from + 2, "ana@example.org"));
                post.calendar.drain().await;
            }
            Step::Message { name } => {
                messages.push(message(&format!("f{n}"), &format!("b{name}"), version, "Hello"));
                post.calendar.drain().await;
                messages.last().into_iter().for_each(|event| post.post(event));
            }
            Step::PostAgain(index) if !messages.is_empty() => {
                // Beyond SQS's own deduplication.
                advance(301);
                post.post(index.get(&messages));
            }
            Step::PostAgain(_) => {}
            Step::Mail(fault) => {
                if let Some((n, fault)) = fault {
                    post.mails.aws.fail_call(n, fault);
                    broken += 1;
                }
                if post.deliver().await == Delivery::Died {
                    broken += 1;
                }
                post.mails.aws.heal();
            }
            Step::MailTwice(n) => {
                // Who dies here would leave the other waiting.
                post.service.mood(if matches!(mood, Mood::DiesBefore | Mood::DiesAfter) { Mood::Well } else { mood });
                post.mails.deliver_twice(n).await;
                post.service.mood(mood);
                broken += 1;
            }
            Step::Mood(next) => {
                mood = next;
                post.service.mood(mood);
            }
            Step::Retry => retry_all(&post).await,
            Step::Tick => drop(post.tick().await),
            Step::Wait(seconds) => advance(seconds),
        }
    }
    post.service.mood(Mood::Well);
    post.settle().await;
    while !post.held().is_empty() {
        retry_all(&post).await;
        post.settle().await;
    }
    check(&post, &messages, broken).await;
}

async fn check(post: &Post, messages: &[Value], broken: usize) {
    let perhaps = post.service.perhaps_sent();
    assert!(perhaps.values().all(|count| *count == 1), "two mails: {perhaps:?}");
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    post.service.taken().into_iter().for_each(|got| *taken.entry(got.event).or_default() += 1);
    let mut mails = BTreeMap::new();
    for name in 0..3 {
        mails.extend(post.state(&format!("b{name}")).await.mails);
    }
    for (event, mail) in &mails {
        let arrived = taken.get(event.as_str()).copied().unwrap_or_default();
        match &mail.outcome {
            MailOutcome::Sent(_) => assert_eq!(arrived, 1, "{event}"),
            MailOutcome::Unknown => assert!(arrived <= 1, "{event}"),
            MailOutcome::Dropped(_) | MailOutcome::Quiet(_) => assert_eq!(arrived, 0, "{event}"),
            other => panic!("{event} is left {other:?}"),
        }
    }
    for event in taken.keys() {
        assert!(mails.keys().any(|kept| kept.as_str() == event), "{event} was sent, and is not kept");
    }
    // Each message of the PMS has an end.
    for message in messages {
        let id = message["id"].as_str().expect("an id");
        assert!(mails.keys().any(|kept| kept.as_str() == id), "{id} is lost");
    }
    // A notice may leave twice, if its function died before it knew that it had left: it is one question.
    let asked: BTreeSet<_> = post.questions().into_iter().collect();
    let unknown = asked.iter().filter(|(reason, _)| reason == "delivery-unknown").count();
    let silent = post.service.got().iter().filter(|got| !got.denied).count() - sent(&mails);
    assert!(unknown <= broken + silent, "{unknown} questions for {broken} faults");
    assert_eq!(unknown, mails.values().filter(|mail| mail.outcome == MailOutcome::Unknown).count());
    assert!(asked.iter().all(|(reason, _)| reason == "delivery-unknown" || reason == "mail-refused"), "{asked:?}");
}

fn sent(mails: &BTreeMap<bellhop_events::EventId, bellhop_store::mails::Mail>) -> usize {
    mails.values().filter(|mail| matches!(mail.outcome, MailOutcome::Sent(_))).count()
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_event_sends_two_mails(steps in prop::collection::vec(step(), 1..50), quiet in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
        runtime.block_on(run(steps, quiet));
    }
}
