//! Release: a wake-up works the line behind a subject from its head, in bounded steps.
//!
//! A wake-up carries no event. It counts only if its generation is the hold's and a verdict is given, so lost, doubled or
//! stale ones are harmless. All that entered the queue before it was parked before it: nothing overtakes.

use bellhop_events::catalogue::{self, HOLD_RELEASED, HoldReleased};
use bellhop_events::{Envelope, EventId, Fault, MessageGroup, Queue, Reason, Subject};
use bellhop_store::{
    Expect, Hold, Line, Parked, RecordState, Scope, StoreError, SubjectItem, Verdict, Write, decode_item,
};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::Worker;
use crate::apply::advance;
use crate::dispatch::Outgoing;
use crate::handler::Handler;
use crate::outcome::{Outcome, Worked};
use crate::process::{Loaded, Place, Task};

/// How a step of a release ended.
enum Step {
    /// This run has worked the head, and sent what follows from it.
    Sent,
    /// The head is not where it was, or was not to be worked: look at it again.
    Look,
    /// The wake-up must come again.
    Again(Worked),
}

impl<H: Handler> Worker<H> {
    /// Works the line that a wake-up names.
    pub(crate) async fn release(&self, wake: &Task, receive_count: u32) -> Worked {
        match self.try_release(wake, receive_count).await {
            Ok(worked) => worked,
            Err(error) => self.unreleased(wake, receive_count, error).await,
        }
    }

    /// The head of a line cannot even be given up. Once a person is told of it, the line waits for their verdict.
    pub(crate) async fn unreleased(&self, wake: &Task, receive_count: u32, error: StoreError) -> Worked {
        let worked = self.unrecorded(wake, receive_count, error);
        let Outcome::Review(reason) = worked.outcome else { return worked };
        match self.ask_again(wake, reason).await {
            Err(error @ (StoreError::Unavailable(_) | StoreError::Lost)) => self.unavailable(receive_count, &error),
            // Where even that cannot be written, the notice stands alone.
            _ => worked,
        }
    }

    async fn ask_again(&self, wake: &Task, reason: Reason) -> Result<(), StoreError> {
        let Ok(HoldReleased { version, line }) = wake.envelope.payload() else { return Ok(()) };
        let Some(mut item) = self.store.subject(&wake.scope, wake.subject()).await? else { return Ok(()) };
        let Some(hold) = item.line_mut(line).as_mut().filter(|hold| hold.generation == version) else { return Ok(()) };
        hold.verdict = None;
        hold.generation += 1;
        reason.code().clone_into(&mut hold.reason);
        self.store.commit(vec![item.put()?]).await
    }

    async fn try_release(&self, wake: &Task, receive_count: u32) -> Result<Worked, StoreError> {
        let payload: HoldReleased = match wake.envelope.payload() {
            Ok(payload) => payload,
            Err(fault) => return Ok(Self::misplaced(wake, &fault)),
        };
        let (scope, holder, line) = (&wake.scope, wake.subject(), payload.line);
        let mut steps = 0;
        // Where this run's own last step left the head. If it is elsewhere, another process moved it, and may have died before
        // it sent what follows from that.
        let mut own: Option<u64> = None;
        let mut before: Option<Hold> = None;
        loop {
            let Some(item) = self.store.subject(scope, holder).await? else { break };
            let Some(hold) = item.line(line).cloned() else { break };
            if hold.generation != payload.version || hold.verdict.is_none() {
                let owed =
                    if steps == 0 && wake.again { self.owed_by(scope, holder, line, &hold).await? } else { vec![] };
                return Ok(Worked::sending(Outcome::Released(steps), owed));
            }
            if own != Some(hold.head) && !self.dispatch_before(scope, holder, line, &hold).await? {
                return Err(StoreError::Unavailable("follow-ups were not accepted".to_owned()));
            }
            if hold.is_empty() {
                match self.end(scope, holder, line, item, &hold).await {
                    Err(StoreError::Lost) => continue,
                    other => other?,
                }
                break;
            }
            if steps >= self.policy.release_steps {
                let next = wake_up(scope, H::QUEUE, holder, line, &hold, (self.clock)());
                return Ok(Worked::sending(Outcome::Released(steps), vec![next]));
            }
            if before.replace(hold.clone()).as_ref() == Some(&hold) {
                return Err(StoreError::Defect("the line does not move".to_owned()));
            }
            match self.step(scope, holder, line, &hold, receive_count).await? {
                Step::Sent => (steps, own) = (steps + 1, Some(hold.head + 1)),
                Step::Look => (steps, own) = (steps + 1, None),
                // Its receives are those of the events before: a wake-up of its own, or SQS would take it out too early.
                Step::Again(_) if steps > 0 => {
                    let next = wake_up(scope, H::QUEUE, holder, line, &hold, (self.clock)());
                    return Ok(Worked::sending(Outcome::Released(steps), vec![next]));
                }
                Step::Again(worked) => return Ok(worked),
            }
        }
        Ok(Worked::of(Outcome::Released(steps)))
    }

