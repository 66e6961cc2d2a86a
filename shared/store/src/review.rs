//! Review items: what waits for a person, each once, kept until somebody has decided.
//!
//! An item is three entries of the table: what a list shows, the original body apart from it (so that a page of a list reads no
//! bodies), and the name of its desk. A desk holds the items of one tenant; what names no tenant that can be trusted lies on a
//! desk of its own, whose key no tenant id can spell.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::str::FromStr;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use bellhop_events::{Digest, TenantId};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{StoreError, sort};
use crate::item::{Item, decode_item, encode_item};
use crate::keys::{DESKS, Key, OPEN_INDEX, OPEN_REVIEW, attribute, sort as sorts};
use crate::read::key_of;
use crate::{Expect, KEEP_DAYS, Store, Write};

/// The consumer in the keys of review items.
pub const CONSUMER: &str = "review";
/// The latest messages of an item that are remembered, to tell a redelivery from a new failure.
const MOST_MESSAGES: usize = 20;
/// The latest acts that are kept.
const MOST_ACTS: usize = 50;
/// No body that SQS takes is larger (1 MiB): more would be a bomb.
const MOST_BODY_BYTES: u64 = 1 << 20;
/// So often a race for one item is run again.
const MOST_RACES: u32 = 8;
/// Whose desk it is, where no tenant can be trusted; no [`TenantId`] is spelt like this.
const NOBODY: &str = "?";

/// Whose items: those of a tenant, or, for operators only, those that name none that can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Desk(Option<TenantId>);

impl Desk {
    /// A tenant's.
    #[must_use]
    pub fn of(tenant: TenantId) -> Self {
        Self(Some(tenant))
    }

    /// That of what names no tenant which can be trusted.
    #[must_use]
    pub fn of_nobody() -> Self {
        Self(None)
    }

    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> Option<&TenantId> {
        self.0.as_ref()
    }

    fn name(&self) -> &str {
        self.0.as_ref().map_or(NOBODY, TenantId::as_str)
    }

    fn parse(name: &str) -> Option<Self> {
        if name == NOBODY { Some(Self::of_nobody()) } else { name.parse().ok().map(Self::of) }
    }

    fn key(&self, prefix: &str, id: &ReviewId) -> Key {
        Key { pk: self.name().to_owned(), sk: format!("{CONSUMER}#{prefix}{id}") }
    }

    /// The write that lists it among the desks.
    fn list(&self) -> Write {
        let key = Key { pk: DESKS.to_owned(), sk: format!("{}{}", sorts::DESK, self.name()) };
        Write::Put { key, item: Item::new(), expect: Expect::Any }
    }
}

impl fmt::Display for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The id of an item: `r` and 25 characters of the hash of what failed, so that the same failure is the same item by
/// whichever road it comes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReviewId(String);

const ID_CHARACTERS: usize = 26;

impl ReviewId {
    /// The id of a failure: `failure` is the deduplication id of its fallback message, `CONSUMER:EVENT:NUMBER`.
    #[must_use]
    pub fn of(group: &str, failure: &str) -> Self {
        let hash = Digest::of_bytes(format!("{group}\n{failure}").as_bytes()).to_string();
        Self(format!("r{}", &hash[..ID_CHARACTERS - 1]))
    }
}

impl FromStr for ReviewId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match text.strip_prefix('r') {
            Some(rest) if text.len() == ID_CHARACTERS && is_hex(rest) => Ok(Self(text.to_owned())),
            _ => Err("expected the id of a review item, r and 25 hexadecimal digits".to_owned()),
        }
    }
}

impl TryFrom<String> for ReviewId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ReviewId> for String {
    fn from(id: ReviewId) -> Self {
        id.0
    }
}

impl fmt::Display for ReviewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// By which road a failure came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Road {
    /// The worker gave it up, with a reason.
    Fallback,
    /// SQS did, by the redrive policy.
    DeadLetter,
}

/// How an item fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReviewState {
    /// Somebody must decide.
    Open,
    /// Put to work again; should it fail once more, that is another item.
    Retried,
    /// Put to work again with another body.
    Edited,
    /// Left out.
    Discarded,
    /// It needed nobody: the event was done after all.
    Settled,
}

