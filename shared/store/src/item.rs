//! The item of a subject: domain state, happy-path records, last outbox and hold together, so that one write commits all.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use bellhop_events::{Digest, EventId};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::StoreError;
use crate::hold::{Hold, Line, attribute as line_attribute};
use crate::keys::{Key, OPEN_HOLD, attribute};
use crate::record::Seen;

/// A DynamoDB item.
pub type Item = HashMap<String, AttributeValue>;

/// Reads a value from an item's attributes.
pub fn decode_item<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    serde_dynamo::from_item(item).map_err(|error| StoreError::Defect(error.to_string()))
}

/// Writes a value as an item's attributes.
pub fn encode_item<T: Serialize>(value: &T) -> Result<Item, StoreError> {
    serde_dynamo::to_item(value).map_err(|error| StoreError::Defect(error.to_string()))
}

/// What is remembered of a subject.
#[derive(Debug, Clone, PartialEq)]
pub struct SubjectItem {
    pub(crate) key: Key,
    /// Writes so far; 0: not stored yet.
    pub rev: u64,
    /// The handler's state.
    pub state: Option<AttributeValue>,
    /// The events that are done, until they are pruned.
    pub seen: BTreeMap<String, Seen>,
    /// The event that was done last, and what its follow-ups are rebuilt from.
    pub outbox: Option<(String, AttributeValue)>,
    /// Events that wait behind a failed one.
    pub hold: Option<Hold>,
    /// Events that wait for the subject to be registered.
    pub wait: Option<Hold>,
}

const STATE: &str = "st";
const SEEN: &str = "seen";
const OUTBOX: &str = "out";
const OUTBOX_EVENT: &str = "by";
const OUTBOX_DATA: &str = "x";

impl SubjectItem {
    pub(crate) fn new(key: Key) -> Self {
        Self { key, rev: 0, state: None, seen: BTreeMap::new(), outbox: None, hold: None, wait: None }
    }

    /// Reads a stored item.
    pub fn decode(key: Key, mut item: Item) -> Result<Self, StoreError> {
        let rev = item.get(attribute::REV).and_then(|v| v.as_n().ok()).and_then(|n| n.parse().ok());
        let seen = match item.remove(SEEN) {
            Some(AttributeValue::M(map)) => {
                map.into_iter().filter_map(|(id, v)| Some((id, Seen::decode(&v)?))).collect()
            }
            _ => BTreeMap::new(),
        };
        let outbox = match item.remove(OUTBOX) {
            Some(AttributeValue::M(mut map)) => {
                let by = map.remove(OUTBOX_EVENT).and_then(|v| v.as_s().ok().cloned());
                by.zip(map.remove(OUTBOX_DATA))
            }
            _ => None,
        };
        let mut line =
            |line: Line| item.remove(line_attribute(line)).map(serde_dynamo::from_attribute_value).transpose();
        let defect = |error: serde_dynamo::Error| StoreError::Defect(error.to_string());
        Ok(Self {
            key,
            rev: rev.ok_or_else(|| StoreError::Defect("an item without rev".to_owned()))?,
            hold: line(Line::Hold).map_err(defect)?,
            wait: line(Line::Wait).map_err(defect)?,
            state: item.remove(STATE),
            seen,
            outbox,
        })
    }

    /// The item as it is written, one revision on.
    pub(crate) fn encode(&self) -> Result<Item, StoreError> {
        let mut item = Item::new();
        item.insert(attribute::REV.into(), AttributeValue::N((self.rev + 1).to_string()));
        if let Some(state) = &self.state {
            item.insert(STATE.into(), state.clone());
        }
        if !self.seen.is_empty() {
            let seen = self.seen.iter().map(|(id, seen)| (id.clone(), seen.encode())).collect();
            item.insert(SEEN.into(), AttributeValue::M(seen));
        }
        if let Some((by, data)) = &self.outbox {
            let outbox = [(OUTBOX_EVENT.into(), AttributeValue::S(by.clone())), (OUTBOX_DATA.into(), data.clone())];
            item.insert(OUTBOX.into(), AttributeValue::M(outbox.into()));
        }
        for line in [Line::Hold, Line::Wait] {
            let Some(hold) = self.line(line) else { continue };
            let value = serde_dynamo::to_attribute_value(hold).map_err(|e| StoreError::Defect(e.to_string()))?;
            item.insert(line_attribute(line).into(), value);
        }
        if self.hold.is_some() || self.wait.is_some() {
            let consumer = self.key.sk.split('#').next().unwrap_or_default();
            item.insert(attribute::OPEN_PK.into(), AttributeValue::S(format!("{OPEN_HOLD}{consumer}")));
            item.insert(attribute::OPEN_SK.into(), AttributeValue::S(format!("{}#{}", self.key.pk, self.key.sk)));
        }
        Ok(item)
    }

