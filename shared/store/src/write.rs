//! Writes: one item, or one transaction, always conditional on what was read.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Delete, Put, TransactWriteItem, Update};

use crate::error::{StoreError, sort, sort_transaction};
use crate::item::{Item, SubjectItem};
use crate::keys::{Key, attribute};
use crate::record::Record;
use crate::{Seen, Store};

/// A `TransactWriteItems` takes 100 items (Amazon DynamoDB API Reference, `TransactWriteItems`).
const MOST_WRITES: usize = 100;

/// What must be true of an item for a write to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// It is at this revision; 0: it does not exist.
    Rev(u64),
    /// Nothing.
    Any,
}

/// One write.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Replaces the whole item.
    Put {
        /// Where.
        key: Key,
        /// All attributes but the key's.
        item: Item,
        /// If.
        expect: Expect,
    },
    /// Removes the item.
    Delete {
        /// Where.
        key: Key,
        /// If.
        expect: Expect,
    },
    /// Writes nothing: the item must be at this revision for the other writes to happen. Only beside others.
    Check {
        /// Where.
        key: Key,
        /// At which revision.
        rev: u64,
    },
    /// Changes attributes of an item that was read, if each of them still is what it was; all others stay, whatever they are now.
    Amend {
        /// Where.
        key: Key,
        /// The attributes that were read, and must be so still.
        was: Item,
        /// What some of them become.
        to: Item,
    },
    /// Changes single attributes of an item that was not read; it must fit, else nothing happens.
    Patch {
        /// Where.
        key: Key,
        /// What.
        changes: Vec<Change>,
    },
    /// Adds to counters, which are attributes of their own: of an item that was not read, and need not exist. In a transaction
    /// with a write that can happen once only, for by itself a repeated call would count twice.
    Count {
        /// Where.
        key: Key,
        /// By which counters: how much more, or less.
        add: BTreeMap<String, i64>,
        /// When the item may be forgotten, epoch seconds.
        ttl: Option<i64>,
    },
}

/// One change of a [`Write::Patch`].
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Removes an entry of a map attribute; it must be there.
    Remove {
        /// The map attribute.
        map: &'static str,
        /// The entry.
        entry: String,
    },
    /// Subtracts one from a number in a map attribute; it must be positive.
    Decrement {
        /// The map attribute.
        map: &'static str,
        /// The entry.
        entry: String,
    },
}

impl SubjectItem {
    /// The write of this item, on condition that nobody wrote it since it was read.
    pub fn put(&self) -> Result<Write, StoreError> {
        Ok(Write::Put { key: self.key.clone(), item: self.encode()?, expect: Expect::Rev(self.rev) })
    }
}

impl Record {
    /// The write of this record, on condition that nobody wrote it since it was read.
    pub fn put(&self, key: Key) -> Result<Write, StoreError> {
        Ok(Write::Put { key, item: self.encode()?, expect: Expect::Rev(self.rev) })
    }

    /// A record for an event that is done and no longer fits its subject's item.
    #[must_use]
    pub fn of_seen(id: &bellhop_events::EventId, subject: &impl ToString, seen: Seen) -> Self {
        let mut record = Self::new(id, subject, seen.digest, crate::RecordState::Done);
        record.forget_after(seen.at);
        record
    }
}

impl Write {
    /// Replaces an item that was read at `rev` (0: that was absent), one revision on.
    #[must_use]
    pub fn replace(key: Key, mut item: Item, rev: u64) -> Self {
        item.insert(attribute::REV.to_owned(), AttributeValue::N((rev + 1).to_string()));
        Self::Put { key, item, expect: Expect::Rev(rev) }
    }
}

impl Store {
    /// Makes all writes or none. `Busy` is retried in place; `Lost` is for the caller, who reads and decides again.
    pub async fn commit(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        if writes.len() > MOST_WRITES {
            return Err(StoreError::TooLarge(format!("{} items in one transaction", writes.len())));
        }
        for round in 0_u32.. {
            let result = match writes.as_slice() {
                [] => Ok(()),
                [write] => Box::pin(self.single(write.clone())).await,
                _ => Box::pin(self.transaction(&writes)).await,
            };
            match result {
                Err(StoreError::Busy) if round < 6 => {
                    tokio::time::sleep(Duration::from_millis(fastrand::u64(1..=8 << round))).await;
                }
                Err(StoreError::Busy) => return Err(StoreError::Unavailable("transactions keep colliding".to_owned())),
                other => return other,
            }
        }
        Ok(())
    }

