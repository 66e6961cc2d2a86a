//! What automation hears: that a booking has changed, that something is due, and what a rule says to other rules.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Entry, Payload, entry};
use crate::{Queue, SubjectKind, UnitId};

/// `bellhop.booking.changed.v1`
pub const BOOKING_CHANGED: Entry = entry::<BookingChanged>(
    "bellhop.booking.changed.v1",
    "The calendar has taken a version of a booking: cleanings and reminders are to be looked at.",
)
.on(Queue::Automation, SubjectKind::Booking);

/// `bellhop.property.changed.v1`
pub const PROPERTY_CHANGED: Entry = entry::<PropertyChanged>(
    "bellhop.property.changed.v1",
    "The calendar has taken a version of a property: what waited for it is worked.",
)
.on(Queue::Automation, SubjectKind::Property);

/// `bellhop.automation.look.v1`
pub const AUTOMATION_LOOK: Entry = entry::<Look>(
    "bellhop.automation.look.v1",
    "Something about a booking or task is due, or its neighbour has moved: it is decided anew.",
)
.on(Queue::Automation, SubjectKind::Booking)
.or(SubjectKind::Task);

/// `bellhop.rule.emitted.v1`
pub const RULE_EMITTED: Entry =
    entry::<RuleEmitted>("bellhop.rule.emitted.v1", "A rule says something to other rules, and to subscribers.")
        .on(Queue::Automation, SubjectKind::Booking)
        .or(SubjectKind::Task);

/// A booking as the calendar took it. No personal data: that stays in the calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BookingChanged {
    /// The booking's version.
    pub version: u64,
    /// The type of the event that changed it.
    #[schemars(length(max = 256))]
    pub cause: String,
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
    /// It has its nights: neither cancelled nor in conflict.
    pub placed: bool,
    /// The nights that its former version had, if it has others now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<FormerStay>,
}

/// Nights that a booking had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct FormerStay {
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
}

impl Payload for BookingChanged {
    fn version(&self) -> u64 {
        self.version
    }
}

/// A property is registered, or another. What it is stands in the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PropertyChanged {
    /// The property's version.
    pub version: u64,
}

impl Payload for PropertyChanged {
    fn version(&self) -> u64 {
        self.version
    }
}

/// A request to look. It says nothing: what is due is decided by what is known when it arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Look {
    /// The second for which it was planned, or the version of what moved.
    pub version: u64,
    /// The epoch second for which it was planned, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<i64>,
}

impl Payload for Look {
    fn version(&self) -> u64 {
        self.version
    }
}

/// What a rule emits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleEmitted {
    /// When, in epoch milliseconds.
    pub version: u64,
    /// The name of what it emits, `rule.NAME`.
    #[serde(rename = "type")]
    #[schemars(length(max = 45))]
    pub event_type: String,
    /// What it says.
    #[serde(default)]
    pub data: Map<String, Value>,
    /// The rules that led to it, one after the other: none of them runs on it.
    #[schemars(length(max = 10))]
    pub rules: Vec<String>,
}

impl Payload for RuleEmitted {
    fn version(&self) -> u64 {
        self.version
    }
}