    /// The item with another state.
    pub fn with_state<T: Serialize>(mut self, state: &T) -> Result<Self, StoreError> {
        let value = serde_dynamo::to_attribute_value(state).map_err(|error| StoreError::Defect(error.to_string()))?;
        self.state = Some(value);
        Ok(self)
    }

    /// Where it is stored.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The hold or wait of this subject.
    #[must_use]
    pub fn line(&self, line: Line) -> Option<&Hold> {
        match line {
            Line::Hold => self.hold.as_ref(),
            Line::Wait => self.wait.as_ref(),
        }
    }

    /// The place of the hold or wait.
    pub fn line_mut(&mut self, line: Line) -> &mut Option<Hold> {
        match line {
            Line::Hold => &mut self.hold,
            Line::Wait => &mut self.wait,
        }
    }

    /// Whether this event is done, and with which payload.
    #[must_use]
    pub fn seen(&self, event: &EventId) -> Option<Seen> {
        self.seen.get(event.as_str()).copied()
    }

    /// Remembers an event as done. What is older than [`crate::KEEP_DAYS`] is forgotten; of too many, the oldest are returned, to
    /// be kept as records of their own, so that the item stays small.
    pub fn remember(&mut self, event: &EventId, digest: Digest, now: Timestamp) -> Vec<(String, Seen)> {
        const MOST: usize = 24;
        let oldest_kept = now.as_second() - crate::KEEP_DAYS * 86_400;
        self.seen.retain(|_, seen| seen.at >= oldest_kept);
        let mut moved = Vec::new();
        if self.seen.len() >= MOST {
            let mut by_age: Vec<_> = self.seen.iter().map(|(id, seen)| (seen.at, id.clone())).collect();
            by_age.sort_unstable();
            for (_, id) in by_age.into_iter().take(MOST / 2) {
                moved.extend(self.seen.remove_entry(&id));
            }
        }
        self.seen.insert(event.to_string(), Seen { digest, at: now.as_second() });
        moved
    }
}

impl Seen {
    /// 32 bytes of digest, then the epoch second in 5 bytes.
    fn encode(self) -> AttributeValue {
        let mut bytes = self.digest.as_bytes().to_vec();
        bytes.extend_from_slice(&self.at.to_be_bytes()[3..]);
        AttributeValue::B(Blob::new(bytes))
    }

    fn decode(value: &AttributeValue) -> Option<Self> {
        let bytes = value.as_b().ok()?.as_ref();
        let (digest, at) = bytes.split_at_checked(32)?;
        let at = at.iter().fold(0, |sum, byte| (sum << 8) | i64::from(*byte));
        Some(Self { digest: Digest::from_slice(digest)?, at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> SubjectItem {
        SubjectItem::new(Key { pk: "sea#villa".into(), sk: "calendar#booking/1".into() })
    }

    #[test]
    fn an_item_reads_what_it_writes() {
        let mut item = empty();
        item.rev = 4;
        item.state = Some(AttributeValue::S("x".into()));
        let now: Timestamp = "2026-07-01T00:00:00Z".parse().expect("a time");
        item.remember(&"e1".parse().expect("an id"), Digest::of_bytes(b"1"), now);
        item.outbox = Some(("e1".into(), AttributeValue::N("1".into())));
        item.hold = Some(Hold::new(4, "invalid-data", now));
        let stored = item.encode().expect("encodes");
        assert_eq!(stored.get("open_pk"), Some(&AttributeValue::S("hold#calendar".into())));
        let read = SubjectItem::decode(item.key.clone(), stored).expect("decodes");
        assert_eq!(read, SubjectItem { rev: 5, ..item });
    }

    #[test]
    fn what_is_remembered_is_bounded_in_number_and_age() {
        let mut item = empty();
        let mut kept_elsewhere = 0;
        let start: Timestamp = "2026-07-01T00:00:00Z".parse().expect("a time");
        for n in 0..200_i64 {
            let now = start + jiff::SignedDuration::from_mins(n);
            let id = format!("e{n}").parse().expect("an id");
            kept_elsewhere += item.remember(&id, Digest::of_bytes(b""), now).len();
        }
        assert!(item.seen.len() <= 24);
        assert_eq!(item.seen.len() + kept_elsewhere, 200);
        let later = start + jiff::SignedDuration::from_hours(24 * 60);
        item.remember(&"last".parse().expect("an id"), Digest::of_bytes(b""), later);
        assert_eq!(item.seen.len(), 1);
    }
}
