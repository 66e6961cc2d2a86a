//! Messages to guests that a booking asks for.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Entry, Guest, Payload, entry};
use crate::{Queue, SubjectKind, UnitId};

/// `bellhop.guest.message.requested.v1`
pub const GUEST_MESSAGE_REQUESTED: Entry = entry::<GuestMessageRequested>(
    "bellhop.guest.message.requested.v1",
    "The guest of a booking should hear about it.",
)
.on(Queue::OperationalGuests, SubjectKind::Booking);

/// Which message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum GuestMessage {
    /// The booking is confirmed.
    Confirmation,
    /// Dates or unit changed.
    Change,
    /// The booking is cancelled.
    Cancellation,
}

/// What the message is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GuestMessageRequested {
    /// The booking's version.
    pub version: u64,
    /// Which message.
    pub message: GuestMessage,
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
    /// Who to write to, if the PMS said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest: Option<Guest>,
}

impl Payload for GuestMessageRequested {
    fn version(&self) -> u64 {
        self.version
    }
}
