//! Properties: what can be sold, where it is, and how it is run.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Entry, Payload, at_most, entry};
use crate::{ChannelId, Envelope, Fault, LocalTime, Queue, Reason, SubjectKind, UnitId, Zone};

/// The most rooms of a room type.
pub const MAX_CAPACITY: u16 = 500;

/// The most units of a property: the item that holds them is read with every booking.
const MAX_UNITS: usize = 500;

/// `pms.property.upserted.v1`
pub const PROPERTY_UPSERTED: Entry = entry::<Property>(
    "pms.property.upserted.v1",
    "A property was registered or changed; events that waited for it are worked.",
)
.on(Queue::OperationalCalendar, SubjectKind::Property)
.critical()
.public();

/// A property as the PMS knows it: a whole snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Property {
    /// Grows with each change: a counter, or updated-at in microseconds.
    pub version: u64,
    /// For people; at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub name: Option<String>,
    /// IANA time zone in which nights and times of the property are meant.
    pub time_zone: Zone,
    /// Local time from which guests may arrive, `HH:MM`.
    pub check_in: LocalTime,
    /// Local time until which guests leave, `HH:MM`.
    pub check_out: LocalTime,
    /// What is sold; 1 to 500 units or room types.
    #[schemars(length(min = 1, max = 500))]
    pub units: Vec<Unit>,
    /// Channels that sell the property; at most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub channels: Vec<ChannelId>,
    /// Follow-ups that webhook channels of the property may hear, such as `bellhop.cleaning.requested.v1`; at most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub notify: Vec<String>,
    /// Local hours in which guests get no mail: what falls into them is sent at their end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
    /// Languages of guest messages in order of preference, BCP 47; at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    pub languages: Vec<String>,
}

/// A rental unit (capacity 1) or a room type (capacity up to 500).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Unit {
    /// The unit's id.
    pub id: UnitId,
    /// How many bookings fit each night, 1 to 500.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 500))]
    pub capacity: u16,
    /// For people; at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub name: Option<String>,
}

/// Hours without mail, local to the property; over midnight when `until` is before `from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct QuietHours {
    /// Their first minute, `HH:MM`.
    pub from: LocalTime,
    /// The first minute after them, `HH:MM`; equal to `from`: no quiet hours.
    pub until: LocalTime,
}

fn one() -> u16 {
    1
}

impl Payload for Property {
    fn version(&self) -> u64 {
        self.version
    }

    fn check(&self, envelope: &Envelope) -> Result<(), Fault> {
        if envelope.subject.id() != envelope.property.as_str() {
            return Err(Fault::new(Reason::SubjectMismatch, "/subject")
                .found(&envelope.subject)
                .expected(format!("property/{}", envelope.property)));
        }
        if !(1..=MAX_UNITS).contains(&self.units.len()) {
            return Err(Fault::new(Reason::InvalidData, "/data/units")
                .found(format!("{} units", self.units.len()))
                .expected(format!("1 to {MAX_UNITS} units")));
        }
        let mut seen = BTreeSet::new();
        for (index, unit) in self.units.iter().enumerate() {
            if !seen.insert(&unit.id) {
                return Err(Fault::new(Reason::InvalidData, format!("/data/units/{index}/id"))
                    .found(&unit.id)
                    .expected("each unit once"));
            }
            if !(1..=MAX_CAPACITY).contains(&unit.capacity) {
                return Err(Fault::new(Reason::InvalidData, format!("/data/units/{index}/capacity"))
                    .found(unit.capacity)
                    .expected(format!("a capacity of 1 to {MAX_CAPACITY}")));
            }
            at_most(unit.name.as_ref(), 200, &format!("/data/units/{index}/name"))?;
        }
        at_most(self.name.as_ref(), 200, "/data/name")?;
        if self.channels.len() > 50 || self.languages.len() > 20 || self.notify.len() > 50 {
            let expected = "at most 50 channels, 50 types to notify of, and 20 languages";
            return Err(Fault::new(Reason::InvalidData, "/data").expected(expected).found("more of them"));
        }
        self.notify.iter().try_for_each(|name| at_most(Some(name), 256, "/data/notify"))?;
        self.languages.iter().try_for_each(|language| at_most(Some(language), 35, "/data/languages"))
    }
}

impl Property {
    /// The unit of this id.
    #[must_use]
    pub fn unit(&self, id: &UnitId) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.id == *id)
    }
}