impl ReviewState {
    /// The word in lists.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Retried => "retried",
            Self::Edited => "edited",
            Self::Discarded => "discarded",
            Self::Settled => "settled",
        }
    }
}

/// What somebody did with an item. Acts are added, never changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// Who, as the tool was told.
    pub by: String,
    /// What it became.
    pub state: ReviewState,
    /// Why, where somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// What waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewItem {
    /// Writes so far; 0: not stored yet.
    #[serde(default)]
    pub rev: u64,
    /// Its id.
    pub id: ReviewId,
    /// How it fares.
    pub state: ReviewState,
    /// Stable reason code.
    pub reason: String,
    /// JSON pointer of the fault in the body.
    pub pointer: String,
    /// What was expected there.
    pub expected: String,
    /// What was found; may quote the event.
    pub found: String,
    /// What to do next.
    pub remedy: String,
    /// The function that could not do it.
    pub consumer: String,
    /// The queue that carried it, as `operational-calendar`.
    pub queue: String,
    /// The message group that carried it.
    pub group: String,
    /// `booking/ID` and so on, if the envelope could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The event's id, if the envelope could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The event's type, if the envelope could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// Whether somebody should be woken.
    pub critical: bool,
    /// Attempts that were made.
    pub attempts: u32,
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
    /// The size of the body in bytes.
    pub size: u64,
    /// What was done about it, oldest first.
    #[serde(default)]
    pub acts: Vec<Act>,
    /// An act is stored whose message is not known to be sent.
    #[serde(default)]
    pub owes: bool,
    /// Epoch seconds after which it may be forgotten; none while it is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<i64>,
}

impl ReviewItem {
    /// Notes an act. From then on the item may be forgotten, in time.
    pub fn act(&mut self, act: Act) {
        self.state = act.state;
        self.ttl = Some(act.at.as_second() + KEEP_DAYS * 86_400);
        self.acts.push(act);
        if self.acts.len() > MOST_ACTS {
            self.acts.remove(0);
        }
    }

    /// The latest act.
    #[must_use]
    pub fn last_act(&self) -> Option<&Act> {
        self.acts.last()
    }

    /// Told again, by another message or the same one; `false`: by one that is known, so nothing is new. What fails again
    /// after it was decided on is open again.
    fn tell_again(&mut self, news: &Self) -> bool {
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
        self.attempts = self.attempts.max(news.attempts);
        if self.last_act().is_some_and(|act| act.at < news.last_seen) {
            self.state = ReviewState::Open;
            self.ttl = None;
        }
        true
    }

    fn encode(&self, desk: &Desk) -> Result<Item, StoreError> {
        let mut item = encode_item(self)?;
        if self.state == ReviewState::Open {
            item.insert(attribute::OPEN_PK.to_owned(), AttributeValue::S(format!("{OPEN_REVIEW}{desk}")));
            let place = format!("{:014}#{}", self.first_seen.as_millisecond().max(0), self.id);
            item.insert(attribute::OPEN_SK.to_owned(), AttributeValue::S(place));
        }
        Ok(item)
    }

    /// The write of this item, on condition that nobody wrote it since it was read.
    pub fn put(&self, desk: &Desk) -> Result<Write, StoreError> {
        Ok(Write::replace(desk.key(sorts::REVIEW_ITEM, &self.id), self.encode(desk)?, self.rev))
    }
}

/// The attribute of the zipped body.
const BODY: &str = "gz";

/// Open items, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct ReviewPage {
    /// The items.
    pub items: Vec<ReviewItem>,
    /// Where the next page begins; none: this is the last.
    pub next: Option<String>,
}

/// What became of a failure that was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It is an item now.
    New,
    /// It was one already.
    Again,
}

impl Store {
    /// Makes an item of a failure, or notes that it was told again. Both are durable when this returns.
    pub async fn tell_review(&self, desk: &Desk, news: &ReviewItem, body: &str) -> Result<Told, StoreError> {
        for _ in 0..MOST_RACES {
            let (write, told) = match self.review_item(desk, &news.id).await? {
                None => (
                    vec![news.put(desk)?, put_body(desk.key(sorts::REVIEW_BODY, &news.id), body)?, desk.list()],
                    Told::New,
                ),
                Some(mut known) => {
                    if !known.tell_again(news) {
                        return Ok(Told::Again);
                    }
                    (vec![known.put(desk)?], Told::Again)
                }
            };
            match self.commit(write).await {
                Err(StoreError::Lost) => {}
                other => return other.map(|()| told),
            }
        }
        Err(StoreError::Unavailable("lost too many races for one item".to_owned()))
    }

