//! What cannot be done now: parked behind another event, or given up to a person. Record, line and hold in one write.

use bellhop_events::{Digest, FallbackNote, Fault, Reason, Subject};
use bellhop_store::{Expect, Hold, Line, Record, RecordState, StoreError, SubjectItem, Write, encode_item};

use crate::Worker;
use crate::apply::advance;
use crate::config::DeadLetters;
use crate::dispatch::Outgoing;
use crate::handler::Handler;
use crate::judge::{Known, judge};
use crate::outcome::{Outcome, Worked};
use crate::process::{Loaded, MOST_RACES, Place, Task, is_overtaken, lost_too_often};
use crate::review::last_reason;

impl<H: Handler> Worker<H> {
    /// Parks an event behind another, in order.
    pub(crate) async fn park(
        &self,
        task: &Task,
        mut loaded: Loaded,
        line: Line,
        holder: &Subject,
    ) -> Result<Worked, StoreError> {
        let mut writes = Vec::new();
        if let Some(place) = &task.place {
            writes.extend(advance(task, place, &mut loaded.item, loaded.other.as_mut())?);
        }
        let mut record = task.record_or_new(&loaded, RecordState::Parked);
        let on_own = *holder == *task.subject();
        let item = if on_own { &mut loaded.item } else { loaded.other.as_mut().unwrap_or(&mut loaded.item) };
        writes.extend(self.join(task, item, line, holder, &mut record)?);
        writes.push(item.put()?);
        writes.push(record.put(task.scope.record(&task.envelope.id))?);
        self.store.commit(writes).await?;
        Ok(Worked::of(Outcome::Parked(holder.to_string())))
    }

    /// Takes the next place of a line.
    fn join(
        &self,
        task: &Task,
        item: &mut SubjectItem,
        line: Line,
        holder: &Subject,
        record: &mut Record,
    ) -> Result<Option<Write>, StoreError> {
        let Some(hold) = item.line_mut(line) else { return Err(StoreError::Lost) };
        let index = hold.take_place();
        record.place = Some((line, holder.to_string(), index));
        record.ttl = None;
        let parked = task.parked((self.clock)().as_second());
        let key = task.scope.parked(line, holder, index);
        Ok(Some(Write::Put { key, item: encode_item(&parked)?, expect: Expect::Any }))
    }

    /// The first event that waits for a subject opens the line and asks a person; the others will find the line and join.
    pub(crate) async fn wait_for(
        &self,
        task: &Task,
        mut loaded: Loaded,
        holder: &Subject,
        fault: &Fault,
    ) -> Result<Worked, StoreError> {
        let Some(other) = loaded.other.as_mut() else { return self.give_up(task, fault).await };
        other.wait = Some(Hold::new(other.rev + 1, fault.reason.code(), (self.clock)()));
        let mut record = loaded
            .record
            .clone()
            .unwrap_or_else(|| Record::new(&task.envelope.id, task.subject(), task.digest, RecordState::Failed));
        record.state = RecordState::Failed;
        record.failures += 1;
        record.note(fault.reason.code());
        let mut writes: Vec<_> = self.join(task, other, Line::Wait, holder, &mut record)?.into_iter().collect();
        writes.push(other.put()?);
        writes.push(record.put(task.scope.record(&task.envelope.id))?);
        self.store.commit(writes).await?;
        Ok(Worked::sending(Outcome::Review(fault.reason), Self::ask(task, fault, &record)))
    }

    /// The event waits in the line of its holder, without a question to anybody: the holder will be well again by itself.
    pub(crate) async fn wait_quietly(
        &self,
        task: &Task,
        mut loaded: Loaded,
        fault: &Fault,
        mut writes: Vec<Write>,
    ) -> Result<Worked, StoreError> {
        let holder = match &task.place {
            Some(Place { line: Line::Wait, holder, .. }) => Some(holder.clone()),
            // Its own line waits for a person already: it stays at the head of that.
            Some(_) => None,
            None => self.handler.waits_for(&task.envelope, &task.scope),
        };
        let Some((holder, other)) = holder.zip(loaded.other.as_mut()) else {
            return Ok(self.unavailable(1, fault));
        };
        let code = fault.reason.code();
        if task.place.is_some() {
            // Still at the head: the line stops until its holder is well.
            let Some(hold) = other.wait.as_mut() else { return Err(StoreError::Lost) };
            hold.verdict = None;
            hold.generation += 1;
            code.clone_into(&mut hold.reason);
        } else {
            other.wait = Some(Hold::new(other.rev + 1, code, (self.clock)()));
            let mut record = task.record_or_new(&loaded, RecordState::Parked);
            let Some(other) = loaded.other.as_mut() else { return Err(StoreError::Lost) };
            writes.extend(self.join(task, other, Line::Wait, &holder, &mut record)?);
            writes.push(record.put(task.scope.record(&task.envelope.id))?);
        }
        writes.extend(loaded.other.as_ref().map(SubjectItem::put).transpose()?);
        self.store.commit(writes).await?;
        Ok(Worked::of(Outcome::Parked(holder.to_string())))
    }

    /// Gives an event up to a person: from now on later events of its subject are parked.
    pub(crate) async fn give_up(&self, task: &Task, fault: &Fault) -> Result<Worked, StoreError> {
        let mut again = task.again;
        for _ in 0..MOST_RACES {
            match self.give_up_once(task, fault, again).await {
                Err(StoreError::Lost) => again = true,
                other => return other,
            }
        }
        Err(lost_too_often())
    }

