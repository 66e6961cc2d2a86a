//! What an event is about: order holds per subject.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::{BookingId, ChannelId, PropertyId, RateId, TaskId, UnitId};

/// The kinds of subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectKind {
    /// `booking/ID`
    Booking,
    /// `unit/ID`
    Unit,
    /// `task/ID`
    Task,
    /// `property/ID`
    Property,
    /// `channel/ID`
    Channel,
    /// `rate/ID`
    Rate,
}

impl SubjectKind {
    /// The word before the slash.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Booking => "booking",
            Self::Unit => "unit",
            Self::Task => "task",
            Self::Property => "property",
            Self::Channel => "channel",
            Self::Rate => "rate",
        }
    }
}

/// The booking, unit, task, property, channel or rate plan that an event is about, written `booking/ID`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Subject {
    /// A booking.
    Booking(BookingId),
    /// A rental unit or room type.
    Unit(UnitId),
    /// A task.
    Task(TaskId),
    /// The property itself.
    Property(PropertyId),
    /// A sales channel, or another system that is told.
    Channel(ChannelId),
    /// A rate plan.
    Rate(RateId),
}

impl Subject {
    /// Which kind of thing this is.
    #[must_use]
    pub fn kind(&self) -> SubjectKind {
        match self {
            Self::Booking(_) => SubjectKind::Booking,
            Self::Unit(_) => SubjectKind::Unit,
            Self::Task(_) => SubjectKind::Task,
            Self::Property(_) => SubjectKind::Property,
            Self::Channel(_) => SubjectKind::Channel,
            Self::Rate(_) => SubjectKind::Rate,
        }
    }

    /// The id after the slash.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Booking(id) => id.as_str(),
            Self::Unit(id) => id.as_str(),
            Self::Task(id) => id.as_str(),
            Self::Property(id) => id.as_str(),
            Self::Channel(id) => id.as_str(),
            Self::Rate(id) => id.as_str(),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind().as_str(), self.id())
    }
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &dyn fmt::Display| {
            format!("expected booking/ID, unit/ID, task/ID, property/ID, channel/ID or rate/ID: {why}")
        };
        let (kind, id) = text.split_once('/').ok_or_else(|| wrong(&"found no slash"))?;
        match kind {
            "booking" => id.parse().map(Self::Booking).map_err(|e| wrong(&e)),
            "unit" => id.parse().map(Self::Unit).map_err(|e| wrong(&e)),
            "task" => id.parse().map(Self::Task).map_err(|e| wrong(&e)),
            "property" => id.parse().map(Self::Property).map_err(|e| wrong(&e)),
            "channel" => id.parse().map(Self::Channel).map_err(|e| wrong(&e)),
            "rate" => id.parse().map(Self::Rate).map_err(|e| wrong(&e)),
            _ => Err(wrong(&"found another kind")),
        }
    }
}

impl TryFrom<String> for Subject {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> String {
        subject.to_string()
    }
}

impl JsonSchema for Subject {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Subject".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^((booking|unit|task|rate)/[A-Za-z0-9][A-Za-z0-9._:-]{0,63}|(property|channel)/[a-z0-9][a-z0-9_-]{0,39})$"
        })
    }
}
