//! One event: read, judge, decide, commit. A lost race reads and decides again, in place.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use bellhop_events::{Digest, Envelope, Fault, Reason, Subject, TenantId};
use bellhop_store::{
    Hold, Key, Line, Parked, Record, RecordState, Registration, Scope, StoreError, SubjectItem, decode_item,
};

use crate::Worker;
use crate::dispatch::Outgoing;
use crate::gate::Gate;
use crate::handler::{Decision, Handler, Needs, Refusal, Then, View, decode_state};
use crate::judge::{Known, judge};
use crate::outcome::{Outcome, Worked};

/// How often a lost race is run again before the message is delayed.
pub(crate) const MOST_RACES: usize = 12;

/// How often a handler may ask for more, each time knowing more.
const MOST_READS: usize = 6;

/// The one call that an event may make, and what became of it.
pub(crate) struct Exchange<H: Handler> {
    call: Option<H::Call>,
    answer: Option<H::Answer>,
}

/// An event to be worked, from the queue or from a line.
pub(crate) struct Task {
    pub envelope: Envelope,
    pub body: String,
    pub scope: Scope,
    pub digest: Digest,
    pub critical: bool,
    pub message_id: String,
    /// Delivered before, or worked from a line: a dispatch may be owed.
    pub again: bool,
    /// Its tenant, if it came by a queue of that tenant's own.
    pub silo: Option<TenantId>,
    /// Its place, if it comes from a line.
    pub place: Option<Place>,
    /// It comes from the journal of a tenant that was suspended.
    pub from_journal: bool,
    /// It can never be done as it is; but those that wait before it come first.
    pub fault: Option<Fault>,
    /// How many runs of its message took the process down.
    pub deaths: u32,
}

/// A place in the line behind `holder`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub line: Line,
    pub holder: Subject,
    pub index: u64,
    /// The generation of the line when the event was taken from it.
    pub generation: u64,
}

impl Place {
    /// The head of a line.
    pub fn head(line: Line, holder: &Subject, hold: &Hold) -> Self {
        Self { line, holder: holder.clone(), index: hold.head, generation: hold.generation }
    }

    /// Whether the line still asks for this event: it has not gone past it, and nobody gave or asked for another verdict.
    pub fn is_next(&self, hold: &Hold) -> bool {
        hold.head == self.index && hold.generation == self.generation && hold.verdict.is_some()
    }
}

/// What was read for a task.
pub(crate) struct Loaded {
    pub item: SubjectItem,
    pub record: Option<Record>,
    /// The subject whose line the task comes from, or must wait in; if it is another than the task's own.
    pub other: Option<SubjectItem>,
    pub items: HashMap<Key, bellhop_store::Item>,
    /// Whether the tenant's events are worked.
    pub gate: Gate,
    asked: Vec<Key>,
}

/// Whether the task comes from a line that no longer asks for it: a faster process has worked it, or failed it.
pub(crate) fn is_overtaken(task: &Task, loaded: &Loaded) -> bool {
    task.place.as_ref().is_some_and(|place| {
        let holder = loaded.other.as_ref().unwrap_or(&loaded.item);
        !holder.line(place.line).is_some_and(|hold| place.is_next(hold))
    })
}

/// So many lost races in a row are none: a condition cannot be met. Tried for ever, it would block the group.
pub(crate) fn lost_too_often() -> StoreError {
    StoreError::Defect("lost too many races for one item".to_owned())
}

impl Task {
    pub fn subject(&self) -> &Subject {
        &self.envelope.subject
    }

    pub fn record_or_new(&self, loaded: &Loaded, state: RecordState) -> Record {
        let mut record =
            loaded.record.clone().unwrap_or_else(|| Record::new(&self.envelope.id, self.subject(), self.digest, state));
        record.state = state;
        record
    }

    pub fn parked(&self, now: i64) -> Parked {
        Parked { id: self.envelope.id.clone(), body: self.body.clone(), message_id: self.message_id.clone(), at: now }
    }
}

impl<H: Handler> Worker<H> {
    /// Works an event until it is decided and durable.
    pub(crate) async fn process(&self, task: &Task) -> Result<Worked, StoreError> {
        let mut again = task.again;
        let mut exchange = Exchange::<H> { call: None, answer: None };
        for _ in 0..MOST_RACES {
            match self.process_once(task, again, &mut exchange).await {
                Err(StoreError::Lost) => match exchange.call.take() {
                    // Boxed: a call is large, and most functions make none.
                    Some(call) => exchange.answer = Some(Box::pin(self.handler.perform(call)).await),
                    // Perhaps to our own write, repeated by the SDK: then a dispatch is owed.
                    None => again = true,
                },
                other => return other,
            }
        }
        Err(lost_too_often())
    }

