//! What a person does with an item: put it to work again, with another body perhaps, or leave it out.
//!
//! Where the event heads a line, the verdict on the line and the act on the item are one write, and a wake-up follows. Where it
//! does not, the act is written first, as owed, then the event is posted, then no longer owed: who presses the button again
//! after a crash posts it once more, under the same deduplication id, and its function does it once.

use bellhop_events::{Envelope, EventId, Fault, MessageGroup, Queue, Reason, Subject, catalogue};
use bellhop_store::review::{Act, Desk, ReviewId, ReviewItem, ReviewState};
use bellhop_store::{Hold, Line, RecordState, Resolution, ResolveError, Scope, Store, StoreError};
use bellhop_worker::{Outgoing, Queues, wake_up};
use jiff::Timestamp;

use crate::understand::consumer;

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
    #[error("already-decided: {by} made it {} at {at}", .state.word())]
    Decided {
        /// Who.
        by: String,
        /// When.
        at: Timestamp,
        /// What it became.
        state: ReviewState,
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
    let state = match decision {
        Decision::Retry => ReviewState::Retried,
        Decision::Edit(_) => ReviewState::Edited,
        Decision::Discard(_) => ReviewState::Discarded,
    };
    let because = match decision {
        Decision::Discard(reason) => Some(reason.clone()),
        Decision::Retry | Decision::Edit(_) => None,
    };
    let act = Act { at: now, by: by.to_owned(), state, because };
    for _ in 0..MOST_RACES {
        match attempt((store, queues), (desk, id), decision, &act).await {
            Err(ActError::Store(StoreError::Lost) | ActError::Resolve(ResolveError::Store(StoreError::Lost))) => {}
            other => return other,
        }
    }
    Err(StoreError::Unavailable("lost too many races for one item".to_owned()).into())
}

async fn attempt(
    (store, queues): (&Store, &Queues),
    (desk, id): (&Desk, &ReviewId),
    decision: &Decision,
    act: &Act,
) -> Result<Acted, ActError> {
    let mut item = store.review_item(desk, id).await?.ok_or_else(|| ActError::NotFound(id.clone()))?;
    let ours = item.last_act() == Some(act);
    if item.state != ReviewState::Open && !ours && !item.owes {
        // The wake-up of that act may be lost: one more is harmless.
        if let Place::Heads(scope, _, line, holder) = place(store, desk, &item).await? {
            let hold = store.hold(&scope, line, &holder).await?;
            wake(queues, &scope, line, &holder, item.clone(), hold.map(|(hold, _)| hold)).await?;
        }
        return Err(decided(&item));
    }
    if item.owes {
        // Somebody's act that was stored, and not sent: whoever comes next sends it.
        let first = (!ours).then(|| decided(&item));
        let acted = post((store, queues), desk, item).await?;
        return first.map_or(Ok(acted), Err);
    }
    let place = place(store, desk, &item).await?;
    if let Place::Heads(scope, event, line, holder) = place {
        if ours {
            let hold = store.hold(&scope, line, &holder).await?;
            return wake(queues, &scope, line, &holder, item, hold.map(|(hold, _)| hold)).await;
        }
        item.act(act.clone());
        let hold = store.resolve_once((&scope, &event), line, &holder, decision, act.at, vec![item.put(desk)?]).await?;
        return wake(queues, &scope, line, &holder, item, Some(hold)).await;
    }
    if ours {
        return Ok(Acted { item, line: 0 });
    }
    let mut writes = Vec::new();
    match decision {
        Decision::Discard(_) => {}
        // It came by no queue, such as news of bounces.
        Decision::Retry if item.group.is_empty() => return Err(ActError::NoQueue),
        Decision::Retry if matches!(place, Place::Done) => return Err(ActError::AlreadyDone),
        Decision::Retry if item.reason == Reason::IdempotencyConflict.code() => {
            return Err(ActError::NeedsNewId(item.event.unwrap_or_default()));
        }
        Decision::Retry => item.owes = true,
        Decision::Edit(body) => {
            check_edit(&item, desk, body, matches!(place, Place::Done))?;
            writes.push(bellhop_store::review::put_edited(desk, id, body)?);
            item.owes = true;
        }
    }
    item.act(act.clone());
    writes.push(item.put(desk)?);
    store.commit(writes).await?;
    item.rev += 1;
    if item.owes { post((store, queues), desk, item).await } else { Ok(Acted { item, line: 0 }) }
}

fn decided(item: &ReviewItem) -> ActError {
    item.last_act().map_or_else(
        || ActError::NotFound(item.id.clone()),
        |act| ActError::Decided { by: act.by.clone(), at: act.at, state: act.state },
    )
}

/// Where the event of an item is now.
enum Place {
    /// At the head of this line, which waits for a verdict on it.
    Heads(Scope, EventId, Line, Subject),
    /// Done.
    Done,
    /// Nowhere but in the item.
    Nowhere,
}

