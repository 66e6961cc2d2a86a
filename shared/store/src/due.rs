//! What is due at a time: messages that the timer sends, in shards so that no partition is hot. An entry is written in the
//! transaction of whatever makes it due; sent twice, its message is a duplicate, for its id is that of the entry.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, WriteRequest};
use bellhop_events::{Digest, Envelope, EventId, Queue};
use futures_util::future::join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{StoreError, sort};
use crate::item::{Item, decode_item, encode_item};
use crate::keys::{DUE, Key};
use crate::read::{attributes, key_of};
use crate::{Expect, Scope, Store, Write};

/// So many partitions share what is due.
pub const DUE_SHARDS: u8 = 16;
/// A `BatchWriteItem` takes 25 items (Amazon DynamoDB API Reference, `BatchWriteItem`).
const MOST_DELETES: usize = 25;

/// A message for a later time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// Where it goes.
    pub queue: Queue,
    /// Its message group. All entries of a group are written with one scope, else they lie in two shards, and their order
    /// is lost.
    pub group: String,
    /// What its order is about.
    pub subject: String,
    /// Its deduplication id: that of the event in it. What is planned anew needs a new one, also at the same time, or it
    /// is taken for what was sent.
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

/// Some of what is due in a shard.
#[derive(Debug, Default)]
pub struct DuePage {
    /// Oldest first; in the order of their ids within a second.
    pub entries: Vec<DueEntry>,
    /// Entries of another form, for example of a later version. They stay where they are.
    pub unreadable: Vec<(Key, StoreError)>,
    /// Where to read on, if there may be more.
    pub next: Option<Key>,
}

impl Due {
    /// An event for a later time, in the message group of a scope.
    #[must_use]
    pub fn event(queue: Queue, scope: &Scope, event: &Envelope) -> Self {
        Self {
            queue,
            group: scope.group().to_string(),
            subject: event.subject.to_string(),
            id: event.id.clone(),
            body: event.to_body(),
        }
    }

    /// Where an entry lies. A part of a second counts as a whole one: nothing leaves before its time.
    #[must_use]
    pub fn key(&self, scope: &Scope, at: Timestamp) -> Key {
        key(scope, at, &self.id)
    }

    /// The write of an entry. The same message at the same second is one entry.
    pub fn put(&self, scope: &Scope, at: Timestamp) -> Result<Write, StoreError> {
        Ok(Write::Put { key: self.key(scope, at), item: encode_item(self)?, expect: Expect::Any })
    }

    /// The write that takes an entry back, where it is there still: it may have been sent, and its consumer must see that
    /// it is stale. Not in one transaction with a put of the same entry.
    #[must_use]
    pub fn delete(scope: &Scope, at: Timestamp, id: &EventId) -> Write {
        Write::Delete { key: key(scope, at, id), expect: Expect::Any }
    }
}

/// The id stands before the group: most ids are hashes, so that what is due at one second alternates between groups, and
/// fills batches, of which each takes one message of a group.
fn key(scope: &Scope, at: Timestamp, id: &EventId) -> Key {
    let group = scope.group().to_string();
    // Not a hash of Rust's own, which may change: a key is computed again to take the entry back.
    let shard = Digest::of_bytes(group.as_bytes()).as_bytes()[0] % DUE_SHARDS;
    let second = at.as_second() + i64::from(at.subsec_nanosecond() > 0);
    Key { pk: partition(shard), sk: format!("{second:012}#{id}#{group}") }
}

fn partition(shard: u8) -> String {
    format!("{DUE}{shard:02}")
}

impl Store {
    /// What is due at `now` in one shard, at most `most`, from the beginning or after what another page ended with.
    pub async fn due(&self, shard: u8, now: Timestamp, after: Option<&Key>, most: i32) -> Result<DuePage, StoreError> {
        let request = self.client.query().table_name(&self.state).consistent_read(true).limit(most);
        let request = request.key_condition_expression("pk = :pk AND sk < :end");
        let request = request.expression_attribute_values(":pk", AttributeValue::S(partition(shard)));
        let end = format!("{:012}", now.as_second() + 1);
        let request = request.expression_attribute_values(":end", AttributeValue::S(end));
        let request = request.set_exclusive_start_key(after.map(attributes));
        let answer = request.send().await.map_err(|e| sort(&e))?;
        let mut page = DuePage { next: answer.last_evaluated_key.as_ref().and_then(key_of), ..DuePage::default() };
        for item in answer.items.unwrap_or_default() {
            let key = key_of(&item).ok_or_else(|| StoreError::Defect("an entry without a key".to_owned()))?;
            match entry(key.clone(), item) {
                Ok(entry) => page.entries.push(entry),
                Err(error) => page.unreadable.push((key, error)),
            }
        }
        Ok(page)
    }

