//! Records: which events were done, and how those fare that were not done at once.

use bellhop_events::{Digest, EventId};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::hold::Line;
use crate::item::{Item, decode_item, encode_item};

/// An event that is done: its payload and when (epoch seconds).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The payload.
    pub digest: Digest,
    /// Epoch seconds.
    pub at: i64,
}

/// How an event fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordState {
    /// Attempted, will be attempted again.
    Retrying,
    /// Waits for a person.
    Failed,
    /// Waits behind another event.
    Parked,
    /// Done.
    Done,
    /// A person decided that it is not to be done.
    Discarded,
}

/// The record of an event that was not done at its first attempt. An item of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Writes so far; 0: not stored yet.
    #[serde(default)]
    pub rev: u64,
    /// The event.
    pub id: EventId,
    /// How it fares.
    pub state: RecordState,
    /// The payloads that count as this event, hex: what was sent, and after an edit what a person made of it.
    pub digests: Vec<String>,
    /// `booking/ID` and so on.
    pub subject: String,
    /// Attempts since it was last put to work.
    #[serde(default)]
    pub attempts: u32,
    /// How often it was given up.
    #[serde(default)]
    pub failures: u32,
    /// Stable reason codes of its last faults, newest last.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// Where it waits: line, subject that it waits behind, place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<(Line, String, u64)>,
    /// Why a person discarded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discarded_because: Option<String>,
    /// Epoch seconds after which it may be forgotten; none while it waits for somebody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<i64>,
}

impl Record {
    /// A record that is not stored yet.
    #[must_use]
    pub fn new(id: &EventId, subject: &impl ToString, digest: Digest, state: RecordState) -> Self {
        Self {
            rev: 0,
            id: id.clone(),
            state,
            digests: vec![digest.to_string()],
            subject: subject.to_string(),
            attempts: 0,
            failures: 0,
            reasons: Vec::new(),
            place: None,
            discarded_because: None,
            ttl: None,
        }
    }

    /// Whether this payload counts as this event.
    #[must_use]
    pub fn accepts(&self, digest: &Digest) -> bool {
        self.digests.iter().any(|known| *known == digest.to_string())
    }

    /// Notes why it failed; the last ten are kept.
    pub fn note(&mut self, reason: &str) {
        self.reasons.push(reason.to_owned());
        if self.reasons.len() > 10 {
            self.reasons.remove(0);
        }
    }

    /// Sets when it may be forgotten: [`crate::KEEP_DAYS`] after `now` (epoch seconds).
    pub fn forget_after(&mut self, now: i64) {
        self.ttl = Some(now + crate::KEEP_DAYS * 86_400);
    }

    pub(crate) fn decode(item: Item) -> Result<Self, StoreError> {
        decode_item(item)
    }

    pub(crate) fn encode(&self) -> Result<Item, StoreError> {
        encode_item(&Self { rev: self.rev + 1, ..self.clone() })
    }
}
