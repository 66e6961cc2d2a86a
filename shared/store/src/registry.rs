//! The registry: what is known of a tenant beside its items, and whether its events are worked.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use bellhop_events::TenantId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::item::{decode_item, encode_item};
use crate::keys::{Key, OPEN_STANDING, SILOS, attribute, sort};
use crate::{Expect, Item, Scope, Store, Write, dashboard};

/// Whether a tenant's events are worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// They are.
    Active,
    /// They are kept in DynamoDB, in order, and not worked.
    Suspended,
    /// What was kept is being worked; new events stay behind it.
    Resuming,
    /// The tenant was removed: whatever still comes is nobody's.
    Removed,
}

impl Standing {
    /// The word for people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Resuming => "resuming",
            Self::Removed => "removed",
        }
    }
}

/// By which queues a tenant's events come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// By those that tenants share.
    #[default]
    Pool,
    /// By its own. Never changed: between two queues there is no order.
    Silo,
}

/// What is known of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Writes so far; 0: not stored yet.
    #[serde(default)]
    pub rev: u64,
    /// Who.
    pub tenant: TenantId,
    /// Whether its events are worked.
    pub standing: Standing,
    /// By which queues they come.
    #[serde(default)]
    pub mode: Mode,
    /// Since when.
    pub since: Timestamp,
    /// Why, in the words of whoever changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// The tenant's own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whom an operator may ask: addresses of mail.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// The language to write to them in, a BCP 47 tag such as `pt-PT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// At most so many events a second are posted for it at once by `bellhop post`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events_a_second: Option<u32>,
}

impl Registration {
    /// A tenant that is new.
    #[must_use]
    pub fn new(tenant: TenantId, now: Timestamp) -> Self {
        Self {
            rev: 0,
            tenant,
            standing: Standing::Active,
            mode: Mode::Pool,
            since: now,
            because: None,
            name: None,
            contacts: Vec::new(),
            locale: None,
            events_a_second: None,
        }
    }

    /// Another standing, from now on.
    #[must_use]
    pub fn standing_at(mut self, standing: Standing, because: Option<&str>, now: Timestamp) -> Self {
        (self.standing, self.since, self.because) = (standing, now, because.map(str::to_owned));
        self
    }

    /// Where it is kept.
    #[must_use]
    pub fn key(tenant: &TenantId) -> Key {
        Scope::tenant_item("tenant", tenant, sort::REGISTRATION, "")
    }

    /// The writes of this registration, on condition that nobody wrote it since it was read: itself, and where it is listed.
    pub fn put(&self) -> Result<Vec<Write>, StoreError> {
        let mut item = encode_item(self)?;
        if matches!(self.standing, Standing::Suspended | Standing::Resuming) {
            item.insert(attribute::OPEN_PK.to_owned(), AttributeValue::S(OPEN_STANDING.to_owned()));
            item.insert(attribute::OPEN_SK.to_owned(), AttributeValue::S(self.tenant.to_string()));
        }
        let listed = (self.mode == Mode::Silo).then(|| silos(self.tenant.as_str()));
        let listed = listed.into_iter().chain([dashboard::tenants(self.tenant.as_str())]);
        let listed = listed.map(|key| Write::Put { key, item: Item::new(), expect: Expect::Any });
        Ok([Write::replace(Self::key(&self.tenant), item, self.rev)].into_iter().chain(listed).collect())
    }

    /// The tenant still stands as it was read: part of a write that must not happen otherwise.
    #[must_use]
    pub fn unchanged(&self) -> Write {
        Write::Check { key: Self::key(&self.tenant), rev: self.rev }
    }
}

impl Store {
    /// What is known of tenants, by one strongly consistent read; those without a registration are absent.
    pub async fn registrations(
        &self,
        tenants: &BTreeSet<TenantId>,
    ) -> Result<HashMap<TenantId, Registration>, StoreError> {
        if tenants.is_empty() {
            return Ok(HashMap::new());
        }
        let keys: Vec<_> = tenants.iter().map(Registration::key).collect();
        let found = self.get(&keys).await?;
        let decoded = found.into_values().map(decode_item::<Registration>);
        decoded.map(|one| one.map(|one| (one.tenant.clone(), one))).collect()
    }

    /// What is known of one tenant.
    pub async fn registration(&self, tenant: &TenantId) -> Result<Option<Registration>, StoreError> {
        Ok(self.registrations(&BTreeSet::from([tenant.clone()])).await?.remove(tenant))
    }

    /// Tenants with a silo, in order of their ids: the first so many after one, and whether there are more.
    pub async fn silos(&self, after: Option<&TenantId>, most: u16) -> Result<(Vec<TenantId>, bool), StoreError> {
        let (found, more) = self.page(&silos(""), after.map(TenantId::as_str), most).await?;
        Ok((found.iter().filter_map(|(key, _)| dashboard::tenant_of(key)).collect(), more))
    }

    /// The tenants that are suspended or being resumed, as of a moment ago.
    pub async fn not_active(&self) -> Result<Vec<Registration>, StoreError> {
        let items = self.indexed(OPEN_STANDING, None, usize::MAX).await?;
        items.into_iter().map(decode_item).collect()
    }
}

/// Below it lie all tenants with a silo whose ids begin so.
fn silos(start: &str) -> Key {
    Key { pk: SILOS.to_owned(), sk: format!("{}{start}", sort::TENANT) }
}
