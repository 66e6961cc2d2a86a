//! What of one item is a guest's, and what the item becomes without it.

use aws_sdk_dynamodb::types::AttributeValue;
use bellhop_events::catalogue::Guest as GuestFields;
use bellhop_events::catalogue::personal::{Class, ERASED, class_of};
use bellhop_events::{Digest, Envelope, EventId, Queue, Subject, TenantId};
use bellhop_store::mails::MailState;
use bellhop_store::review::{unzip, zip};
use bellhop_store::{Item, Key, StoreError, sort};
use serde_json::Value;

use crate::body;
use crate::census::{BookingRef, Guest};

/// What an item is, as people call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The calendar's booking.
    Booking,
    /// An event in a line.
    Parked,
    /// An event of a suspended tenant.
    Journal,
    /// A message for a later time.
    Due,
    /// A review item.
    ReviewItem,
    /// Its body, as it came or as it was edited.
    ReviewBody,
    /// The mails of a booking.
    Mails,
    /// That an address gets no mail.
    Suppression,
    /// Anything else, such as tasks: searched.
    Other,
}

/// What becomes of an item.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Other attributes, on condition that these still are what they were.
    Amend {
        /// What was read.
        was: Item,
        /// What it becomes.
        to: Item,
        /// The event in it has another payload then.
        event: Option<Box<Reworded>>,
    },
    /// It goes.
    Delete,
}

/// An event whose payload has changed: both must count as the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reworded {
    /// The event.
    pub id: EventId,
    /// What it is about.
    pub subject: Subject,
    /// The payload that came.
    pub was: Digest,
    /// The payload without the guest.
    pub is: Digest,
}

/// What was found in an item.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// In which order it is written: what is found only by the guest's strings comes before what holds them.
    pub rank: u8,
    /// What becomes of it; none: it stays.
    pub change: Option<Change>,
    /// Fields where a string of the guest stays, for they are none of those that may be changed.
    pub left: Vec<String>,
    /// Fields that have a part of the guest's name.
    pub hints: Vec<String>,
}

/// The attribute of an event's body.
const BODY: &str = "body";
const STATE: &str = "st";
const REV: &str = "rev";
/// Attributes in which people write, or which quote an event.
const PROSE: [&str; 7] = ["found", "expected", "because", "discarded_because", "why", "title", "note"];
/// Keys of the table and its index.
const KEYS: [&str; 4] = ["pk", "sk", "open_pk", "open_sk"];

impl Kind {
    /// The words for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Booking => "bookings",
            Self::Parked => "parked events",
            Self::Journal => "events of the suspended tenant",
            Self::Due => "messages that are due later",
            Self::ReviewItem => "review items",
            Self::ReviewBody => "bodies of review items",
            Self::Mails => "mails of a booking",
            Self::Suppression => "addresses that get no mail",
            Self::Other => "other items whose text names the guest",
        }
    }

    /// By the key.
    #[must_use]
    pub fn of(key: &Key) -> Self {
        let Some((consumer, rest)) = key.sort_key().split_once('#') else { return Self::Other };
        let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| rest.starts_with(prefix));
        if key.partition().starts_with("due#") && consumer.bytes().all(|byte| byte.is_ascii_digit()) {
            return Self::Due;
        }
        match consumer {
            "review" if starts(&[sort::REVIEW_ITEM]) => Self::ReviewItem,
            "review" if starts(&[sort::REVIEW_BODY, sort::REVIEW_EDITED]) => Self::ReviewBody,
            "calendar" if starts(&["booking/"]) => Self::Booking,
            "notifications" if starts(&["booking/"]) => Self::Mails,
            "notifications" if starts(&[sort::SUPPRESSED]) => Self::Suppression,
            consumer if Queue::of_consumer(consumer).is_none() => Self::Other,
            _ if starts(&[sort::PARKED, sort::WAITING]) => Self::Parked,
            _ if starts(&[sort::JOURNAL_ENTRY]) => Self::Journal,
            _ => Self::Other,
        }
    }
}

fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// The message group that an item is of.
pub fn group_of(kind: Kind, key: &Key, item: &Item) -> Option<String> {
    match kind {
        Kind::Due | Kind::ReviewItem => text(item, "group").map(str::to_owned),
        Kind::ReviewBody | Kind::Suppression => None,
        _ => Some(key.partition().to_owned()),
    }
}

/// The body in an item, if it has one.
fn body_of(kind: Kind, item: &Item) -> Result<Option<String>, StoreError> {
    match kind {
        Kind::ReviewBody => unzip(item).map(Some),
        Kind::Parked | Kind::Journal | Kind::Due => Ok(text(item, BODY).map(str::to_owned)),
        _ => Ok(None),
    }
}

fn own_booking(key: &Key) -> Option<BookingRef> {
    let property = key.partition().split('#').nth(1)?.to_owned();
    let (_, id) = key.sort_key().split_once("#booking/")?;
    Some(BookingRef { property, id: id.to_owned() })
}

/// What an item says of a guest.
#[derive(Default)]
pub struct Said {
    /// Which bookings it is about.
    pub bookings: Vec<BookingRef>,
    /// Each value of the guest's fields, by name.
    pub guest: Vec<(String, String)>,
}

/// Which bookings an item is about, and what it says of their guest.
pub fn said_in(kind: Kind, key: &Key, item: &Item, group: Option<&str>, tenant: &TenantId) -> Result<Said, StoreError> {
    if kind == Kind::Booking {
        let mut said = Vec::new();
        if let Some(guest) = state_guest(item) {
            let guest: Value = serde_dynamo::from_attribute_value(guest.clone()).map_err(|e| defect(&e))?;
            body::values("name", &guest, &mut said);
        }
        return Ok(Said { bookings: own_booking(key).into_iter().collect(), guest: said });
    }
    if kind == Kind::Mails {
        return Ok(Said { bookings: own_booking(key).into_iter().collect(), ..Said::default() });
    }
    let event = body_of(kind, item)?.and_then(|text| body::read(&text));
    let said = |event| Said { bookings: body::bookings(&event, group, tenant), guest: body::guest_of(&event) };
    Ok(event.map(said).unwrap_or_default())
}

fn state_guest(item: &Item) -> Option<&AttributeValue> {
    item.get(STATE)?.as_m().ok()?.get("b")?.as_m().ok()?.get("guest")
}

fn defect(error: &impl std::fmt::Display) -> StoreError {
    StoreError::Defect(error.to_string())
}

