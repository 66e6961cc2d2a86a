//! The form of a message on the fallback queue.

use bellhop_events::{Fault, Queue};
use serde::{Deserialize, Serialize};

use crate::dispatch::Outgoing;

/// The JSON in the String attribute `bellhop` of a fallback message; its body is the original body, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FallbackNote {
    /// Stable reason code.
    pub reason: String,
    /// JSON pointer of the fault in the body.
    pub pointer: String,
    /// What was expected there.
    pub expected: String,
    /// What was found; may quote the event.
    pub found: String,
    /// What to do next.
    pub remedy: String,
    /// The consumer that gave up.
    pub consumer: String,
    /// The queue that carried the message.
    pub queue: String,
    /// The message group that carried it.
    pub group: String,
    /// `booking/ID` and so on, if the envelope could be read.
    pub subject: Option<String>,
    /// The event's id, if the envelope could be read.
    pub event: Option<String>,
    /// SQS's id of the message.
    pub message_id: String,
    /// Attempts that were made.
    pub attempts: u32,
    /// Whether somebody should be woken.
    pub critical: bool,
}

impl Outgoing {
    /// To a person: something that came to a consumer by another road than its queue, and will never do.
    #[must_use]
    pub fn for_a_person(fault: &Fault, consumer: &str, queue: Queue, id: &str, body: &str) -> Self {
        FallbackNote::of(fault, consumer, queue, "", id).into_outgoing(body, id, "0")
    }
}

impl FallbackNote {
    pub(crate) fn of(fault: &Fault, consumer: &str, queue: Queue, group: &str, message_id: &str) -> Self {
        Self {
            reason: fault.reason.code().to_owned(),
            pointer: fault.pointer.clone(),
            expected: fault.expected.clone(),
            found: fault.found.clone(),
            remedy: fault.reason.remedy().to_owned(),
            consumer: consumer.to_owned(),
            queue: queue.name().to_owned(),
            group: group.to_owned(),
            subject: None,
            event: None,
            message_id: message_id.to_owned(),
            attempts: 0,
            critical: false,
        }
    }

    /// The message. `failure` tells apart the failures of one event.
    pub(crate) fn into_outgoing(self, body: &str, key: &str, failure: &str) -> Outgoing {
        let group = if self.group.is_empty() { "unknown".to_owned() } else { self.group.clone() };
        Outgoing {
            queue: Queue::Fallback,
            deduplication_id: format!("{}:{key}:{failure}", self.consumer),
            subject: self.subject.clone().unwrap_or_else(|| self.message_id.clone()),
            note: serde_json::to_string(&self).ok(),
            group,
            body: body.to_owned(),
        }
    }
}
