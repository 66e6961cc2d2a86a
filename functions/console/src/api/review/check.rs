//! What would be refused of a body: the catalogue's own rules, before anything is decided.

use bellhop_events::{Envelope, Fault, Queue, Reason, catalogue};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::auth::OwnDesk;
use crate::call::{Answer, Call};
use crate::input::Nothing;
use crate::refusal::Refusal;

/// No body that SQS takes is larger.
pub(super) const MOST_BODY: usize = 1 << 20;

/// A body, and the queue that would take it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    /// The item's queue.
    queue: String,
    /// The whole event.
    body: String,
}

/// What would be refused.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Checked {
    /// None: nothing.
    faults: Vec<FaultAt>,
}

/// What breaks a rule.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct FaultAt {
    /// JSON pointer into the body; empty: all of it.
    pointer: String,
    /// Stable reason code.
    code: &'static str,
    /// What was expected there.
    expected: String,
    /// What was found there.
    found: String,
    /// What to do about it.
    remedy: &'static str,
}

impl From<Fault> for FaultAt {
    fn from(Fault { reason, pointer, expected, found }: Fault) -> Self {
        Self { pointer, code: reason.code(), expected, found, remedy: reason.remedy() }
    }
}

/// What is wrong with a body on a queue, on the desk of its tenant: the first rule that it breaks. What names another tenant is
/// refused on every desk but nobody's.
pub(super) fn faults(desk: &OwnDesk, queue: Option<Queue>, body: &str) -> Vec<FaultAt> {
    let judged = Envelope::decode(body).and_then(|event| {
        let entry = match queue {
            Some(queue) => catalogue::route(&event, queue)?,
            None => catalogue::find(&event.event_type)?,
        };
        (entry.check)(&event)?;
        match desk.desk().tenant() {
            Some(own) if *own != event.tenant => {
                let fault = Fault::new(Reason::GroupMismatch, "/tenant");
                Err(fault.expected(own).found(&event.tenant))
            }
            _ => Ok(()),
        }
    });
    judged.err().into_iter().map(FaultAt::from).collect()
}

/// A body that somebody wrote, if it is not too large.
pub(super) fn bounded(body: String) -> Result<String, Refusal> {
    if body.len() > MOST_BODY {
        return Err(Refusal::too_large(MOST_BODY));
    }
    Ok(body)
}

pub(crate) async fn check(call: &Call<'_>, _: Nothing, draft: Draft) -> Result<Answer<Checked>, Refusal> {
    let queue = Queue::named(&draft.queue).ok_or_else(|| {
        let known: Vec<_> = Queue::ALL.iter().map(|queue| queue.name()).collect();
        Refusal::invalid("/queue", known.join(", "), &draft.queue)
    })?;
    let faults = faults(call.desk()?, Some(queue), bounded(draft.body)?.trim());
    Ok(Answer::Now(Checked { faults }))
}