    async fn single(&self, write: Write) -> Result<(), StoreError> {
        let parts = Parts::of(write);
        let (names, values) = (parts.names, parts.values);
        match parts.action {
            Action::Put(item) => {
                let call = self.client.put_item().table_name(&self.state).set_item(Some(item));
                let call = call.set_condition_expression(parts.condition).set_expression_attribute_values(values);
                call.send().await.map_err(|e| sort(&e)).map(|_| ())
            }
            Action::Delete(key) => {
                let call = self.client.delete_item().table_name(&self.state).set_key(Some(key));
                let call = call.set_condition_expression(parts.condition).set_expression_attribute_values(values);
                call.send().await.map_err(|e| sort(&e)).map(|_| ())
            }
            Action::Check(_) => Err(StoreError::Defect("a check by itself writes nothing".to_owned())),
            Action::Update(key, expression) => {
                let call = self.client.update_item().table_name(&self.state).set_key(Some(key));
                let call = call.update_expression(expression).set_condition_expression(parts.condition);
                let call = call.set_expression_attribute_names(names).set_expression_attribute_values(values);
                call.send().await.map_err(|e| sort(&e)).map(|_| ())
            }
        }
    }

    async fn transaction(&self, writes: &[Write]) -> Result<(), StoreError> {
        let items: Result<Vec<_>, _> = writes.iter().map(|write| self.member(write.clone())).collect();
        let items = items.map_err(|e| StoreError::Defect(e.to_string()))?;
        let call = self.client.transact_write_items().set_transact_items(Some(items));
        call.send().await.map_err(|e| sort_transaction(&e)).map(|_| ())
    }

    fn member(&self, write: Write) -> Result<TransactWriteItem, aws_sdk_dynamodb::error::BuildError> {
        let parts = Parts::of(write);
        let (names, values) = (parts.names, parts.values);
        let member = TransactWriteItem::builder();
        Ok(match parts.action {
            Action::Put(item) => {
                let put = Put::builder().table_name(&self.state).set_item(Some(item));
                let put = put.set_condition_expression(parts.condition).set_expression_attribute_values(values);
                member.put(put.build()?)
            }
            Action::Delete(key) => {
                let delete = Delete::builder().table_name(&self.state).set_key(Some(key));
                let delete = delete.set_condition_expression(parts.condition).set_expression_attribute_values(values);
                member.delete(delete.build()?)
            }
            Action::Check(key) => {
                let check = ConditionCheck::builder().table_name(&self.state).set_key(Some(key));
                let check = check.set_condition_expression(parts.condition).set_expression_attribute_values(values);
                member.condition_check(check.build()?)
            }
            Action::Update(key, expression) => {
                let update = Update::builder().table_name(&self.state).set_key(Some(key)).update_expression(expression);
                let update = update.set_condition_expression(parts.condition);
                let update = update.set_expression_attribute_names(names).set_expression_attribute_values(values);
                member.update(update.build()?)
            }
        }
        .build())
    }
}

type Attributes = HashMap<String, AttributeValue>;

enum Action {
    Put(Attributes),
    Delete(Attributes),
    Check(Attributes),
    Update(Attributes, String),
}

/// A write in the words of the API, the same for single calls and transactions.
struct Parts {
    action: Action,
    condition: Option<String>,
    names: Option<HashMap<String, String>>,
    values: Option<Attributes>,
}

impl Parts {
    fn of(write: Write) -> Self {
        match write {
            Write::Put { key, mut item, expect } => {
                item.extend(attributes(key));
                Self::expecting(Action::Put(item), expect)
            }
            Write::Check { key, rev } => Self::expecting(Action::Check(attributes(key).collect()), Expect::Rev(rev)),
            Write::Delete { key, expect } => Self::expecting(Action::Delete(attributes(key).collect()), expect),
            Write::Amend { key, was, to } => Self::of_amendment(key, was, to),
            Write::Patch { key, changes } => Self::of_patch(key, changes),
            Write::Count { key, add, ttl } => Self::of_count(key, add, ttl),
        }
    }

