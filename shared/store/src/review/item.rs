//! A review item, as a list shows it.

use aws_sdk_dynamodb::types::AttributeValue;
use bellhop_events::FallbackNote;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Desk, ReviewId};
use crate::error::StoreError;
use crate::item::{Item, encode_item};
use crate::keys::{OPEN_REVIEW, attribute, sort as sorts};
use crate::{KEEP_DAYS, Write};

/// The latest messages of an item that are remembered, to tell a redelivery from other news.
const MOST_MESSAGES: usize = 20;

/// By which road a failure came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Road {
    /// The worker gave it up, with a reason.
    Fallback,
    /// SQS did, by the redrive policy.
    DeadLetter,
}

/// What an item becomes by an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ActKind {
    /// Put to work again; should it fail once more, that is another item.
    Retried,
    /// Put to work again with another body.
    Edited,
    /// Left out.
    Discarded,
    /// By nobody: its event is done, or needs nobody any more, by another road.
    Settled,
}

impl ActKind {
    /// The word in lists.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Retried => "retried",
            Self::Edited => "edited",
            Self::Discarded => "discarded",
            Self::Settled => "settled",
        }
    }
}

/// What somebody did with an item: once, and never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// Who, as the tool was told.
    pub by: String,
    /// What.
    pub kind: ActKind,
    /// Why, where somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// What waits for a person, or did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewItem {
    /// Writes so far; 0: not stored yet.
    #[serde(default)]
    pub rev: u64,
    /// Its id.
    pub id: ReviewId,
    /// What was said of it when it was given up.
    #[serde(flatten)]
    pub note: FallbackNote,
    /// The event's type, if the envelope could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// How often SQS had handed the message out.
    pub receives: u32,
    /// By which road it came first.
    pub road: Road,
    /// SQS's ids of the messages that said so, the latest.
    pub messages: Vec<String>,
    /// When the first of them was sent.
    pub first_seen: Timestamp,
    /// When the last of them was sent.
    pub last_seen: Timestamp,
    /// How often it was told.
    pub told: u32,
    /// What was done about it; none: somebody must decide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Act>,
    /// The act is stored, and its message is not known to be sent.
    #[serde(default)]
    pub owes: bool,
}

impl ReviewItem {
    /// How it fares, in a word.
    #[must_use]
    pub fn state(&self) -> &'static str {
        self.act.as_ref().map_or("open", |act| act.kind.word())
    }

    /// Told again; `false`: by a message that is known, so nothing is new. What was decided on stays so: the next failure of an
    /// event is another item.
    pub(super) fn tell_again(&mut self, news: &Self) -> bool {
        let Some(message) = news.messages.first().filter(|message| !self.messages.contains(message)) else {
            return false;
        };
        self.messages.push(message.clone());
        if self.messages.len() > MOST_MESSAGES {
            self.messages.remove(0);
        }
        self.told += 1;
        self.last_seen = self.last_seen.max(news.last_seen);
        self.receives = self.receives.max(news.receives);
        if (self.road, news.road) == (Road::DeadLetter, Road::Fallback) {
            // SQS was first; the worker says why.
            self.note = news.note.clone();
        }
        true
    }

    /// When it may be forgotten, epoch seconds: never while it is open.
    pub(super) fn ttl(&self) -> Option<AttributeValue> {
        let act = self.act.as_ref()?;
        Some(AttributeValue::N((act.at.as_second() + KEEP_DAYS * 86_400).to_string()))
    }

    fn encode(&self, desk: &Desk) -> Result<Item, StoreError> {
        let mut item = encode_item(self)?;
        if let Some(ttl) = self.ttl() {
            item.insert(attribute::TTL.to_owned(), ttl);
            return Ok(item);
        }
        item.insert(attribute::OPEN_PK.to_owned(), AttributeValue::S(format!("{OPEN_REVIEW}{desk}")));
        let place = format!("{:014}#{}", self.first_seen.as_millisecond().max(0), self.id);
        item.insert(attribute::OPEN_SK.to_owned(), AttributeValue::S(place));
        Ok(item)
    }

    /// The write of this item, on condition that nobody wrote it since it was read.
    pub fn put(&self, desk: &Desk) -> Result<Write, StoreError> {
        Ok(Write::replace(desk.key(sorts::REVIEW_ITEM, &self.id), self.encode(desk)?, self.rev))
    }
}
