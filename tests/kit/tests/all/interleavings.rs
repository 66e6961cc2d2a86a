//! Any interleaving of deliveries, duplicates, crashes between any two calls of the worker, lost answers and concurrent
//! deliveries gives the state, and the follow-ups, of one delivery in order.
//!
//! `PROPTEST_CASES` sets the number of cases.

use std::collections::{BTreeMap, BTreeSet};

use bellhop_calendar::Calendar;
use bellhop_events::{Queue, Subject};
use bellhop_kit::given::{GROUP, booking, event, poison, property};
use bellhop_kit::{Fault, World, advance, now};
use bellhop_store::{Line, Resolution, Scope};
use bellhop_worker::{Policy, wake_up};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Something happens to the system.
#[derive(Debug, Clone)]
enum Step {
    /// Post the next event.
    Post,
    /// Post an event again that was posted before.
    PostAgain(prop::sample::Index),
    /// Deliver a batch; perhaps a call fails.
    Deliver(Option<(usize, Fault)>),
    /// Deliver a batch that hangs at a call, while another process works the same messages.
    DeliverTwice(usize),
    /// A person resolves the first hold.
    Resolve(prop::sample::Index),
    /// Time passes.
    Wait(i64),
}

fn fault() -> impl Strategy<Value = Fault> {
    prop::sample::select(vec![Fault::Refuse, Fault::LoseAnswer, Fault::Repeat, Fault::DieBefore, Fault::DieAfter])
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Post),
        1 => any::<prop::sample::Index>().prop_map(Step::PostAgain),
        4 => prop::option::of((0..40_usize, fault())).prop_map(Step::Deliver),
        2 => (0..40_usize).prop_map(Step::DeliverTwice),
        2 => any::<prop::sample::Index>().prop_map(Step::Resolve),
        1 => (1..400_i64).prop_map(Step::Wait),
    ]
}

/// What a PMS sends: mostly bookings, some of them poison, a block now and then, the property at some time.
#[derive(Debug, Clone)]
enum Plan {
    Booking { name: u8, kind: u8, from: u8, nights: u8 },
    Poison { name: u8 },
    Block { from: u8, lift: bool },
    Property,
}

fn plan() -> impl Strategy<Value = Plan> {
    prop_oneof![
        12 => (0..4u8, 0..4u8, 1..20u8, 0..8u8).prop_map(|(name, kind, from, nights)| Plan::Booking { name, kind, from, nights }),
        2 => (0..4u8).prop_map(|name| Plan::Poison { name }),
        1 => (1..20u8, any::<bool>()).prop_map(|(from, lift)| Plan::Block { from, lift }),
        1 => Just(Plan::Property),
    ]
}

/// Each booking has a unit of its own, so that an event held for a person cannot change the outcome of another subject.
fn events(plans: &[Plan]) -> Vec<Value> {
    let units = [("u0", 1), ("u1", 1), ("u2", 1), ("u3", 2), ("ub", 1)];
    let mut events = Vec::new();
    for (n, plan) in plans.iter().enumerate() {
        let (id, version) = (format!("e{n}"), n as u64 + 1);
        events.push(match plan {
            Plan::Booking { name, kind, from, nights } => {
                let kind = ["created", "modified", "modified", "cancelled"][usize::from(*kind)];
                booking(&id, kind, &format!("b{name}"), version, &format!("u{name}"), *from..from + nights)
            }
            Plan::Poison { name } => poison(&id, &format!("b{name}"), version),
            Plan::Block { from, lift } => {
                let kind = if *lift { "pms.unit.unblocked.v1" } else { "pms.unit.blocked.v1" };
                let until = format!("2026-07-{:02}", from + 2);
                let data =
                    json!({"version": version, "block": "x", "from": format!("2026-07-{from:02}"), "until": until});
                event(&id, kind, "unit/ub", &data)
            }
            Plan::Property => property(&id, version, &units),
        });
    }
    // At the end the property is known, so that nothing waits for it for ever.
    events.push(property("last", plans.len() as u64 + 1, &units));
    events
}

fn scope() -> Scope {
    Scope::for_operator("calendar", "sea".parse().expect("a tenant"), "villa".parse().expect("a property"))
}

/// What a person makes of a poisoned event: the same event with dates in order.
fn mended(body: &str) -> String {
    let mut event: Value = serde_json::from_str(body).expect("json");
    event["data"]["departure"] = json!("2026-07-11");
    let unit = event["subject"].as_str().expect("a subject").replace("booking/b", "u");
    event["data"]["unit"] = json!(unit);
    event.to_string()
}