    async fn step(
        &self,
        scope: &Scope,
        holder: &Subject,
        line: Line,
        hold: &Hold,
        receive_count: u32,
    ) -> Result<Step, StoreError> {
        let place = Place::head(line, holder, hold);
        let task = self.task_at(scope, &place).await?;
        if hold.verdict == Some(Verdict::Discard) {
            return match self.discard(&task, &place).await {
                Ok(told) if self.queues.send(&told).await.is_empty() => Ok(Step::Sent),
                Ok(_) => Err(StoreError::Unavailable("follow-ups were not accepted".to_owned())),
                Err(StoreError::Lost) => Ok(Step::Look),
                Err(error) => Err(error),
            };
        }
        let worked = match self.process(&task).await {
            Ok(worked) => worked,
            Err(error) => self.settle(&task, receive_count, error).await,
        };
        if !self.queues.send(&worked.sends).await.is_empty() {
            return Err(StoreError::Unavailable("follow-ups were not accepted".to_owned()));
        }
        crate::log::line(H::CONSUMER, &task.envelope, &worked, receive_count);
        Ok(match worked.outcome {
            // A retry keeps the wake-up, and with it the group, until the attempt succeeds or the budget is spent.
            Outcome::Retry(..) | Outcome::Delayed(..) | Outcome::Untouched => Step::Again(worked),
            Outcome::Applied(_) | Outcome::Stale => Step::Sent,
            _ => Step::Look,
        })
    }

    /// The event at a place of a line.
    async fn task_at(&self, scope: &Scope, place: &Place) -> Result<Task, StoreError> {
        let key = scope.parked(place.line, &place.holder, place.index);
        let Some(item) = self.store.get(std::slice::from_ref(&key)).await?.remove(&key) else {
            return Err(StoreError::Defect(format!("no event at {}", key.sort_key())));
        };
        let parked: Parked = decode_item(item)?;
        let Ok(envelope) = Envelope::decode(&parked.body) else {
            return Err(StoreError::Defect(format!("unreadable event at {}", key.sort_key())));
        };
        let critical = catalogue::find(&envelope.event_type).is_ok_and(|entry| entry.critical);
        let checked = catalogue::route(&envelope, H::QUEUE).and_then(|entry| (entry.check)(&envelope));
        Ok(Task {
            fault: checked.err(),
            deaths: 0,
            digest: envelope.digest(),
            scope: scope.clone(),
            body: parked.body,
            message_id: parked.message_id,
            again: true,
            silo: None,
            place: Some(place.clone()),
            from_journal: false,
            critical,
            envelope,
        })
    }

    /// The event at the head took the process down: a person is asked, and the line waits on.
    pub(crate) async fn fail_head(&self, wake: &Task, fault: &Fault) -> Result<Worked, StoreError> {
        let Ok(HoldReleased { version, line }) = wake.envelope.payload() else { return Ok(Worked::of(Outcome::Stale)) };
        let (scope, holder) = (&wake.scope, wake.subject());
        let item = self.store.subject(scope, holder).await?;
        let Some(hold) = item.as_ref().and_then(|item| item.line(line)).filter(|hold| !hold.is_empty()) else {
            return Ok(Worked::of(Outcome::Stale));
        };
        if hold.generation != version {
            return Ok(Worked::sending(Outcome::Stale, self.owed_by(scope, holder, line, hold).await?));
        }
        let task = self.task_at(scope, &Place::head(line, holder, hold)).await?;
        let worked = self.give_up(&Task { deaths: wake.deaths, ..task }, fault).await?;
        // In a line of many subjects the others go on.
        let item = self.store.subject(scope, holder).await?;
        let flowing = item.as_ref().and_then(|item| item.line(line)).filter(|hold| hold.verdict.is_some());
        let wake_up = flowing.map(|hold| wake_up(scope, H::QUEUE, holder, line, hold, (self.clock)()));
        Ok(Worked { sends: worked.sends.into_iter().chain(wake_up).collect(), ..worked })
    }

