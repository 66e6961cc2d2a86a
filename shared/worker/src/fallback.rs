//! Messages for the fallback queue.

use bellhop_events::{FallbackNote, Fault, Queue};

use crate::dispatch::Outgoing;

impl Outgoing {
    /// To a person: something that came to a consumer by another road than its queue, and will never do.
    #[must_use]
    pub fn for_a_person(fault: &Fault, consumer: &str, queue: Queue, id: &str, body: &str) -> Self {
        Self::fallback(&FallbackNote::of(fault, consumer, queue, "", id), body, id, "0")
    }

    /// The message. `failure` tells apart the failures of one event.
    pub(crate) fn fallback(note: &FallbackNote, body: &str, key: &str, failure: &str) -> Self {
        let group = if note.group.is_empty() { "unknown".to_owned() } else { note.group.clone() };
        let failure = format!("{}:{key}:{failure}", note.consumer);
        let note = FallbackNote { failure: Some(failure.clone()), ..note.clone() };
        Self {
            queue: Queue::Fallback,
            deduplication_id: failure,
            subject: note.subject.clone().unwrap_or_else(|| note.message_id.clone()),
            note: serde_json::to_string(&note).ok(),
            group,
            body: body.to_owned(),
        }
    }
}
