//! Is this event known? Pure: what is stored, and the payload's digest, in; a verdict out.

use bellhop_events::{Digest, EventId};
use bellhop_store::{Record, RecordState, SubjectItem};

/// What is known of an event.
#[derive(Debug, Clone, PartialEq)]
pub enum Known {
    /// Nothing, or only failed attempts.
    Fresh,
    /// It is done, or decided.
    Done,
    /// It waits: for a person, or behind another.
    Waiting(RecordState),
    /// The id is known with another payload.
    Conflict(String),
}

/// Judges an event by its record, before any hold: an event must never park behind itself.
#[must_use]
pub fn judge(id: &EventId, digest: &Digest, item: &SubjectItem, record: Option<&Record>) -> Known {
    let accepted = record.is_some_and(|record| record.accepts(digest));
    if let Some(seen) = item.seen(id) {
        return if seen.digest == *digest || accepted { Known::Done } else { Known::Conflict(seen.digest.to_string()) };
    }
    match record {
        None => Known::Fresh,
        Some(record) if !accepted => Known::Conflict(record.digests.join(" or ")),
        Some(record) => match record.state {
            // In a line and put to work by a verdict: the line works it, not a second delivery.
            RecordState::Retrying if record.place.is_some() => Known::Waiting(RecordState::Parked),
            RecordState::Retrying => Known::Fresh,
            RecordState::Failed | RecordState::Parked => Known::Waiting(record.state),
            RecordState::Done | RecordState::Discarded => Known::Done,
        },
    }
}
