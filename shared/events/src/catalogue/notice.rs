//! What subscribers are told: the PMS hears back by signed webhook.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Entry, Payload, entry};
use crate::{BookingId, EventId, Queue, UnitId};

/// `bellhop.webhook.requested.v1`
pub const WEBHOOK_REQUESTED: Entry = entry::<WebhookRequested>(
    "bellhop.webhook.requested.v1",
    "Whoever listens at the property should hear of a follow-up.",
)
.to(Queue::Synchronization);

/// `bellhop.booking.unplaced.v1`
pub const BOOKING_UNPLACED: Entry =
    entry::<BookingUnplaced>("bellhop.booking.unplaced.v1", "A confirmed booking found its nights taken.");

/// `bellhop.channel.status.v1`
pub const CHANNEL_STATUS: Entry =
    entry::<ChannelStatus>("bellhop.channel.status.v1", "A channel cannot be told any more, or can be told again.");

/// `bellhop.review.opened.v1`
pub const REVIEW_OPENED: Entry =
    entry::<ReviewOpened>("bellhop.review.opened.v1", "An event could not be done, and waits for a person.");

/// `bellhop.review.closed.v1`
pub const REVIEW_CLOSED: Entry =
    entry::<ReviewClosed>("bellhop.review.closed.v1", "An event that waited for a person is done, or was discarded.");

/// A follow-up for subscribers. They get an envelope of this id with the type and data that stand in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookRequested {
    /// The version of what it says.
    pub version: u64,
    /// The follow-up's type.
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = 256))]
    pub event_type: String,
    /// The follow-up's payload.
    pub data: Map<String, Value>,
}

impl Payload for WebhookRequested {
    fn version(&self) -> u64 {
        self.version
    }
}

/// A conflict: both bookings are kept, one without its nights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BookingUnplaced {
    /// The booking's version.
    pub version: u64,
    /// The unit or room type.
    pub unit: UnitId,
    /// First day, `YYYY-MM-DD`.
    #[serde(with = "crate::civil::day")]
    #[schemars(with = "String", extend("format" = "date"))]
    pub arrival: Date,
    /// Day of leaving, `YYYY-MM-DD`.
    #[serde(with = "crate::civil::day")]
    #[schemars(with = "String", extend("format" = "date"))]
    pub departure: Date,
    /// The first night that is taken, `YYYY-MM-DD`.
    #[serde(with = "crate::civil::day")]
    #[schemars(with = "String", extend("format" = "date"))]
    pub night: Date,
    /// Who has it; five at most.
    pub taken_by: Vec<BookingId>,
}

impl Payload for BookingUnplaced {
    fn version(&self) -> u64 {
        self.version
    }
}

/// How a channel fares. The subject is the channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelStatus {
    /// Epoch milliseconds.
    pub version: u64,
    /// Whether it is told what happens.
    pub working: bool,
    /// A stable reason code, if it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Payload for ChannelStatus {
    fn version(&self) -> u64 {
        self.version
    }
}

/// An event waits for a person. The subject is that of the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewOpened {
    /// How often the event has failed.
    pub version: u64,
    /// The event.
    pub event: EventId,
    /// Its type.
    #[serde(rename = "type")]
    #[schemars(length(max = 256))]
    pub event_type: String,
    /// A stable reason code.
    pub reason: String,
}

impl Payload for ReviewOpened {
    fn version(&self) -> u64 {
        self.version
    }
}

/// An event waits for nobody any more. The subject is that of the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewClosed {
    /// How often the event had failed.
    pub version: u64,
    /// The event.
    pub event: EventId,
    /// What became of it.
    pub outcome: ReviewOutcome,
}

/// What became of a reviewed event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum ReviewOutcome {
    /// It was worked.
    Done,
    /// A person left it out.
    Discarded,
}

impl Payload for ReviewClosed {
    fn version(&self) -> u64 {
        self.version
    }
}

impl WebhookRequested {
    /// A follow-up for subscribers.
    #[must_use]
    pub fn of<T: Payload>(event_type: &str, payload: &T) -> Self {
        let data = crate::Envelope::data_of(payload);
        Self { version: payload.version(), event_type: event_type.to_owned(), data }
    }
}