    fn expecting(action: Action, expect: Expect) -> Self {
        let (condition, values) = match expect {
            Expect::Any => (None, None),
            Expect::Rev(0) => (Some("attribute_not_exists(pk)".to_owned()), None),
            Expect::Rev(rev) => {
                let rev = AttributeValue::N(rev.to_string());
                (Some("rev = :rev".to_owned()), Some(HashMap::from([(":rev".to_owned(), rev)])))
            }
        };
        Self { action, condition, names: None, values }
    }

    fn of_amendment(key: Key, was: Item, to: Item) -> Self {
        let (mut names, mut values) = (HashMap::new(), HashMap::new());
        let mut word = |index: String, name: String, value: AttributeValue| {
            names.insert(format!("#{index}"), name);
            values.insert(format!(":{index}"), value);
            format!("#{index} = :{index}")
        };
        let was = was.into_iter().enumerate().map(|(index, (name, value))| word(format!("w{index}"), name, value));
        let conditions: Vec<_> = std::iter::once("attribute_exists(pk)".to_owned()).chain(was).collect();
        let to = to.into_iter().enumerate().map(|(index, (name, value))| word(format!("t{index}"), name, value));
        let sets: Vec<_> = to.collect();
        Self {
            action: Action::Update(attributes(key).collect(), format!("SET {}", sets.join(", "))),
            condition: Some(conditions.join(" AND ")),
            names: Some(names),
            values: Some(values),
        }
    }

    fn of_count(key: Key, add: BTreeMap<String, i64>, ttl: Option<i64>) -> Self {
        let (mut names, mut values, mut adds) = (HashMap::new(), HashMap::new(), Vec::new());
        for (index, (name, by)) in add.into_iter().enumerate() {
            adds.push(format!("#n{index} :n{index}"));
            names.insert(format!("#n{index}"), name);
            values.insert(format!(":n{index}"), AttributeValue::N(by.to_string()));
        }
        let mut expression = format!("ADD {}", adds.join(", "));
        if let Some(ttl) = ttl {
            expression.push_str(" SET #ttl = :ttl");
            names.insert("#ttl".to_owned(), attribute::TTL.to_owned());
            values.insert(":ttl".to_owned(), AttributeValue::N(ttl.to_string()));
        }
        let action = Action::Update(attributes(key).collect(), expression);
        Self { action, condition: None, names: Some(names), values: Some(values) }
    }

    fn of_patch(key: Key, changes: Vec<Change>) -> Self {
        let number = |n: &str| AttributeValue::N(n.to_owned());
        let (mut sets, mut removes, mut conditions) = (vec!["rev = rev + :one".to_owned()], Vec::new(), Vec::new());
        let mut names = HashMap::new();
        let mut values = HashMap::from([(":one".to_owned(), number("1"))]);
        for (index, change) in changes.into_iter().enumerate() {
            let name = format!("#e{index}");
            let entry = match change {
                Change::Remove { map, entry } => {
                    conditions.push(format!("attribute_exists({map}.{name})"));
                    removes.push(format!("{map}.{name}"));
                    entry
                }
                Change::Decrement { map, entry } => {
                    conditions.push(format!("{map}.{name} > :zero"));
                    sets.push(format!("{map}.{name} = {map}.{name} - :one"));
                    values.insert(":zero".to_owned(), number("0"));
                    entry
                }
            };
            names.insert(name, entry);
        }
        let sets = sets.join(", ");
        let expression = match removes.as_slice() {
            [] => format!("SET {sets}"),
            removes => format!("SET {sets} REMOVE {}", removes.join(", ")),
        };
        Self {
            action: Action::Update(attributes(key).collect(), expression),
            condition: Some(conditions.join(" AND ")),
            names: Some(names),
            values: Some(values),
        }
    }
}

fn attributes(key: Key) -> impl Iterator<Item = (String, AttributeValue)> {
    [(attribute::PK, key.pk), (attribute::SK, key.sk)]
        .into_iter()
        .map(|(name, v)| (name.to_owned(), AttributeValue::S(v)))
}
