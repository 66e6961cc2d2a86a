//! The least that a function on `shared/worker` can be, with the effects of the plain function beside it: for each event
//! one record, one put, one follow-up. What it costs more or less than that one is the worker's doing.

use bellhop_events::catalogue::CLEANING_REQUESTED;
use bellhop_events::{Envelope, Fault, Queue};
use bellhop_store::{Key, Scope};
use bellhop_worker::{Decision, Effect, FollowUp, Handler, Refusal, Then, View};
use serde_json::{Map, Value};
use std::convert::Infallible;

struct Minimal;

impl Handler for Minimal {
    const CONSUMER: &'static str = "minimal";
    const QUEUE: Queue = Queue::OperationalCalendar;
    const SENDS_TO: &'static [Queue] = &[Queue::Automation];
    /// The whole snapshot, as the plain function keeps it.
    type State = Map<String, Value>;
    type Outbox = ();
    type Call = Infallible;
    type Answer = Infallible;

    fn reads(&self, _: &Envelope, _: &Scope) -> Result<Vec<Key>, Fault> {
        Ok(Vec::new())
    }

    fn decide(&self, event: &Envelope, _: &View<'_, Self::State>) -> Result<Decision<Self>, Refusal> {
        Ok(Decision {
            effect: Effect::Applied,
            note: None,
            state: Some(event.data.clone()),
            writes: Vec::new(),
            outbox: Some(()),
            registers: false,
            then: Then::Done,
        })
    }

    async fn perform(&self, call: Infallible) -> Infallible {
        call
    }

    fn follow_ups(&self, event: &Envelope, state: &Self::State, (): &()) -> Vec<FollowUp> {
        let fields = ["version", "unit", "arrival", "departure"];
        let mut data: Map<String, Value> =
            fields.into_iter().filter_map(|name| Some((name.to_owned(), state.get(name)?.clone()))).collect();
        data.insert("cancelled".to_owned(), false.into());
        vec![FollowUp::Event { event_type: CLEANING_REQUESTED.name, subject: event.subject.clone(), data }]
    }
}

fn main() -> Result<(), lambda_runtime::Error> {
    bellhop_worker::main(Minimal)
}
