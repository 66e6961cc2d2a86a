//! That a guest's personal data was erased: by whom, when and why, without the data. One entry for each time, never changed.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use bellhop_events::TenantId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::item::{decode_item, encode_item};
use crate::keys::{Key, attribute, sort};
use crate::{Scope, Store, Write};

/// The consumer in the keys of entries.
pub const CONSUMER: &str = "guest";
/// So long an entry stays, as those of review acts do.
const KEEP_DAYS: i64 = 400;
/// Bookings that an entry names; of more it says how many.
pub const MOST_BOOKINGS: usize = 100;

/// One erasure, written before it begins: none is without its entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// When.
    pub at: Timestamp,
    /// Who, as the tool was told.
    pub by: String,
    /// Why, where somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Whose guest: `PROPERTY/BOOKING`, the first [`MOST_BOOKINGS`].
    pub bookings: Vec<String>,
    /// How many bookings.
    pub bookings_count: u64,
    /// How many items were found, by what they are.
    pub found: BTreeMap<String, u64>,
}

impl Erasure {
    /// The write of the entry. Where there is one of this moment, it is refused.
    pub fn put(&self, tenant: &TenantId) -> Result<Write, StoreError> {
        let place = format!("{:014}#{:016x}", self.at.as_millisecond().max(0), fastrand::u64(..));
        let mut item = encode_item(self)?;
        let ttl = self.at.as_second() + KEEP_DAYS * 86_400;
        item.insert(attribute::TTL.to_owned(), AttributeValue::N(ttl.to_string()));
        Ok(Write::replace(Scope::tenant_item(CONSUMER, tenant, sort::ERASURE, &place), item, 0))
    }
}

impl Store {
    /// All erasures of a tenant that are remembered, oldest first.
    pub async fn erasures(&self, tenant: &TenantId) -> Result<Vec<Erasure>, StoreError> {
        let prefix: Key = Scope::tenant_item(CONSUMER, tenant, sort::ERASURE, "");
        self.list(&prefix).await?.into_iter().map(|(_, item)| decode_item(item)).collect()
    }
}
