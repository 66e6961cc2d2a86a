//! Walks through the model of `tests/model`, told to the real worker: what the model promises of the algorithm holds of the
//! code. A walk is a stimulus, not a script: a step of the model is about one call of the worker, and where the two part ways
//! the code goes its own, for each promise must be kept on every way.
//!
//! `PROPTEST_CASES` sets the number of walks.

use std::collections::BTreeSet;

use bellhop_events::Queue;
use bellhop_kit::given::{booking, property};
use bellhop_kit::{Delivery, Fault, World, advance, now};
use bellhop_model::{Action, Body, Budget, Choice, Model, Person, bounds};
use bellhop_store::{Hold, Line, Resolution, ResolveError};
use bellhop_worker::{Outgoing, Policy, wake_up};
use serde_json::{Value, json};

use crate::common::{Hotel, post, scope, subject, version};

const QUEUE: Queue = Queue::OperationalCalendar;
const SUBJECT: &str = "booking/b";
const OTHER: &str = "booking/other";

/// More than can be checked in every state: here it is walked, not searched.
const WALKED: Model = Model {
    events: 4,
    others: 2,
    bad: &[0b0001, 0b0011, 0b0101, 0b1010, 0b1111],
    batch: 2,
    budget: Budget { crashes: 3, expiries: 2, reposts: 2, flukes: 0, lost_wakes: 1, sweeps: 2, vain: 2, rivals: 1 },
    ..bounds::BATCHES
};

/// What happens to the real worker.
#[derive(Debug, Clone, Copy)]
enum Told {
    Post(u8),
    PostAgain(u8),
    PostOther(u8),
    /// A batch is worked; perhaps its process dies around a call.
    Deliver(Option<(usize, Fault)>),
    /// A batch hangs at a call, while another process works it.
    Overlap(usize),
    /// A person decides; perhaps another at the same moment.
    Verdict(Choice, Option<Choice>),
    /// The wake-up of a verdict is sent, or lost.
    Wake(bool),
    Sweep,
}

/// A walk to the end of the model, in words that the real worker knows.
fn walk(random: &mut fastrand::Rng) -> (u8, Vec<Told>) {
    let beginnings = WALKED.beginnings();
    let mut state = beginnings[random.usize(..beginnings.len())].clone();
    let (bad, mut told, mut actions) = (state.bad, Vec::new(), Vec::new());
    let mut calls = [0; 2];
    let mut chosen: [Option<Choice>; 2] = [None; 2];
    loop {
        actions.clear();
        WALKED.possible(&state, &mut actions);
        if actions.is_empty() {
            return (bad, told);
        }
        let action = pick(random, &actions);
        let after = WALKED.after(&state, action);
        let before = std::mem::replace(&mut state, after);
        match action {
            Action::Accept => told.push(Told::Post(before.accepted)),
            Action::AcceptOther => told.push(Told::PostOther(before.others)),
            Action::Repost(event) => told.push(Told::PostAgain(event)),
            Action::Receive(number) => calls[number] = 0,
            Action::Step(number) | Action::Fluke(number) => {
                calls[number] += 1;
                if !state.workers[number].is_busy() && !before.workers[number].stale {
                    told.push(Told::Deliver(None));
                }
            }
            Action::Crash(number) => {
                let fault = if random.bool() { Fault::DieBefore } else { Fault::DieAfter };
                told.push(Told::Deliver(Some((calls[number] + random.usize(..3), fault))));
            }
            Action::Expire(number) => told.push(Told::Overlap(calls[number] + random.usize(..3))),
            Action::Choose(number, choice) => chosen[number] = Some(choice),
            Action::Decide(number) if matches!(before.people[number], Person::Wakes(_)) => told.push(Told::Wake(true)),
            Action::Decide(number) => {
                if let Some(choice) = chosen[number].take() {
                    told.push(Told::Verdict(choice, chosen[1 - number].take()));
                }
            }
            Action::LoseWake(_) => told.push(Told::Wake(false)),
            Action::Sweep => told.push(Told::Sweep),
        }
    }
}

/// What goes wrong is rare, or all of it would have happened before there is a line.
fn pick(random: &mut fastrand::Rng, actions: &[Action]) -> Action {
    loop {
        let action = actions[random.usize(..actions.len())];
        let rare = matches!(
            action,
            Action::Repost(_) | Action::Crash(_) | Action::Expire(_) | Action::LoseWake(_) | Action::Sweep
        );
        if !rare || random.u8(..8) == 0 {
            return action;
        }
    }
}

/// The events of the subject: each moves the stay; a bad one is for a unit that the property does not have.
fn sent(event: u8, bad: u8) -> Value {
    let unit = if bad & (1 << event) == 0 { "u1" } else { "nowhere" };
    let kind = if event == 0 { "created" } else { "modified" };
    booking(&format!("e{event}"), kind, "b", u64::from(event) + 1, unit, 3..6 + event)
}

