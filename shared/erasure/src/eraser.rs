//! Reads all that a tenant stores, and writes what becomes of it. Every write is on condition of what was read, and the whole can be
//! cut off anywhere: what is found by the guest's strings is written before what holds them, so a second run finds the rest.

use std::collections::BTreeMap;

use bellhop_events::{MessageGroup, Queue, TenantId};
use bellhop_store::erasure::{Erasure, MOST_BOOKINGS};
use bellhop_store::estate::Place;
use bellhop_store::{
    Expect, Item, Key, Record, RecordState, Scope, Seen, Store, StoreError, SubjectItem, Write, decode_item, sort,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::census::{Asked, Census, Guest};
use crate::item::{Change, Kind, Reworded};

/// How often a write that somebody else was faster with is tried again.
const MOST_RACES: usize = 8;
/// How often what functions still wrote is erased after the first time.
const MOST_ROUNDS: usize = 5;
/// Attributes of a review item.
const REV: &str = "rev";

/// Who has a guest's data erased.
#[derive(Debug, Clone)]
pub struct Asker {
    /// Who.
    pub by: String,
    /// Why.
    pub because: Option<String>,
}

/// What there is of the guest.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// How many items are to be changed, by what they are.
    pub counts: BTreeMap<Kind, u64>,
    /// Where a string of the guest stays, since it stands where nothing may be changed.
    pub left: Vec<String>,
    /// Where a part of the guest's name stands: perhaps theirs, perhaps an innocent word.
    pub hints: Vec<String>,
    /// How many items of all tenants were read.
    pub scanned: u64,
    places: Vec<(u8, Place)>,
}

/// What was erased.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// Items that were changed, by what they are.
    pub changed: BTreeMap<&'static str, u64>,
    /// Where a string of the guest stays.
    pub left: Vec<String>,
    /// Where a part of the guest's name stands.
    pub hints: Vec<String>,
    /// Items of all tenants that the last scan looked at, finding nothing more to erase.
    pub proven_over: u64,
}

/// Why a guest's data is not erased.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    /// Something goes on writing it.
    #[error(
        "what was erased is written anew; the PMS goes on posting the guest: erase it there, then run the same again"
    )]
    StillWritten,
    /// The tables.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where it is done.
pub struct Eraser<'a> {
    /// The tables.
    pub store: &'a Store,
    /// Whose guest.
    pub tenant: &'a TenantId,
    /// Now.
    pub now: Timestamp,
}

impl Plan {
    /// Whether there is nothing to be changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

impl Eraser<'_> {
    async fn each(&self, mut take: impl FnMut(Place, Item) -> Result<(), StoreError>) -> Result<u64, StoreError> {
        let (mut scanned, mut from) = (0, None);
        loop {
            let page = self.store.estate(self.tenant, from).await?;
            scanned += page.scanned;
            page.items.into_iter().try_for_each(|(place, item)| take(place, item))?;
            from = page.next;
            if from.is_none() {
                return Ok(scanned);
            }
        }
    }

    /// Who the guest is. Reads both tables from end to end.
    pub async fn find(&self, asked: &Asked) -> Result<Guest, StoreError> {
        let mut census = Census::of(self.tenant);
        self.each(|place, item| census.add(place.key(), &item)).await?;
        Ok(census.choose(asked))
    }

    /// What there is of the guest. Reads both tables from end to end.
    pub async fn plan(&self, guest: &Guest) -> Result<Plan, StoreError> {
        let mut plan = Plan::default();
        plan.scanned = self
            .each(|place, item| {
                let Some(found) = guest.look(place.key(), &item)? else { return Ok(()) };
                let at = |field: &String| format!("{} {}: {field}", place.key().partition(), place.key().sort_key());
                plan.left.extend(found.left.iter().map(at));
                plan.hints.extend(found.hints.iter().filter(|field| !found.left.contains(field)).map(at));
                if found.change.is_some() {
                    *plan.counts.entry(found.kind).or_default() += 1;
                    plan.places.push((found.rank, place));
                }
                Ok(())
            })
            .await?;
        plan.places.sort_by_key(|(rank, _)| *rank);
        Ok(plan)
    }

    /// Erases what was planned, and looks again until nothing is left to erase.
    pub async fn erase(&self, guest: &Guest, plan: Plan, asker: &Asker) -> Result<Erased, ErasureError> {
        let mut erased = Erased::default();
        let mut plan = plan;
        if !plan.is_empty() {
            self.store.commit(vec![self.entry(guest, &plan, asker).put(self.tenant)?]).await?;
        }
        for _ in 0..MOST_ROUNDS {
            for (_, place) in &plan.places {
                if let Some(kind) = self.write(guest, place.key()).await? {
                    *erased.changed.entry(kind.word()).or_default() += 1;
                }
            }
            plan = self.plan(guest).await?;
            if plan.is_empty() {
                return Ok(Erased { left: plan.left, hints: plan.hints, proven_over: plan.scanned, ..erased });
            }
        }
        Err(ErasureError::StillWritten)
    }