    async fn process_once(&self, task: &Task, again: bool, exchange: &mut Exchange<H>) -> Result<Worked, StoreError> {
        let (reads, failed) = match (&task.fault, Self::guarded(|| self.handler.reads(&task.envelope, &task.scope))) {
            (Some(_), _) => (Vec::new(), None),
            (None, Ok(Ok(keys))) => (keys, None),
            (None, failed) => (Vec::new(), Some(failed)),
        };
        let mut loaded = self.load(task, reads).await?;
        if let Some(worked) = self.put_by(task, &loaded.gate).await? {
            return Ok(worked);
        }
        match failed {
            Some(Ok(Err(fault))) => return self.give_up(task, &fault).await,
            Some(Err(fault)) => return self.spend_attempt(task, &fault).await,
            Some(Ok(Ok(_))) | None => {}
        }
        match judge(&task.envelope.id, &task.digest, &loaded.item, loaded.record.as_ref()) {
            Known::Done if task.place.is_some() && !is_overtaken(task, &loaded) => {
                return self.step_over(task, loaded).await;
            }
            Known::Done => return Ok(Worked::sending(Outcome::Duplicate, self.owed(task, &loaded, again)?)),
            _ if is_overtaken(task, &loaded) => return Ok(Self::overtaken(task, &loaded)),
            Known::Waiting(_) if task.place.is_some() => {}
            Known::Waiting(state) => return Ok(self.still_waiting(task, state, &loaded, again)),
            Known::Conflict(known) => return self.conflict(task, loaded, &known, &task.digest).await,
            Known::Fresh => {}
        }
        if let Some((line, holder)) = self.must_park(task, &loaded) {
            return self.park(task, loaded, line, &holder).await;
        }
        if let Some((holder, fault)) = self.unregistered(task, &loaded) {
            return self.wait_for(task, loaded, &holder, &fault).await;
        }
        if let Some(fault) = &task.fault {
            return self.give_up(task, fault).await;
        }
        let mut lists = HashMap::new();
        for _ in 0..MOST_READS {
            let decision = match self.decide(task, &loaded, &lists, exchange.answer.as_ref()) {
                Ok(decision) => decision,
                Err(panicked) => return self.spend_attempt(task, &panicked).await,
            };
            match decision {
                Ok(decision) => {
                    let attempt = loaded.record.as_ref().map_or(1, |record| record.attempts + 1);
                    return Ok(Worked { attempt, ..self.carry_out(task, loaded, decision, exchange).await? });
                }
                Err(Refusal::Wait(fault, writes)) => return self.wait_quietly(task, loaded, &fault, writes).await,
                Err(Refusal::Unregistered(fault)) => {
                    return match self.handler.waits_for(&task.envelope, &task.scope) {
                        Some(holder) if task.place.is_none() => self.wait_for(task, loaded, &holder, &fault).await,
                        _ => self.give_up(task, &fault).await,
                    };
                }
                Err(Refusal::NotYet(fault)) => return self.spend_attempt(task, &fault).await,
                Err(Refusal::Permanent(fault)) => return self.give_up(task, &fault).await,
                Err(Refusal::Conflict { known, found }) => {
                    return self.conflict(task, loaded, &known.to_string(), &found).await;
                }
                Err(Refusal::Needs(needs)) => self.read_more(&mut loaded, &mut lists, needs).await?,
                Err(Refusal::Unreadable(StoreError::Defect(what))) => {
                    let fault =
                        Fault::new(Reason::AttemptsExhausted, "").found(what).expected("a state that can be read");
                    return self.spend_attempt(task, &fault).await;
                }
                Err(Refusal::Unreadable(error)) => return Err(error),
            }
        }
        Err(StoreError::Defect("the handler asks for more without end".to_owned()))
    }

    async fn carry_out(
        &self,
        task: &Task,
        loaded: Loaded,
        mut decision: Decision<H>,
        exchange: &mut Exchange<H>,
    ) -> Result<Worked, StoreError> {
        match std::mem::replace(&mut decision.then, Then::Done) {
            // In a line, the place is left behind all the same.
            Then::Forget if task.place.is_none() => Ok(Worked::of(decision.outcome())),
            Then::Unrecorded if task.place.is_none() && loaded.record.is_none() => {
                self.apply_unrecorded(task, &loaded, decision).await
            }
            Then::Done | Then::Unrecorded | Then::Forget => self.apply(task, loaded, decision).await,
            Then::Later(delay) => {
                self.claim(&loaded, &mut decision).await?;
                Ok(Worked::of(Outcome::Delayed(decision.note.unwrap_or("later").to_owned(), delay)))
            }
            Then::Ask(_) if exchange.answer.is_some() => {
                Err(StoreError::Defect("the handler asks for a second call".to_owned()))
            }
            Then::Ask(call) => {
                self.claim(&loaded, &mut decision).await?;
                exchange.call = Some(call);
                // Read and decide again, with the answer.
                Err(StoreError::Lost)
            }
        }
    }

