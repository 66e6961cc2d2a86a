//! Making a decision durable: one write for state, record, outbox and the advance of a line.

use bellhop_events::{EventId, MessageGroup, follow_up_id};
use bellhop_store::{Expect, Line, Record, RecordState, Seen, StoreError, SubjectItem, Verdict, Write};

use crate::Worker;
use crate::dispatch::Outgoing;
use crate::handler::{Decision, Effect, FollowUp, Handler, decode_state};
use crate::outcome::{Outcome, Worked};
use crate::process::{Loaded, Place, Task};
use crate::release::wake_up;

impl<H: Handler> Decision<H> {
    pub(crate) fn outcome(&self) -> Outcome {
        match self.effect {
            Effect::Applied => Outcome::Applied(self.note),
            Effect::Stale => Outcome::Stale,
        }
    }
}

impl<H: Handler> Worker<H> {
    /// Makes a step of an event durable that is not done yet: no record, no outbox.
    pub(crate) async fn claim(&self, loaded: &Loaded, decision: &mut Decision<H>) -> Result<(), StoreError> {
        let mut writes = std::mem::take(&mut decision.writes);
        if let Some(state) = &decision.state {
            let mut item = loaded.item.clone();
            item.state = Some(attribute_value(state)?);
            writes.push(item.put()?);
        }
        if writes.is_empty() { Ok(()) } else { self.store.commit(writes).await }
    }

    /// Makes an event durable whose repetition does no harm: its follow-ups are sent from the decision itself.
    pub(crate) async fn apply_unrecorded(
        &self,
        task: &Task,
        loaded: &Loaded,
        mut decision: Decision<H>,
    ) -> Result<Worked, StoreError> {
        let outcome = decision.outcome();
        self.claim(loaded, &mut decision).await?;
        let sends = match decision.state.as_ref().zip(decision.outbox.as_ref()) {
            Some((state, outbox)) => self.follow_ups(task, state, outbox)?,
            None => Vec::new(),
        };
        Ok(Worked::sending(outcome, sends))
    }

    pub(crate) async fn apply(
        &self,
        task: &Task,
        mut loaded: Loaded,
        decision: Decision<H>,
    ) -> Result<Worked, StoreError> {
        let now = (self.clock)();
        let outcome = decision.outcome();
        let mut writes = decision.writes;
        let item = &mut loaded.item;
        if let Some(state) = &decision.state {
            item.state = Some(attribute_value(state)?);
        }
        if let Some(outbox) = &decision.outbox {
            item.outbox = Some((task.envelope.id.to_string(), attribute_value(outbox)?));
        }
        let wakes = decision.registers && item.wait.is_some();
        if let Some(wait) = item.wait.as_mut().filter(|_| decision.registers) {
            wait.verdict = Some(Verdict::Retry);
            wait.generation += 1;
        }
        let mut closed = None;
        match &task.place {
            None => {
                let moved = item.remember(&task.envelope.id, task.digest, now);
                writes.extend(self.keep_elsewhere(task, moved).await?);
                writes.push(loaded.item.put()?);
                if let Some(record) = loaded.record.as_mut() {
                    record.state = RecordState::Done;
                    record.forget_after(now.as_second());
                    writes.push(record.put(task.scope.record(&task.envelope.id))?);
                }
            }
            Some(place) => {
                let mut record = task.record_or_new(&loaded, RecordState::Done);
                record.place = None;
                record.forget_after(now.as_second());
                closed = Self::close(task, &record);
                writes.push(record.put(task.scope.record(&task.envelope.id))?);
                let item = &mut loaded.item;
                writes.extend(advance(task, place, item, loaded.other.as_mut())?);
                writes.push(item.put()?);
            }
        }
        self.store.commit(writes).await?;
        let mut sends = self.rebuild(task, &loaded.item)?;
        sends.extend(closed);
        if let Some(wait) = loaded.item.wait.as_ref().filter(|_| wakes) {
            sends.push(wake_up(&task.scope, H::QUEUE, task.subject(), Line::Wait, wait, now));
        }
        Ok(Worked::sending(outcome, sends))
    }

    /// Records for events that are done and no longer fit the subject's item. One that is there is left alone: it says the
    /// same, or belongs to an event of another subject with the same id, which may wait for a person.
    async fn keep_elsewhere(&self, task: &Task, moved: Vec<(String, Seen)>) -> Result<Vec<Write>, StoreError> {
        if moved.is_empty() {
            return Ok(Vec::new());
        }
        let moved = moved.into_iter().filter_map(|(id, seen)| Some((EventId::try_from(id).ok()?, seen)));
        let moved: Vec<_> = moved.map(|(id, seen)| (task.scope.record(&id), id, seen)).collect();
        let keys: Vec<_> = moved.iter().map(|(key, ..)| key.clone()).collect();
        let known = self.store.get(&keys).await?;
        let new = moved.into_iter().filter(|(key, ..)| !known.contains_key(key));
        new.map(|(key, id, seen)| Record::of_seen(&id, task.subject(), seen).put(key)).collect()
    }

