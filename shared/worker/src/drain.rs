//! Drain: a wake-up works the journal of a tenant that was resumed, in bounded steps. Each entry is worked as if it had just
//! arrived, and left behind once its outcome is durable and what follows from it is sent: cut off in between, it is worked again,
//! as a duplicate.

use bellhop_events::catalogue::{self, TENANT_RESUMED, TenantResumed};
use bellhop_events::{Envelope, EventId, Fault, MessageGroup, Queue, Subject};
use bellhop_store::journal::{Entry, Journal};
use bellhop_store::{Scope, StoreError};
use jiff::Timestamp;

use crate::Worker;
use crate::dispatch::Outgoing;
use crate::handler::Handler;
use crate::message::Message;
use crate::outcome::{Outcome, Worked};
use crate::process::Task;

impl<H: Handler> Worker<H> {
    /// Works the journal of the group that a wake-up names.
    pub(crate) async fn drain(&self, wake: &Task, receive_count: u32) -> Worked {
        match self.try_drain(wake, receive_count).await {
            Ok(worked) => worked,
            Err(error) => self.unrecorded(wake, receive_count, error),
        }
    }

    async fn try_drain(&self, wake: &Task, receive_count: u32) -> Result<Worked, StoreError> {
        let payload: TenantResumed = match wake.envelope.payload() {
            Ok(payload) => payload,
            Err(fault) => return Ok(Self::misplaced(wake, &fault)),
        };
        let scope = &wake.scope;
        let mut steps = 0;
        loop {
            let journal = self.store.journal(scope).await?;
            let Some(journal) = journal.filter(|journal| journal.generation == payload.version) else {
                return Ok(Worked::of(Outcome::Released(steps)));
            };
            if steps >= self.policy.release_steps {
                let next = resume(scope, H::QUEUE, &journal, (self.clock)());
                return Ok(Worked::sending(Outcome::Released(steps), vec![next]));
            }
            let message = replayed(wake, self.head(scope, &journal).await?, receive_count);
            let worked = match Self::task(&message) {
                Ok(task) => {
                    let event = task.envelope.clone();
                    let worked = self.run_task(Task { from_journal: true, ..task }, &message).await;
                    crate::log::line(H::CONSUMER, &event, &worked, receive_count);
                    worked
                }
                Err(fault) => Self::unreadable(&message, &fault, 0),
            };
            if !self.queues.send(&worked.sends).await.is_empty() {
                return Err(StoreError::Unavailable("follow-ups were not accepted".to_owned()));
            }
            match worked.outcome {
                // Its receives are those of the events before: a wake-up of its own, or SQS would take it out too early.
                Outcome::Retry(..) | Outcome::Delayed(..) | Outcome::Untouched if steps > 0 => {
                    let next = resume(scope, H::QUEUE, &journal, (self.clock)());
                    return Ok(Worked::sending(Outcome::Released(steps), vec![next]));
                }
                Outcome::Retry(..) | Outcome::Delayed(..) | Outcome::Untouched => return Ok(worked),
                _ => {}
            }
            self.leave_behind(scope, journal).await?;
            steps += 1;
        }
    }

    async fn head(&self, scope: &Scope, journal: &Journal) -> Result<Entry, StoreError> {
        let entry = self.store.journal_entry(scope, journal.head).await?;
        entry.ok_or_else(|| StoreError::Defect(format!("no entry at place {} of the journal", journal.head)))
    }

    async fn leave_behind(&self, scope: &Scope, journal: Journal) -> Result<(), StoreError> {
        match self.store.commit(journal.step(scope)?.into()).await {
            // Something joined it, or another process was faster: look again. What is done already is a duplicate then.
            Ok(()) | Err(StoreError::Lost) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The entry at the head took the process down: a person is asked, and the journal goes on.
    pub(crate) async fn fail_entry(&self, wake: &Task, fault: &Fault) -> Result<Worked, StoreError> {
        let Ok(TenantResumed { version }) = wake.envelope.payload() else { return Ok(Worked::of(Outcome::Stale)) };
        let scope = &wake.scope;
        let journal = self.store.journal(scope).await?;
        let Some(mut journal) = journal.filter(|journal| journal.generation == version) else {
            return Ok(Worked::of(Outcome::Stale));
        };
        let message = replayed(wake, self.head(scope, &journal).await?, 1);
        let worked = match Self::task(&message) {
            Ok(task) => self.give_up(&Task { deaths: wake.deaths, from_journal: true, ..task }, fault).await?,
            Err(fault) => Self::unreadable(&message, &fault, wake.deaths),
        };
        // The wake-up that died of this entry must not fail the next as well, should it come again.
        journal.generation += 1;
        let next = (journal.len() > 1).then(|| {
            let ahead = Journal { head: journal.head + 1, ..journal.clone() };
            resume(scope, H::QUEUE, &ahead, (self.clock)())
        });
        if !self.queues.send(&worked.sends).await.is_empty() {
            return Err(StoreError::Unavailable("follow-ups were not accepted".to_owned()));
        }
        self.store.commit(journal.step(scope)?.into()).await?;
        Ok(Worked { sends: next.into_iter().collect(), ..worked })
    }
}

/// The message that an entry was. The wake-up is received again in its stead, so its receives bound what cannot be recorded.
fn replayed(wake: &Task, entry: Entry, receive_count: u32) -> Message {
    let group = wake.scope.group();
    Message {
        silo: wake.silo.clone(),
        id: entry.message_id,
        receipt: String::new(),
        body: entry.body,
        group: group.to_string(),
        // A dispatch may be owed: it may have been worked before.
        receive_count: receive_count.max(2),
        // It has waited here, not in SQS: its age there is over.
        sent_ms: 0,
    }
}

/// The wake-up of a journal: no event, only which generation.
#[must_use]
pub fn resume(scope: &Scope, queue: Queue, journal: &Journal, now: Timestamp) -> Outgoing {
    let group: &MessageGroup = scope.group();
    let place = [journal.generation.to_string(), journal.head.to_string()];
    let id = EventId::hashed('j', &[scope.consumer(), &group.to_string(), &place[0], &place[1]]);
    let payload = TenantResumed { version: journal.generation };
    let source = format!("/bellhop/{}", scope.consumer());
    let subject = Subject::Property(group.property.clone());
    let data = Envelope::data_of(&payload);
    Outgoing::event(queue, group, &Envelope::own(source, group, id, TENANT_RESUMED.name, subject, now, data))
}

/// Whether an event is a message of the workers to themselves, whose order is none of a subject's.
pub(crate) fn is_wake_up(event: &Envelope) -> bool {
    [catalogue::HOLD_RELEASED.name, TENANT_RESUMED.name].contains(&event.event_type.as_str())
}
