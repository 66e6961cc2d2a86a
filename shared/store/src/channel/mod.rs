//! What channel synchronization keeps: written by its function, read by the command line and the feeds.
//!
//! In the partition `tenant#property`: the channels as the PMS gave them, and when which nights changed. In
//! `tenant#property#channel`: how far the channel has been told. In `tenant`: whether a channel answers at all.

mod circuit;
mod rates;
mod stamps;

use std::collections::BTreeMap;

use bellhop_events::catalogue::Channel;
use bellhop_events::{ChannelId, EventId, RateId, UnitId};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use circuit::{Circuit, Passage};
pub use rates::{Night, RateMonth};
pub use stamps::{News, Stamps};

use crate::item::{Item, decode_item, encode_item};
use crate::keys::{Key, sort};
use crate::{Scope, StoreError, Write};

/// The consumer's name.
pub const CONSUMER: &str = "channel-sync";

/// The state in the item of a subject of channel synchronization.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum SyncState {
    /// `channel/ID` of a property: as the PMS gave it.
    #[serde(rename = "c")]
    Channel(Channel),
    /// `unit/ID` of a property: when its nights changed.
    #[serde(rename = "u")]
    Unit(Stamps),
    /// `rate/ID` of a property: when its nights changed, by unit.
    #[serde(rename = "r")]
    Rate(BTreeMap<UnitId, Stamps>),
    /// `channel/ID` of a channel: how far it has been told.
    #[serde(rename = "s")]
    Sync(Box<Progress>),
    /// Any subject of a channel: what its webhook was told of it last.
    #[serde(rename = "n")]
    Heard(Heard),
}

/// How far a channel has been told, and how it fares. Times are epoch milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The version of the channel's registration that the rest belongs to.
    #[serde(default)]
    pub config: u64,
    /// Of which stamp on each unit's nights are news.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub units: BTreeMap<UnitId, u64>,
    /// The same of rates, by `RATE/UNIT`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rates: BTreeMap<String, u64>,
    /// Nights before this day have been told; the days after it come into view as time goes by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<Date>,
    /// Calls of availability in the window of its pace: the latest moment at which each may have arrived.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nights_calls: Vec<i64>,
    /// Calls of rates, the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates_calls: Vec<i64>,
    /// No call before: the channel asked for it, or a call has failed.
    #[serde(default)]
    pub not_before: i64,
    /// Calls that failed, since the last that did not.
    #[serde(default)]
    pub failures: u32,
    /// Who calls now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
    /// Told nothing, until it is registered anew or enabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<Disabled>,
    /// The last test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tested: Option<Tested>,
    /// What was told so far.
    #[serde(default)]
    pub told: Told,
    /// Its outside feeds, by `UNIT/HASH`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub feeds: BTreeMap<String, FeedState>,
    /// When the timer is to bring it back, if it is.
    #[serde(default)]
    pub due: i64,
    /// When its feeds are due.
    #[serde(default)]
    pub poll_at: i64,
}

/// A lease: who else meets it waits until it is over, for then its owner is dead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// A token that completion must show.
    pub owner: String,
    /// Epoch milliseconds.
    pub until: i64,
}

/// Why a channel is told nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disabled {
    /// A stable reason code; `disabled` if a person did it.
    pub reason: String,
    /// Epoch milliseconds.
    pub at: i64,
    /// What was found, while nobody has been told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untold: Option<String>,
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tested {
    /// Epoch milliseconds.
    pub at: i64,
    /// Whether the channel took it.
    pub ok: bool,
    /// What it said, for a person.
    pub found: String,
}

/// Counts of what a channel was told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Calls that were taken.
    #[serde(default)]
    pub calls: u64,
    /// Values in them: ranges of nights.
    #[serde(default)]
    pub values: u64,
    /// Calls that failed.
    #[serde(default)]
    pub failed: u64,
    /// Calls that were refused for their number.
    #[serde(default)]
    pub throttled: u64,
    /// The last that was taken, epoch milliseconds.
    #[serde(default)]
    pub at: i64,
}

