//! Channels: who is told of availability, rates and what happened, and how.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Entry, Payload, at_most, entry};
use crate::{ChannelId, Envelope, Fault, Queue, RateId, Reason, SubjectKind, UnitId};

/// `pms.channel.upserted.v1`
pub const CHANNEL_UPSERTED: Entry = entry::<Channel>(
    "pms.channel.upserted.v1",
    "A channel of a property was registered, changed, or switched on or off; it is then told the whole state.",
)
.on(Queue::Synchronization, SubjectKind::Channel)
.critical()
.public();

/// `bellhop.channel.sync.requested.v1`
pub const CHANNEL_SYNC_REQUESTED: Entry = entry::<ChannelSyncRequested>(
    "bellhop.channel.sync.requested.v1",
    "A channel should hear what it has not heard yet. In the message group `tenant#property#channel`.",
)
.on(Queue::Synchronization, SubjectKind::Channel)
.critical();

/// The most mappings, feeds or event types of a channel.
const MOST: usize = 500;

/// A channel as the PMS knows it: a whole snapshot. Credentials are references, never secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Channel {
    /// Grows with each change of this channel.
    pub version: u64,
    /// For people; at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub name: Option<String>,
    /// Off: it is told nothing; on again, it hears the whole state.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub enabled: bool,
    /// How often it may be called; none: the adapter's own pace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<Pace>,
    /// How it is reached.
    #[serde(flatten)]
    pub connection: Connection,
}

/// At most `calls` in any `seconds`, for each property and kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Pace {
    /// 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub calls: u16,
    /// 1 to 3,600.
    #[schemars(range(min = 1, max = 3600))]
    pub seconds: u16,
}

/// How a channel is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[schemars(inline)]
pub enum Connection {
    /// Availability, rates and inventory, in the shape that Channex documents.
    Ari(Ari),
    /// Signed JSON (Standard Webhooks): availability, rates, and any follow-up: the PMS itself is such a channel.
    Webhook(Webhook),
    /// iCalendar: platforms fetch our feeds, and we fetch theirs.
    Calendar(Calendar),
}

/// A channel manager's API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Ari {
    /// The API's base, such as `https://staging.channex.io/api/v1`.
    #[schemars(length(min = 1, max = 2048))]
    pub url: String,
    /// Where the API key lies: `secretsmanager:bellhop/TENANT/NAME`.
    #[schemars(length(min = 1, max = 600))]
    pub key: String,
    /// The property's id over there.
    #[schemars(length(min = 1, max = 100))]
    pub property: String,
    /// Our units and their room types; at most 500.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 500))]
    pub units: Vec<RoomType>,
    /// Our rate plans and theirs; at most 500.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 500))]
    pub rates: Vec<RatePlan>,
}

/// A unit and its room type over there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct RoomType {
    /// Ours.
    pub unit: UnitId,
    /// Theirs.
    #[schemars(length(min = 1, max = 100))]
    pub room_type: String,
}

/// A rate plan of a unit and the one over there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct RatePlan {
    /// Ours.
    pub rate: RateId,
    /// Of which unit.
    pub unit: UnitId,
    /// Theirs.
    #[schemars(length(min = 1, max = 100))]
    pub rate_plan: String,
}

/// A receiver of signed webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Webhook {
    /// Who is called, by `POST`.
    #[schemars(length(min = 1, max = 2048))]
    pub url: String,
    /// Where the signing keys lie, the newest first: two while a key is changed.
    #[schemars(length(min = 1, max = 2))]
    pub keys: Vec<String>,
    /// Follow-ups that it hears, such as `bellhop.booking.unplaced.v1`; `*` for all. At most 500.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 500))]
    pub events: Vec<String>,
    /// Whether it hears what may be sold, unit by unit.
    #[serde(default, skip_serializing_if = "is_false")]
    pub availability: bool,
    /// Whether it hears rates and restrictions.
    #[serde(default, skip_serializing_if = "is_false")]
    pub rates: bool,
}

/// A platform that knows iCalendar only. The addresses of our own feeds are made by `bellhop channel feed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Calendar {
    /// Its feeds, whose events block our units; at most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub imports: Vec<FeedImport>,
    /// How often they are fetched, 5 to 1,440; 60 if not given.
    #[serde(default = "hourly")]
    #[schemars(range(min = 5, max = 1440))]
    pub minutes: u16,
}

/// An outside feed of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct FeedImport {
    /// Whose nights it takes.
    pub unit: UnitId,
    /// Where it lies. Platforms put a secret into it, so it is treated as one.
    #[schemars(length(min = 1, max = 2048))]
    pub url: String,
}

fn yes() -> bool {
    true
}