impl Guest {
    /// What of an item is this guest's; none: nothing.
    pub fn look(&self, key: &Key, item: &Item) -> Result<Option<Found>, StoreError> {
        let kind = Kind::of(key);
        let group = group_of(kind, key, item);
        let said = said_in(kind, key, item, group.as_deref(), &self.tenant)?;
        let is_of_booking = said.bookings.iter().any(|booking| self.bookings.contains(booking));
        let is_own = is_of_booking && !self.is_somebody_elses(&said.guest);
        let rank = match (is_own, self.has_asked_address(&said.guest)) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => 2,
        };
        let found = |change, left, hints| Ok(Some(Found { kind, rank, change, left, hints }));
        if kind == Kind::Suppression {
            let is_theirs = self.hashes.iter().any(|hash| key.sort_key().ends_with(hash.as_str()));
            let gone = (is_theirs && !self.keep_suppression).then_some(Change::Delete);
            return if gone.is_some() { found(gone, Vec::new(), Vec::new()) } else { Ok(None) };
        }
        let mut to = self.prose(item);
        let mut event = None;
        match kind {
            Kind::Booking if is_own => to.extend(without_guest(item)?),
            Kind::Mails => {
                let was_passed_on = said.bookings.iter().any(|booking| self.passed_on.contains(booking));
                to.extend(self.without_hashes(item, is_own && !was_passed_on)?);
            }
            Kind::ReviewItem => to.extend(self.without_quotation(item)),
            _ => {}
        }
        if let Some(old) = body_of(kind, item)?
            && let Some(new) = body::redacted(&old, self, is_own)
        {
            event = Reworded::of(&old, &new).map(Box::new);
            to.extend(if kind == Kind::ReviewBody { zip(&new)? } else { text_item(BODY, new) });
        }
        let mut after = item.clone();
        after.extend(to.clone());
        let (left, hints) = self.strings_in(kind, &after)?;
        let change = (!to.is_empty()).then(|| amend(item, to, event));
        if change.is_none() && left.is_empty() && hints.is_empty() {
            return Ok(None);
        }
        found(change, left, hints)
    }

    /// Attributes with prose that names the guest, without the name.
    fn prose(&self, item: &Item) -> Item {
        let others = item.iter().filter(|(name, _)| !KEYS.contains(&name.as_str()) && name.as_str() != BODY);
        let changed = others.filter_map(|(name, value)| {
            let mut new = value.clone();
            self.reword(name, &mut new);
            (new != *value).then(|| (name.clone(), new))
        });
        changed.collect()
    }

    fn reword(&self, name: &str, value: &mut AttributeValue) {
        match value {
            AttributeValue::S(text) if PROSE.contains(&name) => {
                if let Some(new) = self.words.replaced(text) {
                    *text = new;
                }
            }
            AttributeValue::M(fields) => fields.iter_mut().for_each(|(name, field)| self.reword(name, field)),
            AttributeValue::L(items) => items.iter_mut().for_each(|item| self.reword(name, item)),
            _ => {}
        }
    }

    /// A review item quotes what is wrong: where that may be a guest's field, or was cut so that it cannot be searched, it goes.
    fn without_quotation(&self, item: &Item) -> Item {
        let subject = text(item, "subject").and_then(|subject| subject.strip_prefix("booking/"));
        let property = text(item, "group").and_then(|group| group.split('#').nth(1));
        let is_own = subject.zip(property).is_some_and(|(id, property)| {
            self.bookings.contains(&BookingRef { property: property.to_owned(), id: id.to_owned() })
        });
        let Some(quoted) = text(item, "found").filter(|found| is_own && *found != ERASED) else { return Item::new() };
        let path = text(item, "pointer").and_then(|pointer| pointer.strip_prefix("/data")).unwrap_or_default();
        let class = class_of(text(item, "event_type").unwrap_or_default(), path);
        let may_quote = matches!(class, Some(Class::Guest | Class::Text)) || quoted.ends_with('…');
        if may_quote { text_item("found", ERASED.to_owned()) } else { Item::new() }
    }

    fn without_hashes(&self, item: &Item, is_own: bool) -> Result<Item, StoreError> {
        let Some(state) = item.get(STATE) else { return Ok(Item::new()) };
        let mut state: MailState = serde_dynamo::from_attribute_value(state.clone()).map_err(|e| defect(&e))?;
        let is_theirs = |to: &String| is_own || self.hashes.contains(to);
        if !state.mails.values().any(|mail| mail.to.as_ref().is_some_and(is_theirs)) {
            return Ok(Item::new());
        }
        for mail in state.mails.values_mut() {
            mail.to = mail.to.take().filter(|to| !is_theirs(to));
        }
        let state = serde_dynamo::to_attribute_value(&state).map_err(|e| defect(&e))?;
        Ok(Item::from([(STATE.to_owned(), state)]))
    }

    /// Where a string of the guest stands, and where a part of the name does.
    fn strings_in(&self, kind: Kind, item: &Item) -> Result<(Vec<String>, Vec<String>), StoreError> {
        let mut texts = Vec::new();
        for (name, value) in item {
            collect(name, value, &mut texts);
        }
        if let Some(body) = body_of(kind, item)? {
            // Once as it is, and once as what it says: `Jos\u00e9` is José.
            if let Ok(value) = serde_json::from_str::<Value>(&body) {
                collect_json(BODY, &value, &mut texts);
            }
            texts.push((BODY.to_owned(), body));
        }
        let fields = |words: &crate::Words| {
            let mut fields: Vec<_> =
                texts.iter().filter(|(_, text)| words.are_in(text)).map(|(name, _)| name.clone()).collect();
            fields.sort();
            fields.dedup();
            // That the body has it is said by the field.
            if fields.iter().any(|name| name.starts_with("body/")) {
                fields.retain(|name| name != BODY);
            }
            fields
        };
        Ok((fields(&self.words), fields(&self.parts)))
    }
}

