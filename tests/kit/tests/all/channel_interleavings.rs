//! Any interleaving of changes, duplicates, crashes between any two calls of either function, concurrent deliveries, and a
//! platform that answers, refuses to, or takes what it is told without a word: in the end it knows what the calendar says,
//! and it was told nothing that was never so.
//!
//! `PROPTEST_CASES` sets the number of cases.

use std::collections::{BTreeMap, BTreeSet};

use bellhop_kit::given::{booking, event};
use bellhop_kit::{Fault, advance};
use jiff::civil::Date;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::street::{self, Mood, Street, manager, registered, street};

const UNITS: [(&str, u16); 2] = [("u0", 1), ("u1", 2)];

#[derive(Debug, Clone)]
enum Step {
    Post(Plan),
    PostAgain(prop::sample::Index),
    Calendar(Option<(usize, Fault)>),
    Sync(Option<(usize, Fault)>),
    SyncTwice(usize),
    Mood(Mood),
    Tick,
    Wait(i64),
}

#[derive(Debug, Clone)]
enum Plan {
    Booking { name: u8, kind: u8, from: u8, nights: u8 },
    Rates { from: u8, amount: u16 },
    Channel,
    Everything,
}

fn fault() -> impl Strategy<Value = Fault> {
    prop::sample::select(vec![Fault::Refuse, Fault::LoseAnswer, Fault::Repeat, Fault::DieBefore, Fault::DieAfter])
}

fn plan() -> impl Strategy<Value = Plan> {
    prop_oneof![
        12 => (0..6u8, 0..4u8, 5..20u8, 1..6u8).prop_map(|(name, kind, from, nights)| Plan::Booking { name, kind, from, nights }),
        2 => (5..20u8, 1..9u16).prop_map(|(from, amount)| Plan::Rates { from, amount }),
        1 => Just(Plan::Channel),
        1 => Just(Plan::Everything),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let mood = prop::sample::select(vec![
        Mood::Well,
        Mood::Well,
        Mood::Down,
        Mood::TakesInSilence,
        Mood::Status(503, "", None),
        Mood::Status(429, "", Some(std::time::Duration::from_secs(20))),
    ]);
    prop_oneof![
        6 => plan().prop_map(Step::Post),
        1 => any::<prop::sample::Index>().prop_map(Step::PostAgain),
        4 => prop::option::of((0..40_usize, fault())).prop_map(Step::Calendar),
        6 => prop::option::of((0..40_usize, fault())).prop_map(Step::Sync),
        2 => (0..40_usize).prop_map(Step::SyncTwice),
        1 => mood.prop_map(Step::Mood),
        2 => Just(Step::Tick),
        2 => (1..200_i64).prop_map(Step::Wait),
    ]
}

fn event_of(plan: &Plan, n: usize) -> Value {
    let (id, version) = (format!("e{n}"), n as u64 + 2);
    match plan {
        Plan::Booking { name, kind, from, nights } => {
            let kind = ["created", "modified", "modified", "cancelled"][usize::from(*kind)];
            booking(&id, kind, &format!("b{name}"), version, UNITS[usize::from(name % 2)].0, *from..from + nights)
        }
        Plan::Rates { from, amount } => {
            let day = |day: u8| format!("2026-07-{day:02}");
            let price = json!({"amount": i64::from(*amount) * 1000, "currency": "EUR"});
            let range = json!({"from": day(*from), "until": day(from + 5), "price": price});
            event(
                &id,
                "pms.rates.updated.v1",
                "rate/standard",
                &json!({"version": version, "unit": "u0", "ranges": [range]}),
            )
        }
        Plan::Channel => manager(version, &["u0", "u1"]),
        Plan::Everything => Value::Null,
    }
}

/// What each night ever was.
#[derive(Default)]
struct Truth(BTreeMap<(String, Date), BTreeSet<u64>>);

impl Truth {
    async fn note(&mut self, street: &Street) {
        for (unit, capacity) in UNITS {
            for (night, free) in street.calendar_of(unit, capacity).await {
                self.0.entry((unit.to_owned(), night)).or_default().insert(free);
            }
        }
    }

    fn check(&self, street: &Street) {
        // Ten in any minute, for each kind of call.
        let mut arrivals: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        street.platform.calls().into_iter().for_each(|got| arrivals.entry(got.url).or_default().push(got.at));
        for (url, at) in &arrivals {
            for eleven in at.windows(11) {
                assert!(eleven[10] - eleven[0] >= 60, "{url}: eleven calls in {} s", eleven[10] - eleven[0]);
            }
        }
        for got in street.platform.calls() {
            for value in got.body["values"].as_array().into_iter().flatten() {
                let Some(unit) = value["room_type_id"].as_str().and_then(|room| room.strip_prefix("rt-")) else {
                    continue;
                };
                let capacity =
                    UNITS.iter().find(|(name, _)| *name == unit).map_or(0, |(_, capacity)| u64::from(*capacity));
                let told = value["availability"].as_u64().expect("a number");
                for night in street::days(value) {
                    let once = self.0.get(&(unit.to_owned(), night));
                    assert!(
                        told == capacity || once.is_some_and(|once| once.contains(&told)),
                        "{unit} {night}: {told} was never true"
                    );
                }
            }
        }
    }
}

async fn run(steps: Vec<Step>, gather: u32) {
    let street = street(gather);
    let mut truth = Truth::default();
    registered(&street, &UNITS);
    let mut posted: Vec<Value> = Vec::new();
    for (n, step) in steps.into_iter().enumerate() {
        match step {
            Step::Post(Plan::Everything) => {
                street.request(&format!("all{n}"), "manager", &json!({"version": n, "action": "everything"}));
            }
            Step::Post(plan) => {
                posted.push(event_of(&plan, n));
                posted.last().into_iter().for_each(|event| street.post(event));
            }
            Step::PostAgain(index) if !posted.is_empty() => {
                // Beyond SQS's own deduplication.
                advance(301);
                street.post(index.get(&posted));
            }
            Step::PostAgain(_) => {}
            Step::Calendar(fault) => {
                if let Some((n, fault)) = fault {
                    street.calendar.aws.fail_call(n, fault);
                }
                street.calendar.deliver().await;
                street.calendar.aws.heal();
                truth.note(&street).await;
            }
            Step::Sync(fault) => {
                if let Some((n, fault)) = fault {
                    street.sync.aws.fail_call(n, fault);
                }
                street.sync.deliver().await;
                street.sync.aws.heal();
            }
            Step::SyncTwice(n) => street.sync.deliver_twice(n).await,
            Step::Mood(mood) => street.platform.mood(mood),
            Step::Tick => {
                street.tick().await;
            }
            Step::Wait(seconds) => advance(seconds),
        }
    }
    street.platform.mood(Mood::Well);
    loop {
        street.calendar.drain().await;
        truth.note(&street).await;
        if street.calendar.deliver().await == bellhop_kit::Delivery::Idle {
            break;
        }
    }
    street.settle().await;
    for (unit, capacity) in UNITS {
        street.is_told(unit, capacity).await;
    }
    truth.check(&street);
    let unexpected: Vec<_> = street.reasons().into_iter().filter(|reason| reason != "booking-unplaced").collect();
    assert_eq!(unexpected, [""; 0]);
    let progress = street.progress("manager").await;
    assert!(progress.claim.is_none() && progress.disabled.is_none(), "{progress:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_platform_knows_what_the_calendar_says(steps in prop::collection::vec(step(), 1..60), gather in prop::sample::select(vec![0, 0, 4])) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
        runtime.block_on(run(steps, gather));
    }
}