    /// An event of a line that turns out to be done already: the line goes on.
    pub(crate) async fn step_over(&self, task: &Task, mut loaded: Loaded) -> Result<Worked, StoreError> {
        let Some(place) = &task.place else { return Ok(Worked::of(Outcome::Duplicate)) };
        let mut writes = advance(task, place, &mut loaded.item, loaded.other.as_mut())?;
        if loaded.other.is_none() {
            writes.push(loaded.item.put()?);
        }
        self.store.commit(writes).await?;
        let record = loaded.record.map(|record| Record { state: RecordState::Done, ..record });
        let closed = record.and_then(|record| Self::close(task, &record));
        Ok(Worked::sending(Outcome::Duplicate, closed.into_iter().collect()))
    }

    /// The follow-ups of the event that the item did last; none if that was another.
    pub(crate) fn rebuild(&self, task: &Task, item: &SubjectItem) -> Result<Vec<Outgoing>, StoreError> {
        let event = &task.envelope;
        let Some((_, outbox)) = item.outbox.as_ref().filter(|(by, _)| by == event.id.as_str()) else {
            return Ok(Vec::new());
        };
        let outbox =
            serde_dynamo::from_attribute_value(outbox.clone()).map_err(|e| StoreError::Defect(e.to_string()))?;
        let Some(state) = decode_state(item)? else { return Ok(Vec::new()) };
        self.follow_ups(task, &state, &outbox)
    }

    fn follow_ups(&self, task: &Task, state: &H::State, outbox: &H::Outbox) -> Result<Vec<Outgoing>, StoreError> {
        let follow_ups = Self::guarded(|| self.handler.follow_ups(&task.envelope, state, outbox));
        let follow_ups = follow_ups.map_err(|fault| StoreError::Defect(fault.found))?;
        let numbered = follow_ups.into_iter().enumerate();
        Ok(numbered.map(|(index, follow_up)| self.outgoing(task, index, follow_up)).collect())
    }

    fn outgoing(&self, task: &Task, index: usize, follow_up: FollowUp) -> Outgoing {
        let cause = &task.envelope;
        match follow_up {
            FollowUp::Event { event_type, subject, data } => {
                let id = follow_up_id(H::CONSUMER, &cause.group(), &cause.subject, &cause.id, index);
                crate::release::event(cause, H::CONSUMER, &cause.group(), id, event_type, subject, data)
            }
            FollowUp::ToChannel { channel, event_type, subject, data, gathers } => {
                let group = MessageGroup { channel: Some(channel), ..cause.group() };
                let id = match self.policy.gather_seconds {
                    // The queue delays what is sent now beyond the end of this interval, so that whoever is first in it
                    // speaks for all that is written in it; and what is sent is written.
                    seconds if gathers && seconds > 0 => {
                        let interval = (self.clock)().as_second() / i64::from(seconds);
                        EventId::hashed('g', &[H::CONSUMER, &group.to_string(), event_type, &interval.to_string()])
                    }
                    _ => follow_up_id(H::CONSUMER, &group, &cause.subject, &cause.id, index),
                };
                crate::release::event(cause, H::CONSUMER, &group, id, event_type, subject, data)
            }
            // A producer may use one id for events of two subjects: neither notice may pass for the other.
            FollowUp::Review(fault) => {
                let subject = EventId::hashed('s', &[&task.subject().to_string()]);
                Self::fallback(task, &fault, 0, &format!("outcome:{subject}"))
            }
        }
    }
}

/// Moves the head of the line past the task. The event just worked stays readable until the next step, for its dispatch
/// may be owed; the one before it goes.
pub(crate) fn advance(
    task: &Task,
    place: &Place,
    own: &mut SubjectItem,
    other: Option<&mut SubjectItem>,
) -> Result<Vec<Write>, StoreError> {
    let mut writes = Vec::new();
    match other {
        Some(other) => {
            step(task, place, other)?;
            writes.push(other.put()?);
        }
        None => step(task, place, own)?,
    }
    if let Some(before) = place.index.checked_sub(1) {
        writes.push(Write::Delete { key: task.scope.parked(place.line, &place.holder, before), expect: Expect::Any });
    }
    Ok(writes)
}

fn step(task: &Task, place: &Place, holder: &mut SubjectItem) -> Result<(), StoreError> {
    let registered = place.line == Line::Hold || holder.state.is_some();
    match holder.line_mut(place.line) {
        Some(hold) if place.is_next(hold) => {
            hold.head += 1;
            // A verdict on one event of a property that is not registered is none on the others.
            hold.verdict = (registered || hold.is_empty()).then_some(Verdict::Retry);
            // The wake-up that died of this event must not fail the next as well, should it come again.
            hold.generation += u64::from(task.deaths > 0);
            Ok(())
        }
        // Somebody else advanced it, or a person's verdict changed: read again.
        _ => Err(StoreError::Lost),
    }
}

fn attribute_value<T: serde::Serialize>(value: &T) -> Result<aws_sdk_dynamodb::types::AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(value).map_err(|error| StoreError::Defect(error.to_string()))
}