    /// What an earlier run of a wake-up may owe, if the line has another generation by now: the wake-up of that, or the notice
    /// that the head failed.
    async fn owed_by(
        &self,
        scope: &Scope,
        holder: &Subject,
        line: Line,
        hold: &Hold,
    ) -> Result<Vec<Outgoing>, StoreError> {
        if hold.verdict.is_some() {
            return Ok(vec![wake_up(scope, H::QUEUE, holder, line, hold, (self.clock)())]);
        }
        let task = self.task_at(scope, &Place::head(line, holder, hold)).await?;
        let record = self.store.record(scope, &task.envelope.id).await?;
        let failed = record.filter(|record| record.state == RecordState::Failed);
        Ok(failed.map(|record| Self::ask_once_more(&task, &record)).unwrap_or_default())
    }

    /// The dispatch of the event that was worked last may be owed: it is made again, known follow-ups are duplicates.
    async fn dispatch_before(
        &self,
        scope: &Scope,
        holder: &Subject,
        line: Line,
        hold: &Hold,
    ) -> Result<bool, StoreError> {
        let Some(before) = hold.head.checked_sub(1) else { return Ok(true) };
        let place = Place { index: before, ..Place::head(line, holder, hold) };
        let key = scope.parked(line, holder, before);
        if self.store.get(std::slice::from_ref(&key)).await?.is_empty() {
            return Ok(true);
        }
        let task = self.task_at(scope, &place).await?;
        let Some(item) = self.store.subject(scope, task.subject()).await? else { return Ok(true) };
        let mut sends = self.rebuild(&task, &item)?;
        // It may have registered what others wait for.
        if let Some(wait) = item.wait.as_ref().filter(|wait| line == Line::Hold && wait.verdict.is_some()) {
            sends.push(wake_up(scope, H::QUEUE, task.subject(), Line::Wait, wait, (self.clock)()));
        }
        if let Some(record) = self.store.record(scope, &task.envelope.id).await?
            && record.failures > 0
        {
            sends.extend(Self::ask_once_more(&task, &record));
            sends.extend(Self::close(&task, &record));
        }
        Ok(self.queues.send(&sends).await.is_empty())
    }

    async fn discard(&self, task: &Task, place: &Place) -> Result<Vec<Outgoing>, StoreError> {
        let mut loaded: Loaded = self.load(task, Vec::new()).await?;
        let mut record = task.record_or_new(&loaded, RecordState::Discarded);
        record.place = None;
        record.forget_after((self.clock)().as_second());
        let mut writes = advance(task, place, &mut loaded.item, loaded.other.as_mut())?;
        if loaded.other.is_none() {
            writes.push(loaded.item.put()?);
        }
        writes.push(record.put(task.scope.record(&task.envelope.id))?);
        self.store.commit(writes).await?;
        Ok(Self::close(task, &record).into_iter().collect())
    }

    /// The line is empty: the hold goes, on condition that nothing joined meanwhile.
    async fn end(
        &self,
        scope: &Scope,
        holder: &Subject,
        line: Line,
        mut item: SubjectItem,
        hold: &Hold,
    ) -> Result<(), StoreError> {
        *item.line_mut(line) = None;
        let mut writes = vec![item.put()?];
        if let Some(last) = hold.head.checked_sub(1) {
            writes.push(Write::Delete { key: scope.parked(line, holder, last), expect: Expect::Any });
        }
        self.store.commit(writes).await
    }
}

/// The wake-up of a hold: no event, only which line of which subject, and of which generation.
#[must_use]
pub fn wake_up(scope: &Scope, queue: Queue, subject: &Subject, line: Line, hold: &Hold, now: Timestamp) -> Outgoing {
    let group = scope.group();
    let text = [group.to_string(), subject.to_string(), hold.generation.to_string(), hold.head.to_string()];
    let line_word = serde_json::to_string(&line).unwrap_or_default();
    let id = EventId::hashed('w', &[scope.consumer(), &text[0], &text[1], &line_word, &text[2], &text[3]]);
    let payload = HoldReleased { version: hold.generation, line };
    let source = format!("/bellhop/{}", scope.consumer());
    let data = Envelope::data_of(&payload);
    Outgoing::event(queue, group, &Envelope::own(source, group, id, HOLD_RELEASED.name, subject.clone(), now, data))
}

/// An event that follows from another.
pub(crate) fn event(
    cause: &Envelope,
    consumer: &str,
    group: &MessageGroup,
    id: EventId,
    event_type: &'static str,
    subject: Subject,
    data: Map<String, Value>,
) -> Outgoing {
    let own = Envelope::own(format!("/bellhop/{consumer}"), group, id, event_type, subject, cause.time, data);
    let queue = catalogue::find(event_type).ok().and_then(|entry| entry.queue).unwrap_or(Queue::Fallback);
    Outgoing::event(queue, group, &own.caused_by(cause))
}
