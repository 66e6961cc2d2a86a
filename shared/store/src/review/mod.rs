//! Review items: what waits for a person, each once, kept until somebody has decided.
//!
//! An item is three entries of the table: what a list shows, the original body apart from it (so that a page of a list reads no
//! bodies), and the name of its desk. A desk holds the items of one tenant; what names no tenant that can be trusted lies on a
//! desk of its own, whose key no tenant id can spell. Beside its items a desk has the counts of those that are open, and an entry
//! for each act.

mod audit;
mod body;
mod counts;
mod desk;
mod item;

use aws_sdk_dynamodb::types::AttributeValue;

pub use audit::{AuditEntry, AuditPage};
pub use body::{unzip, zip};
pub use counts::{Recount, ReviewCounts};
pub use desk::{Desk, ReviewId};
pub use item::{Act, ActKind, ReviewItem, Road};

use crate::error::{StoreError, sort};
use crate::item::decode_item;
use crate::keys::{DESKS, Key, OPEN_INDEX, OPEN_REVIEW, attribute, sort as sorts};
use crate::read::key_of;
use crate::{Expect, Store, Write};

/// The consumer in the keys of review items.
pub const CONSUMER: &str = "review";
/// So often a race for one item is run again.
const MOST_RACES: u32 = 8;

/// In which order open items are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// What has waited longest comes first.
    OldestFirst,
    /// What came last comes first.
    NewestFirst,
}

/// Open items, in the order that was asked for.
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
            let (writes, told) = match self.review_item(desk, &news.id).await? {
                None => {
                    let body = body::put(desk.key(sorts::REVIEW_BODY, &news.id), body)?;
                    let mut writes = vec![news.put(desk)?, body, desk.list()];
                    writes.extend(counts::change(desk, None, news));
                    (writes, Told::New)
                }
                Some(known) => {
                    let mut told = known.clone();
                    if !told.tell_again(news) {
                        return Ok(Told::Again);
                    }
                    let mut writes = vec![told.put(desk)?];
                    writes.extend(counts::change(desk, Some(&known), &told));
                    (writes, Told::Again)
                }
            };
            match self.commit(writes).await {
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
        item.map(|item| body::unzip(&item)).transpose()
    }

    /// The writes of an act that the item has: from then on item and bodies may be forgotten, in time. With them it is counted
    /// no more as open, and the act has its entry in the audit.
    pub async fn decide(&self, desk: &Desk, item: &ReviewItem, edited: Option<&str>) -> Result<Vec<Write>, StoreError> {
        let mut bodies = Vec::new();
        let key = desk.key(sorts::REVIEW_BODY, &item.id);
        let stored = self.get(std::slice::from_ref(&key)).await?.remove(&key);
        let original = stored.as_ref().map(body::unzip).transpose()?;
        bodies.extend(stored.map(|item| Write::Put { key, item, expect: Expect::Any }));
        if let Some(edited) = edited {
            bodies.push(body::put(desk.key(sorts::REVIEW_EDITED, &item.id), edited)?);
        }
        for write in &mut bodies {
            if let (Write::Put { item: body, .. }, Some(ttl)) = (write, item.ttl()) {
                body.insert(attribute::TTL.to_owned(), ttl);
            }
        }
        let open = ReviewItem { act: None, ..item.clone() };
        let audit = audit::write(desk, item, original.as_deref(), edited)?;
        let count = counts::change(desk, Some(&open), item);
        Ok([item.put(desk)?].into_iter().chain(bodies).chain(audit).chain(count).collect())
    }

    /// The desks that ever had an item, in order of name.
    pub async fn desks(&self) -> Result<Vec<Desk>, StoreError> {
        let prefix = Key { pk: DESKS.to_owned(), sk: sorts::DESK.to_owned() };
        let found = self.list(&prefix).await?;
        Ok(found.into_iter().filter_map(|(key, _)| Desk::parse(key.sk.strip_prefix(sorts::DESK)?)).collect())
    }

    /// At most `most` open items of a desk, from where the former page in the same order ended. One query, however deep.
    pub async fn open_reviews(
        &self,
        desk: &Desk,
        order: Order,
        from: Option<&str>,
        most: u16,
    ) -> Result<ReviewPage, StoreError> {
        let forward = order == Order::OldestFirst;
        let request = self.client.query().table_name(&self.state).index_name(OPEN_INDEX).scan_index_forward(forward);
        let own = AttributeValue::S(format!("{OPEN_REVIEW}{desk}"));
        let request = request.expression_attribute_values(":pk", own).limit(i32::from(most.max(1)));
        let request = match from {
            None => request.key_condition_expression("open_pk = :pk"),
            Some(from) => {
                let beyond = if forward { ">" } else { "<" };
                let request = request.key_condition_expression(format!("open_pk = :pk AND open_sk {beyond} :from"));
                request.expression_attribute_values(":from", AttributeValue::S(cursor(from)))
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

/// Where a page begins, as a former one said. It leads nowhere but to a place on the desk; what nobody here can have said is cut
/// to what DynamoDB takes in a key.
fn cursor(from: &str) -> String {
    const MOST: usize = 64;
    if from.is_empty() { "0".to_owned() } else { from.chars().take(MOST).collect() }
}
