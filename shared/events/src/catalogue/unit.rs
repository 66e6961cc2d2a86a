//! Blocks: nights on which a unit is not for sale. They overlay bookings and never conflict with them.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Entry, Payload, at_most, entry};
use crate::{Envelope, EventId, Fault, Queue, Stay, SubjectKind};

/// `pms.unit.blocked.v1`
pub const UNIT_BLOCKED: Entry =
    entry::<Block>("pms.unit.blocked.v1", "Nights of a unit were taken out of sale, or such a block changed.")
        .on(Queue::OperationalCalendar, SubjectKind::Unit)
        .public();

/// `pms.unit.unblocked.v1`
pub const UNIT_UNBLOCKED: Entry = entry::<Block>("pms.unit.unblocked.v1", "A block was lifted.")
    .on(Queue::OperationalCalendar, SubjectKind::Unit)
    .public();

/// One block of a unit: a whole snapshot. The subject is the unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Block {
    /// Grows with each change of this block.
    pub version: u64,
    /// The block's own id, unique within its unit.
    pub block: EventId,
    /// First blocked night, `YYYY-MM-DD`.
    #[serde(with = "crate::civil::day")]
    #[schemars(with = "String", extend("format" = "date"))]
    pub from: Date,
    /// First night that is free again, `YYYY-MM-DD`.
    #[serde(with = "crate::civil::day")]
    #[schemars(with = "String", extend("format" = "date"))]
    pub until: Date,
    /// Why.
    #[serde(default)]
    pub source: BlockSource,
    /// For people; at most 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 200))]
    pub note: Option<String>,
}

/// Where a block comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum BlockSource {
    /// The PMS, without saying more.
    #[default]
    Pms,
    /// Maintenance.
    Maintenance,
    /// The owner stays.
    Owner,
    /// An imported calendar feed.
    Feed,
}

impl Block {
    /// The nights.
    pub fn stay(&self) -> Result<Stay, Fault> {
        Stay::new(self.from, self.until).map_err(|fault| Fault { pointer: "/data/until".to_owned(), ..fault })
    }
}

impl Payload for Block {
    fn version(&self) -> u64 {
        self.version
    }

    fn check(&self, _: &Envelope) -> Result<(), Fault> {
        self.stay()?;
        at_most(self.note.as_ref(), 200, "/data/note")
    }
}