/// The state of a booking without its guest.
fn without_guest(item: &Item) -> Result<Item, StoreError> {
    let erased = serde_dynamo::to_attribute_value(GuestFields::erased()).map_err(|e| defect(&e))?;
    if state_guest(item).is_none_or(|guest| *guest == erased) {
        return Ok(Item::new());
    }
    let mut state = item.get(STATE).cloned();
    if let Some(AttributeValue::M(state)) = &mut state
        && let Some(AttributeValue::M(booking)) = state.get_mut("b")
    {
        booking.insert("guest".to_owned(), erased);
    }
    Ok(state.map(|state| (STATE.to_owned(), state)).into_iter().collect())
}

fn text_item(name: &str, text: String) -> Item {
    Item::from([(name.to_owned(), AttributeValue::S(text))])
}

/// Counted items are at a revision; of the others, what changes must be what it was.
fn amend(item: &Item, mut to: Item, event: Option<Box<Reworded>>) -> Change {
    let rev = item.get(REV).and_then(|rev| rev.as_n().ok()).and_then(|rev| rev.parse::<u64>().ok());
    let was = match rev {
        Some(rev) => {
            to.insert(REV.to_owned(), AttributeValue::N((rev + 1).to_string()));
            Item::from([(REV.to_owned(), AttributeValue::N(rev.to_string()))])
        }
        None => to.keys().filter_map(|name| Some((name.clone(), item.get(name)?.clone()))).collect(),
    };
    Change::Amend { was, to, event }
}

impl Reworded {
    fn of(old: &str, new: &str) -> Option<Self> {
        let (old, new) = (Envelope::decode(old).ok()?, Envelope::decode(new).ok()?);
        Some(Self { was: old.digest(), is: new.digest(), id: old.id, subject: old.subject })
    }
}

fn collect(name: &str, value: &AttributeValue, texts: &mut Vec<(String, String)>) {
    match value {
        AttributeValue::S(text) => {
            // Texts that are JSON again, such as what listeners were told.
            if text.starts_with(['{', '['])
                && let Ok(inner) = serde_json::from_str::<Value>(text)
            {
                collect_json(name, &inner, texts);
            }
            texts.push((name.to_owned(), text.clone()));
        }
        AttributeValue::N(number) => texts.push((name.to_owned(), number.clone())),
        AttributeValue::M(fields) => {
            for (field, value) in fields {
                texts.push((format!("{name} (a name in it)"), field.clone()));
                collect(&format!("{name}/{field}"), value, texts);
            }
        }
        AttributeValue::L(items) => items.iter().for_each(|item| collect(name, item, texts)),
        AttributeValue::Ss(items) => items.iter().for_each(|text| texts.push((name.to_owned(), text.clone()))),
        _ => {}
    }
}

fn collect_json(name: &str, value: &Value, texts: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => texts.push((name.to_owned(), text.clone())),
        Value::Number(number) => texts.push((name.to_owned(), number.to_string())),
        Value::Array(items) => items.iter().for_each(|item| collect_json(name, item, texts)),
        Value::Object(fields) => {
            for (field, value) in fields {
                texts.push((format!("{name} (a name in it)"), field.clone()));
                collect_json(&format!("{name}/{field}"), value, texts);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}