    async fn give_up_once(&self, task: &Task, fault: &Fault, again: bool) -> Result<Worked, StoreError> {
        let mut loaded = self.load(task, Vec::new()).await?;
        match judge(&task.envelope.id, &task.digest, &loaded.item, loaded.record.as_ref()) {
            Known::Done if task.place.is_none() => return Ok(Worked::of(Outcome::Duplicate)),
            Known::Waiting(state) if task.place.is_none() => return Ok(self.still_waiting(task, state, &loaded, again)),
            Known::Conflict(known) if task.place.is_none() => {
                return self.conflict(task, loaded, &known, &task.digest).await;
            }
            _ if is_overtaken(task, &loaded) => return Ok(Self::overtaken(task, &loaded)),
            _ => {}
        }
        if let Some((line, holder)) = self.must_park(task, &loaded) {
            return self.park(task, loaded, line, &holder).await;
        }
        let mut record = task.record_or_new(&loaded, RecordState::Failed);
        record.attempts = record.attempts.max(task.deaths);
        record.failures += 1;
        record.note(fault.reason.code());
        let subject = task.subject().clone();
        let mut writes = Vec::new();
        let heads_own_line = task.place.as_ref().is_some_and(|p| p.line == Line::Hold && p.holder == subject);
        if heads_own_line {
            let Some(hold) = &mut loaded.item.hold else { return Err(StoreError::Lost) };
            hold.verdict = None;
            hold.generation += 1;
            fault.reason.code().clone_into(&mut hold.reason);
        } else {
            if let Some(place) = &task.place {
                writes.extend(advance(task, place, &mut loaded.item, loaded.other.as_mut())?);
            }
            let item = &mut loaded.item;
            item.hold = Some(Hold::new(item.rev + 1, fault.reason.code(), (self.clock)()));
            writes.extend(self.join(task, item, Line::Hold, &subject, &mut record)?);
        }
        writes.push(loaded.item.put()?);
        writes.push(record.put(task.scope.record(&task.envelope.id))?);
        self.store.commit(writes).await?;
        Ok(Worked::sending(Outcome::Review(fault.reason), Self::ask(task, fault, &record)))
    }

    /// The same id or version with other content: to review, without a hold; it can only come again under a new id. A line
    /// goes on behind it.
    pub(crate) async fn conflict(
        &self,
        task: &Task,
        mut loaded: Loaded,
        known: &str,
        found: &Digest,
    ) -> Result<Worked, StoreError> {
        let fault = Fault::new(Reason::IdempotencyConflict, "/data")
            .expected(format!("the payload that is known under this id or version, digest {known}"))
            .found(format!("digest {found}"));
        let mut failure = found.to_string()[..16].to_owned();
        let mut closed = None;
        if let Some(place) = &task.place {
            let mut writes = advance(task, place, &mut loaded.item, loaded.other.as_mut())?;
            if loaded.other.is_none() {
                writes.push(loaded.item.put()?);
            }
            // A record that knows another payload is not this event's.
            if let Some(record) = loaded.record.as_mut().filter(|record| record.accepts(&task.digest)) {
                record.state = RecordState::Discarded;
                record.place = None;
                record.failures += 1;
                record.note(fault.reason.code());
                record.discarded_because = Some(fault.reason.code().to_owned());
                record.forget_after((self.clock)().as_second());
                failure = record.failures.to_string();
                closed = Self::close(task, record);
                writes.push(record.put(task.scope.record(&task.envelope.id))?);
            }
            self.store.commit(writes).await?;
        }
        let note = Self::fallback(task, &fault, 0, &failure);
        Ok(Worked::sending(Outcome::Review(fault.reason), [note].into_iter().chain(closed).collect()))
    }

    /// An event of a line that a faster process has failed, or a person has decided on since: only the notice may be owed.
    pub(crate) fn overtaken(task: &Task, loaded: &Loaded) -> Worked {
        let failed = loaded.record.as_ref().filter(|record| record.state == RecordState::Failed);
        Worked::sending(Outcome::Duplicate, failed.map(|record| Self::ask_once_more(task, record)).unwrap_or_default())
    }

    /// The fallback message of a task.
    pub(crate) fn fallback(task: &Task, fault: &Fault, attempts: u32, failure: &str) -> Outgoing {
        let group = task.scope.group().to_string();
        let note = FallbackNote {
            subject: Some(task.subject().to_string()),
            event: Some(task.envelope.id.to_string()),
            attempts,
            critical: task.critical,
            ..FallbackNote::of(fault, H::CONSUMER, H::QUEUE, &group, &task.message_id)
        };
        Outgoing::fallback(&note, &task.body, task.envelope.id.as_str(), failure)
    }

    /// A second delivery of an event that waits. Its fallback message may be owed; under redrive it stays for SQS.
    pub(crate) fn still_waiting(&self, task: &Task, state: RecordState, loaded: &Loaded, again: bool) -> Worked {
        match loaded.record.as_ref().filter(|record| record.failures > 0) {
            Some(record) if state == RecordState::Failed && self.policy.dead_letters == DeadLetters::Redrive => {
                Worked::of(Outcome::Review(last_reason(record)))
            }
            Some(record) if again => Worked::sending(Outcome::Duplicate, Self::ask_once_more(task, record)),
            _ => Worked::of(Outcome::Duplicate),
        }
    }
}
