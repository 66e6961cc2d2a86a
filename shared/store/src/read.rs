//! Reads. Groups of a batch run side by side in one task: what they ask for at the same moment goes out as one
//! `BatchGetItem`.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use bellhop_events::TenantId;
use tokio::sync::broadcast;

use crate::error::{StoreError, sort};
use crate::hold::{Line, OpenHold};
use crate::item::SubjectItem;
use crate::keys::{Key, OPEN_HOLD, OPEN_INDEX, attribute};
use crate::{Item, Store};

/// A `BatchGetItem` takes 100 keys (Amazon DynamoDB API Reference, `BatchGetItem`).
const MOST_KEYS: usize = 100;

/// Which items of a list are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// A DynamoDB filter expression.
    pub expression: &'static str,
    /// Attribute names that stand in it as `#name`.
    pub names: Vec<(&'static str, &'static str)>,
    /// Texts that stand in it as `:name`.
    pub values: Vec<(&'static str, String)>,
    /// Enough.
    pub most: usize,
}

type Answer = Result<Arc<HashMap<Key, Item>>, StoreError>;

#[derive(Default)]
pub(crate) struct Coalescer {
    next: Mutex<Option<Next>>,
}

impl Coalescer {
    fn take(&self) -> Option<Next> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

struct Next {
    keys: BTreeSet<Key>,
    answer: broadcast::Sender<Answer>,
}

impl Store {
    /// Reads items, strongly consistent; keys without an item are absent from the answer.
    pub async fn get(&self, keys: &[Key]) -> Result<HashMap<Key, Item>, StoreError> {
        let (joined, leads) = {
            let mut next = self.reader.next.lock().unwrap_or_else(PoisonError::into_inner);
            match next.as_mut() {
                Some(next) if next.keys.len() + keys.len() <= MOST_KEYS => {
                    next.keys.extend(keys.iter().cloned());
                    (Some(next.answer.subscribe()), false)
                }
                Some(_) => (None, false),
                None => {
                    *next = Some(Next { keys: keys.iter().cloned().collect(), answer: broadcast::Sender::new(1) });
                    (None, true)
                }
            }
        };
        if leads {
            return Box::pin(self.lead(keys)).await;
        }
        // Should the leader be dropped in the middle, each follower asks for itself.
        if let Some(mut answer) = joined
            && let Ok(answer) = answer.recv().await
        {
            return answer.map(|items| pick(keys, &items));
        }
        Box::pin(self.fetch(keys.iter().cloned().collect())).await
    }

    /// Lets everybody who is ready ask first, then asks for all.
    async fn lead(&self, keys: &[Key]) -> Result<HashMap<Key, Item>, StoreError> {
        let abandoned = TakeOnDrop(&self.reader);
        tokio::task::yield_now().await;
        let next = self.reader.take();
        std::mem::forget(abandoned);
        let Some(next) = next else {
            return self.fetch(keys.iter().cloned().collect()).await;
        };
        let answer: Answer = self.fetch(next.keys).await.map(Arc::new);
        // Nobody else may be waiting.
        let _ = next.answer.send(answer.clone());
        answer.map(|items| pick(keys, &items))
    }

    async fn fetch(&self, keys: BTreeSet<Key>) -> Result<HashMap<Key, Item>, StoreError> {
        let keys: Vec<_> = keys.into_iter().collect();
        let mut found = HashMap::with_capacity(keys.len());
        for chunk in keys.chunks(MOST_KEYS) {
            let mut asked = chunk.iter().map(attributes).collect::<Vec<_>>();
            for round in 0_u32.. {
                let request = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(asked)).build();
                let request = request.map_err(|e| StoreError::Defect(e.to_string()))?;
                let call = self.client.batch_get_item().request_items(&self.state, request);
                let answer = call.send().await.map_err(|e| sort(&e))?;
                let items = answer.responses.and_then(|mut tables| tables.remove(&self.state)).unwrap_or_default();
                found.extend(items.into_iter().filter_map(|item| Some((key_of(&item)?, item))));
                asked = match answer.unprocessed_keys.and_then(|mut tables| tables.remove(&self.state)) {
                    Some(rest) if !rest.keys.is_empty() => rest.keys,
                    _ => break,
                };
                if round >= 4 {
                    return Err(StoreError::Unavailable("unprocessed keys".to_owned()));
                }
                tokio::time::sleep(Duration::from_millis(fastrand::u64(0..=20 << round))).await;
            }
        }
        Ok(found)
    }

    /// Items below a sort-key prefix, in order of sort key, all pages.
    pub async fn list(&self, prefix: &Key) -> Result<Vec<(Key, Item)>, StoreError> {
        self.pages(prefix, None).await
    }

    /// The first items below a sort-key prefix that a filter wants, until there are enough: what a large property has beside
    /// them is neither sent nor kept.
    pub async fn find(&self, prefix: &Key, filter: &Filter) -> Result<Vec<(Key, Item)>, StoreError> {
        self.pages(prefix, Some(filter)).await
    }