    fn entry(&self, guest: &Guest, plan: &Plan, asker: &Asker) -> Erasure {
        let because = asker.because.clone().map(|text| guest.words.replaced(&text).unwrap_or(text));
        Erasure {
            at: self.now,
            by: asker.by.clone(),
            because,
            bookings: guest.bookings.iter().take(MOST_BOOKINGS).map(ToString::to_string).collect(),
            bookings_count: u64::try_from(guest.bookings.len()).unwrap_or_default(),
            found: plan.counts.iter().map(|(kind, count)| (kind.word().to_owned(), *count)).collect(),
        }
    }

    /// Changes an item, as it is by now.
    async fn write(&self, guest: &Guest, key: &Key) -> Result<Option<Kind>, StoreError> {
        for _ in 0..MOST_RACES {
            let Some(item) = self.read(key).await? else { return Ok(None) };
            let Some(found) = guest.look(key, &item)? else { return Ok(None) };
            let writes = match found.change {
                None => return Ok(None),
                Some(Change::Delete) => vec![Write::Delete { key: key.clone(), expect: Expect::Any }],
                Some(Change::Amend { was, to, event }) => {
                    let amendment = Write::Amend { key: key.clone(), was, to };
                    let beside = self.beside(found.kind, key, &item, event.as_deref()).await?;
                    std::iter::once(amendment).chain(beside).collect()
                }
            };
            match self.store.commit(writes).await {
                Err(StoreError::Lost) => {}
                other => return other.map(|()| Some(found.kind)),
            }
        }
        Err(StoreError::Unavailable("others keep changing an item of this guest".to_owned()))
    }

    async fn read(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        Ok(self.store.get(std::slice::from_ref(key)).await?.remove(key))
    }

    /// What is written with a changed event: its record, so that both payloads count as the event, and the revision of its review
    /// item, so that an act on it that has read the former body is taken anew.
    async fn beside(
        &self,
        kind: Kind,
        key: &Key,
        item: &Item,
        event: Option<&Reworded>,
    ) -> Result<Vec<Write>, StoreError> {
        let mut writes = Vec::new();
        let review = match kind {
            Kind::ReviewBody => self.review_item(key).await?,
            _ => None,
        };
        if let Some((key, item)) = &review {
            writes.extend(raised(key, item));
        }
        let scope = scope(kind, key, review.as_ref().map_or(item, |(_, item)| item));
        if let Some((scope, event)) = scope.filter(|scope| scope.group().tenant == *self.tenant).zip(event) {
            let subject = self.store.subject(&scope, &event.subject).await?;
            let seen = subject.as_ref().and_then(|item: &SubjectItem| item.seen(&event.id));
            let known = self.store.record(&scope, &event.id).await?;
            if let Some(record) = remember(known, seen, event) {
                writes.push(record.put(scope.record(&event.id))?);
            }
        }
        Ok(writes)
    }

    /// The review item of a body.
    async fn review_item(&self, body: &Key) -> Result<Option<(Key, Item)>, StoreError> {
        let Some((_, id)) = body.sort_key().rsplit_once('/') else { return Ok(None) };
        let key = body.sibling(format!("{}#{}{id}", bellhop_store::review::CONSUMER, sort::REVIEW_ITEM));
        Ok(self.read(&key).await?.map(|item| (key, item)))
    }
}

fn raised(key: &Key, item: &Item) -> Option<Write> {
    use aws_sdk_dynamodb::types::AttributeValue::N;
    let rev: u64 = item.get(REV)?.as_n().ok()?.parse().ok()?;
    let at = |rev: u64| Item::from([(REV.to_owned(), N(rev.to_string()))]);
    Some(Write::Amend { key: key.clone(), was: at(rev), to: at(rev + 1) })
}

/// Where the function that works an event keeps it; `item` says so where the key does not.
fn scope(kind: Kind, key: &Key, item: &Item) -> Option<Scope> {
    #[derive(Deserialize)]
    struct Says {
        queue: Queue,
        group: String,
    }
    let (queue, group) = match kind {
        Kind::Due | Kind::ReviewBody => {
            let Says { queue, group } = decode_item(item.clone()).ok()?;
            (queue, group)
        }
        _ => (Queue::of_consumer(key.sort_key().split('#').next()?)?, key.partition().to_owned()),
    };
    let group: MessageGroup = group.parse().ok()?;
    // What lies on nobody's desk was never worked in anybody's name.
    if kind == Kind::ReviewBody && key.partition() != group.tenant.as_str() {
        return None;
    }
    Some(Scope::in_group(queue.consumer(), group))
}

/// The record by which both payloads count as the event; none: they do, or the former one never did.
fn remember(known: Option<Record>, seen: Option<Seen>, event: &Reworded) -> Option<Record> {
    let mut record = match (known, seen) {
        (Some(record), _) if record.accepts(&event.was) => record,
        (None, Some(seen)) if seen.digest == event.was => Record::of_seen(&event.id, &event.subject, seen),
        (None, None) => Record::new(&event.id, &event.subject, event.was, RecordState::Retrying),
        _ => return None,
    };
    if record.accepts(&event.is) {
        return None;
    }
    record.digests.push(event.is.to_string());
    Some(record)
}
