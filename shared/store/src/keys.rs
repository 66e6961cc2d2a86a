//! The one list of key prefixes. In `state`, pk is the message group `tenant#property` and sk starts with the consumer.

/// The key of an item in `state`. Built only by a [`crate::Scope`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    /// The sort key.
    #[must_use]
    pub fn sort_key(&self) -> &str {
        &self.sk
    }

    /// The partition key: whose item it is.
    #[must_use]
    pub fn partition(&self) -> &str {
        &self.pk
    }

    /// Another item of the same partition.
    #[must_use]
    pub fn sibling(&self, sort_key: String) -> Self {
        Self { pk: self.pk.clone(), sk: sort_key }
    }
}

/// Attribute names that the store itself uses; kept short, for each byte is paid for.
pub(crate) mod attribute {
    pub const PK: &str = "pk";
    pub const SK: &str = "sk";
    /// Counts the writes of an item: every write is conditional on the one that was read.
    pub const REV: &str = "rev";
    /// Epoch seconds after which DynamoDB may remove the item.
    pub const TTL: &str = "ttl";
    /// Partition and sort key of the sparse index `open`.
    pub const OPEN_PK: &str = "open_pk";
    pub const OPEN_SK: &str = "open_sk";
}

/// Sort keys below a consumer.
pub mod sort {
    /// Sad-path records: `record/EVENT`.
    pub const RECORD: &str = "record/";
    /// Events parked behind a failed one: `parked/SUBJECT#INDEX`.
    pub const PARKED: &str = "parked/";
    /// Events that wait for their subject to exist: `waiting/SUBJECT#INDEX`.
    pub const WAITING: &str = "waiting/";
    /// Prices and restrictions of a rate plan for a unit in a month: `rates/RATE/UNIT/YYYY-MM`.
    pub const RATES: &str = "rates/";
    /// The channels of a property: one item, `channels`.
    pub const CHANNELS: &str = "channels";
    /// When a webhook was called, where it has a pace: one item, `calls`.
    pub const CALLS: &str = "calls";
    /// Whether a channel of the tenant answers: `circuit/CHANNEL`.
    pub const CIRCUIT: &str = "circuit/";
    /// The address of a unit's calendar feed for a channel: `feed/UNIT`.
    pub const FEED: &str = "feed/";
    /// A tenant's rules: one item, `rules`.
    pub const RULES: &str = "rules";
    /// A tenant's mail templates: `template/KIND/LOCALE`.
    pub const TEMPLATE: &str = "template/";
    /// Addresses of a tenant's guests that get no mail: `suppressed/HASH`.
    pub const SUPPRESSED: &str = "suppressed/";
    /// How many cleanings each assignee of a property has on a day: `load/YYYY-MM-DD`.
    pub const LOAD: &str = "load/";
    /// What waits for a person, as a list shows it: `item/ID`.
    pub const REVIEW_ITEM: &str = "item/";
    /// Its original body: `body/ID`.
    pub const REVIEW_BODY: &str = "body/";
    /// The body that a person made of it: `edited/ID`.
    pub const REVIEW_EDITED: &str = "edited/";
    /// What was done with items, by time: `audit/MILLISECOND#ID`.
    pub const REVIEW_AUDIT: &str = "audit/";
    /// How many items a desk has open: one item, `counts`.
    pub const REVIEW_COUNTS: &str = "counts";
    /// Desks that ever had an item: `desk/TENANT`.
    pub const DESK: &str = "desk/";
    /// The dashboard's counters of a month: `numbers/EDITION/YYYY-MM`.
    pub const NUMBERS: &str = "numbers/";
    /// How much news a property had in an hour: `hour/YYYY-MM-DDTHH`.
    pub const HOUR: &str = "hour/";
    /// The properties of a tenant: `property/ID`.
    pub const PROPERTY: &str = "property/";
    /// Tenants that have a property: `tenant/ID`.
    pub const TENANT: &str = "tenant/";
    /// What is known of a tenant: one item, `registration`.
    pub const REGISTRATION: &str = "registration";
    /// Where what came for a suspended tenant begins and ends: one item, `journal`.
    pub const JOURNAL: &str = "journal";
    /// What came for it: `entry/INDEX`.
    pub const JOURNAL_ENTRY: &str = "entry/";
    /// Whose personal data was erased, by time: `erasure/MILLISECOND#RANDOM`.
    pub const ERASURE: &str = "erasure/";
    /// What a unit has sold in a month: `nights/UNIT/YYYY-MM`.
    pub const NIGHTS: &str = "nights/";
}

/// The sparse index of `state` that lists holds.
pub(crate) const OPEN_INDEX: &str = "open";
/// Its partition of holds, by consumer: `hold#CONSUMER`.
pub(crate) const OPEN_HOLD: &str = "hold#";
/// Its partitions of open review items, by desk: `review#TENANT`.
pub(crate) const OPEN_REVIEW: &str = "review#";
/// Its partition of tenants that are not active.
pub(crate) const OPEN_STANDING: &str = "standing#";
/// Its partitions of journals, by tenant: `journal#TENANT`.
pub(crate) const OPEN_JOURNAL: &str = "journal#";
/// The partition that lists the tenants.
pub(crate) const TENANTS: &str = "tenants#";
/// The partition that lists the tenants with a silo.
pub(crate) const SILOS: &str = "silos#";
/// The partition that lists the desks.
pub(crate) const DESKS: &str = "desks#";
/// Start marks in `operations`: `mark#CONSUMER#MESSAGE`.
pub(crate) const MARK: &str = "mark#";
/// Addresses of calendar feeds, in `operations`: `feed#SHA256`.
pub(crate) const FEED: &str = "feed#";
/// What is due, in `state`: `due#SHARD`, sort key `SECOND#ID#GROUP`.
pub(crate) const DUE: &str = "due#";