    /// The one read: subject, record, what the handler asks for, and the line's holder.
    pub(crate) async fn load(&self, task: &Task, mut keys: Vec<Key>) -> Result<Loaded, StoreError> {
        let scope = &task.scope;
        let (own, record) = (scope.subject(task.subject()), scope.record(&task.envelope.id));
        let holder = match &task.place {
            Some(place) => Some(place.holder.clone()),
            None => self.handler.waits_for(&task.envelope, scope),
        };
        let other = holder.map(|holder| (scope.subject(&holder), holder)).filter(|(key, _)| *key != own);
        keys.extend([own.clone(), record.clone()]);
        let registration =
            (task.place.is_none() && !task.from_journal).then(|| Registration::key(&task.envelope.tenant));
        keys.extend(registration.clone());
        keys.extend(other.iter().map(|(key, _)| key.clone()));
        let mut items = self.store.get(&keys).await?;
        let item = match items.remove(&own) {
            Some(item) => SubjectItem::decode(own, item)?,
            None => scope.new_subject(task.subject()),
        };
        let other = match other {
            None => None,
            Some((key, holder)) => Some(match items.get(&key) {
                Some(item) => SubjectItem::decode(key, item.clone())?,
                None => scope.new_subject(&holder),
            }),
        };
        let record = items.remove(&record).map(decode_item).transpose()?;
        let gate = match registration {
            Some(key) => self.gate_of(task, items.remove(&key).map(decode_item).transpose()?),
            None => Gate::Open,
        };
        Ok(Loaded { item, record, other, items, asked: keys, gate })
    }

    async fn read_more(
        &self,
        loaded: &mut Loaded,
        lists: &mut HashMap<Key, Vec<(Key, bellhop_store::Item)>>,
        needs: Needs,
    ) -> Result<(), StoreError> {
        if !needs.keys.is_empty() {
            loaded.items.extend(self.store.get(&needs.keys).await?);
            loaded.asked.extend(needs.keys);
        }
        for prefix in needs.lists {
            let found = self.store.list(&prefix).await?;
            lists.insert(prefix, found);
        }
        for (prefix, filter) in needs.finds {
            let found = self.store.find(&prefix, &filter).await?;
            lists.insert(prefix, found);
        }
        Ok(())
    }

    fn decide(
        &self,
        task: &Task,
        loaded: &Loaded,
        lists: &HashMap<Key, Vec<(Key, bellhop_store::Item)>>,
        answer: Option<&H::Answer>,
    ) -> Result<Result<Decision<H>, Refusal>, Fault> {
        let state = match decode_state(&loaded.item) {
            Ok(state) => state,
            Err(error) => return Ok(Err(error.into())),
        };
        let mut view = View::new(&task.scope, (self.clock)(), state, &loaded.asked, &loaded.items, lists);
        (view.answer, view.waited_for) = (answer, loaded.item.wait.is_some());
        Self::guarded(|| self.handler.decide(&task.envelope, &view))
    }

    /// A panic of the handler costs its message one attempt, and nobody else anything.
    pub(crate) fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, Fault> {
        catch_unwind(AssertUnwindSafe(run)).map_err(|_| {
            Fault::new(Reason::HandlerPanicked, "").found("a panic in the function's code").expected("a decision")
        })
    }

    /// Which line the event must join: that of its property until that is drained, else that of its subject. What waits for
    /// the property is younger than what is held, so an event never passes another of its subject.
    pub(crate) fn must_park(&self, task: &Task, loaded: &Loaded) -> Option<(Line, Subject)> {
        let subject = task.subject();
        match &task.place {
            Some(place) if place.line == Line::Hold && place.holder == *subject => None,
            None if loaded.other.as_ref().is_some_and(|other| other.wait.is_some()) => {
                Some((Line::Wait, self.handler.waits_for(&task.envelope, &task.scope)?))
            }
            _ => loaded.item.hold.is_some().then(|| (Line::Hold, subject.clone())),
        }
    }

    /// The subject that must be registered first, and is not.
    fn unregistered(&self, task: &Task, loaded: &Loaded) -> Option<(Subject, Fault)> {
        let holder = self.handler.waits_for(&task.envelope, &task.scope)?;
        if task.place.is_some() || !self.handler.must_exist() {
            return None;
        }
        let known = loaded.other.as_ref().is_some_and(|other| other.state.is_some());
        let fault = Fault::new(Reason::UnknownProperty, "/property")
            .found(&holder)
            .expected("a property registered by pms.property.upserted.v1");
        (!known).then_some((holder, fault))
    }

    /// The dispatch that a done event may still owe. At a first delivery too, where its outbox is still there: the process that
    /// committed it may have taken the message over from this one, and died.
    fn owed(&self, task: &Task, loaded: &Loaded, again: bool) -> Result<Vec<Outgoing>, StoreError> {
        let item = &loaded.item;
        let mut sends = self.rebuild(task, item)?;
        if !again {
            return Ok(sends);
        }
        let flowing = [Line::Hold, Line::Wait].into_iter().filter_map(|line| {
            let hold = item.line(line).filter(|hold| hold.verdict.is_some())?;
            Some(crate::release::wake_up(&task.scope, H::QUEUE, task.subject(), line, hold, (self.clock)()))
        });
        sends.extend(flowing);
        // It failed once, and the notice of it may be owed still, though a person has helped it already.
        let failed = loaded.record.as_ref().filter(|record| record.failures > 0);
        sends.extend(failed.and_then(|record| Self::close(task, record)));
        sends.extend(failed.into_iter().flat_map(|record| Self::ask_once_more(task, record)));
        Ok(sends)
    }
}
