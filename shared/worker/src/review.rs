//! What a person is asked, and what came of it: to the fallback queue, and to whoever listens at the property.

use bellhop_events::catalogue::{
    REVIEW_CLOSED, REVIEW_OPENED, ReviewClosed, ReviewOpened, ReviewOutcome, WEBHOOK_REQUESTED, WebhookRequested,
};
use bellhop_events::{Envelope, Fault, Queue, Reason, follow_up_id};
use bellhop_store::{Record, RecordState};

use crate::Worker;
use crate::dispatch::Outgoing;
use crate::handler::Handler;
use crate::process::Task;

impl<H: Handler> Worker<H> {
    /// A person is asked about an event that was given up.
    pub(crate) fn ask(task: &Task, fault: &Fault, record: &Record) -> Vec<Outgoing> {
        let opened = ReviewOpened {
            version: u64::from(record.failures),
            event: task.envelope.id.clone(),
            event_type: task.envelope.event_type.chars().take(256).collect(),
            reason: fault.reason.code().to_owned(),
        };
        let told = Self::tell(task, record, 0, &WebhookRequested::of(REVIEW_OPENED.name, &opened));
        let note = Self::fallback(task, fault, record.attempts, &record.failures.to_string());
        [note].into_iter().chain(told).collect()
    }

    /// The same again: its first dispatch may have been lost.
    pub(crate) fn ask_once_more(task: &Task, record: &Record) -> Vec<Outgoing> {
        Self::ask(task, &Fault::new(last_reason(record), "").expected("see the record of the event"), record)
    }

    /// An event that a person was asked about is done, or is not going to be.
    pub(crate) fn close(task: &Task, record: &Record) -> Option<Outgoing> {
        let outcome = match record.state {
            RecordState::Done => ReviewOutcome::Done,
            RecordState::Discarded => ReviewOutcome::Discarded,
            RecordState::Retrying | RecordState::Failed | RecordState::Parked => return None,
        };
        if record.failures == 0 {
            return None;
        }
        let version = u64::from(record.failures);
        let closed = ReviewClosed { version, event: task.envelope.id.clone(), outcome };
        Self::tell(task, record, 1, &WebhookRequested::of(REVIEW_CLOSED.name, &closed))
    }

    fn tell(task: &Task, record: &Record, part: usize, told: &WebhookRequested) -> Option<Outgoing> {
        let cause = &task.envelope;
        let may_send = H::QUEUE == Queue::Synchronization || H::SENDS_TO.contains(&Queue::Synchronization);
        // That a webhook does not take an event is nothing to tell a webhook.
        if !may_send || cause.event_type == WEBHOOK_REQUESTED.name {
            return None;
        }
        // Beyond the indexes of the follow-ups that the handler makes.
        let index = 1_000_000 + 2 * usize::try_from(record.failures).unwrap_or_default() + part;
        let id = follow_up_id(H::CONSUMER, task.scope.group(), &cause.subject, &cause.id, index);
        let (group, data) = (cause.group(), Envelope::data_of(told));
        Some(crate::release::event(cause, H::CONSUMER, &group, id, WEBHOOK_REQUESTED.name, cause.subject.clone(), data))
    }
}

pub(crate) fn last_reason(record: &Record) -> Reason {
    let code = record.reasons.last().map_or("", String::as_str);
    Reason::of_code(code).unwrap_or(Reason::AttemptsExhausted)
}