    /// At most `most` items below a sort-key prefix, from behind the item of which `after` is the rest of the key; and whether
    /// there are more. One query, however deep.
    pub async fn page(
        &self,
        prefix: &Key,
        after: Option<&str>,
        most: u16,
    ) -> Result<(Vec<(Key, Item)>, bool), StoreError> {
        let start = after.map(|rest| attributes(&Key { pk: prefix.pk.clone(), sk: format!("{}{rest}", prefix.sk) }));
        let request = self.client.query().table_name(&self.state).limit(i32::from(most.max(1)));
        let request = request.key_condition_expression("pk = :pk AND begins_with(sk, :sk)");
        let request = request.expression_attribute_values(":pk", AttributeValue::S(prefix.pk.clone()));
        let request = request.expression_attribute_values(":sk", AttributeValue::S(prefix.sk.clone()));
        let answer = request.set_exclusive_start_key(start).send().await.map_err(|e| sort(&e))?;
        let more = answer.last_evaluated_key.is_some_and(|key| !key.is_empty());
        let found = answer.items.unwrap_or_default().into_iter();
        Ok((found.filter_map(|item| Some((key_of(&item)?, item))).collect(), more))
    }

    async fn pages(&self, prefix: &Key, filter: Option<&Filter>) -> Result<Vec<(Key, Item)>, StoreError> {
        let most = filter.map_or(usize::MAX, |filter| filter.most);
        let mut found = Vec::new();
        let mut start = None;
        loop {
            let request = self.client.query().table_name(&self.state).consistent_read(true);
            let request = request.key_condition_expression("pk = :pk AND begins_with(sk, :sk)");
            let request = request.expression_attribute_values(":pk", AttributeValue::S(prefix.pk.clone()));
            let mut request = request.expression_attribute_values(":sk", AttributeValue::S(prefix.sk.clone()));
            if let Some(Filter { expression, names, values, .. }) = filter {
                request = request.filter_expression(*expression);
                for (name, attribute) in names {
                    request = request.expression_attribute_names(*name, *attribute);
                }
                for (name, text) in values {
                    request = request.expression_attribute_values(*name, AttributeValue::S(text.clone()));
                }
            }
            let answer = request.set_exclusive_start_key(start).send().await.map_err(|e| sort(&e))?;
            found.extend(answer.items.unwrap_or_default().into_iter().filter_map(|i| Some((key_of(&i)?, i))));
            match answer.last_evaluated_key {
                Some(key) if !key.is_empty() && found.len() < most => start = Some(key),
                _ => {
                    found.truncate(most);
                    return Ok(found);
                }
            }
        }
    }

    /// The holds of a consumer, all tenants: for operators. At most `most`.
    pub async fn open_holds(&self, consumer: &str, most: usize) -> Result<Vec<OpenHold>, StoreError> {
        self.holds(consumer, None, most).await
    }

    /// The holds of a consumer in the properties of one tenant. At most `most`; nobody else's are read.
    pub async fn open_holds_of(
        &self,
        consumer: &str,
        tenant: &TenantId,
        most: usize,
    ) -> Result<Vec<OpenHold>, StoreError> {
        self.holds(consumer, Some(format!("{tenant}#")), most).await
    }

    async fn holds(&self, consumer: &str, below: Option<String>, most: usize) -> Result<Vec<OpenHold>, StoreError> {
        let mut found: Vec<OpenHold> = Vec::new();
        for item in self.indexed(&format!("{OPEN_HOLD}{consumer}"), below, most).await? {
            let Some(key) = key_of(&item) else { continue };
            let subject = key.sk.split_once('#').map(|(_, subject)| subject.to_owned()).unwrap_or_default();
            let group = key.pk.clone();
            let item = SubjectItem::decode(key, item)?;
            for line in [Line::Hold, Line::Wait] {
                let Some(hold) = item.line(line).cloned() else { continue };
                found.push(OpenHold { group: group.clone(), subject: subject.clone(), line, hold });
            }
        }
        found.truncate(most);
        Ok(found)
    }

    /// Items of a partition of the index `open`, as of a moment ago; those whose sort key begins so. About `most`.
    pub(crate) async fn indexed(
        &self,
        partition: &str,
        below: Option<String>,
        most: usize,
    ) -> Result<Vec<Item>, StoreError> {
        let mut found: Vec<Item> = Vec::new();
        let mut start = None;
        loop {
            let request = self.client.query().table_name(&self.state).index_name(OPEN_INDEX);
            let request = match below.clone() {
                None => request.key_condition_expression("open_pk = :pk"),
                Some(below) => request
                    .key_condition_expression("open_pk = :pk AND begins_with(open_sk, :below)")
                    .expression_attribute_values(":below", AttributeValue::S(below)),
            };
            let request = request
                .expression_attribute_values(":pk", AttributeValue::S(partition.to_owned()))
                .set_exclusive_start_key(start);
            let answer = request.send().await.map_err(|e| sort(&e))?;
            found.extend(answer.items.unwrap_or_default());
            match answer.last_evaluated_key {
                Some(key) if !key.is_empty() && found.len() < most => start = Some(key),
                _ => return Ok(found),
            }
        }
    }
}

/// A leader that is dropped before it asked must not leave others waiting.
struct TakeOnDrop<'a>(&'a Coalescer);

impl Drop for TakeOnDrop<'_> {
    fn drop(&mut self) {
        self.0.take();
    }
}

fn pick(keys: &[Key], items: &HashMap<Key, Item>) -> HashMap<Key, Item> {
    keys.iter().filter_map(|key| Some((key.clone(), items.get(key)?.clone()))).collect()
}

pub(crate) fn attributes(key: &Key) -> HashMap<String, AttributeValue> {
    HashMap::from([
        (attribute::PK.to_owned(), AttributeValue::S(key.pk.clone())),
        (attribute::SK.to_owned(), AttributeValue::S(key.sk.clone())),
    ])
}

pub(crate) fn key_of(item: &Item) -> Option<Key> {
    let text = |name| item.get(name)?.as_s().ok().cloned();
    Some(Key { pk: text(attribute::PK)?, sk: text(attribute::SK)? })
}
