//! Addresses of calendar feeds: unguessable, revocable, one for each unit and channel.
//!
//! A platform cannot log in, so the address is the secret: a token of 256 random bits. Only its SHA-256 is stored, so that
//! whoever reads the tables cannot read feeds. Two items say so: in `operations`, by the hash, what the address is of;
//! in `state`, by unit, which hash it is, to find and revoke it. Both are written in one transaction: an address that
//! works can always be found, also after a crash.

use std::collections::HashMap;
use std::fmt;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, TransactWriteItem};
use bellhop_events::{ChannelId, Digest, PropertyId, TenantId, UnitId};
use data_encoding::BASE32_NOPAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::channel::CONSUMER;
use crate::error::{StoreError, sort, sort_transaction};
use crate::item::{Item, decode_item, encode_item};
use crate::keys::{self, FEED, Key, attribute};
use crate::{Scope, Store};

const TOKEN_BYTES: usize = 32;
/// So often a race with another creation or revocation is run again.
const MOST_RACES: u32 = 8;

/// The secret part of an address: 52 characters of lower-case base32, 256 random bits.
#[derive(Clone, PartialEq, Eq)]
pub struct FeedToken(String);

impl FeedToken {
    /// A new one, from the operating system's randomness.
    fn random() -> Result<Self, StoreError> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes).map_err(|error| StoreError::Unavailable(format!("randomness: {error}")))?;
        Ok(Self(BASE32_NOPAD.encode(&bytes).to_ascii_lowercase()))
    }

    /// Reads a token as it stands in an address; none: it is no token, and need not be looked up.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        // One way to write each token: lower case, and no bits to spare at the end.
        let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        let bytes = is_lower.then(|| BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()).ok()).flatten()?;
        (bytes.len() == TOKEN_BYTES).then(|| Self(text.to_owned()))
    }

    /// The token. It is shown once, to who made it, and never logged.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn hash(&self) -> String {
        Digest::of_bytes(self.0.as_bytes()).to_string()
    }
}

impl fmt::Debug for FeedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FeedToken(secret)")
    }
}

/// What a token that was found is the address of. Made by [`Store::feed_address`] alone, so that its scope is only to be
/// had for a valid token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedAddress {
    scope: Scope,
    unit: UnitId,
}

impl FeedAddress {
    /// The scope of channel work, of this channel.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The unit.
    #[must_use]
    pub fn unit(&self) -> &UnitId {
        &self.unit
    }
}

/// An address as its owner sees it: not the token, which is shown once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedListing {
    /// Of which unit.
    pub unit: UnitId,
    /// Since when.
    pub created: Timestamp,
}

/// In `operations`, by the hash of the token.
#[derive(Serialize, Deserialize)]
struct Target {
    tenant: TenantId,
    property: PropertyId,
    channel: ChannelId,
    unit: UnitId,
    created: Timestamp,
}

/// In `state`, by unit.
#[derive(Serialize, Deserialize)]
struct Listed {
    /// `hash` is a reserved word of DynamoDB's expressions.
    #[serde(rename = "sha256")]
    hash: String,
    created: Timestamp,
}

impl Store {
    /// Makes an address for a unit and the scope's channel. An older one of theirs no longer works.
    pub async fn create_feed_address(
        &self,
        scope: &Scope,
        unit: &UnitId,
        now: Timestamp,
    ) -> Result<FeedToken, StoreError> {
        let channel = channel(scope)?;
        let group = scope.group();
        let token = FeedToken::random()?;
        let listed = encode_item(&Listed { hash: token.hash(), created: now })?;
        let target = encode_item(&Target {
            tenant: group.tenant.clone(),
            property: group.property.clone(),
            channel: channel.clone(),
            unit: unit.clone(),
            created: now,
        })?;
        let key = scope.own(keys::sort::FEED, unit.as_str());
        self.race(&key, |old| {
            let (condition, values) = unchanged(old);
            let put = Put::builder().table_name(&self.state).set_item(Some(with_key(listed.clone(), &key)));
            let put = put.condition_expression(condition).set_expression_attribute_values(values);
            let new = with_key(target.clone(), &target_key(&token.hash()));
            let mut writes = vec![
                TransactWriteItem::builder().put(put.build()?).build(),
                TransactWriteItem::builder()
                    .put(Put::builder().table_name(&self.operations).set_item(Some(new)).build()?)
                    .build(),
            ];
            if let Some(old) = old {
                writes.push(self.forget(&old.hash)?);
            }
            Ok(writes)
        })
        .await?;
        Ok(token)
    }

    /// What a token is the address of; none: of nothing, or no longer.
    pub async fn feed_address(&self, token: &FeedToken) -> Result<Option<FeedAddress>, StoreError> {
        let request = self.client.get_item().table_name(&self.operations).consistent_read(true);
        let request = request.set_key(Some(with_key(Item::new(), &target_key(&token.hash()))));
        let Some(item) = request.send().await.map_err(|e| sort(&e))?.item else { return Ok(None) };
        let Target { tenant, property, channel, unit, .. } = decode_item(item)?;
        let scope = Scope::for_operator(CONSUMER, tenant, property).of_channel(&channel);
        Ok(Some(FeedAddress { scope, unit }))
    }