/// The real worker, and what the test remembers.
struct Run {
    world: Hotel,
    bad: u8,
    posted: BTreeSet<String>,
    /// Wake-ups of verdicts that are written.
    owed: Vec<Outgoing>,
    version: u64,
    sends: usize,
    /// What this walk came by.
    met: BTreeSet<&'static str>,
}

impl Run {
    async fn new(bad: u8, release_steps: u32) -> Self {
        // A run that dies alone costs an attempt: more than any walk has deaths.
        let policy = Policy { attempt_budget: 200, release_steps, ..Policy::default() };
        let world = World::new(bellhop_calendar::Calendar, policy);
        post(&world, &property("p1", 1, &[("u1", 500)]));
        world.drain().await;
        world.aws.queue(QUEUE, |queue| queue.batch = usize::from(WALKED.batch));
        Self { world, bad, posted: BTreeSet::new(), owed: Vec::new(), version: 0, sends: 0, met: BTreeSet::new() }
    }

    fn send(&self, wake: &Outgoing, deduplication: &str) {
        self.world.aws.queue(wake.queue, |queue| queue.send(&wake.group, deduplication, &wake.body, None));
    }

    fn post(&mut self, event: &Value) {
        self.posted.insert(event["id"].as_str().expect("an id").to_owned());
        post(&self.world, event);
    }

    async fn tell(&mut self, told: Told) {
        match told {
            Told::Post(event) => self.post(&sent(event, self.bad)),
            Told::PostOther(event) => {
                self.post(&booking(
                    &format!("o{event}"),
                    "modified",
                    "other",
                    u64::from(event) + 1,
                    "u1",
                    3..6 + event,
                ));
            }
            Told::PostAgain(event) => {
                let mut again = sent(event, self.bad);
                self.sends += 1;
                again["time"] = json!(format!("2026-07-01T11:00:{:02}Z", self.sends));
                self.post(&again);
            }
            Told::Deliver(fault) => {
                self.show();
                if let Some((call, fault)) = fault {
                    self.world.aws.fail_call(call, fault);
                }
                if self.world.deliver().await == Delivery::Died {
                    self.met.insert("a process dies");
                }
                self.world.aws.heal();
            }
            Told::Overlap(call) => {
                self.show();
                self.world.deliver_twice(call).await;
            }
            Told::Verdict(choice, None) => {
                let verdict = self.verdict(choice).await;
                self.owed.extend(verdict.expect("a verdict"));
            }
            Told::Verdict(choice, Some(rival)) => {
                let both = tokio::join!(self.verdict(choice), self.verdict(rival));
                match both {
                    (Ok(None), Ok(None)) => {}
                    (Ok(wake), Err(ResolveError::AlreadyResolved(_)))
                    | (Err(ResolveError::AlreadyResolved(_)), Ok(wake)) => {
                        self.met.insert("a second person is refused");
                        self.owed.extend(wake);
                    }
                    other => panic!("of two people the second is refused: {other:?}"),
                }
            }
            Told::Wake(true) => {
                for wake in std::mem::take(&mut self.owed) {
                    self.send(&wake, &wake.deduplication_id);
                }
            }
            Told::Wake(false) => self.owed.clear(),
            Told::Sweep => {
                self.sweep().await;
            }
        }
    }

    /// Turns the clock until a message shows.
    fn show(&self) {
        let wait = self.world.aws.queue(QUEUE, |queue| queue.next_visible());
        advance(wait);
    }

    async fn hold(&self) -> Option<(Hold, Value)> {
        let line = self.world.store.hold(&scope(), Line::Hold, &subject(SUBJECT)).await.expect("a read");
        let (hold, parked) = line?;
        let head = parked.first().map(|head| serde_json::from_str(&head.body).expect("json"));
        Some((hold, head.unwrap_or_default()))
    }

    /// A verdict on the head, if a person is asked.
    async fn verdict(&self, choice: Choice) -> Result<Option<Outgoing>, ResolveError> {
        let Some((_, mut event)) = self.hold().await.filter(|(hold, _)| hold.verdict.is_none()) else {
            return Ok(None);
        };
        let resolution = match choice {
            Choice::Retry => Resolution::Retry,
            Choice::Discard => Resolution::Discard("not wanted".to_owned()),
            Choice::Edit(body) => {
                event["data"]["unit"] = json!(if body == Body::Mended { "u1" } else { "elsewhere" });
                Resolution::Edit(event.to_string())
            }
        };
        let hold = self.world.store.resolve(&scope(), Line::Hold, &subject(SUBJECT), &resolution, now()).await?;
        Ok(Some(wake_up(&scope(), QUEUE, &subject(SUBJECT), Line::Hold, &hold, now())))
    }

    /// A wake-up that is sent again, whether it is missing or not.
    async fn sweep(&mut self) -> bool {
        let Some((hold, _)) = self.hold().await.filter(|(hold, _)| hold.verdict.is_some()) else { return false };
        self.sends += 1;
        let wake = wake_up(&scope(), QUEUE, &subject(SUBJECT), Line::Hold, &hold, now());
        self.send(&wake, &format!("sweep-{}", self.sends));
        true
    }

