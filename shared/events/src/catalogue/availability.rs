//! Availability towards channels.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Entry, Payload, entry};
use crate::{Queue, SubjectKind};

/// `bellhop.availability.changed.v1`
pub const AVAILABILITY_CHANGED: Entry = entry::<AvailabilityChanged>(
    "bellhop.availability.changed.v1",
    "Nights of a unit may be sold differently than before: look at what the calendar says now.",
)
.on(Queue::Synchronization, SubjectKind::Unit)
.critical();

/// Nights whose availability may have changed. State, not deltas: the consumer reads the calendar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AvailabilityChanged {
    /// The version of what caused it, for the consumer's order within one cause; the calendar itself is the truth.
    pub version: u64,
    /// First night concerned, `YYYY-MM-DD`.
    #[serde(with = "crate::civil::day")]
    #[schemars(with = "String", extend("format" = "date"))]
    pub from: Date,
    /// The day after the last night concerned, `YYYY-MM-DD`.
    #[serde(with = "crate::civil::day")]
    #[schemars(with = "String", extend("format" = "date"))]
    pub until: Date,
}

impl Payload for AvailabilityChanged {
    fn version(&self) -> u64 {
        self.version
    }
}
