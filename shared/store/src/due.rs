//! What is due at a time: messages that the timer sends, in shards so that no partition is hot. An entry is written in the
//! transaction of whatever makes it due; sent twice, its message is a duplicate, for its id is that of the entry.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use aws_sdk_dynamodb::types::AttributeValue;
use bellhop_events::{EventId, Queue};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{StoreError, sort};
use crate::item::{Item, decode_item, encode_item};
use crate::keys::{DUE, Key, attribute};
use crate::{Expect, Scope, Store, Write};

/// So many partitions share what is due.
pub const DUE_SHARDS: u8 = 16;

/// A message for a later time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// Where it goes.
    pub queue: Queue,
    /// Its message group.
    pub group: String,
    /// What its order is about.
    pub subject: String,
    /// Its deduplication id: that of the event in it.
    pub id: EventId,
    /// The event.
    pub body: String,
}

/// An entry as the timer reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct DueEntry {
    /// For [`Store::forget_due`].
    pub key: Key,
    /// When it was due.
    pub at: Timestamp,
    /// What.
    pub due: Due,
}

impl Due {
    /// The write of an entry. The same message at the same second is one entry.
    pub fn put(&self, scope: &Scope, at: Timestamp) -> Result<Write, StoreError> {
        let mut hasher = DefaultHasher::new();
        scope.group().to_string().hash(&mut hasher);
        let shard = hasher.finish() % u64::from(DUE_SHARDS);
        let sk = format!("{:012}#{}#{}", at.as_second(), scope.group(), self.id);
        Ok(Write::Put {
            key: Key { pk: format!("{DUE}{shard:02}"), sk },
            item: encode_item(self)?,
            expect: Expect::Any,
        })
    }
}

impl Store {
    /// What is due at `now` in one shard, oldest first; at most `most`.
    pub async fn due(&self, shard: u8, now: Timestamp, most: i32) -> Result<Vec<DueEntry>, StoreError> {
        let request = self.client.query().table_name(&self.state).consistent_read(true).limit(most);
        let request = request.key_condition_expression("pk = :pk AND sk < :end");
        let request = request.expression_attribute_values(":pk", AttributeValue::S(format!("{DUE}{shard:02}")));
        let end = format!("{:012}", now.as_second() + 1);
        let request = request.expression_attribute_values(":end", AttributeValue::S(end));
        let answer = request.send().await.map_err(|e| sort(&e))?;
        answer.items.unwrap_or_default().into_iter().map(entry).collect()
    }

    /// Removes an entry whose message was accepted.
    pub async fn forget_due(&self, key: &Key) -> Result<(), StoreError> {
        self.commit(vec![Write::Delete { key: key.clone() }]).await
    }
}

fn entry(item: Item) -> Result<DueEntry, StoreError> {
    let text = |name: &str| item.get(name).and_then(|v| v.as_s().ok().cloned());
    let key = text(attribute::PK).zip(text(attribute::SK)).map(|(pk, sk)| Key { pk, sk });
    let key = key.ok_or_else(|| StoreError::Defect("an entry without a key".to_owned()))?;
    let at = key.sk.get(..12).and_then(|second| second.parse().ok()).and_then(|s| Timestamp::from_second(s).ok());
    let at = at.ok_or_else(|| StoreError::Defect(format!("an entry without a time: {}", key.sk)))?;
    Ok(DueEntry { key, at, due: decode_item(item)? })
}