    /// Removes entries whose messages were accepted.
    pub async fn forget_due(&self, keys: &[Key]) -> Result<(), StoreError> {
        let batches = keys.chunks(MOST_DELETES).map(|batch| Box::pin(self.forget_batch(batch)));
        join_all(batches).await.into_iter().collect()
    }

    async fn forget_batch(&self, keys: &[Key]) -> Result<(), StoreError> {
        let deletes: Result<Vec<_>, _> = keys.iter().map(delete_request).collect();
        let mut asked = deletes.map_err(|e| StoreError::Defect(e.to_string()))?;
        for round in 0_u32.. {
            let answer = self.client.batch_write_item().request_items(&self.state, asked).send().await;
            let answer = answer.map_err(|e| sort(&e))?;
            asked = match answer.unprocessed_items.and_then(|mut tables| tables.remove(&self.state)) {
                Some(rest) if !rest.is_empty() => rest,
                _ => break,
            };
            if round >= 4 {
                return Err(StoreError::Unavailable("unprocessed deletes".to_owned()));
            }
            tokio::time::sleep(Duration::from_millis(fastrand::u64(0..=20 << round))).await;
        }
        Ok(())
    }
}

fn delete_request(key: &Key) -> Result<WriteRequest, aws_sdk_dynamodb::error::BuildError> {
    let delete = DeleteRequest::builder().set_key(Some(attributes(key))).build()?;
    Ok(WriteRequest::builder().delete_request(delete).build())
}

fn entry(key: Key, item: Item) -> Result<DueEntry, StoreError> {
    let at = key.sk.get(..12).and_then(|second| second.parse().ok()).and_then(|s| Timestamp::from_second(s).ok());
    let at = at.ok_or_else(|| StoreError::Defect("its key has no time".to_owned()))?;
    Ok(DueEntry { at, due: decode_item(item)?, key })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn scope() -> Scope {
        Scope::for_operator("automation", "sea".parse().expect("a tenant"), "villa".parse().expect("a property"))
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn the_key_of_an_entry_is_the_same_in_each_version() {
        let due = Due {
            queue: Queue::Automation,
            group: "sea#villa".to_owned(),
            subject: "booking/1".to_owned(),
            id: "d1".parse().expect("an id"),
            body: String::new(),
        };
        let key = due.key(&scope(), at("2026-07-01T10:00:00Z"));
        assert_eq!(key, Key { pk: "due#12".to_owned(), sk: "001782900000#d1#sea#villa".to_owned() });
        assert_eq!(
            Due::delete(&scope(), at("2026-07-01T10:00:00Z"), &due.id),
            Write::Delete { key, expect: Expect::Any }
        );
    }

    #[test]
    fn nothing_is_due_before_its_time() {
        let id = "d1".parse().expect("an id");
        let second = |time| key(&scope(), at(time), &id).sk.split('#').next().map(str::to_owned);
        assert_eq!(second("2026-07-01T10:00:00.000000001Z").as_deref(), Some("001782900001"));
        assert_eq!(second("2026-07-01T10:00:00Z").as_deref(), Some("001782900000"));
    }

    #[test]
    fn groups_spread_over_all_shards() {
        let scope = |n: u16| {
            let property = format!("p{n}").parse().expect("a property");
            Scope::for_operator("automation", "sea".parse().expect("a tenant"), property)
        };
        let id = "d1".parse().expect("an id");
        let mut shards = HashMap::new();
        for n in 0..1600 {
            *shards.entry(key(&scope(n), at("2026-07-01T10:00:00Z"), &id).pk).or_insert(0) += 1;
        }
        assert_eq!(shards.len(), usize::from(DUE_SHARDS));
        assert!(shards.values().all(|entries| (50..200).contains(entries)), "{shards:?}");
    }
}