fn hourly() -> u16 {
    60
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_true(flag: &bool) -> bool {
    *flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

fn within<T: PartialOrd + std::fmt::Display + Copy>(found: T, least: T, most: T, at: &str) -> Result<(), Fault> {
    if least <= found && found <= most {
        return Ok(());
    }
    Err(Fault::new(Reason::InvalidData, at).found(found).expected(format!("{least} to {most}")))
}

fn sized(text: &str, most: usize, at: &str) -> Result<(), Fault> {
    within(text.chars().count(), 1, most, at).map_err(|fault| Fault {
        found: format!("{} characters", fault.found),
        expected: format!("{} characters", fault.expected),
        ..fault
    })
}

impl Payload for Channel {
    fn version(&self) -> u64 {
        self.version
    }

    fn check(&self, _: &Envelope) -> Result<(), Fault> {
        at_most(self.name.as_ref(), 200, "/data/name")?;
        if let Some(pace) = self.pace {
            within(pace.calls, 1, 100, "/data/pace/calls")?;
            within(pace.seconds, 1, 3600, "/data/pace/seconds")?;
        }
        match &self.connection {
            Connection::Ari(ari) => ari.check(),
            Connection::Webhook(webhook) => {
                sized(&webhook.url, 2048, "/data/url")?;
                within(webhook.keys.len(), 1, 2, "/data/keys")?;
                within(webhook.events.len(), 0, MOST, "/data/events")?;
                webhook.events.iter().try_for_each(|event| sized(event, 256, "/data/events"))
            }
            Connection::Calendar(calendar) => {
                within(calendar.minutes, 5, 1440, "/data/minutes")?;
                within(calendar.imports.len(), 0, 50, "/data/imports")?;
                calendar.imports.iter().try_for_each(|import| sized(&import.url, 2048, "/data/imports"))?;
                once(
                    calendar.imports.iter().map(|import| (&import.unit, &import.url)),
                    "/data/imports",
                    "each feed once",
                )
            }
        }
    }
}

impl Ari {
    fn check(&self) -> Result<(), Fault> {
        sized(&self.url, 2048, "/data/url")?;
        sized(&self.property, 100, "/data/property")?;
        within(self.units.len(), 0, MOST, "/data/units")?;
        within(self.rates.len(), 0, MOST, "/data/rates")?;
        self.units.iter().try_for_each(|unit| sized(&unit.room_type, 100, "/data/units"))?;
        self.rates.iter().try_for_each(|rate| sized(&rate.rate_plan, 100, "/data/rates"))?;
        // Two of ours that speak for one of theirs would overwrite each other for ever.
        once(self.units.iter().map(|unit| &unit.unit), "/data/units", "each unit once")?;
        once(self.units.iter().map(|unit| &unit.room_type), "/data/units", "each room type once")?;
        once(self.rates.iter().map(|rate| (&rate.rate, &rate.unit)), "/data/rates", "each rate of a unit once")?;
        once(self.rates.iter().map(|rate| &rate.rate_plan), "/data/rates", "each rate plan once")
    }
}

fn once<T: Ord>(items: impl Iterator<Item = T>, at: &str, expected: &str) -> Result<(), Fault> {
    let mut seen = BTreeSet::new();
    for (index, item) in items.enumerate() {
        if !seen.insert(item) {
            return Err(Fault::new(Reason::InvalidData, format!("{at}/{index}")).found("one twice").expected(expected));
        }
    }
    Ok(())
}

impl Channel {
    /// Whether it hears of follow-ups of this type.
    #[must_use]
    pub fn hears(&self, event_type: &str) -> bool {
        match &self.connection {
            Connection::Webhook(webhook) => webhook.events.iter().any(|event| event == "*" || event == event_type),
            Connection::Ari(_) | Connection::Calendar(_) => false,
        }
    }
}

/// What a channel is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelSyncRequested {
    /// Tells requests apart; nothing more, for what is sent is what the calendar says then.
    pub version: u64,
    /// What is to happen.
    #[serde(default)]
    pub action: SyncAction,
}

/// What is to happen with a channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum SyncAction {
    /// It hears what it has not heard.
    #[default]
    Changes,
    /// It hears everything, though it has heard it.
    Everything,
    /// Its feeds are fetched, those that were not since `version`, epoch milliseconds.
    Poll,
    /// The same, by the timer: only if `version` is when it is due.
    Due,
    /// It is called once, without effect over there, and the answer is kept.
    Test,
    /// It is told nothing until it is enabled.
    Disable,
    /// It is told again: everything.
    Enable,
}

impl Payload for ChannelSyncRequested {
    fn version(&self) -> u64 {
        self.version
    }
}

impl Envelope {
    /// The channel of a subject `channel/ID`.
    #[must_use]
    pub fn channel(&self) -> Option<&ChannelId> {
        match &self.subject {
            crate::Subject::Channel(id) => Some(id),
            _ => None,
        }
    }
}