    /// What stands in the table of an event: done, left out, or neither.
    fn ended(items: &[Value], id: &str) -> Option<bool> {
        let done = items.iter().any(|item| !item["seen"]["M"][id].is_null());
        let record = items.iter().find(|item| item["sk"]["S"] == format!("calendar#record/{id}"));
        match record.and_then(|record| record["state"]["S"].as_str()) {
            Some("done") => Some(true),
            Some("discarded") => Some(false),
            _ => done.then_some(true),
        }
    }

    /// What must be true at any time.
    async fn check(&mut self) {
        let items = self.world.aws.items();
        let key = |item: &Value| item["sk"]["S"].as_str().unwrap_or_default().to_owned();
        let queued = self.world.aws.queue(QUEUE, |queue| queue.messages().to_vec());
        let carries = |body: &str, id: &str| body.contains(&format!("\"id\":\"{id}\""));
        let line = self.hold().await;
        for id in &self.posted {
            let parked = items.iter().filter(|item| key(item).starts_with("calendar#parked/"));
            let waits = parked.filter(|item| item["id"]["S"] == *id).count() > 0;
            let is_safe =
                Self::ended(&items, id).is_some() || waits || queued.iter().any(|message| carries(&message.body, id));
            assert!(is_safe, "{id} is lost: {items:?}");
        }
        if let Some((hold, head)) = line {
            assert!(hold.is_empty() || head.is_object(), "no event at the head of {hold:?}");
            self.met.extend((hold.len() > 2).then_some("two wait behind a failed one"));
            self.met.extend((hold.head > 0 && hold.verdict.is_none()).then_some("a second event of a line fails"));
        }
        for item in &items {
            let of_other = key(item) == format!("calendar#{OTHER}") && !item["hold"].is_null();
            assert!(!of_other && !key(item).contains(&format!("#parked/{OTHER}")), "the other subject waits: {item}");
        }
        let version = version(&self.world, "b").await.unwrap_or_default();
        assert!(version >= self.version, "an older version came later");
        self.version = version;
    }

    /// Nothing more goes wrong, and people help.
    async fn settle(&mut self) {
        self.world.aws.heal();
        for round in 0..60 {
            self.world.drain().await;
            self.check().await;
            let choice = if round % 3 == 2 { Choice::Discard } else { Choice::Edit(Body::Mended) };
            match self.verdict(choice).await.expect("a verdict") {
                Some(wake) => self.send(&wake, &wake.deduplication_id),
                None if self.sweep().await => {
                    self.met.insert("a wake-up is missing");
                }
                None => return,
            }
        }
        panic!("verdicts without end");
    }

    /// What must be true when nothing can happen any more.
    async fn end(mut self) -> BTreeSet<&'static str> {
        let items = self.world.aws.items();
        let left = items.iter().filter(|item| {
            !item["hold"].is_null() || item["sk"]["S"].as_str().is_some_and(|key| key.contains("#parked/"))
        });
        assert_eq!(left.count(), 0, "a hold is left: {items:?}");
        assert!(self.posted.iter().all(|id| Self::ended(&items, id).is_some()), "not all have ended: {items:?}");
        let done = (0..WALKED.events).filter(|event| Self::ended(&items, &format!("e{event}")) == Some(true));
        let done: Vec<_> = done.map(|event| u64::from(event) + 1).collect();
        assert_eq!(version(&self.world, "b").await, done.last().copied());
        assert_eq!(version(&self.world, "other").await, Some(u64::from(WALKED.others)));
        assert_eq!(self.heard(), done, "each effect is told, once, in order");
        self.met.extend((done.len() < usize::from(WALKED.events)).then_some("an event is left out"));
        self.met
    }

    /// The versions that were told of, as a consumer hears them: known ids are duplicates.
    fn heard(&self) -> Vec<u64> {
        let mut ids = BTreeSet::new();
        let log = self.world.aws.queue(Queue::Automation, |queue| queue.log.clone());
        let events = log.iter().map(|message| serde_json::from_str::<Value>(&message.body).expect("json"));
        let own = events.filter(|event| event["subject"] == SUBJECT && event["type"] == "bellhop.booking.changed.v1");
        let new = own.filter(|event| ids.insert(event["id"].to_string()));
        new.map(|event| event["data"]["version"].as_u64().expect("a version")).collect()
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    runtime.block_on(work)
}

#[test]
fn what_the_model_promises_holds_of_the_worker() {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(200);
    let mut met = BTreeSet::new();
    for seed in 0..cases {
        let mut random = fastrand::Rng::with_seed(seed);
        let (bad, walk) = walk(&mut random);
        // A walk that fails is named by its seed.
        println!("seed {seed}: bad {bad:04b}, {walk:?}");
        met.extend(run(async {
            let mut run = Run::new(bad, 1 + random.u32(..3)).await;
            for told in walk {
                run.tell(told).await;
                run.check().await;
            }
            run.settle().await;
            run.end().await
        }));
    }
    // Walks that come by nothing would check nothing.
    if cases >= 100 {
        assert_eq!(met.len(), 6, "{met:?}");
    }
}
