//! How many items a desk has open, by reason code: read at the same cost however many there are.
//!
//! The counts are added to, unread, in the very transaction that makes an item or decides on it, whose condition on the item
//! lets it happen once: a repeated call counts nothing twice. One entry of the table holds all counts of a desk, so a desk takes
//! no more items a second than DynamoDB writes to one entry (some hundreds, in transactions): that is a storm of failures in one
//! tenant, whose messages then come again; nobody else's desk waits for it.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;

use super::{Desk, MOST_RACES, ReviewItem};
use crate::error::{StoreError, sort};
use crate::item::Item;
use crate::keys::{Key, attribute, sort as sorts};
use crate::{Store, Write};

/// Before a reason code, so that no code is the name of another attribute.
const REASON: &str = "n:";
/// The count of critical items.
const CRITICAL: &str = "critical";
/// A code is a word or a few; what a message calls so may be longer.
const MOST_CODE: usize = 64;

/// How many items a desk has open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReviewCounts {
    /// All of them.
    pub open: u64,
    /// Those for which somebody should be woken.
    pub critical: u64,
    /// By reason code; none that is zero.
    pub reasons: BTreeMap<String, u64>,
}

impl ReviewCounts {
    /// With those of another desk.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.open += other.open;
        self.critical += other.critical;
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        self
    }

    fn read(item: &Item) -> Self {
        let number = |value: &AttributeValue| value.as_n().ok().and_then(|n| n.parse::<u64>().ok());
        let of = |(name, value): (&String, &AttributeValue)| {
            Some((name.strip_prefix(REASON)?.to_owned(), number(value).filter(|count| *count > 0)?))
        };
        let reasons: BTreeMap<_, _> = item.iter().filter_map(of).collect();
        let critical = item.get(CRITICAL).and_then(number).unwrap_or_default();
        Self { open: reasons.values().sum(), critical, reasons }
    }

    fn encode(&self) -> Item {
        let number = |count: &u64| AttributeValue::N(count.to_string());
        let reasons = self.reasons.iter().map(|(reason, count)| (format!("{REASON}{reason}"), number(count)));
        reasons.chain([(CRITICAL.to_owned(), number(&self.critical))]).collect()
    }

    fn add(&mut self, reason: &str, is_critical: bool) {
        self.open += 1;
        self.critical += u64::from(is_critical);
        *self.reasons.entry(code(reason)).or_default() += 1;
    }
}

/// What is counted, beside what the items say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recount {
    /// As it is counted.
    pub counted: ReviewCounts,
    /// As the open items say.
    pub found: ReviewCounts,
    /// The revision of what is counted, before and after the items were read.
    rev: u64,
}

impl Recount {
    /// Whether both say the same.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.counted == self.found
    }
}

fn code(reason: &str) -> String {
    reason.chars().take(MOST_CODE).collect()
}

fn key(desk: &Desk) -> Key {
    desk.own(sorts::REVIEW_COUNTS, "")
}

/// What an item adds to the counts of its desk; nothing once somebody has decided.
fn counted(item: Option<&ReviewItem>) -> BTreeMap<String, i64> {
    let Some(item) = item.filter(|item| item.act.is_none()) else { return BTreeMap::new() };
    let mut counts = BTreeMap::from([(format!("{REASON}{}", code(&item.note.reason)), 1)]);
    if item.note.critical {
        counts.insert(CRITICAL.to_owned(), 1);
    }
    counts
}

/// The write that belongs to the change of an item, in the same transaction; none: nothing is counted otherwise.
pub(super) fn change(desk: &Desk, before: Option<&ReviewItem>, after: &ReviewItem) -> Option<Write> {
    let mut add = counted(Some(after));
    for (name, count) in counted(before) {
        *add.entry(name).or_default() -= count;
    }
    add.retain(|_, by| *by != 0);
    if add.is_empty() {
        return None;
    }
    // Tells a recount that somebody was faster.
    add.insert(attribute::REV.to_owned(), 1);
    Some(Write::Count { key: key(desk), add, ttl: None })
}

impl Store {
    /// How many items a desk has open: one read.
    pub async fn review_counts(&self, desk: &Desk) -> Result<ReviewCounts, StoreError> {
        Ok(ReviewCounts::read(&self.counts(desk).await?))
    }

    async fn counts(&self, desk: &Desk) -> Result<Item, StoreError> {
        let key = key(desk);
        Ok(self.get(std::slice::from_ref(&key)).await?.remove(&key).unwrap_or_default())
    }

    /// Counts the open items of a desk one by one, beside what is counted. Both are of one moment: where an item came or went
    /// meanwhile, all is read again.
    pub async fn recount_reviews(&self, desk: &Desk) -> Result<Recount, StoreError> {
        let mut before = self.counts(desk).await?;
        for _ in 0..MOST_RACES {
            let found = self.count_items(desk).await?;
            let after = self.counts(desk).await?;
            if rev(&before) == rev(&after) {
                return Ok(Recount { counted: ReviewCounts::read(&after), found, rev: rev(&after) });
            }
            before = after;
        }
        Err(StoreError::Unavailable("items come and go faster than they can be counted".to_owned()))
    }

    /// Writes what a recount found, unless an item came or went since: then [`StoreError::Lost`], and nothing is written.
    pub async fn mend_review_counts(&self, desk: &Desk, recount: &Recount) -> Result<(), StoreError> {
        self.commit(vec![Write::replace(key(desk), recount.found.encode(), recount.rev)]).await
    }

    async fn count_items(&self, desk: &Desk) -> Result<ReviewCounts, StoreError> {
        let prefix = desk.own(sorts::REVIEW_ITEM, "");
        let (mut counts, mut start) = (ReviewCounts::default(), None);
        loop {
            // Strongly consistent, and so not by the index.
            let request = self.client.query().table_name(&self.state).consistent_read(true);
            let request = request.key_condition_expression("pk = :pk AND begins_with(sk, :sk)");
            let request = request.expression_attribute_values(":pk", AttributeValue::S(prefix.pk.clone()));
            let request = request.expression_attribute_values(":sk", AttributeValue::S(prefix.sk.clone()));
            let request = request.filter_expression("attribute_not_exists(#act)");
            let request = request.projection_expression("#reason, #critical");
            let names = [("#act", "act"), ("#reason", "reason"), ("#critical", "critical")];
            let names: HashMap<_, _> = names.map(|(name, attribute)| (name.to_owned(), attribute.to_owned())).into();
            let request = request.set_expression_attribute_names(Some(names));
            let answer = request.set_exclusive_start_key(start).send().await.map_err(|e| sort(&e))?;
            for item in answer.items.unwrap_or_default() {
                let reason = item.get("reason").and_then(|reason| reason.as_s().ok()).map_or("", String::as_str);
                counts.add(reason, item.get("critical").and_then(|is| is.as_bool().ok()).copied().unwrap_or_default());
            }
            match answer.last_evaluated_key {
                Some(key) if !key.is_empty() => start = Some(key),
                _ => return Ok(counts),
            }
        }
    }
}

fn rev(item: &Item) -> u64 {
    item.get(attribute::REV).and_then(|rev| rev.as_n().ok()).and_then(|n| n.parse().ok()).unwrap_or_default()
}
