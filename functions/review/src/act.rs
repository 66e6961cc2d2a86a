//! What a person does with an item: put it to work again, with another body perhaps, or leave it out.
//!
//! Where the event heads a line, the verdict on the line and the act on the item are one write, and a wake-up follows. Where it
//! does not, the act is written first, as owed, then the event is posted, then no longer owed: who presses the button again
//! after a crash posts it once more, under the same deduplication id, and its function does it once.

use bellhop_events::{Envelope, EventId, Fault, MessageGroup, Queue, Reason, Subject, catalogue};
use bellhop_store::review::{Act, ActKind, Desk, ReviewId, ReviewItem, Road};
use bellhop_store::{Hold, Line, RecordState, Resolution, ResolveError, Scope, Store, StoreError};
use bellhop_worker::{Outgoing, Queues, wake_up};
use jiff::Timestamp;

/// What a person decided on an item.
pub type Decision = Resolution;

/// What came of an act.
#[derive(Debug, Clone, PartialEq)]
pub struct Acted {
    /// The item as it is now.
    pub item: ReviewItem,
    /// How many events of its line are worked now; 0: it had none.
    pub line: u64,
}

/// Why an act was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// No such item on this desk.
    #[error("review-not-found: no item {0} here")]
    NotFound(ReviewId),
    /// Somebody was first.
    #[error("already-decided: {by} made it {} at {at}", .kind.word())]
    Decided {
        /// Who.
        by: String,
        /// When.
        at: Timestamp,
        /// What it became.
        kind: ActKind,
    },
    /// The event is done: there is nothing to put to work.
    #[error("already-done: the event is done, the item tells of what came of it; discard it when that is seen to")]
    AlreadyDone,
    /// The same id cannot be worked with another payload.
    #[error("needs-new-id: another payload is known under the id {0}; edit the event, giving it a new id")]
    NeedsNewId(String),
    /// An edit may not take an event to another tenant or property.
    #[error("edit-changes-identity: an edit may not change tenant or property; it was {0}")]
    ChangesGroup(String),
    /// The queue that it came from is not known.
    #[error("queue-unknown: the item names no queue that it could go back to; post the event anew and discard this")]
    NoQueue,
    /// The verdict on its line.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// The edited body.
    #[error("the edited body: {0}")]
    Invalid(#[from] Fault),
    /// The act is stored, its message was not accepted.
    #[error("not-sent: the act is stored, but the queue did not take its message; do the same again")]
    NotSent,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// So often a race is run again.
const MOST_RACES: u32 = 8;

/// Takes an act of `by` on an item. Safe to repeat; of two people at once the second is told who was first.
pub async fn act(
    (store, queues): (&Store, &Queues),
    (desk, id): (&Desk, &ReviewId),
    decision: &Decision,
    by: &str,
    now: Timestamp,
) -> Result<Acted, ActError> {
    let (kind, because) = match decision {
        Decision::Retry => (ActKind::Retried, None),
        Decision::Edit(_) => (ActKind::Edited, None),
        Decision::Discard(reason) => (ActKind::Discarded, Some(reason.clone())),
    };
    let act = Act { at: now, by: by.to_owned(), kind, because };
    let desk = Acting { store, queues, desk };
    for _ in 0..MOST_RACES {
        match desk.attempt(id, decision, &act).await {
            Err(ActError::Store(StoreError::Lost) | ActError::Resolve(ResolveError::Store(StoreError::Lost))) => {}
            // The verdict may be of an act on this very item, by somebody who was faster: read again, it says who.
            Err(error @ ActError::Resolve(ResolveError::AlreadyResolved(_))) => {
                let item = store.review_item(desk.desk, id).await?;
                if item.is_none_or(|item| item.act.is_none()) {
                    return Err(error);
                }
            }
            other => return other,
        }
    }
    Err(StoreError::Unavailable("lost too many races for one item".to_owned()).into())
}

/// Where the function behind a queue keeps what comes in a message group.
pub(crate) fn scope_of(queue: Queue, group: MessageGroup) -> Scope {
    Scope::in_group(queue.consumer(), group)
}

/// A desk, with all that an act needs.
struct Acting<'a> {
    store: &'a Store,
    queues: &'a Queues,
    desk: &'a Desk,
}

