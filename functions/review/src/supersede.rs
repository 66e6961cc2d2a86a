//! Discards what a newer snapshot of the same subject makes void, and leaves the newest.
//!
//! A line would end in its newest state without that: what is worked late is stale, and has no effect. But where many versions of
//! one subject fail, each would ask a person in turn. So each of them that is an open item, or becomes one while the line is
//! worked, is discarded; what does not fail is worked, in order, as ever.
//!
//! Only of whole snapshots is that true. Rates are told night by night, and a block is one of many of its unit: there an older
//! event may say what no newer one does.

use bellhop_events::{Envelope, EventId, MessageGroup, Queue, Subject, catalogue};
use bellhop_store::review::{Desk, Order, ReviewId, ReviewItem};
use bellhop_store::{Hold, Line, Parked, Scope, Store, StoreError};
use bellhop_worker::Queues;
use jiff::Timestamp;

use crate::act::{ActError, Decision, act, scope_of};

const PAGE: u16 = 100;
/// Each says all of its subject: the newest alone counts.
const SNAPSHOTS: [&catalogue::Entry; 6] = [
    &catalogue::PROPERTY_UPSERTED,
    &catalogue::BOOKING_CREATED,
    &catalogue::BOOKING_MODIFIED,
    &catalogue::BOOKING_CANCELLED,
    &catalogue::CHANNEL_UPSERTED,
    &catalogue::TASK_UPSERTED,
];

/// Why there is nothing to be discarded so.
#[derive(Debug, thiserror::Error)]
pub enum SupersedeError {
    /// No such item on this desk.
    #[error("review-not-found: no item {0} here")]
    NotFound(ReviewId),
    /// Its event is no snapshot whose version can be read.
    #[error("not-a-snapshot: {0}; decide on this item by itself")]
    NotSnapshot(String),
    /// Nothing newer is known.
    #[error("is-newest: nothing newer than version {version} of {subject} waits; retry, edit or discard the item")]
    IsNewest {
        /// Of what.
        subject: Subject,
        /// The item's own.
        version: u64,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A snapshot that waits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Snapshot {
    /// Its version.
    pub version: u64,
    /// The event.
    pub event: EventId,
}

/// Snapshots of one subject, of which the newest alone is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Superseding {
    subject: Subject,
    queue: Queue,
    scope: Scope,
    /// The line that the item heads, if it does: which, and behind whom.
    line: Option<(Line, Subject)>,
    /// What is left.
    pub newest: Snapshot,
    /// Open items that it makes void, oldest version first.
    pub older: Vec<ReviewItem>,
}

/// What came of a pass.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pass {
    /// Items that were discarded.
    pub discarded: Vec<ReviewId>,
    /// Items that were not, and why.
    pub refused: Vec<(ReviewId, String)>,
    /// The line is being worked: more of it may fail, and become an item for the next pass.
    pub pending: bool,
}

fn snapshot(body: &str, subject: &Subject) -> Option<Snapshot> {
    let event = Envelope::decode(body).ok()?;
    let is_whole = SNAPSHOTS.iter().any(|entry| entry.name == event.event_type);
    // Not its checked payload: what is here mostly breaks a rule.
    let version = event.data.get("version")?.as_u64()?;
    (is_whole && event.subject == *subject).then_some(Snapshot { version, event: event.id })
}