    /// The addresses for the scope's channel, by unit.
    pub async fn list_feed_addresses(&self, scope: &Scope) -> Result<Vec<FeedListing>, StoreError> {
        channel(scope)?;
        let prefix = scope.own(keys::sort::FEED, "");
        let entry = |(key, item): (Key, Item)| {
            let unit = key.sort_key().rsplit('/').next().and_then(|unit| unit.parse().ok());
            let unit = unit.ok_or_else(|| StoreError::Defect(format!("no unit: {}", key.sort_key())))?;
            let Listed { created, .. } = decode_item(item)?;
            Ok(FeedListing { unit, created })
        };
        self.list(&prefix).await?.into_iter().map(entry).collect()
    }

    /// Makes the address of a unit and the scope's channel work no longer; `false`: there was none.
    pub async fn revoke_feed_address(&self, scope: &Scope, unit: &UnitId) -> Result<bool, StoreError> {
        channel(scope)?;
        let key = scope.own(keys::sort::FEED, unit.as_str());
        self.race(&key, |old| {
            let Some(listed) = old else { return Ok(Vec::new()) };
            let (condition, values) = unchanged(old);
            let delete = Delete::builder().table_name(&self.state).set_key(Some(with_key(Item::new(), &key)));
            let delete = delete.condition_expression(condition).set_expression_attribute_values(values);
            Ok(vec![TransactWriteItem::builder().delete(delete.build()?).build(), self.forget(&listed.hash)?])
        })
        .await
    }

    /// Reads what is listed and makes the writes that follow from it, until nobody was faster. Whether there were any.
    async fn race(
        &self,
        key: &Key,
        writes: impl Fn(Option<&Listed>) -> Result<Vec<TransactWriteItem>, BuildError>,
    ) -> Result<bool, StoreError> {
        for _ in 0..MOST_RACES {
            let found = self.get(std::slice::from_ref(key)).await?.remove(key);
            let old: Option<Listed> = found.map(decode_item).transpose()?;
            let writes = writes(old.as_ref()).map_err(|error| StoreError::Defect(error.to_string()))?;
            if writes.is_empty() {
                return Ok(false);
            }
            let request = self.client.transact_write_items().set_transact_items(Some(writes));
            match request.send().await.map_err(|error| sort_transaction(&error)) {
                Ok(_) => return Ok(true),
                Err(StoreError::Lost | StoreError::Busy) => {
                    tokio::time::sleep(std::time::Duration::from_millis(fastrand::u64(1..=40))).await;
                }
                Err(other) => return Err(other),
            }
        }
        Err(StoreError::Unavailable("others keep changing this address".to_owned()))
    }

    fn forget(&self, hash: &str) -> Result<TransactWriteItem, BuildError> {
        let key = with_key(Item::new(), &target_key(hash));
        let delete = Delete::builder().table_name(&self.operations).set_key(Some(key)).build()?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}

type BuildError = aws_sdk_dynamodb::error::BuildError;

fn channel(scope: &Scope) -> Result<&ChannelId, StoreError> {
    let channel = scope.channel().filter(|_| scope.consumer() == CONSUMER);
    channel.ok_or_else(|| StoreError::Defect("a feed's address is of a channel, in its scope".to_owned()))
}

/// The condition that the listed address is still the one that was read.
fn unchanged(old: Option<&Listed>) -> (&'static str, Option<HashMap<String, AttributeValue>>) {
    match old {
        None => ("attribute_not_exists(pk)", None),
        Some(old) => {
            ("sha256 = :hash", Some(HashMap::from([(":hash".to_owned(), AttributeValue::S(old.hash.clone()))])))
        }
    }
}

fn target_key(hash: &str) -> Key {
    Key { pk: format!("{FEED}{hash}"), sk: "feed".to_owned() }
}

fn with_key(mut item: Item, Key { pk, sk }: &Key) -> Item {
    item.insert(attribute::PK.to_owned(), AttributeValue::S(pk.clone()));
    item.insert(attribute::SK.to_owned(), AttributeValue::S(sk.clone()));
    item
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_random_and_read_as_they_are_written() {
        let (one, two) = (FeedToken::random().expect("random"), FeedToken::random().expect("random"));
        assert_ne!(one, two);
        assert_eq!(one.as_str().len(), 52);
        assert_eq!(FeedToken::parse(one.as_str()), Some(one.clone()));
        assert!(!format!("{one:?}").contains(one.as_str()));
    }

    #[test]
    fn there_is_one_way_to_write_a_token() {
        let good = "a".repeat(52);
        assert!(FeedToken::parse(&good).is_some());
        // The last character has four bits to spare.
        let spare = format!("{}b", "a".repeat(51));
        let long = "a".repeat(53);
        for bad in ["", "a", &good.to_uppercase(), &spare, &long, &"a".repeat(51), &"1".repeat(52), &"ä".repeat(26)] {
            assert_eq!(FeedToken::parse(bad), None, "{bad}");
        }
    }
}