/// Where the event of an item is now.
enum Place {
    /// At the head of this line.
    Heads(Box<Head>),
    /// Done.
    Done,
    /// Nowhere but in the item.
    Nowhere,
}

/// An event at the head of a line.
struct Head {
    scope: Scope,
    event: EventId,
    line: Line,
    holder: Subject,
    hold: Hold,
}

impl Acting<'_> {
    async fn attempt(&self, id: &ReviewId, decision: &Decision, act: &Act) -> Result<Acted, ActError> {
        let mut item = self.store.review_item(self.desk, id).await?.ok_or_else(|| ActError::NotFound(id.clone()))?;
        let place = self.place(&item).await?;
        if let Some(taken) = item.act.clone() {
            // Its message may not be sent, by whoever it was: one more is harmless.
            let acted = match place {
                Place::Heads(head) => self.wake(head, item, act.at).await?,
                _ if item.owes => self.post(item).await?,
                _ => Acted { item, line: 0 },
            };
            let Act { at, by, kind, .. } = taken.clone();
            return if taken == *act { Ok(acted) } else { Err(ActError::Decided { by, at, kind }) };
        }
        let edited = match decision {
            Decision::Edit(body) => Some(body.as_str()),
            Decision::Retry | Decision::Discard(_) => None,
        };
        if let Place::Heads(mut head) = place {
            item.act = Some(act.clone());
            let also = self.store.decide(self.desk, &item, edited).await?;
            let at = (&head.scope, &head.event);
            head.hold = self.store.resolve_once(at, head.line, &head.holder, decision, act.at, also).await?;
            return self.wake(head, item, act.at).await;
        }
        self.check(&item, decision, matches!(place, Place::Done))?;
        item.act = Some(act.clone());
        item.owes = act.kind != ActKind::Discarded;
        self.store.commit(self.store.decide(self.desk, &item, edited).await?).await?;
        item.rev += 1;
        if item.owes { self.post(item).await } else { Ok(Acted { item, line: 0 }) }
    }

    async fn place(&self, item: &ReviewItem) -> Result<Place, ActError> {
        let event = item.note.event.as_ref().and_then(|event| event.parse::<EventId>().ok());
        let Some((scope, event)) = self.scope(item).zip(event) else { return Ok(Place::Nowhere) };
        let record = self.store.record(&scope, &event).await?;
        if let Some((line, holder, index)) = record.as_ref().and_then(|record| record.place.clone())
            && let Ok(holder) = holder.parse()
            && let Some(subject) = self.store.subject(&scope, &holder).await?
            && let Some(hold) = subject.line(line).filter(|hold| hold.head == index).cloned()
        {
            return Ok(Place::Heads(Box::new(Head { scope, event, line, holder, hold })));
        }
        if item.note.reason == Reason::IdempotencyConflict.code() {
            // Of two payloads under one id the other may be done.
            return Ok(Place::Nowhere);
        }
        let mut is_done = record.is_some_and(|record| record.state == RecordState::Done);
        if let Some(subject) = item.note.subject.as_ref().and_then(|subject| subject.parse().ok()) {
            let known = self.store.subject(&scope, &subject).await?;
            is_done = is_done || known.is_some_and(|known| known.seen.contains_key(event.as_str()));
        }
        Ok(if is_done { Place::Done } else { Place::Nowhere })
    }

    /// Where the function behind the item's queue keeps its event; only on the desk of its tenant.
    fn scope(&self, item: &ReviewItem) -> Option<Scope> {
        let group: MessageGroup = item.note.group.parse().ok()?;
        let queue = Queue::named(&item.note.queue)?;
        (self.desk.tenant() == Some(&group.tenant)).then(|| scope_of(queue, group))
    }

    /// Whether an event that heads no line may be put to work so.
    fn check(&self, item: &ReviewItem, decision: &Decision, is_done: bool) -> Result<(), ActError> {
        let note = &item.note;
        let is_taken = is_done || note.reason == Reason::IdempotencyConflict.code();
        if matches!(decision, Decision::Discard(_)) {
            return Ok(());
        }
        let queue = Queue::named(&note.queue).ok_or(ActError::NoQueue)?;
        let body = match decision {
            // It came by no queue, such as news of bounces.
            Decision::Retry if note.group.is_empty() => return Err(ActError::NoQueue),
            // Of a dead letter that is done, what follows may be owed: its function sends that, and does no more.
            Decision::Retry if is_done && item.road != Road::DeadLetter => return Err(ActError::AlreadyDone),
            Decision::Retry if is_taken && !is_done => {
                return Err(ActError::NeedsNewId(note.event.clone().unwrap_or_default()));
            }
            Decision::Retry | Decision::Discard(_) => return Ok(()),
            Decision::Edit(body) => body,
        };
        let event = Envelope::decode(body)?;
        let entry = catalogue::route(&event, queue)?;
        (entry.check)(&event)?;
        let known = note.group.parse::<MessageGroup>().ok().filter(|_| self.desk.tenant().is_some());
        let own = event.group();
        if known.is_some_and(|known| (&known.tenant, &known.property) != (&own.tenant, &own.property)) {
            return Err(ActError::ChangesGroup(note.group.clone()));
        }
        match &note.event {
            Some(old) if is_taken && *old == event.id.as_str() => Err(ActError::NeedsNewId(old.clone())),
            _ => Ok(()),
        }
    }

    /// Wakes the line, if it has a verdict.
    async fn wake(&self, head: Box<Head>, item: ReviewItem, now: Timestamp) -> Result<Acted, ActError> {
        let Head { scope, line, holder, hold, .. } = *head;
        if hold.verdict.is_none() {
            return Ok(Acted { item, line: 0 });
        }
        let queue = Queue::named(&item.note.queue).ok_or(ActError::NoQueue)?;
        self.send(wake_up(&scope, queue, &holder, line, &hold, now)).await?;
        Ok(Acted { item, line: hold.len() })
    }

    /// Sends what an act owes, and notes that it did.
    async fn post(&self, mut item: ReviewItem) -> Result<Acted, ActError> {
        let queue = Queue::named(&item.note.queue).ok_or(ActError::NoQueue)?;
        let is_edited = item.act.as_ref().is_some_and(|act| act.kind == ActKind::Edited);
        let body = if is_edited {
            self.store.edited_body(self.desk, &item.id).await?
        } else {
            self.store.review_body(self.desk, &item.id).await?
        };
        let body = body.ok_or_else(|| ActError::NotFound(item.id.clone()))?;
        let event = Envelope::decode(&body).ok();
        // What an operator made of a body that nobody could trust goes where it says. All else stays in its group.
        let own = event.as_ref().filter(|_| is_edited && self.desk.tenant().is_none()).map(Envelope::group);
        self.send(Outgoing {
            queue,
            group: own.map_or_else(|| item.note.group.clone(), |group| group.to_string()),
            subject: event.map_or_else(|| item.id.to_string(), |event| event.subject.to_string()),
            deduplication_id: item.id.to_string(),
            body,
            note: None,
        })
        .await?;
        item.owes = false;
        self.store.commit(vec![item.put(self.desk)?]).await?;
        item.rev += 1;
        Ok(Acted { item, line: 0 })
    }

    async fn send(&self, message: Outgoing) -> Result<(), ActError> {
        if self.queues.send(&[message]).await.is_empty() { Ok(()) } else { Err(ActError::NotSent) }
    }
}