/// An outside feed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedState {
    /// The blocks that it has made and that stand.
    #[serde(default)]
    pub known: Vec<KnownBlock>,
    /// When it was read last, epoch milliseconds.
    #[serde(default)]
    pub at: i64,
    /// Why it could not be read since: a stable code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// A block that a feed has made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownBlock {
    /// Its id.
    #[serde(rename = "b")]
    pub block: EventId,
    /// The first night.
    #[serde(rename = "f")]
    pub from: Date,
    /// The first night that is free again.
    #[serde(rename = "u")]
    pub until: Date,
}

/// What a webhook was told last of a subject, by type: for whoever lost it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// By event type.
    pub last: BTreeMap<String, HeardEvent>,
}

/// An event that a webhook took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeardEvent {
    /// Its version.
    pub version: u64,
    /// Epoch milliseconds.
    pub at: i64,
    /// The payload of the `bellhop.webhook.requested.v1` that carried it, as JSON.
    pub data: String,
}

impl Progress {
    /// The key in `rates`.
    #[must_use]
    pub fn rate_key(rate: &RateId, unit: &UnitId) -> String {
        format!("{rate}/{unit}")
    }
}

/// Calls of follow-ups in the window of a webhook's pace, if its registration sets one. An item of its own: the channel's is
/// written with each step of its line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventCalls {
    /// Writes so far; 0: not stored yet.
    #[serde(default, skip_serializing)]
    pub rev: u64,
    /// The latest moment at which each may have arrived, epoch milliseconds.
    #[serde(default)]
    pub calls: Vec<i64>,
}

impl EventCalls {
    /// Its key in the scope of a channel.
    #[must_use]
    pub fn key(scope: &Scope) -> Key {
        scope.own(sort::CALLS, "")
    }

    /// Reads stored calls; nothing stored is none.
    pub fn decode(item: Option<&Item>) -> Result<Self, StoreError> {
        item.map_or_else(|| Ok(Self::default()), |item| decode_item(item.clone()))
    }

    /// The write of these calls, on condition that nobody wrote them since they were read.
    pub fn put(&self, scope: &Scope) -> Result<Write, StoreError> {
        Ok(Write::replace(Self::key(scope), encode_item(self)?, self.rev))
    }
}

/// The channels of a property: what is asked of each change, in one item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channels {
    /// Writes so far; 0: not stored yet.
    #[serde(default, skip_serializing)]
    pub rev: u64,
    /// By id.
    #[serde(default)]
    pub channels: BTreeMap<ChannelId, Wants>,
}

/// What a channel wants to hear.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wants {
    /// Availability.
    #[serde(rename = "a")]
    pub nights: bool,
    /// Rates.
    #[serde(rename = "r")]
    pub rates: bool,
    /// Follow-ups of these types; `*` for all.
    #[serde(rename = "e", default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
}

impl Wants {
    /// Whether it wants to hear of follow-ups of this type.
    #[must_use]
    pub fn hears(&self, event_type: &str) -> bool {
        self.events.iter().any(|event| event == "*" || event == event_type)
    }
}

impl Channels {
    /// The key of a property's list.
    #[must_use]
    pub fn key(scope: &Scope) -> Key {
        scope.of_property().own(sort::CHANNELS, "")
    }

    /// Reads a stored list; nothing stored is an empty one.
    pub fn decode(item: Option<&Item>) -> Result<Self, StoreError> {
        item.map_or_else(|| Ok(Self::default()), |item| decode_item(item.clone()))
    }

    /// The write of this list, on condition that nobody wrote it since it was read.
    pub fn put(&self, scope: &Scope) -> Result<Write, StoreError> {
        Ok(Write::replace(Self::key(scope), encode_item(self)?, self.rev))
    }
}