async fn place(store: &Store, desk: &Desk, item: &ReviewItem) -> Result<Place, ActError> {
    let Some((scope, event)) =
        scope(desk, item).zip(item.event.as_ref().and_then(|event| event.parse::<EventId>().ok()))
    else {
        return Ok(Place::Nowhere);
    };
    let record = store.record(&scope, &event).await?;
    if let Some((line, holder, index)) = record.as_ref().and_then(|record| record.place.clone())
        && let Ok(holder) = holder.parse()
        && let Some((hold, _)) = store.hold(&scope, line, &holder).await?
        && hold.head == index
    {
        return Ok(Place::Heads(scope, event, line, holder));
    }
    let is_done = record.is_some_and(|record| record.state == RecordState::Done);
    let Some(subject) = item.subject.as_ref().and_then(|subject| subject.parse().ok()) else {
        return Ok(Place::Nowhere);
    };
    let seen = store.subject(&scope, &subject).await?.is_some_and(|item| item.seen.contains_key(event.as_str()));
    // A conflict is another payload under an id that is done.
    let conflicts = item.reason == Reason::IdempotencyConflict.code();
    Ok(if (is_done || seen) && !conflicts { Place::Done } else { Place::Nowhere })
}

/// Where the function behind the item's queue keeps its event; only on the desk of its tenant.
fn scope(desk: &Desk, item: &ReviewItem) -> Option<Scope> {
    let group: MessageGroup = item.group.parse().ok()?;
    let queue = Queue::ALL.into_iter().find(|queue| queue.name() == item.queue)?;
    (desk.tenant() == Some(&group.tenant)).then(|| {
        let scope = Scope::for_operator(consumer(queue), group.tenant, group.property);
        group.channel.map_or(scope.clone(), |channel| scope.of_channel(&channel))
    })
}

/// An edited body is a good event, for the same tenant and property, and under another id where the old one is taken.
fn check_edit(item: &ReviewItem, desk: &Desk, body: &str, is_done: bool) -> Result<(), ActError> {
    let event = Envelope::decode(body)?;
    let queue = Queue::ALL.into_iter().find(|queue| queue.name() == item.queue).ok_or(ActError::NoQueue)?;
    let entry = catalogue::route(&event, queue)?;
    (entry.check)(&event)?;
    let group = event.group();
    let known = item.group.parse::<MessageGroup>().ok().filter(|_| desk.tenant().is_some());
    if known.is_some_and(|known| (&known.tenant, &known.property) != (&group.tenant, &group.property)) {
        return Err(ActError::ChangesGroup(item.group.clone()));
    }
    let is_taken = is_done || item.reason == Reason::IdempotencyConflict.code();
    match &item.event {
        Some(old) if is_taken && *old == event.id.as_str() => Err(ActError::NeedsNewId(old.clone())),
        _ => Ok(()),
    }
}

async fn wake(
    queues: &Queues,
    scope: &Scope,
    line: Line,
    holder: &Subject,
    item: ReviewItem,
    hold: Option<Hold>,
) -> Result<Acted, ActError> {
    let queue = Queue::ALL.into_iter().find(|queue| queue.name() == item.queue).ok_or(ActError::NoQueue)?;
    let Some(hold) = hold.filter(|hold| hold.verdict.is_some()) else { return Ok(Acted { item, line: 0 }) };
    let refused = queues.send(&[wake_up(scope, queue, holder, line, &hold, Timestamp::now())]).await;
    if refused.is_empty() { Ok(Acted { item, line: hold.len() }) } else { Err(ActError::NotSent) }
}

/// Sends what an act owes, and notes that it did.
async fn post((store, queues): (&Store, &Queues), desk: &Desk, mut item: ReviewItem) -> Result<Acted, ActError> {
    let queue = Queue::ALL.into_iter().find(|queue| queue.name() == item.queue).ok_or(ActError::NoQueue)?;
    let edited = if item.state == ReviewState::Edited { store.edited_body(desk, &item.id).await? } else { None };
    let body = match edited {
        Some(body) => body,
        None => store.review_body(desk, &item.id).await?.ok_or_else(|| ActError::NotFound(item.id.clone()))?,
    };
    let event = Envelope::decode(&body).ok();
    let known = item.group.parse::<MessageGroup>().is_ok();
    let group = event.as_ref().filter(|_| !known || desk.tenant().is_none()).map(|event| event.group().to_string());
    let message = Outgoing {
        queue,
        group: group.unwrap_or_else(|| item.group.clone()),
        subject: event.map_or_else(|| item.id.to_string(), |event| event.subject.to_string()),
        deduplication_id: format!("{}:{}", item.id, item.acts.len()),
        body,
        note: None,
    };
    if !queues.send(&[message]).await.is_empty() {
        return Err(ActError::NotSent);
    }
    item.owes = false;
    store.commit(vec![item.put(desk)?]).await?;
    item.rev += 1;
    Ok(Acted { item, line: 0 })
}