impl Superseding {
    /// Looks at what waits of an item's subject; the item itself may be decided on.
    pub async fn of(store: &Store, desk: &Desk, id: &ReviewId) -> Result<Self, SupersedeError> {
        let not_snapshot = |why: &str| SupersedeError::NotSnapshot(why.to_owned());
        let item = store.review_item(desk, id).await?.ok_or_else(|| SupersedeError::NotFound(id.clone()))?;
        let group = item.note.group.parse::<MessageGroup>().ok().filter(|group| desk.tenant() == Some(&group.tenant));
        let subject = item.note.subject.as_ref().and_then(|subject| subject.parse::<Subject>().ok());
        let Some(((group, subject), queue)) = group.zip(subject).zip(Queue::named(&item.note.queue)) else {
            return Err(not_snapshot("the item names no tenant, subject and queue that can be trusted"));
        };
        let scope = scope_of(queue, group);
        let body = store.review_body(desk, id).await?.unwrap_or_default();
        let own = snapshot(&body, &subject).ok_or_else(|| {
            not_snapshot("expected a booking, property, channel or task with a version; other events do not say all of their subject")
        })?;
        let record = store.record(&scope, &own.event).await?;
        let line =
            record.and_then(|record| record.place).and_then(|(line, holder, _)| Some((line, holder.parse().ok()?)));
        let mut this = Self { subject, queue, scope, line, newest: own.clone(), older: Vec::new() };
        let open = this.open_items(store, desk).await?;
        let line = this.parked(store).await?.map(|(_, parked)| parked).unwrap_or_default();
        let parked = line.iter().filter_map(|parked| snapshot(&parked.body, &this.subject));
        // Of what waits alone: an item that was discarded makes nothing void.
        this.newest = open.iter().map(|(found, _)| found.clone()).chain(parked).max().unwrap_or(own);
        this.older = this.older_of(open);
        if this.older.is_empty() {
            return Err(SupersedeError::IsNewest { version: this.newest.version, subject: this.subject });
        }
        Ok(this)
    }

    /// Discards all of them that are open items now. To be repeated while more is pending.
    pub async fn pass(
        &self,
        (store, queues): (&Store, &Queues),
        desk: &Desk,
        by: &str,
        now: Timestamp,
    ) -> Result<Pass, StoreError> {
        let Snapshot { version, event } = &self.newest;
        let decision = Decision::Discard(format!("superseded by version {version}, event {event}"));
        let mut pass = Pass::default();
        for item in self.older_of(self.open_items(store, desk).await?) {
            match act((store, queues), (desk, &item.id), &decision, by, now).await {
                Ok(_) => pass.discarded.push(item.id),
                Err(ActError::Store(error)) => return Err(error),
                Err(error) => pass.refused.push((item.id, error.to_string())),
            }
        }
        pass.pending = self.parked(store).await?.is_some_and(|(hold, parked)| {
            let head = parked.first().and_then(|head| snapshot(&head.body, &self.subject));
            // Its item may be on its way.
            hold.verdict.is_some() || head.is_some_and(|head| head.version < *version)
        });
        Ok(pass)
    }

    fn older_of(&self, open: Vec<(Snapshot, ReviewItem)>) -> Vec<ReviewItem> {
        let mut older: Vec<_> = open.into_iter().filter(|(found, _)| found.version < self.newest.version).collect();
        older.sort_by(|(one, _), (other, _)| one.cmp(other));
        older.into_iter().map(|(_, item)| item).collect()
    }

    /// The open items of the subject that are snapshots.
    async fn open_items(&self, store: &Store, desk: &Desk) -> Result<Vec<(Snapshot, ReviewItem)>, StoreError> {
        let (group, subject) = (self.scope.group().to_string(), self.subject.to_string());
        let (mut found, mut from) = (Vec::new(), None);
        loop {
            let page = store.open_reviews(desk, Order::OldestFirst, from.as_deref(), PAGE).await?;
            for item in page.items {
                let note = &item.note;
                if note.group != group || note.queue != self.queue.name() || note.subject.as_ref() != Some(&subject) {
                    continue;
                }
                let body = store.review_body(desk, &item.id).await?.unwrap_or_default();
                found.extend(snapshot(&body, &self.subject).map(|snapshot| (snapshot, item)));
            }
            from = page.next;
            if from.is_none() {
                return Ok(found);
            }
        }
    }

    async fn parked(&self, store: &Store) -> Result<Option<(Hold, Vec<Parked>)>, StoreError> {
        match &self.line {
            Some((line, holder)) => store.hold(&self.scope, *line, holder).await,
            None => Ok(None),
        }
    }
}