    /// An item.
    pub async fn review_item(&self, desk: &Desk, id: &ReviewId) -> Result<Option<ReviewItem>, StoreError> {
        let key = desk.key(sorts::REVIEW_ITEM, id);
        self.get(std::slice::from_ref(&key)).await?.remove(&key).map(decode_item).transpose()
    }

    /// The original body of an item, byte for byte.
    pub async fn review_body(&self, desk: &Desk, id: &ReviewId) -> Result<Option<String>, StoreError> {
        self.body(desk.key(sorts::REVIEW_BODY, id)).await
    }

    /// The body that a person made of it.
    pub async fn edited_body(&self, desk: &Desk, id: &ReviewId) -> Result<Option<String>, StoreError> {
        self.body(desk.key(sorts::REVIEW_EDITED, id)).await
    }

    async fn body(&self, key: Key) -> Result<Option<String>, StoreError> {
        let item = self.get(std::slice::from_ref(&key)).await?.remove(&key);
        item.map(|item| unzip(&item)).transpose()
    }

    /// The desks that ever had an item, in order of name.
    pub async fn desks(&self) -> Result<Vec<Desk>, StoreError> {
        let prefix = Key { pk: DESKS.to_owned(), sk: sorts::DESK.to_owned() };
        let found = self.list(&prefix).await?;
        Ok(found.into_iter().filter_map(|(key, _)| Desk::parse(key.sk.strip_prefix(sorts::DESK)?)).collect())
    }

    /// At most `most` open items of a desk, oldest first, from where the former page ended. One query, however deep.
    pub async fn open_reviews(&self, desk: &Desk, from: Option<&str>, most: u16) -> Result<ReviewPage, StoreError> {
        let request = self.client.query().table_name(&self.state).index_name(OPEN_INDEX);
        let own = AttributeValue::S(format!("{OPEN_REVIEW}{desk}"));
        let request = request.expression_attribute_values(":pk", own).limit(i32::from(most.max(1)));
        let request = match from {
            None => request.key_condition_expression("open_pk = :pk"),
            Some(from) => {
                let request = request.key_condition_expression("open_pk = :pk AND open_sk > :from");
                request.expression_attribute_values(":from", AttributeValue::S(from.to_owned()))
            }
        };
        let answer = request.send().await.map_err(|e| sort(&e))?;
        let more = answer.last_evaluated_key.is_some_and(|key| !key.is_empty());
        let found = answer.items.unwrap_or_default();
        let last = found.last().and_then(|item| item.get(attribute::OPEN_SK)?.as_s().ok().cloned());
        let items: Result<Vec<_>, _> =
            found.into_iter().filter(|item| key_of(item).is_some()).map(decode_item).collect();
        Ok(ReviewPage { items: items?, next: last.filter(|_| more) })
    }
}

/// The write of the body that a person made of it, beside the original.
pub fn put_edited(desk: &Desk, id: &ReviewId, body: &str) -> Result<Write, StoreError> {
    put_body(desk.key(sorts::REVIEW_EDITED, id), body)
}

fn put_body(key: Key, body: &str) -> Result<Write, StoreError> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::default());
    let zipped = gz.write_all(body.as_bytes()).and_then(|()| gz.finish());
    let zipped = zipped.map_err(|error| StoreError::Defect(error.to_string()))?;
    let item = Item::from([(BODY.to_owned(), AttributeValue::B(Blob::new(zipped)))]);
    Ok(Write::Put { key, item, expect: Expect::Any })
}

fn unzip(item: &Item) -> Result<String, StoreError> {
    let zipped = item.get(BODY).and_then(|value| value.as_b().ok());
    let zipped = zipped.ok_or_else(|| StoreError::Defect("a body without its bytes".to_owned()))?;
    let mut body = String::new();
    let read = GzDecoder::new(zipped.as_ref()).take(MOST_BODY_BYTES).read_to_string(&mut body);
    read.map_err(|error| StoreError::Defect(error.to_string()))?;
    Ok(body)
}
