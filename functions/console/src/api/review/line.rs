//! What waits behind an item's event.

use bellhop_events::{EventId, MessageGroup, Queue, Subject};
use bellhop_store::review::ReviewItem;
use bellhop_store::{Parked, Record, Scope, Store, StoreError, decode_item};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::auth::OwnDesk;

/// No more are shown one by one.
const MOST: u64 = 50;

/// An event that waits.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Waiting {
    /// Its id.
    event: String,
    /// Its type, as its body says.
    #[serde(rename = "type")]
    event_type: String,
    /// What it is about, as its body says.
    subject: String,
    /// Since when, RFC 3339.
    since: String,
}

/// What the body of an event says; anything else in it does not matter here.
#[derive(Default, Deserialize)]
struct Said {
    #[serde(rename = "type", default)]
    event_type: String,
    #[serde(default)]
    subject: String,
}

/// What is known of an item's event beside the item.
#[derive(Debug, Default)]
pub(crate) struct Behind {
    pub record: Option<Record>,
    pub waiting: Vec<Waiting>,
    /// So many more wait.
    pub more: u64,
}

/// Where the function behind the item's queue keeps its event; only on the desk of its tenant.
fn scope(desk: &OwnDesk, item: &ReviewItem) -> Option<(Scope, EventId)> {
    let group: MessageGroup = item.note.group.parse().ok()?;
    let consumer = Queue::named(&item.note.queue)?.consumer();
    let is_own = desk.desk().tenant() == Some(&group.tenant);
    is_own.then(|| Scope::in_group(consumer, group)).zip(item.note.event.as_ref()?.parse().ok())
}

/// Reads it: three reads at most, however long the line is.
pub(crate) async fn behind(store: &Store, desk: &OwnDesk, item: &ReviewItem) -> Result<Behind, StoreError> {
    let Some((scope, event)) = scope(desk, item) else { return Ok(Behind::default()) };
    let mut found = Behind { record: store.record(&scope, &event).await?, ..Behind::default() };
    let place = found.record.as_ref().and_then(|record| record.place.clone());
    let Some((line, holder, index)) = place else { return Ok(found) };
    let Ok(holder) = holder.parse::<Subject>() else { return Ok(found) };
    let subject = store.subject(&scope, &holder).await?;
    let Some(hold) = subject.as_ref().and_then(|subject| subject.line(line)) else { return Ok(found) };
    let first = hold.head.max(index.saturating_add(1));
    let last = hold.next.min(first.saturating_add(MOST));
    let keys: Vec<_> = (first..last).map(|place| scope.parked(line, &holder, place)).collect();
    let mut items = store.get(&keys).await?;
    for parked in keys.iter().filter_map(|key| items.remove(key)) {
        found.waiting.push(Waiting::new(&decode_item(parked)?));
    }
    found.more = hold.next.saturating_sub(last.max(first));
    Ok(found)
}

impl Waiting {
    fn new(parked: &Parked) -> Self {
        let said: Said = serde_json::from_str(&parked.body).unwrap_or_default();
        Self {
            event: parked.id.to_string(),
            event_type: said.event_type.chars().take(256).collect(),
            subject: said.subject.chars().take(256).collect(),
            since: Timestamp::from_second(parked.at).map(|at| at.to_string()).unwrap_or_default(),
        }
    }
}
