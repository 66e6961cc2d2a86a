//! One structured line for each message: no body, no guest.

use bellhop_events::Envelope;

use crate::message::Message;
use crate::outcome::{Outcome, Worked};

/// The line of an event that was read.
pub(crate) fn line(consumer: &str, event: &Envelope, worked: &Worked, receive_count: u32) {
    let outcome = &worked.outcome;
    let (note, reason, cause, delay) = details(outcome);
    tracing::info!(
        outcome = outcome.word(),
        note,
        reason,
        cause,
        delay,
        consumer,
        tenant = event.tenant.as_str(),
        property = event.property.as_str(),
        subject = %event.subject,
        event = event.id.as_str(),
        trace = event.trace(),
        causationid = event.causationid.as_ref().map(bellhop_events::EventId::as_str),
        kind = event.event_type.chars().take(80).collect::<String>(),
        attempt = worked.attempt,
        receive_count,
        "message"
    );
}

/// The line of a message from the queue.
pub(crate) fn message(consumer: &str, message: &Message, event: Option<&Envelope>, worked: &Worked, now_ms: i64) {
    let outcome = &worked.outcome;
    let (note, reason, cause, delay) = details(outcome);
    let lag_ms = now_ms - message.sent_ms;
    let (attempt, receive_count) = (worked.attempt, message.receive_count);
    if let Some(event) = event {
        tracing::info!(
            outcome = outcome.word(),
            note,
            reason,
            cause,
            delay,
            consumer,
            tenant = event.tenant.as_str(),
            property = event.property.as_str(),
            subject = %event.subject,
            event = event.id.as_str(),
            trace = event.trace(),
            causationid = event.causationid.as_ref().map(bellhop_events::EventId::as_str),
            kind = event.event_type.chars().take(80).collect::<String>(),
            attempt,
            receive_count,
            lag_ms,
            message_id = message.id,
            "message"
        );
    } else {
        tracing::info!(
            outcome = outcome.word(),
            note,
            reason,
            cause,
            delay,
            consumer,
            group = message.group,
            attempt,
            receive_count,
            lag_ms,
            message_id = message.id,
            "message"
        );
    }
}

fn details(outcome: &Outcome) -> (Option<&'static str>, Option<&'static str>, Option<&str>, Option<u64>) {
    match outcome {
        Outcome::Applied(note) => (*note, None, None, None),
        Outcome::Review(reason) | Outcome::Redrive(reason) => (None, Some(reason.code()), None, None),
        Outcome::Retry(reason, delay) => (None, Some(reason.code()), None, Some(delay.as_secs())),
        Outcome::Delayed(cause, delay) => (None, None, Some(cause), Some(delay.as_secs())),
        Outcome::Parked(behind) => (None, None, Some(behind), None),
        Outcome::Duplicate | Outcome::Stale | Outcome::Released(_) | Outcome::Untouched => (None, None, None, None),
    }
}
