//! Counts what is asked for at a property, and keeps the last of it: the smallest function, to put rules of its own into.
//!
//! Arrives: `__type__` on `__queue__.fifo`, in groups `tenant#property`.
//! Leaves: nothing.
//! Fails for a person: what breaks a rule of the catalogue.

use std::convert::Infallible;

use bellhop_events::catalogue::__Name__Requested;
use bellhop_events::{Envelope, Fault, Queue};
use bellhop_store::{Key, Scope};
use bellhop_worker::{Decision, Effect, FollowUp, Handler, Refusal, Then, View};
use serde::{Deserialize, Serialize};

/// The rules of this function.
pub struct __Name__;

/// What is kept of a property.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// How many events had an effect.
    pub count: u64,
    /// The last of them.
    pub last: __Name__Requested,
}

impl Handler for __Name__ {
    const CONSUMER: &'static str = "__name__";
    const QUEUE: Queue = Queue::__Queue__;
    // Whoever sends further needs three more: the queues here, in the template and in README.
    const SENDS_TO: &'static [Queue] = &[];
    type State = State;
    type Outbox = ();
    type Call = Infallible;
    type Answer = Infallible;

    fn reads(&self, _: &Envelope, _: &Scope) -> Result<Vec<Key>, Fault> {
        Ok(Vec::new())
    }

    fn decide(&self, event: &Envelope, view: &View<'_, State>) -> Result<Decision<Self>, Refusal> {
        let asked: __Name__Requested = event.payload()?;
        let known = view.state.as_ref();
        if known.is_some_and(|known| known.last.version >= asked.version) {
            return Ok(Decision::stale());
        }
        let count = known.map_or(0, |known| known.count) + 1;
        Ok(Decision {
            effect: Effect::Applied,
            note: None,
            state: Some(State { count, last: asked }),
            writes: Vec::new(),
            outbox: None,
            registers: false,
            then: Then::Done,
        })
    }

    async fn perform(&self, call: Infallible) -> Infallible {
        call
    }

    fn follow_ups(&self, _: &Envelope, _: &State, (): &()) -> Vec<FollowUp> {
        Vec::new()
    }
}
