//! Journals: what came for a suspended tenant, in the order in which it came. One for each consumer and message group.
//!
//! An entry is no more than a message that waits in DynamoDB instead of SQS, without its 14 days: it is worked as if it had just
//! arrived, and an event that lies there twice is a duplicate the second time.

use aws_sdk_dynamodb::types::AttributeValue;
use bellhop_events::{MessageGroup, TenantId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::item::{decode_item, encode_item};
use crate::keys::{Key, OPEN_JOURNAL, attribute, sort};
use crate::read::key_of;
use crate::{Expect, Scope, Store, Write};

/// Where a journal stands: entries at places `head..next`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// Writes so far; 0: not stored yet.
    #[serde(default)]
    pub rev: u64,
    /// Raised each time that the tenant is resumed: a wake-up of another generation is stale.
    #[serde(rename = "gen")]
    pub generation: u64,
    /// The place of the entry to be worked next.
    pub head: u64,
    /// The place that the next entry takes.
    pub next: u64,
    /// Since when, epoch seconds.
    pub since: i64,
}

/// A message in a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The body, byte for byte.
    pub body: String,
    /// The SQS message that carried it.
    pub message_id: String,
    /// When it was put there, epoch seconds.
    pub at: i64,
}

/// A journal as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenJournal {
    /// Whose.
    pub consumer: String,
    /// Which message group.
    pub group: MessageGroup,
    /// The journal.
    pub journal: Journal,
}

impl Journal {
    /// An empty one.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        // A new journal must not heed the wake-up of one that was emptied before.
        let generation = u64::try_from(now.as_microsecond()).unwrap_or_default();
        Self { rev: 0, generation, head: 0, next: 0, since: now.as_second() }
    }

    /// How many entries wait.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.next.saturating_sub(self.head)
    }

    /// Whether none does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The write of this journal, on condition that nobody wrote it since it was read.
    pub fn put(&self, scope: &Scope) -> Result<Write, StoreError> {
        let group = scope.group();
        let mut item = encode_item(self)?;
        let open = [
            (attribute::OPEN_PK, format!("{OPEN_JOURNAL}{}", group.tenant)),
            (attribute::OPEN_SK, format!("{group}#{}", scope.consumer())),
        ];
        item.extend(open.map(|(name, value)| (name.to_owned(), AttributeValue::S(value))));
        Ok(Write::replace(scope.own(sort::JOURNAL, ""), item, self.rev))
    }

    /// The writes that add an entry.
    pub fn append(mut self, scope: &Scope, entry: &Entry) -> Result<[Write; 2], StoreError> {
        let key = Self::entry_key(scope, self.next);
        self.next += 1;
        Ok([self.put(scope)?, Write::Put { key, item: encode_item(entry)?, expect: Expect::Any }])
    }

    /// The writes that leave the entry at the head behind; the journal goes with its last.
    pub fn step(mut self, scope: &Scope) -> Result<[Write; 2], StoreError> {
        let worked = Write::Delete { key: Self::entry_key(scope, self.head), expect: Expect::Any };
        self.head += 1;
        let journal = if self.is_empty() {
            Write::Delete { key: scope.own(sort::JOURNAL, ""), expect: Expect::Rev(self.rev) }
        } else {
            self.put(scope)?
        };
        Ok([journal, worked])
    }

    fn entry_key(scope: &Scope, place: u64) -> Key {
        scope.own(sort::JOURNAL_ENTRY, &format!("{place:010}"))
    }
}

impl Store {
    /// The journal of a consumer and message group.
    pub async fn journal(&self, scope: &Scope) -> Result<Option<Journal>, StoreError> {
        let key = scope.own(sort::JOURNAL, "");
        self.get(std::slice::from_ref(&key)).await?.remove(&key).map(decode_item).transpose()
    }

    /// The entry at a place.
    pub async fn journal_entry(&self, scope: &Scope, place: u64) -> Result<Option<Entry>, StoreError> {
        let key = Journal::entry_key(scope, place);
        self.get(std::slice::from_ref(&key)).await?.remove(&key).map(decode_item).transpose()
    }

    /// All journals of a tenant, as of a moment ago.
    pub async fn journals(&self, tenant: &TenantId) -> Result<Vec<OpenJournal>, StoreError> {
        let items = self.indexed(&format!("{OPEN_JOURNAL}{tenant}"), None, usize::MAX).await?;
        let open = items.into_iter().filter_map(|item| {
            let key = key_of(&item)?;
            let consumer = key.sk.split('#').next()?.to_owned();
            let group = key.pk.parse().ok()?;
            Some(decode_item(item).map(|journal| OpenJournal { consumer, group, journal }))
        });
        open.collect()
    }
}
