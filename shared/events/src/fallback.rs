//! What is said of an event that was given up.

use serde::{Deserialize, Serialize};

use crate::{Fault, Queue};

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
    /// Which failure it is, `CONSUMER:EVENT:NUMBER`: the deduplication id of the message, which SQS replaces when it moves the
    /// message to a dead-letter queue or back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl FallbackNote {
    /// What a consumer says of a message that it cannot read further.
    #[must_use]
    pub fn of(fault: &Fault, consumer: &str, queue: Queue, group: &str, message_id: &str) -> Self {
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
            failure: None,
        }
    }
}
