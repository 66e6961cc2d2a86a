//! Bookings: whole snapshots, so that a PMS can join in the middle of a booking's life and resend at will.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Entry, Payload, at_most, entry};
use crate::{ChannelId, Envelope, Fault, Money, Queue, Stay, SubjectKind, UnitId};

/// `pms.booking.created.v1`
pub const BOOKING_CREATED: Entry = entry::<Booking>("pms.booking.created.v1", "A booking was made.")
    .on(Queue::OperationalCalendar, SubjectKind::Booking)
    .critical()
    .public();

/// `pms.booking.modified.v1`
pub const BOOKING_MODIFIED: Entry =
    entry::<Booking>("pms.booking.modified.v1", "A booking changed; unknown bookings are taken as new.")
        .on(Queue::OperationalCalendar, SubjectKind::Booking)
        .critical()
        .public();

/// `pms.booking.cancelled.v1`
pub const BOOKING_CANCELLED: Entry =
    entry::<Booking>("pms.booking.cancelled.v1", "A booking was cancelled; its nights are free.")
        .on(Queue::OperationalCalendar, SubjectKind::Booking)
        .critical()
        .public();

/// `bellhop.booking.replaced.v1`
pub const BOOKING_REPLACED: Entry =
    entry::<Replace>("bellhop.booking.replaced.v1", "A person asks to place an unplaced booking again.")
        .on(Queue::OperationalCalendar, SubjectKind::Booking);

/// A booking as the PMS knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Booking {
    /// Grows with each change: a counter, or updated-at in microseconds.
    pub version: u64,
    /// The unit or room type that is booked.
    pub unit: UnitId,
    /// First day, `YYYY-MM-DD`, local to the property.
    #[serde(with = "crate::civil::day")]
    #[schemars(with = "String", extend("format" = "date"))]
    pub arrival: Date,
    /// Day of leaving, `YYYY-MM-DD`; its night is not taken. Equal to `arrival`: day use.
    #[serde(with = "crate::civil::day")]
    #[schemars(with = "String", extend("format" = "date"))]
    pub departure: Date,
    /// Where the booking came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<ChannelId>,
    /// The channel's own number of the booking; at most 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub reference: Option<String>,
    /// How many people come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<Party>,
    /// The price of the whole stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Money>,
    /// Who to write to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest: Option<Guest>,
}

/// Numbers of guests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Party {
    /// Adults.
    #[serde(default)]
    pub adults: u8,
    /// Children.
    #[serde(default)]
    pub children: u8,
    /// Infants.
    #[serde(default)]
    pub infants: u8,
}

/// Personal data of the guest who booked. Never in log lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Guest {
    /// Name; at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub name: Option<String>,
    /// Mail address (RFC 5321 allows 254 characters).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 254))]
    pub email: Option<String>,
    /// Telephone number, E.164; at most 32 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub phone: Option<String>,
    /// Language to write in, BCP 47; at most 35 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 35))]
    pub language: Option<String>,
}

impl Booking {
    /// The nights.
    pub fn stay(&self) -> Result<Stay, Fault> {
        Stay::new(self.arrival, self.departure)
    }
}

impl Payload for Booking {
    fn version(&self) -> u64 {
        self.version
    }

    fn check(&self, _: &Envelope) -> Result<(), Fault> {
        self.stay()?;
        at_most(self.reference.as_ref(), 64, "/data/reference")?;
        let Some(guest) = &self.guest else { return Ok(()) };
        at_most(guest.name.as_ref(), 200, "/data/guest/name")?;
        at_most(guest.email.as_ref(), 254, "/data/guest/email")?;
        at_most(guest.phone.as_ref(), 32, "/data/guest/phone")?;
        at_most(guest.language.as_ref(), 35, "/data/guest/language")
    }
}

/// Asks to decide the stored snapshot of a booking again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Replace {
    /// The version of the booking that the person saw; a newer one makes this stale.
    pub version: u64,
}

impl Payload for Replace {
    fn version(&self) -> u64 {
        self.version
    }
}
