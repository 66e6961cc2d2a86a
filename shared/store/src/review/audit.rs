//! What was done with items, by whom and when: an entry for each act, written with it, and never changed.

use aws_sdk_dynamodb::types::AttributeValue;
use bellhop_events::Digest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ActKind, CONSUMER, Desk, ReviewId, ReviewItem, cursor};
use crate::error::{StoreError, sort};
use crate::item::{decode_item, encode_item};
use crate::keys::{Key, attribute, sort as sorts};
use crate::read::{attributes, key_of};
use crate::{Store, Write};

/// So long it stays, whatever becomes of the item: a year and a month, for whoever looks back once a year.
const KEEP_DAYS: i64 = 400;

/// An act, as it was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who, as the tool was told.
    pub by: String,
    /// What.
    pub kind: ActKind,
    /// With which item.
    pub item: ReviewId,
    /// Of which message group.
    pub group: String,
    /// What its event is about, if that could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Its event, if that could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The reason code of the failure.
    pub reason: String,
    /// Why, where somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// SHA-256 of the body as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// SHA-256 of the body that is worked instead, after an edit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Acts, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// The acts.
    pub entries: Vec<AuditEntry>,
    /// Where the next page begins; none: this is the last.
    pub next: Option<String>,
}

fn digest(body: &str) -> String {
    Digest::of_bytes(body.as_bytes()).to_string()
}

/// The entry of the act that the item has; none: it has none.
pub(super) fn write(
    desk: &Desk,
    item: &ReviewItem,
    original: Option<&str>,
    edited: Option<&str>,
) -> Result<Option<Write>, StoreError> {
    let Some(act) = &item.act else { return Ok(None) };
    let note = &item.note;
    let entry = AuditEntry {
        at: act.at,
        by: act.by.clone(),
        kind: act.kind,
        item: item.id.clone(),
        group: note.group.clone(),
        subject: note.subject.clone(),
        event: note.event.clone(),
        reason: note.reason.clone(),
        because: act.because.clone(),
        before: original.map(digest),
        after: edited.map(digest),
    };
    let place = format!("{:014}#{}", act.at.as_millisecond().max(0), item.id);
    let mut stored = encode_item(&entry)?;
    let ttl = act.at.as_second() + KEEP_DAYS * 86_400;
    stored.insert(attribute::TTL.to_owned(), AttributeValue::N(ttl.to_string()));
    // Revision 0: where there is an entry, the whole act is refused.
    Ok(Some(Write::replace(desk.own(sorts::REVIEW_AUDIT, &place), stored, 0)))
}

impl Store {
    /// At most `most` acts on items of a desk, newest first, from where the former page ended. One query, however deep.
    pub async fn audit(&self, desk: &Desk, from: Option<&str>, most: u16) -> Result<AuditPage, StoreError> {
        let prefix = desk.own(sorts::REVIEW_AUDIT, "");
        let start = from.map(|from| Key { sk: format!("{}{}", prefix.sk, cursor(from)), ..prefix.clone() });
        let request = self.client.query().table_name(&self.state).consistent_read(true).scan_index_forward(false);
        let request = request.key_condition_expression("pk = :pk AND begins_with(sk, :sk)");
        let request = request.expression_attribute_values(":pk", AttributeValue::S(prefix.pk));
        let request = request.expression_attribute_values(":sk", AttributeValue::S(prefix.sk));
        let request = request.limit(i32::from(most.max(1))).set_exclusive_start_key(start.as_ref().map(attributes));
        let answer = request.send().await.map_err(|e| sort(&e))?;
        let more = answer.last_evaluated_key.is_some_and(|key| !key.is_empty());
        let found = answer.items.unwrap_or_default();
        let place = |key: Key| key.sk.strip_prefix(&format!("{CONSUMER}#{}", sorts::REVIEW_AUDIT)).map(str::to_owned);
        let last = found.last().and_then(key_of).and_then(place);
        let entries: Result<_, _> = found.into_iter().map(decode_item).collect();
        Ok(AuditPage { entries: entries?, next: last.filter(|_| more) })
    }
}