/// Resolves the first hold that waits for a person; every second by an edit, the others by a discard, told apart by the event
/// so that each run decides alike. Now and then by a retry first, which fails again.
async fn resolve(world: &World<Calendar>, retry: bool) -> bool {
    for item in world.aws.items() {
        if item["hold"].is_null() || !item["hold"]["M"]["verdict"].is_null() {
            continue;
        }
        let subject: Subject =
            item["sk"]["S"].as_str().expect("a key").trim_start_matches("calendar#").parse().expect("a subject");
        let (_, parked) = world.store.hold(&scope(), Line::Hold, &subject).await.expect("a read").expect("a hold");
        let body = &parked.first().expect("a head").body;
        let event: Value = serde_json::from_str(body).expect("json");
        let even = event["data"]["version"].as_u64().expect("a version").is_multiple_of(2);
        let resolution = match (retry, even) {
            (true, _) => Resolution::Retry,
            (false, true) => Resolution::Edit(mended(body)),
            (false, false) => Resolution::Discard("test".to_owned()),
        };
        let hold = world.store.resolve(&scope(), Line::Hold, &subject, &resolution, now()).await.expect("a verdict");
        let wake = wake_up(&scope(), Queue::OperationalCalendar, &subject, Line::Hold, &hold, now());
        world.aws.queue(wake.queue, |queue| queue.send(&wake.group, &wake.deduplication_id, &wake.body, None));
        return true;
    }
    false
}

/// What counts: domain state and months, and each follow-up once.
#[derive(Debug, PartialEq)]
struct End {
    states: BTreeMap<String, Value>,
    follow_ups: BTreeMap<String, (String, String)>,
    reviewed: BTreeSet<String>,
}

fn end(world: &World<Calendar>) -> End {
    let mut states = BTreeMap::new();
    for item in world.aws.items() {
        let key = item["sk"]["S"].as_str().expect("a key").to_owned();
        assert!(item.get("hold").is_none() && item.get("wait").is_none(), "a hold is left: {item}");
        assert!(!key.contains("#parked/") && !key.contains("#waiting/"), "an event is left in a line: {item}");
        let kept = if key.contains("#nights/") { json!([item["s"], nonzero(&item["n"])]) } else { item["st"].clone() };
        if !key.contains("#record/") && !kept.is_null() && kept != json!([{"M": {}}, {"M": {}}]) {
            states.insert(key, kept);
        }
    }
    let mut follow_ups = BTreeMap::new();
    let (mut opened, mut closed) = (BTreeMap::new(), BTreeMap::new());
    for queue in [Queue::Synchronization, Queue::Automation, Queue::OperationalGuests] {
        let mut newest: BTreeMap<String, String> = BTreeMap::new();
        for message in world.aws.queue(queue, |queue| queue.log.clone()) {
            let event: Value = serde_json::from_str(&message.body).expect("json");
            let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            // What is told of reviews depends on how often a person was asked.
            let review = match event["data"]["type"].as_str() {
                Some("bellhop.review.opened.v1") => Some(&mut opened),
                Some("bellhop.review.closed.v1") => Some(&mut closed),
                _ => None,
            };
            if let Some(told) = review {
                let what = (text("subject"), event["data"]["data"]["event"].to_string());
                let version = told.entry(what).or_insert(0);
                *version = event["data"]["version"].as_u64().expect("a version").max(*version);
                continue;
            }
            let known = follow_ups.insert(text("id"), (text("subject"), event["data"].to_string()));
            // Order: what is new is newer than all that came before it for its subject.
            if known.is_none() && queue == Queue::Automation {
                let before = newest.insert(text("subject"), text("sequence"));
                assert!(
                    before.as_ref().is_none_or(|before| *before < text("sequence")),
                    "{before:?} came before {event}"
                );
            }
        }
    }
    // Whoever heard that a person is asked hears that nobody is any more.
    for (what, version) in opened {
        assert!(closed.get(&what).is_some_and(|closed| *closed >= version), "{what:?} is not closed: {closed:?}");
    }
    let reviewed = world.aws.queue(Queue::Fallback, |queue| queue.log.clone());
    let reviewed =
        reviewed.iter().map(|m| serde_json::from_str::<Value>(m.note.as_deref().unwrap_or_default()).expect("a note"));
    let reviewed = reviewed.filter(|note| note["reason"] != "unknown-property");
    End { states, follow_ups, reviewed: reviewed.map(|note| note["event"].to_string()).collect() }
}

fn nonzero(counts: &Value) -> Value {
    let nights = counts["M"].as_object().cloned().unwrap_or_default();
    json!({"M": nights.into_iter().filter(|(_, n)| n["N"] != "0").collect::<serde_json::Map<_, _>>()})
}

type Nights = BTreeMap<(String, u8), usize>;

/// Nights as the placed bookings take them, and as the months keep them.
fn nights(states: &BTreeMap<String, Value>) -> (Nights, Nights) {
    let (mut placed, mut kept) = (Nights::new(), Nights::new());
    let number = |text: &str| text.parse::<u16>().expect("a number");
    for (key, state) in states {
        if let Some(unit) = key.strip_prefix("calendar#nights/").and_then(|rest| rest.strip_suffix("/2026-07")) {
            let mut keep = |night: u8, n: usize| *kept.entry((unit.to_owned(), night)).or_default() += n;
            for stay in state[0]["M"].as_object().expect("stays").values() {
                let code = number(stay["N"].as_str().expect("a code"));
                (code / 100..=code % 100).for_each(|night| keep(u8::try_from(night).expect("a day"), 1));
            }
            for (night, count) in state[1]["M"].as_object().expect("counts") {
                keep(night.parse().expect("a day"), count["N"].as_str().expect("a count").parse().expect("a count"));
            }
        }
        let booking = &state["M"]["b"]["M"];
        if booking["placed"].is_null() {
            continue;
        }
        let day = |name: &str| booking[name]["S"].as_str().expect("a date")[8..].parse::<u8>().expect("a day");
        for night in day("arrival")..day("departure") {
            *placed.entry((booking["unit"]["S"].as_str().expect("a unit").to_owned(), night)).or_default() += 1;
        }
    }
    (placed, kept)
}

async fn settle(world: &World<Calendar>) {
    world.aws.heal();
    for _ in 0..40 {
        world.drain().await;
        if !resolve(world, false).await {
            return;
        }
    }
    panic!("verdicts without end");
}

async fn in_order(events: &[Value]) -> End {
    let world = World::new(Calendar, Policy::default());
    for event in events {
        world.post(GROUP, &event.to_string());
        world.drain().await;
    }
    settle(&world).await;
    end(&world)
}

async fn interleaved(events: &[Value], steps: &[Step]) -> End {
    // A run that dies alone costs an attempt: more than any case has deaths.
    let world = World::new(Calendar, Policy { attempt_budget: 200, ..Policy::default() });
    let mut posted = 0;
    for step in steps {
        match step {
            Step::Post => {
                if let Some(event) = events.get(posted) {
                    world.post(GROUP, &event.to_string());
                    posted += 1;
                }
            }
            Step::PostAgain(index) if posted > 0 => {
                let mut again = events[index.index(posted)].clone();
                again["time"] = json!(now().to_string());
                world.post(GROUP, &again.to_string());
            }
            Step::Deliver(fault) => {
                if let Some((n, fault)) = fault {
                    world.aws.fail_call(*n, *fault);
                }
                world.deliver().await;
                world.aws.heal();
            }
            Step::DeliverTwice(n) => world.deliver_twice(*n).await,
            Step::Resolve(index) => {
                resolve(&world, index.index(3) == 0).await;
            }
            Step::Wait(seconds) => advance(*seconds),
            Step::PostAgain(_) => {}
        }
    }
    for event in &events[posted..] {
        world.post(GROUP, &event.to_string());
    }
    settle(&world).await;
    end(&world)
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    runtime.block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 400, ..ProptestConfig::default() })]

    /// Bookings that compete for the same nights: however they meet, no night is sold above its capacity, and the months say
    /// just what the placed bookings say.
    #[test]
    fn no_night_is_ever_sold_twice(
        wishes in prop::collection::vec((0..6u8, 0..4u8, 1..8u8, 0..5u8, 0..2usize), 1..16),
        steps in prop::collection::vec(step(), 0..40),
    ) {
        let mut events = vec![property("p", 1, &[("one", 1), ("three", 3)])];
        for (n, (name, kind, from, nights, unit)) in wishes.iter().enumerate() {
            let kind = ["created", "modified", "modified", "cancelled"][usize::from(*kind)];
            let unit = ["one", "three"][*unit];
            events.push(booking(&format!("e{n}"), kind, &format!("b{name}"), n as u64, unit, *from..from + nights));
        }
        let end = run(interleaved(&events, &steps));
        let (placed, kept) = nights(&end.states);
        prop_assert_eq!(&placed, &kept);
        prop_assert!(kept.iter().all(|((unit, _), sold)| *sold <= if unit == "one" { 1 } else { 3 }), "{:?}", kept);
    }

    #[test]
    fn any_interleaving_ends_like_one_delivery_in_order(
        plans in prop::collection::vec(plan(), 1..14),
        steps in prop::collection::vec(step(), 0..40),
    ) {
        let events = events(&plans);
        let (expected, found) = run(async { (in_order(&events).await, interleaved(&events, &steps).await) });
        prop_assert_eq!(found, expected);
    }
}
